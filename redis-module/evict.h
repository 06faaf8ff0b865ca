/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * evict.h - make Redis evict keys.
 *
 * Redis 7.0 evicts before a client's command and nowhere a module could ask for it. So
 * when ring writes have gone over maxmemory, this sends RESET to our own server, over an
 * connection through our own door (stream.h), and waits for the answer in the event
 * loop. RESET needs no password, has no key and does nothing to a fresh connection; on
 * its way Redis evicts, and notes whether it succeeded, which RM_Call's M then reads.
 *
 * The connection is opened when it is needed first, and stays.
 */
#ifndef CXLRING_EVICT_H
#define CXLRING_EVICT_H

#include "rm.h"

enum evict_state {
	EVICT_IDLE,
	EVICT_ASKED,      /* wait: the answer comes through the event loop */
	EVICT_DONE,       /* Redis has evicted what it could; holds until evict_again() */
	EVICT_IMPOSSIBLE, /* no connection can be opened */
};

/* Ask if that has not been done since evict_again(); where it stands. */
enum evict_state evict_ask(RedisModuleCtx *ctx);

/* A new turn: what was done is no longer enough. */
void evict_again(void);

void evict_close(void);

#endif
