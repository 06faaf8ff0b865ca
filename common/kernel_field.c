/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_field.c - extract, date_part and date_trunc of dates, timestamps and intervals.
 *
 * The field's name is public and mostly one for all rows, so it is looked up once. What
 * a field means is in PostgreSQL's documentation, section 9.9.1; there is no year 0, and
 * the decades and centuries before it count their own way.
 */
#include "datefield.h"
#include "kernel_time.h"
#include "numeric.h"

#include <math.h>
#include <string.h>

/* The name that was looked up last. */
struct memo {
	const uint8_t *name;
	enum datefield field;
};

static enum datefield field_of(struct memo *m, struct span name, bool extract)
{
	if (!m->name || m->name != name.p) {
		m->field = datefield_of(name.p, name.len, extract);
		m->name = name.p;
	}
	return m->field;
}

/* What extract finds: v / 10^scale, and for a Julian day what has passed of it; or an
 * infinity of that sign. */
struct found {
	__int128 v;
	int64_t day_us;
	uint8_t scale;
	int8_t infinite;
	bool julian;
	bool late; /* an epoch in microseconds past the range of int64 */
};

/* ---- the calendar ---- */

static uint8_t unsupported(enum datefield f)
{
	return f == FIELD_UNKNOWN ? ROW_FIELD_UNKNOWN : ROW_FIELD_UNSUPPORTED;
}

/* Of years that count from 1 in both directions, n to a group. */
static int64_t group_of_years(int64_t year, int64_t n)
{
	return year > 0 ? (year + n - 1) / n : -((n - year) / n);
}

static int64_t decade_of(int64_t year)
{
	return year >= 0 ? year / 10 : -((9 - year) / 10);
}

static int64_t without_year_0(int64_t year)
{
	return year > 0 ? year : year - 1;
}

static uint8_t calendar_field(struct found *r, enum datefield f, const struct moment *m)
{
	int64_t days = days_of(m->year, m->month, m->day), year;

	switch (f) {
	case FIELD_DAY:
		r->v = m->day;
		break;
	case FIELD_MONTH:
		r->v = m->month;
		break;
	case FIELD_QUARTER:
		r->v = (m->month - 1) / 3 + 1;
		break;
	case FIELD_YEAR:
		r->v = without_year_0(m->year);
		break;
	case FIELD_DECADE:
		r->v = decade_of(m->year);
		break;
	case FIELD_CENTURY:
		r->v = group_of_years(m->year, 100);
		break;
	case FIELD_MILLENNIUM:
		r->v = group_of_years(m->year, 1000);
		break;
	case FIELD_WEEK:
		r->v = iso_week(days, &year);
		break;
	case FIELD_ISOYEAR:
		iso_week(days, &year);
		r->v = without_year_0(year);
		break;
	case FIELD_DOW:
		r->v = day_of_week(days);
		break;
	case FIELD_ISODOW:
		r->v = day_of_week(days) ? day_of_week(days) : 7;
		break;
	case FIELD_DOY:
		r->v = days - days_of(m->year, 1, 1) + 1;
		break;
	case FIELD_JULIAN:
		r->v = days + JULIAN_2000;
		break;
	default:
		return unsupported(f);
	}
	return 0;
}

/* Of infinity, what grows without end is infinite, and what comes round is NULL. */
static uint8_t endless_field(struct found *r, enum datefield f, bool negative, bool clock)
{
	switch (f) {
	case FIELD_YEAR:
	case FIELD_DECADE:
	case FIELD_CENTURY:
	case FIELD_MILLENNIUM:
	case FIELD_ISOYEAR:
	case FIELD_JULIAN:
	case FIELD_EPOCH:
		r->infinite = negative ? -1 : 1;
		return 0;
	case FIELD_DAY:
	case FIELD_MONTH:
	case FIELD_QUARTER:
	case FIELD_WEEK:
	case FIELD_DOW:
	case FIELD_ISODOW:
	case FIELD_DOY:
		return ROW_NULL;
	case FIELD_UNKNOWN:
	case FIELD_RESERVED:
		return unsupported(f);
	default:
		return clock ? ROW_NULL : ROW_FIELD_UNSUPPORTED;
	}
}

