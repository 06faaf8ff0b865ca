/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * serve.h - whose requests are run, in which order, and how many at a time.
 *
 * Each session in turn has up to SERVE_BURST requests run, beginning with another one each
 * time. Streams come last, in the order in which their bytes came. When the turns are, and
 * for how long, is loop.c's business.
 */
#ifndef CXLRING_SERVE_H
#define CXLRING_SERVE_H

#include "session.h"

enum { SERVE_BURST = 64 }; /* requests of one client before the next one's */

/* HELD, FULL: it stays in the ring, until it may run, until the stream's socket has room.
 * REFUSED: the session is gone. */
enum served { SERVED, HELD, FULL, REFUSED };

/* What a turn knows of its serving; loop.c begins it. */
extern struct serve {
	uint64_t turn;     /* counts before-sleep events */
	uint64_t streamed; /* the turn in which a stream's bytes went to its socket last */
	uint32_t clients, clients_before; /* that were served in this turn, and in the last one */
	bool wrote; /* in this turn */
} serve;

void serve_open(uint32_t nchannels);
void serve_close(void);

/* All that wait, a burst each. How many requests were run; *held becomes true when one has to
 * stay in its ring. */
unsigned serve_all(RedisModuleCtx *ctx, bool *held);

/* Does anybody wait? */
bool serve_anything(void);

/* A frame of a session's that is a stream or becomes one. */
enum served serve_pass(RedisModuleCtx *ctx, struct session *s, const struct frame *f);

/* Replies wait for the log if the turn has written to it. */
void serve_hold_if_logged(RedisModuleCtx *ctx);

#endif
