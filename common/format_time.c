/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format_time.c - dates, times and intervals as a template shows them: to_char().
 *
 * Source of the rules: PostgreSQL 15's documentation, section 9.8, and its behaviour. The
 * parts of an interval are no date, but some fields take them for one all the same: so
 * days are counted by a formula that any month and year go through, in 32 bits.
 */
#include "format.h"

#include <stdlib.h>
#include <string.h>

/* ---- weeks ---- */

/* Julian day of a date that need not be one; as PostgreSQL counts, overflow included. */
static int32_t julian_day(int32_t year, int32_t month, int32_t day)
{
	uint32_t y = (uint32_t)year + (month > 2 ? 4800 : 4799), julian;
	int32_t m = month + (month > 2 ? 1 : 13), century = (int32_t)y / 100;

	julian = y * 365 - 32167;
	julian += (uint32_t)((int32_t)y / 4 - century + century / 4);
	julian += (uint32_t)((int32_t)(7834u * (uint32_t)m) / 256) + (uint32_t)day;
	return (int32_t)julian;
}

/* The Monday on which week 1 of ISO 8601 begins. */
static int32_t first_monday(int32_t year)
{
	int32_t day4 = julian_day(year, 1, 4);

	return day4 - (int32_t)floor_mod(day4, 7);
}

struct iso_date {
	int32_t year, week, day;
};

static struct iso_date iso_date(const struct format_clock *c)
{
	int32_t day = julian_day(c->year, c->month, c->day), monday = first_monday(c->year), next;
	struct iso_date r = {.year = c->year};

	if (day < monday) {
		r.year--;
		monday = first_monday(r.year);
	}
	r.week = (day - monday) / 7 + 1;
	next = r.week >= 52 ? first_monday(c->year + 1) : 0;
	if (r.week >= 52 && day >= next) {
		r.week = (day - next) / 7 + 1;
		r.year = c->year + 1;
	}
	r.day = day - first_monday(r.year) + 1;
	return r;
}

/* ---- fields ---- */

/* What an interval does not have: it is at no date. */
static bool no_interval(uint8_t field)
{
	switch (field) {
	case TIME_TZ:
	case TIME_TZH:
	case TIME_TZM:
	case TIME_OF:
	case TIME_AD:
	case TIME_AD_DOTS:
	case TIME_MONTH:
	case TIME_MON:
	case TIME_DAY:
	case TIME_DY:
	case TIME_D:
	case TIME_ID:
		return true;
	default:
		return false;
	}
}

static void put_ordinal(
	struct format_out *o, const struct format_part *f, const uint8_t *digits)
{
	const char *ending = f->flags & PART_TH
		? format_ordinal(digits, (size_t)(o->at - digits), f->flags & PART_TH_UPPER) : NULL;

	if (ending)
		format_put(o, ending, 2);
}

/* At least that wide, with its sign. */
static void put_number(
	struct format_out *o, const struct format_part *f, int width, int64_t v)
{
	const uint8_t *from = o->at;

	format_printf(o, "%0*lld", width, (long long)v);
	put_ordinal(o, f, from);
}

/* So many digits where it is not FM, and the sign of `by`. */
static int width_of(const struct format_part *f, int digits, int64_t by)
{
	return f->flags & PART_FM ? 0 : digits + (by < 0);
}

static void put_signed(
	struct format_out *o, const struct format_part *f, int digits, int64_t v)
{
	put_number(o, f, width_of(f, digits, v), v);
}

/* A word in the letters of the field's name, filled up to `wide` with blanks. */
static void put_word(
	struct format_out *o, const struct format_part *f, const char *word, size_t len, int wide)
{
	size_t i;

