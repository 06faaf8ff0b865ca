/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * worker.h - the threads: one on each processor, asleep in a lane until it is rung.
 *
 * At rest. A client rings the lane of the processor that it runs on (lane.h); the
 * thread there answers it, looks at every channel once more and sleeps again. However
 * many clients there are, a request costs two switches and no interrupt, and no
 * processor is spent on waiting.
 *
 * Polling. The two switches, to the client and back, cost 4 to 5 us; a thread that polls
 * on another processor needs 0.3 us and no system call, which pays for a client that does
 * little else between its requests. So a worker that hears from the same client again
 * within SOON_NS of its answer, time after time, has one elsewhere poll (there is one
 * poller at most); clients then ring nobody. A
 * poller that finds them asleep, because they run on its own processor, hands on as well. It
 * gives up when nothing comes for the spin budget, or when somebody else needs its
 * processor, and each time that it was not worth while the next one has to be asked for
 * twice as hard. Clients on another host cannot ring: for them a worker polls as long as
 * requests come and then wakes by itself, less and less often up to once a millisecond.
 *
 * Something long (session_heavy) a worker says before it starts, so that clients ring
 * others: a batch of a thousand rows delays nobody. That client itself need ring nobody
 * (channel.h, busy): another worker would find the channel locked, or take the next batch
 * to the very processor that the client prepares its batches on. For about as long as it
 * took the worker then stays awake, for more of the same.
 */
#ifndef OPS_SERVER_WORKER_H
#define OPS_SERVER_WORKER_H

#include "server.h"

/* Start all; returns 0 or -errno. */
MUST_CHECK int workers_start(struct server *s);

/* By the worker itself: what it is about to do may last. Others who want its processor get
 * their turn, as they do while it has something long (worker.c). */
void worker_lasts(struct worker *w);

/* Wake all: there may be something to do for each. */
void workers_wake(struct server *s);

/* Now and then: wake one if a request waits, and mend the service's word. */
void workers_look(struct server *s);

/* End all, when `s->stop` has been set, and wait for them. */
void workers_join(struct server *s);

#endif
