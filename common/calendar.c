/* SPDX-License-Identifier: BSD-3-Clause */
#include "calendar.h"

#include <math.h>

enum {
	CYCLE_YEARS = 400,
	CYCLE_DAYS = 146097,
	MARCH_2000 = 60, /* 2000-03-01 in days since 2000-01-01 */
	MONTH_DAYS = 30,
	YEAR_MONTHS = 12,
};

/* Between the Julian days 0 and 2^31, rounded to months. */
static bool date_exists(int64_t year, int32_t month)
{
	enum { FIRST = -4713, FIRST_MONTH = 11, LAST = 5874898, LAST_MONTH = 6 };

	return (year > FIRST || (year == FIRST && month >= FIRST_MONTH)) &&
		(year < LAST || (year == LAST && month < LAST_MONTH));
}

static bool leap_year(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % CYCLE_YEARS == 0);
}

int32_t month_days(int64_t year, int32_t month)
{
	if (month == 2)
		return 28 + leap_year(year);
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Years from March on: the leap day is their last, and the months before it follow the
 * pattern of 153 days in five months. */
int64_t days_of(int64_t year, int32_t month, int32_t day)
{
	int64_t y = year - (month <= 2), cycle = floor_div(y, CYCLE_YEARS);
	int64_t in_cycle = y - cycle * CYCLE_YEARS;
	int64_t from_march = month + (month <= 2 ? 9 : -3);

	return (cycle - 5) * CYCLE_DAYS + in_cycle * 365 + in_cycle / 4 - in_cycle / 100 +
		(153 * from_march + 2) / 5 + day - 1 + MARCH_2000;
}

void moment_set_date(struct moment *m, int64_t days)
{
	int64_t d = days - MARCH_2000, cycle = floor_div(d, CYCLE_DAYS), y, from_march;

	d -= cycle * CYCLE_DAYS;
	/* less the leap days before it: every 4 years, not every 100, the last one of 400 */
	y = (d - d / 1460 + d / 36524 - d / (CYCLE_DAYS - 1)) / 365;
	d -= 365 * y + y / 4 - y / 100;
	from_march = (5 * d + 2) / 153;
	m->day = (int32_t)(d - (153 * from_march + 2) / 5 + 1);
	m->month = (int32_t)(from_march < 10 ? from_march + 3 : from_march - 9);
	m->year = y + (cycle + 5) * CYCLE_YEARS + (m->month <= 2);
}

void moment_of(struct moment *m, int64_t seconds, int32_t us)
{
	int32_t second = (int32_t)floor_mod(seconds, DAY_SECONDS);

	moment_set_date(m, floor_div(seconds, DAY_SECONDS));
	m->hour = second / 3600;
	m->minute = second / 60 % 60;
	m->second = second % 60;
	m->us = us;
}

static int32_t clock_seconds(const struct moment *m)
{
	return (m->hour * 60 + m->minute) * 60 + m->second;
}

int64_t moment_seconds(const struct moment *m)
{
	return days_of(m->year, m->month, m->day) * DAY_SECONDS + clock_seconds(m);
}

bool moment_stamp(const struct moment *m, int64_t *t)
{
	int64_t us;

	return date_exists(m->year, m->month) &&
		!__builtin_mul_overflow(moment_seconds(m), SECOND_US, &us) &&
		!__builtin_add_overflow(us, m->us, t);
}

bool moment_add_months(struct moment *m, int32_t months)
{
	int32_t sum, last;
	int64_t month;

	if (__builtin_add_overflow(m->month, months, &sum))
		return false;
	month = (int64_t)sum - 1;
	m->year += floor_div(month, YEAR_MONTHS);
	m->month = (int32_t)floor_mod(month, YEAR_MONTHS) + 1;
	last = month_days(m->year, m->month);
	if (m->day > last)
		m->day = last;
	return true;
}

int32_t day_of_week(int64_t days)
{
	return (int32_t)floor_mod(days + 6, 7); /* 2000-01-01 was a Saturday */
}

/* The year of a week is that of its Thursday. */
int32_t iso_week(int64_t days, int64_t *year)
{
	int64_t thursday = days + 3 - (day_of_week(days) + 6) % 7;
	struct moment m;

	moment_set_date(&m, thursday);
	*year = m.year;
	return (int32_t)((thursday - days_of(m.year, 1, 1)) / 7) + 1;
}

/* ---- intervals ---- */

__int128 interval_span(const struct interval *v)
{
	return (__int128)v->us + ((int64_t)v->months * MONTH_DAYS + v->days) * (__int128)DAY_US;
}

/* Sums in locals, since r may be a or b: gcc 12 reads the operands of an overflow check
 * again after it has stored the result. */
static bool put(struct interval *r, int64_t us, int64_t days, int64_t months)
{
	if (days != (int32_t)days || months != (int32_t)months)
		return false;
	*r = (struct interval){us, (int32_t)days, (int32_t)months};
	return true;
}

bool interval_add(struct interval *r, const struct interval *a, const struct interval *b)
{
	int64_t us;

	return !__builtin_add_overflow(a->us, b->us, &us) &&
		put(r, us, (int64_t)a->days + b->days, (int64_t)a->months + b->months);
}

bool interval_sub(struct interval *r, const struct interval *a, const struct interval *b)
{
	int64_t us;

	return !__builtin_sub_overflow(a->us, b->us, &us) &&
		put(r, us, (int64_t)a->days - b->days, (int64_t)a->months - b->months);
}

/* PostgreSQL rounds intermediate seconds to microseconds. */
static double rounded(double x)
{
	return rint(x * 1e6) / 1e6;
}

static bool fits_int32(double x)
{
	return x >= -0x1p31 && x < 0x1p31;
}

bool interval_scale(struct interval *r, const struct interval *a, double by, bool divide)
{
	double months = divide ? a->months / by : a->months * by;
	double days = divide ? a->days / by : a->days * by;
	double us = divide ? (double)a->us / by : (double)a->us * by;
	double rest_days, rest_seconds;
	int64_t whole_days;

	if (!fits_int32(months) || !fits_int32(days))
		return false;
	whole_days = (int32_t)days;
	rest_days = rounded((months - (int32_t)months) * MONTH_DAYS);
	rest_seconds = rounded(
		(days - (int32_t)days + rest_days - (int32_t)rest_days) * DAY_SECONDS);
	if (fabs(rest_seconds) >= DAY_SECONDS) {
		int32_t more = (int32_t)(rest_seconds / DAY_SECONDS);

		whole_days += more;
		rest_seconds -= (double)more * DAY_SECONDS;
	}
	whole_days += (int32_t)rest_days;
	us = rint(us + rest_seconds * (double)SECOND_US);
	return us >= -0x1p63 && us < 0x1p63 &&
		put(r, (int64_t)us, whole_days, (int32_t)months);
}

/* A whole and a rest of different signs: one of the whole goes over. */
static void same_signs(int32_t *whole, int64_t *rest, int64_t unit)
{
	if (*whole > 0 && *rest < 0) {
		*rest += unit;
		(*whole)--;
	} else if (*whole < 0 && *rest > 0) {
		*rest -= unit;
		(*whole)++;
	}
}

static bool days_from_hours(struct interval *v)
{
	return put(v, v->us % DAY_US, v->days + v->us / DAY_US, v->months);
}

static bool months_from_days(struct interval *v)
{
	return put(v, v->us, v->days % MONTH_DAYS, (int64_t)v->months + v->days / MONTH_DAYS);
}

bool interval_justify_hours(struct interval *v)
{
	if (!days_from_hours(v))
		return false;
	same_signs(&v->days, &v->us, DAY_US);
	return true;
}

bool interval_justify_days(struct interval *v)
{
	int64_t days;

	if (!months_from_days(v))
		return false;
	days = v->days;
	same_signs(&v->months, &days, MONTH_DAYS);
	v->days = (int32_t)days;
	return true;
}

bool interval_justify(struct interval *v)
{
	/* days first where the hours would make them too many */
	if (((v->days > 0 && v->us > 0) || (v->days < 0 && v->us < 0)) && !months_from_days(v))
		return false;
	if (!days_from_hours(v) || !months_from_days(v))
		return false;
	if (v->months > 0 && (v->days < 0 || (v->days == 0 && v->us < 0))) {
		v->days += MONTH_DAYS;
		v->months--;
	} else if (v->months < 0 && (v->days > 0 || (v->days == 0 && v->us > 0))) {
		v->days -= MONTH_DAYS;
		v->months++;
	}
	same_signs(&v->days, &v->us, DAY_US);
	return true;
}

bool interval_between(
	struct interval *r, const struct moment *a, const struct moment *b, bool less)
{
	/* from the earlier to the later one; days are borrowed from the earlier's month */
	const struct moment *to = less ? b : a, *from = less ? a : b;
	int64_t months = (to->year - from->year) * YEAR_MONTHS + to->month - from->month;
	int64_t us = (clock_seconds(to) - clock_seconds(from)) * SECOND_US + to->us - from->us;
	int64_t days = to->day - from->day;
	int sign = less ? -1 : 1;

	if (us < 0) {
		us += DAY_US;
		days--;
	}
	while (days < 0) {
		days += month_days(from->year, from->month);
		months--;
	}
	return put(r, sign * us, sign * days, sign * months);
}
