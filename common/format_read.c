/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format_read.c - dates and times read by a template: to_date() and to_timestamp().
 *
 * A text is read field by field, and the template is not insisted on: blanks are skipped
 * before and behind fields, a separator stands for any or none, a letter for any letter,
 * until FX says otherwise. What was read format_moment.c makes a moment of.
 *
 * Source of the rules: PostgreSQL 15's documentation, section 9.8, and its behaviour, the
 * order of checks included.
 */
#include "format_reader.h"

#include <limits.h>
#include <string.h>

#include "kernel_text.h"

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

/* Where a field goes that is nothing but a number; NULL: it is more than that. */
static int32_t *number_of(struct reader *r, uint8_t field)
{
	switch (field) {
	case TIME_MI:
		return &r->minute;
	case TIME_SS:
		return &r->second;
	case TIME_SSSS:
		return &r->day_seconds;
	case TIME_MM:
		return &r->month;
	case TIME_DDD:
		return &r->year_day;
	case TIME_DD:
		return &r->day;
	case TIME_D:
		return &r->week_day;
	case TIME_WW:
	case TIME_IW:
		return &r->week;
	case TIME_W:
		return &r->month_week;
	case TIME_CC:
		return &r->century;
	case TIME_J:
		return &r->julian;
	default:
		return NULL;
	}
}

/* Years, months and days in words, by the week, or in part. */
static uint8_t read_date_field(struct reader *r)
{
	uint32_t used;

	switch (r->part->field) {
	case TIME_AD_DOTS:
		return read_either(r, &r->bc, "a.d.", "b.c.");
	case TIME_AD:
		return read_either(r, &r->bc, "ad", "bc");
	case TIME_MONTH:
		return read_month(r, format_months, 0);
	case TIME_MON:
		return read_month(r, format_months, 3);
	case TIME_RM:
		return read_month(r, format_roman, 0);
	case TIME_DAY:
		return read_day(r, 0);
	case TIME_DY:
		return read_day(r, 3);
	case TIME_IDDD:
		return read_width(r, &r->year_day, 3, &used);
	case TIME_ID:
		return read_iso_day(r);
	case TIME_Q: /* says nothing that a date could be made of */
		return read_number(r, NULL);
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
	default: /* Y, I */
		return read_year(r, 1);
	}
}

static uint8_t read_value(struct reader *r)
{
	int32_t *number = number_of(r, r->part->field);

	if (number)
		return read_number(r, number);
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
	case TIME_HH12:
		r->clock12 = true;
		return read_two(r, &r->hour);
	case TIME_HH24:
		return read_two(r, &r->hour);
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
	case TIME_TZ:
	case TIME_OF:
		return ROW_FORMAT_SHOWN_ONLY;
	case TIME_TZH:
		return read_zone_hour(r);
	case TIME_TZM:
		if (!r->zone_sign)
			r->zone_sign = 1;
		return read_two(r, &r->zone_minute);
	default:
		return read_date_field(r);
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

uint8_t format_read(struct format_read *to, const struct format_part *part, struct span s)
{
	struct reader r = {.s = s};
	uint8_t fail = read_all(&r, part);

	*to = (struct format_read){.m = {.month = 1, .day = 1}, .precision = r.precision};
	return fail ? fail : reader_moment(to, &r);
}
