/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_distinct.c - nodes that ask which of their rows are the same, and hand rows on as
 * they are: Unique, and SetOp for INTERSECT and EXCEPT.
 *
 *     Unique, SetOp  by x                  Result  tlist: child's
 *       -> any plan               ->         Unique, SetOp  by d
 *                                              -> Zone  tlist: child's, d = digest(x)
 *                                                   -> any plan
 *
 * They compare a row with its neighbour, or hash it: a round trip each, of types that are
 * encrypted. Their target list is their child's, so the digests go up to the Result.
 */
#include "plan.h"

/* Hands on the first `n` columns. */
static Plan *first_columns(struct zone_builds *zones, Plan *p, int n)
{
	Result *result = makeNode(Result);
	Plan *plan = &result->plan;

	plan->startup_cost = p->startup_cost;
	plan->total_cost = p->total_cost;
	plan->plan_rows = p->plan_rows;
	plan->plan_width = p->plan_width;
	plan->parallel_safe = p->parallel_safe;
	plan->plan_node_id = zones->next_id++;
	plan->extParam = bms_copy(p->extParam);
	plan->allParam = bms_copy(p->allParam);
	plan->lefttree = p;
	plan->targetlist = list_truncate(zone_columns(p), n);
	return plan;
}

Plan *attach_distinct(struct zone_builds *zones, Plan *p)
{
	int n = list_length(p->targetlist);
	Unique *u = (Unique *)p;
	SetOp *s = (SetOp *)p;

	if (!attach_pays(p->lefttree, 1))
		return p;
	if (IsA(p, Unique))
		group_by_digests(
			zones, p, u->numCols, u->uniqColIdx, u->uniqOperators, u->uniqCollations);
	else
		group_by_digests(
			zones, p, s->numCols, s->dupColIdx, s->dupOperators, s->dupCollations);
	if (list_length(p->lefttree->targetlist) == n)
		return p;
	p->targetlist = zone_columns(p->lefttree);
	return first_columns(zones, p, n);
}
