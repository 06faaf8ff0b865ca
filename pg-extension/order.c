/* SPDX-License-Identifier: BSD-3-Clause */
#include "order.h"

#include "access/nbtree.h"
#include "catalog/pg_am.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "compile.h"
#include "rank.h"

/* ---- keys ---- */

/* The zone's order is that of the type's default operators. */
static bool default_order(Oid operator, Oid *type, bool *descending)
{
	Oid family;
	int16 strategy;

	if (!get_ordering_op_properties(operator, &family, type, &strategy))
		return false;
	*descending = strategy == BTGreaterStrategyNumber;
	return lookup_type_cache(*type, TYPECACHE_BTREE_OPFAMILY)->btree_opf == family;
}

bool order_by_ranks(Oid operator)
{
	bool descending;
	Oid type;

	return default_order(operator, &type, &descending) && rank_has(code_secret_type(type));
}

void order_key_init(struct order_key *k, TupleDesc desc, AttrNumber column, Oid operator,
	Oid collation, bool nulls_first)
{
	Oid type;

	memset(k, 0, sizeof *k);
	k->plain.ssup_cxt = CurrentMemoryContext;
	k->plain.ssup_collation = collation;
	k->plain.ssup_nulls_first = nulls_first;
	k->plain.ssup_attno = column;
	if (order_by_ranks(operator)) {
		default_order(operator, &type, &k->descending);
		k->type = code_secret_type(type);
	} else {
		PrepareSortSupportFromOrderingOp(operator, &k->plain);
	}
}

/* ---- the ranks of some rows by one key: ascending in the order that is wanted ---- */

static void *alloc(uint32 n, Size size)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * size);
}

/* The zone's ranks of what is not NULL are in the last places of `rank`. NULLs have one
 * of their own, before or after all others. Returns how many ranks there are. */
static uint32 settle(const struct order_key *k, uint32 distinct, const bool *null, uint32 n,
	uint32 present, uint32 *rank)
{
	bool first = k->plain.ssup_nulls_first;
	uint32 i, at = n - present;

	for (i = 0; i < n; i++) {
		if (null[i]) {
			rank[i] = first ? 0 : distinct;
			continue;
		}
		rank[i] = (k->descending ? distinct - 1 - rank[at] : rank[at]) + first;
		at++;
	}
	return distinct + 1;
}

static uint32 ranks_of_zone(const struct tuples *t, const struct order_key *k,
	const uint32 *place, uint32 n, uint32 *rank)
{
	Datum *values = alloc(n, sizeof *values);
	bool *null = alloc(n, sizeof *null);
	uint32 i, m = 0, distinct;

	for (i = 0; i < n; i++) {
		Datum d = tuples_column(t, place[i], k->plain.ssup_attno, &null[i]);

		if (!null[i])
			values[m++] = d;
	}
	distinct = rank_values(k->type, values, m, rank + (n - m));
	pfree(values);
	distinct = settle(k, distinct, null, n, m, rank);
	pfree(null);
	return distinct;
}

struct item {
	Datum d;
	bool null;
	uint32 row;
};

static int compare_items(const void *a, const void *b, void *arg)
{
	const struct item *x = a, *y = b;
	int order = ApplySortComparator(x->d, x->null, y->d, y->null, arg);

	CHECK_FOR_INTERRUPTS();
	return order ? order : (x->row > y->row) - (x->row < y->row);
}

static uint32 ranks_of_plain(const struct tuples *t, struct order_key *k,
	const uint32 *place, uint32 n, uint32 *rank)
{
	struct item *items = alloc(n, sizeof *items);
	uint32 i, distinct = 0;

	for (i = 0; i < n; i++) {
		items[i].row = i;
		items[i].d = tuples_column(t, place[i], k->plain.ssup_attno, &items[i].null);
	}
	qsort_arg(items, n, sizeof *items, compare_items, &k->plain);
	for (i = 0; i < n; i++) {
		if (i > 0 && ApplySortComparator(items[i - 1].d, items[i - 1].null, items[i].d,
						 items[i].null, &k->plain) != 0)
			distinct++;
		rank[items[i].row] = distinct;
	}
	pfree(items);
	return distinct + 1;
}

/* `rank` is below what is returned. */
static uint32 ranks_of(const struct tuples *t, struct order_key *k, const uint32 *place,
	uint32 n, uint32 *rank)
{
	CHECK_FOR_INTERRUPTS();
	return k->type ? ranks_of_zone(t, k, place, n, rank) : ranks_of_plain(t, k, place, n, rank);
}

