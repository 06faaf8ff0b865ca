/* SPDX-License-Identifier: BSD-3-Clause */
/* Scope: client/scan.h: where each kind of RESP value ends, whatever the pieces are, and
 * what is no RESP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "scan.h"

/* The value, then another one's first byte: in every two pieces, and byte by byte. */
static void ends(const char *value, size_t len)
{
	size_t cut, i;

	for (cut = 0; cut <= len; cut++) {
		struct scan s = {0};
		size_t n = scan_feed(&s, value, cut);

		assert_int_equal(n, cut);
		assert_int_equal(s.done, cut == len);
		n += scan_feed(&s, value + cut, len + 1 - cut);
		if (!s.done || s.bad || n != len)
			fail_msg("%s: cut at %zu of %zu, ended at %zu", value, cut, len, n);
	}
	{
		struct scan s = {0};

		for (i = 0; i < len; i++) {
			assert_false(s.done);
			assert_int_equal(scan_feed(&s, value + i, 1), 1);
		}
		assert_true(s.done);
	}
}

#define ENDS(text) ends(text "+", sizeof(text) - 1)

static void test_where_values_end(void **state)
{
	ENDS("+OK\r\n");
	ENDS("+\r\n");
	ENDS("-ERR a - b\r\n");
	ENDS(":-12\r\n");
	ENDS("$2\r\nhi\r\n");
	ENDS("$0\r\n\r\n");
	ENDS("$4\r\n\r\n\r\n\r\n");
	ENDS("$-1\r\n");
	ENDS("*0\r\n");
	ENDS("*-1\r\n");
	ENDS("*2\r\n:1\r\n$1\r\nx\r\n");
	ENDS("*2\r\n*2\r\n*0\r\n*-1\r\n*1\r\n*1\r\n*1\r\n+x\r\n");
	ENDS("_\r\n");
	ENDS(",1.5e-3\r\n");
	ENDS("#t\r\n");
	ENDS("(123456789012345678901234567890\r\n");
	ENDS("=6\r\ntxt:ab\r\n");
	ENDS("!5\r\nERR x\r\n");
	ENDS("%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n");
	ENDS("~1\r\n$1\r\nx\r\n");
	ENDS(">2\r\n+a\r\n+b\r\n");
	ENDS("|1\r\n+a\r\n:1\r\n*1\r\n:2\r\n");
	ENDS("*1\r\n|1\r\n+a\r\n:1\r\n:2\r\n");
}

static void test_long_strings_need_no_memory(void **state)
{
	struct scan s = {0};
	char piece[1000];
	uint64_t left = 5000000002;

	memset(piece, '\r', sizeof piece);
	assert_int_equal(scan_feed(&s, "$5000000000\r\n", 13), 13);
	for (; left > sizeof piece; left -= sizeof piece)
		assert_int_equal(scan_feed(&s, piece, sizeof piece), sizeof piece);
	assert_false(s.done);
	assert_int_equal(scan_feed(&s, piece, sizeof piece), left);
	assert_true(s.done);
}

static void no_resp(const char *text)
{
	struct scan s = {0};

	scan_feed(&s, text, strlen(text));
	if (!s.bad || s.done)
		fail_msg("accepted: %s", text);
}

static void test_what_is_no_resp(void **state)
{
	no_resp("HTTP/1.1 200 OK\r\n");
	no_resp("\r\n");
	no_resp("+a\rb\r\n");
	no_resp("$\r\n");
	no_resp("$-\r\n");
	no_resp("$-2\r\nx");
	no_resp("$1x\r\nx\r\n");
	no_resp("$--1\r\n");
	no_resp("$1-\r\n");
	no_resp("*?\r\n");
	no_resp("$9999999999999999999\r\n");
	no_resp("*999999999999999999\r\n+a\r\n");
	no_resp("*1\r\nx\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_values_end),
		cmocka_unit_test(test_long_strings_need_no_memory),
		cmocka_unit_test(test_what_is_no_resp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
