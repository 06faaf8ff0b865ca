/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/tlist.h"

enum {
	/* Columns that the zone computes are numbered from here until it is known how many
	 * the child has, which is when the Zone is finished. */
	COMPUTED = 20000,
};

/* ---- what of an expression the zone can compute ---- */

/* Replaces the largest operations that are evaluated for each row, and the leaves. */
struct replace {
	Node *(*operation)(void *ctx, Expr *e); /* NULL: leave it */
	Node *(*leaf)(void *ctx, Node *n);
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

static Var *var_of(Index varno, AttrNumber attno, const TargetEntry *tle)
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

		tle->expr = (Expr *)var_of(INDEX_VAR, tle->resno, tle);
		plan->targetlist = lappend(plan->targetlist, tle);
	}
	scan->methods = &zone_scan_methods;
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

		tle->expr = (Expr *)var_of(OUTER_VAR, tle->resno, tle);
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
	return (Node *)var_of(OUTER_VAR, tle->resno, tle);
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
static Var *column(struct zone_build *z, Expr *e, bool digest)
{
	Oid type = digest ? UUIDOID : exprType((Node *)e);
	int i, n = list_length(z->columns);

	for (i = 0; i < n; i++)
		if (list_nth_int(z->digests, i) == (int)digest &&
			equal(list_nth(z->columns, i), e))
			break;
	if (i == n) {
		z->columns = lappend(z->columns, e);
		z->digests = lappend_int(z->digests, digest);
	}
	return makeVar(INDEX_VAR, (AttrNumber)(COMPUTED + i), type, -1,
		digest ? InvalidOid : exprCollation((Node *)e), 0);
}

static Node *project_operation(void *ctx, Expr *e)
{
	struct zone_build *z = ctx;

	return (Node *)column(z, (Expr *)zone_outer(z, (Node *)e), false);
}

static Node *project_leaf(void *ctx, Node *n)
{
	TargetEntry *tle = zone_member(((struct zone_build *)ctx)->child, n);

	return (Node *)var_of(INDEX_VAR, tle->resno, tle);
}

Node *zone_project(struct zone_build *z, Node *n, bool compute)
{
	struct replace r = {.operation = project_operation, .leaf = project_leaf, .ctx = z,
		.certain = compute};

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
	if (v->varattno >= COMPUTED)
		return copyObject(list_nth(z->columns, v->varattno - COMPUTED));
	v = copyObject(v);
	v->varno = OUTER_VAR;
	return (Node *)v;
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
	return var_of(OUTER_VAR, tle->resno, tle);
}

/* Is it a digest's column already, or does it contain one? Those have no expression. */
static bool uses_digest(struct zone_build *z, Node *n)
{
	Var *v = (Var *)n;

	return IsA(n, Var) && v->varattno >= COMPUTED &&
		list_nth_int(z->digests, v->varattno - COMPUTED);
}

