/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gensql.c - prints the part of hedb--1.1.sql that follows from ops.def: types, their
 * I/O, functions, operators, casts, operator classes, aggregates. sql/hedb.sql goes after
 * it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "optable.h"
#include "value.h"

enum {
	COST_OP = 50,      /* a round trip, some 0.5 us, against 10 ns of int4eq */
	COST_ENCRYPT = 60, /* and one more parse of text */
};

/* What the planner may assume of an operator, by its symbol. */
static const struct {
	const char *symbol, *commutator, *negator, *restriction, *join, *comment;
} facts[] = {
	{"=", "=", "<>", "eqsel", "eqjoinsel", "equal"},
	{"<>", "<>", "=", "neqsel", "neqjoinsel", "not equal"},
	{"<", ">", ">=", "hedb_ineqsel", "scalarltjoinsel", "less than"},
	{"<=", ">=", ">", "hedb_ineqsel", "scalarlejoinsel", "less than or equal"},
	{">", "<", "<=", "hedb_ineqsel", "scalargtjoinsel", "greater than"},
	{">=", "<=", "<", "hedb_ineqsel", "scalargejoinsel", "greater than or equal"},
	{"+", "+", NULL, NULL, NULL, "add"},
	{"-", NULL, NULL, NULL, NULL, "subtract or negate"},
	{"*", "*", NULL, NULL, NULL, "multiply"},
	{"/", NULL, NULL, NULL, NULL, "divide"},
	{"%", NULL, NULL, NULL, NULL, "modulus"},
	{"^", NULL, NULL, NULL, NULL, "exponentiate, exactly"},
	{"|/", NULL, NULL, NULL, NULL, "square root"},
	{"||/", NULL, NULL, NULL, NULL, "cube root"},
	{"@", NULL, NULL, NULL, NULL, "absolute value"},
	{"||", NULL, NULL, NULL, NULL, "concatenate"},
	{"&", "&", NULL, NULL, NULL, "bitwise and"},
	{"|", "|", NULL, NULL, NULL, "bitwise or"},
	{"#", "#", NULL, NULL, NULL, "bitwise exclusive or"},
	{"~", NULL, NULL, NULL, NULL, "bitwise not"},
	{"<<", NULL, NULL, NULL, NULL, "bitwise shift left"},
	{">>", NULL, NULL, NULL, NULL, "bitwise shift right"},
	{"~~", NULL, "!~~", "likesel", "likejoinsel", "matches LIKE expression"},
	{"!~~", NULL, "~~", "nlikesel", "nlikejoinsel", "does not match LIKE"},
	{"~~*", NULL, "!~~*", "iclikesel", "iclikejoinsel", "matches LIKE, ignoring case"},
	{"!~~*", NULL, "~~*", "icnlikesel", "icnlikejoinsel",
		"does not match LIKE, ignoring case"},
};

static const char *comparisons[] = {"<", "<=", "=", ">=", ">"};

/* The operator families that types share; NULL: each class has its own. */
static const struct family {
	const char *btree, *hash;
} families[T_FIRST_PUBLIC] = {
#define FAMILY(T, btree, hash) [T_##T] = {#btree, #hash},
#include "ops.def"
};

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Arguments in SQL: the session's time zone is none. */
static int sql_nargs(const struct op *op)
{
	return op->nargs - (op->args[op->nargs - 1] == T_PUB_ZONE);
}

/* Whether the two types that an operation compares have that family in common. */
static bool share_btree(const struct op *op)
{
	return sql_nargs(op) == 2 && same(families[op->args[0]].btree, families[op->args[1]].btree);
}

static bool share_hash(const struct op *op)
{
	return sql_nargs(op) == 2 && same(families[op->args[0]].hash, families[op->args[1]].hash);
}

static const char *sql_type(uint32_t type)
{
	return optable_type(type).name;
}

static void function(const char *name, const char *args, const char *result,
	const char *symbol, const char *volatility, int cost)
{
	printf("CREATE FUNCTION %s(%s) RETURNS %s\n"
		   "\tAS 'MODULE_PATHNAME', '%s' LANGUAGE C %s STRICT PARALLEL SAFE COST %d;\n",
		name, args, result, symbol, volatility, cost);
}

static char category(const char *plain)
{
	static const struct {
		const char *plain;
		char category;
	} others[] = {{"bool", 'B'}, {"bytea", 'U'}, {"uuid", 'U'}, {"text", 'S'}, {"date", 'D'},
		{"timestamp", 'D'}, {"timestamptz", 'D'}, {"interval", 'T'}};
	size_t i;

	for (i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(plain, others[i].plain) == 0)
			return others[i].category;
	return 'N';
}

