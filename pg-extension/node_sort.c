/* SPDX-License-Identifier: BSD-3-Clause */
#include "node_sort.h"

#include "catalog/pg_collation.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"
#include "utils/typcache.h"

#include "memory.h"
#include "order.h"
#include "plan.h"
#include "runs.h"
#include "source.h"

enum {
	BOUND_ROWS = 16 * 1024, /* of a bounded sort are collected before some are dropped */
	BOUND_TIMES = 4,        /* or so many times those that are wanted */
	AHEAD = 8,              /* rows prefetched before they are handed out */
};

struct sort_state {
	CustomScanState css;
	struct sort_spec spec;
	struct order_key *keys;
	ExprState *count, *offset;
	TupleTableSlot *slot;     /* what is handed out */
	TupleTableSlot *seen;     /* and a row that is looked at */
	bool random;              /* scans backward or marks may come */
	bool rewind;              /* rescans may */
	MemoryContext memory;     /* of the rows */
	struct tuples rows;
	struct runs runs;         /* when there are more of them than fit */
	uint32 bound;             /* rows that are wanted; 0: all */
	uint32 check;             /* of a bounded sort: look again when there are so many */
	Tuplestorestate *store;   /* all of them in order, where .random and they do not fit */
	Tuplesortstate *external; /* where some value cannot be ranked */
	bool sorted;
	uint32 at, mark;          /* the next row, if not of .runs */
	bool past, mark_past;     /* and the end was seen */
	bool spilled;             /* there were runs */
	struct source source;
	Size peak;
};

/* ---- the spec as nodes ---- */

static const CustomScanMethods scan_methods;

CustomScan *node_sort_make(const struct sort_spec *s, Plan *old)
{
	CustomScan *scan = makeNode(CustomScan);
	List *columns = NIL, *operators = NIL, *collations = NIL, *nulls_first = NIL;
	ListCell *lc;
	int i;

	for (i = 0; i < s->nkeys; i++) {
		columns = lappend_int(columns, s->columns[i]);
		operators = lappend_oid(operators, s->operators[i]);
		collations = lappend_oid(collations, s->collations[i]);
		nulls_first = lappend_int(nulls_first, s->nulls_first[i]);
	}
	scan->custom_private = list_make4(columns, operators, collations, nulls_first);
	if (s->count)
		scan->custom_exprs = list_make2(s->count, s->offset);
	scan->custom_scan_tlist = zone_columns(old);
	foreach (lc, scan->custom_scan_tlist) {
		TargetEntry *tle = flatCopyTargetEntry(lfirst_node(TargetEntry, lc));

		tle->expr = copyObject(tle->expr);
		((Var *)tle->expr)->varno = INDEX_VAR;
		scan->scan.plan.targetlist = lappend(scan->scan.plan.targetlist, tle);
	}
	scan->flags = CUSTOMPATH_SUPPORT_BACKWARD_SCAN | CUSTOMPATH_SUPPORT_MARK_RESTORE;
	scan->methods = &scan_methods;
	return scan;
}

static void read_spec(struct sort_spec *s, const CustomScan *scan)
{
	List *columns = linitial(scan->custom_private);
	int i, n = list_length(columns);

	s->nkeys = n;
	s->columns = palloc(n * sizeof *s->columns);
	s->operators = palloc(n * sizeof *s->operators);
	s->collations = palloc(n * sizeof *s->collations);
	s->nulls_first = palloc(n * sizeof *s->nulls_first);
	for (i = 0; i < n; i++) {
		s->columns[i] = (AttrNumber)list_nth_int(columns, i);
		s->operators[i] = list_nth_oid(lsecond(scan->custom_private), i);
		s->collations[i] = list_nth_oid(lthird(scan->custom_private), i);
		s->nulls_first[i] = list_nth_int(lfourth(scan->custom_private), i);
	}
	if (scan->custom_exprs) {
		s->count = linitial(scan->custom_exprs);
		s->offset = lsecond(scan->custom_exprs);
	}
}

/* ---- what readers compare: source.h ---- */

static struct sort_state *state_of(struct source *source)
{
	return (struct sort_state *)((char *)source - offsetof(struct sort_state, source));
}

