/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_subplan.c - hashed subplans: IN (SELECT ...) and NOT IN where it could not become a
 * join.
 *
 *     Scan  filter (hashed SubPlan: x = y)        Zone  filter (hashed SubPlan: d = e),
 *     SubPlan  tlist: y                    ->           d = digest(x)
 *                                                 Scan
 *                                                 SubPlan: Zone  tlist: e = digest(y)
 *
 * More than one expression may refer to the same subplan, as in partitions: so the list of
 * subplans gets one more, over the same plan, and the old one stays for whoever has it.
 */
#include "plan.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* What a hashed subplan compares: left sides with the subplan's columns. */
static List *comparisons(SubPlan *s)
{
	if (IsA(s->testexpr, BoolExpr))
		return ((BoolExpr *)s->testexpr)->args;
	return list_make1(s->testexpr);
}

/* Equality of one encrypted type, with a digest. */
static bool compares_digests(Node *n)
{
	OpExpr *e = (OpExpr *)n;
	struct code c = {.nargs = 0};
	Node *left, *right;

	if (!IsA(n, OpExpr) || list_length(e->args) != 2)
		return false;
	left = linitial(e->args);
	right = lsecond(e->args);
	return IsA(right, Param) && exprType(left) == exprType(right) &&
		code_secret_type(exprType(left)) && code_add_digest(&c, (Expr *)left);
}

static bool converts(const struct zone_builds *zones, SubPlan *s)
{
	ListCell *lc;

	if (!s->useHashTable || s->plan_id > list_length(zones->subplans) || s->parParam)
		return false;
	foreach (lc, comparisons(s))
		if (!compares_digests(lfirst(lc)))
			return false;
	return attach_pays(list_nth(zones->subplans, s->plan_id - 1), 1);
}

static bool find_walker(Node *n, void *ctx)
{
	if (n == NULL)
		return false;
	if (IsA(n, SubPlan) && converts(ctx, (SubPlan *)n))
		return true;
	return expression_tree_walker(n, find_walker, ctx);
}

bool subplan_converts(struct zone_builds *zones, Node *n)
{
	return find_walker(n, zones);
}

/* The subplan that gives digests of its first `n` columns; its number. */
static int digests_of(struct zone_builds *zones, int plan_id, int n)
{
	Plan *plan = list_nth(zones->subplans, plan_id - 1);
	struct zone_build *z = zone_over(zones, plan);
	List *tlist = NIL;
	ListCell *lc;

	foreach (lc, plan->targetlist) {
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Expr *e = (Expr *)zone_var(OUTER_VAR, tle->resno, tle);

		if (list_length(tlist) == n)
			break;
		tlist = lappend(tlist, makeTargetEntry((Expr *)zone_digest(z, e),
								   list_length(tlist) + 1, NULL, false));
	}
	z->scan->scan.plan.targetlist = tlist;
	zones->added = lappend(zones->added, z->scan);
	return list_length(zones->subplans) + list_length(zones->added);
}

/* digest of the left side = the subplan's column */
static Node *compare_digests(struct zone_build *z, OpExpr *e)
{
	OpExpr *by = copyObject(e);
	Param *right = lsecond(by->args);
	Node *left = zone_outer(z, linitial(e->args));

	right->paramtype = UUIDOID;
	right->paramtypmod = -1;
	right->paramcollid = InvalidOid;
	by->opno = UUID_EQ_OPERATOR;
	by->opfuncid = F_UUID_EQ;
	by->opcollid = by->inputcollid = InvalidOid;
	by->args = list_make2(zone_digest(z, (Expr *)left), right);
	return (Node *)by;
}

Node *subplan_convert(struct zone_builds *zones, struct zone_build *z, SubPlan *s)
{
	SubPlan *copy;
	List *tests = NIL;
	ListCell *lc;

	if (!converts(zones, s))
		return NULL;
	copy = copyObject(s);
	foreach (lc, comparisons(s))
		tests = lappend(tests, compare_digests(z, lfirst(lc)));
	copy->testexpr = (Node *)make_ands_explicit(tests);
	copy->plan_id = digests_of(zones, s->plan_id, list_length(tests));
	copy->firstColType = UUIDOID;
	copy->firstColTypmod = -1;
	copy->firstColCollation = InvalidOid;
	return (Node *)copy;
}
