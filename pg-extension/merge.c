/* SPDX-License-Identifier: BSD-3-Clause */
#include "merge.h"

#include "storage/buffile.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "key.h"
#include "rank.h"

enum {
	MERGE_VALUES = 1 << 15, /* in all windows together, about */
	MERGE_BYTES = 4 << 20,
	WINDOW_MIN = 16,
	RUNS_FIRST = 16,
	FAILURES_MAX = 64, /* values looked for in vain: then this is of no use */
};

struct run {
	uint64 start, at;   /* in the file: its first value, the next one to read */
	uint32 n, left;     /* values, and those not read yet */
	Datum *window;      /* the values read last */
	uint32 loaded;      /* how many */
	uint32 seen;        /* the one that was compared last */
	uint32 want;        /* values to have in the window */
	struct value_key first;
};

/* A value of a window. */
struct entry {
	struct value_key key;
	uint32 place; /* in the order of all that are in windows */
	uint32 index;
	struct run *run;
};

struct merge {
	MemoryContext context; /* of this */
	MemoryContext windows; /* of what is in them */
	BufFile *file;
	uint64 end;            /* of the file */
	struct run *run;
	uint32 nruns, cap;
	uint32 fixed;
	uint8 type;
	struct entry *slot;    /* open addressing; NULL before the first comparison */
	uint32 nslots;
	uint32 failures;
};

struct merge *merge_create(MemoryContext context, uint8 type)
{
	struct merge *m = MemoryContextAllocZero(context, sizeof *m);

	m->context = context;
	m->type = type;
	m->fixed = value_bytes(type);
	return m;
}

void merge_close(struct merge *m)
{
	if (m->file)
		BufFileClose(m->file);
	m->file = NULL;
	m->nruns = 0;
}

/* ---- the file ---- */

static void write_value(struct merge *m, Datum d)
{
	uint32 len;
	const uint8 *p = value_inline(m->fixed, d, &len);

	if (!m->fixed) {
		BufFileWrite(m->file, &len, sizeof len);
		m->end += sizeof len;
	}
	BufFileWrite(m->file, (void *)p, len);
	m->end += len;
}

static void read_bytes(struct merge *m, void *to, size_t n)
{
	if (BufFileRead(m->file, to, n) != n)
		ereport(ERROR, (errcode_for_file_access(),
				errmsg("could not read a temporary file of a sort")));
}

static Datum read_value(struct merge *m, struct run *r)
{
	uint32 len = m->fixed;
	uint8 *p;

	if (m->fixed) {
		p = palloc(len);
		read_bytes(m, p, len);
	} else {
		read_bytes(m, &len, sizeof len);
		p = palloc(VARHDRSZ + (Size)len);
		SET_VARSIZE(p, VARHDRSZ + len);
		read_bytes(m, VARDATA(p), len);
		r->at += sizeof len;
	}
	r->at += len;
	r->left--;
	return PointerGetDatum(p);
}

