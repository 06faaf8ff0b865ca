/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sort.c - sort support of the btree operator classes.
 *
 * A sort collects all its tuples before it compares the first two. So the converter to
 * "abbreviated keys" only notes where the value is and gives out its number, and the
 * first comparison fetches the ranks of all values in one request; every comparison from
 * then on is one of two integers:
 *
 *     converter   value           -> TICKET | number of the value
 *     comparator  two tickets     -> their ranks;   anything else -> ask the zone
 *
 * What comes through without a ticket is the value itself: of bounded sorts, which have
 * abbreviation off, of merges of runs on tape (merge.h knows about those), and what lies
 * out of line.
 *
 * Ranks decide, also that two values are equal. So the authoritative comparison that
 * PostgreSQL makes when two abbreviated keys are equal is not wanted, and neither is the
 * one use it makes of abbreviated keys outside the sort, where different ones mean
 * different values (count(DISTINCT)). Both are off while abbrev_converter is NULL, so it
 * is NULL from the moment the ranks are there. A sort that goes to tape ends each run by
 * resetting the context of its tuples; ours is a child of that, which is how we hear of
 * it and set the converter again. Where that context is not found by its name, only the
 * first run has ranks.
 */
#include "sort.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"

#include "memo.h"
#include "merge.h"
#include "rank.h"
#include "scalar.h"

enum { FIRST_VALUES = 1024 };

/* No pointer has the highest bit, in user space. */
#define TICKET (UINT64CONST(1) << 63)
StaticAssertDecl(sizeof(Datum) == 8, "tickets and pointers share a Datum");

struct sort {
	SortSupport ssup;
	MemoryContext run; /* of values and ranks; NULL before the first value of a run */
	Datum *values;     /* they lie in the sort's tuples */
	uint32 *ranks;     /* NULL while values are collected */
	uint32 n, cap;
	uint8 type;
	bool on_tape;      /* a run has ended */
	struct merge *merge;
	dlist_node merging; /* in `merging` below, with .merge */
	dlist_node untold; /* in `untold` below, while .prev is set */
	MemoryContextCallback over, gone;
};

/* Ranked, and the memo was not told: who sorts to group compares again what comes out. */
static dlist_head untold = DLIST_STATIC_INIT(untold);

/* With runs on tape. */
static dlist_head merging = DLIST_STATIC_INIT(merging);

static Datum convert(Datum original, SortSupport ssup);

/* ---- runs ---- */

static MemoryContext child_named(MemoryContext parent, const char *name)
{
	MemoryContext c = parent ? parent->firstchild : NULL;

	while (c && strcmp(c->name, name) != 0)
		c = c->nextchild;
	return c;
}

static void was_told(struct sort *s)
{
	if (s->untold.prev) {
		dlist_delete(&s->untold);
		s->untold.prev = NULL;
	}
}

/* The tuples go away, and with them the values. */
static void end_run(void *arg)
{
	struct sort *s = arg;

	was_told(s);
	s->on_tape = true;
	s->run = NULL;
	s->values = NULL;
	s->ranks = NULL;
	s->n = s->cap = 0;
	if (s->ssup->abbrev_full_comparator)
		s->ssup->abbrev_converter = convert;
}

static void begin_run(struct sort *s)
{
	MemoryContext sort = child_named(s->ssup->ssup_cxt, "TupleSort sort");
	MemoryContext tuples = child_named(sort, "Caller tuples");

	s->run = AllocSetContextCreate(tuples ? tuples : s->ssup->ssup_cxt, "hedb sort",
		ALLOCSET_DEFAULT_SIZES);
	s->over.func = end_run;
	s->over.arg = s;
	MemoryContextRegisterResetCallback(s->run, &s->over);
}

static void make_room(struct sort *s)
{
	if (!s->run)
		begin_run(s);
	s->cap = s->cap ? s->cap * 2 : FIRST_VALUES;
	s->values = s->values
		? repalloc_huge(s->values, (Size)s->cap * sizeof *s->values)
		: MemoryContextAllocHuge(s->run, (Size)s->cap * sizeof *s->values);
}

/* ---- what PostgreSQL calls ---- */

static Datum convert(Datum original, SortSupport ssup)
{
	struct sort *s = ssup->ssup_extra;
	Pointer p = DatumGetPointer(original);

	if (!value_bytes(s->type) && (VARATT_IS_EXTERNAL(p) || VARATT_IS_COMPRESSED(p)))
		return original;
	if (s->n == s->cap)
		make_room(s);
	s->values[s->n] = original;
	return TICKET | s->n++;
}

