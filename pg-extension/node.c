/* SPDX-License-Identifier: BSD-3-Clause */
#include "node.h"

#include "catalog/objectaccess.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "node_agg.h"
#include "node_batch.h"
#include "node_match.h"
#include "node_number.h"
#include "node_sort.h"

/* ---- the spec as nodes: custom_private holds types, flags, functions, (columns, client,
 *      top, last, match, by, number, grouped), filters, what top is by, measures, keys,
 *      operators and collations of plain ones; and of each request args, words, results,
 *      types ---- */

enum { PRIVATE_TYPES, PRIVATE_FLAGS, PRIVATE_FUNCTIONS, PRIVATE_NUMBERS, PRIVATE_FILTERS,
	PRIVATE_TOP, PRIVATE_MEASURES, PRIVATE_KEYS, PRIVATE_OPERATORS, PRIVATE_COLLATIONS, PRIVATE_REQUESTS };

void zone_spec_write(CustomScan *scan, const struct zone_spec *s)
{
	List *list = list_make5(s->arg_types, s->arg_flags, s->functions,
		list_make4_int(s->ncolumns, s->client, s->top, s->top_last), s->filters);
	List *numbers = list_nth(list, PRIVATE_NUMBERS);
	ListCell *lc;

	numbers = lappend_int(lappend_int(numbers, s->match), s->match_by);
	numbers = lappend_int(lappend_int(numbers, s->number), s->grouped);
	lfirst(list_nth_cell(list, PRIVATE_NUMBERS)) = numbers;
	list = lappend(list, s->top_by);
	list = lappend(list, s->measures);
	list = lappend(list, s->keys);
	list = lappend(list, s->number_operators);
	list = lappend(list, s->number_collations);
	foreach (lc, s->requests) {
		const struct zone_request *r = lfirst(lc);

		list = lappend(list,
			list_make4(r->args, r->words, r->results, r->types));
	}
	scan->custom_exprs = s->args;
	scan->custom_private = list;
}

void zone_spec_read(struct zone_spec *s, const CustomScan *scan)
{
	List *list = scan->custom_private, *numbers = list_nth(list, PRIVATE_NUMBERS);
	int i;

	memset(s, 0, sizeof *s);
	s->args = scan->custom_exprs;
	s->arg_types = list_nth(list, PRIVATE_TYPES);
	s->arg_flags = list_nth(list, PRIVATE_FLAGS);
	s->functions = list_nth(list, PRIVATE_FUNCTIONS);
	s->ncolumns = linitial_int(numbers);
	s->client = lsecond_int(numbers);
	s->top = lthird_int(numbers);
	s->top_last = lfourth_int(numbers);
	s->match = list_nth_int(numbers, 4);
	s->match_by = (AttrNumber)list_nth_int(numbers, 5);
	s->number = list_nth_int(numbers, 6);
	s->grouped = list_nth_int(numbers, 7);
	s->measures = list_nth(list, PRIVATE_MEASURES);
	s->keys = list_nth(list, PRIVATE_KEYS);
	s->number_operators = list_nth(list, PRIVATE_OPERATORS);
	s->number_collations = list_nth(list, PRIVATE_COLLATIONS);
	s->top_by = list_nth(list, PRIVATE_TOP);
	s->filters = list_nth(list, PRIVATE_FILTERS);
	for (i = PRIVATE_REQUESTS; i < list_length(list); i++) {
		List *l = list_nth(list, i);
		struct zone_request *r = palloc(sizeof *r);

		r->args = linitial(l);
		r->words = lsecond(l);
		r->results = lthird(l);
		r->types = lfourth(l);
		s->requests = lappend(s->requests, r);
	}
}

/* ---- start ---- */

static Node *create_state(CustomScan *scan);

static Node *create_aggregate(CustomScan *scan);

const CustomScanMethods zone_scan_methods = {"Zone", create_state};
const CustomScanMethods zone_aggregate_methods = {"Zone Aggregate", create_aggregate};

/* The programs compute what the functions would: so they need the same privilege. */
static void check_privileges(List *functions)
{
	ListCell *lc;

	foreach (lc, functions) {
		Oid oid = lfirst_oid(lc);
		AclResult ok = pg_proc_aclcheck(oid, GetUserId(), ACL_EXECUTE);

		if (ok != ACLCHECK_OK)
			aclcheck_error(ok, OBJECT_FUNCTION, get_func_name(oid));
		InvokeFunctionExecuteHook(oid);
	}
}

