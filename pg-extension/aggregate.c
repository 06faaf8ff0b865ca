/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aggregate.c - the aggregates of ops.def over encrypted columns.
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

/* What differs between the aggregates, by how they gather: ops.def's REDUCTION. */
struct kind {
	uint16_t reduce; /* items -> partial; or items, partial so far -> partial */
	uint16_t fold;   /* two partials -> partial */
};

enum kind_id {
#define REDUCTION(reduce, fold) KIND_##reduce,
#include "operations.h"
	KINDS
};

static const struct kind kinds[KINDS] = {
#define REDUCTION(reduce, fold) {OP_##reduce, OP_##fold},
#include "operations.h"
};

struct state {
	MemoryContext context; /* of the aggregate; all below lives in it */
	enum kind_id id;
	uint8 item;            /* type of the values */
	uint8 type;            /* type of the result so far */
	bool goes_on;          /* the reduce operation takes the result so far */
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
	const struct op *reduce = optable_op(kinds[id].reduce);

	s->context = context;
	s->id = id;
	s->item = reduce->args[0];
	s->type = reduce->result;
	s->goes_on = reduce->nargs == 2;
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

static void push_partial(
	struct zone_program *p, const struct state *s, const uint8 *data, const uint32 *len)
{
	struct zone_arg a = {.data = data, .bytes = *len, .rows = 1, .type = s->type,
		.flags = ARG_ONE, .lens = value_bytes(s->type) ? NULL : len};

	zone_push(p, &a);
}

static void push_nothing(struct zone_program *p, uint8 type)
{
	static const uint8 null = 1;
	struct zone_arg a = {.data = &null, .bytes = 1, .rows = 1, .type = type,
		.flags = ARG_ONE | ARG_NULLS};

	zone_push(p, &a);
}

/* The state's result so far on top of the stack; the state has seen a value. */
static void push_state(struct zone_program *p, const struct state *s)
{
	const struct kind *k = &kinds[s->id];
	struct zone_arg a = {.data = s->data, .bytes = s->bytes, .rows = s->n, .type = s->item,
		.lens = s->lens};

	p->rows = s->n ? s->n : 1;
	if (s->n)
		zone_push(p, &a);
	if (s->n && !s->goes_on)
		zone_op(p, k->reduce);
	if (s->partial)
		push_partial(p, s, s->partial, &s->partial_len);
	else if (s->goes_on)
		push_nothing(p, s->type);
	if (s->n && s->goes_on)
		zone_op(p, k->reduce);
	else if (s->n && s->partial)
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
	bool varies = value_bytes(s->item) == 0;

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
	value = value_stored(value_bytes(s->item), d, &len, &copy);
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

#define REDUCTION(reduce, fold)                                                         \
	PG_FUNCTION_INFO_V1(trans_##reduce);                                                \
	Datum trans_##reduce(PG_FUNCTION_ARGS)                                              \
	{                                                                                   \
		return transition(fcinfo, KIND_##reduce);                                       \
	}
#include "operations.h"

/* ---- string_agg ---- */

static Datum final(FunctionCallInfo fcinfo, uint16_t op);

/* The value goes behind the separator of its row, which may be NULL; the first has none. */
static Datum string_transition(FunctionCallInfo fcinfo, enum kind_id id)
{
	MemoryContext context = aggregate_context(fcinfo);
	struct state *s = PG_ARGISNULL(0) ? NULL : (struct state *)PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1)) {
		if (!s)
			s = new_state(context, id);
		else if (!PG_ARGISNULL(2))
			append_datum(s, PG_GETARG_DATUM(2));
		append_datum(s, PG_GETARG_DATUM(1));
	}
	if (!s)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(s);
}

#define STRING_AGG(name)                                                                \
	PG_FUNCTION_INFO_V1(name##_agg_trans);                                              \
	Datum name##_agg_trans(PG_FUNCTION_ARGS)                                            \
	{                                                                                   \
		return string_transition(fcinfo, KIND_##name);                                  \
	}                                                                                   \
	PG_FUNCTION_INFO_V1(name##_agg_final);                                              \
	Datum name##_agg_final(PG_FUNCTION_ARGS)                                            \
	{                                                                                   \
		return final(fcinfo, OP_none);                                                  \
	}
STRING_AGG(enc_text_join)
STRING_AGG(enc_bytea_join)

/* ---- parallel aggregation ---- */

static void fold_partial(struct state *s, const uint8 *data, uint32 len)
{
	struct zone_program p = {.rows = 1};
	struct zone_result r;

	if (!s->partial) {
		keep_partial(s, data, len);
		return;
	}
	push_partial(&p, s, s->partial, &s->partial_len);
	push_partial(&p, s, data, &len);
	zone_op(&p, kinds[s->id].fold);
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
	fixed = value_bytes(b->item);
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
	uint8_t type;
	struct zone_result r;

	if (!s || s->count == 0)
		PG_RETURN_NULL();
	type = op ? optable_op(op)->result : s->type;
	if (!op && s->n == 0)
		return value_datum(s->type, s->partial, s->partial_len);
	push_state(&p, s);
	if (op && optable_op(op)->nargs == 2) {
		count.data = &s->count;
		zone_push(&p, &count);
	}
	if (op)
		zone_op(&p, op);
	r = zone_run_null(ROLE_DB, &p);
	if (!r.data)
		PG_RETURN_NULL();
	return value_datum(type, r.data, r.len);
}

static Datum final(FunctionCallInfo fcinfo, uint16_t op)
{
	aggregate_context(fcinfo);
	return finish(
		fcinfo, PG_ARGISNULL(0) ? NULL : (struct state *)PG_GETARG_POINTER(0), op);
}

#define AGGREGATE(name, reduce, finish, sort)                                           \
	PG_FUNCTION_INFO_V1(name##_##reduce##_final);                                       \
	Datum name##_##reduce##_final(PG_FUNCTION_ARGS)                                     \
	{                                                                                   \
		return final(fcinfo, OP_##finish);                                              \
	}
#include "operations.h"

/* ---- sums of an array ---- */

static Datum array_sum(FunctionCallInfo fcinfo, enum kind_id kind, uint16_t op)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	struct state *s = new_state(CurrentMemoryContext, kind);
	ArrayIterator it = array_create_iterator(array, 0, NULL);
	Datum d;
	bool null;

	while (array_iterate(it, &d, &null))
		if (!null)
			append_datum(s, d);
	return finish(fcinfo, s, op);
}

#define ARRAY_SUM(name, kind, op)                                                       \
	PG_FUNCTION_INFO_V1(name);                                                          \
	Datum name(PG_FUNCTION_ARGS)                                                        \
	{                                                                                   \
		return array_sum(fcinfo, kind, op);                                             \
	}
ARRAY_SUM(enc_int4_sum_bulk, KIND_enc_int4_sum_bulk, OP_enc_numeric_sum_int8)
ARRAY_SUM(enc_int4_avg_bulk, KIND_enc_int4_sum_bulk, OP_enc_numeric_avg_final)
ARRAY_SUM(enc_float4_sum_bulk, KIND_enc_float4_sum_bulk, OP_none)
ARRAY_SUM(enc_float4_avg_bulk, KIND_enc_float4_moments, OP_enc_float8_avg_final)
