/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_stats.c - scope: common/stats.h: buckets and their bounds, percentiles against
 * a sorted list, merging, and the values at both ends of the range.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "stats.h"
#include "../rig.h"

static struct hist a, b, both;

static void test_empty(void **state)
{
	hist_reset(&a);
	assert_true(hist_percentile(&a, 0) == 0);
	assert_true(hist_percentile(&a, 100) == 0);
	assert_true(hist_mean(&a) == 0);
	hist_reset(&b);
	hist_merge(&a, &b);
	assert_true(a.count == 0 && a.min == 0 && a.max == 0);
}

/* Buckets follow each other without a gap, and none is wider than 1/64 of its start. */
static void test_buckets(void **state)
{
	uint64_t start = 0, v;
	uint32_t last = 0, at;

	for (v = 1; v < 1 << 20; v++) {
		at = hist_bucket(v);
		assert_in_range(at, last, last + 1);
		if (at != last) {
			assert_true((v - start) * HIST_SUB <= start || v - start == 1);
			start = v;
		}
		last = at;
	}
	assert_int_equal(hist_bucket(0), 0);
	assert_int_equal(hist_bucket(HIST_SUB - 1), HIST_SUB - 1);
	assert_int_equal(hist_bucket((1ull << HIST_MAX_BITS) - 1), HIST_BUCKETS - 1);
	assert_int_equal(hist_bucket(1ull << HIST_MAX_BITS), HIST_BUCKETS - 1);
	assert_int_equal(hist_bucket(UINT64_MAX), HIST_BUCKETS - 1);
}

static void test_small_values_are_exact(void **state)
{
	uint64_t v;

	hist_reset(&a);
	for (v = 1; v <= 100; v++)
		hist_record(&a, v);
	for (v = 1; v <= 100; v++)
		assert_true(hist_percentile(&a, (double)v) == v);
	assert_true(hist_percentile(&a, 0) == 1);
	assert_true(hist_mean(&a) == 50.5);
	assert_true(a.min == 1 && a.max == 100 && a.count == 100);
}

static int by_value(const void *x, const void *y)
{
	uint64_t l = *(const uint64_t *)x, r = *(const uint64_t *)y;

	return (l > r) - (l < r);
}

static void test_percentiles_against_a_sorted_list(void **state)
{
	enum { N = 20000 };
	static uint64_t list[N];
	uint64_t seed = 1, got, want;
	double points[] = {0.1, 1, 10, 50, 90, 99, 99.9, 99.99, 100};
	size_t i;

	hist_reset(&a);
	for (i = 0; i < N; i++) {
		list[i] = rig_rand(&seed) >> rig_below(&seed, 40) >> 24;
		hist_record(&a, list[i]);
	}
	qsort(list, N, sizeof list[0], by_value);
	for (i = 0; i < sizeof points / sizeof points[0]; i++) {
		size_t rank = (size_t)(N * points[i] / 100 + 0.5);

		want = list[(rank ? rank : 1) - 1];
		got = hist_percentile(&a, points[i]);
		assert_true(got >= want && got - want <= want / HIST_SUB + 1);
	}
	assert_true(hist_percentile(&a, 100) == list[N - 1]);
}

static void test_merge_is_recording_all(void **state)
{
	uint64_t seed = 7;
	int i;

	hist_reset(&a);
	hist_reset(&b);
	hist_reset(&both);
	for (i = 0; i < 1000; i++) {
		uint64_t v = rig_rand(&seed) >> rig_below(&seed, 60);

		hist_record(i % 3 ? &a : &b, v);
		hist_record(&both, v);
	}
	hist_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof a);
	hist_reset(&b);
	hist_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof a);
	hist_merge(&b, &both);
	assert_memory_equal(&b, &both, sizeof b);
}

static void test_largest(void **state)
{
	hist_reset(&a);
	hist_record(&a, UINT64_MAX);
	assert_true(a.max == UINT64_MAX && a.min == UINT64_MAX);
	assert_true(hist_percentile(&a, 100) >= (1ull << HIST_MAX_BITS) - 1);
	hist_record(&a, 0);
	assert_true(a.min == 0);
	assert_true(hist_percentile(&a, 50) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_small_values_are_exact),
		cmocka_unit_test(test_percentiles_against_a_sorted_list),
		cmocka_unit_test(test_merge_is_recording_all),
		cmocka_unit_test(test_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
