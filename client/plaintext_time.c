/* SPDX-License-Identifier: BSD-3-Clause */
#include "plaintext_time.h"

#include <stdio.h>
#include <string.h>

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
	if (!date_valid(n))
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
	if (!date_valid(days) || days > DATE_STAMP_END)
		return -ERANGE;
	*us = days * DAY_US + clock - offset;
	return stamp_valid(*us) ? 0 : -ERANGE;
}

/* "3 mons": a number, and a unit that says where it goes. */
static int take_unit(struct reader *r, int64_t n, int64_t *months, int64_t *days)
{
	static const struct {
		const char *name;
		int months, days;
	} units[] = {{"years", 12, 0}, {"mons", 1, 0}, {"months", 1, 0}, {"weeks", 0, 7},
		{"days", 0, 1}};
	const char *from = r->p;
	size_t len, k;

	while (r->p < r->end && *r->p != ' ')
		r->p++;
	len = (size_t)(r->p - from);
	for (k = 0; k < sizeof units / sizeof *units; k++)
		if (len && strncmp(from, units[k].name, len) == 0 && len + 1 >= strlen(units[k].name)) {
			*months += n * units[k].months;
			*days += n * units[k].days;
			return 0;
		}
	return -EINVAL;
}

/* HH:MM:SS of any number of hours; the hours are already there. */
static int take_hours(struct reader *r, int64_t hours, int64_t *us)
{
	int64_t m = number(r, 2, 2), s = 0, part = 0;

	if (m >= 0 && skip(r, ':')) {
		s = number(r, 2, 2);
		if (s < 0 || (skip(r, '.') && take_fraction(r, &part)))
			return -EINVAL;
	}
	if (m < 0)
		return -EINVAL;
	if (m > 59 || s > 60 || hours > INT64_MAX / 3600000000 - 1)
		return -ERANGE;
	*us = ((hours * 60 + m) * 60 + s) * 1000000 + part;
	return 0;
}

int plaintext_interval(const char *s, size_t len, struct interval *v)
{
	struct reader r = trimmed(s, len);
	int64_t months = 0, days = 0, us = 0, n;
	int rc = r.p == r.end ? -EINVAL : 0;

	while (!rc && r.p < r.end) {
		bool minus = skip(&r, '-');

		if (!minus)
			skip(&r, '+');
		n = number(&r, 1, 10);
		if (n < 0)
			return -EINVAL;
		if (skip(&r, ':')) {
			rc = take_hours(&r, n, &us);
			us = minus ? -us : us;
			if (!rc && r.p != r.end)
				rc = -EINVAL; /* the time comes last */
		} else {
			rc = skip(&r, ' ') ? take_unit(&r, minus ? -n : n, &months, &days) : -EINVAL;
			skip(&r, ' ');
		}
	}
	if (rc)
		return rc;
	if (months != (int32_t)months || days != (int32_t)days)
		return -ERANGE;
	*v = (struct interval){.months = (int32_t)months, .days = (int32_t)days, .us = us};
	return 0;
}

/* ---- writing ---- */

static int64_t print(char *out, size_t room, int64_t days, const char *clock)
{
	struct moment d;

	moment_set_date(&d, days);
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
	days = floor_div(us, DAY_US);
	rest = floor_mod(us, DAY_US);
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

/* " -3 days": behind a field below zero, one above it has its sign, as in PostgreSQL. */
static int put_unit(char *at, int n, const char *unit, bool *any, bool *minus)
{
	int len = 0;

	if (n)
		len = sprintf(at, "%s%s%d %s%s", *any ? " " : "", *minus && n > 0 ? "+" : "", n, unit,
			n == 1 ? "" : "s");
	*minus = n ? n < 0 : *minus;
	*any |= n != 0;
	return len;
}

int64_t plaintext_print_interval(const uint8_t *p, size_t len, char *out, size_t room)
{
	struct interval v;
	char text[128], *at = text;
	bool any = false, minus = false;
	uint64_t us;

	memcpy(&v, p, sizeof v);
	at += put_unit(at, v.months / 12, "year", &any, &minus);
	at += put_unit(at, v.months % 12, "mon", &any, &minus);
	at += put_unit(at, v.days, "day", &any, &minus);
	us = v.us < 0 ? 0 - (uint64_t)v.us : (uint64_t)v.us;
	if (us || !any) {
		at += sprintf(at, "%s%s%02llu:%02d:%02d", any ? " " : "",
			v.us < 0 ? "-" : minus ? "+" : "", (unsigned long long)(us / 3600000000),
			(int)(us / 60000000 % 60), (int)(us / 1000000 % 60));
		if (us % 1000000) {
			at += sprintf(at, ".%06d", (int)(us % 1000000));
			while (at[-1] == '0')
				at--;
		}
	}
	if ((size_t)(at - text) < room)
		memcpy(out, text, (size_t)(at - text));
	return at - text;
}
