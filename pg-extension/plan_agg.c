/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_agg.c - aggregation where the values are: a Zone whose rows are groups of a batch.
 *
 *     Agg  sum(x), group by g            Agg  combine(s), group by d
 *       Zone  filter f             ->      Zone Aggregate  filter f
 *         child                                g and d = digest(g) of each group,
 *                                              s = state of sum(x)
 *                                            child
 *
 * That is what PostgreSQL does for parallel workers: the Agg above becomes one that
 * combines states, and gets each group once per batch instead of each row. So its memory,
 * spilling, HAVING, empty input and rescans are PostgreSQL's own. A Sort between them
 * sorts groups; none is needed where the order does not matter.
 *
 * One program does it (program.h): the filter, the number of each row's group, the first
 * value of each key, and the reductions by number.
 */
#include "plan.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "aggregate.h"

enum { PLACE_FILTER, PLACE_NUMBERS }; /* on the program's stack, if there is a filter */

/* ---- the program ---- */

static bool has_column(Node *n)
{
	return contain_vars_of_level(n, 0);
}

/* The group numbers of all rows, on top of the stack. */
static bool add_numbers(struct program_of *p, const struct zone_build *z)
{
	ListCell *lc;
	uint8_t type;

	if (!code_add_numbers(&p->code, z->numbered))
		return false;
	if (z->filters && (!code_copy(&p->code, PLACE_FILTER) ||
			!code_operation(&p->code, OP_group_where)))
		return false;
	foreach (lc, z->keys)
		if (!has_column(lfirst(lc)) || !code_add_value(&p->code, lfirst(lc), &type) ||
			!code_operation(&p->code, optable_grouping(type, GROUPING_GROUP)))
			return false;
	program_result(p, ZONE_NUMBERS, T_PUB_INT4);
	return true;
}

/* One reduction of an aggregate's argument. */
static bool add_reduction(
	struct program_of *p, Expr *value, uint16_t code, int numbers, int result)
{
	uint8_t type;

	if (!has_column((Node *)value) || !code_add_value(&p->code, value, &type) ||
		optable_op(code)->args[0] != type || !code_reduce(&p->code, code, numbers))
		return false;
	program_result(p, result, optable_op(code)->result);
	return true;
}

static Expr *argument(const Aggref *a)
{
	return linitial_node(TargetEntry, a->args)->expr;
}

int groups_shared(const List *aggs, const Aggref *a)
{
	int i = 0;
	ListCell *lc;

	foreach (lc, aggs) {
		if (IsA(lfirst(lc), Aggref) && lfirst_node(Aggref, lc)->aggtransno == a->aggtransno)
			return i;
		i++;
	}
	return -1;
}

/* A column that is the state of an aggregate. */
static bool add_state(struct program_of *p, const struct zone_build *z, int numbers, int column)
{
	const Aggref *a = list_nth_node(Aggref, z->columns, column);
	uint8_t type;
	int kind;
	bool counts;

	if (a->aggfnoid == F_COUNT_ || groups_shared(z->columns, a) < column)
		return true;
	type = code_secret_type(exprType((Node *)argument(a)));
	if (!type)
		return false;
	if (a->aggfnoid == F_COUNT_ANY)
		return add_reduction(
			p, argument(a), optable_grouping(type, GROUPING_COUNT), numbers, column);
	kind = aggregate_kind(a->aggfnoid, &counts);
	if (kind == AGGREGATE_NONE ||
		!add_reduction(p, argument(a), aggregate_reduce(kind)->code, numbers, column))
		return false;
	return !list_member_int(z->counted, column) ||
		add_reduction(p, argument(a), optable_grouping(type, GROUPING_COUNT), numbers,
			ZONE_COUNT - column);
}

/* The first value of each group, or its digest. */
static bool add_first(struct program_of *p, Expr *value, bool digest, int numbers, int column)
{
	uint8_t type;

	if (!has_column((Node *)value) || !code_add_value(&p->code, value, &type) ||
		!code_reduce(&p->code, optable_grouping(type, GROUPING_FIRST), numbers))
		return false;
	if (digest && !code_operation(&p->code, optable_generic(type, GENERIC_DIGEST)))
		return false;
	program_result(p, column, digest ? (uint8_t)T_PUB_BYTES16 : type);
	return true;
}

bool groups_program(const struct zone_build *z, struct program_of *p)
{
	bool numbered = z->filters || z->keys || z->numbered;
	int i, n = list_length(z->columns), numbers = -1;

	if (z->filters && (!has_column((Node *)z->filters) || !program_filters(p, z->filters)))
		return false;
	if (numbered) {
		if (!add_numbers(p, z))
			return false;
		numbers = z->filters ? PLACE_NUMBERS : PLACE_NUMBERS - 1;
	}
	for (i = 0; i < n; i++) {
		Expr *e = list_nth(z->columns, i);
		bool done;

		if (IsA(e, Const)) /* nobody asks for it */
			continue;
		done = IsA(e, Aggref)
			? add_state(p, z, numbers, i)
			: add_first(p, e, list_nth_int(z->kinds, i) == COLUMN_DIGEST, numbers, i);
		if (!done)
			return false;
	}
	return p->results != NIL;
}

