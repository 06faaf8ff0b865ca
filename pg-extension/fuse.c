/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuse.c - the fused expression: making one, and running it.
 *
 * The program in the constant is the head of its request (program.h), up to the argument
 * columns, for one row.
 */
#include "fuse.h"

#include "catalog/pg_type.h"
#include "executor/execExpr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/subscripting.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compile.h"
#include "cursor.h"
#include "scalar.h"
#include "stat_programs.h"
#include "zone_program.h"

bool hedb_enable_fuse;

static const SubscriptRoutines routines;

/* ---- making ---- */

static bool is_ours(Oid type)
{
	return OidIsValid(type) && getSubscriptingRoutines(type, NULL) == &routines;
}

/* The type hedb_program, beside one of the functions. */
static Oid program_type(const List *functions)
{
	ListCell *lc;

	foreach (lc, functions) {
		Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
			CStringGetDatum("hedb_program"),
			ObjectIdGetDatum(get_func_namespace(lfirst_oid(lc))));

		if (is_ours(type))
			return type;
	}
	return InvalidOid;
}

bool fuse_is(Node *n)
{
	SubscriptingRef *s = (SubscriptingRef *)n;

	return n && IsA(n, SubscriptingRef) && s->refexpr && IsA(s->refexpr, CaseTestExpr) &&
		is_ours(s->refcontainertype);
}

/* Does SQL call a function for it? NULLIF and IS DISTINCT FROM call the equality. */
static bool is_call(const struct op *op)
{
	return op && (!(op->flags & OP_INTERNAL) || strstr(op->name, "_nullif") ||
		strstr(op->name, "_is_distinct"));
}

/* Round trips that the program's operations take one by one. */
static int calls_in(const struct code *c)
{
	int i, n = 0;

	for (i = 0; i < c->nwords; i++)
		if (!(c->word[i] & PROGRAM_PUSH))
			n += is_call(optable_op(c->word[i]));
	return n;
}

/* The head of the request for one row. */
static Const *program_const(const struct code *c)
{
	Size len = PROGRAM_HEADER + 2 * (Size)(c->nargs + c->nwords);
	bytea *b = palloc(VARHDRSZ + len);
	struct writer w = writer_of((uint8_t *)VARDATA(b), len);
	int i;

	SET_VARSIZE(b, VARHDRSZ + len);
	writer_u8(&w, (uint8_t)c->nargs);
	writer_u8(&w, 0);
	writer_u16(&w, (uint16_t)c->nwords);
	writer_u32(&w, 1);
	for (i = 0; i < c->nargs; i++) {
		writer_u8(&w, c->arg[i].type);
		writer_u8(&w, c->arg[i].flags & ~ARG_ONE);
	}
	writer_bytes(&w, c->word, 2u * c->nwords);
	return makeConst(BYTEAOID, -1, InvalidOid, -1, PointerGetDatum(b), false, false);
}

static Expr *make_fused(const struct code *c, Expr *e, Oid type)
{
	SubscriptingRef *s = makeNode(SubscriptingRef);
	CaseTestExpr *nothing = makeNode(CaseTestExpr);
	int i;

	nothing->typeId = type;
	nothing->typeMod = -1;
	s->refcontainertype = type;
	s->refelemtype = s->refrestype = exprType((Node *)e);
	s->reftypmod = exprTypmod((Node *)e);
	s->refcollid = exprCollation((Node *)e);
	s->refexpr = (Expr *)nothing;
	s->refassgnexpr = e;
	s->refupperindexpr = list_make1(program_const(c));
	for (i = 0; i < c->nargs; i++)
		s->refupperindexpr =
			lappend(s->refupperindexpr, fuse_tree((Node *)c->arg[i].expr));
	return (Expr *)s;
}

Expr *fuse_expr(Expr *e)
{
	struct code *c = palloc0(sizeof *c);
	Expr *fused = NULL;
	uint8_t result;
	Oid type;

	if (code_add(c, e, true, &result) && calls_in(c) > 1) {
		type = program_type(c->functions);
		if (OidIsValid(type))
			fused = make_fused(c, e, type);
	}
	pfree(c);
	return fused;
}

static Node *fuse_mutator(Node *n, void *ctx)
{
	Expr *fused;

	if (n == NULL)
		return NULL;
	if (IsA(n, SubPlan)) { /* the executor takes apart what it compares */
		SubPlan *s = (SubPlan *)copyObject(n);

		s->args = (List *)fuse_mutator((Node *)s->args, ctx);
		return (Node *)s;
	}
	if (fuse_is(n))
		return n;
	fused = fuse_expr((Expr *)n);
	return fused ? (Node *)fused : expression_tree_mutator(n, fuse_mutator, ctx);
}

Node *fuse_tree(Node *n)
{
	return n && code_has_operation(n) ? fuse_mutator(n, NULL) : n;
}

/* ---- running ---- */

struct fused {
	uint8_t *head; /* of the request; its arguments' flags are set for each evaluation */
	uint32_t head_len;
	uint8_t nargs;
	uint8_t result;
	bool secret;
	bool client;   /* an argument crosses in clear */
	struct program_stat *stat;
	struct crossing *zone; /* of the argument that is the session's time zone, if any */
	struct fused_arg {
		uint8_t type;
		bool by_value;
		bool null;
		uint32_t bytes; /* as it crosses; 0: variable */
		struct crossing value;
	} arg[FLEXIBLE_ARRAY_MEMBER];
};

