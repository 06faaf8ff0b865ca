/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_attach.c - Zones below a node, for what the node computes with its child's rows:
 * arguments of aggregates, digests that groups and hash joins go by, ranks for top-N.
 */
#include "plan.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/tlist.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

bool attach_pays(Plan *child, int operations)
{
	return plan_saving(child->plan_rows, operations) > PLAN_COST_NODE;
}

/* hedb_count_distinct(uuid); none where the extension's SQL is older than the library. */
static Oid count_distinct(Oid secret_type)
{
	HeapTuple type = SearchSysCache1(TYPEOID, ObjectIdGetDatum(secret_type));
	Oid argument = UUIDOID, schema = ((Form_pg_type)GETSTRUCT(type))->typnamespace;

	ReleaseSysCache(type);
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
		CStringGetDatum("hedb_count_distinct"), PointerGetDatum(buildoidvector(&argument, 1)),
		ObjectIdGetDatum(schema));
}

/* count(DISTINCT x) is count(DISTINCT digest of x), for which there is a faster way. */
static void distinct_digest(struct zone_builds *zones, Plan *p, Aggref *a)
{
	TargetEntry *tle = linitial(a->args);
	SortGroupClause *by = linitial(a->aggdistinct);
	Oid type = exprType((Node *)tle->expr), function;
	Var *v;

	if (list_length(a->args) != 1 || a->aggfilter || a->aggorder ||
		!code_secret_type(type))
		return;
	v = zone_attach(zones, &p->lefttree, tle->expr, true);
	if (!v)
		return;
	function = count_distinct(type);
	tle = flatCopyTargetEntry(tle);
	tle->expr = (Expr *)v;
	by = copyObject(by);
	by->eqop = UUID_EQ_OPERATOR;
	by->sortop = UUID_LT_OPERATOR;
	by->hashable = true;
	a->args = list_make1(tle);
	a->aggdistinct = list_make1(by);
	a->aggargtypes = list_make1_oid(UUIDOID);
	if (OidIsValid(function)) {
		a->aggfnoid = function;
		a->aggtranstype = INTERNALOID;
		a->aggdistinct = NIL;
	}
}

struct arguments {
	struct zone_builds *zones;
	Plan *p;
};

/* The arguments that every row has: those of an aggregate with FILTER are not. */
static List *attach_arguments(struct zone_builds *zones, Plan *p, List *args)
{
	List *result = NIL;
	ListCell *lc;

	foreach (lc, args) {
		Node *n = lfirst(lc);

		if (IsA(n, TargetEntry)) {
			TargetEntry *tle = flatCopyTargetEntry((TargetEntry *)n);

			tle->expr = (Expr *)zone_attach_all(zones, &p->lefttree, (Node *)tle->expr);
			n = (Node *)tle;
		} else {
			n = zone_attach_all(zones, &p->lefttree, n);
		}
		result = lappend(result, n);
	}
	return result;
}

static Node *aggregates_mutator(Node *n, void *ctx)
{
	struct arguments *in = ctx;

	if (n == NULL)
		return NULL;
	if (IsA(n, Aggref)) {
		Aggref *a = makeNode(Aggref);

		*a = *(Aggref *)n;
		if (DO_AGGSPLIT_COMBINE(a->aggsplit) || a->aggkind != AGGKIND_NORMAL)
			return (Node *)a;
		if (a->aggfilter)
			a->aggfilter = (Expr *)zone_attach_all(
				in->zones, &in->p->lefttree, (Node *)a->aggfilter);
		else
			a->args = attach_arguments(in->zones, in->p, a->args);
		if (a->aggfnoid == F_COUNT_ANY && a->aggdistinct)
			distinct_digest(in->zones, in->p, a);
		return (Node *)a;
	}
	if (IsA(n, WindowFunc)) {
		WindowFunc *f = makeNode(WindowFunc);

		*f = *(WindowFunc *)n;
		if (f->aggfilter)
			f->aggfilter = (Expr *)zone_attach_all(
				in->zones, &in->p->lefttree, (Node *)f->aggfilter);
		else
			f->args = attach_arguments(in->zones, in->p, f->args);
		return (Node *)f;
	}
	return expression_tree_mutator(n, aggregates_mutator, ctx);
}

