/* SPDX-License-Identifier: BSD-3-Clause */
#include "runs.h"

#include "commands/tablespace.h"
#include "utils/memutils.h"

enum {
	RUNS_FIRST = 16,
	WINDOW_MIN = 4,    /* rows */
	WINDOW_SHARE = 4,  /* at first windows take one in so many of the rows that fit */
};

void runs_init(struct runs *s, MemoryContext context)
{
	memset(s, 0, sizeof *s);
	s->context = context;
}

void runs_close(struct runs *s)
{
	if (s->file)
		BufFileClose(s->file);
	if (s->run)
		pfree(s->run);
	runs_init(s, s->context);
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
	}
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : RUNS_FIRST;
		s->run = s->run ? repalloc(s->run, s->cap * sizeof *s->run)
						: palloc(s->cap * sizeof *s->run);
	}
	MemoryContextSwitchTo(old);
	return memset(&s->run[s->n++], 0, sizeof *s->run);
}

void runs_add(struct runs *s, struct tuples *t)
{
	struct run *r;
	uint32 i;

	if (t->n == 0)
		return;
	r = new_run(s);
	r->start = r->at = s->bytes;
	for (i = 0; i < t->n; i++) {
		MinimalTuple m = tuples_at(t, t->place[i]);

		BufFileWrite(s->file, m, m->t_len);
		s->bytes += m->t_len;
	}
	r->end = s->bytes;
	s->rows += t->n;
	tuples_reset(t);
}

void runs_rewind(struct runs *s, struct tuples *t)
{
	uint32 i;

	tuples_reset(t);
	for (i = 0; i < s->n; i++) {
		s->run[i].at = s->run[i].start;
		s->run[i].here = s->run[i].seen = s->run[i].want = 0;
	}
}

/* ---- windows ---- */

/* A tuple's run stands in its padding, where nobody looks. */
StaticAssertDecl(MINIMAL_TUPLE_PADDING >= sizeof(uint32), "there is room for a number");

static void load(struct runs *s, struct tuples *t, struct run *r)
{
	uint32 number = (uint32)(r - s->run), len;
	MinimalTuple m;

	read_bytes(s, &len, sizeof len);
	m = tuples_room(t, len);
	m->t_len = len;
	read_bytes(s, (char *)m + offsetof(MinimalTupleData, mt_padding),
		len - offsetof(MinimalTupleData, mt_padding));
	memcpy(m->mt_padding, &number, sizeof number);
	r->at += len;
	r->here++;
}

/* Rows that fit are shared out: runs that were used get more. */
static void share(struct runs *s, uint64 fit)
{
	uint64 sum = 0, open = 0;
	uint32 i;

	for (i = 0; i < s->n; i++)
		open += s->run[i].at < s->run[i].end;
	for (i = 0; i < s->n; i++) {
		struct run *r = &s->run[i];

		if (r->want == 0)
			r->want = (uint32)Min(fit / WINDOW_SHARE / Max(open, 1), UINT32_MAX / 4);
		else if (r->at < r->end && r->here <= r->want / 2)
			r->want = Min(r->want, UINT32_MAX / 4) * 2;
		sum += r->at < r->end ? r->want : r->here;
	}
	for (i = 0; i < s->n && sum > fit; i++)
		s->run[i].want = (uint32)((double)s->run[i].want * (double)fit / (double)sum);
}

/* Rows that were handed out are gone. */
static void keep(struct runs *s, struct tuples *t, uint32 left)
{
	uint32 n = t->n - left, i, *rest = MemoryContextAllocHuge(s->context, Max(n, 1) * sizeof *rest);

	for (i = 0; i < n; i++)
		rest[i] = left + i;
	tuples_keep(t, rest, n);
	pfree(rest);
	for (i = 0; i < s->n; i++) {
		s->run[i].here -= s->run[i].seen;
		s->run[i].seen = 0;
	}
}

bool runs_load(struct runs *s, struct tuples *t, uint32 left, Size most, Size each)
{
	uint64 row = s->bytes / Max(s->rows, 1) + TUPLES_UNIT + sizeof *t->place + each;
	uint32 i;

	keep(s, t, left);
	share(s, most / row);
	for (i = 0; i < s->n; i++) {
		struct run *r = &s->run[i];

		if (r->at == r->end)
			continue;
		seek(s, r->at);
		while (r->at < r->end && r->here < Max(r->want, WINDOW_MIN))
			load(s, t, r);
	}
	return t->n > 0;
}

bool runs_pass(struct runs *s, MinimalTuple m)
{
	uint32 number;
	struct run *r;

	memcpy(&number, m->mt_padding, sizeof number);
	r = &s->run[number];
	return ++r->seen == r->here && r->at < r->end;
}

void runs_pass_all(struct runs *s)
{
	uint32 i;

	for (i = 0; i < s->n; i++)
		s->run[i].here = s->run[i].seen = 0;
}
