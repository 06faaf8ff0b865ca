/* SPDX-License-Identifier: BSD-3-Clause */
#include "service.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "entropy.h"

/* Channels are refused under their own lock alone, so what counts them is atomic. */
static void count_open(struct service *s, const struct service_chan *c)
{
	uint32_t by = c->open ? 1u : -1u;
	uint64_t bit = 1ull << c->index % 64;

	__atomic_fetch_add(&s->nopen, by, __ATOMIC_RELAXED);
	if (c->remote)
		__atomic_fetch_add(&s->nremote, by, __ATOMIC_RELAXED);
	if (c->open)
		__atomic_fetch_or(&s->open[c->index / 64], bit, __ATOMIC_RELEASE);
	else
		__atomic_fetch_and(&s->open[c->index / 64], ~bit, __ATOMIC_RELEASE);
}

static void set_pending(struct service *s, bool pending)
{
	__atomic_store_n(&s->pending, pending, __ATOMIC_RELAXED);
}

/* The channel's lock, or the promise that `pending` is set when it is free. */
static bool lock_or_wait(struct service_chan *c)
{
	int is_locked = SERVICE_LOCKED;

	while (!service_lock(c)) {
		if (__atomic_compare_exchange_n(&c->lock, &is_locked, SERVICE_AWAITED, false,
				__ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
			is_locked == SERVICE_AWAITED)
			return false;
		is_locked = SERVICE_LOCKED; /* it has just become free */
	}
	return true;
}

static void unwatch_owner(struct service *s, struct service_chan *c)
{
	if (c->owner_fd < 0)
		return;
	if (s->config.left)
		s->config.left(s->config.ctx, c);
	close(c->owner_fd);
	c->owner_fd = -1;
}

static void forget_owner(struct service *s, struct service_chan *c)
{
	unwatch_owner(s, c);
	c->owner = 0;
	c->remote = c->quarantined = false;
}

/* Has the owner let go, under any generation that it can have had (D1)? 0 is what a new
 * region holds, not a generation. */
static bool let_go(const struct service_chan *c)
{
	uint32_t closing = shm_load_acquire32(&c->shm->closing);

	return closing != 0 && closing - c->freed <= c->gen - c->freed;
}

static void close_channel(struct service *s, struct service_chan *c)
{
	if (!c->open)
		return;
	c->open = false;
	count_open(s, c);
	if (s->config.closed)
		s->config.closed(s->config.ctx, c);
	if (!c->seal)
		return;
	if (c->rx.seal)
		c->rx = c->seal->rx.outer;
	if (c->tx.seal)
		c->tx = c->seal->tx.outer;
	seal_wipe(c->seal);
}

/* By words: who has no lock may be looking at one (service_waiting). */
static void wipe_rings(const struct service *s, const struct service_chan *c)
{
	uint64_t *p = (uint64_t *)chan_req_ring(s->geometry, c->index);
	uint64_t n = 2ull * s->geometry->ring_bytes / sizeof *p, i;

	for (i = 0; i < n; i++)
		shm_store64(p + i, 0);
}

/*
 * Move the channel to its next generation (G1); `free`: the owner is gone, so give it
 * away as well (C1). Caller holds the lock.
 */
static void reset_channel(struct service *s, struct service_chan *c, bool free)
{
	close_channel(s, c);
	c->refused = false;
	__atomic_store_n(&c->gen, c->gen + 1, __ATOMIC_RELAXED);
	shm_store32(&c->shm->busy, 0);
	shm_store_release64(&c->shm->req_head, 0);
	shm_store_release32(&c->shm->gen, c->gen); /* G1 */
	if (free) {
		forget_owner(s, c);
		c->freed = c->gen;
		shm_store32(&c->shm->freed, c->freed); /* D1 */
		/* The next owner finds nothing of what was said; and the reply ring's first
		 * bytes have to be zero anyway. */
		wipe_rings(s, c);
		shm_store_release64(&c->shm->claim, 0); /* C1 */
	}
}

/* From now on judge this owner. The token holds 16 bits of the host's hash; the owner
 * line holds all of it, once it is open. */
static void watch_owner(struct service *s, struct service_chan *c, uint64_t claim)
{
	forget_owner(s, c);
	c->owner = claim;
	c->owner_fd = ident_watch(claim);
	c->remote = !ident_same_host(claim);
	c->heartbeat = shm_load64(&c->shm->heartbeat);
	c->heard_ms = clock_ms();
}

static void open_channel(struct service *s, struct service_chan *c)
{
	const struct service_geometry *g = s->geometry;

	if (!c->remote && shm_load64(&c->shm->host) != s->self.host) {
		c->remote = true; /* its pid means nothing here */
		unwatch_owner(s, c);
	}
	c->heartbeat = shm_load64(&c->shm->heartbeat);
	c->heard_ms = clock_ms();
	c->quarantined = false;
	ring_consume(&c->rx, chan_req_ring(g, c->index), g->ring_bytes, &c->shm->req_head,
		chan_gen16(c->gen), s->delay);
	ring_produce(&c->tx, chan_rsp_ring(g, c->index), g->ring_bytes, &c->shm->rsp_head,
		chan_gen16(c->gen), s->delay);
	c->open = true;
	count_open(s, c);
	if (s->config.opened)
		s->config.opened(s->config.ctx, c);
}

static bool owner_gone(const struct service_chan *c)
{
	struct pollfd p = {.fd = c->owner_fd, .events = POLLIN};

	if (c->remote)
		return false;
	if (c->owner_fd >= 0)
		return poll(&p, 1, 0) == 1;
	return !ident_alive(c->owner);
}

bool service_given_up(const struct service_chan *c, uint64_t id)
{
	uint64_t word = shm_load64(&c->shm->given_up), which = word & ~CHAN_AND_BEFORE;

	/* 0 stands there from the start, and is nobody's id. */
	return id && (which == id || (word != which && id < which));
}

bool service_abandoned(const struct service_chan *c, uint64_t id)
{
	return let_go(c) || service_given_up(c, id) || owner_gone(c);
}

/* Is another server alive? Watches a lease from elsewhere for as long as it lasts. */
static bool holder_alive(const struct service *s, uint64_t lease)
{
	const struct service_shm *shm = s->shm;
	uint64_t beat = shm_load64(&shm->heartbeat), t0 = clock_ms();

	if (ident_same_host(lease) && shm_load64(&shm->host) == s->self.host)
		return ident_alive(lease);
	while (clock_ms() - t0 < s->config.lease_ms) {
		usleep(s->config.lease_ms * 1000 / 60);
		if (shm_load64(&shm->heartbeat) != beat || shm_load64(&shm->lease) != lease)
			return true;
	}
	return false;
}

/* At take-over: has the owner of this channel let go, or surely died? */
static bool owner_left(const struct service *s, const struct service_chan *c)
{
	uint64_t claim = shm_load_acquire64(&c->shm->claim);

	if (!claim)
		return false;
	if (let_go(c))
		return true;
	return shm_load64(&c->shm->host) == s->self.host && !ident_alive(claim);
}

int service_take(struct service *s, const struct region *r, const char *name,
	struct service_chan *chans, const struct service_config *config, struct err_text *e)
{
	const struct service_geometry *g;
	uint64_t holder;
	uint32_t i;
	int rc;

	memset(s, 0, sizeof *s);
	rc = region_find(r, name, &g, e);
	if (rc)
		return rc;
	s->geometry = g;
	s->shm = g->shm;
	s->chans = chans;
	s->config = *config;
	if (!s->config.lease_ms)
		s->config.lease_ms = LEASE_MS;
	s->self = ident_self();
	s->delay = clock_from_ns(config->delay_ns);
	holder = shm_load_acquire64(&g->shm->lease);
	if ((holder && holder_alive(s, holder)) ||
		!shm_cas64(&g->shm->lease, holder, s->self.token)) {
		s->shm = NULL; /* so that service_drop() leaves it alone */
		err_set(e, "\"%s\" is served by pid %u already; stop it first", name,
			ident_pid(shm_load64(&g->shm->lease)));
		return -EBUSY;
	}
	shm_store32(&g->shm->serving, SERVING_NONE);
	shm_store64(&g->shm->host, s->self.host);
	entropy_fill(&g->shm->incarnation, sizeof g->shm->incarnation);
	memset(g->shm->bell_path, 0, BELL_PATH);
	if (config->bell_path)
		snprintf(g->shm->bell_path, BELL_PATH, "%s", config->bell_path);
	shm_store32(&g->shm->asleep, BELL_AWAKE);
	shm_store32(&g->shm->nlanes, 0);
	s->control = shm_load32(&g->shm->control);
	for (i = 0; i < g->nchannels; i++) {
		struct service_chan *c = &chans[i];

		c->index = i;
		c->shm = chan_control(g, i);
		c->gen = shm_load32(&c->shm->gen);
		c->freed = shm_load32(&c->shm->freed);
		c->owner_fd = -1;
		c->pending = &s->pending;
		reset_channel(s, c, owner_left(s, c));
	}
	return 0;
}

void service_ready(struct service *s)
{
	shm_store_release32(&s->shm->serving, SERVING_ALL);
	set_pending(s, true); /* owners of before may have opened already */
}

void service_drain(struct service *s)
{
	shm_store_release32(&s->shm->serving, SERVING_OPEN);
}

void service_drop(struct service *s)
{
	bool held;
	uint32_t i;

	if (!s->shm)
		return;
	held = service_held(s);
	if (held)
		shm_store_release32(&s->shm->serving, SERVING_NONE);
	for (i = 0; i < s->geometry->nchannels; i++) {
		struct service_chan *c = &s->chans[i];

		if (held)
			reset_channel(s, c, c->owner && owner_gone(c));
		else
			close_channel(s, c); /* the successor has reset it */
		forget_owner(s, c);
		seal_destroy(c->seal);
		c->seal = NULL;
		/* Whoever sleeps in the middle of a request sees the generation change. */
		bell_wake(&c->shm->asleep);
	}
	if (held)
		shm_cas64(&s->shm->lease, s->self.token, 0);
	s->shm = NULL;
}

/* One channel: open it, free it, or leave it. True when it has an owner. Caller holds
 * the lock. */
static bool control_channel(struct service *s, struct service_chan *c)
{
	uint64_t claim = shm_load_acquire64(&c->shm->claim);

	if (c->owner && claim != c->owner) {
		/* Only a server stores over a claim: somebody wrote where he must not.
		 * Whoever has it now starts with a generation of his own. */
		reset_channel(s, c, claim == 0);
		forget_owner(s, c);
		claim = shm_load_acquire64(&c->shm->claim);
	}
	if (!claim)
		return false;
	if (let_go(c)) {
		reset_channel(s, c, true);
		return false;
	}
	if (claim != c->owner)
		watch_owner(s, c, claim); /* from here on, since it may die before it opens */
	if (!c->open && !c->refused && shm_load_acquire32(&c->shm->open) == c->gen) /* O1 */
		open_channel(s, c);
	return true;
}

void service_control(struct service *s)
{
	uint32_t i, nclaimed = 0;

	__atomic_store_n(&s->control, shm_load32(&s->shm->control), __ATOMIC_RELAXED);
	shm_fence_full();
	set_pending(s, false);
	if (!service_held(s))
		return;
	for (i = 0; i < s->geometry->nchannels; i++) {
		struct service_chan *c = &s->chans[i];

		if (!lock_or_wait(c)) {
			nclaimed++;
			continue;
		}
		nclaimed += control_channel(s, c);
		service_unlock(c);
	}
	shm_store32(&s->shm->free_channels, s->geometry->nchannels - nclaimed);
}

/* An owner elsewhere: alive while its heartbeat counts. Caller holds the lock. */
static void reap_remote(struct service *s, struct service_chan *c, uint64_t now_ms)
{
	uint64_t beat = shm_load64(&c->shm->heartbeat);
	uint64_t silent = now_ms > c->heard_ms ? now_ms - c->heard_ms : 0;

	if (beat != c->heartbeat) {
		c->heartbeat = beat;
		c->heard_ms = now_ms;
		c->quarantined = false;
	} else if (!c->quarantined && silent > s->config.lease_ms) {
		c->quarantined = true;
		reset_channel(s, c, false);
	} else if (silent > (uint64_t)s->config.lease_ms * QUARANTINE) {
		reset_channel(s, c, true);
	}
}

/* Killed, and since then neither opened nor let go. */
static bool expelled(const struct service *s, const struct service_chan *c, uint64_t now_ms)
{
	return c->quarantined && now_ms > c->heard_ms &&
		now_ms - c->heard_ms > (uint64_t)s->config.lease_ms * QUARANTINE;
}

void service_reap(struct service *s, uint64_t now_ms)
{
	uint32_t i;

	if (!service_held(s))
		return;
	for (i = 0; i < s->geometry->nchannels; i++) {
		struct service_chan *c = &s->chans[i];
		uint64_t claim = shm_load64(&c->shm->claim);

		if (!c->owner && !claim)
			continue;
		if (!lock_or_wait(c))
			continue;
		/* Claimed without a word, by someone who died before it could open. */
		if (claim != c->owner)
			control_channel(s, c);
		if (c->owner && c->remote)
			reap_remote(s, c, now_ms);
		else if (c->owner && (owner_gone(c) || expelled(s, c, now_ms)))
			reset_channel(s, c, true);
		service_unlock(c);
	}
}

void service_beat(struct service *s)
{
	shm_store64(&s->shm->heartbeat, s->shm->heartbeat + 1);
}

void service_refuse(struct service *s, struct service_chan *c)
{
	shm_store_release32(&c->shm->broken, c->gen);
	c->refused = true;
	close_channel(s, c);
	bell_wake(&c->shm->asleep);
}

void service_renew(struct service *s, struct service_chan *c)
{
	reset_channel(s, c, false);
	c->heard_ms = clock_ms();
	bell_wake(&c->shm->asleep);
}

bool service_renew_copied(struct service *s, struct service_chan *c)
{
	bool copied = seal_copied(&c->tx);

	if (copied)
		service_renew(s, c);
	return copied;
}

void service_kill(struct service *s, struct service_chan *c)
{
	shm_store32(&c->shm->killed, c->gen);
	reset_channel(s, c, false); /* its release of gen publishes the reason as well */
	c->quarantined = true;
	c->heard_ms = clock_ms();
	bell_wake(&c->shm->asleep);
}
