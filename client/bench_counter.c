/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_counter.h"

#include <sys/mman.h>

#include "barrier.h"

struct counter {
	uint64_t next, limit;
	uint32_t lock; /* 1: somebody moves `limit` */
	uint8_t acked[]; /* by number, from `limit` on */
};

enum { WINDOW = 1 << 20 };

struct counter *counter_new(uint64_t first)
{
	size_t bytes = sizeof(struct counter) + WINDOW;
	struct counter *c =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (c == MAP_FAILED)
		return NULL;
	c->next = c->limit = first;
	return c;
}

void counter_free(struct counter *c)
{
	if (c)
		munmap(c, sizeof *c + WINDOW);
}

bool counter_take(struct counter *c, uint64_t *n)
{
	uint64_t limit;

	do {
		limit = shm_load_acquire64(&c->limit); /* before `next`, which is never below it */
		*n = shm_load64(&c->next);
		if (*n - limit >= WINDOW)
			return false;
	} while (!shm_cas64(&c->next, *n, *n + 1));
	return true;
}

uint64_t counter_limit(const struct counter *c)
{
	return shm_load64(&c->limit);
}

void counter_ack(struct counter *c, uint64_t n)
{
	uint64_t limit;

	shm_store_release8(&c->acked[n % WINDOW], 1);
	shm_fence_full(); /* before the lock is looked at */
	/* Who finds it locked leaves it to the holder, or to the next who comes. */
	if (!shm_cas32(&c->lock, 0, 1))
		return;
	limit = shm_load64(&c->limit);
	while (shm_load_acquire8(&c->acked[limit % WINDOW])) {
		shm_store_release8(&c->acked[limit % WINDOW], 0);
		shm_store_release64(&c->limit, ++limit);
	}
	shm_store_release32(&c->lock, 0);
}