Var *zone_attach(struct zone_builds *zones, Plan **child, Expr *e, bool digest)
{
	struct zone_build *z = zone_of(zones, *child);
	struct code c = {.nargs = 0};
	Expr *below;
	uint8_t type;

	if (IsA(e, Var) && ((Var *)e)->varno != OUTER_VAR)
		return NULL;
	if (digest && !code_add_digest(&c, e))
		return NULL;
	if (!z) {
		z = zone_over(zones, *child);
		*child = (Plan *)z->scan;
	}
	below = (Expr *)beneath_mutator((Node *)e, z);
	c = (struct code){.nargs = 0};
	if (uses_digest(z, (Node *)below) ||
		!(digest ? code_add_digest(&c, below) : code_add(&c, below, true, &type)))
		return NULL;
	return parent_column(z, column(z, below, digest));
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
	Expr *value = (Expr *)var_of(OUTER_VAR, by, tle);
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

/* ---- finishing ---- */

static Node *settle_mutator(Node *n, void *ctx)
{
	Var *v = (Var *)n;

	if (n == NULL)
		return NULL;
	if (!IsA(n, Var))
		return expression_tree_mutator(n, settle_mutator, ctx);
	v = copyObject(v);
	if (v->varno == INDEX_VAR && v->varattno >= COMPUTED)
		v->varattno = (AttrNumber)(v->varattno - COMPUTED + *(int *)ctx + 1);
	v->varattnosyn = v->varattno;
	return (Node *)v;
}

/* The scan tuple: child's columns, then computed ones. */
static List *scan_tlist(struct zone_build *z)
{
	List *tlist = NIL;
	ListCell *lc, *digest;

	foreach (lc, z->child->targetlist) {
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		tlist = lappend(tlist, makeTargetEntry((Expr *)var_of(OUTER_VAR, tle->resno, tle),
								   list_length(tlist) + 1, tle->resname, false));
	}
	forboth (lc, z->columns, digest, z->digests) {
		Expr *e = lfirst(lc);

		if (lfirst_int(digest)) /* shown as what it is the digest of */
			e = (Expr *)makeRelabelType(e, UUIDOID, -1, InvalidOid, COERCE_IMPLICIT_CAST);
		tlist = lappend(tlist, makeTargetEntry(e, list_length(tlist) + 1, NULL, false));
	}
	return tlist;
}

/* The node's number of an argument. */
static int spec_arg(struct zone_spec *s, const struct code_arg *a)
{
	int i, n = list_length(s->args);

	for (i = 0; i < n; i++)
		if (list_nth_int(s->arg_types, i) == a->type &&
			list_nth_int(s->arg_flags, i) == a->flags && equal(list_nth(s->args, i), a->expr))
			return i;
	s->args = lappend(s->args, a->expr);
	s->arg_types = lappend_int(s->arg_types, a->type);
	s->arg_flags = lappend_int(s->arg_flags, a->flags);
	s->client |= (a->flags & ARG_CLEAR) != 0;
	return n;
}

/* A program in the making, and what its results are for. */
struct program_of {
	struct code code;
	List *results, *types;
};

static void spec_request(struct zone_spec *s, struct program_of *p)
{
	struct zone_request *r = palloc0(sizeof *r);
	int i;

	if (!p->results)
		return;
	for (i = 0; i < p->code.nargs; i++)
		r->args = lappend_int(r->args, spec_arg(s, &p->code.arg[i]));
	for (i = 0; i < p->code.nwords; i++)
		r->words = lappend_int(r->words, p->code.word[i]);
	r->results = p->results;
	r->types = p->types;
	s->requests = lappend(s->requests, r);
	s->functions = list_concat_unique_oid(s->functions, p->code.functions);
	*p = (struct program_of){.results = NIL};
}

static void add_result(struct program_of *p, int result, uint8_t type)
{
	p->results = lappend_int(p->results, result);
	p->types = lappend_int(p->types, type);
}

/* The filters, joined by AND; what does not fit any more goes into another program. */
static void add_filters(struct zone_spec *s, struct program_of *p, List *filters)
{
	uint8_t type;
	ListCell *lc;

	foreach (lc, filters) {
		bool first = lc == list_head(filters);
		struct code before = p->code;

		if (code_add(&p->code, lfirst(lc), first, &type) &&
			(!p->results || code_and(&p->code))) {
			if (!p->results)
				add_result(p, ZONE_FILTER, T_PUB_BOOL);
			continue;
		}
		p->code = before;
		spec_request(s, p);
		if (!code_add(&p->code, lfirst(lc), first, &type))
			elog(ERROR, "a filter does not compile any more");
		add_result(p, ZONE_FILTER, T_PUB_BOOL);
	}
}

static bool add_column(struct program_of *p, Expr *e, bool digest, int column)
{
	uint8_t type = T_PUB_BYTES16;

	if (!(digest ? code_add_digest(&p->code, e) : code_add(&p->code, e, true, &type)))
		return false;
	add_result(p, column, type);
	return true;
}

/* Columns go with the last filter: they are computed for rows that pass it. */
static void add_columns(struct zone_spec *s, struct program_of *p, struct zone_build *z)
{
	ListCell *lc, *digest;

	forboth (lc, z->columns, digest, z->digests) {
		if (!add_column(p, lfirst(lc), lfirst_int(digest), s->ncolumns)) {
			spec_request(s, p);
			if (!add_column(p, lfirst(lc), lfirst_int(digest), s->ncolumns))
				elog(ERROR, "a column does not compile any more");
		}
		s->ncolumns++;
	}
}

static void finish(struct zone_build *z)
{
	struct zone_spec s = {.filters = z->filters, .top = z->top, .top_last = z->top_last,
		.top_by = z->top_by};
	struct program_of p = {.results = NIL};
	CustomScan *scan = z->scan;
	int nchild = list_length(z->child->targetlist);

	scan->custom_scan_tlist = scan_tlist(z);
	scan->scan.plan.targetlist =
		(List *)settle_mutator((Node *)scan->scan.plan.targetlist, &nchild);
	scan->scan.plan.qual = (List *)settle_mutator((Node *)scan->scan.plan.qual, &nchild);
	if (z->top_by && code_add_rank(&p.code, z->top_by)) {
		add_result(&p, ZONE_TOP, T_PUB_INT4);
		spec_request(&s, &p);
	}
	add_filters(&s, &p, z->filters);
	add_columns(&s, &p, z);
	spec_request(&s, &p);
	zone_spec_write(scan, &s);
}

void zones_finish(struct zone_builds *zones)
{
	ListCell *lc;

	foreach (lc, zones->list)
		finish(lfirst(lc));
}
