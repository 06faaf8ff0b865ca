/* SPDX-License-Identifier: BSD-3-Clause */
/* test_secret.c - common/secret.h: sizes on both sides of the limit, alignment, guards, and
 * that nothing of it goes into a core dump. */
#include "secret.h"
#include "../rig.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

static const size_t sizes[] = {1, 16, 4096, (2 << 20) - 64, (2 << 20) - 63, 5 << 20, 33 << 20};

static void test_writable(void **state)
{
	size_t i;

	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		uint8_t *p = secret_alloc(sizes[i]);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		memset(p, 0x5a, sizes[i]);
		assert_int_equal(p[sizes[i] - 1], 0x5a);
		secret_free(p);
	}
	secret_free(NULL);
	assert_null(secret_alloc(SIZE_MAX));
	assert_null(secret_alloc(SIZE_MAX / 2));
}

/* Does a write there end the process? */
static bool kills(uint8_t *at)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		*(volatile uint8_t *)at = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status);
}

static void test_guards(void **state)
{
	const size_t size = 5 << 20, huge = 2 << 20;
	uint8_t *p = secret_alloc(size);

	assert_non_null(p);
	assert_true(kills(p - 64 - 1));
	assert_true(kills(p - 64 + (size + 64 + huge - 1) / huge * huge));
	assert_false(kills(p + size - 1));
	secret_free(p);
	assert_true(kills(p));
}

static void test_not_dumped(void **state)
{
	uint8_t *p = secret_alloc(5 << 20);

	assert_non_null(p);
	assert_true(rig_mapping_is(p, " dd"));
	assert_true(rig_mapping_is(p + (5 << 20) - 1, " dd"));
	secret_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writable),
		cmocka_unit_test(test_guards),
		cmocka_unit_test(test_not_dumped),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
