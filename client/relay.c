/* SPDX-License-Identifier: BSD-3-Clause */
#include "relay.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "protect.h"
#include "wait.h"

enum {
	PIECE = 16 << 10,   /* most bytes from a socket in one frame */
	EVENTS = 128,       /* of epoll's in one go */
	PATIENCE_MS = 1000, /* for a channel to become free */
	LINGER_MS = 1000,   /* for who is turned away to read why */
	UNREAD_PIECES = 256, /* of 4 KiB, that a client sent in vain and we read */
	STACK_BYTES = 256 << 10,
	OPENING_MAX = 128, /* threads that open, or say why not */
};

pthread_mutex_t relay_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	const struct cxlring_options *options;
	pthread_t thread;
	int epoll;
	int bell;               /* eventfd: there are requests */
	struct relay *requests; /* under relay_lock */
	unsigned count;         /* relays, those that open included; under relay_lock */
	unsigned opening;       /* under relay_lock */
	bool stopping;          /* under relay_lock */
	/* the thread's own */
	struct relay *stuck;
	uint64_t stuck_at; /* ms: since when no ring made room */
} relays;

void relay_ask(struct relay *r, enum relay_want want)
{
	uint64_t one = 1;

	pthread_mutex_lock(&relay_lock);
	if (!r->wanted) {
		r->next = relays.requests;
		relays.requests = r;
	}
	r->wanted |= want;
	pthread_mutex_unlock(&relay_lock);
	/* A counter that is full rings as well. */
	if (write(relays.bell, &one, sizeof one) < 0)
		return;
}

static void forget(struct relay *r)
{
	uint64_t one = 1;
	bool last;

	free(r);
	pthread_mutex_lock(&relay_lock);
	last = --relays.count == 0 && relays.stopping;
	pthread_mutex_unlock(&relay_lock);
	if (last && write(relays.bell, &one, sizeof one) < 0)
		return;
}

/* ---- opening, by a thread of its own ---- */

static bool is_stopping(void)
{
	bool is;

	pthread_mutex_lock(&relay_lock);
	is = relays.stopping;
	pthread_mutex_unlock(&relay_lock);
	return is;
}

/* Read what a client sent in vain, until it ends; for so long, however slowly it comes. */
static void read_in_vain(int fd, uint64_t ms)
{
	uint64_t t0 = clock_ms(), waited = 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char unread[4096];
	int i;

	for (i = 0; i < UNREAD_PIECES && waited <= ms && !is_stopping(); i++) {
		if (poll(&p, 1, (int)(ms - waited)) <= 0 ||
			recv(fd, unread, sizeof unread, MSG_DONTWAIT) <= 0)
			break;
		waited = clock_ms() - t0;
	}
}

/* Say why, wait until that was read, close: a socket that is closed with something unread
 * is reset, and the reason may be lost. */
static void turn_away(int fd, int rc, const char *why, uint64_t linger_ms)
{
	char text[400];
	int n = snprintf(text, sizeof text, "-%s%s\r\n",
		rc > 0              ? ""
			: rc == -EUSERS ? "ERR max number of clients reached: "
							: "ERR no Redis behind this proxy: ",
		why);

	if (send(fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) == n && shutdown(fd, SHUT_WR) == 0)
		read_in_vain(fd, linger_ms);
	close(fd);
}

/* What became of files that were replaced. Each connection looks at them: it is said once. */
static void say_files(const char *sentence)
{
	static char last[TRUST_SENTENCE];
	bool again;

	pthread_mutex_lock(&relay_lock);
	again = strcmp(last, sentence) == 0;
	snprintf(last, sizeof last, "%s", sentence);
	pthread_mutex_unlock(&relay_lock);
	if (!again)
		fprintf(stderr, "cxl-proxy: %s\n", sentence);
}

/* A channel that was just left is free in a moment, and who comes may be who left. */
static int open_ring(struct relay *r, char *why, size_t len)
{
	uint64_t t0 = clock_ms();
	uint32_t ms = 0;
	int rc;

	while ((rc = cxlring_open(&r->ring, relays.options, why, len)) == -EUSERS &&
		   clock_ms() - t0 < PATIENCE_MS && !is_stopping())
		usleep((ms = wait_refused_ms(ms)) * 1000);
	if (rc == 0 && r->ring->trust)
		r->ring->trust->say = say_files;
	return rc;
}