static uint8_t date_field(struct found *r, enum datefield f, int32_t d)
{
	struct moment m = {0};

	if (!date_finite(d))
		return endless_field(r, f, d < 0, false);
	if (f == FIELD_EPOCH) {
		r->v = ((int64_t)d + UNIX_DAYS_2000) * DAY_SECONDS;
		return 0;
	}
	moment_set_date(&m, d);
	return calendar_field(r, f, &m);
}

/* ---- the clock ---- */

/* Seconds and parts of them, of `us` microseconds in a minute. */
static bool second_field(struct found *r, enum datefield f, int64_t us)
{
	r->v = us;
	r->scale = f == FIELD_SECOND ? 6 : f == FIELD_MILLISECONDS ? 3 : 0;
	return f == FIELD_SECOND || f == FIELD_MILLISECONDS || f == FIELD_MICROSECONDS;
}

static bool clock_field(
	struct found *r, enum datefield f, const struct moment *m, int32_t offset, bool zoned)
{
	if (second_field(r, f, m->second * SECOND_US + m->us))
		return true;
	switch (f) {
	case FIELD_MINUTE:
		r->v = m->minute;
		return true;
	case FIELD_HOUR:
		r->v = m->hour;
		return true;
	case FIELD_ZONE:
		r->v = offset;
		return zoned;
	case FIELD_ZONE_HOUR:
		r->v = offset / 3600;
		return zoned;
	case FIELD_ZONE_MINUTE:
		r->v = offset / 60 % 60;
		return zoned;
	default:
		return false;
	}
}

static uint8_t stamp_field(struct found *r, enum datefield f, int64_t t,
	const struct timezone_rules *z, bool zoned)
{
	struct moment m;
	int32_t offset;

	if (!stamp_finite(t))
		return endless_field(r, f, t < 0, true);
	if (f == FIELD_EPOCH) {
		r->v = (__int128)t - STAMP_1970;
		r->scale = 6;
		r->late = r->v > INT64_MAX;
		return 0;
	}
	offset = moment_at(&m, t, z);
	if (clock_field(r, f, &m, offset, zoned))
		return 0;
	if (f == FIELD_JULIAN) {
		r->julian = true;
		r->day_us = floor_mod(moment_seconds(&m), DAY_SECONDS) * SECOND_US + m.us;
	}
	return calendar_field(r, f, &m);
}

/* ---- intervals: their parts as they are, without carrying ---- */

enum { YEAR_MONTHS = 12 };

/* In quarters of a day, since a year has 365.25 of them and a month 30. */
static int64_t whole_seconds(const struct interval *v)
{
	return (1461ll * (v->months / YEAR_MONTHS) + 120ll * (v->months % YEAR_MONTHS) +
			   4ll * v->days) * (DAY_SECONDS / 4);
}

static uint8_t interval_field(struct found *r, enum datefield f, const struct interval *v)
{
	int64_t year = v->months / YEAR_MONTHS;

	if (second_field(r, f, v->us % (60 * SECOND_US)))
		return 0;
	switch (f) {
	case FIELD_MINUTE:
		r->v = v->us / (60 * SECOND_US) % 60;
		break;
	case FIELD_HOUR:
		r->v = v->us / (3600 * SECOND_US);
		break;
	case FIELD_DAY:
		r->v = v->days;
		break;
	case FIELD_MONTH:
		r->v = v->months % YEAR_MONTHS;
		break;
	case FIELD_QUARTER:
		r->v = v->months % YEAR_MONTHS / 3 + 1;
		break;
	case FIELD_YEAR:
		r->v = year;
		break;
	case FIELD_DECADE:
		r->v = year / 10;
		break;
	case FIELD_CENTURY:
		r->v = year / 100;
		break;
	case FIELD_MILLENNIUM:
		r->v = year / 1000;
		break;
	case FIELD_EPOCH:
		r->v = (__int128)whole_seconds(v) * SECOND_US + v->us;
		r->scale = 6;
		break;
	default:
		return f == FIELD_RESERVED ? ROW_FIELD_UNKNOWN : unsupported(f);
	}
	return 0;
}

