/* SPDX-License-Identifier: BSD-3-Clause */
#include "plaintext_time.h"

#include <stdio.h>
#include <string.h>

#define DAY_US INT64_C(86400000000)

/* PostgreSQL's limits, from 2000-01-01: 4714-11-24 BC; dates to 5874897-12-31, timestamps
 * to before 294277-01-01. */
#define DATE_MIN (-2451545)
#define DATE_MAX (2147483493 - 2451545)
#define TIMESTAMP_DAYS_MAX 106741035

int plaintext_time_range(const char *s, size_t len, struct err_text *e)
{
	err_set(e, "date/time field value out of range: \"%.*s\"", (int)(len < 80 ? len : 80), s);
	return -EINVAL;
}

/* ---- reading ---- */

struct reader {
	const char *p, *end;
};

static bool skip(struct reader *r, char c)
{
	bool there = r->p < r->end && *r->p == c;

	r->p += there;
	return there;
}

/* A number of min to max digits; -1: none. */
static int64_t number(struct reader *r, int min, int max)
{
	int64_t v = 0;
	int n = 0;

	while (r->p < r->end && (uint8_t)(*r->p - '0') <= 9 && n < max) {
		v = 10 * v + (*r->p++ - '0');
		n++;
	}
	return n < min ? -1 : v;
}

/* Days from 2000-01-01 in the Gregorian calendar; year 0 is 1 BC. The year begins in March
 * here, so that the leap day is its last one. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400, in_era = y - era * 400;
	int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	/* 730,425 days from 0000-03-01 to 2000-01-01 */
	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 730425;
}

static int month_days(int64_t year, int month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

struct date {
	int64_t year;
	int month, day;
};

static int take_date(struct reader *r, struct date *d)
{
	d->year = number(r, 4, 7);
	if (d->year < 0 || !skip(r, '-'))
		return -EINVAL;
	d->month = (int)number(r, 2, 2);
	if (d->month < 0 || !skip(r, '-'))
		return -EINVAL;
	d->day = (int)number(r, 2, 2);
	return d->day < 0 ? -EINVAL : 0;
}

/* Its end: "", or " BC", which turns the year. */
static int close_date(struct reader *r, struct date *d, int64_t *days)
{
	if (r->end - r->p == 3 && strncasecmp(r->p, " BC", 3) == 0)
		r->p = r->end, d->year = d->year ? 1 - d->year : INT64_MIN;
	if (r->p != r->end)
		return -EINVAL;
	if (d->year == INT64_MIN || d->year == 0 || d->month < 1 || d->month > 12 || d->day < 1 ||
		d->day > month_days(d->year, d->month))
		return -ERANGE;
	*days = days_of(d->year, d->month, d->day);
	return 0;
}

static struct reader trimmed(const char *s, size_t len)
{
	while (len && *s == ' ') {
		s++;
		len--;
	}
	while (len && s[len - 1] == ' ')
		len--;
	return (struct reader){s, s + len};
}

/* 1 for infinity, -1 for -infinity, else 0 */
static int endless(const struct reader *r)
{
	size_t len = (size_t)(r->end - r->p);

	if (len == 8 && strncasecmp(r->p, "infinity", 8) == 0)
		return 1;
	return len == 9 && strncasecmp(r->p, "-infinity", 9) == 0 ? -1 : 0;
}

int plaintext_date(const char *s, size_t len, int32_t *days)
{
	struct reader r = trimmed(s, len);
	struct date d;
	int64_t n;
	int rc;

	if (endless(&r)) {
		*days = endless(&r) > 0 ? INT32_MAX : INT32_MIN;
		return 0;
	}
	rc = take_date(&r, &d);
	if (!rc)
		rc = close_date(&r, &d, &n);
	if (rc)
		return rc;
	if (n < DATE_MIN || n > DATE_MAX)
		return -ERANGE;
	*days = (int32_t)n;
	return 0;
}

/* Up to six digits behind the point count; a seventh rounds. */
static int take_fraction(struct reader *r, int64_t *us)
{
	int64_t unit = 100000;
	int n = 0;

	for (; r->p < r->end && (uint8_t)(*r->p - '0') <= 9; r->p++, n++, unit /= 10) {
		if (n == 6)
			*us += *r->p >= '5';
		*us += unit * (*r->p - '0');
	}
	return n ? 0 : -EINVAL;
}

static int take_clock(struct reader *r, int64_t *us)
{
	int64_t h = number(r, 2, 2), m, s = 0, part = 0;

	if (h < 0 || !skip(r, ':'))
		return -EINVAL;
	m = number(r, 2, 2);
	if (m < 0)
		return -EINVAL;
	if (skip(r, ':')) {
		s = number(r, 2, 2);
		if (s < 0 || (skip(r, '.') && take_fraction(r, &part)))
			return -EINVAL;
	}
	if (m > 59 || s > 60 || h > 24 || (h == 24 && (m || s || part)))
		return -ERANGE;
	*us = ((h * 60 + m) * 60 + s) * 1000000 + part;
	return 0;
}

/* What has to be taken off to have UTC. */
static int take_offset(struct reader *r, int64_t *us)
{
	bool minus = skip(r, '-');
	int64_t h, m = 0, s = 0;

	*us = 0;
	if (!minus && (skip(r, 'Z') || skip(r, 'z')))
		return 0;
	if (!minus && !skip(r, '+'))
		return -EINVAL;
	h = number(r, 2, 2);
	if (h >= 0 && skip(r, ':'))
		m = number(r, 2, 2);
	if (h >= 0 && m >= 0 && skip(r, ':'))
		s = number(r, 2, 2);
	if (h < 0 || m < 0 || s < 0)
		return -EINVAL;
	if (h > 15 || m > 59 || s > 59)
		return -ERANGE;
	*us = ((h * 60 + m) * 60 + s) * 1000000 * (minus ? -1 : 1);
	return 0;
}

int plaintext_timestamp(const char *s, size_t len, bool zoned, int64_t *us)
{
	struct reader r = trimmed(s, len);
	int64_t days, clock = 0, offset = 0;
	struct date d;
	int rc;

	if (endless(&r)) {
		*us = endless(&r) > 0 ? INT64_MAX : INT64_MIN;
		return 0;
	}
	rc = take_date(&r, &d);
	if (rc)
		return rc;
	if (skip(&r, 'T') || (r.end - r.p > 3 && skip(&r, ' '))) {
		rc = take_clock(&r, &clock);
		if (!rc && zoned)
			rc = take_offset(&r, &offset);
	} else if (zoned) {
		rc = -EINVAL; /* of which zone the midnight is, only a session knows */
	}
	if (!rc)
		rc = close_date(&r, &d, &days);
	if (rc)
		return rc;
	if (days < DATE_MIN || days >= TIMESTAMP_DAYS_MAX)
		return -ERANGE;
	*us = days * DAY_US + clock - offset;
	return *us < DATE_MIN * DAY_US ? -ERANGE : 0;
}

/* ---- writing ---- */

static struct date date_of(int64_t days)
{
	int64_t n = days + 730425, era = (n >= 0 ? n : n - 146096) / 146097, in_era = n - era * 146097;
	int64_t years = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * years + years / 4 - years / 100);
	int month = (int)((5 * in_year + 2) / 153);

	return (struct date){.year = years + era * 400 + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = (int)(in_year - (153 * month + 2) / 5 + 1)};
}

