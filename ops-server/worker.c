/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"

#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "session.h"
#include "zone.h"

enum {
	HOT_TURNS = 8,       /* looks at the hot channels per look at a slice of the others */
	SLICE = 8,           /* quiet channels looked at per turn */
	HOT_POLLS = 4096,    /* polls without a request until a channel is quiet again */
	SLEEP_MS = 1000,     /* longest sleep, in case a bell was lost with its ringer */
	BLOCKED_SLEEP_MS = 1,
	STACK_BYTES = 512 << 10,
	SLICE_NS = 100000,
};

static bool stopping(const struct server *s)
{
	return __atomic_load_n(&s->stop, __ATOMIC_RELAXED);
}

/* Work on that channel: a request, or room for a reply that waited. */
static bool has_work(const struct server *s, const struct service_chan *c)
{
	return c->open && (ring_waiting(&c->rx) || session_blocked(s, c));
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

/* The channel locked, if it has work and nobody else is at it. */
static struct service_chan *take(const struct server *s, struct service_chan *c)
{
	if (!has_work(s, c) || !service_lock(c))
		return NULL;
	if (has_work(s, c))
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

static struct service_chan *look_quiet(struct worker *w)
{
	uint32_t n = w->server->service.geometry->nchannels, k;

	for (k = 0; k < SLICE && k < n; k++) {
		struct service_chan *c;

		w->cursor = w->cursor + 1 < n ? w->cursor + 1 : 0;
		c = take(w->server, &w->server->chans[w->cursor]);
		if (c) {
			make_hot(w, w->cursor);
			return c;
		}
	}
	return NULL;
}

/* One turn: the hot channels again and again, then a slice of the others; these also
 * when the hot ones never run out of work. */
static struct service_chan *look(struct worker *w)
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
	return look_quiet(w);
}

/* Every channel, before sleeping. */
static bool anything(const struct server *s)
{
	uint32_t n = s->service.geometry->nchannels, i;

	for (i = 0; i < n; i++)
		if (s->chans[i].open && ring_waiting(&s->chans[i].rx))
			return true;
	return service_changed(&s->service);
}

static void doze(struct worker *w)
{
	struct server *s = w->server;
	uint32_t *bell = &s->service.shm->asleep;
	uint64_t t0 = clock_ticks();

	bell_set(bell, BELL_FUTEX);
	if (!anything(s) && !stopping(s)) {
		w->sleeps++;
		bell_sleep(bell, __atomic_load_n(&s->blocked, __ATOMIC_RELAXED) ? BLOCKED_SLEEP_MS
										: SLEEP_MS);
	}
	bell_clear(bell);
	spin_idle(&w->spin, clock_ticks() - t0);
}

static void control(struct server *s)
{
	pthread_mutex_lock(&s->control);
	service_control(&s->service);
	pthread_mutex_unlock(&s->control);
}

/* Poll until a channel has work; it is returned locked. Caller holds `polling`. */
static struct service_chan *poll_channels(struct worker *w)
{
	struct server *s = w->server;
	struct service_chan *c;

	spin_start(&w->spin);
	while (!stopping(s)) {
		if (service_changed(&s->service))
			control(s);
		c = look(w);
		if (c) {
			spin_met(&w->spin);
			return c;
		}
		if (!spin_again(&w->spin)) {
			doze(w);
			spin_start(&w->spin);
		}
	}
	return NULL;
}

/* Requests take less than a microsecond, so a short slice is all that is needed, and
 * the scheduler lets a thread that asks for one run sooner when it is woken (Linux 6.12
 * and later; before that this changes nothing). */
static void ask_for_short_slices(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {.size = sizeof attr, .policy = SCHED_OTHER, .nice = getpriority(PRIO_PROCESS, 0),
		.runtime = SLICE_NS};

	if (syscall(SYS_sched_setattr, 0, &attr, 0) < 0)
		log_line(LOG_DEBUG, "sched_setattr: %s", strerror(errno));
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct server *s = w->server;
	struct service_chan *c;

	ask_for_short_slices();
	pthread_mutex_lock(&s->polling);
	while ((c = poll_channels(w)) != NULL) {
		bool heavy = s->config.workers > 1 && session_heavy(c);

		if (heavy)
			pthread_mutex_unlock(&s->polling);
		if (__atomic_load_n(&s->zone, __ATOMIC_ACQUIRE) != w->zone && zone_adopt(w))
			log_warning("no memory for the new keys yet, going on with the old ones");
		session_serve(w, c);
		service_unlock(c);
		if (heavy) {
			/* Whoever polls may sleep, and not know of a reply that waits. */
			if (__atomic_load_n(&s->blocked, __ATOMIC_RELAXED))
				bell_wake(&s->service.shm->asleep);
			pthread_mutex_lock(&s->polling);
		}
	}
	pthread_mutex_unlock(&s->polling);
	return NULL;
}

int workers_start(struct server *s)
{
	pthread_attr_t attr;
	uint32_t i;
	int rc = 0;

	s->workers = aligned_alloc(128, s->config.workers * sizeof *s->workers);
	if (!s->workers)
		return -ENOMEM;
	memset(s->workers, 0, s->config.workers * sizeof *s->workers);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (i = 0; i < s->config.workers && !rc; i++) {
		s->workers[i].server = s;
		spin_init(&s->workers[i].spin, s->config.spin_us * 1000ull);
		rc = zone_adopt(&s->workers[i]);
	}
	for (i = 0; i < s->config.workers && !rc; i++)
		rc = -pthread_create(&s->workers[i].thread, &attr, worker_run, &s->workers[i]);
	pthread_attr_destroy(&attr);
	return rc;
}

void workers_join(struct server *s)
{
	uint32_t i;

	bell_wake(&s->service.shm->asleep);
	for (i = 0; i < s->config.workers; i++) {
		pthread_join(s->workers[i].thread, NULL);
		zone_release(&s->workers[i]);
	}
	free(s->workers);
}