static void init_column(struct zone_state *z, struct zone_column *c, int i)
{
	Expr *e = list_nth(z->spec.args, i);

	c->type = (uint8_t)list_nth_int(z->spec.arg_types, i);
	c->flags = (uint8_t)list_nth_int(z->spec.arg_flags, i);
	c->bytes = optable_type(c->type).size;
	c->numbers = IsA(e, RowExpr);
	c->by_value = c->numbers || get_typbyval(exprType((Node *)e));
	if (optable_is_secret(c->type) && !(c->flags & ARG_CLEAR))
		c->bytes = value_bytes(c->type);
	c->plain = c->bytes && !c->by_value && !(c->flags & ARG_CLEAR);
	if (IsA(e, Var) && ((Var *)e)->varno == OUTER_VAR && ((Var *)e)->varattno > 0) {
		c->attno = ((Var *)e)->varattno;
		z->last_child = Max(z->last_child, c->attno);
		return;
	}
	if (c->numbers)
		return;
	c->expr = ExecInitExpr(e, &z->css.ss.ps);
	z->local_args |= !(c->flags & ARG_ONE);
}

/* The argument that has a column's value as it is stored. */
static int argument_of(struct zone_state *z, AttrNumber attno)
{
	int i;

	for (i = 0; i < z->nargs; i++)
		if (z->columns[i].attno == attno && z->columns[i].plain)
			return i;
	return -1;
}

/* The argument of variable size that is that column. Of a batch that is grouped few rows
 * are asked for, so they are made then. */
static int late_of(const struct zone_state *z, AttrNumber attno)
{
	int i;

	for (i = 0; i < z->nargs && z->spec.grouped; i++)
		if (z->columns[i].attno == attno && z->columns[i].bytes == 0 &&
			optable_is_secret(z->columns[i].type))
			return i;
	return -1;
}

/* Which columns of the child the output needs. */
static void init_kept(struct zone_state *z)
{
	Plan *plan = z->css.ss.ps.plan;
	Bitmapset *used = NULL;
	int i = -1;
	ListCell *lc;

	foreach (lc, pull_var_clause((Node *)list_make2(plan->targetlist, plan->qual),
				 PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
					 PVC_RECURSE_PLACEHOLDERS))
		if (lfirst_node(Var, lc)->varattno <= z->nchild)
			used = bms_add_member(used, lfirst_node(Var, lc)->varattno);
	if (z->spec.match)
		used = bms_add_member(used, z->spec.match_by);
	z->keep = palloc((bms_num_members(used) + 1) * sizeof *z->keep);
	z->keep_arg = palloc((bms_num_members(used) + 1) * sizeof *z->keep_arg);
	z->keep_late = palloc((bms_num_members(used) + 1) * sizeof *z->keep_late);
	while ((i = bms_next_member(used, i)) >= 0) {
		z->keep_arg[z->nkeep] = argument_of(z, (AttrNumber)i);
		z->keep_late[z->nkeep] = late_of(z, (AttrNumber)i);
		z->keep[z->nkeep++] = (AttrNumber)i;
		z->last_child = Max(z->last_child, (AttrNumber)i);
	}
}

static void init_measures(struct zone_state *z)
{
	const struct zone_request *r = linitial(z->spec.requests);
	int i;
	ListCell *lc;

	z->measures = palloc((z->spec.ncolumns + 1) * sizeof *z->measures);
	z->counted = palloc0(z->spec.ncolumns + 1);
	for (i = 0; i < z->spec.ncolumns; i++)
		z->measures[i] = list_nth_int(z->spec.measures, i);
	foreach (lc, r->results)
		if (lfirst_int(lc) <= ZONE_COUNT)
			z->counted[ZONE_COUNT - lfirst_int(lc)] = true;
}

/* Begin with the child's first row. */
static void start(struct zone_state *z)
{
	z->current = NULL;
	z->next = 0;
	z->ended = false;
	z->bytes = batch_bytes();
	z->rows = Min(ZONE_FIRST_ROWS, (uint32)hedb_batch);
	match_restart(z);
	batch_restart(z);
}

static void zone_begin(CustomScanState *css, EState *estate, int eflags)
{
	struct zone_state *z = (struct zone_state *)css;
	CustomScan *scan = (CustomScan *)css->ss.ps.plan;
	Plan *child = scan->scan.plan.lefttree;
	int i;

	zone_spec_read(&z->spec, scan);
	z->nchild = list_length(child->targetlist);
	z->nargs = list_length(z->spec.args);
	z->nrequests = list_length(z->spec.requests);
	outerPlanState(css) = ExecInitNode(child, estate, eflags);
	if (IsA(child, SeqScan))
		z->scanned = ((ScanState *)outerPlanState(css))->ss_ScanTupleSlot;
	z->columns = palloc0((z->nargs + 1) * sizeof *z->columns);
	for (i = 0; i < z->nargs; i++)
		init_column(z, &z->columns[i], i);
	init_kept(z);
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	for (i = 0; i < z->nargs; i++)
		if (z->columns[i].numbers)
			number_begin(z, i);
	if (z->spec.grouped)
		init_measures(z);
	check_privileges(z->spec.functions);
	z->memory = AllocSetContextCreate(CurrentMemoryContext, "Zone", ALLOCSET_DEFAULT_SIZES);
	if (z->spec.match)
		match_begin(z);
	batch_prepare(z);
	for (i = 0; i < ZONE_BATCHES; i++)
		z->batch[i] = batch_create(z);
	start(z);
}

