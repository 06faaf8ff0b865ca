/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aggregate.c - sum, avg, min and max of encrypted columns.
 *
 * The state collects ciphertexts and sends them hedb.batch at a time: the zone reduces
 * the batch and folds the result so far into it, in one program. So a group costs one
 * round trip per batch, and its memory is bounded by one batch.
 *
 *     state    values not sent yet + partial, the encrypted result of those sent
 *     flush    reduce(values) [fold partial]          -> the new partial
 *     final    reduce(values) [fold partial] [finish] -> the result; changes nothing
 *
 * A partial sum is numeric, so it is exact and cannot overflow; the last step checks
 * the range. Parallel workers send their partial; the leader folds two in one call.
 */
#include "hedb.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "scalar.h"
#include "zone.h"

enum {
	FIRST_VALUES = 8,
	BATCH_BYTES = 256 * 1024, /* send earlier when the values are long */
};

/* What differs between the aggregates, by transition function. */
struct kind {
	uint8_t item;    /* type of the values */
	uint8_t partial; /* type of the result so far */
	uint16_t reduce; /* items -> partial */
	uint16_t fold;   /* two partials -> partial */
};

enum kind_id { SUM_INT4, SUM_INT8, SUM_NUMERIC, MIN_INT4, MAX_INT4, MIN_INT8, MAX_INT8,
	MIN_TEXT, MAX_TEXT, MIN_NUMERIC, MAX_NUMERIC, KINDS };

static const struct kind kinds[KINDS] = {
	[SUM_INT4] = {T_INT4, T_NUMERIC, OP_enc_int4_sum_bulk, OP_enc_numeric_plus},
	[SUM_INT8] = {T_INT8, T_NUMERIC, OP_enc_int8_sum_bulk, OP_enc_numeric_plus},
	[SUM_NUMERIC] = {T_NUMERIC, T_NUMERIC, OP_enc_numeric_sum_bulk, OP_enc_numeric_plus},
	[MIN_INT4] = {T_INT4, T_INT4, OP_enc_int4_min_bulk, OP_enc_int4_min},
	[MAX_INT4] = {T_INT4, T_INT4, OP_enc_int4_max_bulk, OP_enc_int4_max},
	[MIN_INT8] = {T_INT8, T_INT8, OP_enc_int8_min_bulk, OP_enc_int8_min},
	[MAX_INT8] = {T_INT8, T_INT8, OP_enc_int8_max_bulk, OP_enc_int8_max},
	[MIN_TEXT] = {T_TEXT, T_TEXT, OP_enc_text_min_bulk, OP_enc_text_min},
	[MAX_TEXT] = {T_TEXT, T_TEXT, OP_enc_text_max_bulk, OP_enc_text_max},
	[MIN_NUMERIC] = {T_NUMERIC, T_NUMERIC, OP_enc_numeric_min_bulk, OP_enc_numeric_min},
	[MAX_NUMERIC] = {T_NUMERIC, T_NUMERIC, OP_enc_numeric_max_bulk, OP_enc_numeric_max},
};

struct state {
	MemoryContext context; /* of the aggregate; all below lives in it */
	enum kind_id id;
	int64 count;           /* values seen, NULLs left out */
	uint32 n, cap;         /* values not sent yet */
	uint64 bytes, bytes_cap;
	uint8 *data;
	uint32 *lens;          /* NULL for types of fixed size */
	uint8 *partial;        /* NULL: nothing sent yet */
	uint32 partial_len, partial_cap;
};

static struct state *new_state(MemoryContext context, enum kind_id id)
{
	struct state *s = MemoryContextAllocZero(context, sizeof *s);

	s->context = context;
	s->id = id;
	return s;
}

static MemoryContext aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/* ---- programs ---- */

static void push_partial(struct zone_program *p, const struct kind *k, const uint8 *data,
	const uint32 *len)
{
	struct zone_arg a = {.data = data, .bytes = *len, .rows = 1, .type = k->partial,
		.flags = ARG_ONE, .lens = value_bytes(k->partial) ? NULL : len};

	zone_push(p, &a);
}

/* The state's result so far on top of the stack; the state has seen a value. */
static void push_state(struct zone_program *p, const struct state *s)
{
	const struct kind *k = &kinds[s->id];
	struct zone_arg a = {.data = s->data, .bytes = s->bytes, .rows = s->n, .type = k->item,
		.lens = s->lens};

	p->rows = s->n ? s->n : 1;
	if (s->n) {
		zone_push(p, &a);
		zone_op(p, k->reduce);
	}
	if (s->partial)
		push_partial(p, k, s->partial, &s->partial_len);
	if (s->n && s->partial)
		zone_op(p, k->fold);
}

