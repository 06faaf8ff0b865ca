/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan.h"

#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "optimizer/planner.h"
#include "utils/lsyscache.h"

#include "fuse.h"
#include "literal.h"

static planner_hook_type next_planner;

struct walk {
	struct zone_builds zones;
	bool barrier;  /* rows may not be shown to any function before some quals */
	bool unordered; /* the parent of the node that is looked at wants no order of it */
};

static Plan *walk(struct walk *w, Plan *p, const Bitmapset *used);

/* ---- is it worth it ---- */

/* Rows that a node's filter of so many operations sees; plan_rows pass. What a table's
 * scan costs says it, nearly; elsewhere take what PostgreSQL assumes of an inequality. */
static double rows_seen(const Plan *p, int operations)
{
	if (!IsA(p, SeqScan))
		return p->plan_rows * 3;
	return p->total_cost / (cpu_tuple_cost + plan_cost(1, operations));
}

/* ---- filters and target lists: a Zone above the node ---- */

/* A subplan that runs anew for each row? */
static bool runs_subplan(Node *n, void *ctx)
{
	if (n == NULL)
		return false;
	return (IsA(n, SubPlan) && !((SubPlan *)n)->useHashTable) ||
		expression_tree_walker(n, runs_subplan, ctx);
}

/*
 * Take what the zone can filter by out of a list of quals; what is to be asked above it goes
 * to `rest`. Quals stand cheapest first, and that is where a subplan belongs that comes
 * after some of the zone's: else it runs for every row that these would have kept from it.
 * Where there are security barriers the quals' order is kept: plain ones, then the zone's,
 * then all others.
 */
static List *take_filters(struct walk *w, List **quals, bool first, List **rest)
{
	List *taken = NIL, *kept = NIL;
	ListCell *lc;

	foreach (lc, *quals) {
		Expr *e = lfirst(lc);

		if (w->barrier && *rest == NIL && taken && !zone_can_filter(e, false))
			*rest = list_make1(e);
		else if (w->barrier && *rest)
			*rest = lappend(*rest, e);
		else if (zone_can_filter(e, first && taken == NIL))
			taken = lappend(taken, e);
		else if ((taken || !first) && runs_subplan((Node *)e, NULL))
			*rest = lappend(*rest, e);
		else
			kept = lappend(kept, e);
	}
	*quals = kept;
	return taken;
}

/* May the join's own quals be applied after it? */
static bool join_is_plain(Plan *p)
{
	Plan *inner = p->righttree;

	return ((Join *)p)->jointype == JOIN_INNER &&
		!(inner && IsA(inner, Memoize) && ((Memoize *)inner)->singlerow);
}

static bool is_join(Plan *p)
{
	return IsA(p, NestLoop) || IsA(p, HashJoin) || IsA(p, MergeJoin);
}

/* Kinds of nodes that evaluate expressions and whose target list may be another one. */
static bool may_split(Plan *p)
{
	switch (nodeTag(p)) {
	case T_SeqScan:
	case T_SampleScan:
	case T_IndexScan:
	case T_IndexOnlyScan:
	case T_BitmapHeapScan:
	case T_TidScan:
	case T_TidRangeScan:
	case T_SubqueryScan:
	case T_FunctionScan:
	case T_ValuesScan:
	case T_CteScan:
	case T_NestLoop:
	case T_HashJoin:
	case T_MergeJoin:
	case T_Agg:
	case T_WindowAgg:
		return true;
	case T_ForeignScan:
		return ((ForeignScan *)p)->operation == CMD_SELECT && !p->async_capable;
	case T_Result:
		return p->lefttree != NULL;
	default:
		return false;
	}
}

static bool is_used(const Bitmapset *used, const TargetEntry *tle)
{
	return !used || bms_is_member(tle->resno, used);
}

static int operations_in(List *list)
{
	int n = 0;
	ListCell *lc;

	foreach (lc, list)
		n += zone_can_project(lfirst(lc));
	return n;
}

static int operations_projected(struct walk *w, Plan *p, const Bitmapset *used)
{
	int n = 0;
	ListCell *lc;

	foreach (lc, p->targetlist) {
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (is_used(used, tle))
			n += zone_can_project((Node *)tle->expr) +
				subplan_converts(&w->zones, (Node *)tle->expr);
	}
	return n;
}

/* A target list that is nothing but columns can stay: reading a row as it is stored is
 * cheaper than making another one. */