void group_by_digests(
	struct zone_builds *zones, Plan *p, int n, AttrNumber *columns, Oid *operators, Oid *collations)
{
	int i;

	for (i = 0; i < n; i++) {
		TargetEntry *tle = list_nth(p->lefttree->targetlist, columns[i] - 1);
		Var *v;

		if (!code_secret_type(exprType((Node *)tle->expr)))
			continue;
		v = zone_attach(zones, &p->lefttree,
			(Expr *)makeVar(OUTER_VAR, columns[i], exprType((Node *)tle->expr),
				exprTypmod((Node *)tle->expr), InvalidOid, 0),
			true);
		if (!v)
			continue;
		columns[i] = v->varattno;
		operators[i] = UUID_EQ_OPERATOR;
		collations[i] = InvalidOid;
	}
}

/* A sort that only brings the rows of a group together can do so by digests, which
 * PostgreSQL compares itself. */
static void sort_by_digests(struct zone_builds *zones, Agg *agg, Sort *sort)
{
	int i, k;

	for (i = 0; i < sort->numCols; i++) {
		AttrNumber by = sort->sortColIdx[i];
		TargetEntry *tle = list_nth(sort->plan.lefttree->targetlist, by - 1);
		Var *v;

		if (!code_secret_type(exprType((Node *)tle->expr)))
			continue;
		v = zone_attach(zones, &sort->plan.lefttree,
			(Expr *)makeVar(OUTER_VAR, by, exprType((Node *)tle->expr), -1, InvalidOid, 0),
			true);
		if (!v)
			continue;
		if (v->varattno > list_length(sort->plan.targetlist)) /* it hands rows on */
			sort->plan.targetlist = lappend(sort->plan.targetlist,
				makeTargetEntry((Expr *)v, v->varattno, NULL, false));
		sort->sortColIdx[i] = v->varattno;
		sort->sortOperators[i] = UUID_LT_OPERATOR;
		sort->collations[i] = InvalidOid;
		for (k = 0; k < agg->numCols; k++)
			if (agg->grpColIdx[k] == by) {
				agg->grpColIdx[k] = v->varattno;
				agg->grpOperators[k] = UUID_EQ_OPERATOR;
				agg->grpCollations[k] = InvalidOid;
			}
	}
}

void attach_aggregate(struct zone_builds *zones, Agg *agg, bool unordered)
{
	struct arguments in = {zones, &agg->plan};

	if (!attach_pays(agg->plan.lefttree, 1) || attach_groups(zones, agg, unordered))
		return;
	if (unordered && agg->aggstrategy == AGG_SORTED && !agg->groupingSets && !agg->chain &&
		IsA(agg->plan.lefttree, Sort))
		sort_by_digests(zones, agg, (Sort *)agg->plan.lefttree);
	agg->plan.targetlist =
		(List *)aggregates_mutator((Node *)agg->plan.targetlist, &in);
	agg->plan.qual = (List *)aggregates_mutator((Node *)agg->plan.qual, &in);
	if (!agg->groupingSets && !agg->chain)
		group_by_digests(zones, &agg->plan, agg->numCols, agg->grpColIdx, agg->grpOperators,
			agg->grpCollations);
}

/* RANGE BETWEEN x PRECEDING: it computes with the column it is ordered by. */
static bool is_by_distance(const WindowAgg *agg)
{
	return (agg->frameOptions & FRAMEOPTION_RANGE) &&
		(agg->frameOptions & (FRAMEOPTION_START_OFFSET | FRAMEOPTION_END_OFFSET));
}

