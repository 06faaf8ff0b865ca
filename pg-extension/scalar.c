/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scalar.c - the SQL functions of ops.def, a row at a time.
 *
 * The hot path of every filter that is not batched: the request of an operation is a
 * constant head and its arguments, written in place into the ring; nothing is allocated
 * but the result.
 */
#include "scalar.h"

#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "btree.h"
#include "memo.h"
#include "stat_programs.h"
#include "zone_program.h"
#include "zone_rules.h"

enum { PRED_EQUAL = 2, PRED_UNEQUAL = 5 }; /* ops.def: PRED */
enum { HEAD_MAX = PROGRAM_HEADER + 2 * OP_ARGS_MAX + 2 * (OP_ARGS_MAX + 1) };

struct scalar {
	uint8_t head[HEAD_MAX];
	uint8_t head_len;
	uint8_t nargs;
	uint8_t result;
	bool secret;
	bool equality;                 /* of two values of a secret type: = or <> */
	uint16_t compare;              /* three-way comparison of the arguments, if it is one */
	uint32_t result_bytes;         /* 0: variable */
	uint8_t type[OP_ARGS_MAX];
	uint32_t bytes[OP_ARGS_MAX];   /* 0: variable */
	uint64_t good;                 /* the first eight bytes of a reply with a value */
	struct program_stat *stat;
};

static struct scalar scalars[OPTABLE_CODES];

static uint32_t wire_bytes(uint8_t type)
{
	return optable_is_secret(type) ? value_bytes(type) : optable_type(type).size;
}

/* The three-way comparison of what an operation compares, 0 when it does not. */
static uint16_t comparison_of(const struct op *op)
{
	size_t len = strlen(op->name);
	const struct op *o = op;
	uint32_t code;

	if (op->nargs != 2 || !optable_is_secret(op->args[0]) || !optable_is_secret(op->args[1]))
		return 0;
	if (op->result == T_PUB_INT4)
		return len > 4 && strcmp(op->name + len - 4, "_cmp") == 0 ? op->code : 0;
	if (op->result != T_PUB_BOOL || !(op->flags & OP_PRED))
		return 0;
	for (code = op->code + 1; o && o->result == T_PUB_BOOL; code++)
		o = optable_op(code);
	return o ? comparison_of(o) : 0;
}

static void prepare(struct scalar *s, const struct op *op)
{
	uint8_t reply[PROGRAM_HEADER] = {0, op->result, 0, 0, 1};
	uint16_t code = op->code;
	int i;

	s->nargs = op->nargs;
	s->result = op->result;
	s->secret = optable_is_secret(op->result);
	s->result_bytes = wire_bytes(op->result);
	s->equality = op->nargs == 2 && op->args[0] == op->args[1] &&
		optable_is_secret(op->args[0]) && op->result == T_PUB_BOOL &&
		(op->flags == PRED_EQUAL || op->flags == PRED_UNEQUAL);
	s->compare = comparison_of(op);
	s->head[0] = op->nargs;
	s->head[2] = (uint8_t)(op->nargs + 1);
	s->head[4] = 1;
	s->head_len = PROGRAM_HEADER;
	for (i = 0; i < op->nargs; i++) {
		s->type[i] = op->args[i];
		s->bytes[i] = wire_bytes(op->args[i]);
		s->head[s->head_len] = op->args[i];
		s->head_len += 2;
	}
	for (i = 0; i < op->nargs; i++) {
		uint16_t push = (uint16_t)(PROGRAM_PUSH | i);

		memcpy(s->head + s->head_len, &push, 2);
		s->head_len += 2;
	}
	memcpy(s->head + s->head_len, &code, 2);
	s->head_len += 2;
	reply[0] = s->secret ? REPLY_SECRET : 0;
	memcpy(&s->good, reply, sizeof s->good);
}

void scalar_init(void)
{
	uint32_t code;

	for (code = 0; code < OPTABLE_CODES; code++)
		if (optable_op(code))
			prepare(&scalars[code], optable_op(code));
}

uint16_t scalar_comparison(uint16_t code)
{
	return scalars[code].compare;
}

