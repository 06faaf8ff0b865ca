/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format_read.c - dates and times read by a template: to_date() and to_timestamp().
 *
 * A text is read field by field, and the template is not insisted on: blanks are skipped
 * before and behind fields, a separator stands for any or none, a letter for any letter,
 * until FX says otherwise. Then a moment is made of what was read, as far as it goes.
 *
 * Source of the rules: PostgreSQL 15's documentation, section 9.8, and its behaviour, the
 * order of checks included. 0 means that a field was not read.
 */
#include "format.h"

#include <limits.h>
#include <string.h>

#include "kernel_text.h"

enum calendar { CALENDAR_NONE, CALENDAR_GREGORIAN, CALENDAR_ISO };
enum { MONTHS = 12, DAY_HOURS = 24, NOON = 12, ZONE_HOURS_MAX = 15 };

/* A text being read, and what the template makes of it. */
struct reader {
	struct span s;
	uint8_t before;   /* the byte before it */
	const struct format_part *part;
	bool fixed;       /* FX was seen */
	int32_t skipped;  /* more than the template has */
	uint8_t calendar; /* enum calendar */
	bool clock12;
	int32_t hour, pm, minute, second, day_seconds, ms, us, precision;
	int32_t week_day; /* from 1, Sunday */
	int32_t day, year_day, month, year, bc, week, month_week, century, julian;
	int32_t year_digits;
	int32_t zone_sign, zone_hour, zone_minute;
};

static void skip(struct reader *r, size_t n)
{
	if (!n)
		return;
	r->before = r->s.p[n - 1];
	r->s.p += n;
	r->s.len -= (uint32_t)n;
}

static void skip_char(struct reader *r)
{
	if (r->s.len)
		skip(r, char_len(r->s.p, r->s.p + r->s.len));
}

static int32_t skip_spaces(struct reader *r)
{
	int32_t n = 0;

	for (; r->s.len && format_is_space(*r->s.p); n++)
		skip(r, 1);
	return n;
}

static bool is_separator(uint8_t c)
{
	return c > ' ' && c < 0x7f && !format_is_digit(c) && (uint8_t)((c | 32) - 'a') >= 26;
}

/* ---- numbers ---- */

/* Blanks, a sign and digits at the start of a text; how far they go, 0: there are none. */
static uint32_t read_digits(struct span s, int64_t *v)
{
	uint32_t i = 0, from;
	bool negative;

	while (i < s.len && format_is_space(s.p[i]))
		i++;
	negative = i < s.len && s.p[i] == '-';
	if (i < s.len && (s.p[i] == '-' || s.p[i] == '+'))
		i++;
	from = i;
	for (*v = 0; i < s.len && format_is_digit(s.p[i]); i++)
		if (*v <= UINT32_MAX)
			*v = *v * 10 + (s.p[i] - '0');
	if (negative)
		*v = -*v;
	return i > from ? i : 0;
}

/* Does a field end where its digits do? Else it has as many as its name has letters. */
static bool ends_itself(const struct format_part *part)
{
	const struct format_part *next = part + 1;

	if (part->flags & (PART_FM | PART_TH) || next->kind == PART_END)
		return true;
	if (next->kind == PART_FIELD)
		return !next->digits;
	return next->len != 1 || !format_is_digit(*next->p);
}

static uint8_t set(int32_t *to, int32_t v)
{
	if (*to && *to != v)
		return ROW_FORMAT_READ;
	*to = v;
	return 0;
}

/* A number of `width` digits into *to, which has to be unset or the same. *used: bytes
 * that it took. */
static uint8_t read_width(struct reader *r, int32_t *to, uint32_t width, uint32_t *used)
{
	struct span all = r->s;
	int64_t v = 0;
	uint32_t n;

	skip_spaces(r);
	if (ends_itself(r->part)) {
		n = read_digits(r->s, &v);
	} else {
		if (r->s.len < width)
			return ROW_FORMAT_READ;
		n = read_digits((struct span){r->s.p, width}, &v);
		if (n && n < width)
			return ROW_FORMAT_READ;
	}
	if (!n && (ends_itself(r->part) || r->s.p == all.p))
		return ROW_FORMAT_READ;
	skip(r, n);
	if (v < INT_MIN || v > INT_MAX)
		return ROW_DATE_FIELD;
	*used = all.len - r->s.len;
	return to ? set(to, (int32_t)v) : 0;
}