/* The category is that of the plain type, never preferred: so an unknown literal and
 * CASE, COALESCE or UNION with plain values resolve as they did without hedb. */
static void type(const char *name, struct op_type_info t)
{
	char f[64];

	printf("\nCREATE TYPE %s;\n", name);
	snprintf(f, sizeof f, "%s_in", name);
	function(f, "cstring", name, f, "STABLE", COST_ENCRYPT);
	snprintf(f, sizeof f, "%s_out", name);
	function(f, name, "cstring", f, "STABLE", COST_ENCRYPT);
	snprintf(f, sizeof f, "%s_recv", name);
	function(f, "internal", name, f, "IMMUTABLE", 1);
	snprintf(f, sizeof f, "%s_send", name);
	function(f, name, "bytea", f, "IMMUTABLE", 1);
	printf("CREATE TYPE %s (\n"
		   "\tINPUT = %s_in, OUTPUT = %s_out, RECEIVE = %s_recv, SEND = %s_send,\n"
		   "\tANALYZE = hedb_typanalyze, CATEGORY = '%c', ",
		name, name, name, name, name, category(t.plain));
	if (t.size)
		printf("INTERNALLENGTH = %zu, ALIGNMENT = char, STORAGE = plain\n);\n", value_size(t.size));
	else
		printf("INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = external\n);\n");
	printf("COMMENT ON TYPE %s IS 'encrypted %s';\n", name, t.plain);
	snprintf(f, sizeof f, "%s_encrypt", name);
	function(f, t.plain, name, f, "STABLE", COST_ENCRYPT);
	snprintf(f, sizeof f, "%s_decrypt", name);
	function(f, name, t.plain, f, "STABLE", COST_ENCRYPT);
	printf("REVOKE EXECUTE ON FUNCTION %s(%s) FROM PUBLIC;\n", f, name);
}

static void operator(const struct op *op)
{
	int nargs = sql_nargs(op);
	size_t i;

	for (i = 0; i < sizeof facts / sizeof facts[0]; i++)
		if (strcmp(op->symbol, facts[i].symbol) == 0)
			break;
	if (i == sizeof facts / sizeof facts[0])
		return;
	printf("CREATE OPERATOR %s (FUNCTION = %s", op->symbol, op->name);
	if (nargs == 2)
		printf(", LEFTARG = %s", sql_type(op->args[0]));
	printf(", RIGHTARG = %s", sql_type(op->args[nargs - 1]));
	if (nargs == 2 && facts[i].commutator)
		printf(", COMMUTATOR = %s", facts[i].commutator);
	if (facts[i].negator)
		printf(", NEGATOR = %s", facts[i].negator);
	if (facts[i].restriction)
		printf(",\n\tRESTRICT = %s, JOIN = %s", facts[i].restriction, facts[i].join);
	if (strcmp(op->symbol, "=") == 0)
		printf("%s%s", op->args[0] == op->args[1] || share_hash(op) ? ", HASHES" : "",
			op->args[0] == op->args[1] || share_btree(op) ? ", MERGES" : "");
	printf(");\n");
	printf("COMMENT ON OPERATOR %s (%s, %s) IS '%s';\n", op->symbol,
		nargs == 2 ? sql_type(op->args[0]) : "NONE",
		sql_type(op->args[nargs - 1]), facts[i].comment);
}

/* Arithmetic with a plain operand, `x + 1`, in one round trip instead of two. Only what
 * PostgreSQL has for every pair of integer types: `bigint % integer` has no exact match
 * there and would become ambiguous. Comparisons have to be members of operator families. */
static void mixed(const struct op *op, uint32_t plain, int side)
{
	const char *secret = sql_type(op->args[0]), *other = sql_type(plain);
	char args[64], symbol[64];

	snprintf(args, sizeof args, "%s, %s", side ? secret : other, side ? other : secret);
	snprintf(symbol, sizeof symbol, "mixed_%s", op->name);
	function(op->name, args, sql_type(op->result), symbol, "STABLE", COST_OP);
	printf("CREATE OPERATOR %s (FUNCTION = %s, LEFTARG = %s, RIGHTARG = %s%s%s);\n",
		op->symbol, op->name, side ? secret : other, side ? other : secret,
		strchr("+*", op->symbol[0]) ? ", COMMUTATOR = " : "",
		strchr("+*", op->symbol[0]) ? op->symbol : "");
}

