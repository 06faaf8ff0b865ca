/* SPDX-License-Identifier: BSD-3-Clause */
#include "compile.h"

#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

enum {
	IN_MAX = 24,         /* constants of IN that are compared one by one */
	GENERIC_BASE = 0x400,
	GENERIC_CODES = 8,   /* of each type, see ops.def */
	GENERIC_BOOL = 0x700,
};

/* ---- functions and types of the catalogue ---- */

/* The C functions that scalar.c made of the operations. */
#define OP(code, sql, symbol, result, args, kernel, flags) \
	extern Datum op_##sql(PG_FUNCTION_ARGS);               \
	extern Datum mixed_##sql(PG_FUNCTION_ARGS);
#include "operations.h"
#define OP(code, sql, symbol, result, args, kernel, flags) \
	[code] = {op_##sql, mixed_##sql},
static const struct {
	PGFunction op, mixed;
} entries[OPTABLE_CODES] = {
#include "operations.h"
};

/* Which operation that C function is; 0: none. */
static uint16_t code_of(PGFunction f, bool *mixed)
{
	uint16_t code;

	for (code = 0; code < OPTABLE_CODES; code++)
		if (entries[code].op && (entries[code].op == f || entries[code].mixed == f)) {
			*mixed = entries[code].mixed == f;
			return code;
		}
	return 0;
}

/* What a function is, cached until pg_proc changes. */
struct known {
	Oid oid;
	uint16_t code; /* 0: no operation */
	uint8_t plain; /* mask of arguments that are plain and cross in clear */
};

static HTAB *functions;

static void functions_changed(Datum arg, int cache, uint32 hash)
{
	HASH_SEQ_STATUS s;
	struct known *k;

	hash_seq_init(&s, functions);
	while ((k = hash_seq_search(&s)) != NULL)
		hash_search(functions, &k->oid, HASH_REMOVE, NULL);
}

static void functions_open(void)
{
	HASHCTL ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(struct known)};

	functions = hash_create("hedb functions", 128, &ctl, HASH_ELEM | HASH_BLOBS);
	CacheRegisterSyscacheCallback(PROCOID, functions_changed, 0);
}

/* Which arguments of a mixed function are integers in clear. */
static uint8_t plain_arguments(const oidvector *types, bool *other)
{
	uint8_t mask = 0;
	int i;

	*other = false;
	for (i = 0; i < types->dim1; i++)
		if (types->values[i] == INT4OID || types->values[i] == INT8OID)
			mask |= (uint8_t)(1 << i);
		else if (!code_secret_type(types->values[i]))
			*other = true;
	return mask;
}

/* Arguments in SQL: the session's time zone is none. */
static int sql_nargs(const struct op *op)
{
	return op->nargs - (op->args[op->nargs - 1] == T_PUB_ZONE);
}

static void look_up(struct known *k)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(k->oid));
	Form_pg_proc f;
	FmgrInfo call;
	bool mixed, other;

	k->code = 0;
	k->plain = 0;
	if (!HeapTupleIsValid(tuple))
		return;
	f = (Form_pg_proc)GETSTRUCT(tuple);
	if (f->prolang == ClanguageId && f->proisstrict && !f->proretset) {
		fmgr_info(k->oid, &call);
		k->code = code_of(call.fn_addr, &mixed);
		if (k->code && mixed) {
			k->plain = plain_arguments(&f->proargtypes, &other);
			if (other)
				k->code = 0;
		}
		if (k->code && f->pronargs != sql_nargs(optable_op(k->code)))
			k->code = 0;
	}
	ReleaseSysCache(tuple);
}

/* Looking a function up may load a library and flush the cache: so first look, then
 * enter. */
static struct known function(Oid oid)
{
	struct known k = {.oid = oid}, *entry;

