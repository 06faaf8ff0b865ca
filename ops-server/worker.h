/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * worker.h - the threads: who polls, who executes, who sleeps.
 *
 * Leader and followers. One worker at a time holds `polling` and looks at all
 * channels; it answers short requests itself, which is faster than any hand-over. A long
 * request (session_heavy) it takes along and gives the polling up first, so that one of
 * the others, asleep on the mutex, goes on. So one core at most is spent on waiting, and
 * a batch of a thousand rows delays nobody.
 *
 * Channels that spoke lately are polled at every turn, the others a slice at a time, so
 * that a hundred idle ones do not add to the latency of the busy one. Nothing to do for
 * the spin budget: the leader sets the service's bell and sleeps in a futex.
 */
#ifndef OPS_SERVER_WORKER_H
#define OPS_SERVER_WORKER_H

#include "server.h"

/* Start all; returns 0 or -errno. */
MUST_CHECK int workers_start(struct server *s);

/* End all, when `s->stop` has been set, and wait for them. */
void workers_join(struct server *s);

#endif