/* True when there may be one more. */
static bool begin_opening(void)
{
	bool may;

	pthread_mutex_lock(&relay_lock);
	may = relays.opening < OPENING_MAX;
	relays.opening += may;
	relays.count += may;
	pthread_mutex_unlock(&relay_lock);
	return may;
}

static void end_opening(void)
{
	pthread_mutex_lock(&relay_lock);
	relays.opening--;
	pthread_mutex_unlock(&relay_lock);
}

static int begin_stream(struct relay *r, char *why, size_t len)
{
	int rc = protect_check(r->ring, r->fd, why, len);

	if (rc)
		return rc;
	rc = cxlring_stream(r->ring);
	if (rc)
		snprintf(why, len, "%s", cxlring_why(r->ring));
	return rc;
}

static void *open_one(void *arg)
{
	struct relay *r = arg;
	char why[256] = "";
	int rc = open_ring(r, why, sizeof why);

	if (rc == 0) {
		rc = begin_stream(r, why, sizeof why);
		if (rc == 0) {
			end_opening();
			relay_ask(r, RELAY_START);
			return NULL;
		}
		cxlring_close(r->ring);
	}
	turn_away(r->fd, rc, why, LINGER_MS);
	end_opening();
	forget(r);
	return NULL;
}

void relay_add(int fd)
{
	struct relay *r = calloc(1, sizeof *r);
	pthread_attr_t attr;
	pthread_t t;
	int rc;

	if (!r || !begin_opening()) {
		free(r);
		turn_away(fd, -EUSERS, "too many come at once", 0);
		return;
	}
	r->fd = fd;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&t, &attr, open_one, r);
	pthread_attr_destroy(&attr);
	if (rc) {
		close(fd);
		end_opening();
		forget(r);
	}
}

/* ---- socket to ring ---- */

static bool is_full(const struct relay *r)
{
	return __atomic_load_n(&r->full, __ATOMIC_ACQUIRE);
}

/* epoll tells of a hang-up unasked, again and again, so who is not asked is not there. */
static void watch(struct relay *r)
{
	uint32_t events = (r->stuck || r->deaf ? 0 : EPOLLIN) | (is_full(r) ? EPOLLOUT : 0);
	struct epoll_event e = {.events = events, .data.ptr = r};

	if (events == r->watched)
		return;
	epoll_ctl(relays.epoll,
		!events ? EPOLL_CTL_DEL : r->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, r->fd, &e);
	r->watched = events;
}

/* One frame's worth. The bytes go from the socket to where Redis's side reads them. */
static void carry(struct relay *r)
{
	struct chan *c = &r->ring->chan;
	uint32_t most = ring_frame_max(&c->tx) < PIECE ? ring_frame_max(&c->tx) : PIECE;
	uint8_t *at;
	ssize_t n;
	int rc = ring_claim(&c->tx, most, &at);

	if (rc == -EAGAIN && !r->stuck) {
		r->stuck = true;
		r->next_stuck = relays.stuck;
		relays.stuck = r;
	}
	if (rc && rc != -EAGAIN) {
		r->deaf = true; /* the channel is lost; who carries the answers will see it */
		back_wake(r->back);
	}
	if (rc == 0) {
		n = recv(r->fd, at, most, MSG_DONTWAIT);
		if (n >= 0 || (errno != EAGAIN && errno != EINTR)) {
			/* Nothing more to say, or nobody there: Redis hears it in its turn. */
			r->deaf = n <= 0;
			ring_commit(&c->tx, n > 0 ? (uint32_t)n : 0, KV_STREAM, 0, clock_ticks());
			chan_publish(c);
		}
	}
	watch(r);
}

