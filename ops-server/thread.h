/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thread.h - how this server's threads are made, and what they ask of the scheduler.
 */
#ifndef OPS_SERVER_THREAD_H
#define OPS_SERVER_THREAD_H

#include <pthread.h>

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

/* With a small stack, since all memory is locked. Returns 0 or -errno. */
MUST_CHECK int thread_start(pthread_t *t, void *(*run)(void *), void *arg);

/*
 * thread_schedule - for the calling thread; what the kernel does not know changes nothing.
 *
 *   slice_ns  all that it needs at a time: the scheduler lets a thread that asks for little
 *             run sooner when it is woken (Linux 6.12 and later); 0: as usual
 *   nicer     below the process's own priority, by so much
 */
void thread_schedule(uint64_t slice_ns, int nicer);

/*
 * thread_first - the calling thread goes before all that is not real-time: who wakes it hands
 * its processor over at once, and has it back with the answer.
 *
 * Needs a soft RLIMIT_RTPRIO of 1 or CAP_SYS_NICE; false where there is neither.
 * thread_schedule() ends it.
 */
bool thread_first(void);

#endif
