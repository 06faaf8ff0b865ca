/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aggregate.c - the aggregates of ops.def over encrypted columns.
 *
 * The state collects ciphertexts and sends them hedb.batch at a time: the zone reduces
 * the batch. So a group costs one round trip per batch, and its memory is bounded.
 *
 *     state    values not sent yet + parts, partial results that are not one yet
 *     flush    reduce(values)                -> one more part
 *     fold     reduce(parts)                 -> one part
 *     final    reduce(values) [fold part] [finish] -> the result; goes on as before
 *
 * Parts come from parallel workers and from Zone nodes as well, many to a group: so they
 * are gathered like values. Where no operation reduces a column of them they are folded
 * two at a time, as they come.
 *
 * A partial sum is numeric, so it is exact and cannot overflow; the last step checks
 * the range.
 */
#include "hedb.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "aggregate.h"
#include "scalar.h"
#include "zone_program.h"

enum {
	FIRST_VALUES = 8,
	PARTS_MAX = 64,           /* of a group; many groups have as many */
	BATCH_BYTES = 256 * 1024, /* send earlier when the values are long */
};

/* What differs between the aggregates, by how they gather: ops.def's REDUCTION. */
struct kind {
	uint16_t reduce; /* items -> partial; or items (or pairs), partial so far -> partial */
	uint16_t fold;   /* two partials -> partial; none for pairs, which no worker combines */
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

/* Ciphertexts side by side, as they cross. */
struct pile {
	uint8 type;
	uint32 n, cap;
	uint64 bytes, bytes_cap;
	uint8 *data;
	uint32 *lens; /* NULL for types of fixed size */
};

struct state {
	MemoryContext context; /* of the aggregate; all below lives in it */
	enum kind_id id;
	bool goes_on;          /* the reduce operation takes the result so far */
	int64 count;           /* values seen, NULLs left out */
	struct pile values;    /* not sent yet */
	struct pile others;    /* of pairs: the second of each */
	struct pile parts;     /* of those sent */
};

static bool of_pairs(enum kind_id id)
{
	return optable_op(kinds[id].reduce)->nargs == 3;
}

static struct state *new_state(MemoryContext context, enum kind_id id)
{
	struct state *s = MemoryContextAllocZero(context, sizeof *s);
	const struct op *reduce = optable_op(kinds[id].reduce);

	s->context = context;
	s->id = id;
	s->values.type = reduce->args[0];
	s->others.type = of_pairs(id) ? reduce->args[1] : 0;
	s->parts.type = reduce->result;
	s->goes_on = reduce->nargs >= 2;
	return s;
}

static MemoryContext aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/* ---- piles ---- */

static void make_room(struct state *s, struct pile *p, uint32 len)
{
	bool varies = value_bytes(p->type) == 0;

	if (p->bytes + len > p->bytes_cap) {
		/* a long one, or a part, may well be the last */
		uint64 some = p == &s->parts ? len : (uint64)len * FIRST_VALUES;

		p->bytes_cap = Max(Min(p->bytes_cap * 2, p->bytes_cap + BATCH_BYTES),
			p->bytes + (some < BATCH_BYTES ? some : len));
		p->data = p->data ? repalloc_huge(p->data, p->bytes_cap)
						  : MemoryContextAllocHuge(s->context, p->bytes_cap);
	}
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : p == &s->parts ? 1 : FIRST_VALUES;
		if (varies)
			p->lens = p->lens ? repalloc(p->lens, p->cap * sizeof *p->lens)
							  : MemoryContextAlloc(s->context, p->cap * sizeof *p->lens);
	}
}

static void pile_put(struct state *s, struct pile *p, const void *value, uint32 len)
{
	make_room(s, p, len);
	memcpy(p->data + p->bytes, value, len);
	if (p->lens)
		p->lens[p->n] = len;
	p->bytes += len;
	p->n++;
}

static void pile_empty(struct pile *p)
{
	p->n = 0;
	p->bytes = 0;
}

/* ---- programs ---- */

/* The operation that reduces parts; OP_none: there is none. */
static uint16_t reduce_parts(const struct state *s)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		const struct op *reduce = optable_op(kinds[i].reduce);

		if (kinds[i].fold == kinds[s->id].fold && reduce->nargs == 1 &&
			reduce->args[0] == s->parts.type && reduce->result == s->parts.type)
			return reduce->code;
	}
	return OP_none;
}

static void push_pile(struct zone_program *p, const struct pile *pile)
{
	struct zone_arg a = {.data = pile->data, .bytes = pile->bytes, .rows = pile->n,
		.type = pile->type, .lens = pile->lens, .flags = pile->n == 1 ? ARG_ONE : 0};

	zone_push(p, &a);
}

