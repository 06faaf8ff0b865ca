/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/tlist.h"

/* ---- what of an expression the zone can compute ---- */

/* Replaces the largest operations that are evaluated for each row, and the leaves. */
struct replace {
	Node *(*operation)(void *ctx, Expr *e); /* NULL: leave it */
	Node *(*leaf)(void *ctx, Node *n);
	Node *(*subplan)(void *ctx, SubPlan *s); /* may return NULL */
	void *ctx;
	bool certain;
};

static bool compiles(Expr *e)
{
	struct code c = {.nargs = 0};
	uint8_t type;

	return code_has_operation((Node *)e) && code_add(&c, e, true, &type);
}

static bool is_leaf(Node *n)
{
	return IsA(n, Var) || IsA(n, Aggref) || IsA(n, WindowFunc) || IsA(n, GroupingFunc) ||
		IsA(n, PlaceHolderVar);
}

static Node *replace(Node *n, struct replace *r);

static Node *replace_uncertain(Node *n, struct replace *r)
{
	bool was = r->certain;
	Node *result;

	r->certain = false;
	result = replace(n, r);
	r->certain = was;
	return result;
}

/* A list of which only the first is evaluated for each row. */
static List *replace_lazy(List *list, struct replace *r)
{
	List *result = NIL;
	ListCell *lc;

	foreach (lc, list)
		result = lappend(result,
			result == NIL ? replace(lfirst(lc), r) : replace_uncertain(lfirst(lc), r));
	return result;
}

static Node *replace_case(CaseExpr *e, struct replace *r)
{
	CaseExpr *copy = makeNode(CaseExpr);
	ListCell *lc;

	*copy = *e;
	copy->arg = (Expr *)replace((Node *)e->arg, r);
	copy->args = NIL;
	foreach (lc, e->args) {
		CaseWhen *w = makeNode(CaseWhen);

		*w = *lfirst_node(CaseWhen, lc);
		w->expr = (Expr *)(copy->args == NIL ? replace((Node *)w->expr, r)
											 : replace_uncertain((Node *)w->expr, r));
		w->result = (Expr *)replace_uncertain((Node *)w->result, r);
		copy->args = lappend(copy->args, w);
	}
	copy->defresult = (Expr *)replace_uncertain((Node *)e->defresult, r);
	return (Node *)copy;
}

static Node *replace_mutator(Node *n, void *r)
{
	return replace(n, r);
}

/* What it compares belongs to it. */
static Node *replace_subplan(SubPlan *s, struct replace *r)
{
	Node *result = r->subplan ? r->subplan(r->ctx, s) : NULL;
	bool was = r->certain;

	if (result)
		return result;
	r->certain = false;
	result = expression_tree_mutator((Node *)s, replace_mutator, r);
	r->certain = was;
	return result;
}

static Node *replace(Node *n, struct replace *r)
{
	Node *done = NULL;

	if (n == NULL)
		return NULL;
	if (is_leaf(n))
		return r->leaf ? r->leaf(r->ctx, n) : copyObject(n);
	if (r->certain && compiles((Expr *)n))
		done = r->operation(r->ctx, (Expr *)n);
	if (done)
		return done;
	if (IsA(n, SubPlan))
		return replace_subplan((SubPlan *)n, r);
	if (IsA(n, CaseExpr))
		return replace_case((CaseExpr *)n, r);
	if (IsA(n, CoalesceExpr)) {
		CoalesceExpr *copy = makeNode(CoalesceExpr);

		*copy = *(CoalesceExpr *)n;
		copy->args = replace_lazy(copy->args, r);
		return (Node *)copy;
	}
	if (IsA(n, BoolExpr)) {
		BoolExpr *copy = makeNode(BoolExpr);

		*copy = *(BoolExpr *)n;
		copy->args = replace_lazy(copy->args, r);
		return (Node *)copy;
	}
	return expression_tree_mutator(n, replace_mutator, r);
}

static Node *count_operation(void *ctx, Expr *e)
{
	struct code c = {.nargs = 0};
	uint8_t type;

	if (code_add(&c, e, true, &type))
		*(int *)ctx += c.operations;
	return (Node *)e;
}

int zone_can_project(Node *n)
{
	int count = 0;
	struct replace r = {.operation = count_operation, .ctx = &count, .certain = true};

	if (code_has_operation(n))
		replace(n, &r);
	return count;
}

bool zone_can_filter(Expr *e, bool first)
{
	struct code c = {.nargs = 0};
	uint8_t type;

	return code_has_operation((Node *)e) && code_add(&c, e, first, &type) &&
		type == T_PUB_BOOL;
}

/* ---- a Zone and its target lists ---- */