/* Numbers of the rows in the order of their ranks, which are below `ranks`. */
static void distribute(const uint32 *rank, uint32 n, uint32 ranks, uint32 *sorted)
{
	uint32 *start = MemoryContextAllocExtended(CurrentMemoryContext,
		((Size)ranks + 1) * sizeof *start, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	uint32 i;

	for (i = 0; i < n; i++)
		start[rank[i] + 1]++;
	for (i = 0; i < ranks; i++)
		start[i + 1] += start[i];
	for (i = 0; i < n; i++)
		sorted[start[rank[i]]++] = i;
	pfree(start);
}

/* ---- one key after the other ---- */

struct order {
	struct tuples *t;
	bool *equal;  /* is a row equal to the one before it by the keys so far? */
};

/* All rows, by the first key. */
static void by_first(struct order *o, struct order_key *k)
{
	uint32 n = o->t->n, ranks, i;
	uint32 *rank = alloc(n, sizeof *rank), *sorted;

	ranks = ranks_of(o->t, k, o->t->place, n, rank);
	sorted = alloc(n, sizeof *sorted);
	distribute(rank, n, ranks, sorted);
	for (i = 1; o->equal && i < n; i++)
		o->equal[i] = rank[sorted[i]] == rank[sorted[i - 1]];
	for (i = 0; i < n; i++)
		rank[i] = o->t->place[sorted[i]];
	memcpy(o->t->place, rank, n * sizeof *rank);
	pfree(rank);
	pfree(sorted);
}

/* Rows that are equal to a neighbour, and in which run of such ones they are. */
struct equals {
	uint32 *at;    /* where they stand */
	uint32 *place;
	uint32 *run;
	uint32 n, nruns;
};

static void find_equals(const struct order *o, struct equals *e)
{
	uint32 n = o->t->n, i;

	memset(e, 0, sizeof *e);
	e->at = alloc(n, sizeof *e->at);
	e->place = alloc(n, sizeof *e->place);
	e->run = alloc(n, sizeof *e->run);
	for (i = 0; i < n; i++) {
		bool more = i + 1 < n && o->equal[i + 1];

		if (!o->equal[i] && !more)
			continue;
		e->nruns += !o->equal[i];
		e->at[e->n] = i;
		e->place[e->n] = o->t->place[i];
		e->run[e->n++] = e->nruns - 1;
	}
}

/* What is equal by the keys so far, by the next one: all of it by rank, and then each row
 * to its run. */
static void by_next(struct order *o, struct order_key *k)
{
	struct equals e;
	uint32 *rank, *sorted, *next, *row, i, ranks;

	find_equals(o, &e);
	rank = alloc(e.n, sizeof *rank);
	ranks = ranks_of(o->t, k, e.place, e.n, rank);
	sorted = alloc(e.n, sizeof *sorted);
	distribute(rank, e.n, ranks, sorted);
	row = alloc(e.n, sizeof *row);
	next = alloc(e.nruns, sizeof *next);
	for (i = e.n; i-- > 0;)
		next[e.run[i]] = i;
	for (i = 0; i < e.n; i++)
		row[next[e.run[sorted[i]]]++] = sorted[i];
	for (i = 0; i < e.n; i++) {
		o->t->place[e.at[i]] = e.place[row[i]];
		if (o->equal[e.at[i]])
			o->equal[e.at[i]] = rank[row[i]] == rank[row[i - 1]];
	}
}

void order_rows(struct tuples *t, struct order_key *keys, int nkeys)
{
	MemoryContext work = AllocSetContextCreate(
					  CurrentMemoryContext, "hedb order", ALLOCSET_DEFAULT_SIZES),
				  old = MemoryContextSwitchTo(work);
	struct order o = {.t = t};
	int i;

	if (nkeys > 1) {
		o.equal = MemoryContextAllocHuge(t->context, Max(t->n, 1));
		o.equal[0] = false;
	}
	if (t->n > 1)
		by_first(&o, &keys[0]);
	for (i = 1; i < nkeys && t->n > 1; i++) {
		MemoryContextReset(work);
		by_next(&o, &keys[i]);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	if (o.equal)
		pfree(o.equal);
}

/* ---- only the first ---- */

/* The last rank that fewer than `most` rows stand before. */
static uint32 last_wanted(const uint32 *rank, uint32 n, uint32 ranks, uint32 most)
{
	uint32 *rows = MemoryContextAllocExtended(CurrentMemoryContext,
		(Size)ranks * sizeof *rows, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	uint32 before = 0, i;

	for (i = 0; i < n; i++)
		rows[rank[i]]++;
	for (i = 0; i + 1 < ranks && before + rows[i] < most; i++)
		before += rows[i];
	pfree(rows);
	return i;
}

void order_keep_first(struct tuples *t, struct order_key *key, uint32 most)
{
	uint32 n = t->n, kept = 0, i, ranks, last;
	uint32 *rank = alloc(n, sizeof *rank);

	if (n > 0) {
		ranks = ranks_of(t, key, t->place, n, rank);
		last = last_wanted(rank, n, ranks, most);
		for (i = 0; i < n; i++)
			if (rank[i] <= last)
				rank[kept++] = i;
		tuples_keep(t, rank, kept);
	}
	pfree(rank);
}