static void keep_partial(struct state *s, const void *data, uint32 len)
{
	if (len > s->partial_cap) {
		uint8 *bigger = MemoryContextAlloc(s->context, len + 64);

		if (s->partial)
			pfree(s->partial);
		s->partial = bigger;
		s->partial_cap = len + 64;
	}
	memcpy(s->partial, data, len);
	s->partial_len = len;
}

static void flush(struct state *s)
{
	struct zone_program p = {.rows = 1};
	struct zone_result r;

	push_state(&p, s);
	r = zone_run(ROLE_DB, &p);
	keep_partial(s, r.data, r.len);
	s->n = 0;
	s->bytes = 0;
}

/* ---- collecting ---- */

static void make_room(struct state *s, uint32 len)
{
	bool varies = value_bytes(kinds[s->id].item) == 0;

	if (s->bytes + len > s->bytes_cap) {
		uint64 some = (uint64)len * FIRST_VALUES; /* a long one may well be the last */

		s->bytes_cap = Max(Min(s->bytes_cap * 2, s->bytes_cap + BATCH_BYTES),
			s->bytes + (some < BATCH_BYTES ? some : len));
		s->data = s->data ? repalloc_huge(s->data, s->bytes_cap)
						  : MemoryContextAllocHuge(s->context, s->bytes_cap);
	}
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : FIRST_VALUES;
		if (varies)
			s->lens = s->lens ? repalloc(s->lens, s->cap * sizeof *s->lens)
							  : MemoryContextAlloc(s->context, s->cap * sizeof *s->lens);
	}
}

static void append(struct state *s, const void *value, uint32 len)
{
	if (s->n > 0 && (s->n >= (uint32)hedb_batch || s->bytes + len > BATCH_BYTES))
		flush(s);
	make_room(s, len);
	memcpy(s->data + s->bytes, value, len);
	if (s->lens)
		s->lens[s->n] = len;
	s->bytes += len;
	s->n++;
}

static void append_datum(struct state *s, Datum d)
{
	const uint8 *value;
	void *copy;
	uint32 len;

	s->count++;
	value = value_stored(value_bytes(kinds[s->id].item), d, &len, &copy);
	append(s, value, len);
	if (copy)
		pfree(copy);
}

static Datum transition(FunctionCallInfo fcinfo, enum kind_id id)
{
	MemoryContext context = aggregate_context(fcinfo);
	struct state *s = PG_ARGISNULL(0) ? NULL : (struct state *)PG_GETARG_POINTER(0);

	if (PG_ARGISNULL(1)) {
		if (s)
			PG_RETURN_POINTER(s);
		PG_RETURN_NULL();
	}
	if (!s)
		s = new_state(context, id);
	append_datum(s, PG_GETARG_DATUM(1));
	PG_RETURN_POINTER(s);
}

#define TRANSITION(name, id)                                                            \
	PG_FUNCTION_INFO_V1(name##_trans);                                                  \
	Datum name##_trans(PG_FUNCTION_ARGS)                                                \
	{                                                                                   \
		return transition(fcinfo, id);                                                  \
	}

TRANSITION(enc_int4_sum, SUM_INT4)
TRANSITION(enc_int8_sum, SUM_INT8)
TRANSITION(enc_numeric_sum, SUM_NUMERIC)
TRANSITION(enc_int4_min, MIN_INT4)
TRANSITION(enc_int4_max, MAX_INT4)
TRANSITION(enc_int8_min, MIN_INT8)
TRANSITION(enc_int8_max, MAX_INT8)
TRANSITION(enc_text_min, MIN_TEXT)
TRANSITION(enc_text_max, MAX_TEXT)
TRANSITION(enc_numeric_min, MIN_NUMERIC)
TRANSITION(enc_numeric_max, MAX_NUMERIC)

/* ---- parallel aggregation ---- */

static void fold_partial(struct state *s, const uint8 *data, uint32 len)
{
	const struct kind *k = &kinds[s->id];
	struct zone_program p = {.rows = 1};
	struct zone_result r;

	if (!s->partial) {
		keep_partial(s, data, len);
		return;
	}
	push_partial(&p, k, s->partial, &s->partial_len);
	push_partial(&p, k, data, &len);
	zone_op(&p, k->fold);
	r = zone_run(ROLE_DB, &p);
	keep_partial(s, r.data, r.len);
}

PG_FUNCTION_INFO_V1(hedb_combine);
Datum hedb_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	struct state *a = PG_ARGISNULL(0) ? NULL : (struct state *)PG_GETARG_POINTER(0);
	const struct state *b = PG_ARGISNULL(1) ? NULL : (struct state *)PG_GETARG_POINTER(1);
	uint32 i, fixed, len;
	uint64 at = 0;

	if (!b) {
		if (!a)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(a);
	}
	if (!a)
		a = new_state(context, b->id);
	fixed = value_bytes(kinds[b->id].item);
	for (i = 0; i < b->n; i++, at += len) {
		len = fixed ? fixed : b->lens[i];
		append(a, b->data + at, len);
	}
	if (b->partial)
		fold_partial(a, b->partial, b->partial_len);
	a->count += b->count;
	PG_RETURN_POINTER(a);
}

