/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * time.c - what dates and times have besides the operations of ops.def: AT TIME ZONE,
 * date_trunc in a named zone, and in_range for window frames of RANGE with an offset. Each is one program of a few
 * operations.
 */
#include "hedb.h"

#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "parser/scansup.h"

#include "scalar.h"
#include "zone_program.h"
#include "zone_rules.h"

static void push_zone(struct zone_program *p, const uint8_t *rules, const uint32_t *len)
{
	struct zone_arg a = {.data = rules, .bytes = *len, .lens = len, .rows = 1,
		.type = T_PUB_ZONE};

	zone_push(p, &a);
}

/* ---- AT TIME ZONE ---- */

/* The rules of a zone by name, as PostgreSQL understands names here. Abbreviations whose
 * meaning changed over time stand for no rules of their own. */
static void named_zone(StringInfo rules, char *name)
{
	pg_tz *tz = NULL;
	int offset;
	int kind = DecodeTimezoneAbbrev(
		0, downcase_truncate_identifier(name, (int)strlen(name), false), &offset, &tz);

	if (kind == TZ || kind == DTZ) {
		zone_rules_fixed(rules, offset);
		return;
	}
	if (kind == DYNTZ)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("time zone abbreviation \"%s\" is not supported for encrypted values",
					name),
				errhint("Use the zone's full name.")));
	tz = pg_tzset(name);
	if (!tz)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("time zone \"%s\" not recognized", name)));
	zone_rules_of(rules, tz);
}

/* A function's zone, which is mostly one for all rows. */
struct named {
	char *name;
	StringInfoData rules;
};

static const StringInfoData *zone_argument(FunctionCallInfo fcinfo, int arg)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(arg));
	struct named *n = fcinfo->flinfo->fn_extra;
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

	if (!n) {
		n = palloc0(sizeof *n);
		initStringInfo(&n->rules);
		fcinfo->flinfo->fn_extra = n;
	}
	if (!n->name || strcmp(n->name, name) != 0) {
		if (n->name)
			pfree(n->name);
		n->name = NULL;
		resetStringInfo(&n->rules);
		named_zone(&n->rules, name);
		n->name = pstrdup(name);
	}
	MemoryContextSwitchTo(old);
	return &n->rules;
}

static Datum at_zone(FunctionCallInfo fcinfo, uint8_t type, uint16_t op)
{
	const StringInfoData *rules = zone_argument(fcinfo, 0);
	uint32_t len = (uint32_t)rules->len;
	struct zone_program p = {.rows = 1};
	struct zone_result r;

	value_push(&p, type, PG_GETARG_DATUM(1));
	push_zone(&p, (const uint8_t *)rules->data, &len);
	zone_op(&p, op);
	r = zone_run(ROLE_DB, &p);
	return value_datum(optable_op(op)->result, r.data, r.len);
}

/* date_trunc(field, x, zone) */
static Datum trunc_in_zone(FunctionCallInfo fcinfo)
{
	text *field = PG_GETARG_TEXT_PP(0);
	const StringInfoData *rules = zone_argument(fcinfo, 2);
	uint32_t field_len = VARSIZE_ANY_EXHDR(field), len = (uint32_t)rules->len;
	struct zone_arg f = {.data = VARDATA_ANY(field), .bytes = field_len, .lens = &field_len,
		.rows = 1, .type = T_PUB_TEXT};
	struct zone_program p = {.rows = 1};
	struct zone_result r;

	zone_push(&p, &f);
	value_push(&p, T_TIMESTAMPTZ, PG_GETARG_DATUM(1));
	push_zone(&p, (const uint8_t *)rules->data, &len);
	zone_op(&p, OP_enc_timestamptz_trunc);
	r = zone_run(ROLE_DB, &p);
	return value_datum(T_TIMESTAMPTZ, r.data, r.len);
}

/* ---- in_range(value, base, offset, subtract, less) ---- */

/* What it is computed by for one type. */
struct range {
	uint8_t type;
	bool zoned;
	uint16_t add, subtract, le, ge;
};

static Datum in_range(FunctionCallInfo fcinfo, const struct range *r)
{
	bool subtract = PG_GETARG_BOOL(3), less = PG_GETARG_BOOL(4);
	struct zone_program p = {.rows = 1};
	uint32_t len;

	value_push(&p, r->type, PG_GETARG_DATUM(0));
	value_push(&p, r->type, PG_GETARG_DATUM(1));
	value_push(&p, T_INTERVAL, PG_GETARG_DATUM(2));
	zone_op(&p, OP_enc_interval_frame);
	if (r->zoned) {
		const uint8_t *rules = zone_rules(&len);

		push_zone(&p, rules, &len);
	}
	zone_op(&p, subtract ? r->subtract : r->add);
	zone_op(&p, less ? r->le : r->ge);
	return BoolGetDatum(*zone_run(ROLE_DB, &p).data & 1);
}

#define ENTRY(name, call)                                                               \
	PG_FUNCTION_INFO_V1(name);                                                          \
	Datum name(PG_FUNCTION_ARGS)                                                        \
	{                                                                                   \
		return call;                                                                    \
	}

ENTRY(enc_timestamptz_at_zone,
	at_zone(fcinfo, T_TIMESTAMPTZ, OP_enc_timestamptz_to_timestamp))
ENTRY(enc_timestamptz_trunc_zone, trunc_in_zone(fcinfo))
ENTRY(enc_timestamp_at_zone, at_zone(fcinfo, T_TIMESTAMP, OP_enc_timestamp_to_timestamptz))

#define RANGE(name, ...)                                                                \
	static const struct range name##_range = {__VA_ARGS__};                             \
	ENTRY(name##_in_range, in_range(fcinfo, &name##_range))
RANGE(enc_date, T_DATE, false, OP_enc_date_pl_interval, OP_enc_date_mi_interval,
	OP_enc_date_timestamp_le, OP_enc_date_timestamp_ge)
RANGE(enc_timestamp, T_TIMESTAMP, false, OP_enc_timestamp_pl_interval,
	OP_enc_timestamp_mi_interval, OP_enc_timestamp_le, OP_enc_timestamp_ge)
RANGE(enc_timestamptz, T_TIMESTAMPTZ, true, OP_enc_timestamptz_pl_interval,
	OP_enc_timestamptz_mi_interval, OP_enc_timestamptz_le, OP_enc_timestamptz_ge)
RANGE(enc_interval, T_INTERVAL, false, OP_enc_interval_pl, OP_enc_interval_mi,
	OP_enc_interval_le, OP_enc_interval_ge)
