/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chanrig.h - a region with one service, a server of it in this process or another, and
 * clients: what the tests of channels share.
 */
#ifndef TESTS_UNIT_CHANRIG_H
#define TESTS_UNIT_CHANRIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "channel.h"
#include "service.h"
#include "../rig.h"

enum { NCHAN = 4, OTHER_HOST = 1, LEASE = 60 };

static const struct service_format format[] = {{"ops", NCHAN, 4096}};
static const struct chan_config quick = {.label = "test", .spin_ns = 1000};

struct server {
	struct service s;
	struct service_chan chans[NCHAN];
	int opened, closed;
};

static struct region region;
static struct server *server; /* of this process, when it has one */

static inline void count_opened(void *ctx, struct service_chan *c)
{
	((struct server *)ctx)->opened++;
}

static inline void count_closed(void *ctx, struct service_chan *c)
{
	((struct server *)ctx)->closed++;
}

static inline int server_take(struct server *s, struct err_text *e)
{
	struct service_config config = {.lease_ms = LEASE, .ctx = s,
		.opened = count_opened, .closed = count_closed};

	memset(s, 0, sizeof *s);
	return service_take(&s->s, &region, "ops", s->chans, &config, e);
}

/* A request's answer: its bytes plus one, its id. */
static inline void answer(struct service_chan *c)
{
	struct frame f;
	uint8_t *at;
	uint32_t i;

	while (ring_peek(&c->rx, &f) == 0) {
		if (ring_claim(&c->tx, f.len, &at))
			break;
		for (i = 0; i < f.len; i++)
			at[i] = (uint8_t)(f.data[i] + 1);
		ring_commit(&c->tx, f.len, f.kind, 0, f.id);
		ring_next(&c->rx);
	}
	ring_release(&c->rx);
	service_publish(c);
}

static inline void server_turn(struct server *s)
{
	uint32_t i;

	if (service_changed(&s->s))
		service_control(&s->s);
	for (i = 0; i < NCHAN; i++)
		if (s->chans[i].open && ring_waiting(&s->chans[i].rx))
			answer(&s->chans[i]);
}

static inline void server_open(void)
{
	struct err_text e = {""};

	assert_int_equal(posix_memalign((void **)&server, 128, sizeof *server), 0);
	if (server_take(server, &e))
		fail_msg("%s", e.s);
	service_ready(&server->s);
}

static inline int setup(void **state)
{
	server = NULL;
	return rig_region(&region, format, 1);
}

static inline int setup_server(void **state)
{
	if (setup(state))
		return -1;
	server_open();
	return 0;
}

static inline int teardown(void **state)
{
	if (server)
		service_drop(&server->s);
	free(server);
	server = NULL;
	region_close(&region);
	return 0;
}

static inline struct service_shm *shared(void)
{
	return region_service(&region, "ops")->shm;
}

static inline void attach(struct chan *c)
{
	struct err_text e = {""};

	if (chan_attach(c, &region, "ops", &quick, &e))
		fail_msg("%s", e.s);
}

static inline int try_attach(struct chan *c, struct err_text *e)
{
	e->s[0] = 0;
	return chan_attach(c, &region, "ops", &quick, e);
}

static inline void ask(struct chan *c, uint64_t id)
{
	uint8_t *at;

	assert_int_equal(ring_claim(&c->tx, 8, &at), 0);
	memcpy(at, &id, 8);
	ring_commit(&c->tx, 8, 1, 0, id);
	chan_publish(c);
}

static inline void check_reply(struct chan *c, uint64_t id)
{
	struct frame f;
	uint32_t i;

	assert_int_equal(ring_peek(&c->rx, &f), 0);
	assert_int_equal(f.id, id);
	assert_int_equal(f.len, 8);
	for (i = 0; i < 8; i++)
		assert_int_equal(f.data[i], (uint8_t)(((uint8_t *)&id)[i] + 1));
	ring_next(&c->rx);
	ring_release(&c->rx);
}

/* One request served by the server in this process. */
static inline void round_trip(struct chan *c, uint64_t id)
{
	ask(c, id);
	server_turn(server);
	assert_int_equal(chan_await(c, 10), 0);
	check_reply(c, id);
}

static inline uint64_t claim_of(uint32_t i)
{
	return shm_load64(&chan_control(region_service(&region, "ops"), i)->claim);
}

static inline uint32_t claimed(void)
{
	uint32_t i, n = 0;

	for (i = 0; i < NCHAN; i++)
		n += claim_of(i) != 0;
	return n;
}

/* A child that attaches, asks once (unanswered) and stays. */
static inline int attach_and_stay(void *arg)
{
	struct chan c;
	struct err_text e;

	if (chan_attach(&c, &region, "ops", &quick, &e))
		return 1;
	for (;;)
		pause();
	return 0;
}

static inline int serve_for_ever(void *arg)
{
	struct err_text e;

	if (posix_memalign((void **)&server, 128, sizeof *server) || server_take(server, &e))
		return 1;
	service_ready(&server->s);
	for (;;) {
		server_turn(server);
		service_reap(&server->s, clock_ms());
		usleep(100);
	}
	return 0;
}

/* 0 when `n` channels are claimed before too long. */
static inline int until_claimed(uint32_t n)
{
	int i;

	for (i = 0; i < 10000 && claimed() != n; i++)
		usleep(1000);
	return claimed() == n ? 0 : -1;
}

static inline pid_t spawn_server(void)
{
	pid_t pid = rig_spawn(serve_for_ever, NULL, 60);
	int i;

	for (i = 0; i < 10000 && shm_load32(&shared()->serving) != SERVING_ALL; i++)
		usleep(1000);
	assert_int_equal(shm_load32(&shared()->serving), SERVING_ALL);
	return pid;
}

/* ---- injected delay */

#define WITH(t) cmocka_unit_test_setup_teardown(t, setup_server, teardown)
#define WITHOUT(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

#endif
