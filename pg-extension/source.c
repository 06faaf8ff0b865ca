/* SPDX-License-Identifier: BSD-3-Clause */
#include "source.h"

#include "utils/memutils.h"

#include "memo.h"
#include "rank.h"

enum {
	TELL_FIRST = 64,        /* rows ahead; then four times as many */
	READ_AHEAD = 2 * PROGRAM_ROWS_MAX, /* rows that a Zone above may have */
	MERGED_BACK = 16,       /* of rows that are merged, those still looked at */
};

#define FIRST_PLACE (UINT64CONST(1) << 62) /* in an order that grows to either side */

static dlist_head sources = DLIST_STATIC_INIT(sources);

/* That places were told in, and can be told in further; 0: none. */
static uint64 order_of[T_FIRST_PUBLIC];

static void gone(void *arg)
{
	dlist_delete(&((struct source *)arg)->node);
	memset(order_of, 0, sizeof order_of);
}

void source_add(struct source *s, MemoryContext owner)
{
	MemoryContextCallback *over = MemoryContextAlloc(owner, sizeof *over);

	source_changed(s);
	dlist_push_head(&sources, &s->node);
	over->func = gone;
	over->arg = s;
	MemoryContextRegisterResetCallback(owner, over);
}

void source_changed(struct source *s)
{
	memset(s->digests, 0, sizeof s->digests);
	memset(s->places, 0, sizeof s->places);
	memset(order_of, 0, sizeof order_of);
}

bool source_any(void)
{
	return !dlist_is_empty(&sources);
}

/* ---- what is to be told ---- */

static bool has_been_told(const struct told *t, uint64 at)
{
	return t->from < at && at <= t->to;
}

/* More is told each time; `most` rows at last. */
static uint32 ahead(struct told *t, uint32 most)
{
	t->ahead = Min(t->ahead ? t->ahead * 4 : TELL_FIRST, most);
	return t->ahead;
}

static bool tell_digests(struct source *s, uint8 type)
{
	struct told *t = &s->digests[type];
	uint32 most = Min(memo_most(), PROGRAM_ROWS_MAX);
	uint64 at = s->at(s), back = Min(memo_most(), READ_AHEAD);
	struct looked l = {.from = at > back ? at - back : 0};

	if (!s->has[type] || at == 0 || has_been_told(t, at))
		return false;
	if (l.from < t->to && t->to < at)
		l.from = t->to;
	l.to = at + ahead(t, most);
	s->look(s, type, &l);
	memo_digest_many(type, l.values, l.n);
	t->from = l.from;
	t->to = l.to;
	return l.n > 0;
}

/* Runs in a context that goes away with all that was looked at. */
static MemoryContext begin(MemoryContext *old)
{
	MemoryContext work =
		AllocSetContextCreate(CurrentMemoryContext, "hedb source", ALLOCSET_DEFAULT_SIZES);

	*old = MemoryContextSwitchTo(work);
	return work;
}

bool source_tell_digests(uint8 type)
{
	MemoryContext old, work;
	dlist_iter i;
	bool any = false;

	if (!source_any())
		return false;
	work = begin(&old);
	dlist_foreach(i, &sources)
		any |= tell_digests(dlist_container(struct source, node, i.cur), type);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return any;
}

/* ---- places ---- */

/* Sources with such rows, and whether one of them has come beyond what was told. One that
 * went back, or is at its end, will not tell again what lies ahead of the others. */
static uint32 count_merged(uint8 type, bool *beyond)
{
	dlist_iter i;
	uint32 n = 0;

	*beyond = false;
	dlist_foreach(i, &sources) {
		struct source *s = dlist_container(struct source, node, i.cur);
		struct told *t = &s->places[type];
		uint64 at = s->has[type] ? s->at(s) : 0;

		if (at <= t->from && t->to > 0)
			order_of[type] = 0;
		n += at > 0;
		*beyond |= at > 0 && !has_been_told(t, at);
	}
	return n;
}

/* Values of all sources, and their ranks. */
struct gathered {
	struct looked *part; /* of each */
	uint32 nparts;
	int8 leads;          /* as of all of them, or 0 */
	Datum *values;
	uint32 *ranks;
	uint32 n;
};

