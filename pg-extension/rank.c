/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rank.c - programs of one operation over a column of values that lie scattered.
 *
 * More values than one request takes are ranked by sample sort: a sample, ranked, gives
 * splitters; each chunk of values is ranked together with them, which tells for each
 * value between which two it lies or to which one it is equal; values between two are
 * ranked by themselves. Many equal values meet a splitter and need no second look.
 */
#include "rank.h"

#include "common/pg_prng.h"
#include "utils/memutils.h"

#include "cursor.h"
#include "stat_programs.h"
#include "zone_program.h"

enum {
	RANK_ROWS = 1 << 20,
	RANK_BYTES = 48 << 20,
	OVERSAMPLE = 16, /* values of the sample for each splitter */
	SPLITTERS_MIN = 15,
	PARTS = 8,       /* ranges per request that all values would fill */
};

/* Operations of a type, eight codes each: GENERIC of ops.def. */
static uint16 generic_op(uint8 type, uint16 of_int4)
{
	return of_int4 + 8 * (type - T_INT4);
}

bool rank_has(uint8 type)
{
	return type && optable_op(generic_op(type, OP_enc_int4_rank));
}

/* ---- one request ---- */

struct column {
	const Datum *values;
	const Datum *more; /* after them */
	uint32 n, nmore;
	uint32 fixed;      /* bytes of a value, 0: it varies */
	uint16 op;
	uint8 type;
};

static Datum column_value(const struct column *c, uint32 i)
{
	return i < c->n ? c->values[i] : c->more[i - c->n];
}

static void fill_column(void *arg, uint8_t *at, uint64_t len)
{
	const struct column *c = arg;
	uint32 rows = c->n + c->nmore, size, i;
	struct writer w = writer_of(at, len);
	const uint8 *p;

	writer_u8(&w, 1);
	writer_u8(&w, 0);
	writer_u16(&w, 2);
	writer_u32(&w, rows);
	writer_u8(&w, c->type);
	writer_u8(&w, 0);
	writer_u16(&w, PROGRAM_PUSH);
	writer_u16(&w, c->op);
	for (i = 0; !c->fixed && i < rows; i++) {
		value_inline(0, column_value(c, i), &size);
		writer_u32(&w, size);
	}
	for (i = 0; i < rows; i++) {
		p = value_inline(c->fixed, column_value(c, i), &size);
		writer_bytes(&w, p, size);
	}
}

static uint64 values_bytes(uint32 fixed, const Datum *values, uint32 n)
{
	uint64 bytes = (uint64)n * fixed;
	uint32 i;

	for (i = 0; !fixed && i < n; i++)
		bytes += 4 + VARSIZE_ANY_EXHDR(DatumGetPointer(values[i]));
	return bytes;
}

static struct program_stat *stat_of(const struct column *c)
{
	uint16_t op = c->op;
	uint8_t head[PROGRAM_HEADER + 6] = {1, 0, 2, 0, 0, 0, 0, 0, c->type, 0, 0,
		PROGRAM_PUSH >> 8, (uint8_t)op, (uint8_t)(op >> 8)};

	return stat_program(NULL, head, sizeof head);
}

/* The results, `size` bytes each, where they are readable until the next call. */
static const uint8 *column_call(struct column *c)
{
	uint64_t len = PROGRAM_HEADER + 2 + 4 + values_bytes(c->fixed, c->values, c->n) +
		values_bytes(c->fixed, c->more, c->nmore);
	uint64_t before = zone_waited(), reply_len;
	const uint8_t *reply = zone_call(ROLE_DB, len, fill_column, c, &reply_len);

	stat_count_call(stat_of(c), c->n + c->nmore, len, reply_len, before);
	return zone_column(reply, reply_len, optable_op(c->op)->result, c->n + c->nmore);
}

void digest_values(uint8 type, const Datum *values, uint32 n, uint8 *out)
{
	struct column c = {.values = values, .n = n, .fixed = value_bytes(type),
		.op = generic_op(type, OP_enc_int4_digest), .type = type};

	memcpy(out, column_call(&c), (size_t)n * DIGEST_BYTES);
}

/* ---- ranks ---- */

static uint32 rank_once(uint8 type, const Datum *values, uint32 n, uint32 *ranks)
{
	struct column c = {.values = values, .n = n, .fixed = value_bytes(type),
		.op = generic_op(type, OP_enc_int4_rank), .type = type};
	uint32 i, most = 0;

	memcpy(ranks, column_call(&c), (size_t)n * sizeof *ranks);
	for (i = 0; i < n; i++) {
		if (unlikely(ranks[i] >= n))
			ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
					errmsg("ops_server answered rank %u of %u values", ranks[i], n)));
		most = Max(most, ranks[i]);
	}
	return most + 1;
}

/* What divides the values: ascending and distinct. */
struct splitters {
	Datum *value;
	uint32 n;
};

static struct splitters choose_splitters(uint8 type, const Datum *values, uint32 n, uint32 want)
{
	uint32 size = Min(n, want * OVERSAMPLE), distinct, i, step;
	Datum *sample = palloc(size * sizeof *sample), *sorted;
	uint32 *ranks = palloc(size * sizeof *ranks);
	struct splitters s;

