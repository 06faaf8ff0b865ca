/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_client.h - one connection and the operations under way on it.
 *
 * Each of its `depth` operations is in one of three places: idle; ready, with a request
 * to send; or waiting for a reply. Replies come in the order of the requests, so those
 * that wait are a queue.
 */
#ifndef CLIENT_BENCH_CLIENT_H
#define CLIENT_BENCH_CLIENT_H

#include <pthread.h>

#include "bench_work.h"

/* Operations by number, first in first out; never more than there are. */
struct line {
	uint32_t *v; /* mask + 1 of them */
	uint32_t mask, head, tail;
};

static inline uint32_t line_len(const struct line *q)
{
	return q->tail - q->head;
}

static inline void line_put(struct line *q, uint32_t i)
{
	q->v[q->tail++ & q->mask] = i;
}

static inline uint32_t line_first(const struct line *q)
{
	return q->v[q->head & q->mask];
}

static inline uint32_t line_get(struct line *q)
{
	return q->v[q->head++ & q->mask];
}

struct client {
	struct target *t;
	struct op *ops;
	struct line idle, ready, waiting;
	unsigned depth;
	pthread_mutex_t lock; /* when threads share it; held while anything is under way */
};

/* False: `why` says why; *full: every channel is taken. */
bool client_open(struct client *c, const struct target_options *o, unsigned depth,
	char *why, size_t len, bool *full);

/* drop: the work's, of what is still under way. Also of one that was never opened. */
void client_close(struct client *c, void (*drop)(struct op *));

#endif
