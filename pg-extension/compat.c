/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * compat.c - names that exist so that a query which uses them gets an answer: HEDB's
 * enc_float4_eval_expr, and functions that are not supported and say what to do instead.
 *
 * eval_expr('1*(2-3)', a, b, c) is the expression a * (b - c). The planner puts that in
 * its place, so it is computed as if it had been written so: in one program, in Zone nodes.
 */
#include "hedb.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* ---- what is not supported ---- */

/* The hint is the function's comment. */
PG_FUNCTION_INFO_V1(hedb_unsupported);
Datum hedb_unsupported(PG_FUNCTION_ARGS)
{
	Oid self = fcinfo->flinfo->fn_oid;
	char *hint = GetComment(self, ProcedureRelationId, 0);

	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("%s is not supported", format_procedure(self)),
			hint ? errhint("%s", hint) : 0));
}

/* ---- enc_float4_eval_expr ---- */

struct reader {
	const char *at;
	List *args;
	Oid namespace, type;
};

static void wrong(const struct reader *r, const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
			errmsg("enc_float4_eval_expr: %s at \"%s\"", what, r->at),
			errhint("An expression consists of argument numbers from 1, + - * / %% ^ and "
				"parentheses.")));
}

static char next(struct reader *r)
{
	while (*r->at == ' ')
		r->at++;
	return *r->at;
}

static Node *call(struct reader *r, const char *name, List *args)
{
	Oid types[2] = {r->type, r->type};
	Oid f = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
		PointerGetDatum(buildoidvector(types, list_length(args))),
		ObjectIdGetDatum(r->namespace));

	if (!OidIsValid(f))
		elog(ERROR, "function %s of extension hedb does not exist", name);
	return (Node *)makeFuncExpr(
		f, r->type, args, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

static Node *argument(struct reader *r)
{
	char *end;
	long n = strtol(r->at, &end, 10);
	Node *arg;

	if (n < 1 || n > list_length(r->args))
		wrong(r, "no such argument");
	arg = copyObject(list_nth(r->args, (int)n - 1));
	arg = coerce_to_target_type(NULL, arg, exprType(arg), r->type, -1, COERCION_ASSIGNMENT,
		COERCE_IMPLICIT_CAST, -1);
	if (!arg)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("argument %ld of enc_float4_eval_expr is no enc_float4", n)));
	r->at = end;
	return arg;
}

static Node *sum(struct reader *r);

static Node *factor(struct reader *r)
{
	Node *x;

	check_stack_depth();
	switch (next(r)) {
	case '-':
		r->at++;
		return call(r, "enc_float4_um", list_make1(factor(r)));
	case '(':
		r->at++;
		x = sum(r);
		if (next(r) != ')')
			wrong(r, "a parenthesis is missing");
		r->at++;
		return x;
	case '0' ... '9':
		return argument(r);
	default:
		wrong(r, "an argument number is missing");
		return NULL;
	}
}

/* Operators of one precedence, from the left; `part` reads what binds tighter. */
static Node *series(struct reader *r, const char *symbols, const char *const *names,
	Node *(*part)(struct reader *))
{
	Node *x = part(r);
	const char *s;

	while (next(r) && (s = strchr(symbols, *r->at))) {
		r->at++;
		x = call(r, names[s - symbols], list_make2(x, part(r)));
	}
	return x;
}

static Node *power(struct reader *r)
{
	static const char *const names[] = {"enc_float4_exp"};

	return series(r, "^", names, factor);
}

static Node *product(struct reader *r)
{
	static const char *const names[] = {
		"enc_float4_mult", "enc_float4_div", "enc_float4_mod"};

	return series(r, "*/%", names, power);
}

static Node *sum(struct reader *r)
{
	static const char *const names[] = {"enc_float4_add", "enc_float4_sub"};

	return series(r, "+-", names, product);
}

/* The expression's text, NULL when it is no constant. */
static const char *constant_text(Node *n)
{
	Const *c = (Const *)n;

	if (!IsA(n, Const) || c->constisnull)
		return NULL;
	if (c->consttype == UNKNOWNOID || c->consttype == CSTRINGOID)
		return DatumGetCString(c->constvalue);
	return c->consttype == TEXTOID ? TextDatumGetCString(c->constvalue) : NULL;
}

PG_FUNCTION_INFO_V1(enc_float4_eval_expr_support);
Datum enc_float4_eval_expr_support(PG_FUNCTION_ARGS)
{
	Node *request = (Node *)PG_GETARG_POINTER(0), *x;
	FuncExpr *f;
	struct reader r;

	if (!IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(NULL);
	f = ((SupportRequestSimplify *)request)->fcall;
	r.at = f->funcvariadic ? NULL : constant_text(linitial(f->args));
	if (!r.at)
		PG_RETURN_POINTER(NULL);
	r.args = list_copy_tail(f->args, 1);
	r.namespace = get_func_namespace(f->funcid);
	r.type = f->funcresulttype;
	x = sum(&r);
	if (next(&r))
		wrong(&r, "an operator is missing");
	PG_RETURN_POINTER(x);
}

/* What the planner could not replace. */
PG_FUNCTION_INFO_V1(enc_float4_eval_expr);
Datum enc_float4_eval_expr(PG_FUNCTION_ARGS)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("the expression of enc_float4_eval_expr must be a constant"),
			errhint("Write it in SQL: a * (b - c) is one program as well.")));
}
