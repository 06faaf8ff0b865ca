/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"

#include <string.h>

#include "bell.h"
#include "config.h"
#include "counters.h"
#include "door.h"
#include "enc.h"
#include "evict.h"
#include "greet.h"
#include "guard.h"
#include "outbox.h"
#include "rights.h"
#include "roster.h"
#include "serve.h"
#include "slowlog.h"
#include "standstill.h"
#include "stream.h"

enum {
	REAP_MS = 1000,
	POLL_US = 1000,       /* look again at clients that we wait for, at first */
	POLL_MAX_US = 20000,
	FEW = 16,             /* clients that the server's core is not offered to */
	OFFER_NS = 2000000,   /* unless they showed just now that they need it */
};

static struct {
	const struct region *region;
	uint64_t reaped_ms;
	struct spin spin;
	uint64_t slept_at; /* ticks */
	uint64_t offers;   /* the core, to whomever, until then; ticks */
	unsigned poll_us;
	bool hot;
	bool up;
} loop;

struct loop_view loop_view(void)
{
	struct loop_view v = {loop.region->size, roster.service.geometry->nchannels,
		roster.nopen, roster.service.geometry->ring_bytes, loop.hot};

	return v;
}

/* ---- hot and asleep ---- */

static void go_hot(void)
{
	uint64_t slept = clock_ticks() - loop.slept_at;

	loop.hot = true;
	bell_clear(&roster.service.shm->asleep);
	spin_idle(&loop.spin, slept);
	/* Asked so soon: they waited for us to leave the core. */
	if (loop.spin.keeps && slept < loop.spin.max)
		loop.offers = loop.slept_at + slept + clock_from_ns(OFFER_NS);
	spin_start(&loop.spin);
	counters.wakeups++;
}

static void tick(void)
{
	bell_tick(loop.poll_us);
	loop.poll_us = loop.poll_us * 2 < POLL_MAX_US ? loop.poll_us * 2 : POLL_MAX_US;
}

/* Say that we sleep, look once more (W1), and let epoll block. A client that does not
 * read its replies, and a write that has to wait, ring no bell: a timer looks again. */
static void go_to_sleep(bool poll, bool held)
{
	bell_disarm();
	bell_set(&roster.service.shm->asleep, BELL_FD);
	if (poll)
		tick();
	if (!held && serve_anything()) {
		bell_clear(&roster.service.shm->asleep);
		bell_arm();
		return;
	}
	loop.hot = false;
	loop.slept_at = clock_ticks();
	counters.sleeps++;
}

static bool any_output(void)
{
	uint32_t i;

	for (i = 0; i < roster.nopen; i++)
		if (roster.open[i]->out || stream_stalled(roster.open[i]))
			return true;
	return false;
}

/* What the zone has answered is done, and told to whom it concerns. */
static unsigned finish_enc(RedisModuleCtx *ctx)
{
	if (!enc_ready())
		return 0;
	if (enc_turn(ctx))
		serve.wrote = true;
	serve_hold_if_logged(ctx);
	outbox_publish_all();
	return 1;
}

/* May we go on waiting? A single client may well need this very core for its next request:
 * it is offered. A few get along on the other cores, where the scheduler moves those that
 * wait for ours; offered, they stay, and take turns with us (two threads at depth 1 on two
 * cores: 380 against 560 k/s, YCSB with four: a tenth less), unless there is no other core for
 * them (two threads on one core: 50 against 380 k/s). Of many, most sleep anyway, and the
 * core is more use to them (64 processes: a quarter). */
static bool wait_on(void)
{
	uint32_t clients =
		serve.clients > serve.clients_before ? serve.clients : serve.clients_before;

	loop.spin.keeps = clients > 1 && clients <= FEW && loop.spin.last > loop.offers;
	return spin_again(&loop.spin);
}

