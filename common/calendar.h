/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calendar.h - days, instants and spans of time, as PostgreSQL counts them.
 *
 * A date is days since 2000-01-01, a timestamp microseconds since its midnight, both in
 * the Gregorian calendar without end in either direction. The least and the greatest
 * integer are -infinity and infinity. Years are astronomical: 0 is 1 BC, -1 is 2 BC.
 * An interval keeps microseconds, days and months apart, for a month has no length; to
 * be compared it takes 30 days, and a day 24 hours.
 *
 * Nothing here fails but by its result, allocates or keeps state. Sources of the rules:
 * PostgreSQL 15, utils/adt/date.c and timestamp.c; ISO 8601 for weeks.
 */
#ifndef COMMON_CALENDAR_H
#define COMMON_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

enum {
	JULIAN_2000 = 2451545, /* Julian day of 2000-01-01 */
	UNIX_DAYS_2000 = 10957,	  /* days from 1970-01-01 to 2000-01-01 */
	DAY_SECONDS = 86400,
	DATE_FIRST = -JULIAN_2000,			   /* 4714-11-24 BC, Julian day 0 */
	DATE_END = 2147483494 - JULIAN_2000,   /* 5874898-01-01 */
	DATE_STAMP_END = 109203528 - JULIAN_2000, /* 294277-01-01: no timestamp from here on */
};

#define SECOND_US 1000000ll
#define DAY_US (DAY_SECONDS * SECOND_US)
#define STAMP_FIRST (DATE_FIRST * DAY_US)
#define STAMP_END (DATE_STAMP_END * DAY_US)
#define STAMP_1970 (-UNIX_DAYS_2000 * DAY_US)

static inline bool date_finite(int32_t d)
{
	return d != INT32_MIN && d != INT32_MAX;
}

static inline bool date_valid(int64_t d)
{
	return d >= DATE_FIRST && d < DATE_END;
}

static inline bool stamp_finite(int64_t t)
{
	return t != INT64_MIN && t != INT64_MAX;
}

static inline bool stamp_valid(int64_t t)
{
	return t >= STAMP_FIRST && t < STAMP_END;
}

/* Quotient toward -infinity, and what is left, from 0 on; b above 0. */
static inline int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static inline int64_t floor_mod(int64_t a, int64_t b)
{
	return a % b + (a % b < 0 ? b : 0);
}

/* An instant by the clock on the wall. Years hold more than a date can. */
struct moment {
	int64_t year;
	int32_t month, day; /* from 1 */
	int32_t hour, minute, second, us;
};

/* Days of a month; any year, month 1 .. 12. */
int32_t month_days(int64_t year, int32_t month);

/* Days since 2000-01-01 of a date that need not exist: month and day count on. Years
 * within 2^33. */
int64_t days_of(int64_t year, int32_t month, int32_t day);

/* Year, month and day of m; the rest stays. */
void moment_set_date(struct moment *m, int64_t days);

/* What clock and calendar show `seconds` and `us` after 2000-01-01. */
void moment_of(struct moment *m, int64_t seconds, int32_t us);

/* Seconds of such a moment, its microseconds left out; its date need not exist. */
int64_t moment_seconds(const struct moment *m);

/* Microseconds since 2000; false when the date is none PostgreSQL has, or t does not fit. */
bool moment_stamp(const struct moment *m, int64_t *t);

/* Add months; a day that the month does not have becomes its last. False on overflow. */
bool moment_add_months(struct moment *m, int32_t months);

/* 0 Sunday .. 6 Saturday. */
int32_t day_of_week(int64_t days);

/* Week of ISO 8601 and the year to which it belongs. */
int32_t iso_week(int64_t days, int64_t *year);

struct interval {
	int64_t us;
	int32_t days;
	int32_t months;
};
_Static_assert(sizeof(struct interval) == 16, "PostgreSQL's Interval");

/* Its length for comparisons, in microseconds. */
__int128 interval_span(const struct interval *v);

/* false: a part is out of range; r undefined. */
bool interval_add(struct interval *r, const struct interval *a, const struct interval *b);
bool interval_sub(struct interval *r, const struct interval *a, const struct interval *b);

/* Times a number; its fractions of months become days, those of days microseconds.
 * `divide`: a / by instead, `by` not 0. */
bool interval_scale(struct interval *r, const struct interval *a, double by, bool divide);

/* Whole days out of the hours, whole months out of the days, and equal signs. */
bool interval_justify_hours(struct interval *v);
bool interval_justify_days(struct interval *v);
bool interval_justify(struct interval *v);

/* From b to a in years, months, days and time; as timestamps order them, `less` says
 * whether a is before b. */
bool interval_between(
	struct interval *r, const struct moment *a, const struct moment *b, bool less);

#endif
