/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_sort.c - Zone Sorts in a finished plan.
 *
 *     Sort  by encrypted keys          Zone Sort
 *       child                    ->      child
 *
 *     Gather Merge  by such keys       Zone Sort
 *       Sort                     ->      Gather
 *         child                            child
 *
 * A Gather Merge compares the first rows of its workers one pair at a time; here nobody
 * does. Below a LIMIT the workers sort as well, for they send few rows then.
 *
 * It is the last change to a plan: what looks for Sorts has been there.
 */
#include "plan.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"

#include "node_sort.h"
#include "order.h"

struct sorts {
	int *next_id;
	const Limit *limit; /* of which the node is the child, or NULL */
	bool worker;        /* below a Gather */
};

/* ---- children ---- */

static void each_of(List *plans, plan_visit *visit, void *ctx)
{
	ListCell *lc;

	foreach (lc, plans)
		visit((Plan **)&lfirst(lc), ctx);
}

void plan_children(Plan *p, plan_visit *visit, void *ctx)
{
	if (p->lefttree)
		visit(&p->lefttree, ctx);
	if (p->righttree)
		visit(&p->righttree, ctx);
	switch (nodeTag(p)) {
	case T_Append:
		each_of(((Append *)p)->appendplans, visit, ctx);
		break;
	case T_MergeAppend:
		each_of(((MergeAppend *)p)->mergeplans, visit, ctx);
		break;
	case T_BitmapAnd:
		each_of(((BitmapAnd *)p)->bitmapplans, visit, ctx);
		break;
	case T_BitmapOr:
		each_of(((BitmapOr *)p)->bitmapplans, visit, ctx);
		break;
	case T_SubqueryScan:
		visit(&((SubqueryScan *)p)->subplan, ctx);
		break;
	case T_CustomScan:
		each_of(((CustomScan *)p)->custom_plans, visit, ctx);
		break;
	default:
		break;
	}
}

/* ---- what a LIMIT wants ---- */

static bool params_walker(Node *n, void *ctx)
{
	if (n == NULL)
		return false;
	if (IsA(n, Param) && ((Param *)n)->paramkind == PARAM_EXEC) {
		Bitmapset **params = ctx;

		*params = bms_add_member(*params, ((Param *)n)->paramid);
	}
	return expression_tree_walker(n, params_walker, ctx);
}

static bool has_subplan(Node *n, void *ctx)
{
	if (n == NULL)
		return false;
	return IsA(n, SubPlan) || expression_tree_walker(n, has_subplan, ctx);
}

/* The LIMIT's numbers, where evaluating them a second time gives the same. Workers do not
 * have the parameters of the plan around them. */
static void add_limit(struct sort_spec *spec, const struct sorts *w, Bitmapset **params)
{
	Node *both = w->limit ? (Node *)list_make2(w->limit->limitCount, w->limit->limitOffset)
						  : NULL;
	Bitmapset *found = NULL;

	if (!both || !w->limit->limitCount || contain_volatile_functions(both) ||
		has_subplan(both, NULL))
		return;
	params_walker(both, &found);
	if (w->worker && found)
		return;
	*params = found;
	spec->count = copyObject((Expr *)w->limit->limitCount);
	spec->offset = copyObject((Expr *)w->limit->limitOffset);
}

/* ---- replacing ---- */

static bool any_ranked(int n, const Oid *operators)
{
	while (n-- > 0)
		if (order_by_ranks(operators[n]))
			return true;
	return false;
}

/* The node with these keys over `child`; all else is as in `old`. */
static Plan *zone_sort(const struct sorts *w, struct sort_spec *spec, Plan *old, Plan *child)
{
	Bitmapset *params = NULL;
	CustomScan *scan;
	List *tlist;

	add_limit(spec, w, &params);
	scan = node_sort_make(spec, old);
	tlist = scan->scan.plan.targetlist;
	scan->scan.plan = *old;
	scan->scan.plan.type = T_CustomScan;
	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.lefttree = child;
	scan->scan.plan.extParam = bms_union(old->extParam, params);
	scan->scan.plan.allParam = bms_union(old->allParam, params);
	return &scan->scan.plan;
}