/* ---- what was found, as a number ---- */

enum { FOUND_BYTES = NUMERIC_INT_BYTES_MAX + 2 * 16 };

/* v / 10^scale: the digits of an integer, further right. */
static size_t put_decimal(uint8_t *p, __int128 v, int scale)
{
	int groups = (scale + NUMERIC_BASE_DIGITS - 1) / NUMERIC_BASE_DIGITS, pad;
	size_t len;

	for (pad = groups * NUMERIC_BASE_DIGITS - scale; pad > 0; pad--)
		v *= 10;
	len = numeric_from_int128(p, v);
	if (v)
		numeric_digit_put(p + 2, (int16_t)(p[2] << 8 | p[3]) - groups);
	numeric_digit_put(p + 6, scale);
	return len;
}

/* n / by, to as many digits as a division gives; `out` has QUOTIENT_BYTES. */
enum { QUOTIENT_BYTES = NUMERIC_INT_BYTES_MAX + 2 * (1000 / NUMERIC_BASE_DIGITS + 3) };

static size_t put_quotient(uint8_t *out, __int128 n, int64_t by)
{
	uint8_t in[NUMERIC_INT_BYTES_MAX];
	size_t len = numeric_from_int128(in, n);
	struct numeric x;

	if (numeric_parse(&x, in, len) || numeric_avg(out, QUOTIENT_BYTES, &len, &x, by))
		return 0;
	return len;
}

/* Days and what has passed of the day. */
static size_t put_julian(uint8_t *p, const struct found *r)
{
	uint8_t whole[NUMERIC_INT_BYTES_MAX], part[QUOTIENT_BYTES];
	size_t len = numeric_from_int128(whole, r->v);
	size_t part_len = put_quotient(part, r->day_us, DAY_US);
	struct numeric a, b;

	if (!part_len || numeric_parse(&a, whole, len) || numeric_parse(&b, part, part_len) ||
		numeric_add(p, FOUND_BYTES, &len, &a, &b))
		return 0;
	return len;
}

/* There PostgreSQL divides, and loses the last digits. */
static size_t put_late_epoch(uint8_t *p, __int128 us)
{
	uint8_t quotient[QUOTIENT_BYTES];
	size_t len = put_quotient(quotient, us, SECOND_US);

	if (len > FOUND_BYTES)
		return 0;
	memcpy(p, quotient, len);
	numeric_digit_put(p + 6, 6);
	return len;
}

static size_t put_infinity(uint8_t *p, bool negative)
{
	numeric_from_int128(p, 0);
	numeric_digit_put(p + 4, negative ? NUMERIC_NINF : NUMERIC_PINF);
	return NUMERIC_HEAD_BYTES;
}

static uint8_t put_found(struct eval *ev, struct span *out, const struct found *r)
{
	uint8_t *p = eval_alloc(ev, FOUND_BYTES);
	struct numeric x;

	if (!p)
		return 0; /* the request fails as a whole */
	out->p = p;
	out->len = (uint32_t)(r->infinite ? put_infinity(p, r->infinite < 0)
			: r->julian				  ? put_julian(p, r)
			: r->late				  ? put_late_epoch(p, r->v)
									  : put_decimal(p, r->v, r->scale));
	if (!out->len || numeric_parse(&x, p, out->len))
		return ROW_NUMERIC_RANGE;
	out->len = (uint32_t)numeric_pack(p, &x);
	return 0;
}

static uint8_t date_extract(struct eval *ev, struct span *out, enum datefield f, int32_t d)
{
	struct found r = {0};
	uint8_t fail = date_field(&r, f, d);

	return fail ? fail : put_found(ev, out, &r);
}

static uint8_t stamp_extract(struct eval *ev, struct span *out, enum datefield f, int64_t t,
	const struct timezone_rules *z, bool zoned)
{
	struct found r = {0};
	uint8_t fail = stamp_field(&r, f, t, z, zoned);

	return fail ? fail : put_found(ev, out, &r);
}

static uint8_t interval_extract(
	struct eval *ev, struct span *out, enum datefield f, const struct interval *v)
{
	struct found r = {0};
	uint8_t fail = interval_field(&r, f, v);

