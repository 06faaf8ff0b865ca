/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memo.c - two tables of the same make, open addressing with linear probing: digests, and
 * places in an order.
 *
 * A table is two generations. New entries go to the young one; when that is full, it
 * becomes the old one, and what was old is forgotten. An entry found in the old one moves
 * to the young one, so what is used again within a generation stays: representatives of
 * groups, inner rows of a hash join. A generation grows up to half of what is allowed.
 *
 * A batch is entered in steps, so that the misses of the cache overlap: all places are
 * prefetched before the first entry is written.
 */
#include "memo.h"

#include "access/xact.h"
#include "executor/nodeHash.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "key.h"
#include "rank.h"
#include "sort.h"
#include "source.h"

enum {
	SLOTS_MIN = 1 << 10,
	AHEAD = 16, /* entries prefetched before they are written */
};

struct entry {
	struct value_key key;
	uint64 fact[DIGEST_BYTES / sizeof(uint64)]; /* a digest, or order and place */
};

struct generation {
	struct entry *slot;
	uint32 nslots; /* power of two, or 0 */
	uint32 used;
};

struct table {
	struct generation young, old;
};

static struct table digests, places;
static uint64 orders; /* ranked together so far */
static bool hooked;

static uint32 home(const struct generation *g, const struct value_key *k)
{
	return value_key_hash(k) & (g->nslots - 1);
}

/* Where the key is, or the empty slot where it would be. */
static struct entry *probe(const struct generation *g, const struct value_key *k)
{
	uint32 i = home(g, k);

	while (g->slot[i].key.a && !value_key_equal(&g->slot[i].key, k))
		i = (i + 1) & (g->nslots - 1);
	return &g->slot[i];
}

/* ---- life ---- */

static void clear(struct generation *g)
{
	if (g->slot)
		pfree(g->slot);
	memset(g, 0, sizeof *g);
}

void memo_reset(void)
{
	clear(&digests.young);
	clear(&digests.old);
	clear(&places.young);
	clear(&places.old);
}

static void at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PARALLEL_PRE_COMMIT ||
		event == XACT_EVENT_PRE_PREPARE)
		return;
	if (digests.young.nslots > SLOTS_MIN || places.young.nslots > SLOTS_MIN)
		memo_reset(); /* little is kept, for the next short transaction */
}

static struct generation generation_of(uint32 nslots)
{
	struct generation g = {.nslots = nslots};