static Plan *of_sort(const struct sorts *w, Sort *s)
{
	struct sort_spec spec = {s->numCols, s->sortColIdx, s->sortOperators, s->collations,
		s->nullsFirst};

	if (!any_ranked(s->numCols, s->sortOperators) ||
		plan_saving(s->plan.lefttree->plan_rows, 1) <= PLAN_COST_NODE)
		return &s->plan;
	return zone_sort(w, &spec, &s->plan, s->plan.lefttree);
}

/* Its rows are those of the Sort, all columns. */
static Gather *gather_of(const GatherMerge *m, int id)
{
	Gather *g = makeNode(Gather);

	g->plan = m->plan;
	g->plan.type = T_Gather;
	g->plan.plan_node_id = id;
	g->plan.targetlist = zone_columns(m->plan.lefttree);
	g->plan.initPlan = NIL; /* stay with the node above */
	g->num_workers = m->num_workers;
	g->rescan_param = m->rescan_param;
	g->initParam = m->initParam;
	return g;
}

/* Does the Gather Merge hand on what it gets? */
static bool hands_on(const GatherMerge *m)
{
	AttrNumber n = 0;
	ListCell *lc;

	foreach (lc, m->plan.targetlist) {
		Var *v = (Var *)lfirst_node(TargetEntry, lc)->expr;

		if (!IsA(v, Var) || v->varno != OUTER_VAR || v->varattno != ++n)
			return false;
	}
	return n == list_length(m->plan.lefttree->targetlist);
}

/* A Gather Merge sorts by columns of its child and has a target list of its own, which
 * need not have them: parallel-restricted functions are computed there. */
static Plan *projected(const GatherMerge *m, Plan *sort, int id)
{
	Result *r = makeNode(Result);

	r->plan = m->plan;
	r->plan.type = T_Result;
	r->plan.lefttree = sort;
	sort->plan_node_id = id;
	sort->initPlan = NIL;
	return &r->plan;
}

static Plan *of_gather_merge(const struct sorts *w, GatherMerge *m)
{
	struct sort_spec spec = {m->numCols, m->sortColIdx, m->sortOperators, m->collations,
		m->nullsFirst};
	Plan *sort = m->plan.lefttree, all, *sorted;
	Gather *g;

	if (!IsA(sort, Sort) || !any_ranked(m->numCols, m->sortOperators))
		return &m->plan;
	g = gather_of(m, (*w->next_id)++);
	g->plan.lefttree = sort->lefttree;
	if (w->limit) {
		struct sorts below = {.limit = w->limit, .worker = true};

		g->plan.lefttree = of_sort(&below, (Sort *)sort);
	}
	all = m->plan;
	all.targetlist = g->plan.targetlist;
	sorted = zone_sort(w, &spec, &all, &g->plan);
	return hands_on(m) ? sorted : projected(m, sorted, (*w->next_id)++);
}

static void replace(Plan **p, void *ctx)
{
	struct sorts w = *(struct sorts *)ctx;

	if (IsA(*p, GatherMerge))
		*p = of_gather_merge(&w, (GatherMerge *)*p);
	else if (IsA(*p, Sort))
		*p = of_sort(&w, (Sort *)*p);
	if (IsA(*p, Limit))
		w.limit = (Limit *)*p;
	else if (!IsA(*p, Result)) /* which hands all rows on */
		w.limit = NULL;
	w.worker |= IsA(*p, Gather) || IsA(*p, GatherMerge);
	plan_children(*p, replace, &w);
}

void sorts_replace(PlannedStmt *s, int *next_id)
{
	struct sorts w = {.next_id = next_id};
	ListCell *lc;

	foreach (lc, s->subplans)
		if (lfirst(lc))
			replace((Plan **)&lfirst(lc), &w);
	replace(&s->planTree, &w);
}
