/* SPDX-License-Identifier: BSD-3-Clause */
/* Scope: resp.h: each type of RESP2 and RESP3, and what is refused of a hostile server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resp.h"

/* resp.c's malloc() comes by here: the linker's --wrap. */
static size_t allocated;
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
	allocated += size;
	return __real_malloc(size);
}

/* The bytes on the heap, as many as there are: a sanitizer sees one too far. */
static struct cxlring_reply *parse(const char *text, size_t len)
{
	char *p = malloc(len ? len : 1);
	struct cxlring_reply *r;

	assert_non_null(p);
	memcpy(p, text, len);
	r = resp_parse(p, len);
	free(p);
	return r;
}

#define PARSE(text) parse(text, sizeof text - 1)

static void refused(const char *text, size_t len)
{
	struct cxlring_reply *r = parse(text, len);

	if (r)
		fail_msg("accepted: %.*s", (int)len, text);
}

#define REFUSED(text) refused(text, sizeof text - 1)

static void is_text(struct cxlring_reply *r, int type, const char *text, size_t len)
{
	assert_non_null(r);
	assert_int_equal(r->type, type);
	assert_int_equal(r->len, len);
	assert_memory_equal(r->str, text, len);
	assert_int_equal(r->str[len], 0);
	cxlring_free(r);
}

static void is_integer(struct cxlring_reply *r, int type, int64_t v)
{
	assert_non_null(r);
	assert_int_equal(r->type, type);
	assert_true(r->integer == v);
	cxlring_free(r);
}

static void is_many(struct cxlring_reply *r, int type, size_t n)
{
	assert_non_null(r);
	assert_int_equal(r->type, type);
	assert_int_equal(r->elements, n);
	cxlring_free(r);
}

static void test_lines(void **state)
{
	is_text(PARSE("+OK\r\n"), CXLRING_STATUS, "OK", 2);
	is_text(PARSE("+\r\n"), CXLRING_STATUS, "", 0);
	is_text(PARSE("-ERR no\r\n"), CXLRING_ERROR, "ERR no", 6);
	is_text(PARSE("(123456789012345678901\r\n"), CXLRING_BIGNUM, "123456789012345678901", 21);
	is_integer(PARSE("_\r\n"), CXLRING_NIL, 0);
	is_integer(PARSE("#t\r\n"), CXLRING_BOOL, 1);
	is_integer(PARSE("#f\r\n"), CXLRING_BOOL, 0);
	REFUSED("_x\r\n");
	REFUSED("#\r\n");
	REFUSED("#true\r\n");
	REFUSED("#0\r\n");
}

static void test_integers(void **state)
{
	is_integer(PARSE(":-5\r\n"), CXLRING_INTEGER, -5);
	is_integer(PARSE(":9223372036854775807\r\n"), CXLRING_INTEGER, INT64_MAX);
	is_integer(PARSE(":-9223372036854775808\r\n"), CXLRING_INTEGER, INT64_MIN);
	REFUSED(":9223372036854775808\r\n");
	REFUSED(":\r\n");
	REFUSED(":-\r\n");
	REFUSED(": 1\r\n");
	REFUSED(":1 \r\n");
	REFUSED(":1\0002\r\n");
	REFUSED(":00000000000000000000000000000000000001\r\n");
}

static void test_doubles(void **state)
{
	struct cxlring_reply *r = PARSE(",2.5\r\n");

	assert_non_null(r);
	assert_true(r->dval == 2.5);
	is_text(r, CXLRING_DOUBLE, "2.5", 3);
	is_text(PARSE(",-inf\r\n"), CXLRING_DOUBLE, "-inf", 4);
	is_text(PARSE(",nan\r\n"), CXLRING_DOUBLE, "nan", 3);
	REFUSED(",\r\n");
	REFUSED(",2.5x\r\n");
	REFUSED(",2\0005\r\n");
}

