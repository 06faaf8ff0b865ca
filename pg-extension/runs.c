/* SPDX-License-Identifier: BSD-3-Clause */
#include "runs.h"

#include "commands/tablespace.h"
#include "utils/memutils.h"

enum {
	RUNS_FIRST = 16,
	WINDOW_MIN = 16,   /* rows: fewer, and a round hands out too small a part of them */
	WINDOW_SHARE = 4,  /* at first windows take one in so many of the rows that fit */
	FAN_MIN = 8,       /* runs are merged at once, even if they do not fit */
};

void runs_init(struct runs *s, MemoryContext context, struct tuples *t,
	struct order_key *keys, int nkeys)
{
	memset(s, 0, sizeof *s);
	s->context = context;
	s->t = t;
	s->keys = keys;
	s->nkeys = nkeys;
}

void runs_close(struct runs *s)
{
	if (s->file)
		BufFileClose(s->file);
	if (s->run)
		pfree(s->run);
	tuples_reset(s->t);
	s->file = NULL;
	s->run = NULL;
	s->n = s->cap = s->at = s->ready = 0;
	s->bytes = s->rows = 0;
}

/* ---- the file ---- */

static void seek(struct runs *s, uint64 to)
{
	if (BufFileSeek(s->file, 0, (off_t)to, SEEK_SET) != 0)
		ereport(ERROR, (errcode_for_file_access(),
				errmsg("could not seek in a temporary file of a sort")));
}

static void read_bytes(struct runs *s, void *to, size_t n)
{
	if (BufFileRead(s->file, to, n) != n)
		ereport(ERROR, (errcode_for_file_access(),
				errmsg("could not read a temporary file of a sort")));
}

static struct run *new_run(struct runs *s)
{
	MemoryContext old = MemoryContextSwitchTo(s->context);

	if (!s->file) {
		PrepareTempTablespaces();
		s->file = BufFileCreateTemp(false);
		s->added = 0;
	}
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : RUNS_FIRST;
		s->run = s->run ? repalloc(s->run, s->cap * sizeof *s->run)
						: palloc(s->cap * sizeof *s->run);
	}
	MemoryContextSwitchTo(old);
	return memset(&s->run[s->n++], 0, sizeof *s->run);
}

static void write_row(struct runs *s, MinimalTuple m)
{
	BufFileWrite(s->file, m, m->t_len);
	s->bytes += m->t_len;
	s->rows++;
}

void runs_add(struct runs *s)
{
	struct run *r;
	uint32 i;

	if (s->t->n == 0)
		return;
	r = new_run(s);
	r->start = s->bytes;
	for (i = 0; i < s->t->n; i++)
		write_row(s, tuples_at(s->t, s->t->place[i]));
	r->end = s->bytes;
	s->added++;
	tuples_reset(s->t);
}

/* ---- windows ---- */

/* A tuple's run stands in its padding, where nobody looks. */
StaticAssertDecl(MINIMAL_TUPLE_PADDING >= sizeof(uint32), "there is room for a number");

static void load(struct runs *s, struct run *r)
{
	uint32 number = (uint32)(r - s->run), len;
	MinimalTuple m;

	read_bytes(s, &len, sizeof len);
	m = tuples_room(s->t, len);
	m->t_len = len;
	read_bytes(s, (char *)m + offsetof(MinimalTupleData, mt_padding),
		len - offsetof(MinimalTupleData, mt_padding));
	memcpy(m->mt_padding, &number, sizeof number);
	r->at += len;
	r->here++;
}

/* Rows that fit into memory. */
static uint64 rows_fit(const struct runs *s)
{
	Size each = TUPLES_UNIT + sizeof *s->t->place + order_bytes(s->nkeys);

	return s->most / (s->bytes / Max(s->rows, 1) + each);
}

/* They are shared out: runs that were used get more. */
static void share(struct runs *s)
{
	uint64 fit = rows_fit(s), sum = 0, open = 0;
	uint32 i;

	for (i = 0; i < s->merging; i++)
		open += s->run[i].at < s->run[i].end;
	for (i = 0; i < s->merging; i++) {
		struct run *r = &s->run[i];

		if (r->want == 0)
			r->want = (uint32)Min(fit / WINDOW_SHARE / Max(open, 1), UINT32_MAX / 4);
		else if (r->at < r->end && r->here <= r->want / 2)
			r->want = Min(r->want, UINT32_MAX / 4) * 2;
		sum += r->at < r->end ? r->want : r->here;
	}
	for (i = 0; i < s->merging && sum > fit; i++)
		s->run[i].want = (uint32)((double)s->run[i].want * (double)fit / (double)sum);
}