static bool is_simple(List *tlist)
{
	ListCell *lc;

	foreach (lc, tlist) {
		Expr *e = lfirst_node(TargetEntry, lc)->expr;

		if (!IsA(e, Var) && !IsA(e, Aggref) && !IsA(e, WindowFunc))
			return false;
	}
	return true;
}

/* In place of a column that nobody asks for. */
static Expr *nothing(const TargetEntry *tle)
{
	return (Expr *)makeNullConst(exprType((Node *)tle->expr), exprTypmod((Node *)tle->expr),
		exprCollation((Node *)tle->expr));
}

/* The Zone gets the node's target list, the node one of what the Zone needs. */
static void move_target_list(struct zone_build *z, List *old, const Bitmapset *used)
{
	Plan *plan = &z->scan->scan.plan;
	ListCell *lc;

	plan->targetlist = NIL;
	foreach (lc, old) {
		TargetEntry *tle = flatCopyTargetEntry(lfirst_node(TargetEntry, lc));

		tle->expr = is_used(used, tle) ? (Expr *)zone_project(z, (Node *)tle->expr, true)
									   : nothing(tle);
		plan->targetlist = lappend(plan->targetlist, tle);
	}
	if (used) /* nobody asks for the rest */
		plan->targetlist = list_truncate(plan->targetlist,
			Min(list_length(plan->targetlist), bms_prev_member(used, -1)));
}

/* Quals with hashed subplans, out of the others. They stand above all of those. */
static List *take_hashed(struct walk *w, List **quals)
{
	List *taken = NIL, *kept = NIL;
	ListCell *lc;

	if (w->barrier)
		return NIL;
	foreach (lc, *quals)
		if (subplan_converts(&w->zones, lfirst(lc)))
			taken = lappend(taken, lfirst(lc));
		else
			kept = lappend(kept, lfirst(lc));
	*quals = kept;
	return taken;
}

static Plan *split(struct walk *w, Plan *p, const Bitmapset *used)
{
	List *quals = p->qual, *joinquals = NIL, *filters, *hashed, *rest = NIL, *old = p->targetlist;
	bool join = is_join(p) && join_is_plain(p);
	struct zone_build *z;
	int n_filter, n_project;
	double saved;
	ListCell *lc;

	if (join)
		joinquals = ((Join *)p)->joinqual;
	filters = take_filters(w, &joinquals, true, &rest);
	if (w->barrier && rest) {
		rest = list_concat(rest, quals);
		quals = NIL;
	}
	filters = list_concat(filters, take_filters(w, &quals, filters == NIL, &rest));
	hashed = take_hashed(w, &quals);
	n_filter = operations_in(filters);
	n_project = operations_projected(w, p, used);
	saved = plan_saving(n_filter ? rows_seen(p, n_filter) : 0, n_filter) +
		plan_saving(p->plan_rows, n_project + list_length(hashed));
	if (saved <= PLAN_COST_NODE)
		return p;
	p->qual = quals;
	if (join) {
		((Join *)p)->joinqual = joinquals;
		if (filters || rest) /* the first match may be one that the Zone refuses */
			((Join *)p)->inner_unique = false;
	}
	z = zone_over(&w->zones, p);
	if (!is_simple(old))
		p->targetlist = NIL;
	foreach (lc, filters)
		zone_filter(z, lfirst(lc));
	move_target_list(z, old, used);
	rest = list_concat(rest, hashed);
	foreach (lc, rest)
		z->scan->scan.plan.qual =
			lappend(z->scan->scan.plan.qual, zone_project(z, lfirst(lc), false));
	return (Plan *)z->scan;
}

/* ---- the walk ---- */

static bool used_walker(Node *n, void *ctx)
{
	Bitmapset **used = ctx;

	if (n == NULL)
		return false;
	if (IsA(n, Var)) {
		if (((Var *)n)->varno == OUTER_VAR)
			*used = bms_add_member(*used, ((Var *)n)->varattno);
		return false;
	}
	return expression_tree_walker(n, used_walker, ctx);
}

/* The columns of its child that an Agg looks at; an empty set is not NULL, which would
 * mean all. */
static Bitmapset *used_by_agg(Agg *agg)
{
	Bitmapset *used = bms_make_singleton(0);
	int i;

	used_walker((Node *)agg->plan.targetlist, &used);
	used_walker((Node *)agg->plan.qual, &used);
	for (i = 0; i < agg->numCols; i++)
		used = bms_add_member(used, agg->grpColIdx[i]);
	return used;
}