	for (i = 0; i < size; i++)
		sample[i] = values[pg_prng_uint64_range(&pg_global_prng_state, 0, n - 1)];
	distinct = rank_once(type, sample, size, ranks);
	sorted = palloc(distinct * sizeof *sorted);
	for (i = 0; i < distinct; i++) /* the zone may have lied about some rank */
		sorted[i] = sample[0];
	for (i = 0; i < size; i++)
		sorted[ranks[i]] = sample[i];
	step = Max(1, distinct / (want + 1));
	s.value = palloc((distinct / step + 1) * sizeof *s.value);
	for (s.n = 0, i = step / 2; i < distinct; i += step)
		s.value[s.n++] = sorted[i];
	pfree(sample);
	pfree(ranks);
	pfree(sorted);
	return s;
}

/* Range of a rank among those of the splitters: 2j before splitter j, 2j + 1 equal to
 * it, 2n after all. */
static uint32 range_of(const uint32 *splitter, uint32 n, uint32 rank)
{
	uint32 low = 0, high = n;

	while (low < high) {
		uint32 mid = (low + high) / 2;

		if (splitter[mid] < rank)
			low = mid + 1;
		else
			high = mid;
	}
	return 2 * low + (low < n && splitter[low] == rank);
}

/* Values of a request that starts at `from`. */
static uint32 chunk_of(uint32 fixed, const Datum *values, uint32 from, uint32 n)
{
	uint64 bytes = 0;
	uint32 i, most = Min(n, from + RANK_ROWS / 2);

	if (fixed)
		return Min(most - from, RANK_BYTES / fixed);
	for (i = from; i < most && bytes < RANK_BYTES / 2; i++)
		bytes += 4 + VARSIZE_ANY_EXHDR(DatumGetPointer(values[i]));
	return i - from;
}

/* Each value's range, in `range`. */
static void find_ranges(uint8 type, const struct splitters *s, const Datum *values, uint32 n,
	uint32 *range)
{
	uint32 *splitter = palloc(s->n * sizeof *splitter), from, size, i;

	for (from = 0; from < n; from += size) {
		struct column c = {.values = values + from, .more = s->value, .nmore = s->n,
			.fixed = value_bytes(type), .op = generic_op(type, OP_enc_int4_rank),
			.type = type};
		const uint8 *got;

		size = c.n = chunk_of(c.fixed, values, from, n);
		got = column_call(&c);
		memcpy(range + from, got, (size_t)size * sizeof *range);
		memcpy(splitter, got + (size_t)size * sizeof *range, s->n * sizeof *splitter);
		for (i = from; i < from + size; i++)
			range[i] = range_of(splitter, s->n, range[i]);
	}
	pfree(splitter);
}

/* Ranks of the values of one range, given where they stand; `base` is its lowest. */
static uint32 rank_range(uint8 type, const Datum *values, const uint32 *place, uint32 n,
	uint32 base, uint32 *ranks)
{
	Datum *some;
	uint32 *got, i, distinct;

	if (n == 0)
		return 0;
	some = MemoryContextAllocHuge(CurrentMemoryContext, (Size)n * sizeof *some);
	got = MemoryContextAllocHuge(CurrentMemoryContext, (Size)n * sizeof *got);
	for (i = 0; i < n; i++)
		some[i] = values[place[i]];
	distinct = rank_values(type, some, n, got);
	for (i = 0; i < n; i++)
		ranks[place[i]] = base + got[i];
	pfree(some);
	pfree(got);
	return distinct;
}

static uint32 rank_divided(uint8 type, const Datum *values, uint32 n, uint32 requests,
	uint32 *ranks)
{
	struct splitters s =
		choose_splitters(type, values, n, Max(SPLITTERS_MIN, requests * PARTS));
	uint32 nranges = 2 * s.n + 1, distinct = 0, i, r, *start, *place;

	find_ranges(type, &s, values, n, ranks);
	start = palloc0((nranges + 1) * sizeof *start);
	place = MemoryContextAllocHuge(CurrentMemoryContext, (Size)n * sizeof *place);
	for (i = 0; i < n; i++)
		start[ranks[i] + 1]++;
	for (r = 0; r < nranges; r++)
		start[r + 1] += start[r];
	for (i = 0; i < n; i++)
		place[start[ranks[i]]++] = i;
	/* start[r] is where range r ends now */
	for (r = 0; r < nranges; r++) {
		uint32 from = r ? start[r - 1] : 0, size = start[r] - from;

		if (r % 2 == 0) {
			distinct += rank_range(type, values, place + from, size, distinct, ranks);
			continue;
		}
		for (i = from; i < start[r]; i++)
			ranks[place[i]] = distinct;
		distinct += size > 0;
	}
	pfree(start);
	pfree(place);
	pfree(s.value);
	return distinct;
}

uint32 rank_values(uint8 type, const Datum *values, uint32 n, uint32 *ranks)
{
	uint64 bytes = values_bytes(value_bytes(type), values, n);

	if (n == 0)
		return 0;
	if (n <= RANK_ROWS && (bytes <= RANK_BYTES || n <= SPLITTERS_MIN))
		return rank_once(type, values, n, ranks);
	return rank_divided(type, values, n,
		(uint32)Max(n / RANK_ROWS, bytes / RANK_BYTES) + 1, ranks);
}
