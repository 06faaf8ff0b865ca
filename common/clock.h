/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.h - time for spinning and measuring.
 *
 * clock_ticks() is the TSC where there is one (20 cycles, no system call) and
 * nanoseconds of CLOCK_MONOTONIC elsewhere. Ticks are for intervals inside one
 * process; nothing in shared memory is in ticks, since peers may have other clocks.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
#endif
}

/* Ticks in `ns`, at least 1 when ns is not 0; ns up to an hour. The first call of either
 * in a process measures for a millisecond. */
uint64_t clock_from_ns(uint64_t ns);
uint64_t clock_to_ns(uint64_t ticks);

/* Milliseconds of CLOCK_MONOTONIC: deadlines, leases, heartbeats. */
uint64_t clock_ms(void);

/* Busy-wait: the injected access latency, never a way to wait for a peer. */
void clock_burn(uint64_t ticks);

#endif
