/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_kvrequest.c - scope: common/kvrequest.h: every verb of docs/protocol-kv.md, and of
 * each what does not add up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "kvrequest.h"

/* On the heap, as many bytes as there are: a sanitizer sees one too far. */
static uint8_t *request;

static int read_bytes(struct kvrequest *q, uint8_t kind, const char *bytes, size_t len)
{
	free(request);
	request = malloc(len + !len);
	assert_non_null(request);
	memcpy(request, bytes, len);
	return kvrequest_read(q, kind, request, len);
}

#define READ(kind, bytes) read_bytes(&q, kind, bytes, sizeof(bytes) - 1)
#define GOOD(kind, bytes) assert_int_equal(READ(kind, bytes), 0)
#define BAD(kind, bytes) assert_int_equal(READ(kind, bytes), -EPROTO)

static void is(const uint8_t *p, size_t len, const char *text)
{
	assert_non_null(p);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(p, text, len);
}

static void next_is(struct kvrequest *q, const char *text)
{
	uint32_t len = 0;
	const uint8_t *p = kvrequest_string(q, &len);

	is(p, len, text);
}

static void no_next(struct kvrequest *q)
{
	uint32_t len;

	assert_null(kvrequest_string(q, &len));
}

static void test_the_documents_examples(void **state)
{
	struct kvrequest q;

	GOOD(KV_GET, "\0\0\0\0\2\0\0\0k1");
	is(q.key, q.key_len, "k1");
	GOOD(KV_SET, "\0\0\20\0\2\0\0\0\11\0\0\0\0\0\0\0k1v");
	assert_int_equal(q.opt, KV_SET_EX);
	assert_int_equal(q.number, 9);
	is(q.key, q.key_len, "k1");
	is(q.value, q.value_len, "v");
	GOOD(KV_CALL, "\0\0\0\0\2\0\0\0\4\0\0\0LLEN\1\0\0\0l");
	assert_int_equal(q.nstrings, 2);
	next_is(&q, "LLEN");
	next_is(&q, "l");
	assert_int_equal(q.nstrings, 0);
	no_next(&q);
}

static void test_every_verb(void **state)
{
	struct kvrequest q;

	GOOD(KV_PING, "\0\0\0\0\0\0\0\0");
	assert_int_equal(q.key_len, 0);
	GOOD(KV_PING, "\0\0\0\0\2\0\0\0hi");
	is(q.key, q.key_len, "hi");
	GOOD(KV_GET, "\7\0\0\0\0\0\0\0");
	assert_int_equal(q.db, 7);
	assert_int_equal(q.key_len, 0);
	GOOD(KV_SET, "\0\0\1\0\1\0\0\0k");
	assert_int_equal(q.opt, KV_SET_NX);
	assert_int_equal(q.value_len, 0);
	GOOD(KV_INCRBY, "\0\0\0\0\1\0\0\0\376\377\377\377\377\377\377\377k");
	assert_int_equal(q.number, -2);
	is(q.key, q.key_len, "k");
	GOOD(KV_AUTH, "\0\0\0\0\3\0\0\0bobsesame");
	is(q.key, q.key_len, "bob");
	is(q.value, q.value_len, "sesame");
	GOOD(KV_AUTH, "\0\0\0\0\0\0\0\0sesame");
	assert_int_equal(q.key_len, 0);
	GOOD(KV_DEL, "\0\0\0\0\2\0\0\0\1\0\0\0a\0\0\0\0");
	next_is(&q, "a");
	next_is(&q, "");
	GOOD(KV_EXISTS, "\0\0\0\0\1\0\0\0\2\0\0\0ab");
	next_is(&q, "ab");
	GOOD(KV_CALL, "\0\0\1\0\1\0\0\0\4\0\0\0PING");
	assert_int_equal(q.opt, KV_CALL_RESP3);
}

static void test_what_does_not_add_up(void **state)
{
	struct kvrequest q;

	BAD(KV_GET, "");
	BAD(KV_GET, "\0\0\0\0\2\0\0");                  /* half a header */
	BAD(0, "\0\0\0\0\2\0\0\0k1");                   /* no such verbs */
	BAD(KV_STREAM, "\0\0\0\0\2\0\0\0k1");
	BAD(255, "\0\0\0\0\2\0\0\0k1");
	BAD(KV_GET, "\0\0\0\0\3\0\0\0k1");              /* key past the end */
	BAD(KV_GET, "\0\0\0\0\1\0\0\0k1");              /* more than the key */
	BAD(KV_GET, "\0\0\0\0\1\0\0 k1");               /* longer than a key may be */
	BAD(KV_GET, "\0\0\1\0\2\0\0\0k1");              /* options that it has not */
	BAD(KV_SET, "\0\0\0\1\2\0\0\0k1v");
	BAD(KV_CALL, "\0\0\2\0\1\0\0\0\4\0\0\0PING");
	BAD(KV_PING, "\0\0\0\0\0\0\0\0x");
	BAD(KV_SET, "\0\0\20\0\0\0\0\0\11\0\0\0\0\0\0"); /* half a time */
	BAD(KV_SET, "\0\0\20\0\2\0\0\0\11\0\0\0\0\0\0\0k");
	BAD(KV_INCRBY, "\0\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0");
	BAD(KV_INCRBY, "\0\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0kk");
	BAD(KV_AUTH, "\0\0\0\0\4\0\0\0bob");
	BAD(KV_DEL, "\0\0\0\0\0\0\0\0");                /* no strings */
	BAD(KV_DEL, "\0\0\0\0\2\0\0\0\1\0\0\0a");       /* more than there can be */
	BAD(KV_CALL, "\0\0\0\0\1\0\20\0\0\0\0\0");      /* more than are allowed */
}

static void test_strings_that_do_not_add_up(void **state)
{
	struct kvrequest q;

	GOOD(KV_DEL, "\0\0\0\0\2\0\0\0\3\0\0\0abcd");   /* the second length is cut short */
	next_is(&q, "abc");
	no_next(&q);
	GOOD(KV_DEL, "\0\0\0\0\1\0\0\0\4\0\0\0abc");    /* a string past the end */
	no_next(&q);
	GOOD(KV_DEL, "\0\0\0\0\1\0\0\0\2\0\0\0abc");    /* something follows */
	no_next(&q);
	GOOD(KV_CALL, "\0\0\0\0\2\0\0\0\377\377\377\377abcd");
	no_next(&q);
	no_next(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_documents_examples),
		cmocka_unit_test(test_every_verb),
		cmocka_unit_test(test_what_does_not_add_up),
		cmocka_unit_test(test_strings_that_do_not_add_up),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	free(request);
	return rc;
}
