/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stream.h - a session as an ordinary client of this server.
 *
 * MULTI, SUBSCRIBE, blocking pops, MONITOR, SELECT and their like need a connection, and
 * RM_Call has none. So a session may become a stream: from its first STREAM request on
 * the channel carries the bytes of a connection, both ways, and Redis's own code reads
 * and answers them. It is a client like any other, in CLIENT LIST, for output limits,
 * timeouts and ACL.
 *
 * The connection is made through a private unix socket (door.h), which Redis's accept
 * handler serves: no listening port is needed, and no password is known. A session that
 * had authenticated goes on as its user: the first command on the new connection,
 * CXLRING.BECOME with a secret that is good once, is ours, and so is its answer.
 *
 *     ring -> socket   when the loop serves the channel; a full socket leaves the request
 *                      in the ring
 *     socket -> ring   by the event loop; a full ring leaves the bytes in the socket
 *
 * Nothing is copied in between, so a client that does not read costs what it costs over
 * TCP: Redis's output buffer, with its limits.
 */
#ifndef CXLRING_STREAM_H
#define CXLRING_STREAM_H

#include "session.h"

/*
 * stream_init - open the door and register CXLRING.BECOME.
 *
 *   published   called from the event loop when a session's ring has got bytes
 *
 * Returns 0, or -errno with `e`. Without Redis's accept handler (it is no part of the
 * module API; 7.0 has it) streams are refused, the rest works.
 */
MUST_CHECK int stream_init(RedisModuleCtx *ctx, const char *region_path,
	void (*published)(struct session *s), struct err_text *e);
void stream_fini(void);

/* A new connection to this server, which does not block; -1: none can be had. */
int stream_connect(void);

/* One frame of a session's, which is a stream or becomes one. -EAGAIN: not now, it stays
 * in the ring; -EPROTO: it makes no sense. */
MUST_CHECK int stream_take(struct session *s, const struct frame *f);

/* Is there something to do: a request that the socket has room for, or room in the ring
 * for what waits in the socket? */
bool stream_waiting(const struct session *s);

/* The ring has no room for what waits in the socket. No bell will ring for it. */
bool stream_stalled(const struct session *s);

/*
 * A program that writes to two connections, one after the other, finds it executed in that
 * order over TCP mostly, since the kernel lists sockets as they become readable. A turn sees
 * rings in no order: one time in three it was the other way round, and Redis's own tests
 * failed. So each STREAM frame says when it was written, and a turn that finds several
 * streams waiting serves them by that.
 *
 * stream_since() notes what the next frame says, for stream_sort(), and returns it; 0: none.
 * stream_older() says whether what waits in a stream now, and may be served, is older than
 * what was noted of another one.
 */
uint64_t stream_since(struct session *s);
void stream_sort(struct session **v, uint32_t n);
bool stream_older(struct session *s, const struct session *other);

/* Go on with what waited for room; true when something went. */
bool stream_continue(struct session *s);

void stream_close(struct session *s);

/* Our end of the connection, for whom it is looked up; -1: none. */
int stream_fd(const struct session *s);

#endif
