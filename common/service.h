/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * service.h - a server's end: the lease on a service, and all its channels.
 *
 * One server serves a service at a time. It takes the lease by compare-and-swap over
 * the token of the one before, which is allowed only when that one is gone: process
 * dead on this host, else no heartbeat for lease_ms. Taking it resets every channel:
 * a live owner keeps its channel and goes on under the new generation, what a dead one
 * left behind is freed.
 *
 * Owners are watched by pidfd (service_chan.owner_fd becomes readable), so a killed
 * client's channel is free again at once and idle watching costs nothing. An owner on
 * another host is judged by its heartbeat: silent for lease_ms, its channel is reset,
 * and only after QUARANTINE times that is it given away, since a paused virtual
 * machine may still store into its rings. Within that time such stores hit nobody.
 *
 * Threads: service_control(), service_reap() and service_beat() belong to one thread.
 * A channel's rings belong to whoever holds its lock (service_lock); the functions
 * here take it before they reset a channel and come back later when it is held.
 */
#ifndef COMMON_SERVICE_H
#define COMMON_SERVICE_H

#include "channel.h"

enum { LEASE_MS = 3000, QUARANTINE = 10 };

/* The server's private view of one channel. */
enum service_lock_state { SERVICE_FREE, SERVICE_LOCKED, SERVICE_AWAITED };

struct service_chan {
	struct ring rx; /* requests */
	struct ring tx; /* replies */
	/* What they lead to once they are sealed (secure.h); owned. It stays until
	 * service_drop(), empty, because who has no lock may be looking into it (watch). */
	struct seal *seal;
	struct chan_shm *shm;
	void *session; /* the server's own; dropped by its closed() callback */
	uint64_t owner;
	uint64_t heartbeat; /* last one seen, and when it last changed */
	uint64_t heard_ms;
	uint32_t index;
	uint32_t gen;
	uint32_t freed; /* generation that its present owner claimed it at */
	int owner_fd; /* pidfd, -1 when there is none */
	int lock;      /* enum service_lock_state: a worker or the control thread has the rings */
	bool *pending; /* service.pending */
	/* For who has no lock: the next request's generation, and where its commit word will
	 * be; NULL: the channel is not open. */
	uint32_t watch_gen;
	const uint64_t *watch;
	bool open;
	bool refused; /* for the rest of this generation */
	bool remote;
	bool quarantined; /* silent for lease_ms, or killed */
} LINE_PAIR_ALIGNED;

struct service_config {
	uint64_t delay_ns;     /* injected latency per frame */
	uint32_t lease_ms;     /* silence of another host that means death; 0: LEASE_MS */
	const char *bell_path; /* socket that hands out our eventfd, or NULL */
	void *ctx;             /* for the callbacks, which may be NULL: */
	void (*opened)(void *ctx, struct service_chan *c); /* lock is held */
	void (*closed)(void *ctx, struct service_chan *c); /* lock is held */
	void (*left)(void *ctx, struct service_chan *c);   /* before owner_fd closes; likewise */
};

struct service {
	const struct service_geometry *geometry;
	struct service_shm *shm;
	struct service_chan *chans; /* geometry->nchannels of them; caller's memory */
	struct service_config config;
	struct ident self;
	uint64_t delay;
	uint32_t control; /* last value seen */
	uint32_t nopen;
	uint32_t nremote; /* of them: whose owner is on another host and cannot ring */
	bool pending; /* an owner's coming or going was put off: a worker had the channel */
	/* A bit for each open channel, so that a look at all of them touches no other. */
	uint64_t open[SERVICE_CHANNELS_MAX / 64 + 1];
};

/* The first open channel with an index in from .. to - 1, or `to`. A hint without the
 * channel's lock. */
static inline uint32_t service_next_open(const struct service *s, uint32_t from, uint32_t to)
{
	uint64_t word;

	while (from < to) {
		word = __atomic_load_n(&s->open[from / 64], __ATOMIC_RELAXED) >> from % 64;
		if (word) {
			from += (uint32_t)__builtin_ctzll(word);
			break;
		}
		from = (from / 64 + 1) * 64;
	}
	return from < to ? from : to;
}

/*
 * service_take - become the server.
 *
 *   chans   zeroed, one per channel, aligned for struct service_chan; the caller frees
 *           them after service_drop()
 *
 * Blocks for up to lease_ms when the holder is on another host and has to be watched.
 * Returns 0, -EINVAL (no such service), -EBUSY (a live server has it: `e` names its pid),
 * -EMEDIUMTYPE (the region was formatted anew since it was opened).
 * Clients are served once service_ready() has been called.
 */
