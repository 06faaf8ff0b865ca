/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_counter.c - YCSB's AcknowledgedCounter: numbers are given out in order, but
 * acknowledged in any, and count as there only up to the first that is not.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "barrier.h"
#include "bench_ycsb.h"

struct counter {
	uint64_t next, limit;
	uint32_t lock; /* 1: somebody moves `limit` */
	size_t bytes;  /* of the mapping */
	uint64_t mask;
	uint8_t acked[]; /* by number; more than can be under way */
};

struct counter *counter_new(uint64_t first, uint64_t under_way)
{
	uint64_t n = 1024;
	struct counter *c;

	while (n < under_way * 2)
		n *= 2;
	c = mmap(NULL, sizeof *c + n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED)
		return NULL;
	c->next = c->limit = first;
	c->bytes = sizeof *c + n;
	c->mask = n - 1;
	return c;
}

void counter_free(struct counter *c)
{
	if (c)
		munmap(c, c->bytes);
}

uint64_t counter_take(struct counter *c)
{
	return __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED);
}

uint64_t counter_limit(const struct counter *c)
{
	return shm_load64(&c->limit);
}

void counter_ack(struct counter *c, uint64_t n)
{
	uint64_t limit;

	__atomic_store_n(&c->acked[n & c->mask], 1, __ATOMIC_SEQ_CST);
	/* Who finds it locked leaves it to the holder, or to the next who comes. */
	if (__atomic_exchange_n(&c->lock, 1, __ATOMIC_SEQ_CST))
		return;
	limit = c->limit;
	while (__atomic_load_n(&c->acked[limit & c->mask], __ATOMIC_ACQUIRE)) {
		c->acked[limit & c->mask] = 0;
		shm_store_release64(&c->limit, ++limit);
	}
	shm_store_release32(&c->lock, 0);
}