static int64_t print(char *out, size_t room, int64_t days, const char *clock)
{
	struct date d = date_of(days);

	return snprintf(out, room, "%04lld-%02d-%02d%s%s",
		(long long)(d.year > 0 ? d.year : 1 - d.year), d.month, d.day, clock,
		d.year > 0 ? "" : " BC");
}

int64_t plaintext_print_date(const uint8_t *p, size_t len, char *out, size_t room)
{
	int32_t days;

	memcpy(&days, p, sizeof days);
	if (days == INT32_MAX || days == INT32_MIN)
		return snprintf(out, room, "%sinfinity", days < 0 ? "-" : "");
	return print(out, room, days, "");
}

static int64_t print_timestamp(int64_t us, const char *zone, char *out, size_t room)
{
	int64_t days, rest;
	char clock[40];
	int n;

	if (us == INT64_MAX || us == INT64_MIN)
		return snprintf(out, room, "%sinfinity", us < 0 ? "-" : "");
	days = us / DAY_US - (us % DAY_US < 0);
	rest = us - days * DAY_US;
	n = sprintf(clock, " %02d:%02d:%02d", (int)(rest / 3600000000), (int)(rest / 60000000 % 60),
		(int)(rest / 1000000 % 60));
	if (rest % 1000000) {
		n += sprintf(clock + n, ".%06d", (int)(rest % 1000000));
		while (clock[n - 1] == '0')
			n--;
	}
	strcpy(clock + n, zone);
	return print(out, room, days, clock);
}

int64_t plaintext_print_timestamp(const uint8_t *p, size_t len, char *out, size_t room)
{
	int64_t us;

	memcpy(&us, p, sizeof us);
	return print_timestamp(us, "", out, room);
}

int64_t plaintext_print_timestamptz(const uint8_t *p, size_t len, char *out, size_t room)
{
	int64_t us;

	memcpy(&us, p, sizeof us);
	return print_timestamp(us, "+00", out, room);
}