static uint8_t read_number(struct reader *r, int32_t *to)
{
	uint32_t used;

	return read_width(r, to, r->part->width, &used);
}

static uint8_t read_two(struct reader *r, int32_t *to)
{
	uint32_t used;

	return read_width(r, to, 2, &used);
}

/* A part of the second: 25 is a quarter, 025 is not. */
static uint8_t read_fraction(struct reader *r, int32_t *to, uint32_t width, uint32_t digits)
{
	uint32_t used = 0;
	uint8_t fail = read_width(r, to, width, &used);

	for (; used < digits; used++)
		*to = (int32_t)((uint32_t)*to * 10);
	return fail;
}

/* A year of less than four digits is one near 2020. */
static uint8_t read_year(struct reader *r, int32_t digits)
{
	uint32_t used = 0;
	uint8_t fail = read_width(r, &r->year, r->part->width, &used);
	int32_t y = r->year;

	if (!fail && used < 4 && digits < 4)
		r->year = y < 70 ? y + 2000 : y < 100 ? y + 1900 : y < 520 ? y + 2000
			: y < 1000 ? y + 1000 : y;
	r->year_digits = digits;
	return fail;
}

/* 2,024: blanks and signs before either number, three digits behind the comma. */
static uint8_t read_thousands(struct reader *r)
{
	int64_t high, low;
	uint32_t n = read_digits(r->s, &high), more;
	struct span behind;

	if (!n || n >= r->s.len || r->s.p[n] != ',')
		return ROW_FORMAT_READ;
	behind = (struct span){r->s.p + n + 1, r->s.len - n - 1};
	for (more = 0; more < behind.len && format_is_space(behind.p[more]); more++)
		;
	behind.len = behind.len - more > 3 ? more + 3 : behind.len;
	more = read_digits(behind, &low);
	if (!more)
		return ROW_FORMAT_READ;
	skip(r, n + 1 + more);
	r->year_digits = 4;
	return set(&r->year,
		(int32_t)((uint32_t)(int32_t)low + (uint32_t)(int32_t)high * 1000));
}

/* ---- words ---- */

static bool begins(struct span s, const char *word, size_t len)
{
	size_t i;

	if (s.len < len)
		return false;
	for (i = 0; i < len; i++) {
		uint8_t a = s.p[i], b = (uint8_t)word[i];

		if (a >= 'A' && a <= 'Z')
			a |= 32;
		if (b >= 'A' && b <= 'Z')
			b |= 32;
		if (a != b)
			return false;
	}
	return true;
}

/* Which of the words comes next, in any letters; -1 none. `len` bytes of each, 0: all. The
 * last ones first, for VIII begins as V does. */
static int32_t read_word(struct reader *r, const char *const *words, int32_t n, size_t len)
{
	int32_t i;

	for (i = n - 1; i >= 0; i--) {
		size_t want = len ? len : strlen(words[i]);

		if (begins(r->s, words[i], want)) {
			skip(r, want);
			return i;
		}
	}
	return -1;
}

static uint8_t read_either(struct reader *r, int32_t *to, const char *no, const char *yes)
{
	const char *const words[] = {no, yes};
	int32_t i = read_word(r, words, 2, 0);

	return i < 0 ? ROW_FORMAT_READ : set(to, i);
}

static uint8_t read_month(struct reader *r, const char *const *names, size_t len)
{
	int32_t i = read_word(r, names, MONTHS, len);

	return i < 0 ? ROW_FORMAT_READ : set(&r->month, i + 1);
}

static uint8_t read_day(struct reader *r, size_t len)
{
	int32_t i = read_word(r, format_days, 7, len);
	uint8_t fail = i < 0 ? ROW_FORMAT_READ : set(&r->week_day, i);

	r->week_day++;
	return fail;
}

/* ---- fields ---- */

