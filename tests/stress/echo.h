/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * echo.h - requests that say whose they are, and a server that answers them.
 *
 * Every request carries its owner's token, its id and random words; the reply carries
 * the same token and id and each word inverted. So whoever gets a reply that is not its
 * own, of another generation, or torn, can tell.
 */
#ifndef TESTS_ECHO_H
#define TESTS_ECHO_H

#include "channel.h"
#include "clock.h"
#include "service.h"
#include "../rig.h"

enum { ECHO_WORDS = 40, ECHO_HEAD = 2 };

/* The words of request `id`: token, id, then what follows from them. Returns how many. */
static inline uint32_t echo_words(uint64_t w[ECHO_WORDS], uint64_t token, uint64_t id)
{
	uint64_t s = token ^ id * 0x1000193;
	uint32_t n = ECHO_HEAD + (uint32_t)rig_below(&s, ECHO_WORDS - ECHO_HEAD), i;

	w[0] = token;
	w[1] = id;
	for (i = ECHO_HEAD; i < n; i++)
		w[i] = rig_rand(&s);
	return n;
}

static inline int echo_ask(struct chan *c, uint64_t token, uint64_t id)
{
	uint64_t w[ECHO_WORDS];
	uint32_t n = echo_words(w, token, id);
	uint8_t *at;
	int rc = ring_claim(&c->tx, n * 8, &at);

	if (rc)
		return rc;
	memcpy(at, w, n * 8);
	ring_commit(&c->tx, n * 8, 1, 0, id);
	return 0;
}

/* Is this the reply to that request? */
static inline bool echo_right(const struct frame *f, uint64_t token, uint64_t id)
{
	uint64_t w[ECHO_WORDS];
	uint32_t n = echo_words(w, token, id), i;

	for (i = ECHO_HEAD; i < n; i++)
		w[i] = ~w[i];
	return f->id == id && f->kind == 1 && f->len == n * 8 &&
		memcmp(f->data, w, n * 8) == 0;
}

/*
 * Answer what waits. False when a request cannot have come from an honest owner; `owner`
 * says whether it also has to be from the channel's present one. Caller has the lock.
 */
static inline bool echo_answer(struct service_chan *c, bool owner)
{
	struct frame f;
	bool good = true;
	int rc;

	while (good && (rc = ring_peek(&c->rx, &f)) == 0) {
		uint64_t w[ECHO_WORDS], want[ECHO_WORDS];
		uint32_t n = f.len / 8, i;
		uint8_t *at;

		if (n > ECHO_WORDS || n < ECHO_HEAD || f.len % 8) {
			good = false;
			break;
		}
		memcpy(w, f.data, f.len); /* a copy: the peer may change it meanwhile */
		if (owner && (w[0] != c->owner || w[1] != f.id || echo_words(want, w[0], w[1]) != n ||
				memcmp(w, want, f.len)))
			good = false;
		for (i = ECHO_HEAD; i < n; i++)
			w[i] = ~w[i];
		rc = ring_claim(&c->tx, f.len, &at);
		if (rc)
			break;
		memcpy(at, w, f.len);
		ring_commit(&c->tx, f.len, f.kind, 0, f.id);
		ring_next(&c->rx);
	}
	ring_release(&c->rx);
	service_publish(c);
	return good && rc != -EPROTO;
}

#endif