/* One turn: serve while requests come, spin while they may, stop at the budget. */
static void turn(RedisModuleCtx *ctx)
{
	uint64_t t0 = clock_ticks(), now = t0;
	uint64_t budget = clock_from_ns((uint64_t)config.budget_us * 1000);
	unsigned n, total = 0;
	bool held = false, idle = false;

	loop.spin.max = clock_from_ns((uint64_t)config.spin_us * 1000);
	if (loop.spin.budget > loop.spin.max)
		loop.spin.budget = loop.spin.max;
	loop.spin.last = t0;
	serve.clients_before = serve.clients;
	serve.clients = 0;
	guard_turn();
	do {
		if (service_changed(&roster.service))
			service_control(&roster.service);
		n = serve_all(ctx, &held);
		if (zone_ready()) /* not what is held, which only time lets go on */
			n += finish_enc(ctx);
		total += n;
		now = clock_ticks();
		if (n) {
			spin_met(&loop.spin);
			spin_anew(&loop.spin, now);
			loop.poll_us = POLL_US;
		} else {
			outbox_ring();
		}
		/* A stream's client is in Redis's hands: its turn comes after ours, and again
		 * before it is answered. */
		if (serve.turn <= serve.streamed + 1)
			break;
		if (n) {
			continue;
		} else if (outbox_holds() || held) {
			break;
		}
		idle = !wait_on();
	} while (!idle && now - t0 < budget && total < (uint64_t)config.budget_commands);
	outbox_ring();
	counters.turns += total != 0;
	if (now - t0 >= slowlog_least && total)
		slowlog_turn(ctx, now - t0);
	if (idle)
		go_to_sleep(any_output(), false);
	else if (held && guard_paused() && !outbox_holds())
		go_to_sleep(true, true);
	else
		bell_arm(); /* epoll has to come back at once */
}

static void before_sleep(RedisModuleCtx *ctx)
{
	serve.turn++;
	roster_sweep();
	serve.wrote = false;
	finish_enc(ctx);
	if (!loop.hot) {
		/* A bell that rang for nothing has to be made silent as well. */
		if (!bell_rings() && !serve_anything() && !outbox_holds()) {
			/* A stream's ring may fill while we sleep, and a reader that stopped may be
			 * longer about it than one tick. */
			if (!bell_ticking() && any_output())
				tick();
			return;
		}
		go_hot();
	}
	turn(ctx);
	if (!outbox_holds())
		roster_sweep();
	/* The context's client is the next event's as well. */
	RedisModule_SelectDb(ctx, 0);
}

static void on_loop(RedisModuleCtx *ctx, RedisModuleEvent e, uint64_t sub, void *data)
{
	bool before = sub == REDISMODULE_SUBEVENT_EVENTLOOP_BEFORE_SLEEP;

	if (!loop.up && before)
		enc_turn(ctx); /* the zone has to do with TCP clients as well */
	if (!loop.up)
		return;
	if (before)
		before_sleep(ctx);
	else
		outbox_release();
}

static void rung(void)
{
	if (!standstill(serve.turn))
		return;
	if (service_changed(&roster.service))
		service_control(&roster.service);
	if (!loop.hot) {
		bell_disarm();
		bell_set(&roster.service.shm->asleep, BELL_FD);
	}
	standstill_serve();
}

static void on_cron(RedisModuleCtx *ctx, RedisModuleEvent e, uint64_t sub, void *data)
{
	uint64_t now = clock_ms();
	uint32_t i;

	if (!loop.up)
		return;
	for (i = 0; i < roster.nopen; i++)
		acl_check(&roster.open[i]->acl);
	roster_renew_copied();
	if (now - loop.reaped_ms < REAP_MS)
		return;
	loop.reaped_ms = now;
	greet_look_at_files();
	if (!service_held(&roster.service)) {
		RedisModule_Log(ctx, "warning",
			"the lease on \"%s\" was taken away: the ring is closed", KV_SERVICE);
		loop_close();
		return;
	}
	service_beat(&roster.service);
	service_reap(&roster.service, now);
	roster_tell(now);
}