static uint64 rows_handed_out(struct source *source)
{
	const struct sort_state *s = state_of(source);

	return s->external || s->past ? 0 : s->runs.n > 0 ? s->runs.handed : s->at;
}

/* The reader's own place in the store stays where it is. */
static void look_stored(struct sort_state *s, uint8 type, struct looked *l)
{
	uint64 at = s->at;
	int k;
	bool null;

	tuplestore_copy_read_pointer(s->store, 0, 2);
	tuplestore_select_read_pointer(s->store, 2);
	while (at > l->from && tuplestore_advance(s->store, false))
		at--;
	at -= at > l->from; /* the last step was there, to before the first row */
	for (l->from = at; at < l->to && tuplestore_gettupleslot(s->store, true, false, s->seen); at++)
		for (k = 0; k < s->spec.nkeys; k++) {
			Datum d = slot_getattr(s->seen, s->spec.columns[k], &null);

			if (s->keys[k].type == type && !null)
				l->values[l->n++] = datumCopy(d, false, value_typlen(type));
			l->out = at < s->at ? l->n : l->out;
		}
	l->to = at;
	ExecClearTuple(s->seen);
	tuplestore_select_read_pointer(s->store, 0);
}

static void look(struct source *source, uint8 type, struct looked *l)
{
	struct sort_state *s = state_of(source);
	uint64 base = s->runs.n > 0 ? s->runs.handed - s->runs.at : 0, i;
	bool null;
	int k;

	l->values = palloc((l->to - l->from) * s->spec.nkeys * sizeof *l->values);
	if (s->store) {
		look_stored(s, type, l);
		return;
	}
	l->from = Max(l->from, base);
	l->to = Min(l->to, base + (s->runs.n > 0 ? s->runs.ready : s->rows.n));
	for (i = l->from; i < l->to; i++)
		for (k = 0; k < s->spec.nkeys; k++) {
			if (s->keys[k].type != type)
				continue;
			l->values[l->n] = tuples_column(
				&s->rows, s->rows.place[i - base], s->spec.columns[k], &null);
			l->n += !null;
			l->out = i < rows_handed_out(source) ? l->n : l->out;
		}
}

/* ---- start ---- */

static void sort_begin(CustomScanState *css, EState *estate, int eflags)
{
	struct sort_state *s = (struct sort_state *)css;
	CustomScan *scan = (CustomScan *)css->ss.ps.plan;
	const int going_back = EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK;
	TupleDesc desc;
	int i;

	read_spec(&s->spec, scan);
	s->random = (eflags & going_back) != 0;
	s->rewind = (eflags & EXEC_FLAG_REWIND) != 0;
	outerPlanState(css) =
		ExecInitNode(scan->scan.plan.lefttree, estate, eflags & ~(going_back | EXEC_FLAG_REWIND));
	desc = css->ss.ss_ScanTupleSlot->tts_tupleDescriptor;
	s->slot = ExecInitExtraTupleSlot(estate, desc, &TTSOpsMinimalTuple);
	s->seen = ExecInitExtraTupleSlot(estate, desc, &TTSOpsMinimalTuple);
	css->ss.ps.resultops = &TTSOpsMinimalTuple; /* not the scan slot's, which is virtual */
	s->count = ExecInitExpr(s->spec.count, &css->ss.ps);
	s->offset = ExecInitExpr(s->spec.offset, &css->ss.ps);
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	s->keys = palloc(s->spec.nkeys * sizeof *s->keys);
	for (i = 0; i < s->spec.nkeys; i++) {
		order_key_init(&s->keys[i], desc, s->spec.columns[i], s->spec.operators[i],
			s->spec.collations[i], s->spec.nulls_first[i]);
		s->source.leads[s->keys[i].type] = i > 0 ? 0 : s->keys[i].descending ? -1 : 1;
		s->source.has[s->keys[i].type] = s->keys[i].type != 0;
	}
	s->memory = AllocSetContextCreate(
		CurrentMemoryContext, "Zone Sort", ALLOCSET_DEFAULT_SIZES);
	s->source.at = rows_handed_out;
	s->source.look = look;
	source_add(&s->source, s->memory);
	tuples_init(&s->rows, desc);
	runs_init(&s->runs, s->memory, &s->rows, s->keys, s->spec.nkeys);
}

