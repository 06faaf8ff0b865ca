/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_zone_request.c - scope: redis-module/zone_request.h: jobs as one request, byte for
 * byte; which jobs share one; replies, and bytes that are none, since whoever maps the
 * region may have written them. With Redis's allocator replaced. What a real ops_server
 * answers: tests/redis/enc.sh.
 */
#include "rm.h" /* defines what Redis would set */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>

#include <cmocka.h>

#include "cursor.h"
#include "value.h"
#include "zone_request.h"

enum { INT4_BYTES = 4 + VALUE_OVERHEAD };

/* Of that type, n bytes of plaintext, told apart by `mark`. */
static struct zone_bytes value(uint8_t *at, uint8_t type, size_t n, uint8_t mark)
{
	memset(at, mark, value_size(n));
	at[0] = (uint8_t)(VALUE_FORMAT << 6 | type);
	at[1] = 1;
	at[2] = 0;
	return (struct zone_bytes){at, value_size(n)};
}

static uint8_t a_bytes[2][64], b_bytes[2][64];

/* a < b of `rows` rows. */
static struct zone_job *less(uint32_t rows)
{
	struct zone_job *job = zone_job_create(rows, 0);
	struct zone_bytes a[2], b[2];
	uint32_t i;

	for (i = 0; i < rows; i++) {
		a[i] = value(a_bytes[i], T_INT4, 4, (uint8_t)(0x10 + i));
		b[i] = value(b_bytes[i], T_INT4, 4, (uint8_t)(0x20 + i));
	}
	zone_push(job, T_INT4, a, rows);
	zone_push(job, T_INT4, b, rows);
	zone_op(job, OP_enc_int4_lt);
	return job;
}

/* The sum of two int4, or of two texts' kin. */
static struct zone_job *pair(uint8_t type, uint16_t op)
{
	struct zone_job *job = zone_job_create(1, 0);
	struct zone_bytes a = value(a_bytes[0], type, 4, 1), b = value(b_bytes[0], type, 4, 2);

	zone_push(job, type, &a, 1);
	zone_push(job, type, &b, 1);
	zone_op(job, op);
	return job;
}

/* docs/protocol.md, "An example". */
static void test_example(void **state)
{
	static const uint8_t head[] = {2, 0, 3, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0x80, 1, 0x80, 0x12, 0};
	static const uint8_t reply[] = {0, 0x20, 0, 0, 1, 0, 0, 0, 1};
	struct zone_job *job = less(1);
	uint8_t out[18 + 2 * INT4_BYTES];
	struct err_text e;

	assert_int_equal(request_bytes(job), sizeof out);
	request_fill(job, out, sizeof out);
	assert_memory_equal(out, head, sizeof head);
	assert_memory_equal(out + sizeof head, a_bytes[0], INT4_BYTES);
	assert_memory_equal(out + sizeof head + INT4_BYTES, b_bytes[0], INT4_BYTES);
	assert_int_equal(request_answer(job, reply, sizeof reply, &e), 0);
	assert_int_equal(job->nrow, 1);
	assert_int_equal(job->row[0].value.len, 1);
	assert_int_equal(job->row[0].value.p[0], 1);
	request_drop(job);
}

/* Columns of several jobs stand one behind the other, and so do their rows. */
static void test_shared(void **state)
{
	static const uint8_t reply[] = {REPLY_STATES, T_PUB_BOOL, 0, 0, 3, 0, 0, 0,
		ROW_VALUE, ROW_FORGED, ROW_VALUE, 1, 0};
	struct zone_job *one = less(2), *two = less(1);
	struct request_room room;
	struct err_text e;
	uint8_t out[1024];

	request_begin(&room, one);
	assert_true(request_takes(&room, one, two));
	one->next = two;
	assert_int_equal(request_rows(one), 3);
	assert_int_equal(request_bytes(one), 18 + 6 * INT4_BYTES);
	request_fill(one, out, request_bytes(one));
	assert_int_equal(out[4], 3);
	assert_int_equal(out[18 + 3], 0x10);
	assert_int_equal(out[18 + INT4_BYTES + 3], 0x11);
	assert_int_equal(out[18 + 2 * INT4_BYTES + 3], 0x10);
	assert_int_equal(out[18 + 3 * INT4_BYTES + 3], 0x20);
	assert_int_equal(request_answer(one, reply, sizeof reply, &e), 0);
	assert_int_equal(one->nrow, 2);
	assert_int_equal(one->row[0].value.p[0], 1);
	assert_int_equal(one->row[1].state, ROW_FORGED);
	assert_int_equal(two->nrow, 1);
	assert_int_equal(two->row[0].value.p[0], 0);
	request_drop(one);
}

static bool together(struct zone_job *a, struct zone_job *b)
{
	struct request_room room;
	bool yes;

	request_begin(&room, a);
	yes = request_takes(&room, a, b);
	request_drop(a);
	request_drop(b);
	return yes;
}

