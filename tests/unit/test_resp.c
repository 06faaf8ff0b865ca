/* SPDX-License-Identifier: BSD-3-Clause */
/* Scope: client/resp.h: every type of RESP2 and RESP3, and what is not exactly one value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resp.h"

static struct cxlring_reply *parse(const char *text)
{
	return resp_parse(text, strlen(text));
}

static void one(const char *text, int type, const char *str, int64_t integer)
{
	struct cxlring_reply *r = parse(text);

	assert_non_null(r);
	assert_int_equal(r->type, type);
	assert_int_equal(r->integer, integer);
	assert_int_equal(r->elements, 0);
	if (str) {
		assert_int_equal(r->len, strlen(str));
		assert_string_equal(r->str, str);
	} else {
		assert_null(r->str);
	}
	cxlring_free(r);
}

static void test_scalars(void **state)
{
	struct cxlring_reply *r;

	one("+OK\r\n", CXLRING_STATUS, "OK", 0);
	one("-ERR no\r\n", CXLRING_ERROR, "ERR no", 0);
	one(":-12\r\n", CXLRING_INTEGER, NULL, -12);
	one("$3\r\na\rb\r\n", CXLRING_STRING, "a\rb", 0);
	one("$0\r\n\r\n", CXLRING_STRING, "", 0);
	one("$-1\r\n", CXLRING_NIL, NULL, 0);
	one("*-1\r\n", CXLRING_NIL, NULL, 0);
	one("_\r\n", CXLRING_NIL, NULL, 0);
	one("#t\r\n", CXLRING_BOOL, NULL, 1);
	one("#f\r\n", CXLRING_BOOL, NULL, 0);
	one("(12345678901234567890123\r\n", CXLRING_BIGNUM, "12345678901234567890123", 0);
	one("=8\r\ntxt:some\r\n", CXLRING_VERB, "some", 0);
	one("*0\r\n", CXLRING_ARRAY, NULL, 0);
	r = parse(",1.5\r\n");
	assert_non_null(r);
	assert_true(r->type == CXLRING_DOUBLE && r->dval == 1.5);
	cxlring_free(r);
	r = parse(",inf\r\n");
	assert_non_null(r);
	assert_true(isinf(r->dval));
	cxlring_free(r);
}

static void test_nested(void **state)
{
	struct cxlring_reply *r = parse("*3\r\n%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n$1\r\nx\r\n"
									">1\r\n_\r\n|1\r\n+ttl\r\n:9\r\n$2\r\nhi\r\n");

	assert_non_null(r);
	assert_int_equal(r->elements, 3);
	assert_int_equal(r->element[0]->type, CXLRING_MAP);
	assert_int_equal(r->element[0]->elements, 4); /* keys and values */
	assert_int_equal(r->element[0]->element[3]->type, CXLRING_SET);
	assert_string_equal(r->element[0]->element[3]->element[0]->str, "x");
	assert_int_equal(r->element[1]->type, CXLRING_PUSH);
	assert_string_equal(r->element[2]->str, "hi"); /* the attribute is dropped */
	cxlring_free(r);
}

static void test_many_children(void **state)
{
	enum { N = 1000 };
	char text[8 + N * 8];
	struct cxlring_reply *r;
	size_t i, len = (size_t)sprintf(text, "*%d\r\n", N);

	for (i = 0; i < N; i++)
		len += (size_t)sprintf(text + len, ":%zu\r\n", i);
	r = resp_parse(text, len);
	assert_non_null(r);
	assert_int_equal(r->elements, N);
	for (i = 0; i < N; i++)
		assert_int_equal(r->element[i]->integer, i);
	cxlring_free(r);
}

static void test_not_one_value(void **state)
{
	static const char *const bad[] = {"", "+", "+OK", "+OK\r", "+OK\n", "OK\r\n", ":\r\n",
		":x\r\n", ":1 2\r\n", "$\r\n", "$5\r\nabc\r\n", "$-2\r\n", "$3\r\nabcd\r\n",
		"$3\r\nabcxx", /* bug: the two bytes behind a string were not looked at */
		"*1\r\n", "*2\r\n:1\r\n", "*-2\r\n", "%1\r\n:1\r\n", "%-1\r\n",
		"*99999999999\r\n", "$9223372036854775807\r\n", "+OK\r\n+OK\r\n", "*1\r\n!\r\n",
		"|1\r\n:1\r\n", "|9\r\n:1\r\n" /* bug: a broken attribute was skipped */};
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct cxlring_reply *r = parse(bad[i]);

		if (r)
			print_error("taken for a value: \"%s\"\n", bad[i]);
		assert_null(r);
	}
	assert_null(resp_parse("\0\r\n", 3));
}

static void test_too_deep(void **state)
{
	char text[100 * 4 + 8] = "";
	struct cxlring_reply *r;
	int i;

	for (i = 0; i < 60; i++)
		strcat(text, "*1\r\n");
	strcat(text, "_\r\n");
	r = parse(text);
	assert_non_null(r);
	cxlring_free(r);
	text[0] = 0;
	for (i = 0; i < 100; i++)
		strcat(text, "*1\r\n");
	strcat(text, "_\r\n");
	assert_null(parse(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_many_children),
		cmocka_unit_test(test_not_one_value),
		cmocka_unit_test(test_too_deep),
	};

	return cmocka_run_group_tests_name("resp", tests, NULL, NULL);
}
