/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_load.c - threads or processes that drive clients.
 *
 * What they report lies in memory that processes share, so that both kinds are the same
 * to who waits for them. Each opens its clients, says that it is ready, and starts when
 * all are.
 */
#include "bench_load.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "barrier.h"
#include "bench_client.h"
#include "clock.h"

enum {
	TICK_MS = 250,       /* of the progress line, and of looking for dead processes */
	EARLY_NS = 60000,    /* sleep until so long before an operation is due, then spin */
	SHARE = 8,           /* depths that a thread gets of a client it shares */
	YIELD_AFTER = 64,    /* looks in vain before another process may have the core */
};

enum { RUN, STOP, INTERRUPTED };

struct worker {
	struct actor actor;
	const struct load *load;
	struct common *common;
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

struct common {
	uint32_t state;
	sem_t ready, go, ended;
	struct worker worker[];
};

static volatile sig_atomic_t interrupted;
static struct common *volatile current;

void load_stop(void)
{
	struct common *c = current;

	interrupted = 1;
	if (c)
		shm_store32(&c->state, INTERRUPTED);
}

static bool running(const struct worker *w)
{
	return shm_load32(&w->common->state) == RUN;
}

static int fail(struct worker *w, int rc, const char *text)
{
	snprintf(w->actor.why, sizeof w->actor.why, "%s", text);
	return rc;
}

/* ---- one client ---- */

/* May another operation start, and when was it due? */
static bool may_start(const struct worker *w, uint64_t *t0)
{
	if (w->started == w->until)
		return false;
	if (w->step == 0) {
		*t0 = w->load->latency ? clock_ticks() : 0;
		return true;
	}
	*t0 = w->due;
	return (int64_t)(clock_ticks() - w->due) >= 0;
}

static void start_op(struct worker *w, struct client *c, uint64_t t0)
{
	struct op *op = &c->ops[line_first(&c->idle)];

	line_put(&c->ready, line_get(&c->idle));
	op->step = 0;
	op->t0 = t0;
	w->load->work->ops->draw(&w->actor, op);
	w->started++;
	if (w->step > 0)
		w->due = w->t0 + (uint64_t)((double)w->started * w->step);
}

/* Up to `pipeline` requests become visible; *n says how many. -EAGAIN: there is no room for
 * more of them. */
static int send_batch(struct worker *w, struct client *c, unsigned *sent)
{
	const struct load *l = w->load;
	uint64_t t0;
	unsigned n;
	int rc = 0, rc2;

	for (n = 0; n < l->pipeline; n++) {
		if (!line_len(&c->ready)) {
			if (!line_len(&c->idle) || !may_start(w, &t0))
				break;
			start_op(w, c, t0);
		}
		rc = l->work->ops->send(&w->actor, &c->ops[line_first(&c->ready)], c->t);
		if (rc)
			break;
		line_put(&c->waiting, line_get(&c->ready));
	}
	rc2 = n && (rc == 0 || rc == -EAGAIN) ? target_flush(c->t) : 0;
	*sent = n;
	return rc2 ? rc2 : rc;
}

/* As many batches as the depth allows. */
static int send_some(struct worker *w, struct client *c)
{
	unsigned n;
	int rc;

	do
		rc = send_batch(w, c, &n);
	while (rc == 0 && n == w->load->pipeline);
	return rc && rc != -EAGAIN ? fail(w, rc, target_why(c->t)) : 0;
}

static int take_one(struct worker *w, struct client *c, const struct cxlring_view *v)
{
	uint32_t i = line_get(&c->waiting);
	struct op *op = &c->ops[i];
	struct tally *k;
	int rc = w->load->work->ops->take(&w->actor, op, c->t, v);

	op->step++;
	if (rc == WORK_MORE)
		line_put(&c->ready, i);
	if (rc != WORK_DONE)
		return rc == WORK_MORE ? 0 : rc;
	k = &w->kind[op->kind];
	k->count++;
	if (w->load->latency)
		hist_record(&k->hist, clock_to_ns(clock_ticks() - op->t0));
	line_put(&c->idle, i);
	shm_store64(&w->done, w->done + 1);
	return 0;
}

/* In a closed loop: at least one reply. Of the ring all that are there; a socket waits for
 * a batch of them. */
static int take_some(struct worker *w, struct client *c)
{
	const struct load *l = w->load;
	bool ring = l->target.kind == TARGET_RING;
	struct cxlring_view v;
	unsigned n;
	int rc;

	for (n = 0; line_len(&c->waiting) && (ring || n < l->pipeline); n++) {
		rc = target_next(c->t, &v, ring && n ? WAIT_NOT : WAIT_REPLY);
		if (rc == -EAGAIN && n > 0)
			return 0;
		rc = rc ? fail(w, rc, target_why(c->t)) : take_one(w, c, &v);
		if (rc)
			return rc;
		/* Do not drain all before there is more to do: half is enough. */
		if (line_len(&c->waiting) <= l->depth - l->pipeline && n >= l->pipeline)
			return 0;
	}
	return 0;
}

/* In an open loop: what is there. How many: in *n. */
static int take_ready(struct worker *w, struct client *c, unsigned *n)
{
	struct cxlring_view v;
	int rc;

	while (line_len(&c->waiting)) {
		rc = target_next(c->t, &v, WAIT_LOOK);
		if (rc == -EAGAIN)
			return 0;
		rc = rc ? fail(w, rc, target_why(c->t)) : take_one(w, c, &v);
		if (rc)
			return rc;
		++*n;
	}
	return 0;
}

/* ---- all clients of a worker ---- */

/* When the time is over: finish what is under way, start nothing. */
static void look_at_time(struct worker *w)
{
	if (w->deadline && (int64_t)(clock_ticks() - w->deadline) >= 0)
		w->quota = w->until = w->started;
}

static int closed_loop(struct worker *w)
{
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < w->nclients; i++)
		rc = send_some(w, &w->client[i]);
	while (rc == 0 && w->done < w->until && running(w)) {
		look_at_time(w);
		for (i = 0; rc == 0 && i < w->nclients; i++) {
			rc = take_some(w, &w->client[i]);
			if (rc == 0)
				rc = send_some(w, &w->client[i]);
		}
	}
	return rc;
}