static struct zone_job *many(uint32_t rows, size_t n)
{
	struct zone_job *job = zone_job_create(rows, 0);
	uint8_t *bytes = malloc(value_size(n));

	zone_push_same(job, T_TEXT, value(bytes, T_TEXT, n, 1), rows);
	zone_op(job, OP_enc_text_length);
	free(bytes);
	return job;
}

static struct zone_job *sum(void)
{
	struct zone_job *job = zone_job_create(2, 0);
	struct zone_bytes v = value(a_bytes[0], T_INT4, 4, 1);

	zone_push_same(job, T_INT4, v, 2);
	zone_op(job, OP_enc_int4_sum_bulk);
	return job;
}

static struct zone_job *one_for_all(void)
{
	struct zone_job *job = zone_job_create(2, 0);
	struct zone_bytes v = value(a_bytes[0], T_INT4, 4, 1);

	zone_push_same(job, T_INT4, v, 2);
	zone_push(job, T_INT4, &v, 1);
	zone_op(job, OP_enc_int4_lt);
	return job;
}

static void test_who_shares(void **state)
{
	assert_true(together(less(1), less(2)));
	assert_true(together(pair(T_INT4, OP_enc_int4_add), pair(T_INT4, OP_enc_int4_add)));
	assert_false(together(pair(T_INT4, OP_enc_int4_add), pair(T_INT4, OP_enc_int4_sub)));
	assert_false(together(pair(T_INT4, OP_enc_int4_cmp), pair(T_INT8, OP_enc_int8_cmp)));
	assert_false(together(sum(), sum()));
	assert_false(together(one_for_all(), one_for_all()));
	assert_true(together(many(4000, 4), many(96, 4)));
	assert_false(together(many(4000, 4), many(97, 4)));
	assert_true(together(many(1, 500 << 10), many(1, 500 << 10)));
	assert_false(together(many(1, 600 << 10), many(1, 500 << 10)));
}

/* An int4 less than another; keys and marks as said. */
static struct zone_job *under(uint8_t key_a, uint8_t key_b, uint8_t made)
{
	struct zone_job *job = zone_job_create(1, 0);
	struct zone_bytes a = value(a_bytes[0], T_INT4, 4, 1), b = value(b_bytes[0], T_INT4, 4, 2);

	a_bytes[0][1] = key_a;
	b_bytes[0][1] = key_b;
	b_bytes[0][0] |= made;
	zone_push(job, T_INT4, &a, 1);
	zone_push(job, T_INT4, &b, 1);
	zone_op(job, OP_enc_int4_lt);
	return job;
}

/* Two rows, of these keys. */
static struct zone_job *rows_under(uint8_t one, uint8_t other)
{
	struct zone_job *job = zone_job_create(2, 0);
	struct zone_bytes v[2] = {
		value(a_bytes[0], T_INT4, 4, 1), value(a_bytes[1], T_INT4, 4, 2)};

	a_bytes[0][1] = one;
	a_bytes[1][1] = other;
	zone_push(job, T_INT4, v, 2);
	return job;
}

static struct zone_job *again(struct zone_job *job)
{
	job->again = true;
	return job;
}

/* What one may be denied, and the other not. */
static void test_who_is_alike(void **state)
{
	assert_true(together(under(1, 2, 0), under(1, 2, 0)));
	assert_false(together(under(1, 2, 0), under(1, 3, 0)));
	assert_false(together(under(1, 2, 0), under(3, 2, 0)));
	assert_false(together(under(1, 2, 0), under(2, 1, 0)));
	assert_true(together(under(1, 1, VALUE_COMPUTED), under(1, 1, VALUE_COMPUTED)));
	assert_false(together(under(1, 1, VALUE_COMPUTED), under(1, 1, 0)));
	assert_true(together(rows_under(1, 1), rows_under(1, 1)));
	assert_false(together(rows_under(1, 2), rows_under(1, 2)));
	assert_false(together(rows_under(1, 1), rows_under(1, 2)));
	assert_false(together(rows_under(1, 2), rows_under(1, 1)));
	assert_false(together(again(less(1)), less(1)));
	assert_false(together(less(1), again(less(1))));
}

/* A value alone, sealed under its own domain's key or another's. */
static struct zone_job *into(const char *domain)
{
	struct zone_job *job = zone_job_create(1, 0);
	struct zone_bytes v = value(a_bytes[0], T_INT4, 4, 0x10);

	zone_push(job, T_INT4, &v, 1);
	strcpy(job->into, domain);
	return job;
}

