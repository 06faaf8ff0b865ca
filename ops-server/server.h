/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server.h - what the threads of ops_server share.
 *
 * Threads. Workers (worker.h) find requests and execute them; one more does handshakes
 * (greet.h); the main thread keeps the lease, reaps dead owners, ends sessions whose
 * certificate has ended, and reacts to signals. `control` is the mutex of the service's
 * control functions; a channel's session belongs to whoever holds the channel's lock.
 */
#ifndef OPS_SERVER_SERVER_H
#define OPS_SERVER_SERVER_H

#include <pthread.h>

#include "config.h"
#include "eval.h"
#include "life.h"
#include "ops.h"
#include "refusal.h"
#include "service.h"
#include "stats.h"

struct account; /* account.h */
struct auditor; /* auditor.h */
struct greeter; /* greet.h */
struct zone;    /* zone.h */

struct worker {
	struct server *server;
	struct eval *eval;
	struct zone *zone;
	struct spin spin;
	struct spin linger; /* after something long; budget 0: not now */
	struct hist service_ns; /* request seen to reply published */
	uint64_t requests, failures, sleeps;
	uint64_t bytes_in, bytes_out;
	uint64_t opened, sealed, rows; /* the evaluator's; status must not look into it */
	pthread_t thread;
	uint32_t index;  /* in server.workers, and of its lane */
	uint32_t cpu;    /* it is pinned to */
	bool polls;      /* it is server.poller */
	bool asked;      /* to poll, by another worker */
	bool may_go_first, first; /* thread_first() */
	uint64_t since;  /* ticks: it goes first, or was woken */
	uint64_t debt;   /* ticks that it went first and has not slept for yet */
	uint32_t soon;   /* counts channel `last` asking again at once; halved if it does not */
	uint32_t last;
	uint64_t answered; /* ticks, the last time that it did not poll */
	uint32_t caught; /* requests since it polls */
	uint32_t beside; /* of them, the last ones whose clients were found asleep */
	uint64_t polls_since; /* ticks */
	uint64_t taken;       /* of them, that its processor was somebody else's */
	uint64_t idle_us; /* slept so far, while clients elsewhere cannot ring */
	uint32_t cursor; /* where the next slice of quiet channels starts */
	uint32_t turn;   /* where the next look at hot ones starts */
	uint32_t served; /* hot ones since the last look at quiet ones */
	uint32_t nhot;
	struct {
		uint32_t index;
		uint32_t quiet; /* polls without a request */
	} hot[16];
} LINE_PAIR_ALIGNED;

struct server {
	struct config config;
	struct region region;
	struct service service;
	struct service_chan *chans;
	struct worker *workers;
	const struct gcm_backend *gcm;
	struct kek *kek;   /* of the key file; the main thread's */
	struct zone *zone; /* the newest */
	struct view *view;       /* the manager's, NULL: there is none; held */
	struct watcher *watcher; /* which keeps it */
	const uint64_t *seen;    /* view_seen(), or a 0: what a channel was let in by */
	int seen_fd;             /* eventfd: that has moved; -1 */
	bool unreviewed;         /* main thread: a channel has to be looked at for it */
	pthread_mutex_t zone_lock;
	pthread_mutex_t control;
	struct greeter *greeter;
	int64_t now_s;           /* Unix time, half a second old at most: when certificates end */
	struct worker *poller;   /* the one that polls, or NULL */
	uint32_t patience;       /* how often a worker has to be rung again before one polls */
	uint64_t started_ms;
	struct life life;        /* that was in the log last; the main thread's */
	struct refusals refusals; /* in the log */
	uint8_t *stuck;   /* per channel: a reply waits for room. Beside the sessions, because
	                     who looks for work has no lock and a session may go meanwhile */
	struct auditor *audit;    /* NULL: no log */
	struct account *accounts; /* per channel */
	struct account *ended;    /* of all sessions that have ended */
	uint32_t nstuck;  /* how many of them: come back soon */
	uint32_t nsealed; /* channels */
	uint32_t halves;  /* channels with a request of which more is to come */
	int stop;
};

static inline int64_t server_now_s(const struct server *s)
{
	return __atomic_load_n(&s->now_s, __ATOMIC_RELAXED);
}

#endif