/* Rows that were handed out are gone. */
static void keep(struct runs *s)
{
	uint32 n = s->t->n - s->at, i,
		   *rest = MemoryContextAllocHuge(s->context, Max(n, 1) * sizeof *rest);

	for (i = 0; i < n; i++)
		rest[i] = s->at + i;
	tuples_keep(s->t, rest, n);
	pfree(rest);
	s->at = 0;
	for (i = 0; i < s->merging; i++) {
		s->run[i].here -= s->run[i].seen;
		s->run[i].seen = 0;
	}
}

static struct run *run_of(struct runs *s, uint32 i)
{
	uint32 number;

	memcpy(&number, tuples_at(s->t, s->t->place[i])->mt_padding, sizeof number);
	return &s->run[number];
}

/* Rows in order up to the last one of some window: what its run has next is in the file. */
static uint32 rows_ready(struct runs *s)
{
	uint32 i;

	for (i = 0; i < s->t->n; i++) {
		struct run *r = run_of(s, i);

		if (++r->seen == r->here && r->at < r->end)
			return i + 1;
	}
	return i;
}

/* The next windows, sorted; false: there are no more rows. */
static bool next_round(struct runs *s)
{
	MemoryContext old = MemoryContextSwitchTo(s->context);
	uint32 i;

	keep(s);
	share(s);
	for (i = 0; i < s->merging; i++) {
		struct run *r = &s->run[i];

		if (r->at == r->end || r->here >= Max(r->want, WINDOW_MIN))
			continue;
		seek(s, r->at);
		while (r->at < r->end && r->here < Max(r->want, WINDOW_MIN))
			load(s, r);
	}
	s->peak = Max(s->peak, s->t->bytes + s->t->n * order_bytes(s->nkeys));
	order_rows(s->t, s->keys, s->nkeys);
	s->ready = rows_ready(s);
	MemoryContextSwitchTo(old);
	return s->ready > 0;
}

MinimalTuple runs_next(struct runs *s)
{
	if (s->at == s->ready && !next_round(s))
		return NULL;
	s->handed++;
	return tuples_at(s->t, s->t->place[s->at++]);
}

/* ---- merging ---- */

/* The first `n` runs, from their first rows. */
static void begin(struct runs *s, uint32 n)
{
	uint32 i;

	tuples_reset(s->t);
	s->at = s->ready = 0;
	s->handed = 0;
	s->merging = n;
	for (i = 0; i < n; i++) {
		s->run[i].at = s->run[i].start;
		s->run[i].here = s->run[i].seen = s->run[i].want = 0;
	}
}

/* The first `n` runs become one, the last. */
static void merge_first(struct runs *s, uint32 n)
{
	uint64 start = s->bytes;
	MinimalTuple m;
	struct run *r;

	begin(s, n);
	while ((m = runs_next(s)) != NULL) {
		seek(s, s->bytes);
		write_row(s, m);
	}
	memmove(s->run, s->run + n, (s->n - n) * sizeof *s->run);
	s->n -= n;
	r = new_run(s);
	r->start = start;
	r->end = s->bytes;
}

void runs_merge(struct runs *s, Size most)
{
	uint32 fan;

	s->most = most;
	fan = (uint32)Max(rows_fit(s) / WINDOW_MIN, FAN_MIN);
	while (s->n > fan)
		merge_first(s, Min(fan, s->n - fan + 1));
	begin(s, s->n);
}

void runs_rewind(struct runs *s)
{
	begin(s, s->n);
}

bool runs_read(struct runs *s, Size most)
{
	struct run *r;

	tuples_reset(s->t);
	for (r = s->run; r < s->run + s->n && s->t->bytes < most; r++) {
		if (r->at == r->end)
			continue;
		seek(s, r->at);
		while (r->at < r->end && s->t->bytes < most)
			load(s, r);
	}
	return s->t->n > 0;
}