/* A request in the making. */
struct request {
	const struct scalar *s;
	struct crossing arg[OP_ARGS_MAX];
	struct crossing *zone; /* the last one, if that is the session's time zone */
};

static void fill_request(void *arg, uint8_t *at, uint64_t len)
{
	const struct request *q = arg;
	int i;

	memcpy(at, q->s->head, q->s->head_len);
	if (q->zone)
		at[PROGRAM_HEADER + 2 * q->s->nargs - 1] = q->zone->flags;
	at += q->s->head_len;
	for (i = 0; i < q->s->nargs; i++)
		at = crossing_write(&q->arg[i], at);
}

/* The last argument of what depends on the time zone: no SQL argument. */
uint64_t crossing_take_zone(struct crossing *x)
{
	x->flags = zone_rules_cross(&x->data, &x->len);
	x->counted = !(x->flags & ARG_KEPT);
	x->copy = NULL;
	return (x->counted ? 4ull : 0) + x->len;
}

const uint8_t *crossing_call(enum role role, uint64_t len, ops_fill *fill, void *arg,
	struct crossing *x, uint64_t *reply_len)
{
	const uint8_t *reply = zone_ask(role, len, fill, arg, reply_len);

	if (likely(reply != NULL))
		return reply;
	if (!x || x->counted)
		zone_raise_unknown();
	zone_rules_unknown();
	len -= x->len;
	len += crossing_take_zone(x);
	return crossing_call(role, len, fill, arg, x, reply_len);
}

/* A result in clear: of variable size, by reference, or by value. */
Datum plain_datum(uint8_t type, const uint8_t *p, uint32_t len)
{
	Datum d = 0;

	if (!optable_type(type).size)
		return PointerGetDatum(cstring_to_text_with_len((const char *)p, (int)len));
	if (len > sizeof d)
		return PointerGetDatum(memcpy(palloc(len), p, len));
	memcpy(&d, p, len);
	return type == T_PUB_BOOL ? BoolGetDatum(d & 1) : fetch_att(&d, true, (int)len);
}

Datum value_datum(uint8_t type, const uint8_t *p, uint32_t len)
{
	uint8_t *out;

	if (value_bytes(type)) {
		out = palloc(len);
		memcpy(out, p, len);
		return PointerGetDatum(out);
	}
	return PointerGetDatum(cstring_to_text_with_len((const char *)p, (int)len));
}

void value_push(struct zone_program *p, uint8_t type, Datum d)
{
	void *copy;
	uint32_t len;
	struct zone_arg a = {.rows = 1, .type = type};

	struct zone_arg *pushed = &p->arg[p->nargs];

	a.data = value_stored(value_bytes(type), d, &len, &copy);
	a.bytes = a.len = len;
	zone_push(p, &a);
	if (!value_bytes(type))
		pushed->lens = &pushed->len;
}

static Datum run(FunctionCallInfo fcinfo, struct scalar *s, enum role role)
{
	struct request q = {.s = s};
	struct zone_result r;
	const uint8_t *reply;
	uint64_t len = s->head_len, reply_len, start, before = zone_waited();
	int i;

	for (i = 0; i < s->nargs; i++)
		if (unlikely(s->type[i] == T_PUB_ZONE))
			len += crossing_take_zone(q.zone = &q.arg[i]);
		else
			len += crossing_take(&q.arg[i], s->bytes[i],
				optable_is_secret(s->type[i]), PG_GETARG_DATUM(i));
	reply = crossing_call(role, len, fill_request, &q, q.zone, &reply_len);
	s->stat = stat_program(s->stat, s->head, s->head_len);
	stat_count_call(s->stat, 1, len, reply_len, before);
	for (i = 0; i < s->nargs; i++)
		crossing_done(&q.arg[i]);
	if (reply_len == PROGRAM_HEADER + s->result_bytes) {
		memcpy(&start, reply, sizeof start);
		if (likely(start == s->good)) {
			reply += PROGRAM_HEADER;
			return s->secret ? value_datum(s->result, reply, s->result_bytes)
							 : plain_datum(s->result, reply, s->result_bytes);
		}
	}
	r = zone_row(reply, reply_len, s->result, s->secret);
	if (!r.data) /* of values: a field that infinity does not have */
		PG_RETURN_NULL();
	return s->secret ? value_datum(s->result, r.data, r.len)
					 : plain_datum(s->result, r.data, r.len);
}

