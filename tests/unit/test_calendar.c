/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_calendar.c - scope: common/calendar.c, timezone.c, datefield.c. The calendar
 * against one that counts day by day, the rest by tables; against PostgreSQL itself they
 * are tested by tests/pg.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "calendar.h"
#include "datefield.h"
#include "timezone.h"

static bool leap(int64_t y)
{
	return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

/* Day by day through nine centuries around the year 0, and again around 2000. */
static void test_days(void **state)
{
	static const int64_t from[] = {-500, 1700};
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned i;

	for (i = 0; i < 2; i++) {
		struct moment m = {.year = from[i], .month = 1, .day = 1}, got = {0};
		int64_t d = days_of(from[i], 1, 1);

		for (; m.year < from[i] + 900; d++) {
			assert_int_equal(days_of(m.year, m.month, m.day), d);
			moment_set_date(&got, d);
			assert_true(got.year == m.year && got.month == m.month && got.day == m.day);
			if (++m.day > days[m.month - 1] + (m.month == 2 && leap(m.year))) {
				m.day = 1;
				if (++m.month > 12) {
					m.month = 1;
					m.year++;
				}
			}
		}
	}
	assert_int_equal(days_of(2000, 1, 1), 0);
	assert_int_equal(days_of(-4713, 11, 24), DATE_FIRST);
	assert_int_equal(days_of(5874898, 1, 1), DATE_END);
	assert_int_equal(days_of(294277, 1, 1), DATE_STAMP_END);
	assert_int_equal(days_of(1970, 1, 1), -UNIX_DAYS_2000);
}

/* Week 1 has the year's first Thursday. */
static void test_weeks(void **state)
{
	static const struct {
		int64_t year;
		int32_t month, day, week;
		int64_t iso_year;
	} t[] = {
		{2005, 1, 1, 53, 2004}, {2005, 1, 2, 53, 2004}, {2005, 12, 31, 52, 2005},
		{2007, 1, 1, 1, 2007}, {2008, 12, 29, 1, 2009}, {2010, 1, 3, 53, 2009},
		{2020, 12, 31, 53, 2020}, {2021, 1, 4, 1, 2021},
	};
	unsigned i;
	int64_t year;

	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		assert_int_equal(iso_week(days_of(t[i].year, t[i].month, t[i].day), &year), t[i].week);
		assert_int_equal(year, t[i].iso_year);
	}
	assert_int_equal(day_of_week(days_of(2023, 1, 1)), 0);
	assert_int_equal(day_of_week(days_of(1969, 7, 20)), 0);
	assert_int_equal(day_of_week(days_of(-4713, 11, 24)), 1);
}

static void test_months(void **state)
{
	struct moment m = {.year = 2024, .month = 1, .day = 31};

	assert_true(moment_add_months(&m, 1));
	assert_true(m.year == 2024 && m.month == 2 && m.day == 29);
	assert_true(moment_add_months(&m, -12));
	assert_true(m.year == 2023 && m.month == 2 && m.day == 28);
	assert_true(moment_add_months(&m, -26));
	assert_true(m.year == 2020 && m.month == 12 && m.day == 28);
	assert_false(moment_add_months(&m, INT32_MAX));
}

static void test_intervals(void **state)
{
	struct interval a = {.us = 25 * 3600 * SECOND_US, .days = 45, .months = -1}, r;

	assert_true(interval_justify_hours(&a));
	assert_true(a.us == 3600 * SECOND_US && a.days == 46);
	assert_true(interval_justify_days(&a));
	assert_true(a.months == 0 && a.days == 16);
	a = (struct interval){.us = -1, .days = 0, .months = 1};
	assert_true(interval_justify(&a));
	assert_true(a.months == 0 && a.days == 29 && a.us == DAY_US - 1);
	a = (struct interval){.months = 1};
	assert_true(interval_scale(&r, &a, 1.5, false));
	assert_true(r.months == 1 && r.days == 15 && r.us == 0);
	assert_true(interval_scale(&r, &a, 7, true));
	assert_true(r.months == 0 && r.days == 4 && r.us == 24685689600);
	assert_false(interval_scale(&r, &a, 1e10, false));
	assert_true(interval_span(&(struct interval){.months = 1}) ==
		interval_span(&(struct interval){.days = 30}));
	a = (struct interval){.days = INT32_MAX};
	assert_false(interval_add(&r, &a, &(struct interval){.days = 1}));
	assert_false(interval_sub(&r, &(struct interval){.days = -2}, &a));
}