static void mixes(const struct op *op)
{
	int side;

	if (op->nargs != 2 || !op->symbol[0] || !strchr("+-*/", op->symbol[0]) ||
		(op->args[0] != T_INT4 && op->args[0] != T_INT8) ||
		(op->args[1] != T_INT4 && op->args[1] != T_INT8))
		return;
	for (side = 0; side < 2; side++) {
		mixed(op, T_PUB_INT4, side);
		if (op->args[0] == T_INT8)
			mixed(op, T_PUB_INT8, side);
	}
}

/*
 * Operators that are casts and another operator, which the planner puts in their place: so
 * indexes, joins and constants are what they would be without.
 *
 * enc_int8 < 1 could be the comparison with an enc_int4 or with an enc_int8. And where
 * PostgreSQL finds that int4 + float4 means double precision by preferring that type, hedb
 * cannot, for a preferred type would change what plain expressions mean. So numbers become
 * enc_float8 by no implicit cast, and these say what each pair means. Integers with a plain
 * numeric are no pair: int4 < numeric would then have two meanings.
 */
static void inlined(const char *symbol, const char *name, const char *left, const char *right,
	const char *as)
{
	bool predicate = strchr("<=>", symbol[0]);
	size_t i;

	printf("CREATE FUNCTION as_%s_%s(a %s, b %s) RETURNS %s\n"
		   "\tLANGUAGE SQL STABLE STRICT PARALLEL SAFE RETURN a::%s %s b::%s;\n"
		   "CREATE OPERATOR %s (FUNCTION = as_%s_%s, LEFTARG = %s, RIGHTARG = %s",
		as, name, left, right, predicate ? "bool" : as, as, symbol, as, symbol, as, name, left,
		right);
	for (i = 0; predicate && i < sizeof facts / sizeof facts[0]; i++)
		if (strcmp(facts[i].symbol, symbol) == 0)
			printf(",\n\tCOMMUTATOR = %s, NEGATOR = %s, RESTRICT = %s, JOIN = %s",
				facts[i].commutator, facts[i].negator, facts[i].restriction, facts[i].join);
	printf(");\n");
}

static void inlined_pair(const char *a, const char *b, const char *as, bool arithmetic)
{
	static const struct {
		const char *symbol, *name;
	} ops[] = {{"=", "eq"}, {"<>", "ne"}, {"<", "lt"}, {"<=", "le"}, {">", "gt"}, {">=", "ge"},
		{"+", "add"}, {"-", "sub"}, {"*", "mult"}, {"/", "div"}};
	enum { COMPARISONS = 6, ALL = 10 };
	int i;

	for (i = 0; i < (arithmetic ? ALL : COMPARISONS); i++) {
		inlined(ops[i].symbol, ops[i].name, a, b, as);
		inlined(ops[i].symbol, ops[i].name, b, a, as);
	}
}

/* What PostgreSQL has for double precision only. */
static void inlined_function(const char *name, const char *type)
{
	printf("CREATE FUNCTION %s(a %s) RETURNS enc_float8\n"
		   "\tLANGUAGE SQL STABLE STRICT PARALLEL SAFE RETURN %s(a::enc_float8);\n",
		name, type, name);
}

static void all_inlined(void)
{
	static const char *const floats[] = {"enc_float4", "enc_float8"};
	static const char *const numbers[] = {
		"enc_int4", "enc_int8", "enc_numeric", "int4", "int8", "numeric", "int2"};
	static const char *const functions[] = {"sign", "round", "trunc", "ceil", "ceiling",
		"floor", "sqrt", "cbrt", "exp", "ln", "log"};
	/* what the zone makes a text of */
	static const char *const texts[] = {"enc_int4", "enc_int8", "enc_numeric", "enc_float4",
		"enc_float8", "enc_bool", "enc_uuid"};
	static const char *const angles[] = {"sin", "cos", "tan", "cot", "asin", "acos", "atan",
		"sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "degrees", "radians", "sind", "cosd",
		"tand", "cotd", "asind", "acosd", "atand"};
	size_t f, n;

	printf("\n");
	inlined_pair("enc_int4", "int4", "enc_int4", false);
	inlined_pair("enc_int8", "int4", "enc_int8", false);
	inlined_pair("enc_int4", "int2", "enc_int4", true);
	inlined_pair("enc_int8", "int2", "enc_int8", true);
	for (f = 0; f < sizeof floats / sizeof floats[0]; f++)
		for (n = 0; n < sizeof numbers / sizeof numbers[0]; n++)
			inlined_pair(floats[f], numbers[n], "enc_float8", true);
	for (n = 0; n < sizeof texts / sizeof texts[0]; n++) {
		inlined("||", "concat", "enc_text", texts[n], "enc_text");
		inlined("||", "concat", texts[n], "enc_text", "enc_text");
	}
	for (f = 0; f < sizeof functions / sizeof functions[0]; f++)
		for (n = 0; n < 2; n++)
			inlined_function(functions[f], numbers[n]);
	for (f = 0; f < sizeof angles / sizeof angles[0]; f++)
		for (n = 0; n < 3; n++)
			inlined_function(angles[f], numbers[n]);
}

