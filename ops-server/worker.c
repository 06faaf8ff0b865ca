/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "thread.h"
#include "zone.h"

enum {
	HOT_TURNS = 8,       /* looks at the hot channels per look at a slice of the others */
	SLICE = 8,           /* quiet channels looked at per turn */
	HOT_POLLS = 4096,    /* polls without a request until a channel is quiet again */
	SLEEP_US = 1000000,  /* longest sleep, in case a bell was lost with its ringer */
	STUCK_SLEEP_US = 1000,
	SOON_NS = 15000,     /* from an answer to the same client's next request: both switches,
	                        and what the client does in between */
	PATIENCE_MIN = 16,
	PATIENCE_MAX = 256,
	WORTH_WHILE = 64,    /* requests in one go that pay for a wake-up and an idle budget */
	BESIDE = 16,         /* clients found asleep in a row: they run on the poller's processor */
	TAKEN_NS = 200000,   /* away for longer in all, and a quarter of the time: too wanted */
	TAKEN_PART = 4,
	LINGER_NS = 1000000, /* after something long, at most; nor longer than that took */
	SLICE_NS = 100000,
	FIRST_NS = 500000,   /* ahead of everybody else, more than was slept in turn */
	NO_CPU = CPU_SETSIZE,
};

static bool stopping(const struct server *s)
{
	return __atomic_load_n(&s->stop, __ATOMIC_RELAXED);
}

static struct lane_shm *lane_of(const struct worker *w)
{
	return &w->server->service.shm->lane[w->index];
}

/* Remember a channel as hot; a full table forgets the quietest. */
static void make_hot(struct worker *w, uint32_t index)
{
	uint32_t i, worst = 0;

	for (i = 0; i < w->nhot; i++)
		if (w->hot[i].index == index)
			break;
	if (i == w->nhot) {
		if (w->nhot < sizeof w->hot / sizeof w->hot[0]) {
			w->nhot++;
		} else {
			for (i = 0; i < w->nhot; i++)
				if (w->hot[i].quiet > w->hot[worst].quiet)
					worst = i;
			i = worst;
		}
	}
	w->hot[i].index = index;
	w->hot[i].quiet = 0;
}

/* The channel locked, if there is work on it - a request, or room for a reply that waited -
 * and nobody else is at it. */
static struct service_chan *take(const struct server *s, struct service_chan *c)
{
	if (!(service_waiting(c) || session_stuck(s, c)) || !service_lock(c))
		return NULL;
	/* Whose reply has no room is not read from. */
	if (c->open && (session_stuck(s, c) ? session_unstuck(s, c) : ring_waiting(&c->rx)))
		return c;
	service_unlock(c);
	return NULL;
}

/* From where the last look stopped: else one busy client could keep its place for ever. */
static struct service_chan *look_hot(struct worker *w)
{
	uint32_t left;

	for (left = w->nhot; left > 0; left--) {
		uint32_t i = w->turn < w->nhot ? w->turn : 0;
		struct service_chan *c = take(w->server, &w->server->chans[w->hot[i].index]);

		w->turn = i + 1;
		if (c) {
			w->hot[i].quiet = 0;
			return c;
		}
		if (++w->hot[i].quiet > HOT_POLLS) {
			w->hot[i] = w->hot[--w->nhot];
			w->turn = i;
		}
	}
	return NULL;
}

/* The next `most` open channels that are not looked at all the time. */
static struct service_chan *look_around(struct worker *w, uint32_t most)
{
	struct server *s = w->server;
	uint32_t n = s->service.geometry->nchannels, k;

	for (k = 0; k < most; k++) {
		struct service_chan *c;

		w->cursor = service_next_open(&s->service, w->cursor + 1, n);
		if (w->cursor == n)
			w->cursor = service_next_open(&s->service, 0, n);
		if (w->cursor == n)
			break;
		c = take(s, &s->chans[w->cursor]);
		if (c)
			return c;
	}
	return NULL;
}

/* One turn of the poller: the hot channels again and again, then a slice of the others;
 * these also when the hot ones never run out of work. */
static struct service_chan *poll_channels(struct worker *w)
{
	struct service_chan *c = NULL;
	int k;

	for (k = 0; k < HOT_TURNS && w->nhot && !c && w->served < HOT_TURNS * w->nhot; k++) {
		c = look_hot(w);
		if (!c)
			cpu_relax();
	}
	if (c) {
		w->served++;
		return c;
	}
	w->served = 0;
	c = look_around(w, SLICE);
	if (c)
		make_hot(w, c->index);
	return c;
}

/* Who was rung: the ringer's channel, then all. */
static struct service_chan *look(struct worker *w)
{
	struct server *s = w->server;
	uint32_t ringer = shm_load32(&lane_of(w)->channel);
	struct service_chan *c = NULL;