/* The columns of its outer child that a join looks at. */
static Bitmapset *used_by_join(Plan *p)
{
	Bitmapset *used = bms_make_singleton(0);
	ListCell *lc;

	used_walker((Node *)p->targetlist, &used);
	used_walker((Node *)p->qual, &used);
	used_walker((Node *)((Join *)p)->joinqual, &used);
	if (IsA(p, HashJoin)) {
		used_walker((Node *)((HashJoin *)p)->hashclauses, &used);
		used_walker((Node *)((HashJoin *)p)->hashkeys, &used);
	} else if (IsA(p, MergeJoin)) {
		used_walker((Node *)((MergeJoin *)p)->mergeclauses, &used);
	} else {
		foreach (lc, ((NestLoop *)p)->nestParams)
			used_walker((Node *)lfirst_node(NestLoopParam, lc)->paramval, &used);
	}
	return used;
}

/* A Zone below that was attached for the node's sake has all columns of its child. Those
 * that are not used need not be kept with the rows of a batch. */
static void forget_unused(struct walk *w, Plan *zone, const Bitmapset *used)
{
	struct zone_build *z = zone_of(&w->zones, zone);
	List *tlist = NIL;
	ListCell *lc;

	if (!z || z->grouped)
		return;
	foreach (lc, zone->targetlist) {
		TargetEntry *tle = flatCopyTargetEntry(lfirst_node(TargetEntry, lc));

		if (!is_used(used, tle))
			tle->expr = nothing(tle);
		tlist = lappend(tlist, tle);
	}
	zone->targetlist = tlist;
}

static void beneath_agg(struct walk *w, Agg *agg, bool unordered)
{
	attach_aggregate(&w->zones, agg, unordered);
	if (!agg->groupingSets && !agg->chain)
		forget_unused(w, agg->plan.lefttree, used_by_agg(agg));
}

static void beneath_hash_join(struct walk *w, HashJoin *join)
{
	Plan *p = &join->join.plan;

	attach_hash_join(&w->zones, join);
	forget_unused(w, p->lefttree, used_by_join(p));
}

static void walk_list(struct walk *w, List *plans)
{
	ListCell *lc;

	foreach (lc, plans)
		lfirst(lc) = walk(w, lfirst(lc), NULL);
}

/* A merge join goes back in its inner child, which a Zone cannot. */
static void keep_marks(struct walk *w, MergeJoin *join)
{
	Plan *zone = join->join.plan.righttree;
	Material *m;

	if (!zone_of(&w->zones, zone) || join->skip_mark_restore)
		return;
	m = makeNode(Material);
	m->plan = *zone;
	m->plan.type = T_Material;
	m->plan.qual = NIL;
	m->plan.lefttree = zone;
	m->plan.plan_node_id = w->zones.next_id++;
	m->plan.targetlist = zone_columns(zone);
	join->join.plan.righttree = &m->plan;
}

static void walk_children(struct walk *w, Plan *p)
{
	switch (nodeTag(p)) {
	case T_Append:
		walk_list(w, ((Append *)p)->appendplans);
		break;
	case T_MergeAppend:
		walk_list(w, ((MergeAppend *)p)->mergeplans);
		break;
	case T_SubqueryScan:
		((SubqueryScan *)p)->subplan = walk(w, ((SubqueryScan *)p)->subplan, NULL);
		break;
	case T_CustomScan:
		walk_list(w, ((CustomScan *)p)->custom_plans);
		break;
	case T_Agg:
		p->lefttree = walk(w, p->lefttree,
			((Agg *)p)->groupingSets || ((Agg *)p)->chain ? NULL : used_by_agg((Agg *)p));
		break;
	case T_NestLoop:
	case T_HashJoin:
	case T_MergeJoin:
		p->lefttree = walk(w, p->lefttree, used_by_join(p));
		p->righttree = walk(w, p->righttree, NULL);
		break;
	case T_BitmapHeapScan:
	case T_ForeignScan:
		break;
	default:
		p->lefttree = walk(w, p->lefttree, NULL);
		p->righttree = walk(w, p->righttree, NULL);
	}
}