	if (oid < FirstNormalObjectId)
		return k;
	if (!functions)
		functions_open();
	entry = hash_search(functions, &oid, HASH_FIND, NULL);
	if (entry)
		return *entry;
	look_up(&k);
	entry = hash_search(functions, &oid, HASH_ENTER, NULL);
	*entry = k;
	return k;
}

/* A text column of a function's row; NULL when it has none. */
static char *function_text(HeapTuple tuple, AttrNumber which)
{
	bool null;
	Datum d = SysCacheGetAttr(PROCOID, tuple, which, &null);

	return null ? NULL : TextDatumGetCString(d);
}

/* The type whose input function of ours it is. */
static uint8_t type_of_input(Oid input)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(input));
	const char *source, *library;
	uint8_t type, found = 0;

	if (!HeapTupleIsValid(tuple))
		return 0;
	source = function_text(tuple, Anum_pg_proc_prosrc);
	library = function_text(tuple, Anum_pg_proc_probin);
	if (source && library && strcmp(library, "$libdir/hedb") == 0)
		for (type = 1; type < T_FIRST_PUBLIC; type++)
			if (optable_type(type).name &&
				strcmp(source, psprintf("%s_in", optable_type(type).name)) == 0)
				found = type;
	ReleaseSysCache(tuple);
	return found;
}

uint8_t code_secret_type(Oid type)
{
	HeapTuple tuple;
	Oid input = InvalidOid;

	if (type < FirstNormalObjectId)
		return 0;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		return 0;
	if (((Form_pg_type)GETSTRUCT(tuple))->typtype == TYPTYPE_BASE)
		input = ((Form_pg_type)GETSTRUCT(tuple))->typinput;
	ReleaseSysCache(tuple);
	return input < FirstNormalObjectId ? 0 : type_of_input(input);
}

/* The generic operation of that name on a type: enc_int4_case. 0: it has none. */
static uint16_t generic(uint8_t type, const char *what)
{
	const char *name = optable_type(type).name;
	uint32_t code,
		base = type == T_PUB_BOOL ? GENERIC_BOOL : GENERIC_BASE + GENERIC_CODES * type;
	char want[64];

	snprintf(want, sizeof want, "%s_%s", name, what);
	for (code = base; code < base + GENERIC_CODES && code < OPTABLE_CODES; code++)
		if (optable_op(code) && strcmp(optable_op(code)->name, want) == 0)
			return (uint16_t)code;
	return 0;
}

/* ---- what may be an argument ---- */

static bool unsteady_walker(Node *n, void *ctx)
{
	if (n == NULL)
		return false;
	if (IsA(n, SubPlan) || IsA(n, AlternativeSubPlan) || IsA(n, CaseTestExpr) ||
		IsA(n, CoerceToDomainValue) || IsA(n, CurrentOfExpr) || IsA(n, SetToDefault))
		return true;
	return expression_tree_walker(n, unsteady_walker, ctx);
}

/* Can PostgreSQL evaluate it before the row is sent? */
static bool is_local(Node *n, bool certain)
{
	if (IsA(n, Var) || IsA(n, Const) || IsA(n, Param) || IsA(n, Aggref) ||
		IsA(n, WindowFunc))
		return true;
	return !unsteady_walker(n, NULL) && !contain_volatile_functions(n) &&
		!expression_returns_set(n) && (certain || !contain_leaked_vars(n));
}

static bool row_walker(Node *n, void *ctx)
{
	if (n == NULL)
		return false;
	if (IsA(n, Var) || IsA(n, Aggref) || IsA(n, WindowFunc) || IsA(n, GroupingFunc) ||
		IsA(n, PlaceHolderVar))
		return true;
	return expression_tree_walker(n, row_walker, ctx);
}

/* ---- emitting ---- */

static bool push(struct code *c, int arg)
{
	if (c->nwords == PROGRAM_CODE_MAX || c->depth == PROGRAM_STACK)
		return false;
	c->word[c->nwords++] = (uint16_t)(PROGRAM_PUSH | arg);
	c->depth++;
	return true;
}