void attach_window(struct zone_builds *zones, WindowAgg *agg)
{
	struct arguments in = {zones, &agg->plan};

	if (!attach_pays(agg->plan.lefttree, 1))
		return;
	agg->plan.targetlist =
		(List *)aggregates_mutator((Node *)agg->plan.targetlist, &in);
	group_by_digests(zones, &agg->plan, agg->partNumCols, agg->partColIdx, agg->partOperators,
		agg->partCollations);
	if (!is_by_distance(agg)) /* else rows are compared with one that is so far away */
		group_by_digests(zones, &agg->plan, agg->ordNumCols, agg->ordColIdx,
			agg->ordOperators, agg->ordCollations);
}

/* Join by digests: equal ones mean equal values. */
static void hash_by_digest(struct zone_builds *zones, HashJoin *join, Hash *hash, int i)
{
	OpExpr *clause = list_nth(join->hashclauses, i), *by;
	Expr *outer_key = list_nth(join->hashkeys, i), *inner_key = list_nth(hash->hashkeys, i);
	Oid type = exprType((Node *)outer_key);
	Var *outer, *inner;
	TargetEntry *tle;

	if (!code_secret_type(type) || exprType((Node *)inner_key) != type)
		return;
	outer = zone_attach(zones, &join->join.plan.lefttree, outer_key, true);
	if (!outer)
		return;
	inner = zone_attach(zones, &hash->plan.lefttree, inner_key, true);
	if (!inner)
		return;
	/* Hash hands its child's rows on, so it has the same columns: one of two clauses
	 * with the same key is there already. */
	tle = tlist_member((Expr *)inner, hash->plan.targetlist);
	if (!tle) {
		tle = makeTargetEntry(
			(Expr *)inner, list_length(hash->plan.targetlist) + 1, NULL, false);
		hash->plan.targetlist = lappend(hash->plan.targetlist, tle);
	}
	by = copyObject(clause);
	by->opno = UUID_EQ_OPERATOR;
	by->opfuncid = F_UUID_EQ;
	by->args = list_make2(outer,
		makeVar(INNER_VAR, tle->resno, UUIDOID, -1, InvalidOid, 0));
	lfirst(list_nth_cell(join->hashclauses, i)) = by;
	lfirst(list_nth_cell(join->hashkeys, i)) = outer;
	lfirst(list_nth_cell(hash->hashkeys, i)) = inner;
	lfirst_oid(list_nth_cell(join->hashoperators, i)) = UUID_EQ_OPERATOR;
	lfirst_oid(list_nth_cell(join->hashcollations, i)) = InvalidOid;
	hash->skewTable = InvalidOid;
}

void attach_hash_join(struct zone_builds *zones, HashJoin *join)
{
	Hash *hash = (Hash *)join->join.plan.righttree;
	int i, n = list_length(join->hashclauses);

	if (!IsA(hash, Hash) || !attach_pays(join->join.plan.lefttree, 1))
		return;
	for (i = 0; i < n; i++)
		hash_by_digest(zones, join, hash, i);
}

/* ---- top-N: a sort of which a LIMIT wants few rows ---- */

enum { TOP_MAX = 256 };

/* A constant number of rows; -1: it is none. */
static int64 rows_wanted(Node *n)
{
	if (n == NULL)
		return 0;
	if (!IsA(n, Const) || ((Const *)n)->constisnull)
		return -1;
	return DatumGetInt64(((Const *)n)->constvalue);
}

void attach_limit(struct zone_builds *zones, Limit *limit)
{
	int64 count = rows_wanted(limit->limitCount), offset = rows_wanted(limit->limitOffset);
	Plan *p = limit->plan.lefttree;
	Oid family, type;
	int16 strategy;
	Sort *sort;

	while (p && (IsA(p, Gather) || IsA(p, GatherMerge)))
		p = p->lefttree;
	if (!p || !IsA(p, Sort) || count <= 0 || offset < 0 || count + offset > TOP_MAX ||
		p->lefttree->plan_rows < 4 * (count + offset) || !attach_pays(p->lefttree, 1))
		return;
	sort = (Sort *)p;
	if (get_ordering_op_properties(sort->sortOperators[0], &family, &type, &strategy))
		zone_top(zones, &p->lefttree, sort->sortColIdx[0], (int)(count + offset),
			strategy == BTGreaterStrategyNumber);
}