	for (i = 0; i < len; i++) {
		char c = word[i];

		if (f->letters == LETTERS_UPPER && c >= 'a' && c <= 'z')
			c -= 'a' - 'A';
		if (f->letters == LETTERS_LOWER && c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		format_put(o, &c, 1);
	}
	for (; i < (size_t)wide && !(f->flags & (PART_FM | PART_TM)); i++)
		format_put(o, " ", 1);
}

static void put_words(struct format_out *o, const struct format_part *f, const char *word, int wide)
{
	put_word(o, f, word, strlen(word), wide);
}

/* Of the months -1 is December, and none is that one or January's, by the years' sign. */
static void put_roman(
	struct format_out *o, const struct format_part *f, const struct format_clock *c)
{
	int32_t month = c->month;
	struct format_part no_tm = *f;

	if (!month && !c->year)
		return;
	if (!month)
		month = c->year >= 0 ? MONTHS : 1;
	no_tm.flags &= (uint8_t)~PART_TM;
	put_words(o, &no_tm, format_roman[month > 0 ? month - 1 : MONTHS + month], 4);
}

static void put_offset(
	struct format_out *o, const struct format_part *f, const struct format_clock *c)
{
	int32_t off = abs(c->offset), minutes = off % 3600 / 60;

	if (f->field == TIME_TZM) {
		format_printf(o, "%02d", minutes);
		return;
	}
	format_printf(o, "%c%0*d", c->offset >= 0 ? '+' : '-',
		f->field == TIME_OF && f->flags & PART_FM ? 0 : 2, off / 3600);
	if (f->field == TIME_OF && off % 3600)
		format_printf(o, ":%02d", minutes);
}

/* A year as it is counted: there is no 0, and what was before has no sign. */
static int32_t counted(const struct format_clock *c, int32_t year)
{
	return c->interval || year > 0 ? year : 1 - year;
}

/* Of days counted from 1. */
static int32_t week_of(int32_t day)
{
	return (int32_t)((uint32_t)day - 1) / 7 + 1;
}

static int32_t century(const struct format_clock *c)
{
	if (c->interval)
		return c->year / 100;
	return c->year > 0 ? (c->year - 1) / 100 + 1 : c->year / 100 - 1;
}

/* The last digits of a year; four are all of it. The width goes by the sign of the
 * Gregorian one. */
static void put_year(struct format_out *o, const struct format_part *f,
	const struct format_clock *c, int digits, bool iso)
{
	static const int32_t units[] = {1, 10, 100, 1000};
	int32_t year = counted(c, iso ? iso_date(c).year : c->year);

	if (digits < 4)
		year %= units[digits];
	put_number(o, f, digits > 1 ? width_of(f, digits, counted(c, c->year)) : 1, year);
}

/* Y,YYY */
static void put_thousands(
	struct format_out *o, const struct format_part *f, const struct format_clock *c)
{
	int32_t year = counted(c, c->year);
	const uint8_t *from = o->at;

	format_printf(o, "%d,%03d", year / 1000, year % 1000);
	put_ordinal(o, f, from);
}

/* Digits of the second; FM has no say there. */
static void put_fraction(
	struct format_out *o, const struct format_part *f, int32_t us, int digits)
{
	static const int32_t units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};

	put_number(o, f, digits, us / units[digits]);
}

static void put_hour12(struct format_out *o, const struct format_part *f, int64_t hour)
{
	put_number(o, f, width_of(f, 2, hour), hour % NOON ? hour % NOON : NOON);
}

static void put_year_field(
	struct format_out *o, const struct format_part *f, const struct format_clock *c)
{
	bool bc = c->year <= 0;

	switch (f->field) {
	case TIME_AD_DOTS:
		put_words(o, f, bc ? "B.C." : "A.D.", 0);
		break;
	case TIME_AD:
		put_words(o, f, bc ? "BC" : "AD", 0);
		break;
	case TIME_CC:
		put_signed(o, f, 2, century(c));
		break;
	case TIME_Y_YYY:
		put_thousands(o, f, c);
		break;
	case TIME_YYYY:
	case TIME_IYYY:
		put_year(o, f, c, 4, f->field == TIME_IYYY);
		break;
	case TIME_YYY:
	case TIME_IYY:
		put_year(o, f, c, 3, f->field == TIME_IYY);
		break;
	case TIME_YY:
	case TIME_IY:
		put_year(o, f, c, 2, f->field == TIME_IY);
		break;
	case TIME_Y:
	case TIME_I:
		put_year(o, f, c, 1, f->field == TIME_I);
		break;
	}
}