static bool emit(struct code *c, uint16_t code)
{
	if (c->nwords == PROGRAM_CODE_MAX)
		return false;
	c->word[c->nwords++] = code;
	c->depth -= optable_op(code)->nargs - 1;
	return true;
}

static bool push_local(struct code *c, Expr *e, uint8_t type, uint8_t flags, bool certain)
{
	int i;

	if (!is_local((Node *)e, certain))
		return false;
	if (!row_walker((Node *)e, NULL))
		flags |= ARG_ONE;
	for (i = 0; i < c->nargs; i++)
		if (c->arg[i].type == type && c->arg[i].flags == flags && equal(c->arg[i].expr, e))
			return push(c, i);
	if (c->nargs == PROGRAM_ARGS_MAX)
		return false;
	c->arg[c->nargs].expr = e;
	c->arg[c->nargs].type = type;
	c->arg[c->nargs].flags = flags;
	return push(c, c->nargs++);
}

/* The session's time zone, which execution fills in. */
static bool push_zone(struct code *c)
{
	return push_local(
		c, (Expr *)makeNullConst(TEXTOID, -1, InvalidOid), T_PUB_ZONE, 0, true);
}

static bool add(struct code *c, Node *n, uint8_t type, bool certain);

/* A function's call: its arguments, then the operation. */
static bool add_call(struct code *c, Oid oid, List *args, uint8_t type, bool certain)
{
	struct known k = function(oid);
	const struct op *op = k.code ? optable_op(k.code) : NULL;
	ListCell *lc;
	int i = 0;

	if (!op || op->result != type || list_length(args) != sql_nargs(op) ||
		(op->flags & (OP_REDUCE | OP_REVEAL | OP_WHOLE)))
		return false;
	if (k.plain && hedb_mode != MODE_CLIENT)
		return false;
	foreach (lc, args) {
		Expr *arg = lfirst(lc);

		if ((k.plain >> i) & 1) {
			if (!push_local(c, arg, op->args[i], ARG_CLEAR, certain))
				return false;
		} else if (!add(c, (Node *)arg, op->args[i], certain)) {
			return false;
		}
		i++;
	}
	if (i < op->nargs && !push_zone(c))
		return false;
	c->operations++;
	c->functions = list_append_unique_oid(c->functions, oid);
	return emit(c, k.code);
}

static bool add_bool(struct code *c, BoolExpr *b, bool certain)
{
	uint16_t code = b->boolop == AND_EXPR ? OP_bool_and : OP_bool_or;
	bool first = true;
	ListCell *lc;

	foreach (lc, b->args) {
		if (!add(c, lfirst(lc), T_PUB_BOOL, certain && first))
			return false;
		if (b->boolop == NOT_EXPR)
			return emit(c, OP_bool_not);
		if (!first && !emit(c, code))
			return false;
		first = false;
	}
	return true;
}

/* x = ANY (constants) as a chain of ORs, and x <> ALL of ANDs. */
static bool add_array(struct code *c, ScalarArrayOpExpr *s, bool certain)
{
	struct known k = function(s->opfuncid);
	Const *list = lsecond(s->args);
	ArrayIterator it;
	ArrayType *array;
	Oid type;
	int16 len;
	bool by_value, null, first = true;
	char align;
	Datum d;

	if (!k.code || k.plain || optable_op(k.code)->result != T_PUB_BOOL ||
		optable_op(k.code)->nargs != 2 ||
		!IsA(list, Const) || list->constisnull)
		return false;
	array = DatumGetArrayTypeP(list->constvalue);
	type = ARR_ELEMTYPE(array);
	if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > IN_MAX ||
		ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) == 0 ||
		code_secret_type(type) != optable_op(k.code)->args[1])
		return false;
	get_typlenbyvalalign(type, &len, &by_value, &align);
	it = array_create_iterator(array, 0, NULL);
	while (array_iterate(it, &d, &null)) {
		Const *item = makeConst(type, -1, InvalidOid, len, d, null, by_value);

		if (!add(c, linitial(s->args), optable_op(k.code)->args[0], certain && first) ||
			!push_local(c, (Expr *)item, optable_op(k.code)->args[1], 0, true) ||
			!emit(c, k.code) ||
			(!first && !emit(c, s->useOr ? OP_bool_or : OP_bool_and)))
			return false;
		first = false;
	}
	array_free_iterator(it);
	c->operations++;
	c->functions = list_append_unique_oid(c->functions, s->opfuncid);
	return true;
}