/* Whose ring has room again. */
static void carry_stuck(void)
{
	struct relay *r = relays.stuck, *next;

	relays.stuck = NULL;
	for (; r; r = next) {
		next = r->next_stuck;
		if (ring_drained(&r->ring->chan.tx)) {
			r->stuck = false;
			relays.stuck_at = 0;
			carry(r);
		} else {
			r->next_stuck = relays.stuck;
			relays.stuck = r;
		}
	}
}

/* ---- what is asked ---- */

static void unstick(struct relay *r)
{
	struct relay **at = &relays.stuck;

	while (*at && *at != r)
		at = &(*at)->next_stuck;
	if (*at)
		*at = r->next_stuck;
	r->stuck = false;
}

static void end(struct relay *r)
{
	char unread[4096];
	int i;

	unstick(r);
	r->deaf = true;
	__atomic_store_n(&r->full, false, __ATOMIC_RELEASE);
	watch(r);
	/* As far as it can be helped the client reads an end, and no reset. */
	shutdown(r->fd, SHUT_WR);
	for (i = 0; i < UNREAD_PIECES && recv(r->fd, unread, sizeof unread, MSG_DONTWAIT) > 0; i++)
		;
	close(r->fd);
	cxlring_close(r->ring);
	forget(r);
}

static void do_one(struct relay *r, unsigned wanted)
{
	if (wanted & RELAY_END) {
		end(r);
		return;
	}
	if (wanted & RELAY_START && back_take(r) != 0) {
		end(r);
		return;
	}
	watch(r);
}

/* True when there is nothing left to do, ever. */
static bool do_requests(void)
{
	struct relay *r, *next;
	bool over;

	pthread_mutex_lock(&relay_lock);
	r = relays.requests;
	relays.requests = NULL;
	over = relays.stopping && relays.count == 0;
	pthread_mutex_unlock(&relay_lock);
	for (; r; r = next) {
		unsigned wanted;

		pthread_mutex_lock(&relay_lock);
		next = r->next;
		wanted = r->wanted;
		r->wanted = 0;
		pthread_mutex_unlock(&relay_lock);
		do_one(r, wanted);
	}
	return over;
}

static void on_event(const struct epoll_event *e)
{
	struct relay *r = e->data.ptr;
	uint64_t n;

	if (!r) {
		if (read(relays.bell, &n, sizeof n) < 0)
			return;
		return;
	}
	if (e->events & (EPOLLOUT | EPOLLHUP | EPOLLERR) && is_full(r)) {
		__atomic_store_n(&r->full, false, __ATOMIC_RELEASE);
		back_wake(r->back);
	}
	if (e->events & ~EPOLLOUT && !r->deaf)
		carry(r);
	else
		watch(r);
}

static void *run(void *unused)
{
	struct epoll_event events[EVENTS];

	while (!do_requests()) {
		struct timespec pause = {0, 0};
		int i, n;

		if (relays.stuck) {
			relays.stuck_at = relays.stuck_at ? relays.stuck_at : clock_ms();
			pause.tv_nsec = 1000L * wait_pause_us((clock_ms() - relays.stuck_at) * 1000);
		}
		n = epoll_pwait2(relays.epoll, events, EVENTS, relays.stuck ? &pause : NULL, NULL);
		for (i = 0; i < n; i++)
			on_event(&events[i]);
		carry_stuck();
	}
	return NULL;
}

/* ---- life ---- */

int relay_init(const struct cxlring_options *o)
{
	struct epoll_event e = {.events = EPOLLIN};

	relays.options = o;
	relays.epoll = epoll_create1(EPOLL_CLOEXEC);
	relays.bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (relays.epoll < 0 || relays.bell < 0 ||
		epoll_ctl(relays.epoll, EPOLL_CTL_ADD, relays.bell, &e) < 0)
		return -errno;
	return -pthread_create(&relays.thread, NULL, run, NULL);
}

void relay_fini(void)
{
	uint64_t one = 1;

	pthread_mutex_lock(&relay_lock);
	relays.stopping = true;
	pthread_mutex_unlock(&relay_lock);
	back_stop_all();
	if (write(relays.bell, &one, sizeof one) == sizeof one)
		pthread_join(relays.thread, NULL);
}
