/* SPDX-License-Identifier: BSD-3-Clause */
#include "zone.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "config.h"
#include "zone_request.h"

enum {
	SPIN_NS = 20000,          /* for an answer; it adapts below that (wait.h) */
	BEAT_S = 1,               /* to a server on another host, which knows no other sign of life */
	REPLY_MAX = 1 << 30,
	PATH = sizeof config.path,
};

struct jobs {
	struct zone_job *first, **last;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_t thread;
	int efd;
	bool running;             /* main thread's */
	/* under the lock */
	struct jobs queue, again, done; /* `again`: refused with others */
	bool turn;                /* of `again` */
	struct zone_view view;
	char path[PATH];          /* where the zone is, as configured last */
	long long offset, map_size;
	struct trust *trust;      /* for sealed channels; held */
	bool moved;               /* that has changed: open it anew */
	int stop;                 /* read without the lock, too */
	int ready;                /* `done` is not empty; likewise */
} z = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .efd = -1,
	.queue = {.last = &z.queue.first}, .again = {.last = &z.again.first},
	.done = {.last = &z.done.first}};

/* The thread's own. */
static struct {
	struct region region;
	struct ops_client client;
	bool open;
	uint64_t retries; /* of clients before */
	jmp_buf out;
} t;

static void append(struct jobs *to, struct zone_job *job)
{
	*to->last = job;
	to->last = &job->next;
}

/* All of them; they are no longer there. */
static struct zone_job *take_all(struct jobs *from)
{
	struct zone_job *first = from->first;

	from->first = NULL;
	from->last = &from->first;
	return first;
}

/* ---- the thread ---- */

static void close_region(void)
{
	if (!t.open)
		return;
	t.open = false;
	t.retries += t.client.retries;
	ops_client_fini(&t.client);
	trust_drop(t.client.trust);
	region_close(&t.region);
}

/* A pause of a call that is under way. */
static void idle(void *unused)
{
	if (__atomic_load_n(&z.stop, __ATOMIC_RELAXED))
		longjmp(t.out, 1);
}

static int open_region(struct err_text *e)
{
	struct chan_config c = {.label = "cxlring.so", .spin_ns = SPIN_NS,
		.delay_ns = (uint64_t)config.delay_ns};
	char path[PATH];
	uint64_t offset, size;
	struct trust *trust;
	int rc;

	pthread_mutex_lock(&z.lock);
	memcpy(path, z.path, sizeof path);
	offset = (uint64_t)z.offset;
	size = (uint64_t)z.map_size;
	if (z.moved)
		close_region();
	z.moved = false;
	trust = t.open ? NULL : trust_hold(z.trust);
	pthread_mutex_unlock(&z.lock);
	if (t.open)
		return 0;
	rc = region_open(&t.region, path, offset, size, e);
	if (rc) {
		trust_drop(trust);
		return rc;
	}
	ops_client_init(&t.client, &t.region, &c, message_heap, REPLY_MAX);
	t.client.idle = idle;
	t.client.trust = trust;
	t.open = true;
	return 0;
}

static uint64_t left_ms(const struct zone_job *first)
{
	uint64_t now = clock_ms();

	return first->deadline_ms > now ? first->deadline_ms - now : 0;
}

static int call(struct zone_job *first, uint64_t len, struct err_text *e)
{
	const uint8_t *reply;
	uint64_t left, n;
	int rc;

	/* Twice when the file was formatted anew since it was opened. */
	do {
		bool was_open = t.open;

		rc = open_region(e);
		left = left_ms(first);
		if (rc)
			return rc;
		if (left == 0)
			return -ETIMEDOUT;
		t.client.wait_channel_ms = left;
		rc = ops_call(&t.client, OPS_EVAL, len, request_fill, first, left, &reply, &n, e);
		if (rc != -EMEDIUMTYPE)
			break;
		close_region();
		if (!was_open)
			return rc;
	} while (true);
	if (rc == 0)
		rc = request_answer(first, reply, n, e);
	ops_done(&t.client);
	return rc;
}

/* One request for all these jobs: they are alike. */
static void run(struct zone_job *first)
{
	struct zone_job *job;
	struct err_text e = {""};
	int rc = call(first, request_bytes(first), &e);

	for (job = first; rc && job; job = job->next) {
		job->rc = rc;
		job->why = e;
	}
}

/* Every other time, when there is something else. Caller holds z.lock. */
static struct zone_job *take_again(void)
{
	struct zone_job *job = z.again.first;

	z.turn = job && (!z.turn || !z.queue.first);
	if (!z.turn)
		return NULL;
	z.again.first = job->next;
	if (!job->next)
		z.again.last = &z.again.first;
	job->next = NULL;
	return job;
}

/*
 * The oldest job, and those behind it that fit into the same request. Others keep their
 * order. Caller holds z.lock, and there is a job.
 */
static struct zone_job *take_batch(void)
{
	struct zone_job *first = take_again(), *job, *next;
	struct jobs batch;
	struct request_room room;

	if (first)
		return first;
	first = take_all(&z.queue);
	job = first->next;
	batch = (struct jobs){first, &first->next};
	first->next = NULL;
	request_begin(&room, first);
	for (; job; job = next) {
		next = job->next;
		job->next = NULL;
		append(request_takes(&room, first, job) ? &batch : &z.queue, job);
	}
	return first;
}

/* May that be for what another job of the request has, or for all of them together? Not
 * when it is for who we are; other errors are the same for each, or there is nobody to ask. */
static bool may_be_shared(int rc)
{
	return (rc == -EACCES && t.client.attached && !t.client.spoiled) || rc == -ENOMEM;
}