/* A minus may have been taken for a separator. */
static uint8_t read_zone_hour(struct reader *r)
{
	if (r->s.len && strchr("+- ", *r->s.p) && *r->s.p) {
		r->zone_sign = *r->s.p == '-' ? -1 : 1;
		skip(r, 1);
	} else {
		r->zone_sign = r->skipped > 0 && r->before == '-' ? -1 : 1;
	}
	return read_two(r, &r->zone_hour);
}

static uint8_t read_iso_day(struct reader *r)
{
	uint32_t used;
	uint8_t fail = read_width(r, &r->week_day, 1, &used);

	if (!fail && ++r->week_day > 7) /* Monday is its 1 */
		r->week_day = 1;
	return fail;
}

static enum calendar calendar_of(uint8_t field)
{
	switch (field) {
	case TIME_IDDD:
	case TIME_ID:
	case TIME_IW:
	case TIME_IYYY:
	case TIME_IYY:
	case TIME_IY:
	case TIME_I:
		return CALENDAR_ISO;
	case TIME_DDD:
	case TIME_DD:
	case TIME_D:
	case TIME_MM:
	case TIME_MONTH:
	case TIME_MON:
	case TIME_RM:
	case TIME_WW:
	case TIME_W:
	case TIME_Y_YYY:
	case TIME_YYYY:
	case TIME_YYY:
	case TIME_YY:
	case TIME_Y:
		return CALENDAR_GREGORIAN;
	default:
		return CALENDAR_NONE;
	}
}

static uint8_t read_value(struct reader *r)
{
	uint32_t used;

	switch (r->part->field) {
	case TIME_FX:
		r->fixed = true;
		return 0;
	case TIME_AM_DOTS:
		r->clock12 = true;
		return read_either(r, &r->pm, "a.m.", "p.m.");
	case TIME_AM:
		r->clock12 = true;
		return read_either(r, &r->pm, "am", "pm");
	case TIME_AD_DOTS:
		return read_either(r, &r->bc, "a.d.", "b.c.");
	case TIME_AD:
		return read_either(r, &r->bc, "ad", "bc");
	case TIME_HH12:
		r->clock12 = true;
		return read_two(r, &r->hour);
	case TIME_HH24:
		return read_two(r, &r->hour);
	case TIME_MI:
		return read_number(r, &r->minute);
	case TIME_SS:
		return read_number(r, &r->second);
	case TIME_MS:
		return read_fraction(r, &r->ms, 3, 3);
	case TIME_US:
		return read_fraction(r, &r->us, 6, 6);
	case TIME_FF1:
	case TIME_FF2:
	case TIME_FF3:
	case TIME_FF4:
	case TIME_FF5:
	case TIME_FF6:
		r->precision = r->part->field - TIME_FF1 + 1;
		return read_fraction(r, &r->us, (uint32_t)r->precision, 6);
	case TIME_SSSS:
		return read_number(r, &r->day_seconds);
	case TIME_TZ:
	case TIME_OF:
		return ROW_FORMAT_SHOWN_ONLY;
	case TIME_TZH:
		return read_zone_hour(r);
	case TIME_TZM:
		if (!r->zone_sign)
			r->zone_sign = 1;
		return read_two(r, &r->zone_minute);
	case TIME_MONTH:
		return read_month(r, format_months, 0);
	case TIME_MON:
		return read_month(r, format_months, 3);
	case TIME_RM:
		return read_month(r, format_roman, 0);
	case TIME_MM:
		return read_number(r, &r->month);
	case TIME_DAY:
		return read_day(r, 0);
	case TIME_DY:
		return read_day(r, 3);
	case TIME_DDD:
		return read_number(r, &r->year_day);
	case TIME_IDDD:
		return read_width(r, &r->year_day, 3, &used);
	case TIME_DD:
		return read_number(r, &r->day);
	case TIME_D:
		return read_number(r, &r->week_day);
	case TIME_ID:
		return read_iso_day(r);
	case TIME_WW:
	case TIME_IW:
		return read_number(r, &r->week);
	case TIME_W:
		return read_number(r, &r->month_week);
	case TIME_Q: /* says nothing that a date could be made of */
		return read_number(r, NULL);
	case TIME_CC:
		return read_number(r, &r->century);
	case TIME_J:
		return read_number(r, &r->julian);
	case TIME_Y_YYY:
		return read_thousands(r);
	case TIME_YYYY:
	case TIME_IYYY:
		return read_year(r, 4);
	case TIME_YYY:
	case TIME_IYY:
		return read_year(r, 3);
	case TIME_YY:
	case TIME_IY:
		return read_year(r, 2);
	default:
		return read_year(r, 1);
	}
}

