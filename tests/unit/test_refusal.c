/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_refusal.c - scope: common/refusal.h: one line a second of each kind, every refusal that is
 * left out is counted in one line, and no flood of kinds is one of lines. The clock is the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "refusal.h"

static const uint8_t a[PEER_PRINT] = {1}, b[PEER_PRINT] = {2};
static struct refusals r;
static char more[REFUSAL_MORE], text[REFUSAL_TEXT];

static int begin(void **state)
{
	refusals_init(&r);
	return 0;
}

static void test_one_a_second(void **state)
{
	int i;

	assert_true(refusals_say(&r, a, "no right", 5000, more));
	assert_string_equal(more, "");
	for (i = 0; i < 7; i++)
		assert_false(refusals_say(&r, a, "no right", 5000 + REFUSAL_MS - 1, more));
	assert_true(refusals_say(&r, a, "no right", 5000 + REFUSAL_MS, more));
	assert_string_equal(more, " (and 7 more of this kind)");
	assert_false(refusals_left(&r, 5000 + 9 * REFUSAL_MS, text)); /* they have been told of */
}

static void test_kinds_are_reason_and_certificate(void **state)
{
	assert_true(refusals_say(&r, a, "no right", 5000, more));
	assert_true(refusals_say(&r, b, "no right", 5000, more));
	assert_true(refusals_say(&r, a, "another key", 5000, more));
	assert_true(refusals_say(&r, NULL, "no right", 5000, more));
	assert_false(refusals_say(&r, b, "no right", 5001, more));
}

static void test_the_last_ones_are_told_of(void **state)
{
	assert_true(refusals_say(&r, a, "no right", 5000, more));
	assert_false(refusals_say(&r, a, "no right", 5001, more));
	assert_false(refusals_left(&r, 5000 + REFUSAL_MS - 1, text)); /* another may come */
	assert_true(refusals_left(&r, 5000 + REFUSAL_MS, text));
	assert_string_equal(text, "1 more refused: no right");
	assert_false(refusals_left(&r, 5000 + REFUSAL_MS, text));
	assert_false(refusals_say(&r, a, "no right", 5000 + REFUSAL_MS + 1, more)); /* that was a line */
	assert_true(refusals_say(&r, a, "no right", 5000 + 2 * REFUSAL_MS, more));
}

/* Longer than is kept: the same all the same. */
static void test_long_reasons(void **state)
{
	char why[2 * sizeof(struct err_text)];

	memset(why, 'x', sizeof why);
	why[sizeof why - 1] = 0;
	assert_true(refusals_say(&r, a, why, 5000, more));
	assert_false(refusals_say(&r, a, why, 5001, more));
	assert_true(refusals_left(&r, 5000 + REFUSAL_MS, text));
	assert_non_null(strstr(text, "1 more refused: xxx"));
}

/* Reasons that are made up: ten thousand a second for ten seconds, all accounted for. */
static void test_flood_of_kinds(void **state)
{
	uint64_t now, said = 0, told = 0, lines = 0, left;
	char why[32];
	int i;

	for (now = 5000; now < 15000; now += 100) {
		for (i = 0; i < 1000; i++) {
			snprintf(why, sizeof why, "reason %llu", (unsigned long long)now * 1000 + i);
			said += refusals_say(&r, a, why, now, more);
		}
		for (; refusals_left(&r, now, text); lines++)
			told += strtoull(text, NULL, 10);
	}
	for (; refusals_left(&r, 99999, text); lines++)
		told += strtoull(text, NULL, 10);
	left = 100 * 1000 - said;
	assert_int_equal(told, left);
	assert_in_range(said, 10, 11 * REFUSAL_KINDS);
	assert_in_range(lines, 1, 11);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup(t, begin)
	const struct CMUnitTest tests[] = {
		TEST(test_one_a_second),
		TEST(test_kinds_are_reason_and_certificate),
		TEST(test_the_last_ones_are_told_of),
		TEST(test_long_reasons),
		TEST(test_flood_of_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