	g.slot = MemoryContextAllocExtended(TopMemoryContext, (Size)nslots * sizeof *g.slot,
		MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	return g;
}

/* At most so many slots a generation. */
static uint32 slots_max(void)
{
	Size most = get_hash_memory_limit() / 2 / sizeof(struct entry);
	uint32 n = SLOTS_MIN;

	while (n <= most / 2 && n < UINT32_C(1) << 28)
		n *= 2;
	return n;
}

/* What is entered has a generation's half at least before it is forgotten. */
uint32 memo_most(void)
{
	return slots_max() / 4;
}

static void grow(struct generation *g)
{
	struct generation bigger = generation_of(g->nslots * 2);
	uint32 i;

	for (i = 0; i < g->nslots; i++)
		if (g->slot[i].key.a)
			*probe(&bigger, &g->slot[i].key) = g->slot[i];
	bigger.used = g->used;
	clear(g);
	*g = bigger;
}

static void age(struct table *t)
{
	struct generation empty = t->old;

	if (empty.nslots != t->young.nslots) {
		clear(&t->old);
		empty = generation_of(t->young.nslots);
	}
	t->old = t->young;
	memset(empty.slot, 0, (Size)empty.nslots * sizeof *empty.slot);
	empty.used = 0;
	t->young = empty;
}

/* Room for n more in the young generation, if it can be had. */
static void make_room(struct table *t, uint32 n)
{
	if (!hooked) {
		RegisterXactCallback(at_transaction_end, NULL);
		hooked = true;
	}
	if (!t->young.slot)
		t->young = generation_of(SLOTS_MIN);
	while (t->young.used + n > t->young.nslots / 2 && t->young.nslots < slots_max())
		grow(&t->young);
	if (t->young.used + n > t->young.nslots / 2)
		age(t);
}

/* ---- entering and looking up ---- */

static void enter(struct table *t, const struct value_key *k, const uint64 *fact)
{
	struct entry *e = probe(&t->young, k);

	t->young.used += e->key.a == 0;
	e->key = *k;
	memcpy(e->fact, fact, sizeof e->fact);
}

static const uint64 *find(struct table *t, const struct value_key *k)
{
	struct entry *e;

	if (!t->young.slot)
		return NULL;
	e = probe(&t->young, k);
	if (e->key.a)
		return e->fact;
	if (!t->old.slot)
		return NULL;
	e = probe(&t->old, k);
	if (!e->key.a)
		return NULL;
	if (t->young.used < t->young.nslots / 2)
		enter(t, k, e->fact);
	return e->fact;
}

/* What comes in many at a time: `fact` gives that of value i. */
struct many {
	uint32 fixed;
	const Datum *values;
	void (*fact)(const struct many *m, uint32 i, uint64 *fact);
	const void *facts;
	uint64 order;
};

static void enter_some(struct table *t, const struct many *m, uint32 from, uint32 n)
{
	struct value_key key[AHEAD];
	bool known[AHEAD];
	uint64 fact[2];
	uint32 i;

	make_room(t, AHEAD);
	for (i = 0; i < n; i++) {
		known[i] = value_key(m->fixed, m->values[from + i], &key[i]);
		if (known[i])
			__builtin_prefetch(&t->young.slot[home(&t->young, &key[i])], 1);
	}
	for (i = 0; i < n; i++)
		if (known[i]) {
			m->fact(m, from + i, fact);
			enter(t, &key[i], fact);
		}
}

static void enter_many(struct table *t, const struct many *m, uint32 n)
{
	uint32 from;

	for (from = 0; from < n; from += AHEAD)
		enter_some(t, m, from, Min(AHEAD, n - from));
}

/* ---- digests ---- */

static void digest_fact(const struct many *m, uint32 i, uint64 *fact)
{
	memcpy(fact, (const uint8 *)m->facts + (Size)i * DIGEST_BYTES, DIGEST_BYTES);
}

static void learn(uint8 type, const Datum *values, const uint8 *found, uint32 n)
{
	struct many m = {value_bytes(type), values, digest_fact, found};

	enter_many(&digests, &m, n);
}

void memo_digest_many(uint8 type, const Datum *values, uint32 n)
{
	uint8 *found = palloc((Size)Min(n, PROGRAM_ROWS_MAX) * DIGEST_BYTES);
	Datum *inline_values = palloc((Size)Min(n, PROGRAM_ROWS_MAX) * sizeof *values);
	uint32 fixed = value_bytes(type), i, some;
	struct value_key unused;

	for (i = 0; i < n;) {
		for (some = 0; i < n && some < PROGRAM_ROWS_MAX; i++)
			if (value_key(fixed, values[i], &unused))
				inline_values[some++] = values[i];
		if (some == 0)
			break;
		digest_values(type, inline_values, some, found);
		learn(type, inline_values, found, some);
	}
	pfree(found);
	pfree(inline_values);
}

/* The digest, if it is known. */
static bool known_digest(uint8 type, Datum value, uint8 digest[DIGEST_BYTES])
{
	const uint64 *fact;
	struct value_key k;

	if (!digests.young.slot || !value_key(value_bytes(type), value, &k))
		return false;
	fact = find(&digests, &k);
	if (fact)
		memcpy(digest, fact, DIGEST_BYTES);
	return fact != NULL;
}

void memo_digest_ask(uint8 type, Datum value, uint8 digest[DIGEST_BYTES])
{
	uint32 fixed = value_bytes(type);
	Datum here = value;

	if (known_digest(type, value, digest))
		return;
	if (!fixed)
		here = PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
	digest_values(type, &here, 1, digest);
	learn(type, &here, digest, 1);
	if (here != value)
		pfree(DatumGetPointer(here));
}

/* ---- places ---- */

static void place_fact(const struct many *m, uint32 i, uint64 *fact)
{
	fact[0] = m->order;
	fact[1] = ((const uint32 *)m->facts)[i];
}

void memo_places(uint8 type, const Datum *values, const uint32 *ranks, uint32 n)
{
	struct many m = {value_bytes(type), values, place_fact, ranks, memo_new_order()};

	enter_many(&places, &m, n);
}

uint64 memo_new_order(void)
{
	return ++orders;
}

static void given_fact(const struct many *m, uint32 i, uint64 *fact)
{
	fact[0] = m->order;
	fact[1] = ((const uint64 *)m->facts)[i];
}

void memo_places_in(
	uint8 type, const Datum *values, const uint64 *given, uint32 n, uint64 order)
{
	struct many m = {value_bytes(type), values, given_fact, given, order};

	enter_many(&places, &m, n);
}

bool memo_place(uint8 type, Datum value, uint64 order, uint64 *place)
{
	const uint64 *found;
	struct value_key k;

	if (!places.young.slot || !value_key(value_bytes(type), value, &k))
		return false;
	found = find(&places, &k);
	if (!found || found[0] != order)
		return false;
	*place = found[1];
	return true;
}

static bool in_order(const struct value_key *x, const struct value_key *y, int *which)
{
	const uint64 *found = find(&places, x);
	uint64 order, place;

	if (!found)
		return false;
	order = found[0];
	place = found[1];
	found = find(&places, y); /* which may move the other one */
	if (!found || found[0] != order)
		return false;
	*which = (place > found[1]) - (place < found[1]);
	return true;
}

static bool same_place(const struct value_key *x, const struct value_key *y, bool *equal)
{
	int which;

	if (!in_order(x, y, &which))
		return false;
	*equal = which == 0;
	return true;
}

static bool same_digest(const struct value_key *x, const struct value_key *y, bool *equal)
{
	const uint64 *found = find(&digests, x);
	uint64 first[2];

	if (!found)
		return false;
	memcpy(first, found, sizeof first);
	found = find(&digests, y);
	if (!found)
		return false;
	*equal = memcmp(first, found, sizeof first) == 0;
	return true;
}

bool memo_equal(uint8 type, Datum a, Datum b, bool *equal)
{
	uint32 fixed = value_bytes(type);
	struct value_key x, y;

	if (!digests.young.slot && !places.young.slot && !sort_is_ranked() && !source_any())
		return false;
	if (!value_key(fixed, a, &x) || !value_key(fixed, b, &y))
		return false;
	return same_digest(&x, &y, equal) || same_place(&x, &y, equal) ||
		(sort_tell_places(type) && same_place(&x, &y, equal)) ||
		(source_tell_digests(type) && same_digest(&x, &y, equal)) ||
		sort_merged_equal(type, a, b, equal);
}

bool memo_order(uint8 type, Datum a, Datum b, int *order)
{
	uint32 fixed = value_bytes(type);
	struct value_key x, y;

	if (!places.young.slot && !source_any())
		return false;
	if (!value_key(fixed, a, &x) || !value_key(fixed, b, &y))
		return false;
	return in_order(&x, &y, order) || (source_tell_places(type) && in_order(&x, &y, order));
}
