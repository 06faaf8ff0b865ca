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

#define ARG(k, f) in[k].f[ROW(&in[k], i)]

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

/* ---- what was found, as a number ---- */

enum { FOUND_BYTES = NUMERIC_INT_BYTES_MAX + 2 * 16 };

static void put_word(uint8_t *p, int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* v / 10^scale: the digits of an integer, further right. */
static size_t put_decimal(uint8_t *p, __int128 v, int scale)
{
	int groups = (scale + NUMERIC_BASE_DIGITS - 1) / NUMERIC_BASE_DIGITS, pad;
	size_t len;

	for (pad = groups * NUMERIC_BASE_DIGITS - scale; pad > 0; pad--)
		v *= 10;
	len = numeric_from_int128(p, v);
	if (v)
		put_word(p + 2, (int16_t)(p[2] << 8 | p[3]) - groups);
	put_word(p + 6, scale);
	return len;
}

/* Days and what has passed of the day, to as many digits as a division gives. */
static size_t put_julian(uint8_t *p, const struct found *r)
{
	uint8_t whole[NUMERIC_INT_BYTES_MAX], us[NUMERIC_INT_BYTES_MAX], part[FOUND_BYTES * 16];
	size_t whole_len = numeric_from_int128(whole, r->v), len;
	size_t us_len = numeric_from_int128(us, r->day_us);
	struct numeric a, b;

	if (numeric_parse(&b, us, us_len) || numeric_avg(part, sizeof part, &len, &b, DAY_US) ||
		numeric_parse(&b, part, len) || numeric_parse(&a, whole, whole_len) ||
		numeric_add(p, FOUND_BYTES, &len, &a, &b))
		return 0;
	return len;
}

static size_t put_infinity(uint8_t *p, bool negative)
{
	numeric_from_int128(p, 0);
	put_word(p + 4, negative ? NUMERIC_NINF : NUMERIC_PINF);
	return NUMERIC_HEAD_BYTES;
}

static uint8_t put_found(struct eval *ev, struct span *out, const struct found *r)
{
	uint8_t *p = eval_alloc(ev, FOUND_BYTES);

	if (!p)
		return 0; /* the request fails as a whole */
	out->p = p;
	out->len = (uint32_t)(r->infinite ? put_infinity(p, r->infinite < 0)
			: r->julian				  ? put_julian(p, r)
									  : put_decimal(p, r->v, r->scale));
	return out->len ? 0 : ROW_NUMERIC_RANGE;
}

/* extract: `find` sets *r. */
#define EXTRACT(name, find)                                                            \
	KERNEL(name)                                                                       \
	{                                                                                  \
		struct timezone_rules z;                                                       \
		struct memo memo = {0};                                                        \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			enum datefield f = field_of(&memo, ARG(0, s), true);                       \
			struct found r = {0};                                                      \
			uint8_t fail = zone_of(&z, op, in, i) ? find : ROW_MALFORMED;              \
                                                                                       \
			if (!fail)                                                                 \
				fail = put_found(ev, &out->s[i], &r);                                  \
			if (fail)                                                                  \
				row_fail(out, i, fail);                                                \
		}                                                                              \
	}

EXTRACT(date_extract, date_field(&r, f, ARG(1, i4)))
