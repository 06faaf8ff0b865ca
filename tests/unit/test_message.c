/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_message.c - scope: common/message.h over a small ring: one frame in place, many
 * frames, a ring that is full in between, every error of the header, memory given back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "message.h"
#include "../rig.h"

enum { CAP = 4096, GEN = 3 };

static uint8_t mem[CAP] __attribute__((aligned(64)));
static uint64_t head __attribute__((aligned(64)));
static struct ring p, c;
static int allocations, failing;

static uint8_t *grow(uint8_t *buf, uint64_t cap)
{
	if (cap && failing)
		return NULL;
	allocations += !buf - !cap;
	return message_heap(buf, cap);
}

static int setup(void **state)
{
	head = 0;
	allocations = failing = 0;
	ring_produce(&p, mem, CAP, &head, GEN, 0);
	ring_consume(&c, mem, CAP, &head, GEN, 0);
	return 0;
}

static struct frame frame_of(const void *data, uint32_t len, uint8_t flags, uint64_t id)
{
	struct frame f = {data, len, 1, flags, id};

	return f;
}

/* Through the ring, both ends in turn. */
static void carry(const uint8_t *data, uint64_t len, uint64_t id)
{
	struct message_out out = {.data = data, .len = len, .id = id, .kind = (uint8_t)id};
	struct message_in in = {.max = 1 << 20, .grow = grow};
	const uint8_t *got = NULL;
	uint64_t got_len = 0;
	int sent = -EAGAIN, rc = -EAGAIN, frames = 0;

	while (rc == -EAGAIN) {
		struct frame f;

		if (sent == -EAGAIN)
			sent = message_send(&p, &out);
		assert_true(sent == 0 || sent == -EAGAIN);
		ring_publish(&p);
		while (rc == -EAGAIN && ring_peek(&c, &f) == 0) {
			rc = message_take(&in, &f, &got, &got_len);
			assert_int_equal(f.kind, (uint8_t)id);
			ring_next(&c);
			frames++;
		}
		if (rc == 0) { /* compare before the bytes are given back */
			assert_int_equal(got_len, len);
			if (len)
				assert_memory_equal(got, data, len);
			assert_int_equal(in.buf != NULL, len > ring_frame_max(&p));
		}
		ring_release(&c);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(sent, 0);
	assert_int_equal(ring_peek(&c, &(struct frame){0}), -EAGAIN);
	assert_true((uint64_t)frames * ring_frame_max(&p) >= len);
	message_reset(&in, 0);
	assert_int_equal(allocations, 0);
}

static void test_every_length_around_the_limits(void **state)
{
	uint64_t max = ring_frame_max(&p), seed = 5, i, n;
	uint8_t *data = malloc(300000);

	for (i = 0; i < 300000; i++)
		data[i] = (uint8_t)rig_rand(&seed);
	for (i = 0; i < 40; i++)
		carry(data, i, i);
	for (n = 1; n < 6; n++)
		for (i = n * max - 17; i <= n * max + 17; i++)
			carry(data, i, i);
	for (i = 0; i < 300; i++)
		carry(data, rig_below(&seed, 20000), rig_rand(&seed));
	carry(data, 300000, 1);
	free(data);
}

static void test_send_resumes_after_eagain(void **state)
{
	uint8_t data[9000] = {1};
	struct message_out out = {.data = data, .len = sizeof data, .id = 4, .kind = 2};

	assert_int_equal(message_send(&p, &out), -EAGAIN);
	assert_true(out.sent > 0 && out.sent < out.len);
}

static void test_send_says_eproto(void **state)
{
	uint8_t data[9000] = {1};
	struct message_out out = {.data = data, .len = sizeof data};

	head = 1 << 20;
	assert_int_equal(message_send(&p, &out), -EPROTO);
	head = 0;
	assert_int_equal(message_send(&p, &out), -EPROTO);
}

static void test_take_longer_than_max_is_emsgsize(void **state)
{
	struct message_in in = {.max = 10, .grow = grow};
	struct frame one = frame_of("0123456789a", 11, 0, 1);
	struct frame part = frame_of("01234567", 8, FRAME_MORE, 1);
	struct frame huge = frame_of("", UINT32_MAX, FRAME_MORE, 1);
	const uint8_t *data;
	uint64_t len;

	assert_int_equal(message_take(&in, &one, &data, &len), -EMSGSIZE);
	assert_int_equal(message_take(&in, &huge, &data, &len), -EMSGSIZE);
	assert_int_equal(message_take(&in, &part, &data, &len), -EAGAIN);
	assert_int_equal(message_take(&in, &part, &data, &len), -EMSGSIZE);
	message_reset(&in, 0);
	one.len = 10;
	assert_int_equal(message_take(&in, &one, &data, &len), 0);
	assert_int_equal(len, 10);
	assert_int_equal(allocations, 0);
}

static void test_take_foreign_frame_in_between_is_eproto(void **state)
{
	struct message_in in = {.max = 100, .grow = grow};
	struct frame part = frame_of("01234567", 8, FRAME_MORE, 1);
	struct frame other_id = frame_of("x", 1, 0, 2), other_kind = frame_of("x", 1, 0, 1);
	struct frame empty = frame_of("", 0, FRAME_MORE, 1);
	const uint8_t *data;
	uint64_t len;

	other_kind.kind = 9;
	assert_int_equal(message_take(&in, &empty, &data, &len), -EPROTO);
	assert_int_equal(message_take(&in, &part, &data, &len), -EAGAIN);
	assert_int_equal(message_take(&in, &other_id, &data, &len), -EPROTO);
	assert_int_equal(message_take(&in, &other_kind, &data, &len), -EPROTO);
	empty.flags = 0;
	assert_int_equal(message_take(&in, &empty, &data, &len), -EPROTO);
	message_reset(&in, 0);
	assert_int_equal(message_take(&in, &other_id, &data, &len), 0);
	assert_int_equal(allocations, 0);
}

static void test_take_without_memory_is_enomem(void **state)
{
	struct message_in in = {.max = 1 << 20, .grow = grow};
	struct frame part = frame_of("01234567", 8, FRAME_MORE, 1);
	const uint8_t *data;
	uint64_t len;

	failing = 1;
	assert_int_equal(message_take(&in, &part, &data, &len), -ENOMEM);
	failing = 0; /* nothing was taken: the same frame again */
	assert_int_equal(message_take(&in, &part, &data, &len), -EAGAIN);
	part.flags = 0;
	assert_int_equal(message_take(&in, &part, &data, &len), 0);
	assert_int_equal(len, 16);
	assert_memory_equal(data, "0123456701234567", 16);
	message_reset(&in, in.cap); /* small enough to keep */
	assert_non_null(in.buf);
	message_reset(&in, in.cap - 1);
	assert_null(in.buf);
	assert_int_equal(allocations, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_every_length_around_the_limits, setup),
		cmocka_unit_test_setup(test_send_resumes_after_eagain, setup),
		cmocka_unit_test_setup(test_send_says_eproto, setup),
		cmocka_unit_test_setup(test_take_longer_than_max_is_emsgsize, setup),
		cmocka_unit_test_setup(test_take_foreign_frame_in_between_is_eproto, setup),
		cmocka_unit_test_setup(test_take_without_memory_is_enomem, setup),
	};

	alarm(120);
	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