	if (ringer < s->service.geometry->nchannels) {
		/* First once: a client that always has more to ask leaves others their turn. */
		shm_store32(&lane_of(w)->channel, UINT32_MAX);
		c = take(s, &s->chans[ringer]);
	}
	return c ? c : look_around(w, __atomic_load_n(&s->service.nopen, __ATOMIC_RELAXED));
}

/* Something that nobody is at? Who has a channel's lock looks again before it sleeps. */
/* `but`: a channel that the caller has locked, or NULL. */
static bool anything_but(const struct server *s, const struct service_chan *but)
{
	uint32_t n = s->service.geometry->nchannels, i;

	for (i = service_next_open(&s->service, 0, n); i < n;
		i = service_next_open(&s->service, i + 1, n))
		if (&s->chans[i] != but && service_waiting(&s->chans[i]) &&
			!session_stuck(s, &s->chans[i]))
			return true;
	return service_changed(&s->service);
}

static bool anything(const struct server *s)
{
	return anything_but(s, NULL);
}

/* Wake one that sleeps; not on processor `but`, if that is one. */
static void wake_one(struct server *s, uint32_t but, bool to_poll)
{
	uint32_t i;

	for (i = 0; i < s->config.workers; i++) {
		struct worker *w = &s->workers[i];

		if (w->cpu == but || shm_load32(&lane_of(w)->asleep) != BELL_FUTEX)
			continue;
		if (to_poll)
			__atomic_store_n(&w->asked, true, __ATOMIC_RELEASE);
		lane_wake(lane_of(w)); /* else it looks by itself */
		return;
	}
}

void workers_wake(struct server *s)
{
	uint32_t i;

	for (i = 0; i < s->config.workers; i++)
		lane_wake(lane_of(&s->workers[i]));
}

void workers_look(struct server *s)
{
	uint32_t *asleep = &s->service.shm->asleep;

	/* A neighbour may have written there; clients would look for a poller in vain. */
	if (!__atomic_load_n(&s->poller, __ATOMIC_RELAXED) && shm_load32(asleep) != BELL_LANES)
		shm_store32(asleep, BELL_LANES);
	shm_fence_full();
	if (__atomic_load_n(&s->poller, __ATOMIC_RELAXED))
		shm_store32(asleep, BELL_AWAKE); /* it has just begun */
	if (anything(s))
		wake_one(s, NO_CPU, false);
}

/* ---- whose turn it is ---- */

static void like_others(struct worker *w)
{
	if (!w->first)
		return;
	thread_schedule(SLICE_NS, 0); /* requests take less than a microsecond */
	w->debt += clock_ticks() - w->since;
	w->first = false;
}

static bool in_debt(const struct worker *w)
{
	return w->debt + (w->first ? clock_ticks() - w->since : 0) > clock_from_ns(FIRST_NS);
}

/*
 * At rest. A client that wakes us on its own processor goes to sleep until we come to it,
 * and that is after everybody else who waits for this processor; then it waits in line
 * again. If we go first, where that is allowed, the answer is there before it sleeps (TPC-B
 * with 16 clients: 8 % more). Others must not be kept away by it: what may last says so
 * before it runs (worker_lasts), and time ahead has to be slept, but for half a millisecond,
 * whoever it was that rang.
 */
static void take_place(struct worker *w)
{
	if (in_debt(w))
		like_others(w);
	else if (w->may_go_first && !w->first) {
		w->first = w->may_go_first = thread_first();
		w->since = clock_ticks();
	}
}

static void settle(struct worker *w, uint64_t slept_since)
{
	uint64_t now = clock_ticks(), slept = now - slept_since;

	if (w->first)
		w->debt += slept_since - w->since;
	w->since = now;
	w->debt -= slept < w->debt ? slept : w->debt;
}

void worker_lasts(struct worker *w)
{
	if (!w->first)
		return;
	like_others(w);
	w->debt = clock_from_ns(2 * FIRST_NS); /* more of the same is likely */
}

/* ---- polling ---- */