/* Is there an ordinal ending behind its number? */
static bool has_ordinal(const struct format_part *part)
{
	return part->flags & PART_TH && part->digits && part->field != TIME_TZM;
}

static uint8_t read_field(struct reader *r)
{
	uint8_t calendar = calendar_of(r->part->field), fail;

	if (calendar && r->calendar && r->calendar != calendar)
		return ROW_FORMAT_READ;
	if (calendar)
		r->calendar = calendar;
	fail = read_value(r);
	if (!fail && has_ordinal(r->part)) {
		skip_char(r);
		skip_char(r);
	}
	if (!r->fixed)
		r->skipped = skip_spaces(r);
	return fail;
}

/* What stands between fields. */
static void read_between(struct reader *r)
{
	if (r->fixed) {
		skip_char(r);
	} else if (r->part->kind == PART_CHAR) {
		if (r->skipped > 0)
			r->skipped--;
		else
			skip_char(r);
	} else {
		r->skipped--;
		if (r->s.len && (format_is_space(*r->s.p) || is_separator(*r->s.p))) {
			skip(r, 1);
			r->skipped++;
		}
	}
}

static uint8_t read_all(struct reader *r, const struct format_part *part)
{
	const struct format_part *first = part;
	uint8_t fail = 0;

	for (; part->kind != PART_END && r->s.len && !fail; part++) {
		bool field = part->kind == PART_FIELD;

		r->part = part;
		if (!r->fixed && (field ? part->field != TIME_FX : part == first))
			r->skipped += skip_spaces(r);
		if (field)
			fail = read_field(r);
		else
			read_between(r);
	}
	return fail;
}

/* ---- a moment of what was read ---- */

enum { HAS_YEAR = 1, HAS_MONTH = 2, HAS_DAY = 4, HAS_DATE = 7 };

static uint8_t clock_of(struct format_read *to, const struct reader *r)
{
	struct moment *m = &to->m;

	m->hour = r->day_seconds / 3600;
	m->minute = r->day_seconds % 3600 / 60;
	m->second = r->day_seconds % 60;
	if (r->second)
		m->second = r->second;
	if (r->minute)
		m->minute = r->minute;
	if (r->hour)
		m->hour = r->hour;
	if (!r->clock12)
		return 0;
	if (m->hour < 1 || m->hour > NOON)
		return ROW_FORMAT_READ;
	if (r->pm && m->hour < NOON)
		m->hour += NOON;
	else if (!r->pm && m->hour == NOON)
		m->hour = 0;
	return 0;
}

/* Of two digits of a year and the century; or of either alone. The 21st century began in
 * 2001, the 6th before Christ in 600. */
static unsigned year_of(struct moment *m, struct reader *r)
{
	if (r->bc && r->century && (!r->year || r->year_digits <= 2))
		r->century = -r->century;
	if (r->year && r->century && r->year_digits <= 2) {
		int32_t y = r->year % 100;

		if (y)
			m->year = r->century >= 0 ? y + (r->century - 1ll) * 100
				: (r->century + 1ll) * 100 - y + 1;
		else
			m->year = r->century * 100ll + (r->century < 0);
	} else if (r->year) {
		m->year = r->bc ? -(int64_t)r->year : r->year;
		m->year += m->year < 0;
	} else if (r->century) {
		m->year = r->century >= 0 ? (r->century - 1ll) * 100 + 1 : r->century * 100ll + 1;
	} else {
		return 0;
	}
	return HAS_YEAR;
}

/* The Monday of week 1 in days since 2000. */
static int64_t first_monday(int64_t year)
{
	int64_t day4 = days_of(year, 1, 4);

	return day4 - (day_of_week(day4) + 6) % 7;
}