/* ---- collecting ---- */

/* A number of rows as LIMIT has it, which has refused those that are none. */
static int64 rows_of(struct sort_state *s, ExprState *e, int64 otherwise)
{
	bool null;
	Datum d;

	if (!e)
		return otherwise;
	d = ExecEvalExprSwitchContext(e, s->css.ss.ps.ps_ExprContext, &null);
	return null ? otherwise : DatumGetInt64(d);
}

static void find_bound(struct sort_state *s)
{
	const int64 most = UINT32_MAX / BOUND_TIMES / 2;
	int64 count = rows_of(s, s->count, -1), offset = rows_of(s, s->offset, 0);
	bool bounded = count >= 0 && offset >= 0 && count < most && offset < most;

	s->bound = bounded ? (uint32)Max(count + offset, 1) : 0;
	s->check = Max(BOUND_ROWS, BOUND_TIMES * s->bound);
}

static bool can_rank(struct sort_state *s, TupleTableSlot *slot)
{
	int i;

	for (i = 0; i < s->spec.nkeys; i++) {
		AttrNumber a = s->spec.columns[i];

		slot_getsomeattrs(slot, a);
		if (!slot->tts_isnull[a - 1] &&
			!order_can_rank(&s->keys[i], slot->tts_values[a - 1]))
			return false;
	}
	return true;
}

static Size memory_used(const struct sort_state *s)
{
	return s->rows.bytes + s->rows.n * order_bytes(s->spec.nkeys);
}

static void drop_unwanted(struct sort_state *s)
{
	order_keep_first(&s->rows, &s->keys[0], s->bound);
	s->check = Max(s->check, 2 * s->rows.n);
}

/* Is there room for more, perhaps without rows that nobody wants? */
static bool has_room(struct sort_state *s)
{
	const Size most = (Size)work_mem * 1024;

	s->peak = Max(s->peak, memory_used(s));
	if (s->bound && (s->rows.n >= s->check || memory_used(s) > most)) {
		drop_unwanted(s);
		return memory_used(s) <= most / 2;
	}
	return memory_used(s) <= most;
}

/* The rows in memory to PostgreSQL's sort, and their memory with them. */
static void hand_on(struct sort_state *s)
{
	uint32 i;

	for (i = 0; i < s->rows.n; i++) {
		tuples_free_before(&s->rows, i);
		ExecStoreMinimalTuple(tuples_at(&s->rows, s->rows.place[i]), s->slot, false);
		tuplesort_puttupleslot(s->external, s->slot);
	}
	ExecClearTuple(s->slot);
	tuples_reset(&s->rows);
}

/* All rows so far to PostgreSQL's sort. */
static void give_up(struct sort_state *s)
{
	struct sort_spec *p = &s->spec;
	const Size some = (Size)work_mem * 1024 / 4;

	s->external = tuplesort_begin_heap(s->rows.desc, p->nkeys, p->columns, p->operators,
		p->collations, p->nulls_first, work_mem, NULL,
		s->random || s->rewind ? TUPLESORT_RANDOMACCESS : TUPLESORT_NONE);
	hand_on(s);
	while (runs_read(&s->runs, some))
		hand_on(s);
	runs_close(&s->runs);
}

static void order(struct sort_state *s)
{
	MemoryContext old = MemoryContextSwitchTo(s->memory);

	s->peak = Max(s->peak, memory_used(s));
	source_changed(&s->source);
	order_rows(&s->rows, s->keys, s->spec.nkeys);
	MemoryContextSwitchTo(old);
}

static void end_run(struct sort_state *s)
{
	order(s);
	runs_add(&s->runs);
}

static void take(struct sort_state *s, TupleTableSlot *slot)
{
	if (!s->external && !can_rank(s, slot))
		give_up(s);
	if (s->external) {
		tuplesort_puttupleslot(s->external, slot);
		return;
	}
	if (!has_room(s) || !tuples_add(&s->rows, slot)) {
		end_run(s);
		tuples_add(&s->rows, slot);
	}
}