/* CASE WHEN a THEN x WHEN b THEN y ELSE z: a x (b y z case) case. */
static bool add_case(struct code *c, CaseExpr *e, uint8_t type, bool certain)
{
	uint16_t code = generic(type, "case");
	Expr *otherwise = e->defresult;
	int n = 0;
	ListCell *lc;

	if (e->arg || !code)
		return false;
	if (!otherwise)
		otherwise = (Expr *)makeNullConst(e->casetype, -1, InvalidOid);
	foreach (lc, e->args) {
		CaseWhen *w = lfirst_node(CaseWhen, lc);

		if (!add(c, (Node *)w->expr, T_PUB_BOOL, certain && n == 0) ||
			!add(c, (Node *)w->result, type, false))
			return false;
		n++;
	}
	if (!add(c, (Node *)otherwise, type, false))
		return false;
	c->operations++;
	while (n-- > 0)
		if (!emit(c, code))
			return false;
	return true;
}

static bool add_coalesce(struct code *c, CoalesceExpr *e, uint8_t type, bool certain)
{
	uint16_t code = generic(type, "coalesce");
	bool first = true;
	ListCell *lc;

	if (!code)
		return false;
	foreach (lc, e->args) {
		if (!add(c, lfirst(lc), type, certain && first) ||
			(!first && !emit(c, code)))
			return false;
		first = false;
	}
	c->operations++;
	return true;
}

/* NULLIF and IS DISTINCT FROM, where the operator is the type's own equality. */
static bool add_equality(struct code *c, OpExpr *e, const char *what, uint8_t type,
	bool certain)
{
	struct known k = function(e->opfuncid);
	const struct op *op = k.code ? optable_op(k.code) : NULL;
	uint16_t code;

	if (!op || k.plain || op->nargs != 2 || op->args[0] != op->args[1] ||
		(op->flags & OP_PRED) != 2)
		return false;
	code = generic(op->args[0], what);
	if (!code || optable_op(code)->result != type ||
		!add(c, linitial(e->args), op->args[0], certain) ||
		!add(c, lsecond(e->args), op->args[0], certain))
		return false;
	c->operations++;
	c->functions = list_append_unique_oid(c->functions, e->opfuncid);
	return emit(c, code);
}

static bool add_null_test(struct code *c, NullTest *t, bool certain)
{
	uint8_t type = code_secret_type(exprType((Node *)t->arg));
	uint16_t code = type ? generic(type, "is_null") : 0;

	if (!code || t->argisrow || IsA(t->arg, Var))
		return false;
	if (!add(c, (Node *)t->arg, type, certain) || !emit(c, code))
		return false;
	c->operations++;
	return t->nulltesttype == IS_NULL || emit(c, OP_bool_not);
}

static bool add_boolean_test(struct code *c, Node *n, bool certain)
{
	switch (nodeTag(n)) {
	case T_BoolExpr:
		return add_bool(c, (BoolExpr *)n, certain);
	case T_ScalarArrayOpExpr:
		return add_array(c, (ScalarArrayOpExpr *)n, certain);
	case T_NullTest:
		return add_null_test(c, (NullTest *)n, certain);
	case T_DistinctExpr:
		return add_equality(c, (OpExpr *)n, "is_distinct", T_PUB_BOOL, certain);
	default:
		return false;
	}
}

