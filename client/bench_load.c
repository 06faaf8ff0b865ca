/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_load.c - all workers together, threads or processes.
 *
 * What they report lies in memory that processes share, so that both kinds are the same
 * to who waits for them. All start when each is ready.
 */
#include "bench_load.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_worker.h"
#include "clock.h"

enum { TICK_MS = 250 }; /* of the progress line, and of looking for dead processes */

static volatile sig_atomic_t interrupted;
static struct crew *volatile current;

void load_stop(void)
{
	struct crew *c = current;

	interrupted = 1;
	if (c)
		shm_store32(&c->state, INTERRUPTED);
}

static unsigned nclients(const struct load *l)
{
	return l->clients > l->threads ? l->clients : l->threads;
}

/* As many clients as are wanted; threads share them when there are fewer channels. */
static int open_clients(
	const struct load *l, struct client *clients, unsigned *n, char *why, size_t len)
{
	bool full = false;

	for (*n = 0; *n < nclients(l); ++*n)
		if (!client_open(&clients[*n], &l->target, l->depth, why, len, &full))
			break;
	if (*n == nclients(l))
		return 0;
	return *n > 0 && full && nclients(l) == l->threads ? 0 : -ENOTCONN;
}

/* Clients from `first` on, so many that all workers together have n. */
static unsigned part_of(unsigned n, unsigned threads, unsigned i, unsigned *first)
{
	*first = (unsigned)((uint64_t)n * i / threads);
	return (unsigned)((uint64_t)n * (i + 1) / threads) - *first;
}

static int start(struct worker *w, struct client *clients, unsigned n)
{
	const struct load *l = w->load;
	unsigned first;
	pid_t pid;

	if (l->fork) {
		w->nclients = part_of(nclients(l), l->threads, w->index, &first);
		pid = fork();
		if (pid == 0)
			worker_run_alone(w);
		w->pid = pid; /* by the parent alone: the child has the same *w */
		return pid < 0 ? -errno : 0;
	}
	w->shared = n < l->threads;
	if (w->shared) {
		w->client = &clients[w->index % n];
		w->nclients = 1;
	} else {
		w->nclients = part_of(n, l->threads, w->index, &first);
		w->client = clients + first;
	}
	return -pthread_create(&w->thread, NULL, worker_run, w);
}

/* How many processes have ended without saying so. They end the run. */
static unsigned bury(struct crew *c, unsigned n)
{
	unsigned i, dead = 0;

	for (i = 0; i < n; i++) {
		struct worker *w = &c->worker[i];

		if (w->pid > 0 && waitpid(w->pid, NULL, WNOHANG) > 0) {
			w->pid = 0;
			if (!w->ended)
				w->rc = worker_fail(w, -ECHILD, "one of the processes was killed");
		}
		dead += w->rc == -ECHILD;
	}
	if (dead)
		shm_cas32(&c->state, RUN, STOP);
	return dead;
}

static void tell_progress(const struct crew *c, const struct load *l, uint64_t t0)
{
	uint64_t done = 0;
	unsigned i;

	for (i = 0; i < l->threads; i++)
		done += shm_load64(&c->worker[i].done);
	l->progress(done, clock_to_ns(clock_ticks() - t0));
}

/* Until n have posted, or can no more. t0: when they started; 0: not yet. */
static void wait_for(
	struct crew *c, sem_t *sem, unsigned n, const struct load *l, uint64_t t0)
{
	struct timespec until;
	unsigned i = 0, dead = 0;

	while (i + dead < n) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += TICK_MS * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (sem_timedwait(sem, &until) == 0) {
			i++;
			continue;
		}
		if (l->fork)
			dead = bury(c, n);
		if (t0 && l->progress && errno == ETIMEDOUT)
			tell_progress(c, l, t0);
	}
}