MUST_CHECK int service_take(struct service *s, const struct region *r, const char *name,
	struct service_chan *chans, const struct service_config *config, struct err_text *e);
void service_ready(struct service *s);

/* Refuse new channels, go on serving the open ones. */
void service_drain(struct service *s);

/* Close every channel, give the lease back (if it is still ours). No worker may have a
 * channel any more. */
void service_drop(struct service *s);

/*
 * service_held - is the lease still ours?
 *
 * Ask at every beat. False: this server was stopped for longer than lease_ms (a paused
 * virtual machine) and another host's took over, or somebody overwrote the word. Answer
 * nothing more, service_drop(), take it again or exit.
 */
static inline bool service_held(const struct service *s)
{
	return shm_load_acquire64(&s->shm->lease) == s->self.token;
}

/* Did an owner come or go? One cached read; then service_control(). */
static inline bool service_changed(const struct service *s)
{
	return shm_load32(&s->shm->control) != __atomic_load_n(&s->control, __ATOMIC_RELAXED) ||
		__atomic_load_n(&s->pending, __ATOMIC_RELAXED);
}

/* Open what was claimed, free what was closed. */
void service_control(struct service *s);

/* Free the channels of dead owners; now_ms from clock_ms(). Once a second, and when an
 * owner_fd becomes readable. */
void service_reap(struct service *s, uint64_t now_ms);

void service_beat(struct service *s);

/* Refuse a channel for the rest of its generation; the caller logs why. Lock is held. */
void service_refuse(struct service *s, struct service_chan *c);

/* As if the server had been replaced: its owner opens the channel again, plain, and is sealed anew.
 * Lock is held. */
void service_renew(struct service *s, struct service_chan *c);

/* The same if its ring is sealed and we are a copy (life.h): true. Before a channel is refused
 * whose ring broke, since that is then no fault of its owner's. Lock is held. */
bool service_renew_copied(struct service *s, struct service_chan *c);

/*
 * service_kill - take the channel away from its owner, as if the server had been replaced.
 *
 * Open rings are void from now on, and the owner is told why if it looks. It may open the
 * channel again; when it does not, for QUARANTINE times lease_ms, the channel is given
 * away. Lock is held.
 */
void service_kill(struct service *s, struct service_chan *c);

static inline bool service_lock(struct service_chan *c)
{
	int is_free = SERVICE_FREE;

	return !__atomic_load_n(&c->lock, __ATOMIC_RELAXED) &&
		__atomic_compare_exchange_n(&c->lock, &is_free, SERVICE_LOCKED, false,
			__ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Whoever came for the channel's owner meanwhile (service_control, service_reap) is told
 * to come again. */
static inline void service_unlock(struct service_chan *c)
{
	bool watched = c->open && !c->rx.broken;

	__atomic_store_n(&c->watch_gen, c->rx.gen, __ATOMIC_RELAXED);
	__atomic_store_n(&c->watch, watched ? ring_word(&c->rx) : NULL, __ATOMIC_RELAXED);
	if (__atomic_exchange_n(&c->lock, SERVICE_FREE, __ATOMIC_RELEASE) == SERVICE_AWAITED)
		__atomic_store_n(c->pending, true, __ATOMIC_RELAXED);
}

/* Does a request wait, and nobody is at it? For who has no lock, and so a hint: who had
 * the lock just now may have taken it. The rings themselves are not looked at. */
static inline bool service_waiting(const struct service_chan *c)
{
	const uint64_t *word = __atomic_load_n(&c->watch, __ATOMIC_RELAXED);

	return word && !__atomic_load_n(&c->lock, __ATOMIC_RELAXED) &&
		shm_load64(word) >> 48 == __atomic_load_n(&c->watch_gen, __ATOMIC_RELAXED);
}

/* Has the owner stopped waiting for the answer to that request, or let go altogether? A
 * hint for work that takes long: a wrong one costs the owner its own answer. */
bool service_abandoned(const struct service_chan *c, uint64_t id);

/* The first half of that: one load, of a line that is rarely written. */
bool service_given_up(const struct service_chan *c, uint64_t id);

/* Wake the client if it sleeps. */
static inline void service_ring(struct service_chan *c)
{
	if (__builtin_expect(bell_heard(&c->shm->asleep) != BELL_AWAKE, 0))
		bell_wake(&c->shm->asleep);
}

/* Publish replies and wake the client if it sleeps. Who publishes by ring_publish() alone,
 * since more will follow at once, has to ring in the end. */
static inline void service_publish(struct service_chan *c)
{
	if (!ring_held(&c->tx))
		return;
	ring_show(&c->tx);
	service_ring(c);
	ring_prepare(&c->tx);
}

#endif