/* The expression by operations; false when its top is none. */
static bool add_operation(struct code *c, Node *n, uint8_t type, bool certain)
{
	switch (nodeTag(n)) {
	case T_FuncExpr:
		return add_call(c, ((FuncExpr *)n)->funcid, ((FuncExpr *)n)->args, type, certain);
	case T_OpExpr:
		return add_call(c, ((OpExpr *)n)->opfuncid, ((OpExpr *)n)->args, type, certain);
	case T_CaseExpr:
		return add_case(c, (CaseExpr *)n, type, certain);
	case T_CoalesceExpr:
		return add_coalesce(c, (CoalesceExpr *)n, type, certain);
	case T_NullIfExpr:
		return add_equality(c, (OpExpr *)n, "nullif", type, certain);
	default:
		return type == T_PUB_BOOL && add_boolean_test(c, n, certain);
	}
}

/* Everything: operations, or else a column. */
static bool add(struct code *c, Node *n, uint8_t type, bool certain)
{
	struct code before = *c;

	if (IsA(n, RelabelType))
		return add(c, (Node *)((RelabelType *)n)->arg, type, certain);
	if (add_operation(c, n, type, certain))
		return true;
	*c = before;
	return push_local(c, (Expr *)n, type, 0, certain);
}

static uint8_t type_of(Oid type)
{
	switch (type) {
	case BOOLOID:
		return T_PUB_BOOL;
	case INT4OID:
		return T_PUB_INT4;
	case INT8OID:
		return T_PUB_INT8;
	case FLOAT8OID:
		return T_PUB_FLOAT8;
	case TEXTOID:
		return T_PUB_TEXT;
	default:
		return code_secret_type(type);
	}
}

/* Kinds of nodes that can be an operation. */
static bool is_candidate(const Node *n)
{
	switch (nodeTag(n)) {
	case T_FuncExpr:
	case T_OpExpr:
	case T_DistinctExpr:
	case T_NullIfExpr:
	case T_ScalarArrayOpExpr:
	case T_BoolExpr:
	case T_CaseExpr:
	case T_CoalesceExpr:
	case T_NullTest:
		return true;
	default:
		return false;
	}
}

bool code_add(struct code *c, Expr *e, bool certain, uint8_t *type)
{
	struct code before = *c;

	if (!is_candidate((Node *)e))
		return false;
	*type = type_of(exprType((Node *)e));
	if (*type && add_operation(c, (Node *)e, *type, certain) &&
		c->operations > before.operations)
		return true;
	*c = before;
	return false;
}

bool code_and(struct code *c)
{
	return emit(c, OP_bool_and);
}

/* A generic operation of one argument that is no function in SQL. */
static bool add_generic(struct code *c, Expr *value, const char *what)
{
	struct code before = *c;
	uint8_t type = code_secret_type(exprType((Node *)value));
	uint16_t code = type ? generic(type, what) : 0;

	if (code && add(c, (Node *)value, type, true) && emit(c, code)) {
		c->operations++;
		return true;
	}
	*c = before;
	return false;
}

bool code_add_digest(struct code *c, Expr *value)
{
	return add_generic(c, value, "digest");
}

bool code_add_rank(struct code *c, Expr *value)
{
	return add_generic(c, value, "rank");
}

static bool operation_walker(Node *n, void *ctx)
{
	Oid oid = InvalidOid;

	if (n == NULL)
		return false;
	if (IsA(n, FuncExpr))
		oid = ((FuncExpr *)n)->funcid;
	else if (IsA(n, OpExpr) || IsA(n, DistinctExpr) || IsA(n, NullIfExpr))
		oid = ((OpExpr *)n)->opfuncid;
	else if (IsA(n, ScalarArrayOpExpr))
		oid = ((ScalarArrayOpExpr *)n)->opfuncid;
	if (oid >= FirstNormalObjectId && function(oid).code)
		return true;
	return expression_tree_walker(n, operation_walker, ctx);
}

bool code_has_operation(Node *n)
{
	return operation_walker(n, NULL);
}
