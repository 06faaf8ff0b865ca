/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format_moment.c - a moment made of the fields that a template has read: of two that speak
 * of one thing the one that says more counts, and without any it is the first of January,
 * midnight.
 */
#include "format_reader.h"

enum { ZONE_HOURS_MAX = 15 };

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

uint8_t reader_moment(struct format_read *to, struct reader *r)
{
	uint8_t fail = clock_of(to, r);

	if (!fail)
		fail = date_of(to, r);
	if (!fail)
		fail = check_clock(&to->m, r);
	return fail ? fail : zone_of_text(to, r);
}