	return fail ? fail : put_found(ev, out, &r);
}

/* HEDB's date_part is an integer. */
static uint8_t stamp_part_int4(int32_t *out, enum datefield f, int64_t t)
{
	struct found r = {0};
	uint8_t fail = stamp_field(&r, f, t, &timezone_utc, false);

	if (!fail && (r.scale || r.julian || r.infinite))
		fail = ROW_FIELD_NO_INTEGER;
	*out = (int32_t)r.v;
	return fail;
}

/* ---- date_part: the same as double precision, added up in PostgreSQL's order ---- */

static double seconds_of(int64_t us)
{
	return (double)(us / SECOND_US) + (double)(us % SECOND_US) / 1e6;
}

static double real_of(enum datefield f, const struct found *r)
{
	int64_t us = (int64_t)r->v;

	if (r->infinite)
		return r->infinite * INFINITY;
	if (r->julian)
		return (double)us + seconds_of(r->day_us) / DAY_SECONDS;
	switch (f) {
	case FIELD_EPOCH:
		if (r->late)
			return ((double)(us = (int64_t)(r->v + STAMP_1970)) - (double)STAMP_1970) / 1e6;
		return (double)us / (r->scale ? 1e6 : 1);
	case FIELD_SECOND:
		return seconds_of(us);
	case FIELD_MILLISECONDS:
		return (double)(us / SECOND_US) * 1000.0 + (double)(us % SECOND_US) / 1000.0;
	default:
		return (double)us;
	}
}

static uint8_t stamp_part(double *r, enum datefield f, int64_t t,
	const struct timezone_rules *z, bool zoned)
{
	struct found x = {0};
	uint8_t fail = stamp_field(&x, f, t, z, zoned);

	*r = real_of(f, &x);
	return fail;
}

static uint8_t date_part(double *r, enum datefield f, int32_t d)
{
	int64_t t;
	uint8_t fail = stamp_of_date(&t, d, &timezone_utc);

	return fail ? fail : stamp_part(r, f, t, &timezone_utc, false);
}

static uint8_t interval_part(double *r, enum datefield f, const struct interval *v)
{
	struct found x = {0};
	uint8_t fail = interval_field(&x, f, v);

	if (f != FIELD_EPOCH) {
		*r = real_of(f, &x);
		return fail;
	}
	*r = (double)v->us / 1e6;
	*r += 365.25 * DAY_SECONDS * (v->months / YEAR_MONTHS);
	*r += 30.0 * DAY_SECONDS * (v->months % YEAR_MONTHS);
	*r += (double)DAY_SECONDS * v->days;
	return 0;
}

/* ---- date_trunc ---- */

static int64_t first_year(enum datefield f, int64_t year)
{
	int64_t n = f == FIELD_MILLENNIUM ? 1000 : 100;

	if (f == FIELD_DECADE)
		return decade_of(year) * 10;
	if (f != FIELD_MILLENNIUM && f != FIELD_CENTURY)
		return year;
	year = group_of_years(year, n);
	return year > 0 ? (year - 1) * n + 1 : year * n + 1;
}

/* A week begins on Monday. */
static void first_day(enum datefield f, struct moment *m)
{
	int64_t days = days_of(m->year, m->month, m->day);

	if (f == FIELD_WEEK) {
		moment_set_date(m, days - (day_of_week(days) + 6) % 7);
		return;
	}
	if (f > FIELD_WEEK)
		m->day = 1;
	if (f == FIELD_QUARTER)
		m->month -= (m->month - 1) % 3;
	if (f >= FIELD_YEAR)
		m->month = 1;
	m->year = first_year(f, m->year);
}

/* The fields go up in the order of enum datefield. */
static void first_second(enum datefield f, struct moment *m)
{
	if (f >= FIELD_DAY)
		m->hour = 0;
	if (f >= FIELD_HOUR)
		m->minute = 0;
	if (f >= FIELD_MINUTE)
		m->second = 0;
	if (f >= FIELD_SECOND)
		m->us = 0;
	else if (f == FIELD_MILLISECONDS)
		m->us -= m->us % 1000;
}

