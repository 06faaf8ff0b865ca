/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_worker.h - a thread or process that drives clients, and what it reports.
 *
 * A worker says that it is ready, starts when the crew may go, and ends by itself or when the
 * crew's state is RUN no longer. All of it lies in memory that processes share.
 */
#ifndef CLIENT_BENCH_WORKER_H
#define CLIENT_BENCH_WORKER_H

#include <semaphore.h>
#include <sys/types.h>

#include "barrier.h"
#include "bench_client.h"
#include "bench_load.h"

enum crew_state { RUN, STOP, INTERRUPTED };

struct worker {
	struct actor actor;
	const struct load *load;
	struct crew *crew; /* its own */
	struct client *client; /* nclients of them; shared: the one */
	unsigned nclients;
	unsigned index;
	bool shared, opened;
	uint64_t quota, until; /* operations to do; to do before the client is given up */
	uint64_t started, done;
	uint64_t t0, t1;       /* ticks */
	uint64_t due;          /* ticks: when the next one is, in an open loop */
	double step;           /* ticks between them */
	uint64_t deadline;     /* ticks, or 0 */
	struct tally kind[WORK_KINDS];
	struct cxlring_cost cost;
	pthread_t thread;
	pid_t pid;
	int rc;
	bool ended;
} LINE_PAIR_ALIGNED;

struct crew {
	uint32_t state; /* enum crew_state */
	sem_t ready, go, ended;
	struct worker worker[];
};

/* The i-th of l->threads: its share of the operations. */
void worker_init(struct worker *w, struct crew *c, const struct load *l, unsigned i);

/* A thread's: from ready to ended, with the clients that it was given. */
void *worker_run(void *w);

/* A process's: with clients of its own. */
void worker_run_alone(struct worker *w) __attribute__((noreturn));

/* Says why, for the result; rc. */
int worker_fail(struct worker *w, int rc, const char *text);

/* What these clients' connections have cost, on top of *sum. */
void worker_add_cost(struct cxlring_cost *sum, const struct client *clients, unsigned n);

#endif