static void prepare_arg(struct fused_arg *a, uint8_t type, uint8_t flags)
{
	bool secret = optable_is_secret(type) && !(flags & ARG_CLEAR);

	a->type = type;
	a->by_value = !secret;
	a->bytes = secret ? value_bytes(type) : optable_type(type).size;
}

static struct fused *prepare(const bytea *program)
{
	uint32_t len = VARSIZE_ANY_EXHDR(program), i;
	const uint8_t *head = (const uint8_t *)VARDATA_ANY(program);
	struct fused *f = palloc0(offsetof(struct fused, arg) + head[0] * sizeof f->arg[0]);
	uint16_t last;

	f->head = memcpy(palloc(len), head, len);
	f->head_len = len;
	f->nargs = head[0];
	memcpy(&last, head + len - 2, 2);
	f->result = optable_op(last)->result;
	f->secret = optable_is_secret(f->result);
	for (i = 0; i < f->nargs; i++) {
		uint8_t flags = head[PROGRAM_HEADER + 2 * i + 1];

		prepare_arg(&f->arg[i], head[PROGRAM_HEADER + 2 * i], flags);
		f->client |= (flags & ARG_CLEAR) != 0;
	}
	return f;
}

static uint64_t take(struct fused *f, int i, Datum d, bool null)
{
	struct fused_arg *a = &f->arg[i];
	uint8_t *flags = &f->head[PROGRAM_HEADER + 2 * i + 1];

	a->value.copy = NULL;
	if (a->type == T_PUB_ZONE) {
		f->zone = &a->value;
		return crossing_take_zone(&a->value);
	}
	a->null = null;
	*flags = (uint8_t)((*flags & ~ARG_NULLS) | (null ? ARG_NULLS : 0));
	return null ? 1 : crossing_take(&a->value, a->bytes, !a->by_value, d);
}

static void fill(void *arg, uint8_t *at, uint64_t len)
{
	const struct fused *f = arg;
	int i;

	memcpy(at, f->head, f->head_len);
	for (i = 0; i < f->nargs; i++)
		if (f->arg[i].type == T_PUB_ZONE)
			at[PROGRAM_HEADER + 2 * i + 1] = f->arg[i].value.flags;
	at += f->head_len;
	for (i = 0; i < f->nargs; i++)
		if (f->arg[i].null)
			*at++ = 1;
		else
			at = crossing_write(&f->arg[i].value, at);
}

/* The program's result in place of the assignment's; true: have the original evaluated. */
static bool run(ExprState *state, ExprEvalStep *op, ExprContext *econtext)
{
	SubscriptingRefState *s = op->d.sbsref_subscript.state;
	struct fused *f = s->workspace;
	struct zone_result r;
	const uint8_t *reply;
	uint64_t len, reply_len, before = zone_waited();
	int i;

	if (!hedb_enable_fuse || (f->client && hedb_mode != MODE_CLIENT))
		return true;
	len = f->head_len;
	for (i = 0; i < f->nargs; i++) /* the first subscript is the program */
		len += take(f, i, s->upperindex[i + 1], s->upperindexnull[i + 1]);
	reply = crossing_call(
		f->client ? ROLE_CLIENT : ROLE_DB, len, fill, f, f->zone, &reply_len);
	f->stat = stat_program(f->stat, f->head, f->head_len);
	stat_count_call(f->stat, 1, len, reply_len, before);
	for (i = 0; i < f->nargs; i++)
		crossing_done(&f->arg[i].value);
	r = zone_row(reply, reply_len, f->result, f->secret);
	*op->resnull = !r.data;
	*op->resvalue = !r.data ? (Datum)0
		: f->secret         ? value_datum(f->result, r.data, r.len)
							: plain_datum(f->result, r.data, r.len);
	return false;
}

static void assign(ExprState *state, ExprEvalStep *op, ExprContext *econtext)
{
	SubscriptingRefState *s = op->d.sbsref.state;

	*op->resvalue = s->replacevalue;
	*op->resnull = s->replacenull;
}

/* ---- the type ---- */

static void transform(SubscriptingRef *s, List *indirection, struct ParseState *pstate,
	bool slice, bool assignment)
{
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
			errmsg("a value of type hedb_program has no elements")));
}

static void exec_setup(
	const SubscriptingRef *s, SubscriptingRefState *state, SubscriptExecSteps *methods)
{
	Const *program = linitial_node(Const, s->refupperindexpr);

	state->workspace = prepare(DatumGetByteaPP(program->constvalue));
	methods->sbs_check_subscripts = run;
	methods->sbs_assign = assign;
}

static const SubscriptRoutines routines = {
	.transform = transform,
	.exec_setup = exec_setup,
};

PG_FUNCTION_INFO_V1(hedb_program_subscript);
Datum hedb_program_subscript(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(&routines);
}

PG_FUNCTION_INFO_V1(hedb_program_in);
Datum hedb_program_in(PG_FUNCTION_ARGS)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot accept a value of type hedb_program")));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(hedb_program_out);
Datum hedb_program_out(PG_FUNCTION_ARGS)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot display a value of type hedb_program")));
	PG_RETURN_VOID();
}