/* Where this job is to be asked for once more; NULL: it is done. */
static struct jobs *asked_again(struct zone_job *job, bool shared)
{
	if (clock_ms() >= job->deadline_ms)
		return NULL;
	if (job->rc == -ETIMEDOUT) /* of somebody else's time */
		return job->again ? &z.again : &z.queue;
	if (!shared || !may_be_shared(job->rc))
		return NULL;
	job->again = true;
	return &z.again;
}

/* Those that others have kept from an answer are asked for once more. Caller holds z.lock. */
static void give_back(struct zone_job *first)
{
	struct zone_job *job, *next;
	bool wake = !z.done.first, shared = first->next != NULL;
	uint64_t one = 1;

	for (job = first; job; job = next) {
		struct jobs *to;

		next = job->next;
		job->next = NULL;
		to = job->rc ? asked_again(job, shared) : NULL;
		if (to) {
			job->rc = 0;
			append(to, job);
			continue;
		}
		z.view.failures += job->rc != 0;
		append(&z.done, job);
	}
	if (!z.done.first)
		return;
	__atomic_store_n(&z.ready, 1, __ATOMIC_RELEASE);
	if (wake && write(z.efd, &one, sizeof one) < 0)
		return; /* cannot be full: it is read before it is written again */
}

/* Until there is something to do. Caller holds z.lock. */
static void await_work(void)
{
	struct timespec until;

	while (!z.queue.first && !z.again.first && !z.stop) {
		if (!t.open || !t.client.attached || t.client.chan.server_here) {
			pthread_cond_wait(&z.work, &z.lock);
			continue;
		}
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += BEAT_S;
		if (pthread_cond_timedwait(&z.work, &z.lock, &until) == ETIMEDOUT)
			chan_beat(&t.client.chan);
	}
}

static void *serve(void *unused)
{
	struct zone_job *volatile first = NULL;

	prctl(PR_SET_NAME, "cxlring-zone");
	if (setjmp(t.out)) { /* stopped in the middle of a call */
		request_drop(first);
		close_region();
		return NULL;
	}
	pthread_mutex_lock(&z.lock);
	for (;;) {
		await_work();
		if (z.stop)
			break;
		first = take_batch();
		z.view.requests++;
		z.view.rows += request_rows(first);
		pthread_mutex_unlock(&z.lock);
		run(first);
		pthread_mutex_lock(&z.lock);
		z.view.retries = t.retries + (t.open ? t.client.retries : 0);
		give_back(first);
		first = NULL;
	}
	pthread_mutex_unlock(&z.lock);
	close_region();
	return NULL;
}

/* ---- the main thread ---- */

static void on_done(int fd, void *unused, int mask)
{
	uint64_t n;

	if (read(fd, &n, sizeof n) < 0)
		return; /* the loop is awake, which is all that was wanted */
}

/* Signals are Redis's, which means the main thread's. */
static int start(void)
{
	sigset_t all, before;
	int rc;

	z.stop = 0;
	z.efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (z.efd < 0)
		return -errno;
	if (RedisModule_EventLoopAdd(z.efd, REDISMODULE_EVENTLOOP_READABLE, on_done, NULL) !=
		REDISMODULE_OK) {
		close(z.efd);
		z.efd = -1;
		return -ENOMEM;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&z.thread, NULL, serve, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	z.running = rc == 0;
	return -rc;
}

static void forget_efd(void)
{
	if (z.efd < 0)
		return;
	RedisModule_EventLoopDel(z.efd, REDISMODULE_EVENTLOOP_READABLE);
	close(z.efd);
	z.efd = -1;
}

void zone_submit(struct zone_job *job)
{
	int rc = z.running ? 0 : start();

	job->next = NULL;
	if (rc) {
		forget_efd();
		job->rc = rc;
		err_set(&job->why, "the thread that asks the zone cannot be started: %s",
			strerror(-rc));
	}
	pthread_mutex_lock(&z.lock);
	if (rc) { /* nobody else is there to take it */
		append(&z.done, job);
		__atomic_store_n(&z.ready, 1, __ATOMIC_RELEASE);
	} else {
		if (strcmp(z.path, config.zone_path) != 0 || z.offset != config.zone_offset ||
			z.map_size != config.zone_map_size || z.trust != config.zone_trust) {
			memcpy(z.path, config.zone_path, sizeof z.path);
			z.offset = config.zone_offset;
			z.map_size = config.zone_map_size;
			trust_drop(z.trust);
			z.trust = trust_hold(config.zone_trust);
			z.moved = true;
		}
		append(&z.queue, job);
		pthread_cond_signal(&z.work);
	}
	pthread_mutex_unlock(&z.lock);
}

bool zone_ready(void)
{
	return __atomic_load_n(&z.ready, __ATOMIC_ACQUIRE);
}

struct zone_job *zone_take(void)
{
	struct zone_job *done;

	if (!zone_ready())
		return NULL;
	pthread_mutex_lock(&z.lock);
	done = take_all(&z.done);
	__atomic_store_n(&z.ready, 0, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&z.lock);
	return done;
}

void zone_close(void)
{
	if (!z.running)
		return;
	pthread_mutex_lock(&z.lock);
	__atomic_store_n(&z.stop, 1, __ATOMIC_RELAXED);
	pthread_cond_signal(&z.work);
	pthread_mutex_unlock(&z.lock);
	pthread_join(z.thread, NULL);
	z.running = false;
	forget_efd();
	request_drop(take_all(&z.queue));
	request_drop(take_all(&z.again));
	request_drop(zone_take());
	trust_drop(z.trust);
	z.trust = NULL;
}

struct zone_view zone_view(void)
{
	struct zone_view v;

	pthread_mutex_lock(&z.lock);
	v = z.view;
	pthread_mutex_unlock(&z.lock);
	v.running = z.running;
	return v;
}