/* Nothing has come and nothing is due: sleep, but wake before the next one is due. */
static void wait_for_due(struct worker *w, unsigned *looks)
{
	int64_t left = (int64_t)(w->due - clock_ticks()), ns = 1000000;
	struct pollfd p[64];
	unsigned i, n = 0;
	bool waiting = false;

	if (w->started < w->until && left < (int64_t)clock_from_ns((uint64_t)ns))
		ns = left > 0 ? (int64_t)clock_to_ns((uint64_t)left) : 0;
	for (i = 0; i < w->nclients; i++)
		if (line_len(&w->client[i].waiting)) {
			waiting = true;
			if (n < 64)
				p[n++] = (struct pollfd){.fd = target_fd(w->client[i].t), .events = POLLIN};
		}
	if (ns > EARLY_NS && !(waiting && p[0].fd < 0)) {
		struct timespec t = {.tv_nsec = ns - EARLY_NS};

		ppoll(p, n, &t, NULL);
	} else if (++*looks % YIELD_AFTER == 0) {
		sched_yield(); /* the server may need this core */
	} else {
		cpu_relax();
	}
}

static int open_loop(struct worker *w)
{
	unsigned i, n, looks = 0;
	uint64_t started;
	int rc = 0;

	while (rc == 0 && w->done < w->until && running(w)) {
		look_at_time(w);
		n = 0;
		started = w->started;
		for (i = 0; rc == 0 && i < w->nclients; i++) {
			rc = take_ready(w, &w->client[i], &n);
			if (rc == 0)
				rc = send_some(w, &w->client[i]);
		}
		if (rc == 0 && n == 0 && w->started == started)
			wait_for_due(w, &looks);
	}
	return rc;
}

static int drive(struct worker *w)
{
	return w->step > 0 ? open_loop(w) : closed_loop(w);
}

/* A client that others use as well: by turns, and with nothing under way at the end. */
static int drive_by_turns(struct worker *w)
{
	uint64_t share = (uint64_t)w->load->depth * SHARE;
	int rc = 0;

	while (rc == 0 && w->done < w->quota && running(w)) {
		pthread_mutex_lock(&w->client->lock);
		w->until = w->quota - w->done > share ? w->done + share : w->quota;
		rc = drive(w);
		pthread_mutex_unlock(&w->client->lock);
	}
	return rc;
}

/* ---- a worker ---- */

static void add_cost(struct cxlring_cost *sum, const struct client *clients, unsigned n)
{
	struct cxlring_cost c;

	while (n--) {
		target_cost(clients[n].t, &c);
		sum->full += c.full;
		sum->sleeps += c.sleeps;
		sum->rings += c.rings;
		sum->sleep_ns += c.sleep_ns;
	}
}

