/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * back.c - answers from many rings to their sockets, by one thread that sleeps on the
 * bells of all of them.
 *
 * A bell stays set while its ring is idle and the thread is awake: with 100 quiet
 * connections beside a busy one, going to sleep touches the busy one's bell alone. What
 * that costs is a needless wake-up call of the server's for the first answer.
 */
#include "relay.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	BACK_MAX = FUTEX_WAITV_MAX - 1, /* rings; and the thread's own word */
	SLICE_MS = 100,                 /* of a long sleep: then see whether the server lives */
	PIECES = 16,                    /* of one ring before the next one's */
	SPIN_NS = 50000,
	STACK_BYTES = 256 << 10,
};

struct back {
	struct back *next;
	struct relay *inbox; /* to be taken, under relay_lock */
	unsigned taken;      /* with those in the inbox, under relay_lock */
	uint32_t word;       /* counts up: something else than a ring wants to be looked at */
	/* the thread's own */
	struct relay *of[BACK_MAX];
	unsigned n;
	struct spin spin;
	uint64_t slept_at; /* ticks; 0: not since something came */
};

/* Under relay_lock. */
static struct back *backs;
static bool stopping;

static struct ring *answers(struct relay *r)
{
	return &r->ring->chan.rx;
}

static uint32_t *bell(struct relay *r)
{
	return &r->ring->chan.shm->asleep;
}

static bool is_full(const struct relay *r)
{
	return __atomic_load_n(&r->full, __ATOMIC_ACQUIRE);
}

static bool has_work(struct relay *r)
{
	return !is_full(r) && (r->left || ring_waiting(answers(r)));
}

static void let_go(struct back *b, unsigned i)
{
	struct relay *r = b->of[i];

	b->of[i] = b->of[--b->n];
	pthread_mutex_lock(&relay_lock);
	b->taken--;
	pthread_mutex_unlock(&relay_lock);
	relay_ask(r, RELAY_END);
}

/* The server is not to be believed any more. The program sees an end, the log says why. */
static void refuse(struct back *b, unsigned i)
{
	fprintf(stderr, "cxl-proxy: %s\n", cxlring_why(b->of[i]->ring));
	let_go(b, i);
}

/* The server answered the stream itself, by an error: the program has it, as the first thing that it
 * hears, or an end. */
static void turn_away(struct back *b, unsigned i)
{
	const struct relay *r = b->of[i];
	const char *why = cxlring_why(r->ring);
	char line[256];
	int n = snprintf(line, sizeof line, "-%.*s\r\n", (int)strcspn(why, "\r\n"), why);

	if (!r->piece && n < (int)sizeof line && send(r->fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) < n)
		fprintf(stderr, "cxl-proxy: %s\n", why);
	let_go(b, i);
}

/* ---- carrying ---- */

/* What is left of a piece. -EAGAIN: the socket has no room. */
static int send_piece(struct relay *r)
{
	while (r->left) {
		ssize_t n = send(r->fd, r->piece, r->left, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n < 0) {
			__atomic_store_n(&r->full, true, __ATOMIC_RELEASE);
			relay_ask(r, RELAY_WRITABLE);
			return -EAGAIN;
		}
		r->piece += n;
		r->left -= (size_t)n;
	}
	return 0;
}

/* Answers of one ring. 0: some went; -EAGAIN: none can now; or why there will be none. */
static int carry(struct relay *r)
{
	struct cxlring_view v;
	int i, rc;

	if (!has_work(r))
		return -EAGAIN;
	if (shm_load32(bell(r)) != BELL_AWAKE)
		bell_clear(bell(r));
	for (i = 0; i < PIECES; i++) {
		rc = send_piece(r);
		if (rc)
			return rc == -EAGAIN && i ? 0 : rc;
		if (!ring_waiting(answers(r)))
			break;
		rc = cxlring_stream_next(r->ring, &v, 0);
		if (rc)
			return rc;
		r->piece = v.data;
		r->left = v.len;
	}
	if (!r->left)
		ring_release(answers(r));
	return 0;
}

/* Are they served, and by whom they may be? Who is not hears no bell. */
static void check_all(struct back *b)
{
	unsigned i = 0;

	while (i < b->n) {
		struct chan *c = &b->of[i]->ring->chan;

		if (!c->server_here)
			chan_beat(c);
		if (conn_tenure_over(b->of[i]->ring))
			refuse(b, i);
		else if (chan_state(c) != 0 && !has_work(b->of[i]))
			let_go(b, i);
		else
			i++;
	}
}

/* ---- sleep ---- */

