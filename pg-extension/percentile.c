/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * percentile.c - percentile_cont() WITHIN GROUP (ORDER BY x) of numbers and intervals.
 *
 * PostgreSQL's own final function knows its own types only. Here as there values go into a
 * sort, which for ours goes by ranks and to temporary files if need be; then the zone is
 * asked once, for what lies between the two values around the fraction.
 */
#include "hedb.h"

#include <math.h>

#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/tuplesort.h"

#include "known.h"
#include "scalar.h"
#include "zone_program.h"

struct percentile {
	Tuplesortstate *sort; /* NULL: handed out */
	uint8_t type;
	int64 count;
};

static void percentile_end(Datum arg)
{
	struct percentile *p = (struct percentile *)DatumGetPointer(arg);

	if (p->sort)
		tuplesort_end(p->sort);
	p->sort = NULL;
}

static struct percentile *percentile_begin(FunctionCallInfo fcinfo, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	struct percentile *p = palloc0(sizeof *p);
	Aggref *call = AggGetAggref(fcinfo);
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	SortGroupClause *order;

	p->type = code_secret_type(type);
	if (!p->type || !call || list_length(call->aggorder) != 1)
		elog(ERROR, "no percentile of type %u, or none in an order", type);
	order = linitial_node(SortGroupClause, call->aggorder);
	p->sort = tuplesort_begin_datum(type, order->sortop, InvalidOid, order->nulls_first,
		work_mem, NULL, TUPLESORT_NONE);
	AggRegisterCallback(fcinfo, percentile_end, PointerGetDatum(p));
	MemoryContextSwitchTo(old);
	return p;
}

PG_FUNCTION_INFO_V1(enc_percentile_trans);
Datum enc_percentile_trans(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	struct percentile *p;

	if (AggCheckCallContext(fcinfo, &context) != AGG_CONTEXT_AGGREGATE)
		elog(ERROR, "aggregate function called in non-aggregate context");
	p = PG_ARGISNULL(0) ? percentile_begin(fcinfo, context)
						: (struct percentile *)PG_GETARG_POINTER(0);
	if (!PG_ARGISNULL(1)) {
		tuplesort_putdatum(p->sort, PG_GETARG_DATUM(1), false);
		p->count++;
	}
	PG_RETURN_POINTER(p);
}

/* The value `skip` places on. */
static Datum next_value(struct percentile *p, int64 skip)
{
	Datum d;
	bool null;

	if (!tuplesort_skiptuples(p->sort, skip, true) ||
		!tuplesort_getdatum(p->sort, true, &d, &null, NULL) || null)
		elog(ERROR, "missing row in percentile_cont");
	return d;
}

/* Numbers of all types become double precision. */
static void push_number(struct zone_program *p, uint8_t type, Datum d)
{
	static const uint16_t casts[T_FIRST_PUBLIC] = {[T_INT4] = OP_enc_int4_to_float8,
		[T_INT8] = OP_enc_int8_to_float8, [T_NUMERIC] = OP_enc_numeric_to_float8,
		[T_FLOAT4] = OP_enc_float4_to_float8};

	value_push(p, type, d);
	if (casts[type])
		zone_op(p, casts[type]);
}

static Datum between(const struct percentile *s, Datum low, Datum high, double part)
{
	bool interval = s->type == T_INTERVAL;
	struct zone_arg a = {.data = &part, .bytes = sizeof part, .rows = 1,
		.type = T_PUB_FLOAT8, .flags = ARG_ONE};
	struct zone_program p = {.rows = 1};
	struct zone_result r;

	push_number(&p, s->type, low);
	push_number(&p, s->type, high);
	zone_push(&p, &a);
	zone_op(&p, interval ? OP_enc_interval_between : OP_enc_float8_between);
	r = zone_run(ROLE_DB, &p);
	return value_datum(interval ? T_INTERVAL : T_FLOAT8, r.data, r.len);
}

/* One of the values itself. */
static Datum alone(const struct percentile *s, Datum d)
{
	struct zone_program p = {.rows = 1};
	struct zone_result r;

	if (s->type == T_INTERVAL || s->type == T_FLOAT8)
		return d;
	push_number(&p, s->type, d);
	r = zone_run(ROLE_DB, &p);
	return value_datum(T_FLOAT8, r.data, r.len);
}

static Datum percentile_final(FunctionCallInfo fcinfo)
{
	struct percentile *p = PG_ARGISNULL(0) ? NULL : (struct percentile *)PG_GETARG_POINTER(0);
	double fraction, place;
	int64 first, last;
	Datum low;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	fraction = PG_GETARG_FLOAT8(1);
	if (!(fraction >= 0 && fraction <= 1))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("percentile value %g is not between 0 and 1", fraction)));
	if (!p || p->count == 0)
		PG_RETURN_NULL();
	tuplesort_performsort(p->sort);
	place = fraction * (double)(p->count - 1);
	first = (int64)floor(place);
	last = (int64)ceil(place);
	low = next_value(p, first);
	return first == last ? alone(p, low)
						 : between(p, low, next_value(p, 0), place - (double)first);
}

PG_FUNCTION_INFO_V1(enc_float8_percentile_final);
Datum enc_float8_percentile_final(PG_FUNCTION_ARGS)
{
	return percentile_final(fcinfo);
}

PG_FUNCTION_INFO_V1(enc_interval_percentile_final);
Datum enc_interval_percentile_final(PG_FUNCTION_ARGS)
{
	return percentile_final(fcinfo);
}
