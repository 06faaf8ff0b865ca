/* SPDX-License-Identifier: BSD-3-Clause */
#include "compile.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

enum {
	IN_MAX = 24, /* constants of IN that are compared one by one */
};

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
		IsA(n, WindowFunc) || IsA(n, CoerceToDomainValue))
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
	struct known k = known_function(oid);
	const struct op *op = k.code ? optable_op(k.code) : NULL;
	ListCell *lc;
	int i = 0;

	if (!op || op->result != type || list_length(args) != known_nargs(op) ||
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
	struct known k = known_function(s->opfuncid);
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
	uint16_t code = known_generic(type, "case");
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
	uint16_t code = known_generic(type, "coalesce");
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
	struct known k = known_function(e->opfuncid);
	const struct op *op = k.code ? optable_op(k.code) : NULL;
	uint16_t code;

	if (!op || k.plain || op->nargs != 2 || op->args[0] != op->args[1] ||
		(op->flags & OP_PRED) != 2)
		return false;
	code = known_generic(op->args[0], what);
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
	uint16_t code = type ? known_generic(type, "is_null") : 0;

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
	uint16_t code = type ? known_generic(type, what) : 0;

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

bool code_add_value(struct code *c, Expr *value, uint8_t *type)
{
	struct code before = *c;

	*type = code_secret_type(exprType((Node *)value));
	if (*type && add(c, (Node *)value, *type, true))
		return true;
	*c = before;
	return false;
}

bool code_add_numbers(struct code *c, List *columns)
{
	RowExpr *row = makeNode(RowExpr);

	if (!columns)
		return push_local(c,
			(Expr *)makeConst(
				INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(0), false, true),
			T_PUB_INT4, 0, true);
	row->args = columns;
	row->row_typeid = RECORDOID;
	row->row_format = COERCE_EXPLICIT_CALL;
	row->location = -1;
	return push_local(c, (Expr *)row, T_PUB_INT4, 0, true);
}

bool code_copy(struct code *c, int place)
{
	if (c->nwords == PROGRAM_CODE_MAX || c->depth == PROGRAM_STACK)
		return false;
	c->word[c->nwords++] = (uint16_t)(PROGRAM_COPY | place);
	c->depth++;
	return true;
}

bool code_operation(struct code *c, uint16_t code)
{
	return emit(c, code);
}

bool code_reduce(struct code *c, uint16_t code, int numbers)
{
	if (numbers < 0)
		return emit(c, code);
	if (!code_copy(c, numbers) || !emit(c, code))
		return false;
	c->word[c->nwords - 1] |= PROGRAM_GROUPED;
	c->depth--;
	return true;
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
	if (oid >= FirstNormalObjectId && known_function(oid).code)
		return true;
	return expression_tree_walker(n, operation_walker, ctx);
}

bool code_has_operation(Node *n)
{
	return operation_walker(n, NULL);
}