/*
 * Do these tuples go to tape? From the second run on they do. Of the first one the sort
 * does not tell: but then it has used up its memory. Saying so when it is not true
 * costs a file that nobody reads.
 */
static bool goes_to_tape(const struct sort *s)
{
	double used = (double)(MemoryContextMemAllocated(s->ssup->ssup_cxt, true) -
					  MemoryContextMemAllocated(s->run, true)) / 1024;

	return s->on_tape || used >= 0.85 * maintenance_work_mem ||
		(used >= 0.85 * work_mem && used <= 1.5 * work_mem);
}

static void forget_merge(void *arg)
{
	struct sort *s = arg;

	dlist_delete(&s->merging);
	if (IsTransactionState())
		merge_close(s->merge);
}

static void keep_for_merge(struct sort *s)
{
	if (!s->merge) {
		s->merge = merge_create(s->ssup->ssup_cxt, s->type);
		dlist_push_head(&merging, &s->merging);
		s->gone.func = forget_merge;
		s->gone.arg = s;
		MemoryContextRegisterResetCallback(s->ssup->ssup_cxt, &s->gone);
	}
	merge_add_run(s->merge, s->values, s->ranks, s->n);
}

static void fetch_ranks(struct sort *s)
{
	uint32 *ranks = MemoryContextAllocHuge(s->run, (Size)s->n * sizeof *ranks);

	rank_values(s->type, s->values, s->n, ranks);
	s->ranks = ranks;
	s->ssup->abbrev_converter = NULL;
	if (goes_to_tape(s))
		keep_for_merge(s);
	dlist_push_head(&untold, &s->untold);
}

bool sort_is_ranked(void)
{
	return !dlist_is_empty(&untold) || !dlist_is_empty(&merging);
}

bool sort_merged_equal(uint8 type, Datum x, Datum y, bool *equal)
{
	dlist_iter i;
	int order;

	dlist_foreach(i, &merging)
	{
		struct sort *s = dlist_container(struct sort, merging, i.cur);

		if (s->type == type && merge_compare(s->merge, x, y, false, &order)) {
			*equal = order == 0;
			return true;
		}
	}
	return false;
}

bool sort_tell_places(uint8 type)
{
	dlist_mutable_iter i;
	bool any = false;

	dlist_foreach_modify(i, &untold)
	{
		struct sort *s = dlist_container(struct sort, untold, i.cur);

		if (s->type != type)
			continue;
		was_told(s);
		memo_places(type, s->values, s->ranks, s->n);
		any = true;
	}
	return any;
}

static Datum value_of(const struct sort *s, Datum d)
{
	return d & TICKET ? s->values[(uint32)d] : d;
}

static int compare_values(struct sort *s, Datum x, Datum y)
{
	int order;

	if (s->merge && merge_compare(s->merge, x, y, true, &order))
		return order;
	if (memo_order(s->type, x, y, &order)) /* a merge join's rows */
		return order;
	return scalar_compare(s->type, x, y);
}

static int compare(Datum x, Datum y, SortSupport ssup)
{
	struct sort *s = ssup->ssup_extra;
	uint32 a, b;

	if (unlikely(!(x & y & TICKET)))
		return compare_values(s, value_of(s, x), value_of(s, y));
	if (unlikely(!s->ranks))
		fetch_ranks(s);
	a = s->ranks[(uint32)x];
	b = s->ranks[(uint32)y];
	return (a > b) - (a < b);
}

/* Collecting costs nothing that could be saved by giving up. */
static bool never(int memtupcount, SortSupport ssup)
{
	return false;
}

static Datum sort_support(FunctionCallInfo fcinfo, uint8 type)
{
	SortSupport ssup = (SortSupport)PG_GETARG_POINTER(0);
	struct sort *s = MemoryContextAllocZero(ssup->ssup_cxt, sizeof *s);

	s->ssup = ssup;
	s->type = type;
	ssup->ssup_extra = s;
	ssup->comparator = compare;
	if (ssup->abbreviate) {
		ssup->abbrev_converter = convert;
		ssup->abbrev_abort = never;
		ssup->abbrev_full_comparator = compare;
	}
	PG_RETURN_VOID();
}

#define PUBLIC(...)
#define TYPE(name, code, sql, size, plain)                                              \
	PG_FUNCTION_INFO_V1(sql##_sortsupport);                                             \
	Datum sql##_sortsupport(PG_FUNCTION_ARGS)                                           \
	{                                                                                   \
		return sort_support(fcinfo, code);                                              \
	}
#include "operations.h"
