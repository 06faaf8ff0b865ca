/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * distinct.c - count(DISTINCT x) over digests of x: hedb_count_distinct(uuid).
 *
 * The planner puts it in count(DISTINCT)'s place (plan_attach.c). PostgreSQL would sort the
 * digests as values by reference; but they are uniformly distributed already, so the first
 * bits tell a bucket of a few, and only those are compared. What does not fit into work_mem
 * is written by other bits to files, none of which has a digest that another one has.
 *
 *     memory    d d d d d d ...    full: of equal ones one is kept
 *     files     ...0000  ...0001  ...  by the last bits; each is counted by itself
 *
 * Anybody may call it with other UUIDs; it counts them too, as slowly as a sort.
 */
#include "hedb.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

enum {
	FIRST = 64,       /* digests that there is room for at first */
	FILES_MIN = 4,
	FILES_MAX = 64,
	BUCKET = 8,       /* digests that a bucket has room for on average, at most */
	FEW = 32,         /* in a bucket: put in order one by one */
	READ = 8192,      /* digests read from a file at once */
};

struct digest {
	uint64 first, last;
};

StaticAssertDecl(sizeof(struct digest) == UUID_LEN, "a digest is an UUID");

struct digests {
	MemoryContext context; /* of all of it */
	struct digest *d;
	uint32 n, cap, most;
	int nfiles;            /* whose buffers take half of work_mem, if it is small */
	bool filed;
	BufFile *file[FILES_MAX]; /* NULL: nothing yet */
	uint64 rows[FILES_MAX];
};

static int compare(const void *a, const void *b)
{
	const struct digest *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->last > y->last) - (x->last < y->last);
}

/* Different ones among n, to the front in order; returns how many. */
static uint32 unite_few(struct digest *d, uint32 n)
{
	uint32 kept = 0, i, at;

	for (i = 0; i < n; i++) {
		struct digest new = d[i];
		int order = -1;

		for (at = kept; at > 0 && (order = compare(&d[at - 1], &new)) > 0; at--)
			;
		if (at > 0 && order == 0)
			continue;
		memmove(&d[at + 1], &d[at], (kept - at) * sizeof *d);
		d[at] = new;
		kept++;
	}
	return kept;
}

static uint32 unite_many(struct digest *d, uint32 n)
{
	uint32 kept = 1, i;

	CHECK_FOR_INTERRUPTS();
	qsort(d, n, sizeof *d, compare);
	for (i = 1; i < n; i++)
		if (compare(&d[kept - 1], &d[i]) != 0)
			d[kept++] = d[i];
	return kept;
}