static const char *volatility(const struct op *op)
{
	return op->flags & OP_STABLE ? "STABLE" : "IMMUTABLE";
}

static void op_function(const char *name, const struct op *op)
{
	char args[128] = "", symbol[64];
	int i;

	for (i = 0; i < sql_nargs(op); i++) {
		strcat(args, i ? ", " : "");
		strcat(args, sql_type(op->args[i]));
	}
	snprintf(symbol, sizeof symbol, "op_%s", op->name);
	printf("CREATE FUNCTION %s(%s) RETURNS %s\n"
		   "\tAS 'MODULE_PATHNAME', '%s' LANGUAGE C %s STRICT PARALLEL SAFE COST %d\n"
		   "\tSUPPORT hedb_operation_support;\n",
		name, args, sql_type(op->result), symbol, volatility(op), COST_OP);
}

static void operation(const struct op *op)
{
	op_function(op->name, op);
	if (op->symbol[0])
		operator(op);
	mixes(op);
}

/* ---- casts ---- */

static const char *context(const char *how)
{
	return strcmp(how, "IMPLICIT") == 0   ? " AS IMPLICIT"
		: strcmp(how, "ASSIGNMENT") == 0 ? " AS ASSIGNMENT"
										 : "";
}

static void cast(const struct op *op, const char *how)
{
	const char *from = sql_type(op->args[0]);

	printf("CREATE CAST (%s AS %s) WITH FUNCTION %s(%s)%s;\n", from, sql_type(op->result),
		op->name, from, context(how));
}

/* STABLE, since it depends on the mode; constants are encrypted when the query is planned. */
static void plain_cast(const char *plain, uint32_t secret, const char *how)
{
	const char *type = sql_type(secret);

	printf("CREATE FUNCTION %s(%s) RETURNS %s\n"
		   "\tAS 'MODULE_PATHNAME', 'hedb_cast' LANGUAGE C STABLE STRICT PARALLEL SAFE\n"
		   "\tCOST %d SUPPORT hedb_cast_support;\n"
		   "CREATE CAST (%s AS %s) WITH FUNCTION %s(%s)%s;\n",
		type, plain, type, COST_ENCRYPT, plain, type, type, plain, context(how));
}

/* ---- operator classes and aggregates ---- */

/* FAMILY, if the type has not one of its own. */
static void in_family(const char *access, const char *name)
{
	if (name)
		printf(" FAMILY %s_%s_ops", access, name);
	printf(" AS\n");
}

static void class(uint32_t type)
{
	const char *name = sql_type(type);
	char f[64], args[64];
	unsigned i;

	snprintf(f, sizeof f, "%s_hash", name);
	function(f, name, "int4", f, "IMMUTABLE", COST_OP);
	snprintf(f, sizeof f, "%s_hash_extended", name);
	snprintf(args, sizeof args, "%s, int8", name);
	function(f, args, "int8", f, "IMMUTABLE", COST_OP);
	snprintf(f, sizeof f, "%s_sortsupport", name);
	function(f, "internal", "void", f, "IMMUTABLE", 1);
	printf("CREATE OPERATOR CLASS btree_%s_ops DEFAULT FOR TYPE %s USING btree", name, name);
	in_family("btree", families[type].btree);
	for (i = 0; i < 5; i++)
		printf("\tOPERATOR %u %s,\n", i + 1, comparisons[i]);
	printf("\tFUNCTION 1 %s_cmp(%s, %s), FUNCTION 2 %s_sortsupport(internal);\n", name, name,
		name, name);
	printf("CREATE OPERATOR CLASS hash_%s_ops DEFAULT FOR TYPE %s USING hash", name, name);
	in_family("hash", families[type].hash);
	printf("\tOPERATOR 1 =, FUNCTION 1 %s_hash(%s), FUNCTION 2 %s_hash_extended(%s, int8);\n",
		name, name, name, name);
}