/* `len` has to stay until the program has run. */
static void push_part(
	struct zone_program *p, const struct state *s, const void *data, const uint32 *len)
{
	struct zone_arg a = {.data = data, .bytes = *len, .rows = 1, .type = s->parts.type,
		.flags = ARG_ONE, .lens = value_bytes(s->parts.type) ? NULL : len};

	zone_push(p, &a);
}

static void push_nothing(struct zone_program *p, uint8 type)
{
	static const uint8 null = 1;
	struct zone_arg a = {.data = &null, .bytes = 1, .rows = 1, .type = type,
		.flags = ARG_ONE | ARG_NULLS};

	zone_push(p, &a);
}

static void put_result(struct state *s, const struct zone_program *p)
{
	struct zone_result r = zone_run(ROLE_DB, p);

	pile_empty(&s->parts);
	pile_put(s, &s->parts, r.data, r.len);
}

/* Make one part of several. */
static void fold(struct state *s)
{
	struct zone_program p = {.rows = s->parts.n};

	if (s->parts.n < 2)
		return;
	push_pile(&p, &s->parts);
	zone_op(&p, reduce_parts(s));
	put_result(s, &p);
}

/* The state's result so far on top of the stack; the state has seen a value, and has one
 * part at most beside values. */
static void push_state(struct zone_program *p, const struct state *s)
{
	const struct kind *k = &kinds[s->id];
	bool values = s->values.n > 0, part = s->parts.n > 0;

	p->rows = values ? s->values.n : Max(s->parts.n, 1);
	if (values)
		push_pile(p, &s->values);
	if (values && of_pairs(s->id))
		push_pile(p, &s->others);
	if (values && !s->goes_on)
		zone_op(p, k->reduce);
	if (part)
		push_pile(p, &s->parts);
	if (s->parts.n > 1)
		zone_op(p, reduce_parts(s));
	if (!part && s->goes_on)
		push_nothing(p, s->parts.type);
	if (values && s->goes_on)
		zone_op(p, k->reduce);
	else if (values && part)
		zone_op(p, k->fold);
}

static void flush(struct state *s)
{
	struct zone_program p = {.rows = 1};

	fold(s);
	push_state(&p, s);
	put_result(s, &p);
	pile_empty(&s->values);
	pile_empty(&s->others);
}

/* ---- collecting ---- */

static void append(struct state *s, const void *value, uint32 len)
{
	const struct pile *v = &s->values;

	if (v->n > 0 && (v->n >= (uint32)hedb_batch || v->bytes + len > BATCH_BYTES))
		flush(s);
	pile_put(s, &s->values, value, len);
}

static void append_datum(struct state *s, Datum d)
{
	const uint8 *value;
	void *copy;
	uint32 len;

	s->count++;
	value = value_stored(value_bytes(s->values.type), d, &len, &copy);
	append(s, value, len);
	if (copy)
		pfree(copy);
}

/* Beside the value that was appended last. */
static void append_other(struct state *s, Datum d)
{
	void *copy;
	uint32 len;
	const uint8 *value = value_stored(value_bytes(s->others.type), d, &len, &copy);

	pile_put(s, &s->others, value, len);
	if (copy)
		pfree(copy);
}

static void append_part(struct state *s, const void *data, uint32 len)
{
	struct zone_program p = {.rows = 1};
	struct pile *parts = &s->parts;

	if (parts->n > 0 && !reduce_parts(s)) {
		push_pile(&p, parts);
		push_part(&p, s, data, &len);
		zone_op(&p, kinds[s->id].fold);
		put_result(s, &p);
		return;
	}
	if (parts->n >= PARTS_MAX || (parts->n > 0 && parts->bytes + len > BATCH_BYTES))
		fold(s);
	pile_put(s, parts, data, len);
}

static Datum transition(FunctionCallInfo fcinfo, enum kind_id id)
{
	MemoryContext context = aggregate_context(fcinfo);
	struct state *s = PG_ARGISNULL(0) ? NULL : (struct state *)PG_GETARG_POINTER(0);

	if (PG_ARGISNULL(1) || (of_pairs(id) && PG_ARGISNULL(2))) {
		if (s)
			PG_RETURN_POINTER(s);
		PG_RETURN_NULL();
	}
	if (!s)
		s = new_state(context, id);
	append_datum(s, PG_GETARG_DATUM(1));
	if (of_pairs(id))
		append_other(s, PG_GETARG_DATUM(2));
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

/* ---- parallel aggregation, and parts that a Zone node made ---- */

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
	fixed = value_bytes(b->values.type);
	for (i = 0; i < b->values.n; i++, at += len) {
		len = fixed ? fixed : b->values.lens[i];
		append(a, b->values.data + at, len);
	}
	fixed = value_bytes(b->parts.type);
	for (i = 0, at = 0; i < b->parts.n; i++, at += len) {
		len = fixed ? fixed : b->parts.lens[i];
		append_part(a, b->parts.data + at, len);
	}
	a->count += b->count;
	PG_RETURN_POINTER(a);
}

