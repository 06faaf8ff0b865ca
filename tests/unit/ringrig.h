/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ringrig.h - both ends of a ring in one thread, frames there and back: what the tests of
 * rings share.
 */
#ifndef TESTS_UNIT_RINGRIG_H
#define TESTS_UNIT_RINGRIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "ring.h"
#include "../rig.h"

#include <stdlib.h>
#include <string.h>

enum { CAP = 4096, GEN = 7 };

struct ends {
	uint8_t *data;
	uint64_t *head;
	struct ring p, c;
};

static inline uint64_t commit_word(uint32_t len, uint8_t flags, uint16_t gen)
{
	return len | (uint64_t)flags << 40 | (uint64_t)gen << 48;
}

/* Bytes that would be a frame of this generation wherever anybody looked. */
static inline void fill_forged(void *at, size_t len, uint16_t gen)
{
	uint64_t w[2] = {commit_word(16, 0, gen), 0xdeadbeef};
	size_t i;

	for (i = 0; i < len; i++)
		((uint8_t *)at)[i] = ((uint8_t *)w)[i % sizeof w];
}

static inline struct ends *ends_open(uint64_t cap)
{
	struct ends *e = NULL;

	assert_int_equal(posix_memalign((void **)&e, 128, sizeof *e), 0);
	assert_int_equal(posix_memalign((void **)&e->data, 64, cap + 64), 0);
	e->head = (uint64_t *)(e->data + cap);
	*e->head = 0;
	fill_forged(e->data, cap, GEN); /* what somebody left behind, at its worst */
	ring_produce(&e->p, e->data, cap, e->head, GEN, 0);
	ring_consume(&e->c, e->data, cap, e->head, GEN, 0);
	return e;
}

static inline void ends_close(struct ends *e)
{
	free(e->data);
	free(e);
}

static inline uint8_t byte_of(uint64_t id, uint32_t i)
{
	return (uint8_t)(id * 31 + i * 7 + (i >> 8));
}

/* Claim, fill and commit one frame; what ring_claim says. */
static inline int put(struct ends *e, uint32_t len, uint64_t id)
{
	uint8_t *at;
	uint32_t i;
	int rc = ring_claim(&e->p, len, &at);

	if (rc)
		return rc;
	for (i = 0; i < len; i++)
		at[i] = byte_of(id, i);
	ring_commit(&e->p, len, (uint8_t)id, 0, id);
	return 0;
}

static inline void send_one(struct ends *e, uint32_t len, uint64_t id)
{
	assert_int_equal(put(e, len, id), 0);
	ring_publish(&e->p);
}

/* The next frame must be this one; step over it. */
static inline void expect(struct ends *e, uint32_t len, uint64_t id)
{
	struct frame f;
	uint32_t i;

	assert_int_equal(ring_peek(&e->c, &f), 0);
	assert_int_equal(f.len, len);
	assert_int_equal(f.id, id);
	assert_int_equal(f.kind, (uint8_t)id);
	assert_int_equal(f.flags, 0);
	for (i = 0; i < len; i++)
		if (f.data[i] != byte_of(id, i))
			fail_msg("byte %u of frame %llu", i, (unsigned long long)id);
	ring_next(&e->c);
}

static inline void expect_none(struct ends *e)
{
	struct frame f;

	assert_int_equal(ring_peek(&e->c, &f), -EAGAIN);
	assert_false(ring_waiting(&e->c));
}

/* Bring the producer to an offset (a multiple of 16) of an empty ring: to its line by
 * frames sent and read, within the line by frames that stay unpublished, which
 * expect_to() takes off the other end. */
static inline void go_to(struct ends *e, uint64_t off)
{
	while ((e->p.pos & (e->p.cap - 1)) != (off & ~(CACHE_LINE - 1ull))) {
		send_one(e, 0, 5);
		expect(e, 0, 5);
		ring_release(&e->c);
	}
	while ((e->p.pos & (e->p.cap - 1)) != off)
		assert_int_equal(put(e, 0, 6), 0);
}

#endif