/* PROGRAM_INTO: the name stands between head and program, and is all jobs' of a request. */
static void test_into(void **state)
{
	static const uint8_t head[] = {1, PROGRAM_INTO, 1, 0, 2, 0, 0, 0, 3, 'p', 'a', 'y', T_INT4, 0, 0, 0x80};
	struct zone_job *one = into("pay");
	uint8_t out[sizeof head + 2 * INT4_BYTES + 1] = {0};

	one->next = into("pay");
	assert_int_equal(request_bytes(one), sizeof head + 2 * INT4_BYTES);
	request_fill(one, out, request_bytes(one));
	assert_memory_equal(out, head, sizeof head);
	assert_memory_equal(out + sizeof head, a_bytes[0], INT4_BYTES);
	assert_memory_equal(out + sizeof head + INT4_BYTES, a_bytes[0], INT4_BYTES);
	assert_int_equal(out[sizeof head + 2 * INT4_BYTES], 0);
	request_drop(one);
	assert_true(together(into("pay"), into("pay")));
	assert_true(together(into(""), into("")));
	assert_false(together(into("pay"), into("")));
	assert_false(together(into(""), into("pay")));
	assert_false(together(into("pay"), into("pa")));
	one = into("12345678901234567890"); /* the longest */
	assert_int_equal(request_bytes(one), 8 + 21 + 2 + 2 + INT4_BYTES);
	request_drop(one);
}

/* A reply of two numerics, the middle row NULL. */
static size_t numerics(uint8_t *out)
{
	struct writer w = writer_of(out, 1024);
	uint8_t v[64];

	writer_u8(&w, REPLY_STATES | REPLY_SECRET);
	writer_u8(&w, T_NUMERIC);
	writer_u16(&w, 0);
	writer_u32(&w, 3);
	writer_u8(&w, ROW_VALUE);
	writer_u8(&w, ROW_NULL);
	writer_u8(&w, ROW_VALUE);
	writer_u32(&w, (uint32_t)value_size(10));
	writer_u32(&w, (uint32_t)value_size(12));
	writer_bytes(&w, value(v, T_NUMERIC, 10, 7).p, value_size(10));
	writer_bytes(&w, value(v, T_NUMERIC, 12, 8).p, value_size(12));
	return 1024 - w.left;
}

static struct zone_job *plus(void)
{
	struct zone_job *first = pair(T_NUMERIC, OP_enc_numeric_add);

	first->next = pair(T_NUMERIC, OP_enc_numeric_add);
	first->next->next = pair(T_NUMERIC, OP_enc_numeric_add);
	return first;
}

static void test_variable(void **state)
{
	struct zone_job *job = plus(), *last = job->next->next;
	uint8_t reply[1024];
	struct err_text e;

	assert_int_equal(request_answer(job, reply, numerics(reply), &e), 0);
	assert_int_equal(job->row[0].value.len, value_size(10));
	assert_int_equal(job->row[0].value.p[3], 7);
	assert_int_equal(job->next->row[0].state, ROW_NULL);
	assert_int_equal(last->row[0].value.len, value_size(12));
	assert_int_equal(last->row[0].value.p[3], 8);
	request_drop(job);
}

static int answer(const uint8_t *reply, size_t len)
{
	struct zone_job *job = plus(), *j;
	struct err_text e;
	uint8_t *exact = malloc(len + 1); /* so that a sanitizer sees a read beyond it */
	int rc;

	memcpy(exact, reply, len);
	rc = request_answer(job, exact, len, &e);
	free(exact);
	for (j = job; rc == 0 && j; j = j->next)
		if (j->row[0].state == ROW_VALUE)
			assert_true(j->row[0].value.p >= j->answer &&
						value_header_parse(j->row[0].value.p, j->row[0].value.len,
							&(struct value_header){0}) == 0);
	request_drop(job);
	return rc;
}

static void test_no_reply(void **state)
{
	uint8_t good[1024], bad[1025];
	size_t len = numerics(good), i;
	int round;

	assert_int_equal(answer(good, len), 0);
	for (i = 0; i < len; i++) /* cut short */
		assert_int_equal(answer(good, i), -EPROTO);
	memcpy(bad, good, len);
	assert_int_equal(answer(bad, len + 1), -EPROTO); /* and too long */
	for (i = 0; i < 8 + 3 + 8; i++) { /* each byte of what is before the values */
		memcpy(bad, good, len);
		bad[i] ^= 0xff;
		if (i != 2 && i != 3 && i != 9) /* zero, and another state than NULL */
			assert_int_equal(answer(bad, len), -EPROTO);
		else
			assert_int_equal(answer(bad, len), 0);
	}
	memcpy(bad, good, len);
	bad[8 + 3 + 8] ^= 1; /* a value of another type */
	assert_int_equal(answer(bad, len), -EPROTO);
	srand(1);
	for (round = 0; round < 100000; round++) {
		memcpy(bad, good, len);
		for (i = (size_t)rand() % 4 + 1; i; i--)
			bad[(size_t)rand() % 40 % len] = (uint8_t)rand();
		answer(bad, len - (size_t)rand() % 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_example),
		cmocka_unit_test(test_shared), cmocka_unit_test(test_who_shares),
		cmocka_unit_test(test_who_is_alike), cmocka_unit_test(test_into), cmocka_unit_test(test_variable), cmocka_unit_test(test_no_reply)};

	RedisModule_Alloc = malloc;
	RedisModule_Calloc = calloc;
	RedisModule_Free = free;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