struct zone_build *zone_of(struct zone_builds *zones, Plan *plan)
{
	ListCell *lc;

	foreach (lc, zones->list)
		if ((Plan *)((struct zone_build *)lfirst(lc))->scan == plan)
			return lfirst(lc);
	return NULL;
}

Var *zone_var(Index varno, AttrNumber attno, const TargetEntry *tle)
{
	return makeVar(varno, attno, exprType((Node *)tle->expr),
		exprTypmod((Node *)tle->expr), exprCollation((Node *)tle->expr), 0);
}

struct zone_build *zone_over(struct zone_builds *zones, Plan *child)
{
	struct zone_build *z = palloc0(sizeof *z);
	CustomScan *scan = makeNode(CustomScan);
	Plan *plan = &scan->scan.plan;
	ListCell *lc;

	plan->startup_cost = child->startup_cost;
	plan->total_cost = child->total_cost;
	plan->plan_rows = child->plan_rows;
	plan->plan_width = child->plan_width;
	plan->parallel_safe = child->parallel_safe;
	plan->plan_node_id = zones->next_id++;
	plan->lefttree = child;
	plan->extParam = bms_copy(child->extParam);
	plan->allParam = bms_copy(child->allParam);
	foreach (lc, child->targetlist) {
		TargetEntry *tle = flatCopyTargetEntry(lfirst_node(TargetEntry, lc));

		tle->expr = (Expr *)zone_var(INDEX_VAR, tle->resno, tle);
		plan->targetlist = lappend(plan->targetlist, tle);
	}
	scan->methods = &zone_scan_methods;
	z->zones = zones;
	z->scan = scan;
	z->child = child;
	zones->list = lappend(zones->list, z);
	return z;
}

List *zone_columns(Plan *plan)
{
	List *tlist = NIL;
	ListCell *lc;

	foreach (lc, plan->targetlist) {
		TargetEntry *tle = flatCopyTargetEntry(lfirst_node(TargetEntry, lc));

		tle->expr = (Expr *)zone_var(OUTER_VAR, tle->resno, tle);
		tlist = lappend(tlist, tle);
	}
	return tlist;
}

TargetEntry *zone_member(Plan *plan, Node *leaf)
{
	TargetEntry *tle = tlist_member((Expr *)leaf, plan->targetlist);

	if (!tle) {
		tle = makeTargetEntry(
			copyObject((Expr *)leaf), list_length(plan->targetlist) + 1, NULL, false);
		plan->targetlist = lappend(list_copy(plan->targetlist), tle);
	}
	return tle;
}

static Node *outer_mutator(Node *n, void *ctx)
{
	TargetEntry *tle;

	if (n == NULL)
		return NULL;
	if (!is_leaf(n))
		return expression_tree_mutator(n, outer_mutator, ctx);
	tle = zone_member(((struct zone_build *)ctx)->child, n);
	return (Node *)zone_var(OUTER_VAR, tle->resno, tle);
}

Node *zone_outer(struct zone_build *z, Node *n)
{
	return outer_mutator(n, z);
}

/* ---- what it computes ---- */

void zone_filter(struct zone_build *z, Expr *e)
{
	z->filters = lappend(z->filters, zone_outer(z, (Node *)e));
}

/* The computed column of an expression over the child. */
static Var *column(struct zone_build *z, Expr *e, enum zone_column_kind kind)
{
	bool digest = kind == COLUMN_DIGEST;
	Oid type = digest ? UUIDOID : exprType((Node *)e);
	int i, n = list_length(z->columns);

	for (i = 0; i < n; i++)
		if (list_nth_int(z->kinds, i) == (int)kind &&
			equal(list_nth(z->columns, i), e))
			break;
	if (i == n) {
		z->columns = lappend(z->columns, e);
		z->kinds = lappend_int(z->kinds, kind);
	}
	return makeVar(INDEX_VAR, (AttrNumber)(ZONE_COMPUTED + i), type, -1,
		digest ? InvalidOid : exprCollation((Node *)e), 0);
}

static Node *project_operation(void *ctx, Expr *e)
{
	struct zone_build *z = ctx;

	return (Node *)column(z, (Expr *)zone_outer(z, (Node *)e), COLUMN_VALUE);
}

static Node *project_leaf(void *ctx, Node *n)
{
	TargetEntry *tle = zone_member(((struct zone_build *)ctx)->child, n);

	return (Node *)zone_var(INDEX_VAR, tle->resno, tle);
}

static Node *project_subplan(void *ctx, SubPlan *s)
{
	struct zone_build *z = ctx;

	return subplan_convert(z->zones, z, s);
}

