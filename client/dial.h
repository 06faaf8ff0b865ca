/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dial.h - connecting a socket without waiting for it: the addresses of a host one after
 * the other. Its name is looked up by a thread (lookup.h), whose descriptor stands in the
 * epoll set for that time.
 *
 * The caller waits in an epoll set, edge-triggered: what would block says so once, and the
 * next event tells that it may go on.
 */
#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H

#include <stdint.h>

#include "err.h"

/* All zero but fd, -1, to begin with. */
struct dial {
	int fd;                    /* -1: none; owned */
	struct lookup *lookup;     /* of the name, or NULL; owned */
	struct addrinfo *all, *at; /* addresses, and the one that is being tried; owned */
	uint64_t since_ms;         /* of the attempt */
	char why[160];             /* there is no connection */
};

/*
 * dial_start - begin to connect; dial_step() goes on when the descriptor had an event.
 *
 *   spec    what address_valid() finds good
 *   epoll   the set that the descriptor joins, with `tag`
 *
 * Returns 0, or -1 with d->why.
 */
MUST_CHECK int dial_start(struct dial *d, const char *spec, int epoll, uint64_t tag);

/* Returns 0 when it is connected, -EAGAIN when it is not yet, -1 with d->why (and closed). */
MUST_CHECK int dial_step(struct dial *d, int epoll, uint64_t tag);

/* The socket too; what is nothing stays so. */
void dial_close(struct dial *d);

#endif