/* Families of several types, each once: where its first type is. */
static void shared_families(void)
{
	uint32_t t, u;

	for (t = 1; t < T_FIRST_PUBLIC; t++) {
		bool btree = families[t].btree, hash = families[t].hash;

		for (u = 1; u < t; u++) {
			btree &= !same(families[u].btree, families[t].btree);
			hash &= !same(families[u].hash, families[t].hash);
		}
		if (btree)
			printf("CREATE OPERATOR FAMILY btree_%s_ops USING btree;\n", families[t].btree);
		if (hash)
			printf("CREATE OPERATOR FAMILY hash_%s_ops USING hash;\n", families[t].hash);
	}
}

/* A comparison of two types becomes a member of their family. */
static void member(const struct op *op)
{
	const char *a = sql_type(op->args[0]), *b = sql_nargs(op) == 2 ? sql_type(op->args[1]) : "";
	unsigned i;

	if (op->args[0] == op->args[1] || !share_btree(op))
		return;
	printf("ALTER OPERATOR FAMILY btree_%s_ops USING btree ADD ", families[op->args[0]].btree);
	for (i = 0; i < 5; i++)
		if (strcmp(op->symbol, comparisons[i]) == 0)
			break;
	if (i < 5)
		printf("OPERATOR %u %s (%s, %s);\n", i + 1, op->symbol, a, b);
	else
		printf("FUNCTION 1 (%s, %s) %s(%s, %s);\n", a, b, op->name, a, b);
	if (strcmp(op->symbol, "=") == 0 && share_hash(op))
		printf("ALTER OPERATOR FAMILY hash_%s_ops USING hash ADD OPERATOR 1 = (%s, %s);\n",
			families[op->args[0]].hash, a, b);
}

static bool is_comparison(const struct op *op)
{
	size_t len = strlen(op->name);

	return op->flags & OP_PRED ? strcmp(op->symbol, "<>") != 0 && op->symbol[0] &&
									 strchr("<=>", op->symbol[0])
							   : len > 4 && strcmp(op->name + len - 4, "_cmp") == 0;
}

/* Of pairs there are three arguments: the third is the partial result. */
static bool of_pairs(const struct op *reduce)
{
	return reduce->nargs == 3;
}

static const char *item_types(const struct op *reduce, char *to, size_t cap)
{
	snprintf(to, cap, "%s%s%s", sql_type(reduce->args[0]), of_pairs(reduce) ? ", " : "",
		of_pairs(reduce) ? sql_type(reduce->args[1]) : "");
	return to;
}

/* The transition function is shared by all aggregates that gather alike: for sum(x) and
 * avg(x) in one query PostgreSQL then calls it once. */
static void reduction(const struct op *op)
{
	char items[64];

	printf("CREATE FUNCTION %s_trans(internal, %s) RETURNS internal\n"
		   "\tAS 'MODULE_PATHNAME', 'trans_%s' LANGUAGE C IMMUTABLE PARALLEL SAFE;\n",
		op->name, item_types(op, items, sizeof items), op->name);
}

static void aggregate(
	const char *name, const struct op *reduce, const struct op *finish, const char *sort)
{
	char items[64];

	printf("CREATE FUNCTION %s_%s_final(internal) RETURNS %s\n"
		   "\tAS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST %d;\n"
		   "CREATE AGGREGATE %s(%s) (SFUNC = %s_trans, STYPE = internal,\n"
		   "\tSSPACE = 256, FINALFUNC = %s_%s_final, %s"
		   "%s%s%sPARALLEL = SAFE);\n",
		name, reduce->name, sql_type(finish ? finish->result : reduce->result), COST_OP, name,
		item_types(reduce, items, sizeof items), reduce->name, name, reduce->name,
		of_pairs(reduce) ? "" : "COMBINEFUNC = hedb_combine,\n"
			"\tSERIALFUNC = hedb_serialize, DESERIALFUNC = hedb_deserialize,\n\t",
		sort[0] ? "SORTOP = " : "", sort, sort[0] ? ", " : "");
}