/* Of a value in an index's page. */
static bool compare_in_index(
	FunctionCallInfo fcinfo, const struct scalar *s, uint16_t flags, Datum *result)
{
	enum btree_reader reader = !(flags & OP_PRED) ? BTREE_SEARCH
		: (flags & OP_PRED) == PRED_EQUAL         ? BTREE_EQUALS
												  : BTREE_RANGE;
	int order;

	if (!btree_compare(s->compare, reader, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), &order))
		return false;
	*result = reader == BTREE_SEARCH ? Int32GetDatum(order)
									 : BoolGetDatum(flags >> ((order > 0) - (order < 0) + 1) & 1);
	return true;
}

Datum scalar_call(FunctionCallInfo fcinfo, uint16_t code)
{
	struct scalar *s = &scalars[code];
	Datum result;
	bool equal;

	if (s->compare && compare_in_index(fcinfo, s, optable_op(code)->flags, &result))
		return result;
	if (s->equality && memo_equal(s->type[0], PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), &equal))
		return BoolGetDatum(equal == (optable_op(code)->flags == PRED_EQUAL));
	return run(fcinfo, s, ROLE_DB);
}

int scalar_compare(uint8_t type, Datum a, Datum b)
{
	static const uint16_t compare[T_FIRST_PUBLIC] = {
#define PUBLIC(...)
#define TYPE(name, code, sql, size, plain) [code] = OP_##sql##_cmp,
#include "operations.h"
	};
	LOCAL_FCINFO(f, 2);

	InitFunctionCallInfoData(*f, NULL, 2, InvalidOid, NULL, NULL);
	f->args[0].value = a;
	f->args[1].value = b;
	f->args[0].isnull = f->args[1].isnull = false;
	return DatumGetInt32(scalar_call(f, compare[type]));
}

/* `x + 1`: the plain side crosses in clear, in the same request, instead of being
 * encrypted in one of its own. */
static struct scalar *mixed_scalar(FmgrInfo *f, uint16_t code)
{
	struct scalar *s = MemoryContextAlloc(f->fn_mcxt, sizeof *s);
	Oid *types;
	int n, i;

	*s = scalars[code];
	s->stat = NULL;
	get_func_signature(f->fn_oid, &types, &n);
	for (i = 0; i < n && i < s->nargs; i++) {
		if (types[i] != INT4OID && types[i] != INT8OID)
			continue;
		s->bytes[i] = optable_type(s->type[i]).size;
		s->type[i] = types[i] == INT4OID ? T_PUB_INT4 : T_PUB_INT8;
		s->head[PROGRAM_HEADER + 2 * i + 1] = ARG_CLEAR;
	}
	f->fn_extra = s;
	return s;
}

static Datum mixed_call(FunctionCallInfo fcinfo, uint16_t code)
{
	struct scalar *s = fcinfo->flinfo->fn_extra;

	hedb_need_client_mode(scalars[code].type[0]);
	if (!s)
		s = mixed_scalar(fcinfo->flinfo, code);
	return run(fcinfo, s, ROLE_CLIENT);
}

/* The entry points; gensql declares the same functions in SQL. */
#define OP(code, sql, symbol, result, args, kernel, flags)                              \
	PG_FUNCTION_INFO_V1(op_##sql);                                                      \
	Datum op_##sql(PG_FUNCTION_ARGS)                                                    \
	{                                                                                   \
		return scalar_call(fcinfo, code);                                               \
	}                                                                                   \
	PG_FUNCTION_INFO_V1(mixed_##sql);                                                   \
	Datum mixed_##sql(PG_FUNCTION_ARGS)                                                 \
	{                                                                                   \
		return mixed_call(fcinfo, code);                                                \
	}
#include "operations.h"
