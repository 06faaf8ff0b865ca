/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_arena.c - scope: common/arena.h: alignment, growth, the limit, a grow() that
 * fails, and that reset wipes whatever was given out before it gives memory back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "arena.h"
#include "../rig.h"

#include <sodium.h>

enum { FIRST = 4096, MAX = 8 << 20, CHUNKS = 64, FRESH = 0xee };

static uint8_t first[FIRST] __attribute__((aligned(64)));
static struct arena a;
static struct {
	uint8_t *p;
	size_t n;
} grown[CHUNKS];
static int ngrown, failing;

static void *grow(size_t n)
{
	void *p = failing || ngrown == CHUNKS ? NULL : malloc(n);

	if (p) {
		memset(p, FRESH, n);
		grown[ngrown].p = p;
		grown[ngrown++].n = n;
	}
	return p;
}

/* Newest first, and behind the header there is what was wiped, and then what was never used. */
static void give_back(void *p)
{
	size_t i;

	assert_true(ngrown > 0);
	assert_ptr_equal(p, grown[--ngrown].p);
	for (i = 16; i < grown[ngrown].n && ((uint8_t *)p)[i] == 0; i++)
		;
	for (; i < grown[ngrown].n; i++)
		assert_int_equal(((uint8_t *)p)[i], FRESH);
	free(p);
}

static int setup(void **state)
{
	memset(first, 0, sizeof first);
	failing = 0;
	arena_init(&a, first, sizeof first, MAX, grow, give_back);
	return 0;
}

static int teardown(void **state)
{
	arena_reset(&a);
	return ngrown != 0;
}

static void test_aligned_and_apart(void **state)
{
	uint8_t *last = arena_alloc(&a, 0), *p;
	size_t n;

	assert_non_null(last);
	for (n = 0; n < 70; n++) {
		p = arena_alloc(&a, n);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(p >= last);
		memset(p, 0xaa, n);
		last = p + n;
	}
	assert_true(last <= first + FIRST);
	assert_int_equal(ngrown, 0);
	arena_reset(&a);
	assert_true(sodium_is_zero(first, FIRST));
	assert_ptr_equal(arena_alloc(&a, 16), first);
}

static void test_first_chunk_to_the_last_byte(void **state)
{
	uint8_t *p = arena_alloc(&a, FIRST);

	assert_ptr_equal(p, first);
	memset(p, 0xaa, FIRST);
	assert_non_null(arena_alloc(&a, 0));
	assert_int_equal(ngrown, 0);
	assert_non_null(arena_alloc(&a, 1));
	assert_int_equal(ngrown, 1);
	arena_reset(&a);
	assert_int_equal(ngrown, 0);
	assert_true(sodium_is_zero(first, FIRST));
}

static void test_grown_chunks_are_wiped_and_given_back(void **state)
{
	size_t sizes[] = {100, 1 << 20, 5000, 3 << 20, 17, 4096};
	size_t i;

	memset(arena_alloc(&a, 64), 0xaa, 64);
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		uint8_t *p = arena_alloc(&a, sizes[i]);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		memset(p, 0xaa, sizes[i]);
	}
	assert_true(ngrown >= 2);
	arena_reset(&a);
	assert_int_equal(ngrown, 0);
	assert_true(sodium_is_zero(first, FIRST));
	assert_true(a.total == 0);
	assert_ptr_equal(arena_alloc(&a, FIRST), first);
}

static void test_limit(void **state)
{
	assert_null(arena_alloc(&a, MAX + 1));
	assert_null(arena_alloc(&a, (size_t)1 << 62));
	assert_non_null(arena_alloc(&a, MAX));
	assert_null(arena_alloc(&a, FIRST + 1));
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, MAX));
}

static void test_no_more_memory(void **state)
{
	uint8_t *p;

	failing = 1;
	p = arena_alloc(&a, 64);
	assert_non_null(p);
	memset(p, 0xaa, 64);
	assert_null(arena_alloc(&a, FIRST));
	/* What was there before is still to be had. */
	assert_ptr_equal(arena_alloc(&a, 64), p + 64);
	arena_reset(&a);
	assert_true(sodium_is_zero(first, FIRST));
}

static void test_nothing_at_all(void **state)
{
	arena_init(&a, first, 0, 0, grow, give_back);
	assert_null(arena_alloc(&a, 1));
	arena_reset(&a);
}

/* So much is not given back, is wiped, and serves again. */
static void test_kept(void **state)
{
	enum { BIG = 2 << 20 };
	uint8_t *p;

	a.keep = 3 << 20;
	p = arena_alloc(&a, BIG);
	assert_non_null(p);
	memset(p, 1, BIG);
	arena_reset(&a);
	assert_int_equal(ngrown, 1);
	assert_true(sodium_is_zero(p, BIG));
	assert_ptr_equal(arena_alloc(&a, BIG - 100), p);
	assert_int_equal(ngrown, 1);
	arena_reset(&a);
	assert_ptr_equal(arena_alloc(&a, 1 << 20), p);
	arena_reset(&a);
	arena_fini(&a);
	assert_int_equal(ngrown, 0);
	/* More than that is given back. */
	a.keep = 1 << 20;
	assert_non_null(arena_alloc(&a, BIG));
	arena_reset(&a);
	assert_int_equal(ngrown, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_aligned_and_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_first_chunk_to_the_last_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_grown_chunks_are_wiped_and_given_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_more_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_at_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
