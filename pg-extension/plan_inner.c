/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_inner.c - filters of a nested loop's inner side, which would go to the zone a few
 * rows at a time, with a round trip for each row of the outer side. They go to a Zone over
 * the join instead:
 *
 *     Nested Loop                              Zone  filter f
 *       -> any plan                     ->       Nested Loop
 *       -> Index Scan  filter f                    -> any plan
 *                                                  -> Index Scan
 *
 * A semi or anti join asks for each row of its outer side whether there is a row that
 * passes. It becomes an inner or left join; the outer side's rows are numbered by a Zone,
 * and the one above knows by that which rows come from the same.
 */
#include "plan.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"

/* More rows of the inner side than that are a batch of their own; fewer of the outer side
 * are not worth it. */
enum { INNER_ROWS = 64, OUTER_ROWS = 8 };

/* What the inner side knows, as the join sees it: its columns, and where it has a
 * parameter of the join, the outer column that the parameter stands for. */
static Node *hoist_mutator(Node *n, void *ctx)
{
	NestLoop *join = ctx;
	TargetEntry *tle;
	ListCell *lc;

	if (n == NULL)
		return NULL;
	if (IsA(n, Param) && ((Param *)n)->paramkind == PARAM_EXEC) {
		foreach (lc, join->nestParams)
			if (lfirst_node(NestLoopParam, lc)->paramno == ((Param *)n)->paramid)
				return copyObject((Node *)lfirst_node(NestLoopParam, lc)->paramval);
	}
	if (!IsA(n, Var))
		return expression_tree_mutator(n, hoist_mutator, ctx);
	tle = zone_member(join->join.plan.righttree, n);
	return (Node *)makeVar(INNER_VAR, tle->resno, ((Var *)n)->vartype, ((Var *)n)->vartypmod,
		((Var *)n)->varcollid, 0);
}

static bool is_scan(Plan *p)
{
	return IsA(p, IndexScan) || IsA(p, IndexOnlyScan) || IsA(p, BitmapHeapScan) ||
		IsA(p, SeqScan);
}

static bool inner_walker(Node *n, void *ctx)
{
	if (n == NULL)
		return false;
	if (IsA(n, Var) && ((Var *)n)->varno == INNER_VAR)
		return true;
	return expression_tree_walker(n, inner_walker, ctx);
}

/* A row without a partner, of a left join, cannot pass: some filter looks at a column of
 * the inner side and is NULL when that is. */
static bool refuses_nulls(List *filters)
{
	ListCell *lc;

	foreach (lc, filters)
		if (!contain_nonstrict_functions(lfirst(lc)) && inner_walker(lfirst(lc), NULL))
			return true;
	return false;
}

/* Semi and anti joins hand on columns of the outer side only, and of nobody else is the
 * Zone's last row of a group. */
static bool may_match(Plan *p)
{
	ListCell *lc;

	if (p->qual || inner_walker((Node *)p->targetlist, NULL))
		return false;
	foreach (lc, p->targetlist)
		if (!IsA(lfirst_node(TargetEntry, lc)->expr, Var))
			return false;
	return true;
}

/* The filters that the zone can do, out of the scan's. */
static List *take(List **quals)
{
	List *taken = NIL, *kept = NIL;
	ListCell *lc;

	foreach (lc, *quals)
		if (zone_can_filter(lfirst(lc), taken == NIL))
			taken = lappend(taken, lfirst(lc));
		else
			kept = lappend(kept, lfirst(lc));
	*quals = kept;
	return taken;
}

List *inner_hoist(NestLoop *join)
{
	Plan *p = &join->join.plan, *inner = p->righttree;
	JoinType type = join->join.jointype;
	List *quals = inner->qual, *filters;

	if (!is_scan(inner) || inner->plan_rows > INNER_ROWS ||
		p->lefttree->plan_rows < OUTER_ROWS)
		return NIL;
	if (type != JOIN_INNER && !((type == JOIN_SEMI || type == JOIN_ANTI) && may_match(p)))
		return NIL;
	filters = (List *)hoist_mutator((Node *)take(&quals), join);
	if (!filters || (type == JOIN_ANTI && !refuses_nulls(filters)))
		return NIL;
	inner->qual = quals;
	if (type != JOIN_INNER)
		return filters;
	join->join.joinqual = list_concat(filters, join->join.joinqual);
	return NIL;
}

Plan *inner_match(struct zone_builds *zones, NestLoop *join, List *filters)
{
	Plan *p = &join->join.plan;
	bool anti = join->join.jointype == JOIN_ANTI;
	Var *number = zone_number(zones, &p->lefttree);
	struct zone_build *z = zone_over(zones, p);
	ListCell *lc;

	join->join.jointype = anti ? JOIN_LEFT : JOIN_INNER;
	join->join.inner_unique = false; /* the first match may be one that the Zone refuses */
	z->match = anti ? MATCH_NONE : MATCH_FIRST;
	z->match_by = zone_member(p, (Node *)number)->resno;
	foreach (lc, filters)
		zone_filter(z, lfirst(lc));
	return (Plan *)z->scan;
}
