/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lane.h - a server's threads asleep: one place for each processor.
 *
 * Waking a thread on another processor costs an interrupt there and, if it idles, the way
 * out of its sleep; waking one on one's own costs a switch. Measured in a virtual
 * machine, both ends sleeping: 29 us a round trip between two idle processors, 69 between
 * two busy ones, 4 on one. So a server with several threads pins one to each processor
 * and gives it a word of its own to sleep on, its lane. A client rings the lane of the
 * processor that it runs on; the thread there answers while the client steps aside, and
 * the client goes on, as after a procedure call. No core is burned and none is woken,
 * whatever else the machine does.
 *
 *     service.asleep   lane.asleep
 *     BELL_AWAKE       -            a thread polls on `poller`: nobody need be rung
 *     BELL_LANES       BELL_FUTEX   ring this one
 *     BELL_LANES       BELL_AWAKE   on its way: looks at every channel before it sleeps
 *     BELL_LANES       BELL_BUSY    with something long: ring the next lane
 *
 * The order is that of wait.h (W1, W2), and of two steps more. A thread that stops
 * polling, or starts on something long, says so (`asleep` = BELL_LANES; its lane =
 * BELL_BUSY), then fence, then looks at every channel once more (L1 in ops-server's
 * worker.c). Lost: a client that took it for awake waits for its own time-out. And who
 * rings changes BELL_FUTEX to BELL_AWAKE by compare-and-swap (L2): a plain store could
 * come late and wipe out a BELL_BUSY. tests/model/lane.pml checks all of it.
 *
 * Who wrote a wrong word (a hostile neighbour) costs honest clients their spin budget:
 * before a client sleeps on a reply for which it rang nobody, it rings its lane.
 */
#ifndef COMMON_LANE_H
#define COMMON_LANE_H

#include "region.h"
#include "wait.h"

/*
 * lanes_open - say on which processor each thread sleeps. Before the service is ready.
 *
 *   cpu   of each thread; n of them, 1 .. SERVICE_LANES
 *
 * A processor without a thread gets one of the others'. Every lane starts as BELL_BUSY.
 */
void lanes_open(struct service_shm *shm, const uint32_t *cpu, uint32_t n);

/* lane_ring - wake the thread of this processor, else the next that can; nobody when all
 * are busy with something long, or there are no lanes. `channel`: where it shall look
 * first. True: it is on this processor and runs as soon as the caller lets it. */
bool lane_ring(struct service_shm *shm, uint32_t channel);

/* lane_ring_away - wake a thread of another processor, for work that is to go on beside the
 * caller's. One of this processor is rung only when there is no other that sleeps, is
 * awake, or will look at the channel when it is done with something long. */
void lane_ring_away(struct service_shm *shm, uint32_t channel);

/* lane_wake - wake this one's thread if it sleeps. False when it was about to sleep, was
 * woken by somebody else, or is busy; L2. */
bool lane_wake(struct lane_shm *l);

/* Is it this processor on which the server polls, instead of us? */
bool lane_polls_here(const struct service_shm *shm);

#endif
