/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secure.h - an open channel's way from plain to sealed: the handshake's bytes over its
 * rings, in frames of kind SEAL_HELLO, then seal_begin() at both ends.
 *
 *     client  ---- SEAL_HELLO (TLS) ---->  server
 *             <--- SEAL_HELLO (TLS) -----
 *             ---- SEAL_HELLO (TLS) ---->
 *             <--- SEAL_HELLO (TLS) -----  sealed from here on
 *             ==== records =============>
 *
 * It is the first thing on the channel: a server refuses a handshake that comes after a
 * plain request, and neither end takes anything plain once it is sealed. After a server
 * was replaced the channel is plain again, so the client starts anew.
 */
#ifndef COMMON_SECURE_H
#define COMMON_SECURE_H

#include "channel.h"
#include "handshake.h"
#include "service.h"

/* ---- the client's end ---- */

/* Before it attaches: has its manager's view come, and does the lease hold? 0; -EAGAIN with the
 * reason: ask again soon. Without a manager 0, and NULL is fine. */
MUST_CHECK int secure_ready(struct trust *t, struct err_text *e);

/*
 * secure_connect - one step; repeat after chan_await() while it is -EAGAIN.
 *
 *   h      NULL to begin with; the handshake, freed and NULL again when it is over. Who gives
 *          up in between calls handshake_destroy()
 *   peer   out, or NULL: the server
 *
 * A new handshake looks at the files of `t` first (trust_refresh()), and with a manager (t->watch)
 * waits for a view whose lease holds.
 *
 * Milliseconds of thinking in three of the steps. Returns 0: sealed; -EAGAIN; -EACCES (`e` says why);
 * -ESTALE: the range has got another key, or the server no answer from the manager: attach anew and repeat; -ECONNREFUSED: the server has no sealed channels; -ENOMEM, -EPROTO.
 */
MUST_CHECK int secure_connect(struct handshake **h, struct chan *c, struct trust *t,
	struct peer *peer, struct err_text *e);

/* ---- the server's end ---- */

/*
 * secure_take - a frame of kind SEAL_HELLO, which was peeked at, into the handshake.
 * secure_give - after handshake_run() said `rc`: its answer, and if that was 0, sealed.
 *
 * secure_take() steps over the frame; *h is made when it is NULL. The handshake remains the
 * caller's. secure_give() returns what `rc` was, or what hindered it.
 */
MUST_CHECK int secure_take(struct handshake **h, struct service_chan *c, const char *service,
	struct trust *t, const struct frame *f);
MUST_CHECK int secure_give(struct handshake *h, struct service_chan *c, int rc);

#endif