static void test_strings(void **state)
{
	is_text(PARSE("$0\r\n\r\n"), CXLRING_STRING, "", 0);
	is_text(PARSE("$5\r\na\0\r\nb\r\n"), CXLRING_STRING, "a\0\r\nb", 5);
	is_integer(PARSE("$-1\r\n"), CXLRING_NIL, 0);
	is_text(PARSE("=7\r\ntxt:abc\r\n"), CXLRING_VERB, "abc", 3);
	REFUSED("$-2\r\n");
	REFUSED("$3\r\nabcde"); /* its end is no line end */
	REFUSED("$4\r\nabc\r\n");
	REFUSED("$2\r\nabc\r\n");
	REFUSED("$9223372036854775807\r\nabc\r\n");
	REFUSED("=3\r\nabc\r\n");
	REFUSED("=4\r\nabcd\r\n");
}

static void test_many(void **state)
{
	struct cxlring_reply *r = PARSE("*3\r\n:1\r\n*1\r\n$-1\r\n+x\r\n");

	assert_non_null(r);
	assert_int_equal(r->element[1]->elements, 1);
	assert_int_equal(r->element[1]->element[0]->type, CXLRING_NIL);
	is_many(r, CXLRING_ARRAY, 3);
	is_many(PARSE("*0\r\n"), CXLRING_ARRAY, 0);
	is_integer(PARSE("*-1\r\n"), CXLRING_NIL, 0);
	is_many(PARSE("%1\r\n+k\r\n_\r\n"), CXLRING_MAP, 2);
	is_many(PARSE("~2\r\n_\r\n_\r\n"), CXLRING_SET, 2);
	is_many(PARSE(">1\r\n_\r\n"), CXLRING_PUSH, 1);
	REFUSED("*1\r\n");
	REFUSED("*1\r\n_\r\n_\r\n");
	REFUSED("%1\r\n+k\r\n");
	REFUSED("*-2\r\n");
	REFUSED("%-1\r\n");
	REFUSED("%9223372036854775807\r\n_\r\n_\r\n");
	REFUSED("*4294967297\r\n_\r\n");
}

/* An attribute is dropped, but a wrong one makes the reply wrong. */
static void test_attributes(void **state)
{
	is_integer(PARSE("|1\r\n+ttl\r\n:9\r\n:5\r\n"), CXLRING_INTEGER, 5);
	is_integer(PARSE("|0\r\n:5\r\n"), CXLRING_INTEGER, 5);
	REFUSED("|1\r\n+ttl\r\n:9\r\n");
	REFUSED("|-1\r\n:5\r\n");
	REFUSED("|9\r\n:5\r\n");
}

static void test_truncated(void **state)
{
	static const char whole[] = "*6\r\n%1\r\n+k\r\n,1.5\r\n=5\r\ntxt:a\r\n$2\r\n\r\n\r\n"
								"|1\r\n#t\r\n_\r\n~0\r\n-E x\r\n(12\r\n";
	size_t i;

	for (i = 0; i < sizeof whole - 1; i++)
		refused(whole, i);
	is_many(PARSE(whole), CXLRING_ARRAY, 6);
	REFUSED("+OK\r");
	REFUSED("+OK\n");
	REFUSED("+a\rb\r\n");
	REFUSED("\0\r\n");
	REFUSED("?1\r\n");
}

static void test_depth(void **state)
{
	char text[4 * 64 + 3], *p = text;
	int i;

	for (i = 0; i < 64; i++, p += 4)
		memcpy(p, "*1\r\n", 4);
	memcpy(p, "_\r\n", 3);
	is_many(parse(text + 4, sizeof text - 4), CXLRING_ARRAY, 1);
	refused(text, sizeof text);
}

/* Each level may not announce all the rest anew: 60 such levels would be 160 times that. */
static void test_announced(void **state)
{
	enum { LEN = 1 << 20, LEVELS = 60 };
	char *text = malloc(LEN), head[16];
	size_t at = 0, i;

	assert_non_null(text);
	for (i = 0; i < LEVELS; i++, at += strlen(head)) {
		snprintf(head, sizeof head, "*%d\r\n", (LEN - 1024) / 3);
		memcpy(text + at, head, strlen(head));
	}
	for (; at + 3 <= LEN; at += 3)
		memcpy(text + at, "_\r\n", 3);
	allocated = 0;
	refused(text, at);
	assert_in_range(allocated, LEN, 8 * LEN);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_announced),
	};

	return cmocka_run_group_tests_name("resp", tests, NULL, NULL);
}