/* All that is merged, where it can be read in any direction. */
static void fill_store(struct sort_state *s)
{
	MinimalTuple m;

	s->store = tuplestore_begin_heap(true, false, work_mem);
	tuplestore_set_eflags(s->store, EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK);
	tuplestore_alloc_read_pointer(s->store, EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD); /* the mark */
	tuplestore_alloc_read_pointer(s->store, EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD); /* look() */
	while ((m = runs_next(&s->runs)) != NULL) {
		ExecStoreMinimalTuple(m, s->slot, false);
		tuplestore_puttupleslot(s->store, s->slot);
	}
	ExecClearTuple(s->slot);
	runs_close(&s->runs);
}

/* All rows have come. */
static void start_reading(struct sort_state *s)
{
	MemoryContext old = MemoryContextSwitchTo(s->memory);

	s->at = 0;
	s->past = false;
	if (s->external) {
		tuplesort_performsort(s->external);
	} else if (s->runs.n == 0) {
		order(s);
	} else {
		end_run(s);
		runs_merge(&s->runs, (Size)work_mem * 1024);
		s->spilled = true;
		if (s->random)
			fill_store(s);
	}
	MemoryContextSwitchTo(old);
}

static void sort(struct sort_state *s)
{
	EState *estate = s->css.ss.ps.state;
	ScanDirection direction = estate->es_direction;
	TupleTableSlot *slot;

	estate->es_direction = ForwardScanDirection;
	find_bound(s);
	memory_keep((Size)work_mem * 1024);
	for (;;) {
		slot = ExecProcNode(outerPlanState(&s->css));
		if (TupIsNull(slot))
			break;
		take(s, slot);
	}
	start_reading(s);
	estate->es_direction = direction;
	s->sorted = true;
}

/* ---- handing out ---- */

/* As tuplesort_gettupleslot() does: after the end, going back begins with the last row.
 * False: there is no row. */
static bool step(struct sort_state *s, bool forward, bool end)
{
	if (forward) {
		s->past = end;
		s->at += !end;
		return !end;
	}
	if (s->past)
		s->past = false;
	else if (s->at > 0)
		s->at--;
	return s->at > 0;
}

static TupleTableSlot *sort_exec(CustomScanState *css)
{
	struct sort_state *s = (struct sort_state *)css;
	const struct tuples *t = &s->rows;
	bool forward = ScanDirectionIsForward(css->ss.ps.state->es_direction);
	MinimalTuple m;

	CHECK_FOR_INTERRUPTS();
	if (!s->sorted)
		sort(s);
	if (s->external) {
		tuplesort_gettupleslot(s->external, forward, false, s->slot, NULL);
		return s->slot;
	}
	if (s->store) {
		step(s, forward, !tuplestore_gettupleslot(s->store, forward, false, s->slot));
		return s->slot;
	}
	if (s->runs.n > 0) {
		ExecClearTuple(s->slot); /* its row may go */
		m = runs_next(&s->runs);
		s->past = m == NULL;
		return m ? ExecStoreMinimalTuple(m, s->slot, false) : s->slot;
	}
	if (!step(s, forward, s->at == t->n))
		return ExecClearTuple(s->slot);
	if (s->at + AHEAD <= t->n)
		__builtin_prefetch(tuples_at(t, t->place[s->at - 1 + AHEAD]));
	return ExecStoreMinimalTuple(tuples_at(t, t->place[s->at - 1]), s->slot, false);
}

static void forget(struct sort_state *s)
{
	ExecClearTuple(s->slot);
	if (s->external)
		tuplesort_end(s->external);
	if (s->store)
		tuplestore_end(s->store);
	s->external = NULL;
	s->store = NULL;
	s->sorted = false;
	runs_close(&s->runs);
}

static void sort_rescan(CustomScanState *css)
{
	struct sort_state *s = (struct sort_state *)css;
	PlanState *child = outerPlanState(css);

	if (!s->sorted)
		return;
	if (child->chgParam || s->count || (s->external && !s->random && !s->rewind)) {
		forget(s);
		if (!child->chgParam)
			ExecReScan(child);
		return;
	}
	ExecClearTuple(s->slot);
	source_changed(&s->source);
	if (s->external)
		tuplesort_rescan(s->external);
	else if (s->store)
		tuplestore_rescan(s->store);
	else if (s->runs.n > 0)
		runs_rewind(&s->runs);
	s->at = 0;
	s->past = false;
}

