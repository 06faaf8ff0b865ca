/* SPDX-License-Identifier: BSD-3-Clause */
/* Scope: bench_dist.h: each distribution has the shape that its name promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench_dist.h"

enum { DRAWS = 1000000 };

/*
 * Chi-square of counts beside what is expected of them. With k bins and the right
 * distribution it is k - 1 on average, and 5 standard deviations above that once in
 * three million seeds; the seeds here are fixed.
 */
static void fits(const double *count, const double *expect, int k)
{
	double x = 0, limit = k - 1 + 5 * sqrt(2.0 * (k - 1));
	int i;

	for (i = 0; i < k; i++)
		x += (count[i] - expect[i]) * (count[i] - expect[i]) / expect[i];
	if (x > limit)
		fail_msg("chi-square %.1f of %d bins, at most %.1f", x, k, limit);
}

static void numbers_are_even(void **state)
{
	enum { BINS = 100 };
	double count[BINS] = {0}, expect[BINS], unit[BINS] = {0};
	struct rng r;
	int i;

	rng_seed(&r, 1, 0);
	for (i = 0; i < DRAWS; i++) {
		uint64_t n = rng_below(&r, BINS);
		double u = rng_unit(&r);

		assert_true(n < BINS);
		assert_true(u >= 0 && u < 1);
		count[n]++;
		unit[(int)(u * BINS)]++;
	}
	for (i = 0; i < BINS; i++)
		expect[i] = (double)DRAWS / BINS;
	fits(count, expect, BINS);
	fits(unit, expect, BINS);
}

static void streams_differ(void **state)
{
	struct rng a, b, c;

	rng_seed(&a, 1, 0);
	rng_seed(&b, 1, 1);
	rng_seed(&c, 1, 0);
	assert_true(rng_next(&a) != rng_next(&b));
	rng_next(&c);
	assert_int_equal(rng_next(&a), rng_next(&c));
}

static void uniform_is(void **state)
{
	enum { ITEMS = 1000 };
	static double count[ITEMS], expect[ITEMS];
	struct dist d;
	struct rng r;
	int i;

	rng_seed(&r, 7, 0);
	dist_init(&d, DIST_UNIFORM, ITEMS);
	for (i = 0; i < DRAWS; i++)
		count[dist_draw(&d, &r, ITEMS)]++;
	for (i = 0; i < ITEMS; i++)
		expect[i] = (double)DRAWS / ITEMS;
	fits(count, expect, ITEMS);
}

/* What rank i of n has: 1 / (i + 1)^theta over their sum. */
static double share(int i, int n, double theta)
{
	double sum = 0;
	int k;

	for (k = 1; k <= n; k++)
		sum += 1 / pow(k, theta);
	return 1 / pow(i + 1, theta) / sum;
}

/*
 * Gray's method is exact for the first two ranks and an approximation of the rest, a few
 * percent off at first: so the first two are tested sharply, the others within 15 %, by
 * powers of two.
 */
static void zipf_is(void **state)
{
	enum { ITEMS = 1024 };
	double count[11] = {0}, want;
	struct zipf z;
	struct rng r;
	int i, bin;

	rng_seed(&r, 3, 0);
	zipf_init(&z, ITEMS, 0.99);
	for (i = 0; i < DRAWS; i++) {
		uint64_t rank = zipf_draw(&z, &r);

		assert_true(rank < ITEMS);
		for (bin = 0; rank + 1 >= 2u << bin; bin++)
			;
		count[bin]++;
	}
	for (bin = 0; bin < 10; bin++) {
		for (want = 0, i = (1 << bin) - 1; i < (2 << bin) - 1; i++)
			want += DRAWS * share(i, ITEMS, 0.99);
		if (fabs(count[bin] / want - 1) > (bin == 0 ? 0.01 : 0.15))
			fail_msg("ranks from %d: %.0f, expected %.0f", (1 << bin) - 1, count[bin], want);
	}
	want = DRAWS * share(1, ITEMS, 0.99);
	for (i = 0, count[0] = 0; i < DRAWS; i++)
		count[0] += zipf_draw(&z, &r) == 1;
	assert_true(fabs(count[0] / want - 1) < 0.02);
}