static uint64_t cpu_of(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000 +
		   (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

static uint64_t cpu_ns(void)
{
	return cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN);
}

/* All of them from start to end. */
static int run_all(struct crew *c, const struct load *l, struct client *clients, unsigned n)
{
	unsigned i, started = 0;
	int rc = 0;

	for (; rc == 0 && started < l->threads; started++)
		rc = start(&c->worker[started], clients, n);
	if (rc) {
		started--;
		shm_store32(&c->state, STOP);
	}
	wait_for(c, &c->ready, started, l, 0);
	for (i = 0; i < started; i++)
		sem_post(&c->go);
	wait_for(c, &c->ended, started, l, clock_ticks());
	for (i = 0; i < started; i++)
		if (!l->fork)
			pthread_join(c->worker[i].thread, NULL);
		else if (c->worker[i].pid > 0)
			waitpid(c->worker[i].pid, NULL, 0);
	for (i = 0; rc == 0 && i < started; i++)
		rc = c->worker[i].rc;
	return rc;
}

static void collect(struct load_result *r, const struct worker *w)
{
	unsigned k;

	for (k = 0; k < WORK_KINDS; k++) {
		r->kind[k].count += w->kind[k].count;
		hist_merge(&r->kind[k].hist, &w->kind[k].hist);
	}
	r->requests += w->done;
	r->misses += w->actor.misses;
	r->cost.full += w->cost.full;
	r->cost.sleeps += w->cost.sleeps;
	r->cost.rings += w->cost.rings;
	r->cost.sleep_ns += w->cost.sleep_ns;
}

static void collect_all(struct load_result *r, const struct crew *c, unsigned n)
{
	uint64_t t0 = c->worker[0].t0, t1 = c->worker[0].t1;
	unsigned i;

	for (i = 0; i < n; i++) {
		collect(r, &c->worker[i]);
		if ((int64_t)(c->worker[i].t0 - t0) < 0)
			t0 = c->worker[i].t0;
		if ((int64_t)(c->worker[i].t1 - t1) > 0)
			t1 = c->worker[i].t1;
	}
	r->ns = clock_to_ns(t1 - t0);
}

static struct crew *crew_new(const struct load *l, size_t *len)
{
	struct crew *c;
	unsigned i;

	*len = sizeof *c + l->threads * sizeof c->worker[0];
	c = mmap(NULL, *len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED)
		return NULL;
	sem_init(&c->ready, 1, 0);
	sem_init(&c->go, 1, 0);
	sem_init(&c->ended, 1, 0);
	for (i = 0; i < l->threads; i++)
		worker_init(&c->worker[i], c, l, i);
	return c;
}

int load_run(const struct load *l, struct load_result *r, char *why, size_t len)
{
	struct client *clients = calloc(nclients(l), sizeof *clients);
	size_t crew_len;
	struct crew *c = crew_new(l, &crew_len);
	unsigned i, n = 0;
	uint64_t cpu;
	int rc = -ENOMEM;

	memset(r, 0, sizeof *r);
	for (i = 0; i < WORK_KINDS; i++)
		hist_reset(&r->kind[i].hist);
	clock_from_ns(1); /* measures the clock, before any child does */
	if (!clients || !c)
		goto out;
	current = c;
	if (interrupted)
		shm_store32(&c->state, INTERRUPTED);
	rc = l->fork ? 0 : open_clients(l, clients, &n, why, len);
	cpu = cpu_ns();
	if (rc == 0) {
		rc = run_all(c, l, clients, n);
		for (i = 0; rc && i < l->threads; i++)
			if (c->worker[i].rc == rc) {
				snprintf(why, len, "%s", c->worker[i].actor.why);
				break;
			}
	}
	r->cpu_ns = cpu_ns() - cpu;
	r->clients = l->fork ? nclients(l) : n;
	worker_add_cost(&r->cost, clients, n);
	collect_all(r, c, l->threads);
	if (rc == 0 && shm_load32(&c->state) == INTERRUPTED)
		rc = -EINTR;
out:
	current = NULL;
	for (i = 0; i < n; i++)
		client_close(&clients[i], l->work->ops->drop);
	free(clients);
	if (c)
		munmap(c, crew_len);
	return rc;
}
