/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_cost.c - what the planner is told of encrypted operations.
 *
 *     in filters, target lists, aggregates    Zone nodes will compute them: a few plain
 *                                             operators' time; the whole round trip where
 *                                             they may not
 *     in index conditions     of a B-tree: two round trips a level on the way down, one for
 *                             each page that is read, and opening each entry (btree.h);
 *                             of a hash index one round trip, and one for each entry.
 *                             PostgreSQL takes a comparison of keys for one operator,
 *                             whatever its COST
 *     selectivity of < <= > >=                by an index (plan_range.h), or a third, each:
 *                                             of a range PostgreSQL thinks half a percent
 *                                             where it has no histogram, and joins by
 *                                             nested loops
 */
#include "plan.h"

#include <math.h>

#include "catalog/pg_am.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "utils/index_selfuncs.h"
#include "utils/selfuncs.h"

#include "fuse.h"
#include "plan_range.h"

static get_relation_info_hook_type next_info;

double plan_cost(double rows, int operations)
{
	return cpu_operator_cost *
		(hedb_enable_batch ? PLAN_COST_BATCHED : PLAN_COST_SCALAR) * rows * operations;
}

PG_FUNCTION_INFO_V1(hedb_operation_support);
Datum hedb_operation_support(PG_FUNCTION_ARGS)
{
	Node *request = (Node *)PG_GETARG_POINTER(0);
	SupportRequestCost *cost = (SupportRequestCost *)request;

	if (IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(fuse_simplify((SupportRequestSimplify *)request));
	if (!IsA(request, SupportRequestCost))
		PG_RETURN_POINTER(NULL);
	cost->startup = 0;
	cost->per_tuple = plan_cost(1, 1);
	PG_RETURN_POINTER(request);
}

PG_FUNCTION_INFO_V1(hedb_ineqsel);
Datum hedb_ineqsel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(plan_range((PlannerInfo *)PG_GETARG_POINTER(0), PG_GETARG_OID(1),
		(List *)PG_GETARG_POINTER(2), PG_GETARG_INT32(3)));
}

/* Conditions on encrypted columns. */
static int encrypted_conditions(IndexPath *path)
{
	int n = 0;
	ListCell *lc;

	foreach (lc, path->indexclauses) {
		IndexClause *c = lfirst_node(IndexClause, lc);

		if (code_secret_type(path->indexinfo->opcintype[c->indexcol]))
			n += list_length(c->indexquals);
	}
	return n;
}

/* Places in the index where a scan begins. */
static double searches(IndexPath *path)
{
	double n = 1;
	ListCell *lc, *q;

	foreach (lc, path->indexclauses)
		foreach (q, lfirst_node(IndexClause, lc)->indexquals) {
			ScalarArrayOpExpr *any = (ScalarArrayOpExpr *)lfirst_node(RestrictInfo, q)->clause;

			if (IsA(any, ScalarArrayOpExpr))
				n *= estimate_array_length(lsecond(any->args));
		}
	return n;
}

/* In round trips and opened values; one condition's. */
static void btree_cost(IndexPath *path, double entries, double *down, double *along)
{
	const IndexOptInfo *index = path->indexinfo;
	double tuples = Max(index->tuples, 1.0);
	int levels = 1 + (index->tree_height > 0 ? index->tree_height : 0);

	*down = 2.0 * levels * searches(path) * PLAN_COST_TRIP;
	*along = ceil(entries * index->pages / tuples) * PLAN_COST_TRIP +
		entries * PLAN_COST_BATCHED;
}

static void index_cost(PlannerInfo *root, IndexPath *path, double loops, Cost *startup,
	Cost *total, Selectivity *selectivity, double *correlation, double *pages)
{
	double tuples = Max(path->indexinfo->tuples, 2.0), entries, down, along;
	Cost condition;

	if (path->indexinfo->relam == BTREE_AM_OID)
		btcostestimate(
			root, path, loops, startup, total, selectivity, correlation, pages);
	else
		hashcostestimate(
			root, path, loops, startup, total, selectivity, correlation, pages);
	entries = ceil(*selectivity * tuples);
	if (path->indexinfo->relam == BTREE_AM_OID) {
		btree_cost(path, entries, &down, &along);
	} else {
		down = PLAN_COST_TRIP;
		along = entries * PLAN_COST_TRIP;
	}
	condition = cpu_operator_cost * encrypted_conditions(path);
	*startup += down * condition;
	*total += (down + along) * condition;
}

static void relation_info(PlannerInfo *root, Oid relation, bool parent, RelOptInfo *rel)
{
	ListCell *lc;

	if (next_info)
		next_info(root, relation, parent, rel);
	foreach (lc, rel->indexlist) {
		IndexOptInfo *index = lfirst_node(IndexOptInfo, lc);
		int i;

		if (index->relam != BTREE_AM_OID && index->relam != HASH_AM_OID)
			continue;
		for (i = 0; i < index->nkeycolumns; i++)
			if (code_secret_type(index->opcintype[i]))
				index->amcostestimate = index_cost;
	}
}

void plan_cost_init(void)
{
	next_info = get_relation_info_hook;
	get_relation_info_hook = relation_info;
}