static void look_at(struct gathered *g, struct source *s, uint8 type, uint32 most)
{
	struct told *t = &s->places[type];
	uint64 at = s->at(s);
	struct looked *l = &g->part[g->nparts++];

	l->from = at > MERGED_BACK ? at - MERGED_BACK : 0;
	/* one that waits for another will have as many; and what was told stays in order */
	l->to = Max(t->to, at + (has_been_told(t, at) ? t->ahead : ahead(t, most)));
	s->look(s, type, l);
	t->from = l->from;
	t->to = l->to;
	g->n += l->n;
	if (g->nparts == 1)
		g->leads = s->leads[type];
	else if (g->leads != s->leads[type])
		g->leads = 0;
}

static void gather(struct gathered *g, uint8 type, uint32 nsources)
{
	uint32 most = Max(Min(memo_most(), PROGRAM_ROWS_MAX) / nsources, 1), i, n = 0;
	dlist_iter iter;

	memset(g, 0, sizeof *g);
	g->part = palloc0(nsources * sizeof *g->part);
	dlist_foreach(iter, &sources) {
		struct source *s = dlist_container(struct source, node, iter.cur);

		if (s->has[type] && s->at(s) > 0)
			look_at(g, s, type, most);
	}
	g->values = palloc(Max(g->n, 1) * sizeof *g->values);
	g->ranks = palloc(Max(g->n, 1) * sizeof *g->ranks);
	for (i = 0; i < g->nparts; n += g->part[i++].n)
		if (g->part[i].n > 0)
			memcpy(g->values + n, g->part[i].values, g->part[i].n * sizeof *g->values);
	rank_values(type, g->values, g->n, g->ranks);
}

/* Does rank x come before y in the sources' order? */
static bool before(const struct gathered *g, uint32 x, uint32 y)
{
	return g->leads > 0 ? x < y : x > y;
}

/* The rank that comes first of the values handed out last. */
static bool first_of_last(const struct gathered *g, uint32 *rank)
{
	uint32 i, n = 0;

	for (i = 0; i < g->nparts; n += g->part[i++].n) {
		if (g->part[i].out == 0)
			return false;
		if (i == 0 || before(g, g->ranks[n + g->part[i].out - 1], *rank))
			*rank = g->ranks[n + g->part[i].out - 1];
	}
	return g->nparts > 0;
}

/* The value from which on the order can go on: of those that have a place, the last one
 * that does not come after any handed out last. Whatever was told and comes after it has to
 * be among what was gathered. */
static bool find_common(const struct gathered *g, uint8 type, uint32 *common, uint64 *place)
{
	uint32 i, n = 0, first = 0;
	bool found = false;

	if (g->leads == 0 || !order_of[type] || !first_of_last(g, &first))
		return false;
	for (i = 0; i < g->n; i++)
		if (!before(g, first, g->ranks[i]) &&
			(!found || before(g, g->ranks[*common], g->ranks[i])) &&
			memo_place(type, g->values[i], order_of[type], place)) {
			*common = i;
			found = true;
		}
	for (i = 0; found && i < g->nparts; n += g->part[i++].n)
		if (g->part[i].from > 0 && before(g, g->ranks[*common], g->ranks[n]))
			return false;
	return found;
}

/* Those from the common value on; what is before it keeps its place. */
static void go_on(struct gathered *g, uint8 type, uint64 order, uint32 common, uint64 place)
{
	uint64 *places = palloc(g->n * sizeof *places);
	uint32 i, n = 0, rank = g->ranks[common];

	for (i = 0; i < g->n; i++) {
		if (before(g, g->ranks[i], rank))
			continue;
		g->values[n] = g->values[i];
		places[n++] = place + g->ranks[i] - rank;
	}
	memo_places_in(type, g->values, places, n, order);
}

static void tell_places(struct gathered *g, uint8 type)
{
	uint32 common = 0, i;
	uint64 place, *places;

	if (find_common(g, type, &common, &place)) {
		go_on(g, type, order_of[type], common, place);
		return;
	}
	order_of[type] = memo_new_order();
	places = palloc(Max(g->n, 1) * sizeof *places);
	for (i = 0; i < g->n; i++)
		places[i] = FIRST_PLACE + g->ranks[i];
	memo_places_in(type, g->values, places, g->n, order_of[type]);
}

bool source_tell_places(uint8 type)
{
	MemoryContext old, work;
	struct gathered g;
	bool beyond;
	uint32 n = count_merged(type, &beyond);

	if (n < 2 || !beyond)
		return false;
	work = begin(&old);
	gather(&g, type, n);
	tell_places(&g, type);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return g.n > 0;
}