static bool poll_begin(struct worker *w)
{
	struct server *s = w->server;
	struct worker *none = NULL;

	if (!s->config.spin_us || !__atomic_compare_exchange_n(&s->poller, &none, w, false,
							  __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	like_others(w);
	w->polls = true;
	w->caught = 0;
	w->beside = 0;
	w->taken = 0;
	w->polls_since = clock_ticks();
	shm_store32(&s->service.shm->poller, w->cpu + 1);
	shm_store32(&s->service.shm->asleep, BELL_AWAKE);
	spin_start(&w->spin);
	return true;
}

/* Caller's next fence is L1: this, then a look at every channel. */
static void poll_end(struct worker *w)
{
	struct server *s = w->server;
	uint32_t patience;

	if (!w->polls)
		return;
	w->polls = false;
	shm_store32(&s->service.shm->poller, 0);
	shm_store32(&s->service.shm->asleep, BELL_LANES);
	__atomic_store_n(&s->poller, NULL, __ATOMIC_RELEASE);
	patience = __atomic_load_n(&s->patience, __ATOMIC_RELAXED);
	patience = w->caught >= WORTH_WHILE    ? PATIENCE_MIN
			   : patience < PATIENCE_MAX ? patience * 2
										 : PATIENCE_MAX;
	__atomic_store_n(&s->patience, patience, __ATOMIC_RELAXED);
}

/*
 * A client that was asleep when its request was caught sleeps at once, since it runs on
 * this processor; the scheduler may leave both here for tens of milliseconds while another
 * one is idle (measured: 5 us a row instead of 0.3). So let somebody poll from there.
 */
static void poll_elsewhere(struct worker *w, bool found_asleep)
{
	w->beside = found_asleep ? w->beside + 1 : 0;
	if (w->beside < BESIDE)
		return;
	poll_end(w);
	wake_one(w->server, w->cpu, true);
}

/* Nothing came this time. On until the budget is used up, or others want this processor
 * so much that we are away a good part of the time; an interrupt now and then is nothing,
 * and clients that find us away ring their own lane. */
static bool poll_on(struct worker *w)
{
	uint64_t before = w->spin.taken, spell;

	if (!spin_again(&w->spin))
		return false;
	w->taken += w->spin.taken - before;
	spell = w->spin.last - w->polls_since;
	return w->taken < clock_from_ns(TAKEN_NS) || w->taken < spell / TAKEN_PART;
}

/*
 * Whoever sends something long often sends more of it, in about the time that this took:
 * batches of one query. Until then the lane stays as it is, awake, so the client need not
 * wake us. An interrupt that ends the sleep of a virtual processor has cost it from 10 us
 * to 500, and made the query three times slower, depending on what the host did.
 */
static void linger_begin(struct worker *w, uint64_t took)
{
	uint64_t most = clock_from_ns(LINGER_NS);

	if (w->server->config.spin_us)
		spin_start_for(&w->linger, took < most ? took : most);
}

/* Time that others had our processor counts. */
static bool linger_on(struct worker *w)
{
	return w->linger.budget && spin_again(&w->linger) &&
		w->linger.last - w->linger.start < w->linger.budget;
}

/* ---- at rest ---- */

/* How long to sleep at most. Replies that wait for room, and clients elsewhere, ring no
 * bell; for the latter the first worker is enough. */
static uint32_t longest_sleep(struct worker *w)
{
	struct server *s = w->server;

	if (w->index == 0 && __atomic_load_n(&s->service.nremote, __ATOMIC_RELAXED))
		return wait_pause_us(w->idle_us);
	return __atomic_load_n(&s->nstuck, __ATOMIC_RELAXED) ? STUCK_SLEEP_US : SLEEP_US;
}

static void rest(struct worker *w)
{
	struct server *s = w->server;
	uint32_t *bell = &lane_of(w)->asleep, most = longest_sleep(w);
	uint64_t t0;

	w->linger.budget = 0;
	take_place(w);
	t0 = clock_ticks();
	bell_set(bell, BELL_FUTEX);
	if (!anything(s) && !stopping(s)) {
		w->sleeps++;
		bell_sleep(bell, most);
	}
	bell_clear(bell);
	settle(w, t0);
	w->idle_us += clock_to_ns(w->since - t0) / 1000;
	if (__atomic_load_n(&w->asked, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&w->asked, false, __ATOMIC_RELAXED);
		poll_begin(w);
	}
}

/* ---- work ---- */

static void control(struct server *s)
{
	bool remote;

	pthread_mutex_lock(&s->control);
	remote = s->service.nremote != 0;
	service_control(&s->service);
	if (!remote && s->service.nremote)
		lane_wake(&s->service.shm->lane[0]); /* to sleep no longer than they bear */
	pthread_mutex_unlock(&s->control);
}

/* Something long: let others be rung for what comes elsewhere, and wake one for what came. */
static void be_busy(struct worker *w, const struct service_chan *c)
{
	struct server *s = w->server;

	like_others(w);
	poll_end(w);
	shm_store32(&c->shm->busy, 1);
	shm_store32(&lane_of(w)->asleep, BELL_BUSY);
	shm_fence_full(); /* L1 (pairs with W2 in bell_heard) */
	if (anything_but(s, c))
		wake_one(s, NO_CPU, false);
}

/* The same client again so soon, so often: have somebody on another processor poll. Whether
 * we slept in between does not count: a client that is woken on our processor may run
 * before we come to rest, and then finds us awake. */
static void count_soon(struct worker *w, uint32_t channel)
{
	struct server *s = w->server;
	bool soon = clock_ticks() - w->answered < clock_from_ns(SOON_NS);

	w->soon = soon && channel == w->last ? w->soon + 1 : w->soon / 2;
	w->last = channel;
	if (w->soon < __atomic_load_n(&s->patience, __ATOMIC_RELAXED) || !s->config.spin_us)
		return;
	w->soon = 0;
	if (!__atomic_load_n(&s->poller, __ATOMIC_RELAXED))
		wake_one(s, w->cpu, true);
}

/* Caller has locked the channel; we unlock it. */
static void serve(struct worker *w, struct service_chan *c)
{
	struct server *s = w->server;
	bool remote = c->remote, heavy = session_heavy(c), mine;
	bool found_asleep = shm_load32(&c->shm->asleep) != BELL_AWAKE;
	uint64_t t0 = heavy ? clock_ticks() : 0;

	if (heavy)
		be_busy(w, c);
	else if (!w->polls)
		count_soon(w, c->index);
	if (__atomic_load_n(&s->zone, __ATOMIC_ACQUIRE) != w->zone && zone_adopt(w))
		log_warning("no memory for the new keys yet, going on with the old ones");
	mine = session_serve(w, c);
	if (heavy)
		shm_store32(&c->shm->busy, 0);
	if (heavy && mine)
		service_ring(c); /* who waits for room: tests/model/busy.pml */
	if (mine)
		service_unlock(c);
	eval_done(w->eval); /* only now: the client has its answer */
	if (heavy) {
		bell_clear(&lane_of(w)->asleep);
		linger_begin(w, clock_ticks() - t0);
	}
	w->idle_us = 0;
	if (w->polls) {
		w->caught++;
		spin_start(&w->spin); /* its budget stays: poll_on judges by the time away */
		poll_elsewhere(w, found_asleep);
	} else if (remote) {
		poll_begin(w);
	}
	if (!w->polls)
		w->answered = clock_ticks();
}

static void stay_on(uint32_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) < 0)
		log_warning("cannot stay on processor %u: %s", cpu, strerror(errno));
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct server *s = w->server;
	struct service_chan *c;

	stay_on(w->cpu);
	w->first = w->may_go_first = true; /* whatever it was started as */
	w->since = clock_ticks();
	like_others(w);
	while (!stopping(s)) {
		if (w->first && in_debt(w))
			like_others(w);
		if (service_changed(&s->service)) {
			like_others(w);
			control(s);
		}
		c = w->polls ? poll_channels(w) : look(w);
		if (c) {
			serve(w, c);
		} else if (w->polls ? !poll_on(w) : !linger_on(w)) {
			poll_end(w);
			rest(w);
		}
	}
	poll_end(w);
	return NULL;
}

