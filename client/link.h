/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * link.h - a connection to a Redis that does not block: TCP, a unix socket, or TLS.
 *
 * The caller waits for it in an epoll set, edge-triggered: what would block says so once,
 * and the next event tells that it may go on.
 */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dial.h"

/* Where the Redis is. Strings are the caller's and stay. */
struct link_target {
	const char *spec; /* HOST:PORT, [V6]:PORT or unix:PATH */
	bool tls;
	const char *cacert; /* file of certificates to trust; NULL: the system's */
	void *tls_context;  /* link_prepare()'s */
};

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_GREETING, LINK_UP };

struct link {
	enum link_state state;
	struct dial dial; /* its socket, and why the link is down */
	void *tls;
};

/* link_prepare - check the target, and load what TLS needs. Returns 0, -EINVAL or what the
 * file says; `e` explains. */
MUST_CHECK int link_prepare(struct link_target *t, struct err_text *e);
void link_release(struct link_target *t);

/* All zero but dial.fd, -1, to begin with. */
static inline bool link_is_up(const struct link *l)
{
	return l->state == LINK_UP;
}

/*
 * link_start - begin to connect; link_step() goes on when the descriptor had an event.
 *
 *   epoll   the set that the descriptor joins, with `tag`
 *
 * A host's name is looked up here and now. Returns 0, or -1 with l->dial.why.
 */
MUST_CHECK int link_start(struct link *l, const struct link_target *t, int epoll, uint64_t tag);

/* Returns 0 when the link is up, -EAGAIN when it is not yet, -1 with l->dial.why (and closed). */
MUST_CHECK int link_step(struct link *l, const struct link_target *t, int epoll, uint64_t tag);

/* Bytes moved; 0: would block; -1: the connection is over (l->dial.why; not yet closed). */
MUST_CHECK ssize_t link_read(struct link *l, void *p, size_t len);
MUST_CHECK ssize_t link_write(struct link *l, const void *p, size_t len);

/* No more will be written: the other side reads so, and may still answer. */
void link_shutdown(struct link *l);

void link_close(struct link *l);

#endif