static void zipf_grows_as_if_made_so(void **state)
{
	struct zipf a, b;

	zipf_init(&a, 100, 0.99);
	zipf_grow(&a, 5000);
	zipf_grow(&a, 4000); /* never less */
	zipf_init(&b, 5000, 0.99);
	assert_int_equal(a.items, 5000);
	assert_true(fabs(a.zetan - b.zetan) < 1e-9);
	assert_true(fabs(a.eta - b.eta) < 1e-12);
}

/* Few items, many draws of each: the most popular has what rank 0 of 10^10 has, with what
 * the hash adds to it of others, and those that follow it are spread over all. */
static void zipfian_is_skewed_and_spread(void **state)
{
	enum { ITEMS = 1000 };
	static double count[ITEMS];
	double top = 0;
	struct dist d;
	struct rng r;
	int i, most = 0, low = 0;

	rng_seed(&r, 5, 0);
	dist_init(&d, DIST_ZIPFIAN, ITEMS);
	for (i = 0; i < DRAWS; i++) {
		uint64_t k = dist_draw(&d, &r, ITEMS);

		assert_true(k < ITEMS);
		count[k]++;
	}
	for (i = 0; i < ITEMS; i++)
		if (count[i] > count[most])
			most = i;
	assert_int_equal(most, dist_fnv(0) % ITEMS); /* rank 0 */
	top = count[most] / DRAWS;
	assert_true(top > 1 / 26.469 && top < 1 / 26.469 + 0.005);
	/* rank 1 has 1 / 2^0.99 of it */
	top = (count[dist_fnv(1) % ITEMS] / DRAWS) * 26.469;
	assert_true(top > 0.5 && top < 0.65);
	/* neither half has it all */
	for (i = 0; i < ITEMS / 2; i++)
		low += (int)count[i];
	assert_true(low > DRAWS * 0.3 && low < DRAWS * 0.7);
}

static void latest_prefers_the_newest(void **state)
{
	enum { ITEMS = 1000, MORE = 500 };
	static double count[ITEMS + MORE];
	struct dist d;
	struct rng r;
	int i;

	rng_seed(&r, 9, 0);
	dist_init(&d, DIST_LATEST, ITEMS);
	for (i = 0; i < DRAWS; i++)
		count[dist_draw(&d, &r, ITEMS)]++;
	assert_true(fabs(count[ITEMS - 1] / DRAWS / share(0, ITEMS, 0.99) - 1) < 0.02);
	assert_true(fabs(count[ITEMS - 2] / DRAWS / share(1, ITEMS, 0.99) - 1) < 0.02);
	assert_true(count[ITEMS - 1] > 50 * count[0]);
	memset(count, 0, sizeof count);
	for (i = 0; i < DRAWS; i++)
		count[dist_draw(&d, &r, ITEMS + MORE)]++;
	assert_true(fabs(count[ITEMS + MORE - 1] / DRAWS / share(0, ITEMS + MORE, 0.99) - 1) < 0.02);
	assert_true(count[ITEMS + MORE - 1] > 5 * count[ITEMS - 1]);
}

/* FNV-1a of eight zero bytes, of 1, 0 ..., by the definition. */
static void fnv_is(void **state)
{
	uint64_t x, h;
	int i;

	for (x = 0; x < 300; x += 299) {
		h = 14695981039346656037ull;
		for (i = 0; i < 8; i++)
			h = (h ^ (x >> 8 * i & 0xff)) * 1099511628211ull;
		assert_int_equal(dist_fnv(x), (uint64_t)llabs((long long)h));
	}
	/* the first key of YCSB's hashed inserts, which its users know by sight */
	assert_int_equal(dist_fnv(0), 6284781860667377211ull);
	assert_int_equal(dist_fnv(1), 8517097267634966620ull);
}

static void names_are_read(void **state)
{
	enum dist_kind k;
	int i;

	for (i = 0; i < DISTS; i++) {
		assert_true(dist_parse(dist_name((enum dist_kind)i), &k));
		assert_int_equal(k, i);
	}
	assert_false(dist_parse("zipf", &k));
	assert_false(dist_parse("", &k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_even),
		cmocka_unit_test(streams_differ),
		cmocka_unit_test(uniform_is),
		cmocka_unit_test(zipf_is),
		cmocka_unit_test(zipf_grows_as_if_made_so),
		cmocka_unit_test(zipfian_is_skewed_and_spread),
		cmocka_unit_test(latest_prefers_the_newest),
		cmocka_unit_test(fnv_is),
		cmocka_unit_test(names_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
