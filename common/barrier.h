/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * barrier.h - atomics, fences and cache-line flushes for shared memory, all of them.
 *
 * Everything that two address spaces share goes through these; what threads of one
 * process share does not. A shared field is read once, into a local (shm_load*),
 * checked, and then only the local is used.
 *
 * Orders:  shm_load_acquire pairs with shm_store_release of the same word; each use
 * carries a label (R1, A1 ...) that ring.h and channel.h list. shm_fence_full is the
 * store-load fence of the sleep/wake handshakes (W1, W2 in wait.h, L1 in lane.h), the
 * one thing that x86 reorders.
 *
 * Non-coherent memory (CXL without hardware coherence) is not supported yet: the
 * shm_line_* hooks are empty. They mark a frame's publication and the reader's first
 * look, a ring's head on both sides, and a region's formatting; the rest of a frame, the
 * zeroed window, a batch that wraps, control blocks and bells have none so far. Data-path
 * words have one writer each, so no read-modify-write is needed there; shm_cas64 and
 * shm_add32 belong to the control path (claim, lease), shm_cas32 to a lane's bell.
 */
#ifndef COMMON_BARRIER_H
#define COMMON_BARRIER_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

enum { CACHE_LINE = 64 };

/* Private structs that one core writes all the time start on a pair of lines of their
 * own: the adjacent-line prefetcher makes 128 the unit of false sharing (measured:
 * two handles side by side cost 170 ns of a 220 ns round trip). */
#define LINE_PAIR_ALIGNED __attribute__((aligned(128)))

static inline uint64_t shm_load_acquire64(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline uint32_t shm_load_acquire32(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline uint8_t shm_load_acquire8(const uint8_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline uint64_t shm_load64(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint8_t shm_load8(const uint8_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint32_t shm_load32(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void shm_store_release64(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline void shm_store_release32(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline void shm_store_release8(uint8_t *p, uint8_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline void shm_store64(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void shm_store32(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

/* Control path only. True when *p was `expect` and is now `v`. */
static inline bool shm_cas64(uint64_t *p, uint64_t expect, uint64_t v)
{
	return __atomic_compare_exchange_n(
		p, &expect, v, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* For bells that have a third state (lane.h), on the way into the kernel. */
static inline bool shm_cas32(uint32_t *p, uint32_t expect, uint32_t v)
{
	return __atomic_compare_exchange_n(
		p, &expect, v, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* Control path only. */
static inline void shm_add32(uint32_t *p, uint32_t v)
{
	__atomic_fetch_add(p, v, __ATOMIC_ACQ_REL);
}

/* Store-load fence. */
static inline void shm_fence_full(void)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
	/* A locked add to the stack orders like mfence and costs half of it. */
	__asm__ volatile("lock; addl $0,-128(%%rsp)" ::: "memory", "cc");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* One poll's pause. Two on x86: polling less often than that leaves the line with
 * its writer, polling more often takes it away between two of its stores (measured:
 * round trip 290 ns with none, 217-245 with one, 218-226 with two). */
static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

/* Hooks for non-coherent memory: write back, or drop before reading, the lines of
 * [p, p + len). Empty where the hardware keeps caches coherent. */
static inline void shm_line_flush(const void *p, size_t len)
{
	(void)p;
	(void)len;
}

static inline void shm_line_invalidate(const void *p, size_t len)
{
	(void)p;
	(void)len;
}

#endif