/* ---- which aggregates ---- */

/* What is found in the target list and qual of an Agg. */
struct found {
	List *aggs;      /* Aggrefs, each of them once */
	List *counted;   /* of int, places in `aggs` whose number of values is needed */
	Bitmapset *used; /* columns of the child, outside of aggregates */
	bool encrypted;  /* some aggregate reduces encrypted values */
	bool other;      /* something that cannot be done */
};

/* Its place. sum(x) and avg(x) share a state and have a place each, for EXPLAIN. */
static int found_state(struct found *f, Aggref *a)
{
	int i = 0;
	ListCell *lc;

	foreach (lc, f->aggs) {
		const Aggref *b = lfirst_node(Aggref, lc);

		if (b->aggtransno == a->aggtransno && b->aggfnoid == a->aggfnoid)
			return i;
		i++;
	}
	f->aggs = lappend(f->aggs, a);
	return i;
}

static void find_aggregate(struct found *f, Aggref *a)
{
	bool counts = false;

	if (a->aggkind != AGGKIND_NORMAL || a->aggdistinct || a->aggorder || a->aggfilter ||
		a->aggvariadic || a->agglevelsup) {
		f->other = true;
		return;
	}
	if (a->aggfnoid != F_COUNT_) {
		if (list_length(a->args) != 1 || (a->aggfnoid != F_COUNT_ANY &&
				aggregate_kind(a->aggfnoid, &counts) == AGGREGATE_NONE))
			f->other = true;
		f->encrypted = true;
	}
	found_state(f, a);
	if (counts)
		f->counted = list_append_unique_int(f->counted, groups_shared(f->aggs, a));
}

static bool find_walker(Node *n, void *ctx)
{
	struct found *f = ctx;

	if (n == NULL)
		return false;
	if (IsA(n, Aggref)) {
		find_aggregate(f, (Aggref *)n);
		return false;
	}
	if (IsA(n, Var)) {
		if (((Var *)n)->varno == OUTER_VAR && ((Var *)n)->varattno > 0)
			f->used = bms_add_member(f->used, ((Var *)n)->varattno);
		else
			f->other = true;
	}
	return expression_tree_walker(n, find_walker, ctx);
}

/* ---- the node ---- */

/* The columns of the Zone's target list that are asked for, of a group's first row; what
 * the zone computes as the first value. Anything else is a NULL. */
static bool keep_columns(struct zone_build *z, const Bitmapset *used, List **tlist)
{
	Bitmapset *computed = NULL;
	List *columns = NIL;
	ListCell *lc;
	int i = 0;

	*tlist = NIL;
	foreach (lc, z->scan->scan.plan.targetlist) {
		TargetEntry *tle = flatCopyTargetEntry(lfirst_node(TargetEntry, lc));
		Var *v = (Var *)tle->expr;

		if (!bms_is_member(tle->resno, used))
			tle->expr = (Expr *)makeNullConst(exprType((Node *)v), exprTypmod((Node *)v),
				exprCollation((Node *)v));
		else if (!IsA(v, Var))
			return false;
		else if (v->varattno >= ZONE_COMPUTED)
			computed = bms_add_member(computed, v->varattno - ZONE_COMPUTED);
		*tlist = lappend(*tlist, tle);
	}
	foreach (lc, z->columns) {
		Node *e = lfirst(lc);

		if (!bms_is_member(i++, computed))
			e = (Node *)makeNullConst(exprType(e), exprTypmod(e), exprCollation(e));
		columns = lappend(columns, e);
	}
	z->columns = columns;
	z->kinds = list_copy(z->kinds);
	return true;
}

/* One more computed column, at the end of the target list. */
static AttrNumber add_column(struct zone_build *z, List **tlist, Expr *e, bool digest)
{
	Var *v = makeVar(INDEX_VAR, (AttrNumber)(ZONE_COMPUTED + list_length(z->columns)),
		digest ? UUIDOID : exprType((Node *)e), -1, InvalidOid, 0);

	z->columns = lappend(z->columns, e);
	z->kinds = lappend_int(z->kinds, digest ? COLUMN_DIGEST : COLUMN_VALUE);
	*tlist = lappend(*tlist,
		makeTargetEntry((Expr *)v, (AttrNumber)(list_length(*tlist) + 1), NULL, false));
	return (AttrNumber)list_length(*tlist);
}