static bool anything(struct back *b, uint32_t seen)
{
	unsigned i;

	if (__atomic_load_n(&b->word, __ATOMIC_ACQUIRE) != seen)
		return true;
	for (i = 0; i < b->n; i++)
		if (has_work(b->of[i]))
			return true;
	return false;
}

static void add_waiter(struct futex_waitv *w, uint32_t *word, uint32_t value)
{
	*w = (struct futex_waitv){
		.uaddr = (uintptr_t)word, .val = value, .flags = FUTEX_32};
}

/* Until a bell rings, the word is no longer `seen`, or a slice is over. */
static void doze(struct back *b, uint32_t seen)
{
	struct futex_waitv w[FUTEX_WAITV_MAX];
	struct timespec until;
	bool here = true;
	unsigned i, n = 0;

	add_waiter(&w[n++], &b->word, seen);
	for (i = 0; i < b->n; i++) {
		here &= b->of[i]->ring->chan.server_here;
		if (!is_full(b->of[i]))
			add_waiter(&w[n++], bell(b->of[i]), BELL_FUTEX);
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += SLICE_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	/* A server elsewhere, or a kernel before 5.16: look every now and then. */
	if (!here || (syscall(SYS_futex_waitv, w, n, 0, b->n ? &until : NULL, CLOCK_MONOTONIC) < 0 &&
					 errno == ENOSYS))
		wait_poll(clock_to_ns(clock_ticks() - b->slept_at) / 1000);
}

static void set_bells(struct back *b)
{
	unsigned i;

	for (i = 0; i < b->n; i++)
		if (!is_full(b->of[i]) && shm_load32(bell(b->of[i])) != BELL_FUTEX)
			shm_store32(bell(b->of[i]), BELL_FUTEX);
	shm_fence_full(); /* W1 (pairs with W2 in bell_heard) */
}

static void rest(struct back *b, uint32_t seen)
{
	uint64_t t0;

	spin_start(&b->spin);
	do {
		if (anything(b, seen)) {
			spin_met(&b->spin);
			return;
		}
	} while (b->n && spin_again(&b->spin));
	t0 = clock_ticks();
	if (!b->slept_at)
		b->slept_at = t0;
	set_bells(b);
	if (!anything(b, seen))
		doze(b, seen);
	if (anything(b, seen))
		spin_blocked(&b->spin, clock_ticks() - t0);
	else
		check_all(b);
}

/* ---- life ---- */

/* Who is new; and whether all have to go. */
static void look_around(struct back *b)
{
	struct relay *r;
	bool over;

	pthread_mutex_lock(&relay_lock);
	while ((r = b->inbox)) {
		b->inbox = r->next;
		b->of[b->n++] = r;
	}
	over = stopping;
	pthread_mutex_unlock(&relay_lock);
	while (over && b->n)
		let_go(b, 0);
}

static void *run(void *arg)
{
	struct back *b = arg;
	uint32_t seen;
	unsigned i;

	for (;;) {
		bool busy = false;

		seen = __atomic_load_n(&b->word, __ATOMIC_ACQUIRE);
		look_around(b);
		for (i = 0; i < b->n;) {
			int rc = carry(b->of[i]);

			busy |= rc == 0;
			if (rc == 0 || rc == -EAGAIN)
				i++;
			else if (rc == -EACCES)
				refuse(b, i);
			else if (rc == -ECONNREFUSED)
				turn_away(b, i);
			else
				let_go(b, i);
		}
		if (busy)
			b->slept_at = 0;
		else
			rest(b, seen);
	}
	return NULL;
}

void back_wake(struct back *b)
{
	__atomic_add_fetch(&b->word, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &b->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static struct back *back_create(void)
{
	struct back *b = calloc(1, sizeof *b);
	pthread_attr_t attr;
	pthread_t t;
	int rc;

	if (!b)
		return NULL;
	spin_init(&b->spin, SPIN_NS);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&t, &attr, run, b);
	pthread_attr_destroy(&attr);
	if (rc) {
		free(b);
		return NULL;
	}
	b->next = backs;
	backs = b;
	return b;
}

int back_take(struct relay *r)
{
	struct back *b;

	pthread_mutex_lock(&relay_lock);
	for (b = backs; b && b->taken == BACK_MAX; b = b->next)
		;
	if (!b)
		b = back_create();
	if (b) {
		r->back = b;
		r->next = b->inbox;
		b->inbox = r;
		b->taken++;
	}
	pthread_mutex_unlock(&relay_lock);
	if (!b)
		return -EAGAIN;
	back_wake(b);
	return 0;
}

void back_stop_all(void)
{
	struct back *b;

	pthread_mutex_lock(&relay_lock);
	stopping = true;
	for (b = backs; b; b = b->next)
		back_wake(b);
	pthread_mutex_unlock(&relay_lock);
}