/* The ISO week, and the day in it. */
static void week_date(struct moment *m, const struct reader *r)
{
	int64_t days = first_monday(m->year) + (r->week - 1ll) * 7;

	if (r->week_day)
		days += r->week_day > 1 ? r->week_day - 2 : 6;
	moment_set_date(m, days);
}

/* A day of the year, where month and day are not known. */
static uint8_t year_day_date(struct moment *m, const struct reader *r, unsigned *has)
{
	int64_t left = r->year_day;
	int32_t month;

	if (m->year == 0 && !r->bc)
		return ROW_FORMAT_READ;
	if (r->calendar == CALENDAR_ISO) {
		moment_set_date(m, first_monday(m->year) - 1 + left);
		*has = HAS_DATE;
		return 0;
	}
	for (month = 1; month <= MONTHS && left > month_days(m->year, month); month++)
		left -= month_days(m->year, month);
	if (m->month <= 1)
		m->month = month;
	if (m->day <= 1)
		m->day = (int32_t)left;
	*has |= HAS_MONTH | HAS_DAY;
	return 0;
}

static uint8_t check_date(const struct moment *m, unsigned has)
{
	if (has & HAS_MONTH && (m->month < 1 || m->month > MONTHS))
		return ROW_DATE_FIELD;
	if (has & HAS_DAY && (m->day < 1 || m->day > 31))
		return ROW_DATE_FIELD;
	if (has == HAS_DATE && m->day > month_days(m->year, m->month))
		return ROW_DATE_FIELD;
	return 0;
}

static uint8_t date_of(struct format_read *to, struct reader *r)
{
	struct moment *m = &to->m;
	unsigned has = year_of(m, r);
	uint8_t fail = 0;

	if (r->julian) {
		moment_set_date(m, (int64_t)r->julian - JULIAN_2000);
		has = HAS_DATE;
	}
	if (r->week && r->calendar == CALENDAR_ISO) {
		week_date(m, r);
		has = HAS_DATE;
	} else if (r->week) {
		r->year_day = (int32_t)(((uint32_t)r->week - 1) * 7 + 1);
	}
	if (r->month_week)
		r->day = (int32_t)(((uint32_t)r->month_week - 1) * 7 + 1);
	if (r->day) {
		m->day = r->day;
		has |= HAS_DAY;
	}
	if (r->month) {
		m->month = r->month;
		has |= HAS_MONTH;
	}
	if (r->year_day && (m->month <= 1 || m->day <= 1))
		fail = year_day_date(m, r, &has);
	return fail ? fail : check_date(m, has);
}

/* What is left of the second, and whether the clock can show it. */
static uint8_t check_clock(struct moment *m, const struct reader *r)
{
	m->us = (int32_t)((uint32_t)r->ms * 1000 + (uint32_t)r->us);
	return m->hour < 0 || m->hour >= DAY_HOURS || m->minute < 0 || m->minute >= 60 ||
			m->second < 0 || m->second >= 60 || m->us < 0 || m->us >= SECOND_US
		? ROW_DATE_FIELD : 0;
}

static uint8_t zone_of_text(struct format_read *to, const struct reader *r)
{
	if (!r->zone_sign)
		return 0;
	if (r->zone_hour < 0 || r->zone_hour > ZONE_HOURS_MAX || r->zone_minute < 0 ||
		r->zone_minute >= 60)
		return ROW_ZONE_OFFSET;
	to->zoned = true;
	to->offset = r->zone_sign * (r->zone_hour * 60 + r->zone_minute) * 60;
	return 0;
}

uint8_t format_read(struct format_read *to, const struct format_part *part, struct span s)
{
	struct reader r = {.s = s};
	uint8_t fail = read_all(&r, part);

	*to = (struct format_read){.m = {.month = 1, .day = 1}, .precision = r.precision};
	if (!fail)
		fail = clock_of(to, &r);
	if (!fail)
		fail = date_of(to, &r);
	if (!fail)
		fail = check_clock(&to->m, &r);
	return fail ? fail : zone_of_text(to, &r);
}
