/* SPDX-License-Identifier: BSD-3-Clause */
#include "channel.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	ROOM_SLEEP_US = 5000, /* with a bell that rings for room, should it be lost */
};

uint64_t chan_delay_from_env(void)
{
	const char *ns = getenv("CXL_SHM_DELAY_NS");

	return ns ? strtoull(ns, NULL, 10) : 0;
}

/* Whom is served (enum serving)? Nobody, when the lease's holder is gone, which is judged
 * by its pid on this host, elsewhere by its word. */
static uint32_t serving(const struct service_geometry *g)
{
	uint32_t whom = shm_load32(&g->shm->serving);
	uint64_t lease = shm_load_acquire64(&g->shm->lease);

	return lease && ident_alive(lease) ? whom : SERVING_NONE;
}

/* `fd` when it is an eventfd, which a write can neither block on (made so here) nor
 * raise SIGPIPE for; else closed and -1, since whoever named the socket may be hostile. */
static int only_eventfd(int fd)
{
	char path[32], what[32] = "";

	if (fd < 0)
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (readlink(path, what, sizeof what - 1) > 0 &&
		strcmp(what, "anon_inode:[eventfd]") == 0 &&
		fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The server's eventfd, over the unix socket that it named; -1 when there is none, or
 * the server is on another host. */
static int bell_connect(const struct service_geometry *g)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char byte, control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct iovec io = {&byte, 1};
	/* CMSG_LEN, not the padded size: that has room for a second descriptor, which the
	 * kernel would install and nobody close. */
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = CMSG_LEN(sizeof(int))};
	struct cmsghdr *cm;
	struct timeval second = {1, 0};
	int s, fd = -1;

	memcpy(sa.sun_path, g->shm->bell_path, sizeof sa.sun_path);
	sa.sun_path[sizeof sa.sun_path - 1] = 0;
	if (!sa.sun_path[0])
		return -1;
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -1;
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
	if (connect(s, (struct sockaddr *)&sa, sizeof sa) == 0 &&
		recvmsg(s, &m, MSG_CMSG_CLOEXEC) > 0) {
		cm = CMSG_FIRSTHDR(&m);
		if (cm && cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS &&
			cm->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(&fd, CMSG_DATA(cm), sizeof fd);
	}
	close(s);
	return only_eventfd(fd);
}

/* A stream has two threads: one rings, the other waits. */
static void set_rang(struct chan *c, bool rang)
{
	__atomic_store_n(&c->rang, rang, __ATOMIC_RELAXED);
}

/* Is the server here, and how is it woken? */
static void meet_server(struct chan *c)
{
	if (c->bell_fd >= 0)
		close(c->bell_fd);
	c->server_here = ident_same_host(shm_load64(&c->service->shm->lease));
	c->bell_fd = c->server_here ? bell_connect(c->service) : -1;
}

/* Wake the server in the way it said it sleeps. */
void chan_ring(struct chan *c, uint32_t how)
{
	uint32_t *word = &c->service->shm->asleep;
	uint64_t one = 1;

	c->rung++;
	set_rang(c, true);
	if (!c->server_here)
		return; /* it polls; there is no way to reach its kernel from here */
	if (how == BELL_LANES && c->away) {
		lane_ring_away(c->service->shm, c->index);
		/* That processor may be taken: who comes to wait rings this one's as well. */
		set_rang(c, false);
	} else if (how == BELL_LANES) {
		__atomic_store_n(
			&c->beside, lane_ring(c->service->shm, c->index), __ATOMIC_RELAXED);
	} else if (how == BELL_FD && c->bell_fd < 0) {
		/* No way to wake it from here; the word stays for those who have one. */
		c->rung--;
	} else if (how == BELL_FD) {
		shm_store32(word, BELL_AWAKE);
		if (write(c->bell_fd, &one, sizeof one) < 0)
			c->rung--;
	} else {
		bell_wake(word);
	}
}

/* Tell the server to look at the owners, whatever it is doing. */
static void ring_control(struct chan *c)
{
	uint32_t how;

	shm_add32(&c->service->shm->control, 1);
	how = bell_heard(&c->service->shm->asleep);
	if (how != BELL_AWAKE)
		chan_ring(c, how);
}

/* Prepare both rings for the generation the server is at, and open (G1, O1). */
static void open_rings(struct chan *c)
{
	const struct service_geometry *g = c->service;

	seal_destroy(c->seal);
	c->seal = NULL;
	c->gen = shm_load_acquire32(&c->shm->gen); /* G1 */
	ring_produce(&c->tx, chan_req_ring(g, c->index), g->ring_bytes, &c->shm->req_head,
		chan_gen16(c->gen), c->delay);
	ring_consume(&c->rx, chan_rsp_ring(g, c->index), g->ring_bytes, &c->shm->rsp_head,
		chan_gen16(c->gen), c->delay);
	shm_store64(&c->shm->rsp_head, 0);
	shm_store64(&c->shm->given_up, 0);
	shm_store32(&c->shm->asleep, BELL_AWAKE);
	shm_store_release32(&c->shm->open, c->gen); /* O1 */
}

static void write_label(struct chan *c, const char *label)
{
	char text[CHAN_LABEL] = "";

	if (label)
		snprintf(text, sizeof text, "%s", label);
	else
		snprintf(text, sizeof text, "%.20s %d", program_invocation_short_name,
			(int)getpid());
	memcpy(c->shm->label, text, sizeof text);
}

int chan_attach(struct chan *c, const struct region *r, const char *service,
	const struct chan_config *config, struct err_text *e)
{
	/* Each attempt of a process begins one further: with all from one place the hundredth
	 * would look at ninety-nine taken channels first, and map pages of each. */
	static uint32_t attempts;
	const struct service_geometry *g;
	uint32_t i, at = 0, start;
	struct view_grant none;
	bool may = false;
	int rc;

	memset(c, 0, sizeof *c);
	c->bell_fd = -1;
	rc = region_find(r, service, &g, e);
	if (rc)
		return rc;
	if (serving(g) != SERVING_ALL) {
		err_set(e, "no live server for \"%s\" in the region; start %s", service,
			strcmp(service, "ops") == 0 ? "ops_server" : "redis-server with cxlring.so");
		return -EOWNERDEAD;
	}
	c->self = ident_self();
	c->service = g;
	if (config->view)
		view_place(config->view, r, service);
	start = ((uint32_t)(c->self.token >> 42) +
				__atomic_fetch_add(&attempts, 1, __ATOMIC_RELAXED)) %
			g->nchannels;
	for (i = 0; i < g->nchannels; i++) {
		at = (start + i) % g->nchannels;
		if (config->view && !view_may(config->view, service, at))
			continue;
		may = true;
		c->shm = chan_control(g, at);
		if (shm_load64(&c->shm->claim) == 0 &&
			shm_cas64(&c->shm->claim, 0, c->self.token)) /* C1 */
			break;
	}
	if (i == g->nchannels && !may) {
		rc = view_own(config->view, service, 0, &none, e);
		memset(c, 0, sizeof *c);
		return rc ? rc : -EAGAIN; /* it has come this moment */
	}
	if (i == g->nchannels) {
		err_set(e, "all %u channels of \"%s\" have a live owner", g->nchannels, service);
		memset(c, 0, sizeof *c);
		return -EUSERS;
	}
	c->index = at;
	c->delay = clock_from_ns(config->delay_ns);
	meet_server(c);
	spin_init(&c->spin, config->spin_ns);
	shm_store64(&c->shm->host, c->self.host);
	write_label(c, config->label);
	open_rings(c);
	ring_control(c);
	return 0;
}

/* The claim names our process; did another thread of it, after this channel was taken
 * away from us, claim and open it for itself? */
static bool still_ours(const struct chan *c)
{
	return shm_load32(&c->shm->open) == c->gen;
}

void chan_detach(struct chan *c)
{
	if (!c->shm)
		return;
	if (shm_load64(&c->shm->claim) == c->self.token && still_ours(c)) {
		shm_store_release32(&c->shm->closing, c->gen); /* D1 */
		ring_control(c);
	}
	if (c->bell_fd >= 0)
		close(c->bell_fd);
	seal_destroy(c->seal);
	memset(c, 0, sizeof *c);
	c->bell_fd = -1;
}

int chan_state(const struct chan *c)
{
	if (shm_load_acquire32(&c->shm->gen) != c->gen ||
		shm_load64(&c->shm->claim) != c->self.token)
		return -EOWNERDEAD;
	if (shm_load_acquire32(&c->shm->broken) == c->gen)
		return -EPROTO;
	if (!serving(c->service))
		return -EAGAIN; /* and a head that went back is a reset on its way */
	return c->rx.broken || c->tx.broken ? -EPROTO : 0;
}

int chan_reopen(struct chan *c)
{
	if (shm_load64(&c->shm->claim) != c->self.token || !still_ours(c))
		return -EOWNERDEAD;
	if (shm_load_acquire32(&c->shm->gen) == c->gen)
		return -EAGAIN;
	if (!serving(c->service))
		return -EAGAIN;
	meet_server(c);
	open_rings(c);
	ring_control(c);
	return 0;
}

/* A server that cannot see our process judges us by this. */
static void show_life(struct chan *c)
{
	if (!c->server_here)
		chan_beat(c);
}

/* Spin for the reply; `rang`: the server has to be scheduled first, and this processor
 * may be the one it gets. */
static bool spin_for_reply(struct chan *c, bool rang)
{
	if (rang)
		c->spin.yield = c->spin.start;
	do {
		if (ring_waiting(&c->rx)) {
			spin_met(&c->spin);
			return true;
		}
	} while (spin_again(&c->spin));
	return false;
}

/* A thread that is rung while another is at what we sent finds nothing to do, or takes what
 * comes next here: on this processor, which we need for the answers. (Q1 of TPC-H ran 1.8
 * times as long.) But a hint that brought nothing may be a neighbour's. */
static bool is_served(const struct chan *c)
{
	return !c->in_vain && shm_load32(&c->shm->busy);
}

int chan_await(struct chan *c, uint32_t timeout_ms)
{
	bool rang = __atomic_load_n(&c->rang, __ATOMIC_RELAXED), met;
	bool beside = __atomic_load_n(&c->beside, __ATOMIC_RELAXED);
	uint64_t t0;
	int rc;

	show_life(c);
	set_rang(c, false);
	__atomic_store_n(&c->beside, false, __ATOMIC_RELAXED);
	spin_start(&c->spin);
	/* The server's thread waits for this very processor: spinning would only keep it, and
	 * yielding would hand a whole slice to anybody else who wants it. */
	met = beside || (c->server_here && lane_polls_here(c->service->shm))
			  ? ring_waiting(&c->rx)
			  : spin_for_reply(c, rang);
	t0 = clock_ticks();
	c->waited = t0 - c->spin.start;
	if (met)
		return 0;
	c->slept++;
	bell_set(&c->shm->asleep, BELL_FUTEX);
	if (!rang && c->server_here && !is_served(c))
		lane_ring(c->service->shm, c->index); /* who was said to poll may not */
	if (!ring_waiting(&c->rx)) {
		if (c->server_here)
			bell_sleep(&c->shm->asleep, timeout_ms * 1000);
		else
			wait_poll(clock_to_ns(t0 - c->spin.start) / 1000);
	}
	bell_clear(&c->shm->asleep);
	c->waited = clock_ticks() - c->spin.start;
	c->in_vain = !ring_waiting(&c->rx);
	if (!c->in_vain) {
		if (!beside)
			spin_blocked(&c->spin, c->spin.start + c->waited - t0);
		return 0;
	}
	rc = chan_state(c);
	/* Who refuses a channel says why, and then refuses it: it may just have. */
	if (rc == -EPROTO && ring_waiting(&c->rx))
		return 0;
	return rc ? rc : -EAGAIN;
}

/* Who is at something long rings when it has made room; nobody else does. */
static void sleep_for_room(struct chan *c, uint32_t pause_us)
{
	bell_set(&c->shm->asleep, BELL_FUTEX);
	if (!ring_drained(&c->tx))
		bell_sleep(&c->shm->asleep, pause_us);
	bell_clear(&c->shm->asleep);
	c->in_vain = !ring_drained(&c->tx);
}

int chan_await_room(struct chan *c)
{
	uint32_t how = bell_heard(&c->service->shm->asleep);
	bool away = c->away, served = is_served(c);
	uint64_t full_us;

	show_life(c);
	c->away = false; /* we wait now: this processor will do */
	if (how != BELL_AWAKE && !served)
		chan_ring(c, how);
	c->away = away;
	/* A server that is reading makes room within microseconds. */
	spin_start(&c->spin);
	do {
		if (ring_drained(&c->tx)) {
			c->full_since = 0;
			return 0;
		}
	} while (spin_again(&c->spin));
	if (!c->full_since)
		c->full_since = c->spin.start;
	full_us = clock_to_ns(clock_ticks() - c->full_since) / 1000;
	if (served && c->server_here)
		sleep_for_room(c, ROOM_SLEEP_US);
	else
		wait_poll(full_us);
	return chan_state(c);
}