/* The first of `threads` to start is due at once, the others spread over one interval. */
static void set_clock(struct worker *w)
{
	const struct load *l = w->load;
	double a_second = (double)clock_from_ns(1000000000);

	w->t0 = clock_ticks();
	if (l->rate > 0) {
		w->step = a_second / l->rate * l->threads;
		w->t0 += (uint64_t)(w->step / l->threads * w->index);
		w->due = w->t0;
	}
	if (l->seconds > 0)
		w->deadline = w->t0 + (uint64_t)(a_second * l->seconds);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	sem_post(&w->common->ready);
	while (sem_wait(&w->common->go) && errno == EINTR)
		;
	w->until = w->quota;
	set_clock(w);
	if (w->rc == 0)
		w->rc = w->shared ? drive_by_turns(w) : drive(w);
	w->t1 = clock_ticks();
	if (w->rc)
		shm_cas32(&w->common->state, RUN, STOP);
	w->ended = true;
	sem_post(&w->common->ended);
	return NULL;
}

static _Noreturn void work_alone(struct worker *w)
{
	bool full;
	unsigned i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	w->client = calloc(w->nclients, sizeof *w->client);
	for (i = 0; w->rc == 0 && i < w->nclients; i++)
		if (!w->client || !client_open(&w->client[i], &w->load->target, w->load->depth,
							  w->actor.why, sizeof w->actor.why, &full))
			w->rc = -ENOTCONN;
	if (w->rc)
		shm_store32(&w->common->state, STOP);
	else
		w->opened = true;
	work(w);
	if (w->opened)
		add_cost(&w->cost, w->client, w->nclients);
	for (i = 0; w->client && i < w->nclients; i++)
		client_close(&w->client[i], w->load->work->ops->drop);
	_exit(0);
}

static void worker_init(struct worker *w, struct common *c, const struct load *l, unsigned i)
{
	uint64_t part = l->requests / l->threads;
	unsigned k;

	w->load = l;
	w->common = c;
	w->index = i;
	w->quota = i + 1 == l->threads ? l->requests - part * i : part;
	w->actor.work = l->work;
	w->actor.next = part * i;
	rng_seed(&w->actor.rng, l->seed, i);
	dist_init(&w->actor.dist, l->work->dist, l->work->items);
	for (k = 0; k < WORK_KINDS; k++)
		hist_reset(&w->kind[k].hist);
}

/* ---- all workers ---- */

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
			work_alone(w);
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
	return -pthread_create(&w->thread, NULL, work, w);
}

/* How many processes have ended without saying so. They end the run. */
static unsigned bury(struct common *c, unsigned n)
{
	unsigned i, dead = 0;

	for (i = 0; i < n; i++) {
		struct worker *w = &c->worker[i];

		if (w->pid > 0 && waitpid(w->pid, NULL, WNOHANG) > 0) {
			w->pid = 0;
			if (!w->ended)
				w->rc = fail(w, -ECHILD, "one of the processes was killed");
		}
		dead += w->rc == -ECHILD;
	}
	if (dead)
		shm_cas32(&c->state, RUN, STOP);
	return dead;
}

static void tell_progress(const struct common *c, const struct load *l, uint64_t t0)
{
	uint64_t done = 0;
	unsigned i;

	for (i = 0; i < l->threads; i++)
		done += shm_load64(&c->worker[i].done);
	l->progress(done, clock_to_ns(clock_ticks() - t0));
}

/* Until n have posted, or can no more. t0: when they started; 0: not yet. */
static void wait_for(
	struct common *c, sem_t *sem, unsigned n, const struct load *l, uint64_t t0)
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
static int run_all(struct common *c, const struct load *l, struct client *clients, unsigned n)
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

static void collect_all(struct load_result *r, const struct common *c, unsigned n)
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

static struct common *common_new(const struct load *l, size_t *len)
{
	struct common *c;
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
	size_t common_len;
	struct common *c = common_new(l, &common_len);
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
	add_cost(&r->cost, clients, n);
	collect_all(r, c, l->threads);
	if (rc == 0 && shm_load32(&c->state) == INTERRUPTED)
		rc = -EINTR;
out:
	current = NULL;
	for (i = 0; i < n; i++)
		client_close(&clients[i], l->work->ops->drop);
	free(clients);
	if (c)
		munmap(c, common_len);
	return rc;
}