/* Asking CONFIG at each client's coming would stand in SLOWLOG and commandstats. */
static void on_config(RedisModuleCtx *ctx, RedisModuleEvent e, uint64_t sub, void *data)
{
	const RedisModuleConfigChange *c = data;
	uint32_t i;

	for (i = 0; loop.up && i < c->num_changes; i++)
		if (strcmp(c->config_names[i], "proto-max-bulk-len") == 0)
			roster_limits(ctx);
		else
			slowlog_configure(c->config_names[i]);
}

static void on_shutdown(RedisModuleCtx *ctx, RedisModuleEvent e, uint64_t sub, void *data)
{
	zone_close();
	loop_close();
}

/* ---- life ---- */

int loop_open(RedisModuleCtx *ctx, const struct region *r, struct err_text *e)
{
	struct service_config c = {.delay_ns = (uint64_t)config.delay_ns};
	const struct service_geometry *g;
	char old_bell[BELL_PATH + 1] = "";
	int rc;

	memset(&loop, 0, sizeof loop);
	outbox_init();
	standstill_init();
	loop.poll_us = POLL_US;
	loop.region = r;
	rc = region_find(r, KV_SERVICE, &g, e);
	if (rc)
		return rc;
	spin_init(&loop.spin, (uint64_t)config.spin_us * 1000);
	rc = bell_open(config.path, rung, e);
	if (rc)
		return rc;
	c.bell_path = bell_path();
	memcpy(old_bell, g->shm->bell_path, BELL_PATH);
	rc = roster_open(ctx, r, &c, e);
	if (rc)
		goto fail;
	if (strcmp(old_bell, bell_path()) != 0)
		door_sweep(config.path, old_bell);
	rc = rights_open(r, e);
	if (rc == 0)
		rc = greet_open(e);
	if (rc == 0)
		rc = stream_init(ctx, config.path, outbox_publish, e);
	if (rc) {
		roster_close();
		greet_close();
		rights_close();
		goto fail;
	}
	RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_EventLoop, on_loop);
	RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_CronLoop, on_cron);
	RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_Config, on_config);
	RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_Shutdown, on_shutdown);
	serve_open(g->nchannels);
	loop.up = true;
	loop.hot = false;
	service_ready(&roster.service);
	bell_set(&roster.service.shm->asleep, BELL_FD);
	return 0;
fail:
	bell_close();
	return rc;
}

/*
 * What has been taken from a ring was executed, and its replies are out: unloading is a
 * command of Redis, and runs in no turn of ours. What still lies there is answered that
 * it was not done, since its replies would have to wait for a file that is written only
 * after we have gone.
 */
bool loop_drain(void)
{
	uint32_t most, i;

	if (!loop.up) /* the lease was taken away: nobody is connected any more */
		return true;
	if (outbox_holds() || roster.serving)
		return false;
	for (i = 0; i < roster.nopen; i++)
		if (!session_flush(roster.open[i]))
			return false;
	service_drain(&roster.service);
	most = roster.service.geometry->ring_bytes / sizeof(uint64_t);
	for (i = 0; i < roster.nopen; i++)
		if (!roster.open[i]->stream && (roster.open[i]->let_in || greet(roster.open[i])))
			standstill_refuse(roster.open[i], most,
				"ERR the ring is being unloaded, this was not executed");
	for (i = 0; i < roster.nopen; i++)
		if (!session_flush(roster.open[i]))
			break;
	if (i < roster.nopen)
		service_ready(&roster.service);
	return i == roster.nopen;
}

void loop_close(void)
{
	if (!loop.up)
		return;
	loop.up = false;
	service_drain(&roster.service);
	roster_close();
	greet_close();
	rights_close();
	stream_fini();
	bell_close();
	evict_close();
	serve_close();
}