/* ---- execution ---- */

/* Rows of a batch. The more are ranked together, the fewer pass. */
static uint32 largest(struct zone_state *z)
{
	if (z->spec.grouped)
		return GROUPS_BATCH;
	return z->spec.top ? PROGRAM_ROWS_MAX : (uint32)hedb_batch;
}

/* Fill the next batch and have the zone begin with it. */
static bool dispatch_batch(struct zone_state *z)
{
	struct zone_batch *b = z->batch[z->next];

	if (z->ended || !batch_fill(z, b))
		return false;
	batch_send(z, b);
	if (!z->spec.grouped)
		z->bytes = batch_bytes(); /* by now there is a channel */
	z->next = (z->next + 1) % ZONE_BATCHES;
	z->flying++;
	if (z->rows < largest(z))
		z->rows = Min(z->rows * ZONE_GROWTH, largest(z));
	return true;
}

/* The next batch that can be read. The very first one goes alone. */
static bool advance(struct zone_state *z)
{
	bool first = z->current == NULL;

	z->current = NULL;
	while (z->flying < (first ? 1 : ZONE_BATCHES) && dispatch_batch(z))
		;
	if (z->flying == 0)
		return false;
	z->current = z->batch[(z->next + ZONE_BATCHES - z->flying) % ZONE_BATCHES];
	batch_receive(z, z->current);
	z->flying--;
	return true;
}

static TupleTableSlot *zone_exec(CustomScanState *css)
{
	struct zone_state *z = (struct zone_state *)css;
	ExprContext *econtext = css->ss.ps.ps_ExprContext;
	ProjectionInfo *projection = css->ss.ps.ps_ProjInfo;
	TupleTableSlot *slot = css->ss.ss_ScanTupleSlot;

	for (;;) {
		CHECK_FOR_INTERRUPTS();
		if (!z->current || !batch_next(z, z->current, slot)) {
			if (advance(z))
				continue;
			if (!match_last(z, slot))
				return projection ? ExecClearTuple(projection->pi_state.resultslot)
								  : ExecClearTuple(slot);
		}
		ResetExprContext(econtext);
		econtext->ecxt_scantuple = slot;
		if (css->ss.ps.qual && !ExecQual(css->ss.ps.qual, econtext)) {
			InstrCountFiltered1(css, 1);
			continue;
		}
		if (z->current)
			batch_check(z, z->current);
		return projection ? ExecProject(projection) : slot;
	}
}

/* What the zone still has is of no use. */
static void forget(struct zone_state *z)
{
	while (z->flying > 0) {
		batch_forget(z, z->batch[(z->next + ZONE_BATCHES - z->flying) % ZONE_BATCHES]);
		z->flying--;
	}
}

static void zone_rescan(CustomScanState *css)
{
	struct zone_state *z = (struct zone_state *)css;

	forget(z);
	start(z);
	ExecClearTuple(css->ss.ss_ScanTupleSlot);
	if (!outerPlanState(css)->chgParam)
		ExecReScan(outerPlanState(css));
}

static void zone_end(CustomScanState *css)
{
	struct zone_state *z = (struct zone_state *)css;

	forget(z);
	ExecEndNode(outerPlanState(css));
	if (z->memory)
		MemoryContextDelete(z->memory);
}

#define EXEC_METHODS(name)                                                              \
	{                                                                                   \
		.CustomName = name, .BeginCustomScan = zone_begin, .ExecCustomScan = zone_exec, \
		.EndCustomScan = zone_end, .ReScanCustomScan = zone_rescan,                     \
		.ExplainCustomScan = zone_explain,                                              \
	}
static const CustomExecMethods exec_methods = EXEC_METHODS("Zone");
static const CustomExecMethods aggregate_methods = EXEC_METHODS("Zone Aggregate");

static Node *create(const CustomExecMethods *methods)
{
	struct zone_state *z = palloc0(sizeof *z);

	NodeSetTag(z, T_CustomScanState);
	z->css.methods = methods;
	return (Node *)z;
}

static Node *create_state(CustomScan *scan)
{
	return create(&exec_methods);
}

static Node *create_aggregate(CustomScan *scan)
{
	return create(&aggregate_methods);
}

void node_init(void)
{
	RegisterCustomScanMethods(&zone_scan_methods);
	node_sort_init();
	RegisterCustomScanMethods(&zone_aggregate_methods);
}