/* Of equal ones keep one. */
static void unite(struct digests *s)
{
	int bits = 0;
	uint32 *end, buckets, i, from = 0, kept = 0;
	struct digest *to;

	if (s->n < 2)
		return;
	while (s->n >> bits > BUCKET)
		bits++;
	buckets = 1u << bits;
#define BUCKET_OF(x) ((uint32)((x)->first >> (63 - bits) >> 1))
	end = MemoryContextAllocExtended(
		s->context, (buckets + 1) * sizeof *end, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	to = MemoryContextAllocHuge(s->context, s->n * sizeof *to);
	for (i = 0; i < s->n; i++)
		end[BUCKET_OF(&s->d[i]) + 1]++;
	for (i = 0; i < buckets; i++)
		end[i + 1] += end[i];
	for (i = 0; i < s->n; i++) /* end[i]: where the bucket begins, then where it ends */
		to[end[BUCKET_OF(&s->d[i])]++] = s->d[i];
#undef BUCKET_OF
	for (i = 0; i < buckets; from = end[i++]) {
		uint32 n = end[i] - from;

		n = n <= FEW ? unite_few(&to[from], n) : unite_many(&to[from], n);
		memcpy(&s->d[kept], &to[from], n * sizeof *to);
		kept += n;
	}
	s->n = kept;
	pfree(to);
	pfree(end);
}

static void to_files(struct digests *s)
{
	MemoryContext old = MemoryContextSwitchTo(s->context);
	uint32 i;

	for (i = 0; i < s->n; i++) {
		int f = (int)(s->d[i].last % (uint32)s->nfiles);

		if (!s->file[f])
			s->file[f] = BufFileCreateTemp(false);
		BufFileWrite(s->file[f], &s->d[i], sizeof s->d[i]);
		s->rows[f]++;
	}
	s->n = 0;
	s->filed = true;
	MemoryContextSwitchTo(old);
}

/* Room for one more; `may_file`: files may take what is here. */
static void make_room(struct digests *s, bool may_file)
{
	uint32 cap = s->cap;

	if (s->n < cap)
		return;
	if (cap >= s->most) {
		unite(s);
		if (s->n <= cap / 2)
			return;
		if (may_file) {
			to_files(s);
			return;
		}
	}
	s->cap = cap * 2;
	s->d = repalloc_huge(s->d, s->cap * sizeof *s->d);
}

static void close_files(Datum state)
{
	struct digests *s = (struct digests *)DatumGetPointer(state);
	int f;

	for (f = 0; f < s->nfiles; f++)
		if (s->file[f])
			BufFileClose(s->file[f]);
}

static struct digests *start(FunctionCallInfo fcinfo)
{
	MemoryContext context;
	struct digests *s;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("a state of hedb_count_distinct() outside of an aggregation")));
	s = MemoryContextAllocZero(context, sizeof *s);
	s->context = context;
	s->cap = FIRST;
	/* Half of it, for uniting needs as much again. */
	s->most = (uint32)Max((Size)work_mem * 1024 / (2 * sizeof *s->d), FIRST);
	s->d = MemoryContextAlloc(context, s->cap * sizeof *s->d);
	s->nfiles = Min(Max(work_mem / (2 * (BLCKSZ / 1024)), FILES_MIN), FILES_MAX);
	AggRegisterCallback(fcinfo, close_files, PointerGetDatum(s));
	return s;
}

PG_FUNCTION_INFO_V1(hedb_count_distinct_add);
Datum hedb_count_distinct_add(PG_FUNCTION_ARGS)
{
	struct digests *s =
		PG_ARGISNULL(0) ? start(fcinfo) : (struct digests *)PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1)) {
		make_room(s, true);
		memcpy(&s->d[s->n++], PG_GETARG_UUID_P(1)->data, UUID_LEN);
	}
	PG_RETURN_POINTER(s);
}

/* How many different ones a file has. */
static uint64 count_file(struct digests *s, int f)
{
	uint64 left = s->rows[f];

	if (BufFileSeek(s->file[f], 0, 0, SEEK_SET) != 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not rewind temporary file")));
	for (s->n = 0; left > 0;) {
		uint32 n;

		make_room(s, false);
		n = (uint32)Min(Min(left, READ), s->cap - s->n);
		if (BufFileRead(s->file[f], &s->d[s->n], n * sizeof *s->d) != n * sizeof *s->d)
			ereport(
				ERROR, (errcode_for_file_access(), errmsg("could not read temporary file")));
		s->n += n;
		left -= n;
		CHECK_FOR_INTERRUPTS();
	}
	unite(s);
	return s->n;
}

PG_FUNCTION_INFO_V1(hedb_count_distinct_final);
Datum hedb_count_distinct_final(PG_FUNCTION_ARGS)
{
	struct digests *s = PG_ARGISNULL(0) ? NULL : (struct digests *)PG_GETARG_POINTER(0);
	uint64 count = 0;
	int f;

	if (!s)
		PG_RETURN_INT64(0);
	unite(s);
	if (!s->filed)
		PG_RETURN_INT64((int64)s->n);
	to_files(s);
	for (f = 0; f < s->nfiles; f++)
		if (s->file[f])
			count += count_file(s, f);
	PG_RETURN_INT64((int64)count);
}
