/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_load.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "barrier.h"
#include "clock.h"

enum { PLACES = 4096, KEY_LEN = 16, WHY = 256 };

/* One connection; threads share it when there are more of them than channels. */
struct lane {
	struct target *t;
	pthread_mutex_t lock;
};

struct slot {
	uint64_t key;
	uint64_t t0;
	enum op op;
};

struct worker {
	const struct load *load;
	const char *block;
	struct lane *lane;
	struct slot *slots; /* load->inflight of them, by request number */
	uint64_t rng;
	uint64_t first; /* key to start with, when sequential */
	uint64_t quota;
	uint64_t sent;
	uint64_t got;
	uint64_t misses;
	struct hist *hist;
	pthread_t thread;
	int rc;
	char why[WHY];
} LINE_PAIR_ALIGNED;

static volatile int stopped;

void load_stop(void)
{
	stopped = 1;
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ x >> 33;
}

static const char *value_of(const struct worker *w, uint64_t key)
{
	return w->block + mix(key + w->load->seed) % PLACES;
}

static void write_key(char *out, const char *prefix, uint64_t key)
{
	int i;

	memcpy(out, prefix, 4);
	for (i = KEY_LEN - 1; i >= 4; i--, key /= 10)
		out[i] = (char)('0' + key % 10);
}

static uint64_t draw(struct worker *w)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng;
}

/* The next request into the connection. */
static int append_one(struct worker *w)
{
	const struct load *l = w->load;
	struct slot *s = &w->slots[w->sent % l->inflight];
	char key[KEY_LEN];
	uint64_t rng = w->rng, r = draw(w);
	int rc;

	s->key = l->sequential ? w->first + w->sent : (uint32_t)(r >> 32) % l->keys;
	s->op = l->read_share < 0                                    ? l->op
			: (int)((uint32_t)r % 100) < l->read_share ? OP_GET
													   : OP_SET;
	write_key(key, s->op == OP_INCR ? "ctr:" : "key:", s->key);
	if (l->latency)
		s->t0 = clock_ticks();
	rc = target_append(w->lane->t, s->op, key, KEY_LEN,
		s->op == OP_SET ? value_of(w, s->key) : NULL, l->value_size);
	if (rc)
		w->rng = rng; /* the same one next time */
	else
		w->sent++;
	return rc;
}

/* Is that the right reply? */
static bool check(struct worker *w, const struct slot *s, const struct cxlring_view *v)
{
	const struct load *l = w->load;

	switch (s->op) {
	case OP_SET:
		return v->type == CXLRING_STATUS && v->len == 2 && memcmp(v->data, "OK", 2) == 0;
	case OP_GET:
		if (v->type == CXLRING_NIL && l->may_miss) {
			w->misses++;
			return true;
		}
		return v->type == CXLRING_STRING && v->len == l->value_size &&
			   memcmp(v->data, value_of(w, s->key), v->len) == 0;
	case OP_PING:
		return v->type == CXLRING_STATUS && v->len == 4;
	case OP_INCR:
		return v->type == CXLRING_INTEGER && v->integer > 0;
	default:
		return v->type == CXLRING_INTEGER && (v->integer == 0 || v->integer == 1);
	}
}

static int fail(struct worker *w, int rc, const char *text)
{
	snprintf(w->why, WHY, "%s", text);
	return rc;
}

static int take(struct worker *w, const struct cxlring_view *v)
{
	struct slot *s = &w->slots[w->got % w->load->inflight];

	if (w->load->latency)
		hist_record(w->hist, clock_to_ns(clock_ticks() - s->t0));
	w->got++;
	if (check(w, s, v))
		return 0;
	snprintf(w->why, WHY, "request %llu, key %llu: a wrong reply: type %d, %zu bytes: %.*s",
		(unsigned long long)w->got, (unsigned long long)s->key, v->type, v->len,
		(int)(v->data && v->type != CXLRING_STRING && v->len < 120 ? v->len : 0),
		v->data ? v->data : "");
	return -EBADMSG;
}

/* Up to `pipeline` requests, as far as there is room for them. */
static int append_some(struct worker *w, uint64_t until)
{
	const struct load *l = w->load;
	unsigned n;
	int rc = 0;

	for (n = 0; n < l->pipeline && w->sent < until && w->sent - w->got < l->inflight; n++) {
		rc = append_one(w);
		if (rc)
			break;
	}
	if (rc && rc != -EAGAIN)
		return fail(w, rc, target_why(w->lane->t));
	rc = n ? target_flush(w->lane->t) : 0;
	return rc ? fail(w, rc, target_why(w->lane->t)) : 0;
}

/* The replies that are there; at least one. A socket waits for a batch of them. */
static int take_some(struct worker *w)
{
	const struct load *l = w->load;
	bool ring = l->target.kind == TARGET_RING;
	struct cxlring_view v;
	unsigned n;
	int rc;

	for (n = 0; w->got < w->sent && (ring || n < l->pipeline); n++) {
		rc = target_next(w->lane->t, &v, n == 0);
		if (rc == -EAGAIN && n > 0)
			return 0;
		rc = rc ? fail(w, rc, target_why(w->lane->t)) : take(w, &v);
		if (rc)
			return rc;
		/* Do not drain all before there is more to do: half is enough. */
		if (w->sent - w->got <= l->inflight - l->pipeline && n >= l->pipeline)
			return 0;
	}
	return 0;
}