Node *zone_project(struct zone_build *z, Node *n, bool compute)
{
	struct replace r = {.operation = project_operation, .leaf = project_leaf,
		.subplan = project_subplan, .ctx = z, .certain = compute};

	return replace(n, &r);
}

/* ---- computing for the parent ---- */

/* The parent's OUTER_VARs are the Zone's target list: put in what stands there, over the
 * Zone's child. */
static Node *beneath_mutator(Node *n, void *ctx)
{
	struct zone_build *z = ctx;
	Var *v = (Var *)n;

	if (n == NULL)
		return NULL;
	if (!IsA(n, Var))
		return expression_tree_mutator(n, beneath_mutator, ctx);
	if (v->varno == OUTER_VAR) {
		TargetEntry *tle = list_nth(z->scan->scan.plan.targetlist, v->varattno - 1);

		return beneath_mutator((Node *)tle->expr, ctx);
	}
	if (v->varattno >= ZONE_COMPUTED)
		return copyObject(list_nth(z->columns, v->varattno - ZONE_COMPUTED));
	v = copyObject(v);
	v->varno = OUTER_VAR;
	return (Node *)v;
}

Node *zone_beneath(struct zone_build *z, Node *n)
{
	return beneath_mutator(n, z);
}

/* The parent's view of a column of the Zone. */
static Var *parent_column(struct zone_build *z, Var *v)
{
	Plan *plan = &z->scan->scan.plan;
	TargetEntry *tle = tlist_member((Expr *)v, plan->targetlist);

	if (!tle) {
		tle = makeTargetEntry((Expr *)v, list_length(plan->targetlist) + 1, NULL, false);
		plan->targetlist = lappend(plan->targetlist, tle);
	}
	return zone_var(OUTER_VAR, tle->resno, tle);
}

/* Is it the column of a digest or a number already? Those have no expression. */
static bool has_no_value(struct zone_build *z, Node *n)
{
	Var *v = (Var *)n;

	return IsA(n, Var) && v->varattno >= ZONE_COMPUTED &&
		list_nth_int(z->kinds, v->varattno - ZONE_COMPUTED) != COLUMN_VALUE;
}

/* The child as a Zone that can have more columns: they are computed for rows that pass. */
static struct zone_build *zone_to_grow(struct zone_builds *zones, Plan **child)
{
	struct zone_build *z = zone_of(zones, *child);

	if (z && z->match != MATCH_NONE)
		return z;
	z = zone_over(zones, *child);
	*child = (Plan *)z->scan;
	return z;
}

Var *zone_digest(struct zone_build *z, Expr *e)
{
	return column(z, e, COLUMN_DIGEST);
}

Var *zone_number(struct zone_builds *zones, Plan **child)
{
	struct zone_build *z = zone_to_grow(zones, child);
	Expr *none = (Expr *)makeNullConst(INT8OID, -1, InvalidOid);

	return parent_column(z, column(z, none, COLUMN_NUMBER));
}

Var *zone_attach(struct zone_builds *zones, Plan **child, Expr *e, bool digest)
{
	struct zone_build *z;
	struct code c = {.nargs = 0};
	Expr *below;
	uint8_t type;

	if (IsA(e, Var) && ((Var *)e)->varno != OUTER_VAR)
		return NULL;
	if (digest && !code_add_digest(&c, e))
		return NULL;
	z = zone_to_grow(zones, child);
	below = (Expr *)beneath_mutator((Node *)e, z);
	c = (struct code){.nargs = 0};
	if (has_no_value(z, (Node *)below) ||
		!(digest ? code_add_digest(&c, below) : code_add(&c, below, true, &type)))
		return NULL;
	return parent_column(z, column(z, below, digest ? COLUMN_DIGEST : COLUMN_VALUE));
}

struct attach {
	struct zone_builds *zones;
	Plan **child;
};

static Node *attach_operation(void *ctx, Expr *e)
{
	struct attach *a = ctx;

	return (Node *)zone_attach(a->zones, a->child, e, false);
}

Node *zone_attach_all(struct zone_builds *zones, Plan **child, Node *n)
{
	struct attach a = {zones, child};
	struct replace r = {.operation = attach_operation, .ctx = &a, .certain = true};

	return replace(n, &r);
}

bool zone_top(struct zone_builds *zones, Plan **child, AttrNumber by, int top, bool last)
{
	TargetEntry *tle = list_nth((*child)->targetlist, by - 1);
	Expr *value = (Expr *)zone_var(OUTER_VAR, by, tle);
	struct code c = {.nargs = 0};
	struct zone_build *z;

	if (!code_add_rank(&c, value))
		return false;
	z = zone_over(zones, *child);
	z->top_by = value;
	z->top = top;
	z->top_last = last;
	*child = (Plan *)z->scan;
	return true;
}
