/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_time.c - enc_date, enc_timestamp and enc_timestamptz: comparing, arithmetic,
 * casts. Fields of them are in kernel_field.c.
 *
 * A timestamp without a zone is computed as one at Greenwich, so one kernel does both:
 * an operation that depends on the session's zone has it as its last argument.
 */
#include "kernel_time.h"

#include <string.h>

#include "kernel_fixed.h"

/* Row i of argument k. */
#define ARG(k, f) in[k].f[ROW(&in[k], i)]

/* A kernel out of a function of one row, which returns the row's state. */
#define EACH(name, call)                                                               \
	KERNEL(name)                                                                       \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			uint8_t fail = call;                                                       \
                                                                                       \
			if (__builtin_expect(fail, 0))                                             \
				row_fail(out, i, fail);                                                \
		}                                                                              \
	}

bool zone_of(
	struct timezone_rules *z, const struct op *op, const struct vec *in, uint32_t i)
{
	int last = op->nargs - 1;

	*z = timezone_utc;
	return op->args[last] != T_PUB_ZONE ||
		timezone_parse(z, ARG(last, s).p, ARG(last, s).len);
}

/* ---- comparing ---- */

static inline int order(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

COMPARE(enc_date, int32_t, i4, order)
EXTREMES_OF(enc_date, int32_t, i4, order)

/* A family for each type: a date equals a timestamp, but hashes its own way, as in
 * PostgreSQL. */
static int64_t hash(struct eval *ev, uint8_t family, const void *value, size_t n)
{
	uint8_t in[1 + 16] = {family};

	memcpy(in + 1, value, n);
	return (int64_t)eval_hash(ev, in, 1 + n);
}

KERNEL(hash_enc_date)
{
	uint32_t i;

	EACH_ROW(out, n, i)
		out->i8[i] = hash(ev, HASH_DATE, &ARG(0, i4), sizeof(int32_t));
}

/* ---- dates ---- */

static uint8_t date_add(int32_t *r, int32_t d, int64_t days)
{
	if (date_finite(d) && !date_valid(d + days))
		return ROW_DATE_RANGE;
	*r = date_finite(d) ? (int32_t)(d + days) : d;
	return 0;
}
EACH(date_add, date_add(&out->i4[i], ARG(0, i4), ARG(1, i4)))
EACH(int4_date_add, date_add(&out->i4[i], ARG(1, i4), ARG(0, i4)))
EACH(date_sub_days, date_add(&out->i4[i], ARG(0, i4), -(int64_t)ARG(1, i4)))

static uint8_t date_between(int32_t *r, int32_t a, int32_t b)
{
	if (!date_finite(a) || !date_finite(b))
		return ROW_DATE_INFINITE;
	*r = (int32_t)((uint32_t)a - (uint32_t)b);
	return 0;
}
EACH(date_sub, date_between(&out->i4[i], ARG(0, i4), ARG(1, i4)))

/* Year -1 is 1 BC. */
static uint8_t date_make(int32_t *r, int64_t year, int32_t month, int32_t day)
{
	struct moment m = {.year = year < 0 ? year + 1 : year, .month = month, .day = day};
	int64_t days;

	if (year == 0 || month < 1 || month > 12 || day < 1 || day > month_days(m.year, month))
		return ROW_DATE_FIELD;
	days = days_of(m.year, month, day);
	if (!date_valid(days))
		return ROW_DATE_RANGE;
	*r = (int32_t)days;
	return 0;
}
EACH(date_make, date_make(&out->i4[i], ARG(0, i4), ARG(1, i4), ARG(2, i4)))

static uint8_t answer(uint8_t *r, bool is)
{
	*r = is;
	return 0;
}
EACH(date_finite, answer(&out->b[i], date_finite(ARG(0, i4))))