/* The aggregate of that state as the first of two phases has it. */
static Aggref *partial(struct zone_build *z, const Aggref *a)
{
	Aggref *p = makeNode(Aggref);

	*p = *a;
	p->args = (List *)zone_beneath(z, (Node *)a->args);
	p->aggsplit = AGGSPLIT_INITIAL_SERIAL;
	p->aggtype = a->aggtranstype == INTERNALOID ? BYTEAOID : a->aggtranstype;
	return p;
}

/* Where an Agg finds in its child what it needs. */
struct places {
	struct found *found;
	AttrNumber *states; /* of found->aggs */
	Plan *child;
	AggSplit split;
};

/* The aggregates of the Agg, combining. */
static Node *combine_mutator(Node *n, void *ctx)
{
	struct places *in = ctx;
	Aggref *a;
	TargetEntry *tle;
	AttrNumber at;

	if (n == NULL)
		return NULL;
	if (!IsA(n, Aggref))
		return expression_tree_mutator(n, combine_mutator, ctx);
	a = makeNode(Aggref);
	*a = *(Aggref *)n;
	at = in->states[found_state(in->found, a)];
	tle = list_nth(in->child->targetlist, at - 1);
	a->args = list_make1(
		makeTargetEntry((Expr *)zone_var(OUTER_VAR, at, tle), 1, NULL, false));
	a->aggsplit = in->split;
	return (Node *)a;
}

/* ---- the whole ---- */

/* Is it a sort that hands its rows on, by columns that are grouped by? */
static bool sort_is_plain(const Agg *agg, const Sort *sort)
{
	AttrNumber n = 0;
	ListCell *lc;
	int i, k;

	foreach (lc, sort->plan.targetlist) {
		Var *v = (Var *)lfirst_node(TargetEntry, lc)->expr;

		if (!IsA(v, Var) || v->varno != OUTER_VAR || v->varattno != ++n)
			return false;
	}
	for (i = 0; i < sort->numCols; i++) {
		for (k = 0; k < agg->numCols && agg->grpColIdx[k] != sort->sortColIdx[i]; k++)
			;
		if (k == agg->numCols)
			return false;
	}
	return true;
}

/* Can it be hashed instead of sorted? Digests can. */
static bool hashable(const Agg *agg, const Plan *child)
{
	int i;

	for (i = 0; i < agg->numCols; i++) {
		TargetEntry *tle = list_nth(child->targetlist, agg->grpColIdx[i] - 1);
		Oid type = exprType((Node *)tle->expr);

		if (!code_secret_type(type) && !op_hashjoinable(agg->grpOperators[i], type))
			return false;
	}
	return enable_hashagg && agg->numCols > 0;
}

/* A Zone that can be changed: a copy of one that only filters and computes, or a new one. */
static struct zone_build grouping_zone(struct zone_builds *zones, Plan *child)
{
	struct zone_build *z = zone_of(zones, child);

	if (!z || z->top_by || z->match || z->grouped || z->scan->scan.plan.qual ||
		list_member_int(z->kinds, COLUMN_NUMBER)) {
		z = zone_over(zones, child);
		zones->list = list_delete_ptr(zones->list, z);
	}
	return *z;
}

/* Keys as expressions over the Zone's child: those that the zone compares, and plain columns,
 * which are compared when a batch is filled. */
static bool find_keys(struct zone_build *z, const Agg *agg, const Plan *child)
{
	int i;

	for (i = 0; i < agg->numCols; i++) {
		TargetEntry *tle = list_nth(child->targetlist, agg->grpColIdx[i] - 1);
		Node *key = zone_beneath(z, (Node *)zone_var(OUTER_VAR, agg->grpColIdx[i], tle));
		Oid type = exprType(key);

		if (code_secret_type(type)) {
			z->keys = lappend(z->keys, key);
			continue;
		}
		if (!IsA(key, Var) || !op_hashjoinable(agg->grpOperators[i], type))
			return false;
		z->numbered = lappend(z->numbered, key);
		z->number_operators = lappend_oid(z->number_operators, agg->grpOperators[i]);
		z->number_collations = lappend_oid(z->number_collations, agg->grpCollations[i]);
	}
	return true;
}

/* The Zone takes its child's place below the Agg, or below the Sort below that. */
static void put_zone(struct zone_builds *zones, Agg *agg, Sort *sort, struct zone_build *z)
{
	Plan *plan = &z->scan->scan.plan, **at = sort ? &sort->plan.lefttree : &agg->plan.lefttree;
	struct zone_build *old = zone_of(zones, plan);
	double batches = Max(1, plan->plan_rows / GROUPS_BATCH);

	if (!old) {
		old = palloc(sizeof *old);
		zones->list = lappend(zones->list, old);
	}
	*old = *z;
	plan->plan_rows = clamp_row_est(Min(plan->plan_rows, agg->numGroups * batches));
	z->scan->methods = &zone_aggregate_methods;
	*at = plan;
	if (sort) {
		sort->plan.targetlist = zone_columns(plan);
		sort->plan.plan_rows = plan->plan_rows;
	}
}