/* Months, weeks and days. */
static void put_day_field(
	struct format_out *o, const struct format_part *f, const struct format_clock *c)
{
	switch (f->field) {
	case TIME_MONTH:
		put_words(o, f, format_months[c->month - 1], 9);
		break;
	case TIME_MON:
		put_word(o, f, format_months[c->month - 1], 3, 0);
		break;
	case TIME_DAY:
		put_words(o, f, format_days[c->week_day], 9);
		break;
	case TIME_DY:
		put_word(o, f, format_days[c->week_day], 3, 0);
		break;
	case TIME_MM:
		put_signed(o, f, 2, c->month);
		break;
	case TIME_Q:
		if (c->month)
			put_number(o, f, 1, (c->month - 1) / 3 + 1);
		break;
	case TIME_DDD:
		put_number(o, f, width_of(f, 3, 0), c->year_day);
		break;
	case TIME_IDDD:
		put_number(o, f, width_of(f, 3, 0), iso_date(c).day);
		break;
	case TIME_DD:
		put_number(o, f, width_of(f, 2, 0), c->day);
		break;
	case TIME_D:
		put_number(o, f, 1, c->week_day + 1);
		break;
	case TIME_ID:
		put_number(o, f, 1, c->week_day ? c->week_day : 7);
		break;
	case TIME_WW:
		put_number(o, f, width_of(f, 2, 0), week_of(c->year_day));
		break;
	case TIME_IW:
		put_number(o, f, width_of(f, 2, 0), iso_date(c).week);
		break;
	case TIME_W:
		put_number(o, f, 1, week_of(c->day));
		break;
	case TIME_J:
		put_number(o, f, 1, julian_day(c->year, c->month, c->day));
		break;
	case TIME_RM:
		put_roman(o, f, c);
		break;
	default:
		put_year_field(o, f, c);
	}
}

static void put_field(
	struct format_out *o, const struct format_part *f, const struct format_clock *c)
{
	bool late = c->hour % DAY_HOURS >= NOON;

	switch (f->field) {
	case TIME_AM_DOTS:
		put_words(o, f, late ? "P.M." : "A.M.", 0);
		break;
	case TIME_AM:
		put_words(o, f, late ? "PM" : "AM", 0);
		break;
	case TIME_HH12:
		put_hour12(o, f, c->hour);
		break;
	case TIME_HH24:
		put_signed(o, f, 2, c->hour);
		break;
	case TIME_MI:
		put_signed(o, f, 2, c->minute);
		break;
	case TIME_SS:
		put_signed(o, f, 2, c->second);
		break;
	case TIME_FF1:
	case TIME_FF2:
	case TIME_FF3:
	case TIME_FF4:
	case TIME_FF5:
	case TIME_FF6:
		put_fraction(o, f, c->us, f->field - TIME_FF1 + 1);
		break;
	case TIME_MS:
		put_fraction(o, f, c->us, 3);
		break;
	case TIME_US:
		put_fraction(o, f, c->us, 6);
		break;
	case TIME_SSSS:
		put_number(o, f, 1, c->hour * 3600 + c->minute * 60 + c->second);
		break;
	case TIME_TZ:
		if (f->letters == LETTERS_UPPER)
			format_put(o, c->zone, c->zone_len);
		else
			put_word(o, f, (const char *)c->zone, c->zone_len, 0);
		break;
	case TIME_TZH:
	case TIME_TZM:
	case TIME_OF:
		put_offset(o, f, c);
		break;
	default:
		put_day_field(o, f, c);
	}
}

uint8_t format_time(
	struct format_out *o, const struct format_part *part, const struct format_clock *c)
{
	for (; part->kind != PART_END; part++)
		if (part->kind != PART_FIELD)
			format_put(o, part->p, part->len);
		else if (c->interval && no_interval(part->field))
			return ROW_FORMAT_INTERVAL;
		else
			put_field(o, part, c);
	return 0;
}
