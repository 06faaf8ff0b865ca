/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_interval.c - enc_interval: comparing, arithmetic, sums.
 */
#include "kernel_time.h"

#include <math.h>
#include <string.h>

#include "kernel_fixed.h"

static inline int order(struct interval a, struct interval b)
{
	__int128 x = interval_span(&a), y = interval_span(&b);

	return (x > y) - (x < y);
}

COMPARE(enc_interval, struct interval, iv, order)
EXTREMES_OF(enc_interval, struct interval, iv, order)

/* A month hashes as the 30 days that it equals. */
KERNEL(hash_enc_interval)
{
	uint8_t bytes[1 + sizeof(__int128)] = {in->type};
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		__int128 span = interval_span(&ARG(0, iv));

		memcpy(bytes + 1, &span, sizeof span);
		out->i8[i] = (int64_t)eval_hash(ev, bytes, sizeof bytes);
	}
}

static inline uint8_t in_range(bool is)
{
	return is ? 0 : ROW_INTERVAL_RANGE;
}

static bool negate(struct interval *r, struct interval v)
{
	static const struct interval zero;

	return interval_sub(r, &zero, &v);
}

static bool justified(
	struct interval *r, struct interval v, bool (*justify)(struct interval *v))
{
	*r = v;
	return justify(r);
}

#define INTERVAL(name, call) EACH(name, in_range(call))
INTERVAL(interval_add, interval_add(&out->iv[i], &ARG(0, iv), &ARG(1, iv)))
INTERVAL(interval_sub, interval_sub(&out->iv[i], &ARG(0, iv), &ARG(1, iv)))
INTERVAL(interval_neg, negate(&out->iv[i], ARG(0, iv)))
INTERVAL(interval_justify, justified(&out->iv[i], ARG(0, iv), interval_justify))
INTERVAL(interval_justify_hours,
	justified(&out->iv[i], ARG(0, iv), interval_justify_hours))
INTERVAL(interval_justify_days, justified(&out->iv[i], ARG(0, iv), interval_justify_days))
INTERVAL(interval_avg,
	interval_scale(&out->iv[i], &ARG(0, iv), (double)ARG(1, i8), true))

/* A window frame's offset. */
static uint8_t frame(struct interval *r, struct interval v)
{
	*r = v;
	return interval_span(&v) < 0 ? ROW_FRAME : 0;
}
EACH(interval_frame, frame(&out->iv[i], ARG(0, iv)))

static uint8_t quotient(struct interval *r, struct interval v, double by)
{
	return by == 0 ? ROW_DIVISION_BY_ZERO : in_range(interval_scale(r, &v, by, true));
}

INTERVAL(interval_mul_float8, interval_scale(&out->iv[i], &ARG(0, iv), ARG(1, f8), false))
INTERVAL(interval_mul_int4, interval_scale(&out->iv[i], &ARG(0, iv), ARG(1, i4), false))
INTERVAL(float8_mul_interval, interval_scale(&out->iv[i], &ARG(1, iv), ARG(0, f8), false))
INTERVAL(int4_mul_interval, interval_scale(&out->iv[i], &ARG(1, iv), ARG(0, i4), false))
EACH(interval_div_float8, quotient(&out->iv[i], ARG(0, iv), ARG(1, f8)))
EACH(interval_div_int4, quotient(&out->iv[i], ARG(0, iv), ARG(1, i4)))

KERNEL(interval_finite)
{
	uint32_t i;

	EACH_ROW(out, n, i)
		out->b[i] = true;
}

KERNEL(sum_interval)
{
	static const struct interval zero;
	bool any = false;
	uint32_t i;

	EACH_VALUE(in, out, n, i)
	{
		if (!interval_add(&out->iv[0], any ? &out->iv[0] : &zero, &in->iv[i]))
			row_fail(out, 0, ROW_INTERVAL_RANGE);
		any = true;
	}
	if (!any && !out->state[0])
		row_fail(out, 0, ROW_NULL);
}

/* What a clock shows since midnight, up to 24:00. */
static uint8_t clock(struct interval *r, int32_t hour, int32_t minute, double second)
{
	int64_t us;

	if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || !(second >= 0 && second <= 60))
		return ROW_TIME_FIELD;
	us = (hour * 60 + minute) * 60 * SECOND_US + (int64_t)rint(second * SECOND_US);
	*r = (struct interval){.us = us};
	return us > DAY_US ? ROW_TIME_FIELD : 0;
}
EACH(interval_clock, clock(&out->iv[i], ARG(0, i4), ARG(1, i4), ARG(2, f8)))

/* The sums of make_interval() wrap around, as PostgreSQL's do. */
static uint8_t of_months(struct interval *r, int32_t years, int32_t months)
{
	*r = (struct interval){.months = (int32_t)((uint32_t)years * 12 + (uint32_t)months)};
	return 0;
}
EACH(interval_of_months, of_months(&out->iv[i], ARG(0, i4), ARG(1, i4)))

static uint8_t of_days(struct interval *r, int32_t weeks, int32_t days)
{
	*r = (struct interval){.days = (int32_t)((uint32_t)weeks * 7 + (uint32_t)days)};
	return 0;
}
EACH(interval_of_days, of_days(&out->iv[i], ARG(0, i4), ARG(1, i4)))

static uint8_t of_clock(struct interval *r, int32_t hours, int32_t minutes, double seconds)
{
	double us = rint(seconds * (double)SECOND_US);
	int64_t whole = us >= -0x1p63 && us < 0x1p63 ? (int64_t)us : INT64_MIN;

	*r = (struct interval){.us = (int64_t)(((uint64_t)hours * 3600 + (uint64_t)minutes * 60) *
		SECOND_US + (uint64_t)whole)};
	return isfinite(seconds) ? 0 : ROW_INTERVAL_RANGE;
}
EACH(interval_of_clock, of_clock(&out->iv[i], ARG(0, i4), ARG(1, i4), ARG(2, f8)))

static uint8_t part_way(struct interval *r, struct interval a, struct interval b, double part)
{
	struct interval way;

	return in_range(interval_sub(&way, &b, &a) && interval_scale(&way, &way, part, false) &&
		interval_add(r, &way, &a));
}
EACH(interval_part_way, part_way(&out->iv[i], ARG(0, iv), ARG(1, iv), ARG(2, f8)))