/* A processor for each worker, of those that we may use, round and round. */
static void choose_cpus(struct server *s)
{
	uint32_t cpu[WORKERS_MAX], i, at = CPU_SETSIZE - 1;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) < 0 || CPU_COUNT(&set) == 0) {
		CPU_ZERO(&set);
		CPU_SET(0, &set);
	}
	for (i = 0; i < s->config.workers; i++) {
		do
			at = (at + 1) % CPU_SETSIZE;
		while (!CPU_ISSET(at, &set));
		s->workers[i].cpu = cpu[i] = at;
	}
	lanes_open(s->service.shm, cpu, s->config.workers);
	shm_store32(&s->service.shm->asleep, BELL_LANES);
}

int workers_start(struct server *s)
{
	uint32_t i;
	int rc = 0;

	s->workers = aligned_alloc(128, s->config.workers * sizeof *s->workers);
	if (!s->workers)
		return -ENOMEM;
	memset(s->workers, 0, s->config.workers * sizeof *s->workers);
	s->patience = PATIENCE_MIN;
	choose_cpus(s);
	for (i = 0; i < s->config.workers && !rc; i++) {
		s->workers[i].server = s;
		s->workers[i].index = i;
		spin_init(&s->workers[i].spin, s->config.spin_us * 1000ull);
		spin_init(&s->workers[i].linger, 0);
		rc = zone_adopt(&s->workers[i]);
	}
	for (i = 0; i < s->config.workers && !rc; i++)
		rc = thread_start(&s->workers[i].thread, worker_run, &s->workers[i]);
	return rc;
}

void workers_join(struct server *s)
{
	uint32_t i;

	workers_wake(s);
	for (i = 0; i < s->config.workers; i++) {
		pthread_join(s->workers[i].thread, NULL);
		zone_release(&s->workers[i]);
	}
	free(s->workers);
}
