/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_time.c - enc_date, enc_timestamp and enc_timestamptz: comparing, arithmetic,
 * casts. Fields of them are in kernel_field.c.
 *
 * A timestamp without a zone is computed as one at Greenwich, so one kernel does both:
 * an operation that depends on the session's zone has it as its last argument.
 */
#include "kernel_time.h"

#include <math.h>
#include <string.h>

#include "kernel_fixed.h"

bool zone_of(
	struct timezone_rules *z, const struct op *op, const struct vec *in, uint32_t i)
{
	int last = op->nargs - 1;

	*z = timezone_utc;
	return op->args[last] != T_PUB_ZONE ||
		timezone_parse(z, ARG(last, s).p, ARG(last, s).len);
}

/* ---- instants and what clocks show ---- */

enum { UNIX_SECONDS_2000 = UNIX_DAYS_2000 * DAY_SECONDS };

int32_t moment_at(struct moment *m, int64_t t, const struct timezone_rules *z)
{
	int64_t seconds = floor_div(t, SECOND_US);
	int32_t offset = timezone_offset(z, seconds + UNIX_SECONDS_2000);

	moment_of(m, seconds + offset, (int32_t)floor_mod(t, SECOND_US));
	return offset;
}

static int32_t offset_of(int64_t local, const struct timezone_rules *z)
{
	return timezone_offset_local(z, local + UNIX_SECONDS_2000);
}

uint8_t stamp_of(int64_t *t, const struct moment *m, int32_t offset)
{
	int64_t local;

	if (!moment_stamp(m, &local) ||
		__builtin_sub_overflow(local, offset * SECOND_US, t) || !stamp_valid(*t))
		return ROW_TIMESTAMP_RANGE;
	return 0;
}

uint8_t stamp_in_zone(int64_t *t, const struct moment *m, const struct timezone_rules *z)
{
	return stamp_of(t, m, offset_of(moment_seconds(m), z));
}

/* A stamp that is out of range: beyond all others, but not infinity. */
#define OVER_END (INT64_MAX - 1)
#define OVER_FIRST (INT64_MIN + 1)

static bool is_over(int64_t t)
{
	return t == OVER_END || t == OVER_FIRST;
}

static int64_t local_to_stamp(int64_t local, const struct timezone_rules *z)
{
	int64_t t, by = offset_of(floor_div(local, SECOND_US), z) * SECOND_US;

	if (__builtin_sub_overflow(local, by, &t) || t >= STAMP_END)
		return by < 0 ? OVER_END : OVER_FIRST;
	return t < STAMP_FIRST ? OVER_FIRST : t;
}

/* A timestamp, or midnight of a date, as an instant. */
static int64_t stamp_to_zone(int64_t t, const struct timezone_rules *z)
{
	return stamp_finite(t) ? local_to_stamp(t, z) : t;
}

static int64_t date_to_stamp(int32_t d, const struct timezone_rules *z)
{
	if (!date_finite(d))
		return d < 0 ? INT64_MIN : INT64_MAX;
	if (d >= DATE_STAMP_END)
		return OVER_END;
	return d < DATE_FIRST ? OVER_FIRST : local_to_stamp(d * DAY_US, z);
}

/* ---- comparing ---- */