/* Numbers of the values by rank. */
static uint32 *sorted_by_rank(const uint32 *ranks, uint32 n)
{
	uint32 *start = MemoryContextAllocExtended(CurrentMemoryContext,
		((Size)n + 1) * sizeof *start, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	uint32 *sorted = MemoryContextAllocHuge(CurrentMemoryContext, (Size)n * sizeof *sorted);
	uint32 i;

	for (i = 0; i < n; i++)
		start[ranks[i] + 1]++;
	for (i = 0; i < n; i++)
		start[i + 1] += start[i];
	for (i = 0; i < n; i++)
		sorted[start[ranks[i]]++] = i;
	pfree(start);
	return sorted;
}

static struct run *new_run(struct merge *m)
{
	struct run *r;

	if (m->nruns == m->cap) {
		m->cap = m->cap ? m->cap * 2 : RUNS_FIRST;
		m->run = m->run ? repalloc(m->run, m->cap * sizeof *m->run)
						: MemoryContextAlloc(m->context, m->cap * sizeof *m->run);
	}
	r = &m->run[m->nruns++];
	memset(r, 0, sizeof *r);
	return r;
}

void merge_add_run(struct merge *m, const Datum *values, const uint32 *ranks, uint32 n)
{
	MemoryContext old = MemoryContextSwitchTo(m->context);
	uint32 *sorted, i;
	struct run *r;

	if (!m->file)
		m->file = BufFileCreateTemp(false);
	if (BufFileSeek(m->file, 0, (off_t)m->end, SEEK_SET) != 0)
		ereport(ERROR, (errcode_for_file_access(),
				errmsg("could not seek in a temporary file of a sort")));
	r = new_run(m);
	r->start = r->at = m->end;
	r->n = r->left = n;
	sorted = sorted_by_rank(ranks, n);
	if (!value_key(m->fixed, values[sorted[0]], &r->first))
		r->first.a = 0;
	for (i = 0; i < n; i++)
		write_value(m, values[sorted[i]]);
	pfree(sorted);
	MemoryContextSwitchTo(old);
}

/* ---- windows ---- */

static struct entry *probe(const struct merge *m, const struct value_key *k)
{
	uint32 i = value_key_hash(k) & (m->nslots - 1);

	while (m->slot[i].key.a && !value_key_equal(&m->slot[i].key, k))
		i = (i + 1) & (m->nslots - 1);
	return &m->slot[i];
}

/* Values that were compared make room for the next ones. A run that was not used since
 * the last time gets less of them, one that was more. */
static uint32 slide(struct merge *m, struct run *r)
{
	uint32 share = Max(MERGE_VALUES / m->nruns, WINDOW_MIN), kept, i;
	uint64 before = r->at;
	Datum *window;

	r->want = r->want == 0 ? share
		: r->seen == 0 ? Max(r->want / 2, WINDOW_MIN) : Min(r->want * 2, share * 4);
	kept = r->loaded - r->seen;
	window = palloc((kept + r->want) * sizeof *window);
	for (i = 0; i < kept; i++)
		window[i] = datumCopy(r->window[r->seen + i], false, m->fixed ? (int)m->fixed : -1);
	if (BufFileSeek(m->file, 0, (off_t)r->at, SEEK_SET) != 0)
		ereport(ERROR, (errcode_for_file_access(),
				errmsg("could not seek in a temporary file of a sort")));
	while (i < r->want && r->left > 0 && r->at - before < MERGE_BYTES / m->nruns)
		window[i++] = read_value(m, r);
	r->window = window;
	r->loaded = i;
	r->seen = 0;
	return i;
}

/* Rank all windows together. */
static void rank_windows(struct merge *m, uint32 n)
{
	Datum *values = palloc(n * sizeof *values);
	uint32 *places = palloc(n * sizeof *places), r, i, at = 0;
	struct value_key k;

	for (r = 0; r < m->nruns; r++) {
		memcpy(values + at, m->run[r].window, m->run[r].loaded * sizeof *values);
		at += m->run[r].loaded;
	}
	rank_values(m->type, values, n, places);
	m->nslots = WINDOW_MIN;
	while (m->nslots < 2 * n)
		m->nslots *= 2;
	m->slot = palloc0(m->nslots * sizeof *m->slot);
	for (r = 0, at = 0; r < m->nruns; r++)
		for (i = 0; i < m->run[r].loaded; i++, at++)
			if (value_key(m->fixed, values[at], &k))
				*probe(m, &k) = (struct entry){k, places[at], i, &m->run[r]};
	pfree(values);
	pfree(places);
}

static void fetch_windows(struct merge *m)
{
	MemoryContext before = m->windows, old;
	uint32 r, n = 0;

	m->windows = AllocSetContextCreate(m->context, "hedb merge", ALLOCSET_DEFAULT_SIZES);
	m->slot = NULL;
	old = MemoryContextSwitchTo(m->windows);
	for (r = 0; r < m->nruns; r++)
		n += slide(m, &m->run[r]);
	if (n > 0)
		rank_windows(m, n);
	MemoryContextSwitchTo(old);
	if (before)
		MemoryContextDelete(before);
}

/* Another pass over the runs begins with the first value of one of them. */
static bool starts_again(const struct merge *m, const struct value_key *k)
{
	uint32 r;

	for (r = 0; r < m->nruns; r++)
		if (value_key_equal(&m->run[r].first, k))
			return true;
	return false;
}

static void rewind_runs(struct merge *m)
{
	uint32 r;

	for (r = 0; r < m->nruns; r++) {
		m->run[r].at = m->run[r].start;
		m->run[r].left = m->run[r].n;
		m->run[r].loaded = m->run[r].seen = m->run[r].want = 0;
	}
}

/* Is the window of some run used up, and not the run? */
static bool used_up(const struct merge *m)
{
	uint32 r;

	for (r = 0; r < m->nruns; r++)
		if (m->run[r].left > 0 && m->run[r].seen + 1 >= m->run[r].loaded)
			return true;
	return false;
}

static struct entry *find(struct merge *m, const struct value_key *k)
{
	struct entry *e = m->slot ? probe(m, k) : NULL;

	if (!e || !e->key.a)
		return NULL;
	if (e->index > e->run->seen)
		e->run->seen = e->index;
	return e;
}

/* Fetch what may have that value. */
static bool look_for(struct merge *m, const struct value_key *k)
{
	bool again = m->slot && starts_again(m, k);

	if (m->failures > FAILURES_MAX || (m->slot && !again && !used_up(m)))
		return false;
	if (again)
		rewind_runs(m);
	fetch_windows(m);
	m->failures += again || !m->slot || !probe(m, k)->key.a;
	return m->slot && probe(m, k)->key.a;
}

bool merge_compare(struct merge *m, Datum x, Datum y, bool more, int *order)
{
	struct value_key kx, ky;
	struct entry *ex, *ey;

	if (m->nruns == 0 || !value_key(m->fixed, x, &kx) || !value_key(m->fixed, y, &ky))
		return false;
	ex = find(m, &kx);
	ey = find(m, &ky);
	if (more && !ex && look_for(m, &kx)) {
		ex = find(m, &kx);
		ey = find(m, &ky);
	}
	if (more && !ey && look_for(m, &ky)) {
		ey = find(m, &ky);
		ex = find(m, &kx);
	}
	if (!ex || !ey)
		return false;
	*order = (ex->place > ey->place) - (ex->place < ey->place);
	return true;
}