static void aggregates(void)
{
	printf("\nCREATE FUNCTION hedb_combine(internal, internal) RETURNS internal\n"
		   "\tAS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;\n"
		   "CREATE FUNCTION hedb_serialize(internal) RETURNS bytea\n"
		   "\tAS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;\n"
		   "CREATE FUNCTION hedb_deserialize(bytea, internal) RETURNS internal\n"
		   "\tAS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;\n");
#define REDUCTION(reduce, fold) reduction(optable_op(OP_##reduce));
#include "ops.def"
#define AGGREGATE(name, reduce, finish, sort)                                           \
	aggregate(#name, optable_op(OP_##reduce), optable_op(OP_##finish), sort);
#include "ops.def"
}

static void names_and_casts(void)
{
	printf("\n");
#define ALIAS(name, op) op_function(name, optable_op(OP_##op));
#include "ops.def"
	printf("\n");
#define CAST(op, how) cast(optable_op(OP_##op), #how);
#include "ops.def"
	printf("\nCREATE FUNCTION hedb_cast_support(internal) RETURNS internal\n"
		   "\tAS 'MODULE_PATHNAME' LANGUAGE C STRICT PARALLEL SAFE;\n");
#define PLAIN_CAST(plain, T, how) plain_cast(#plain, T_##T, #how);
#include "ops.def"
}

/* HEDB's older scripts call everything pg_enc_*. */
static void older_names(void)
{
	static const char *const names[] = {"eq", "ne", "lt", "le", "gt", "ge", "cmp", "min", "max",
		"add", "sub", "mult", "div", "mod", "pow", "exp", "concatenate", "like", "notlike",
		"substring"};
	static const uint8_t types[] = {T_INT4, T_FLOAT4, T_TIMESTAMP, T_TEXT};
	char name[64], symbol[64];
	size_t t, i;
	uint32_t code;

	for (t = 0; t < sizeof types; t++) {
		struct op_type_info info = optable_type(types[t]);

		for (i = 0; i < sizeof names / sizeof names[0]; i++) {
			snprintf(name, sizeof name, "pg_%s_%s", info.name, names[i]);
			for (code = 0; code < OPTABLE_CODES; code++)
				if (optable_op(code) && strcmp(optable_op(code)->name, name + 3) == 0)
					op_function(name, optable_op(code));
		}
		snprintf(name, sizeof name, "pg_%s_encrypt", info.name);
		snprintf(symbol, sizeof symbol, "%s_encrypt", info.name);
		function(name, info.plain, info.name, symbol, "STABLE", COST_ENCRYPT);
		snprintf(name, sizeof name, "pg_%s_decrypt", info.name);
		snprintf(symbol, sizeof symbol, "%s_decrypt", info.name);
		function(name, info.name, info.plain, symbol, "STABLE", COST_ENCRYPT);
		printf("REVOKE EXECUTE ON FUNCTION %s(%s) FROM PUBLIC;\n", name, info.name);
	}
}

int main(void)
{
	uint32_t t, code;

	printf("-- Made from common/ops.def by sql/gensql.c, and sql/hedb.sql. Do not edit.\n"
		   "\\echo Use \"CREATE EXTENSION hedb\" to load this file. \\quit\n\n"
		   "CREATE FUNCTION hedb_typanalyze(internal) RETURNS bool\n"
		   "\tAS 'MODULE_PATHNAME' LANGUAGE C STRICT PARALLEL SAFE;\n"
		   "CREATE FUNCTION hedb_operation_support(internal) RETURNS internal\n"
		   "\tAS 'MODULE_PATHNAME' LANGUAGE C STRICT PARALLEL SAFE;\n"
		   "CREATE FUNCTION hedb_ineqsel(internal, oid, internal, int4) RETURNS float8\n"
		   "\tAS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;\n");
	for (t = 1; t < T_FIRST_PUBLIC; t++)
		if (optable_type(t).name)
			type(optable_type(t).name, optable_type(t));
	printf("\n");
	for (code = 0; code < OPTABLE_CODES; code++)
		if (optable_op(code) && !(optable_op(code)->flags & OP_INTERNAL))
			operation(optable_op(code));
	names_and_casts();
	printf("\n");
	shared_families();
	for (t = 1; t < T_FIRST_PUBLIC; t++)
		if (optable_type(t).name)
			class(t);
	for (code = 0; code < OPTABLE_CODES; code++)
		if (optable_op(code) && is_comparison(optable_op(code)))
			member(optable_op(code));
	all_inlined();
	aggregates();
	older_names();
	return 0;
}
