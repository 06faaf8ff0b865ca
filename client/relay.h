/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * relay.h - connections carried between sockets and the ring, all by a few threads.
 *
 *     socket -> ring   one thread with all sockets in its epoll (relay.c). What programs
 *                      wrote one after the other goes into the rings in that order.
 *     ring -> socket   a thread for each BACK_MAX rings, asleep on all their bells at
 *                      once (back.c)
 *
 * A full socket, or a full ring, holds back its own connection and no other. A client that
 * shuts down its half of the connection gets all its answers: the stream says so to Redis,
 * which closes when it has answered.
 *
 * Life of a relay: a thread of its own opens the channel, which may take a moment; then
 * relay.c gives it to a `back`, and both carry. When its answers end, for whatever reason,
 * its `back` lets go of it first, and relay.c closes and frees it.
 *
 * These two files know the library from inside (conn.h): it has no call that waits for
 * many connections.
 */
#ifndef CLIENT_RELAY_H
#define CLIENT_RELAY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conn.h"

struct relay {
	int fd;
	struct cxlring *ring;
	struct back *back; /* who carries its answers, once it has been started */
	struct relay *next; /* in relay.c's requests or its back's inbox, under relay_lock */
	unsigned wanted;   /* enum relay_want, under relay_lock */
	/* relay.c */
	struct relay *next_stuck;
	uint32_t watched; /* epoll's events */
	bool stuck;       /* its ring has no room for a request */
	bool deaf;        /* its client says no more */
	/* back.c */
	const char *piece; /* in the ring: what is left to send */
	size_t left;
	bool full; /* the socket has no room: set by back.c, cleared by relay.c */
};

/* What others ask of relay.c's thread. */
enum relay_want { RELAY_START = 1, RELAY_WRITABLE = 2, RELAY_END = 4 };

extern pthread_mutex_t relay_lock;

/* Begin, once. Returns 0 or -errno. */
MUST_CHECK int relay_init(const struct cxlring_options *o);

/* Carry this connection from now on; the descriptor is ours. */
void relay_add(int fd);

/* End all connections and wait for that. */
void relay_fini(void);

/* From any thread: start, tell when the socket is writable again, or close and free. */
void relay_ask(struct relay *r, enum relay_want want);

/* ---- back.c ---- */

/* Give a relay to one that has room. Returns 0 or -errno. */
MUST_CHECK int back_take(struct relay *r);

/* Look at this relay, or at all of a back's, again. */
void back_wake(struct back *b);

/* Let go of all relays, now and from now on. */
void back_stop_all(void);

#endif