/* A zone an hour east that is two hours east from April to October, 10 July for good. */
static size_t zone_bytes(uint8_t *p, uint16_t n, uint8_t k)
{
	int32_t before = 3600, west = -3600, second, offset;
	int64_t at = 1000000;
	size_t len = ZONE_HEADER;
	int kind, i;

	memset(p, 0, ZONE_HEADER);
	memcpy(p, &before, 4);
	memcpy(p + 4, &n, 2);
	p[6] = k;
	at = 1577836800; /* 2020-01-01 */
	memcpy(p + 8, &at, 8);
	for (i = 0; i < n; i++, len += ZONE_TRANSITION) {
		at = 1000000 * (i + 1ll);
		memcpy(p + len, &at, 8);
		memcpy(p + len + 8, i % 2 ? &before : &west, 4);
	}
	for (kind = 0; kind < ZONE_KINDS; kind++)
		for (i = 0; i < k; i++, len += ZONE_YEARLY) {
			second = (i ? 300 : 90 + kind) * DAY_SECONDS;
			offset = i ? 3600 : 7200;
			memcpy(p + len, &second, 4);
			memcpy(p + len + 4, &offset, 4);
		}
	return len;
}

static void test_zone(void **state)
{
	uint8_t bytes[1024];
	size_t len = zone_bytes(bytes, 3, 2), i;
	struct timezone_rules z, keep;
	int64_t start;
	uint32_t kind;

	memset(&keep, 1, sizeof keep);
	z = keep;
	for (i = 0; i < len; i++) /* cut anywhere, it is none */
		assert_false(timezone_parse(&z, bytes, i));
	assert_false(timezone_parse(&z, bytes, len + 1));
	bytes[6] = ZONE_YEARLY_MAX + 1;
	assert_false(timezone_parse(&z, bytes, len));
	assert_memory_equal(&z, &keep, sizeof z);
	bytes[6] = 2;
	assert_true(timezone_parse(&z, bytes, len));

	assert_int_equal(timezone_offset(&z, 0), 3600);
	assert_int_equal(timezone_offset(&z, 999999), 3600);
	assert_int_equal(timezone_offset(&z, 1000000), -3600);
	assert_int_equal(timezone_offset(&z, 2000000), 3600);
	assert_int_equal(timezone_offset(&z, 1500000000), -3600);
	assert_int_equal(timezone_offset(&z, INT64_MIN), 3600);

	/* clocks go back two hours at 1000000: what came twice is the later one */
	assert_int_equal(timezone_offset_local(&z, 1000000 - 3601), 3600);
	assert_int_equal(timezone_offset_local(&z, 1000000 - 3600), -3600);
	assert_int_equal(timezone_offset_local(&z, 1000000 + 3599), -3600);
	/* forward again at 2000000: what was skipped counts as before */
	assert_int_equal(timezone_offset_local(&z, 2000000 - 3601), -3600);
	assert_int_equal(timezone_offset_local(&z, 2000000 - 3600), -3600);
	assert_int_equal(timezone_offset_local(&z, 2000000 + 3599), -3600);
	assert_int_equal(timezone_offset_local(&z, 2000000 + 3600), 3600);

	/* later years, by their kind; and as the year before ended */
	kind = timezone_year_kind(2023, &start);
	assert_int_equal(kind, 0); /* a Sunday */
	assert_int_equal(start, 1672531200);
	assert_int_equal(timezone_offset(&z, start), 3600);
	assert_int_equal(timezone_offset(&z, start + 90 * DAY_SECONDS - 1), 3600);
	assert_int_equal(timezone_offset(&z, start + 90 * DAY_SECONDS), 7200);
	assert_int_equal(timezone_offset(&z, start + 300 * DAY_SECONDS), 3600);
	kind = timezone_year_kind(2024, &start);
	assert_int_equal(kind, 8); /* a Monday, leap */
	assert_int_equal(timezone_offset(&z, start + 98 * DAY_SECONDS - 1), 3600);
	assert_int_equal(timezone_offset(&z, start + 98 * DAY_SECONDS), 7200);
	assert_int_equal(timezone_offset(&z, INT64_MAX), timezone_offset(&z, INT64_MAX - 1));
	assert_int_equal(timezone_offset_local(&timezone_utc, 77), 0);
}

static enum datefield field(const char *name, bool extract)
{
	return datefield_of((const uint8_t *)name, (uint32_t)strlen(name), extract);
}

static void test_fields(void **state)
{
	assert_int_equal(field("year", false), FIELD_YEAR);
	assert_int_equal(field("YeaRs", true), FIELD_YEAR);
	assert_int_equal(field("microseconds", true), FIELD_MICROSECONDS);
	assert_int_equal(field("timezone_hour", true), FIELD_ZONE_HOUR);
	assert_int_equal(field("m", true), FIELD_MINUTE);
	assert_int_equal(field("dow", true), FIELD_DOW);
	assert_int_equal(field("dow", false), FIELD_UNKNOWN);
	assert_int_equal(field("epoch", true), FIELD_EPOCH);
	assert_int_equal(field("today", true), FIELD_RESERVED);
	assert_int_equal(field("january", true), FIELD_UNKNOWN);
	assert_int_equal(field("ago", true), FIELD_UNKNOWN);
	assert_int_equal(field("", true), FIELD_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_weeks),
		cmocka_unit_test(test_months),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