static void sort_mark(CustomScanState *css)
{
	struct sort_state *s = (struct sort_state *)css;

	if (s->external)
		tuplesort_markpos(s->external);
	else if (s->store)
		tuplestore_copy_read_pointer(s->store, 0, 1);
	s->mark = s->at;
	s->mark_past = s->past;
}

static void sort_restore(CustomScanState *css)
{
	struct sort_state *s = (struct sort_state *)css;

	if (s->external)
		tuplesort_restorepos(s->external);
	else if (s->store)
		tuplestore_copy_read_pointer(s->store, 1, 0);
	s->at = s->mark;
	s->past = s->mark_past;
}

static void sort_end(CustomScanState *css)
{
	struct sort_state *s = (struct sort_state *)css;

	if (s->memory) {
		forget(s);
		MemoryContextDelete(s->memory);
	}
	ExecEndNode(outerPlanState(css));
}

/* ---- EXPLAIN ---- */

/* What a key's text ends in, as a Sort shows it. */
static void add_options(StringInfo text, Oid type, Oid operator, bool nulls_first)
{
	TypeCacheEntry *t = lookup_type_cache(type, TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
	bool descending = operator == t->gt_opr;

	if (descending)
		appendStringInfoString(text, " DESC");
	else if (operator != t->lt_opr)
		appendStringInfo(text, " USING %s", get_opname(operator));
	if (nulls_first != descending)
		appendStringInfoString(text, nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

static void add_collation(StringInfo text, Oid collation, const Node *key)
{
	if (OidIsValid(collation) && collation != exprCollation(key))
		appendStringInfo(
			text, " COLLATE %s", quote_identifier(get_collation_name(collation)));
}

static void show_keys(struct sort_state *s, List *ancestors, ExplainState *es)
{
	CustomScan *scan = (CustomScan *)s->css.ss.ps.plan;
	List *context = set_deparse_context_plan(es->deparse_cxt, &scan->scan.plan, ancestors);
	bool prefix = list_length(es->rtable) > 1 || es->verbose;
	List *keys = NIL;
	int i;

	for (i = 0; i < s->spec.nkeys; i++) {
		TargetEntry *tle = list_nth(scan->custom_scan_tlist, s->spec.columns[i] - 1);
		Node *key = (Node *)tle->expr;
		StringInfoData text;

		initStringInfo(&text);
		appendStringInfoString(&text, deparse_expression(key, context, prefix, true));
		add_collation(&text, s->spec.collations[i], key);
		add_options(&text, exprType(key), s->spec.operators[i], s->spec.nulls_first[i]);
		keys = lappend(keys, text.data);
	}
	ExplainPropertyList("Sort Key", keys, es);
}

static void sort_explain(CustomScanState *css, List *ancestors, ExplainState *es)
{
	struct sort_state *s = (struct sort_state *)css;
	Size peak = Max(s->peak, s->runs.peak);

	show_keys(s, ancestors, es);
	if (!es->analyze || !s->sorted)
		return;
	ExplainPropertyText("Sort Method",
		s->external ? "comparisons" : s->spilled ? "ranks, merged" : "ranks", es);
	ExplainPropertyInteger("Sort Memory", "kB", (int64)(peak + 1023) / 1024, es);
	if (s->runs.added > 0)
		ExplainPropertyInteger("Sort Runs", NULL, s->runs.added, es);
}

/* ---- methods ---- */

static const CustomExecMethods exec_methods = {
	.CustomName = "Zone Sort",
	.BeginCustomScan = sort_begin,
	.ExecCustomScan = sort_exec,
	.EndCustomScan = sort_end,
	.ReScanCustomScan = sort_rescan,
	.MarkPosCustomScan = sort_mark,
	.RestrPosCustomScan = sort_restore,
	.ExplainCustomScan = sort_explain,
};

static Node *create_state(CustomScan *scan)
{
	struct sort_state *s = palloc0(sizeof *s);

	NodeSetTag(s, T_CustomScanState);
	s->css.methods = &exec_methods;
	return (Node *)s;
}

static const CustomScanMethods scan_methods = {"Zone Sort", create_state};

void node_sort_init(void)
{
	RegisterCustomScanMethods(&scan_methods);
}
