/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * greet.h - handshakes of sealed channels, on a thread of their own.
 *
 * A handshake is two steps of several milliseconds of P-384. A worker that finds one of
 * its frames hands the channel over, locked as it is; the thread thinks, answers, unlocks
 * it, and has a worker look for what came meanwhile. So a channel is with one thread at a
 * time, as ever; strangers queue in the order that they came, and each stands there once;
 * and who begins handshakes again and again costs this thread's time and other strangers'
 * patience. It runs below the workers' priority, on any processor.
 */
#ifndef OPS_SERVER_GREET_H
#define OPS_SERVER_GREET_H

#include "server.h"

/* Start the thread; returns 0 or -errno. End it, when `s->stop` has been set. */
MUST_CHECK int greet_start(struct server *s);
void greet_end(struct server *s);

/* Caller holds the channel's lock, and does not any more. */
void greet_hand_over(struct server *s, struct service_chan *c);

#endif