static inline int order(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

COMPARE(enc_date, int32_t, i4, order)
COMPARE(enc_timestamp, int64_t, i8, order)
COMPARE(enc_timestamptz, int64_t, i8, order)
EXTREMES_OF(enc_date, int32_t, i4, order)
EXTREMES_OF(enc_timestamp, int64_t, i8, order)
EXTREMES_OF(enc_timestamptz, int64_t, i8, order)

/* A family for each type: a date equals a timestamp, but hashes its own way, as in
 * PostgreSQL. The family is the type's code. */
static void hash(struct eval *ev, struct vec *out, const struct vec *in, uint32_t n)
{
	uint32_t size = optable_size(in->type), i;
	uint8_t bytes[1 + sizeof(int64_t)] = {in->type};

	EACH_ROW(out, n, i)
	{
		memcpy(bytes + 1, in->b + (size_t)ROW(in, i) * size, size);
		out->i8[i] = (int64_t)eval_hash(ev, bytes, 1 + size);
	}
}

#define HASH(name)                                                                     \
	KERNEL(hash_##name)                                                                \
	{                                                                                  \
		hash(ev, out, in, n);                                                          \
	}
HASH(enc_date)
HASH(enc_timestamp)
HASH(enc_timestamptz)

/* ---- comparing across types ---- */

/* What argument k compares by. */
static int64_t order_of(
	const struct op *op, const struct vec *in, int k, uint32_t i, const struct timezone_rules *z)
{
	if (op->args[k] == T_DATE)
		return date_to_stamp(ARG(k, i4), z);
	return op->args[k] == T_TIMESTAMP ? stamp_to_zone(ARG(k, i8), z) : ARG(k, i8);
}

static uint8_t compare(const struct op *op, struct vec *out, const struct vec *in, uint32_t i,
	const struct timezone_rules *z)
{
	int64_t a = order_of(op, in, 0, i, z), b = order_of(op, in, 1, i, z);

	row_ordered(op, out, i, (a > b) - (a < b));
	return 0;
}
EACH_ZONED(time_compare, compare(op, out, in, i, &z))

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

/* ---- casts ---- */

uint8_t stamp_of_date(int64_t *r, int32_t d, const struct timezone_rules *z)
{
	*r = date_to_stamp(d, z);
	return is_over(*r) ? ROW_DATE_STAMP : 0;
}
EACH_ZONED(date_to_stamp, stamp_of_date(&out->i8[i], ARG(0, i4), &z))

static uint8_t to_date(int32_t *r, int64_t t, const struct timezone_rules *z)
{
	struct moment m;

	if (!stamp_finite(t)) {
		*r = t < 0 ? INT32_MIN : INT32_MAX;
		return 0;
	}
	moment_at(&m, t, z);
	*r = (int32_t)days_of(m.year, m.month, m.day);
	return 0;
}
EACH_ZONED(stamp_to_date, to_date(&out->i4[i], ARG(0, i8), &z))

static uint8_t to_zone(int64_t *r, int64_t t, const struct timezone_rules *z)
{
	*r = stamp_to_zone(t, z);
	return is_over(*r) ? ROW_TIMESTAMP_RANGE : 0;
}
EACH_ZONED(stamp_to_zone, to_zone(&out->i8[i], ARG(0, i8), &z))

/* Seconds since 1970. */
static uint8_t from_epoch(int64_t *r, double seconds)
{
	double us;

	if (isnan(seconds))
		return ROW_TIMESTAMP_RANGE;
	*r = seconds < 0 ? INT64_MIN : INT64_MAX;
	if (isinf(seconds))
		return 0;
	if (seconds < (double)DAY_SECONDS * (DATE_FIRST + UNIX_DAYS_2000) ||
		seconds >= (double)DAY_SECONDS * (DATE_STAMP_END + UNIX_DAYS_2000))
		return ROW_TIMESTAMP_RANGE;
	us = rint((seconds - UNIX_SECONDS_2000) * (double)SECOND_US);
	*r = (int64_t)us;
	return stamp_valid(*r) ? 0 : ROW_TIMESTAMP_RANGE;
}
EACH(float8_to_stamp, from_epoch(&out->i8[i], ARG(0, f8)))

static uint8_t from_zone(int64_t *r, int64_t t, const struct timezone_rules *z)
{
	struct moment m;

	*r = t;
	if (!stamp_finite(t))
		return 0;
	moment_at(&m, t, z);
	return stamp_of(r, &m, 0);
}
EACH_ZONED(stamp_from_zone, from_zone(&out->i8[i], ARG(0, i8), &z))

static uint8_t answer(uint8_t *r, bool is)
{
	*r = is;
	return 0;
}
EACH(date_finite, answer(&out->b[i], date_finite(ARG(0, i4))))
EACH(stamp_finite, answer(&out->b[i], stamp_finite(ARG(0, i8))))

/* ---- timestamps and intervals ---- */

static uint8_t add_months(int64_t *t, int32_t months, const struct timezone_rules *z)
{
	struct moment m;

	moment_at(&m, *t, z);
	return moment_add_months(&m, months) ? stamp_in_zone(t, &m, z) : ROW_TIMESTAMP_RANGE;
}

/* With a zone, the local date can lie a day before the first one. */
static uint8_t add_days(int64_t *t, int32_t by, const struct timezone_rules *z, bool zoned)
{
	struct moment m;
	int64_t julian;

	moment_at(&m, *t, z);
	julian = days_of(m.year, m.month, m.day) + JULIAN_2000 + by;
	if (julian > INT32_MAX || julian < -zoned)
		return ROW_TIMESTAMP_RANGE;
	moment_set_date(&m, julian - JULIAN_2000);
	return stamp_in_zone(t, &m, z);
}

static uint8_t stamp_add(int64_t *r, int64_t t, struct interval v,
	const struct timezone_rules *z, bool zoned)
{
	uint8_t fail = 0;

	if (!stamp_finite(t)) {
		*r = t;
		return 0;
	}
	if (v.months)
		fail = add_months(&t, v.months, z);
	if (v.days && !fail)
		fail = add_days(&t, v.days, z, zoned);
	if (!fail && (__builtin_add_overflow(t, v.us, r) || !stamp_valid(*r)))
		fail = ROW_TIMESTAMP_RANGE;
	return fail;
}

/* The least number is its own opposite here, as in PostgreSQL. */
static struct interval opposite(struct interval v)
{
	return (struct interval){(int64_t)(0 - (uint64_t)v.us), (int32_t)(0 - (uint32_t)v.days),
		(int32_t)(0 - (uint32_t)v.months)};
}

#define ZONED (op->result == T_TIMESTAMPTZ)
EACH_ZONED(stamp_add, stamp_add(&out->i8[i], ARG(0, i8), ARG(1, iv), &z, ZONED))
EACH_ZONED(interval_stamp_add, stamp_add(&out->i8[i], ARG(1, i8), ARG(0, iv), &z, ZONED))
EACH_ZONED(stamp_sub_interval,
	stamp_add(&out->i8[i], ARG(0, i8), opposite(ARG(1, iv)), &z, ZONED))

static uint8_t date_add_interval(int64_t *r, int32_t d, struct interval v)
{
	uint8_t fail = stamp_of_date(r, d, &timezone_utc);

	return fail ? fail : stamp_add(r, *r, v, &timezone_utc, false);
}
EACH(date_add_interval, date_add_interval(&out->i8[i], ARG(0, i4), ARG(1, iv)))
EACH(interval_date_add, date_add_interval(&out->i8[i], ARG(1, i4), ARG(0, iv)))
EACH(date_sub_interval, date_add_interval(&out->i8[i], ARG(0, i4), opposite(ARG(1, iv))))

/* Days and hours; a difference that does not fit wraps around, as PostgreSQL's does. */
static uint8_t stamp_between(struct interval *r, int64_t a, int64_t b)
{
	if (!stamp_finite(a) || !stamp_finite(b))
		return ROW_TIMESTAMP_INFINITE;
	*r = (struct interval){.us = (int64_t)((uint64_t)a - (uint64_t)b)};
	return interval_justify_hours(r) ? 0 : ROW_INTERVAL_RANGE;
}
EACH(stamp_sub, stamp_between(&out->iv[i], ARG(0, i8), ARG(1, i8)))

static uint8_t age(struct interval *r, int64_t a, int64_t b, const struct timezone_rules *z)
{
	struct moment x, y;

	if (a < STAMP_FIRST || b < STAMP_FIRST)
		return ROW_TIMESTAMP_RANGE;
	moment_at(&x, a, z);
	moment_at(&y, b, z);
	return interval_between(r, &x, &y, a < b) ? 0 : ROW_INTERVAL_RANGE;
}
EACH_ZONED(age, age(&out->iv[i], ARG(0, i8), ARG(1, i8), &z))

static uint8_t date_age(struct interval *r, int32_t a, int32_t b, const struct timezone_rules *z)
{
	int64_t x, y;
	uint8_t fail = stamp_of_date(&x, a, z);

	if (!fail)
		fail = stamp_of_date(&y, b, z);
	return fail ? fail : age(r, x, y, z);
}
EACH_ZONED(date_age, date_age(&out->iv[i], ARG(0, i4), ARG(1, i4), &z))

/* The start of the stretch of `stride`, counted from origin, in which t lies. */
static uint8_t bin(int64_t *r, const struct interval *stride, int64_t t, int64_t origin)
{
	int64_t us, from, into, start;

	*r = t;
	if (!stamp_finite(t))
		return 0;
	if (!stamp_finite(origin))
		return ROW_BIN_ORIGIN;
	if (stride->months)
		return ROW_BIN_MONTHS;
	if (__builtin_mul_overflow(stride->days, DAY_US, &us) ||
		__builtin_add_overflow(us, stride->us, &us))
		return ROW_INTERVAL_RANGE;
	if (us <= 0)
		return ROW_BIN_STRIDE;
	if (__builtin_sub_overflow(t, origin, &from))
		return ROW_INTERVAL_RANGE;
	into = from % us;
	start = origin + from - into;
	if (into < 0 && (__builtin_sub_overflow(start, us, r) || !stamp_valid(*r)))
		return ROW_TIMESTAMP_RANGE;
	if (into >= 0)
		*r = start;
	return 0;
}
EACH(stamp_bin, bin(&out->i8[i], &ARG(0, iv), ARG(1, i8), ARG(2, i8)))
