/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session.h - one channel's requests: who asks, what is half received or half sent.
 */
#ifndef OPS_SERVER_SESSION_H
#define OPS_SERVER_SESSION_H

#include "server.h"

/* service_config callbacks; ctx is the struct server. */
void session_opened(void *ctx, struct service_chan *c);
void session_closed(void *ctx, struct service_chan *c);

/*
 * session_serve - answer what waits on a channel, up to a budget of requests.
 *
 * Caller holds the channel's lock. Never blocks: a reply that does not fit waits in the
 * session, and no further request of that channel is read until it has gone out. Returns
 * false when the channel was handed over (greet.h), and is not the caller's any more.
 */
MUST_CHECK bool session_serve(struct worker *w, struct service_chan *c);

/* What waits of a handshake: milliseconds for each frame. Caller holds the lock. */
void session_greet(struct server *server, const struct zone *z, struct service_chan *c);

/* End it if it may not stay, as things are in `z`, by the manager's rights and now. Caller holds the lock, and
 * server.control. */
void session_review(struct server *server, const struct zone *z, struct service_chan *c);

/* Tell the audit log what it was told so far. Caller holds the channel's lock. */
void session_told(struct server *s, struct service_chan *c);

/* Is there a reply that waits for room; and is there room now? The first needs no lock. */
bool session_stuck(const struct server *s, const struct service_chan *c);
bool session_unstuck(const struct server *s, const struct service_chan *c);

/* Is the waiting request so long that clients should ring others before it is begun
 * (worker.c, be_busy)? Caller has the lock. */
bool session_heavy(struct service_chan *c);

#endif