void aggregate_write(uint8 *at, int kind, int64 count, const uint8 *partial, uint32 len)
{
	uint64 n = pg_hton64((uint64)count);

	at[0] = (uint8)kind;
	memcpy(at + 1, &n, sizeof n);
	memcpy(at + AGGREGATE_HEAD, partial, len);
}

PG_FUNCTION_INFO_V1(hedb_serialize);
Datum hedb_serialize(PG_FUNCTION_ARGS)
{
	struct state *s = (struct state *)PG_GETARG_POINTER(0);
	bytea *out;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (s->values.n)
		flush(s);
	fold(s);
	out = palloc(VARHDRSZ + AGGREGATE_HEAD + s->parts.bytes);
	SET_VARSIZE(out, VARHDRSZ + AGGREGATE_HEAD + s->parts.bytes);
	aggregate_write(
		(uint8 *)VARDATA(out), s->id, s->count, s->parts.data, (uint32)s->parts.bytes);
	PG_RETURN_BYTEA_P(out);
}

PG_FUNCTION_INFO_V1(hedb_deserialize);
Datum hedb_deserialize(PG_FUNCTION_ARGS)
{
	bytea *b = PG_GETARG_BYTEA_PP(0);
	const uint8 *at = (const uint8 *)VARDATA_ANY(b);
	uint32 len = VARSIZE_ANY_EXHDR(b);
	struct state *s;
	uint64 count;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (len < AGGREGATE_HEAD || at[0] >= KINDS)
		elog(ERROR, "a serialized state of %u bytes is none", len);
	s = new_state(CurrentMemoryContext, (enum kind_id)at[0]);
	memcpy(&count, at + 1, sizeof count);
	s->count = (int64)pg_ntoh64(count);
	pile_put(s, &s->parts, at + AGGREGATE_HEAD, len - AGGREGATE_HEAD);
	PG_RETURN_POINTER(s);
}

/* ---- results ---- */

/* `finish`: one more operation on the result, 0 for none. */
static Datum finish(FunctionCallInfo fcinfo, struct state *s, uint16_t op)
{
	struct zone_program p = {.rows = 1};
	struct zone_arg count = {.bytes = sizeof s->count, .rows = 1, .type = T_PUB_INT8,
		.flags = ARG_ONE};
	uint8_t type;
	struct zone_result r;

	if (!s || s->count == 0)
		PG_RETURN_NULL();
	type = op ? optable_op(op)->result : s->parts.type;
	if (s->values.n)
		fold(s);
	if (!op && s->values.n == 0 && s->parts.n == 1)
		return value_datum(s->parts.type, s->parts.data, (uint32)s->parts.bytes);
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

/* ---- which aggregate is what ---- */

/* The transition functions made above. */
static const struct {
	PGFunction f;
	int kind;
} transitions[] = {
#define REDUCTION(reduce, fold) {trans_##reduce, KIND_##reduce},
#include "operations.h"
};

static bool counts(uint16_t finish)
{
	return finish && optable_op(finish)->nargs == 2;
}

static PGFunction address(Oid function)
{
	FmgrInfo f;

	fmgr_info(function, &f);
	return f.fn_addr;
}

/* Has the final function that counts? */
static bool final_counts(PGFunction final)
{
#define AGGREGATE(name, reduce, finish, sort)                                           \
	if (final == name##_##reduce##_final)                                               \
		return counts(OP_##finish);
#include "operations.h"
	return false;
}

int aggregate_kind(Oid aggregate, bool *does_count)
{
	HeapTuple tuple;
	Oid transition, final;
	PGFunction f;
	size_t i;

	if (aggregate < FirstNormalObjectId)
		return AGGREGATE_NONE;
	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	if (!HeapTupleIsValid(tuple))
		return AGGREGATE_NONE;
	transition = ((Form_pg_aggregate)GETSTRUCT(tuple))->aggtransfn;
	final = ((Form_pg_aggregate)GETSTRUCT(tuple))->aggfinalfn;
	ReleaseSysCache(tuple);
	if (transition < FirstNormalObjectId || !OidIsValid(final))
		return AGGREGATE_NONE;
	f = address(transition);
	for (i = 0; i < lengthof(transitions); i++)
		if (transitions[i].f == f &&
			optable_op(kinds[transitions[i].kind].reduce)->nargs == 1) {
			*does_count = final_counts(address(final));
			return transitions[i].kind;
		}
	return AGGREGATE_NONE;
}

const struct op *aggregate_reduce(int kind)
{
	return optable_op(kinds[kind].reduce);
}

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