static Plan *walk(struct walk *w, Plan *p, const Bitmapset *used)
{
	bool unordered = w->unordered;
	List *filters = NIL;

	if (!p)
		return NULL;
	if (IsA(p, NestLoop) && !w->barrier)
		filters = inner_hoist((NestLoop *)p);
	w->unordered = IsA(p, Sort) || IsA(p, Hash);
	walk_children(w, p);
	w->unordered = unordered;
	if (IsA(p, Agg))
		beneath_agg(w, (Agg *)p, unordered);
	else if (IsA(p, WindowAgg))
		attach_window(&w->zones, (WindowAgg *)p);
	else if (IsA(p, Limit))
		attach_limit(&w->zones, (Limit *)p);
	else if (IsA(p, HashJoin))
		beneath_hash_join(w, (HashJoin *)p);
	else if (IsA(p, MergeJoin))
		keep_marks(w, (MergeJoin *)p);
	else if (IsA(p, Unique) || IsA(p, SetOp))
		return attach_distinct(&w->zones, p);
	if (filters)
		return inner_match(&w->zones, (NestLoop *)p, filters);
	return may_split(p) ? split(w, p, used) : p;
}

/* ---- the hook ---- */

static void see_id(Plan **p, void *ctx)
{
	int *last = ctx;

	*last = Max(*last, (*p)->plan_node_id);
	plan_children(*p, see_id, ctx);
}

static int last_id(PlannedStmt *s)
{
	int last = 0;
	ListCell *lc;

	see_id(&s->planTree, &last);
	foreach (lc, s->subplans)
		if (lfirst(lc))
			see_id((Plan **)&lfirst(lc), &last);
	return last;
}

static bool has_barrier(const Query *q);

static bool barrier_walker(Node *n, void *ctx)
{
	if (n && IsA(n, Query))
		return has_barrier((Query *)n);
	return n && expression_tree_walker(n, barrier_walker, ctx);
}

static bool is_barrier(const RangeTblEntry *t)
{
	return t->securityQuals || t->security_barrier || (t->subquery && has_barrier(t->subquery));
}

/* Row security, or a view that hides rows from functions. The planner forgets both. Queries
 * are looked for in expressions only where the parser has seen some. */
static bool has_barrier(const Query *q)
{
	ListCell *lc;

	if (q->hasRowSecurity)
		return true;
	foreach (lc, q->rtable)
		if (is_barrier(lfirst_node(RangeTblEntry, lc)))
			return true;
	foreach (lc, q->cteList)
		if (has_barrier((Query *)lfirst_node(CommonTableExpr, lc)->ctequery))
			return true;
	return q->hasSubLinks &&
		query_tree_walker((Query *)q, barrier_walker, NULL, QTW_IGNORE_RC_SUBQUERIES);
}

static void add_zones(PlannedStmt *s, int cursor_options, bool barrier)
{
	struct walk w = {.barrier = barrier};

	w.zones.next_id = last_id(s) + 1;
	walk_list(&w, s->subplans);
	w.zones.subplans = s->subplans;
	s->planTree = walk(&w, s->planTree, NULL);
	s->subplans = list_concat(s->subplans, w.zones.added);
	zones_finish(&w.zones);
	sorts_replace(s, &w.zones.next_id);
	if ((cursor_options & CURSOR_OPT_SCROLL) && !ExecSupportsBackwardScan(s->planTree)) {
		s->planTree = materialize_finished_plan(s->planTree);
		s->planTree->plan_node_id = w.zones.next_id++;
	}
}

static PlannedStmt *plan_unfused(Query *parse, const char *text, int cursor_options,
	ParamListInfo params)
{
	PlannedStmt *s;

	fuse_planning(parse);
	PG_TRY();
	{
		s = next_planner ? next_planner(parse, text, cursor_options, params)
						 : standard_planner(parse, text, cursor_options, params);
	}
	PG_FINALLY();
	{
		literal_forget();
		fuse_planned();
	}
	PG_END_TRY();
	return s;
}

static PlannedStmt *plan(Query *parse, const char *text, int cursor_options,
	ParamListInfo params)
{
	bool barrier = hedb_enable_batch && has_barrier(parse);
	PlannedStmt *s = plan_unfused(parse, text, cursor_options, params);

	/* A function that the planner put in place of its call can have brought row security. */
	if (hedb_enable_batch && s->planTree && s->commandType != CMD_UTILITY)
		add_zones(s, cursor_options, barrier || s->dependsOnRole);
	if (hedb_enable_fuse && s->planTree && s->commandType != CMD_UTILITY)
		fuse_plan(s);
	return s;
}

void plan_init(void)
{
	next_planner = planner_hook;
	planner_hook = plan;
	plan_cost_init();
	fuse_init();
}
