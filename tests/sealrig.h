/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sealrig.h - for tests of seal.h: sealed rings in memory, what is said on them and what is heard.
 */
#ifndef TESTS_SEALRIG_H
#define TESTS_SEALRIG_H

#include "seal.h"
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sodium.h>

enum { CAP = 16384, GEN = 7, LINE = 64 };

static inline uint16_t gen16(uint32_t gen)
{
	return (uint16_t)(gen % 65535 + 1); /* as channel.h */
}

static const char canary[] = "plaintext canary";

/* One direction: both ends of a ring, in memory that stands for the shared one. */
struct line {
	uint8_t *mem;
	uint64_t head;
	struct ring tx, rx;
	struct seal *from, *to;
	struct seal_place place;
};

static inline uint8_t secret_of(int direction)
{
	return (uint8_t)(direction + 1);
}

static inline void line_between(struct line *l, size_t cap, const char *writer, const char *reader,
	struct seal_place place, int direction)
{
	const struct gcm_backend *gcm[2] = {gcm_select(writer), gcm_select(reader)};
	uint8_t secret[SEAL_SECRET];
	struct life life;

	assert_non_null(gcm[0]);
	assert_non_null(gcm[1]);
	life_read(&life);
	memset(l, 0, sizeof *l);
	memset(secret, secret_of(direction), sizeof secret);
	l->mem = aligned_alloc(4096, cap);
	memset(l->mem, 0, cap);
	l->place = place;
	l->from = seal_create(cap);
	l->to = seal_create(cap);
	ring_produce(&l->tx, l->mem, cap, &l->head, gen16(place.gen), 0);
	ring_consume(&l->rx, l->mem, cap, &l->head, gen16(place.gen), 0);
	assert_int_equal(seal_begin_tx(&l->from->tx, &l->tx, gcm[0], &place, secret, &life), 0);
	assert_int_equal(seal_begin_rx(&l->to->rx, &l->rx, gcm[1], &place, secret), 0);
}

static inline void line_init(struct line *l, const char *backend, struct seal_place place, int direction)
{
	line_between(l, CAP, backend, backend, place, direction);
}

static inline void line_fini(struct line *l)
{
	seal_destroy(l->from);
	seal_destroy(l->to);
	free(l->mem);
}

static const struct seal_place here = {"kv", 3, GEN};

static inline void open_line(struct line *l)
{
	line_init(l, NULL, here, 0);
}

static inline int put(struct ring *r, const void *p, uint32_t len, uint8_t kind, uint8_t flags, uint64_t id)
{
	uint8_t *at;
	int rc = ring_claim(r, len, &at);

	if (rc)
		return rc;
	if (len)
		memcpy(at, p, len);
	ring_commit(r, len, kind, flags, id);
	return 0;
}

static inline void say(struct line *l, uint64_t id)
{
	assert_int_equal(put(&l->tx, canary, sizeof canary, 5, 0, id), 0);
	ring_publish(&l->tx);
}

static inline void hears(struct line *l, uint64_t id)
{
	struct frame f;

	assert_true(ring_waiting(&l->rx));
	assert_int_equal(ring_peek(&l->rx, &f), 0);
	assert_int_equal(f.id, id);
	assert_int_equal(f.kind, 5);
	assert_int_equal(f.len, sizeof canary);
	assert_memory_equal(f.data, canary, sizeof canary);
	ring_next(&l->rx);
	ring_release(&l->rx);
}

static inline void breaks(struct line *l, const char *why)
{
	struct frame f;

	assert_int_equal(ring_peek(&l->rx, &f), -EPROTO);
	assert_non_null(seal_why(&l->rx));
	assert_non_null(strstr(seal_why(&l->rx), why));
	assert_int_equal(ring_peek(&l->rx, &f), -EPROTO); /* for good */
	assert_false(ring_waiting(&l->rx));
}

#endif