/* Requests up to number `until`, and all their replies. */
static int pump(struct worker *w, uint64_t until)
{
	int rc = 0;

	while (rc == 0 && w->got < until && !stopped) {
		rc = append_some(w, until);
		if (rc == 0)
			rc = take_some(w);
	}
	return rc;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	bool shared = w->load->threads > 1;

	while (w->rc == 0 && w->got < w->quota && !stopped) {
		uint64_t until = w->quota;

		if (shared) {
			if (w->quota - w->got > w->load->inflight * 8)
				until = w->got + w->load->inflight * 8;
			pthread_mutex_lock(&w->lane->lock);
		}
		w->rc = pump(w, until);
		if (shared)
			pthread_mutex_unlock(&w->lane->lock);
	}
	if (w->rc)
		stopped = 1;
	return NULL;
}

/* As many connections as threads, or as there are channels. */
static int open_lanes(
	const struct load *l, struct lane *lanes, unsigned *n, char *why, size_t len)
{
	bool full = false;

	for (*n = 0; *n < l->threads; ++*n) {
		lanes[*n].t = target_open(&l->target, why, len, &full);
		if (!lanes[*n].t)
			break;
		pthread_mutex_init(&lanes[*n].lock, NULL);
	}
	return *n == l->threads || (*n > 0 && full) ? 0 : -ENOTCONN;
}

static uint64_t cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000 +
		   (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

static int start(struct worker *w, unsigned i)
{
	const struct load *l = w->load;

	w->rng = mix(l->seed * 977 + i + 1) | 1;
	w->first = l->requests / l->threads * i;
	w->quota = i + 1 == l->threads ? l->requests - w->first : l->requests / l->threads;
	w->slots = calloc(l->inflight, sizeof *w->slots);
	w->hist = calloc(1, sizeof *w->hist);
	return w->slots && w->hist ? 0 : -ENOMEM;
}

static void collect(struct load_result *r, struct worker *w)
{
	r->requests += w->got;
	r->misses += w->misses;
	hist_merge(&r->hist, w->hist);
}

static void add_cost(struct load_result *r, const struct lane *lanes, unsigned n)
{
	struct cxlring_cost c;

	while (n--) {
		target_cost(lanes[n].t, &c);
		r->cost.full += c.full;
		r->cost.sleeps += c.sleeps;
		r->cost.rings += c.rings;
		r->cost.sleep_ns += c.sleep_ns;
	}
}

/* A block of printable random bytes that every run with this seed shares. */
static char *make_block(const struct load *l)
{
	size_t i, n = PLACES + l->value_size;
	char *b = malloc(n);

	for (i = 0; b && i < n; i++)
		b[i] = (char)('!' + mix(i * 31 + l->seed) % 90);
	return b;
}

int load_run(const struct load *l, struct load_result *r, char *why, size_t len)
{
	struct lane *lanes = calloc(l->threads, sizeof *lanes);
	struct worker *w = NULL;
	char *block = make_block(l);
	unsigned i, nlanes = 0, started = 0;
	uint64_t t0, c0;
	int rc = -ENOMEM;

	memset(r, 0, sizeof *r);
	hist_reset(&r->hist);
	if (!lanes || !block ||
		posix_memalign((void **)&w, 128, l->threads * sizeof *w))
		goto out;
	memset(w, 0, l->threads * sizeof *w);
	rc = open_lanes(l, lanes, &nlanes, why, len);
	for (i = 0; rc == 0 && i < l->threads; i++) {
		w[i].load = l;
		w[i].block = block;
		w[i].lane = &lanes[i % nlanes];
		rc = start(&w[i], i);
	}
	t0 = clock_ticks();
	c0 = cpu_ns();
	for (; rc == 0 && started < l->threads; started++)
		rc = -pthread_create(&w[started].thread, NULL, work, &w[started]);
	for (i = 0; i < started; i++)
		pthread_join(w[i].thread, NULL);
	r->ns = clock_to_ns(clock_ticks() - t0);
	r->cpu_ns = cpu_ns() - c0;
	r->channels = nlanes;
	for (i = 0; rc == 0 && i < started; i++) {
		if (w[i].rc)
			snprintf(why, len, "%s", w[i].why);
		rc = w[i].rc;
	}
	for (i = 0; rc == 0 && i < started; i++)
		collect(r, &w[i]);
	add_cost(r, lanes, nlanes);
	if (rc == 0 && r->requests != l->requests)
		rc = -EINTR;
out:
	for (i = 0; w && i < l->threads; i++) {
		free(w[i].slots);
		free(w[i].hist);
	}
	for (i = 0; i < nlanes; i++)
		target_close(lanes[i].t);
	free(w);
	free(lanes);
	free(block);
	return rc;
}
