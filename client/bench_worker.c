/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_worker.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "clock.h"

enum {
	EARLY_NS = 60000,    /* sleep until so long before an operation is due, then spin */
	SHARE = 8,           /* depths that a thread gets of a client it shares */
	YIELD_AFTER = 64,    /* looks in vain before another process may have the core */
};

static bool running(const struct worker *w)
{
	return shm_load32(&w->crew->state) == RUN;
}

int worker_fail(struct worker *w, int rc, const char *text)
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
	return rc && rc != -EAGAIN ? worker_fail(w, rc, target_why(c->t)) : 0;
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
		rc = rc ? worker_fail(w, rc, target_why(c->t)) : take_one(w, c, &v);
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
		rc = rc ? worker_fail(w, rc, target_why(c->t)) : take_one(w, c, &v);
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

void worker_add_cost(struct cxlring_cost *sum, const struct client *clients, unsigned n)
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

void *worker_run(void *arg)
{
	struct worker *w = arg;

	sem_post(&w->crew->ready);
	while (sem_wait(&w->crew->go) && errno == EINTR)
		;
	w->until = w->quota;
	set_clock(w);
	if (w->rc == 0)
		w->rc = w->shared ? drive_by_turns(w) : drive(w);
	w->t1 = clock_ticks();
	if (w->rc)
		shm_cas32(&w->crew->state, RUN, STOP);
	w->ended = true;
	sem_post(&w->crew->ended);
	return NULL;
}

void worker_run_alone(struct worker *w)
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
		shm_store32(&w->crew->state, STOP);
	else
		w->opened = true;
	worker_run(w);
	if (w->opened)
		worker_add_cost(&w->cost, w->client, w->nclients);
	for (i = 0; w->client && i < w->nclients; i++)
		client_close(&w->client[i], w->load->work->ops->drop);
	_exit(0);
}

void worker_init(struct worker *w, struct crew *c, const struct load *l, unsigned i)
{
	uint64_t part = l->requests / l->threads;
	unsigned k;

	w->load = l;
	w->crew = c;
	w->index = i;
	w->quota = i + 1 == l->threads ? l->requests - part * i : part;
	w->actor.work = l->work;
	w->actor.next = part * i;
	rng_seed(&w->actor.rng, l->seed, i);
	dist_init(&w->actor.dist, l->work->dist, l->work->items);
	for (k = 0; k < WORK_KINDS; k++)
		hist_reset(&w->kind[k].hist);
}