/* Is a Zone that gives states worth while? */
static bool pays(const struct found *f, const struct zone_build *z)
{
	return f->encrypted || z->filters || z->keys;
}

/* Is it an Agg, with or without a Sort below, whose rows can come in groups? */
static bool groupable(const Agg *agg, const Sort *sort)
{
	return !DO_AGGSPLIT_COMBINE(agg->aggsplit) && !agg->groupingSets && !agg->chain &&
		agg->aggstrategy != AGG_MIXED && (!sort || sort_is_plain(agg, sort));
}

/* What the Agg has and the Zone would have to give; false: it cannot. */
static bool find_all(struct found *f, const Agg *agg)
{
	int i;

	find_walker((Node *)agg->plan.targetlist, f);
	find_walker((Node *)agg->plan.qual, f);
	for (i = 0; i < agg->numCols; i++)
		f->used = bms_add_member(f->used, agg->grpColIdx[i]);
	return !f->other && f->aggs != NIL;
}

/* The Zone's columns and target list become what the Agg is made of: columns that it uses,
 * digests of the keys that the zone compares (0: PostgreSQL does), states. */
static bool put_states(struct zone_build *z, List **tlist, struct places *in, AttrNumber *digests,
	const Agg *agg, const Plan *child)
{
	struct zone_build before = *z; /* whose columns the arguments refer to */
	ListCell *lc;
	int i, k = 0;

	if (!keep_columns(z, in->found->used, tlist))
		return false;
	for (i = 0; i < agg->numCols; i++) {
		TargetEntry *tle = list_nth(child->targetlist, agg->grpColIdx[i] - 1);

		digests[i] = code_secret_type(exprType((Node *)tle->expr))
			? add_column(z, tlist, list_nth(z->keys, k++), true)
			: 0;
	}
	i = 0;
	foreach (lc, in->found->aggs) {
		if (list_member_int(in->found->counted, i))
			z->counted = lappend_int(z->counted, list_length(z->columns));
		in->states[i++] =
			add_column(z, tlist, (Expr *)partial(&before, lfirst_node(Aggref, lc)), false);
	}
	z->grouped = true;
	return true;
}

/* The Agg takes states from its child, grouped by digests. */
static void combine(Agg *agg, struct places *in, const AttrNumber *digests)
{
	int i;

	in->child = agg->plan.lefttree;
	in->split = agg->aggsplit == AGGSPLIT_SIMPLE
		? AGGSPLIT_FINAL_DESERIAL
		: AGGSPLIT_INITIAL_SERIAL | AGGSPLITOP_COMBINE | AGGSPLITOP_DESERIALIZE;
	agg->aggsplit = in->split;
	agg->plan.targetlist = (List *)combine_mutator((Node *)agg->plan.targetlist, in);
	agg->plan.qual = (List *)combine_mutator((Node *)agg->plan.qual, in);
	for (i = 0; i < agg->numCols; i++) {
		if (!digests[i])
			continue;
		agg->grpColIdx[i] = digests[i];
		agg->grpOperators[i] = UUID_EQ_OPERATOR;
		agg->grpCollations[i] = InvalidOid;
	}
}

bool attach_groups(struct zone_builds *zones, Agg *agg, bool unordered)
{
	Sort *sort = IsA(agg->plan.lefttree, Sort) ? (Sort *)agg->plan.lefttree : NULL;
	Plan *child = sort ? sort->plan.lefttree : agg->plan.lefttree;
	struct found f = {.aggs = NIL};
	struct program_of dry = {.results = NIL};
	struct places places = {.found = &f};
	AttrNumber *digests;
	struct zone_build z;
	List *tlist;

	if (!groupable(agg, sort) || !find_all(&f, agg))
		return false;
	z = grouping_zone(zones, child);
	if (!find_keys(&z, agg, child) || !pays(&f, &z))
		return false;
	places.states = palloc(list_length(f.aggs) * sizeof *places.states);
	digests = palloc((agg->numCols + 1) * sizeof *digests);
	if (!put_states(&z, &tlist, &places, digests, agg, child) || !groups_program(&z, &dry))
		return false;
	z.scan->scan.plan.targetlist = tlist;
	put_zone(zones, agg, sort, &z);
	if (sort && unordered && hashable(agg, child)) {
		agg->aggstrategy = AGG_HASHED;
		agg->plan.lefttree = &z.scan->scan.plan;
	}
	combine(agg, &places, digests);
	return true;
}
