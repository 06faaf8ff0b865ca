/* SPDX-License-Identifier: BSD-3-Clause */
/* Scope: client/words.h: words and what is put into them, as hiredis' redisCommand() has
 * it (its own formatter is asked); formats that cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "words.h"

/* The words as RESP, which is what hiredis makes of a format. */
static char *resp_of(const struct words *w, size_t *len)
{
	char *p = NULL;
	FILE *f = open_memstream(&p, len);
	size_t i;

	assert_non_null(f);
	fprintf(f, "*%zu\r\n", w->n);
	for (i = 0; i < w->n; i++) {
		fprintf(f, "$%zu\r\n", w->lens[i]);
		fwrite(w->v[i], 1, w->lens[i], f);
		fputs("\r\n", f);
	}
	fclose(f);
	return p;
}

static void alike(const char *fmt, ...)
{
	char *wanted = NULL, *got;
	struct words w;
	size_t len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = redisvFormatCommand(&wanted, fmt, ap);
	va_end(ap);
	assert_true(n > 0);
	va_start(ap, fmt);
	assert_int_equal(words_format(&w, fmt, ap), 0);
	va_end(ap);
	got = resp_of(&w, &len);
	if (len != (size_t)n || memcmp(got, wanted, len) != 0)
		fail_msg("%s: %s instead of %s", fmt, got, wanted);
	words_free(&w);
	free(got);
	redisFreeCommand(wanted);
}

static void test_as_hiredis(void **state)
{
	char big[100000];

	memset(big, 'b', sizeof big);
	alike("PING");
	alike("  SET   key  value ");
	alike("SET %s %s", "a key", "a  value");
	alike("SET %b %b", "k\0\r\n", (size_t)4, "", (size_t)0);
	alike("SET %s %b", "", big, sizeof big);
	alike("SET key:%s:%d v%%%s", "a b", -7, "x");
	alike("GET %%s");
	alike("INCRBY n %d", INT32_MIN);
	alike("INCRBY n %lld", INT64_MAX);
	alike("INCRBY n %ld %hd %hhd %u %x %o", -5l, -6, -7, 4000000000u, 255u, 8u);
	alike("X %i %llu %lu", 1, UINT64_MAX, 7ul);
	alike("X %f %.2f %e %g", 1.5, 2.25, -1e100, 1e-5);
	alike("X %5d|%-5d|%05d|%+d", 1, 2, 3, 4);
	alike("X %.40f", 1e300);
	alike("MSET %s %s %s %s %s %s %s %s %s %s %s %s", "1", "2", "3", "4", "5", "6", "7", "8", "9",
		"10", "11", "12");
}

static int format(struct words *w, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = words_format(w, fmt, ap);
	va_end(ap);
	return rc;
}

/* What hiredis lacks. */
static void test_more_than_hiredis(void **state)
{
	struct words w;

	assert_int_equal(format(&w, "X %zu %c", (size_t)42, 'y'), 0);
	assert_int_equal(w.n, 3);
	assert_memory_equal(w.v[1], "42", 2);
	assert_memory_equal(w.v[2], "y", 1);
	words_free(&w);
	assert_int_equal(format(&w, "X %b", NULL, (size_t)0), 0);
	assert_int_equal(w.n, 2);
	assert_int_equal(w.lens[1], 0);
	words_free(&w);
}

static void refused(struct words *w, int rc)
{
	assert_int_equal(rc, -EINVAL);
	assert_int_equal(w->n, 0);
	assert_null(w->v);
	words_free(w);
}

static void test_formats_that_cannot_be(void **state)
{
	static const char *const formats[] = {"", "   ", "X %", "X %y", "X %q", "X %*d", "X %n",
		"X %lls", "X %p", "X %hhf", "X %ls", "X %1000d", "X %0000000000000000000000000000d"};
	struct words w;
	size_t i;

	for (i = 0; i < sizeof formats / sizeof *formats; i++)
		refused(&w, format(&w, formats[i], 1, 2, 3));
	refused(&w, format(&w, "X %b", NULL, (size_t)5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_hiredis),
		cmocka_unit_test(test_more_than_hiredis),
		cmocka_unit_test(test_formats_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