static uint8_t trunc_supported(enum datefield f)
{
	return f >= FIELD_MICROSECONDS && f <= FIELD_MILLENNIUM ? 0 : unsupported(f);
}

/* From a day on clocks may have been changed since. */
static uint8_t stamp_trunc(
	int64_t *r, enum datefield f, int64_t t, const struct timezone_rules *z)
{
	uint8_t fail = trunc_supported(f);
	struct moment m;
	int32_t offset;

	if (!stamp_finite(t)) {
		*r = t;
		return 0;
	}
	if (fail)
		return fail;
	offset = moment_at(&m, t, z);
	first_second(f, &m);
	if (f < FIELD_DAY)
		return stamp_of(r, &m, offset);
	first_day(f, &m);
	return stamp_in_zone(r, &m, z);
}

static uint8_t date_trunc(
	int64_t *r, enum datefield f, int32_t d, const struct timezone_rules *z)
{
	uint8_t fail = stamp_of_date(r, d, z);

	return fail ? fail : stamp_trunc(r, f, *r, z);
}

/* Toward zero, unlike the others. */
static uint8_t interval_trunc(struct interval *r, enum datefield f, struct interval v)
{
	static const int32_t months[] = {[FIELD_MONTH] = 1, [FIELD_QUARTER] = 3,
		[FIELD_YEAR] = YEAR_MONTHS, [FIELD_DECADE] = 10 * YEAR_MONTHS,
		[FIELD_CENTURY] = 100 * YEAR_MONTHS, [FIELD_MILLENNIUM] = 1000 * YEAR_MONTHS};
	static const int64_t us[] = {[FIELD_MICROSECONDS] = 1, [FIELD_MILLISECONDS] = 1000,
		[FIELD_SECOND] = SECOND_US, [FIELD_MINUTE] = 60 * SECOND_US,
		[FIELD_HOUR] = 3600 * SECOND_US};
	uint8_t fail = f == FIELD_WEEK ? ROW_FIELD_UNSUPPORTED : trunc_supported(f);

	if (fail)
		return fail;
	if (f >= FIELD_MONTH)
		v.months -= v.months % months[f];
	if (f >= FIELD_MONTH)
		v.days = 0;
	v.us = f >= FIELD_DAY ? 0 : v.us - v.us % us[f];
	*r = v;
	return 0;
}

/* ---- the kernels ---- */

/* A kernel that takes a field's name first: `f`, and the zone `z` where it has one. */
#define BY_FIELD(name, extract, call)                                                  \
	KERNEL(name)                                                                       \
	{                                                                                  \
		struct timezone_rules z;                                                       \
		struct memo memo = {0};                                                        \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			enum datefield f = field_of(&memo, ARG(0, s), extract);                    \
			uint8_t fail = zone_of(&z, op, in, i) ? call : ROW_MALFORMED;              \
                                                                                       \
			if (fail)                                                                  \
				row_fail(out, i, fail);                                                \
		}                                                                              \
	}

#define ZONED (op->args[1] == T_TIMESTAMPTZ)
BY_FIELD(date_extract, true, date_extract(ev, &out->s[i], f, ARG(1, i4)))
BY_FIELD(stamp_extract, true, stamp_extract(ev, &out->s[i], f, ARG(1, i8), &z, ZONED))
BY_FIELD(interval_extract, true, interval_extract(ev, &out->s[i], f, &ARG(1, iv)))
BY_FIELD(stamp_part_int4, true, stamp_part_int4(&out->i4[i], f, ARG(1, i8)))
BY_FIELD(date_part, true, date_part(&out->f8[i], f, ARG(1, i4)))
BY_FIELD(stamp_part, true, stamp_part(&out->f8[i], f, ARG(1, i8), &z, ZONED))
BY_FIELD(interval_part, true, interval_part(&out->f8[i], f, &ARG(1, iv)))
BY_FIELD(date_trunc, false, date_trunc(&out->i8[i], f, ARG(1, i4), &z))
BY_FIELD(stamp_trunc, false, stamp_trunc(&out->i8[i], f, ARG(1, i8), &z))
BY_FIELD(interval_trunc, false, interval_trunc(&out->iv[i], f, ARG(1, iv)))