PG_FUNCTION_INFO_V1(hedb_serialize);
Datum hedb_serialize(PG_FUNCTION_ARGS)
{
	struct state *s = (struct state *)PG_GETARG_POINTER(0);
	StringInfoData out;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (s->n)
		flush(s);
	pq_begintypsend(&out);
	pq_sendbyte(&out, s->id);
	pq_sendint64(&out, s->count);
	pq_sendbytes(&out, (const char *)s->partial, (int)s->partial_len);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(hedb_deserialize);
Datum hedb_deserialize(PG_FUNCTION_ARGS)
{
	bytea *b = PG_GETARG_BYTEA_PP(0);
	StringInfoData in;
	struct state *s;
	int id, len;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	initStringInfo(&in);
	appendBinaryStringInfo(&in, VARDATA_ANY(b), VARSIZE_ANY_EXHDR(b));
	id = pq_getmsgbyte(&in);
	if (id >= KINDS)
		elog(ERROR, "unknown aggregate %d in a serialized state", id);
	s = new_state(CurrentMemoryContext, (enum kind_id)id);
	s->count = pq_getmsgint64(&in);
	len = in.len - in.cursor;
	keep_partial(s, pq_getmsgbytes(&in, len), (uint32)len);
	pq_getmsgend(&in);
	pfree(in.data);
	PG_RETURN_POINTER(s);
}

/* ---- results ---- */

/* `finish`: one more operation on the result, 0 for none. */
static Datum finish(FunctionCallInfo fcinfo, const struct state *s, uint16_t op)
{
	struct zone_program p = {.rows = 1};
	struct zone_arg count = {.bytes = sizeof s->count, .rows = 1, .type = T_PUB_INT8,
		.flags = ARG_ONE};
	uint8_t type = op ? optable_op(op)->result : 0;
	struct zone_result r;

	if (!s || s->count == 0)
		PG_RETURN_NULL();
	if (!op && s->n == 0)
		return value_datum(kinds[s->id].partial, s->partial, s->partial_len);
	push_state(&p, s);
	if (op && optable_op(op)->nargs == 2) {
		count.data = &s->count;
		zone_push(&p, &count);
	}
	if (op)
		zone_op(&p, op);
	r = zone_run(ROLE_DB, &p);
	return value_datum(type ? type : kinds[s->id].partial, r.data, r.len);
}

static Datum final(FunctionCallInfo fcinfo, uint16_t op)
{
	aggregate_context(fcinfo);
	return finish(
		fcinfo, PG_ARGISNULL(0) ? NULL : (struct state *)PG_GETARG_POINTER(0), op);
}

PG_FUNCTION_INFO_V1(hedb_final);
Datum hedb_final(PG_FUNCTION_ARGS)
{
	return final(fcinfo, 0);
}

PG_FUNCTION_INFO_V1(hedb_sum_int8_final);
Datum hedb_sum_int8_final(PG_FUNCTION_ARGS)
{
	return final(fcinfo, OP_enc_numeric_to_int8);
}

PG_FUNCTION_INFO_V1(hedb_avg_final);
Datum hedb_avg_final(PG_FUNCTION_ARGS)
{
	return final(fcinfo, OP_enc_numeric_avg_final);
}

/* ---- sums of an array ---- */

static Datum array_sum(FunctionCallInfo fcinfo, uint16_t op)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	struct state *s = new_state(CurrentMemoryContext, SUM_INT4);
	ArrayIterator it = array_create_iterator(array, 0, NULL);
	Datum d;
	bool null;

	while (array_iterate(it, &d, &null))
		if (!null)
			append_datum(s, d);
	return finish(fcinfo, s, op);
}

PG_FUNCTION_INFO_V1(enc_int4_sum_bulk);
Datum enc_int4_sum_bulk(PG_FUNCTION_ARGS)
{
	return array_sum(fcinfo, OP_enc_numeric_to_int8);
}

PG_FUNCTION_INFO_V1(enc_int4_avg_bulk);
Datum enc_int4_avg_bulk(PG_FUNCTION_ARGS)
{
	return array_sum(fcinfo, OP_enc_numeric_avg_final);
}
