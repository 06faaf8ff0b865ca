/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"

#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "bell.h"
#include "command.h"
#include "config.h"
#include "counters.h"
#include "door.h"
#include "enc.h"
#include "enc_ring.h"
#include "evict.h"
#include "greet.h"
#include "guard.h"
#include "keyspace.h"
#include "outbox.h"
#include "prefetch.h"
#include "rights.h"
#include "roster.h"
#include "slowlog.h"
#include "standstill.h"
#include "stream.h"

enum {
	KEEP_BYTES = 64 << 10, /* of a long request's memory, for the next one */
	LONG_BYTES = 16 << 10, /* of a request that is timed whatever it is */
	BURST = LOOP_BURST,
	STRANGER_BYTES = 16 << 10, /* longest message in parts before AUTH */
	REAP_MS = 1000,
	POLL_US = 1000,       /* look again at clients that we wait for, at first */
	POLL_MAX_US = 20000,
	FEW = 16,             /* clients that the server's core is not offered to */
	OFFER_NS = 2000000,   /* unless they showed just now that they need it */
	PATIENCE = 32,        /* turns that younger streams wait for an older one */
};

static struct {
	uint32_t first; /* whose turn it is to be first */
	struct session **waiting; /* owned; room for all: streams, in one turn */
	const struct region *region;
	uint64_t turn;      /* counts before-sleep events */
	uint64_t reaped_ms;
	struct spin spin;
	uint64_t slept_at; /* ticks */
	uint64_t offers;   /* the core, to whomever, until then; ticks */
	unsigned poll_us;
	uint64_t streamed;     /* the turn in which a stream's bytes went to its socket last */
	unsigned patience;     /* turns in a row that younger streams have waited */
	bool prefetch;
	uint32_t busy; /* clients that had requests when all were last served */
	uint32_t served, served_before; /* clients in this turn, and in the last one */
	bool hot;
	bool wrote; /* in this turn */
	bool up;
} loop;

struct loop_view loop_view(void)
{
	struct loop_view v = {loop.region->size, roster.service.geometry->nchannels,
		roster.nopen, roster.service.geometry->ring_bytes, loop.hot};

	return v;
}

/* ---- serving ---- */

static void hold_if_logged(RedisModuleCtx *ctx)
{
	if (loop.wrote && guard_logging(ctx))
		outbox_hold();
}

static inline bool waiting(struct session *s)
{
	if (__builtin_expect(!s->let_in, 0))
		return greet_waits(s);
	if (s->stream)
		return stream_waiting(s);
	return s->out ? ring_drained(&s->chan->tx) : ring_waiting(&s->chan->rx) && enc_lets(s);
}

/* A command may run nested event loops (a script that takes long). The channel's lock
 * keeps its session alive meanwhile; s->chan outlives it. */
static int run(RedisModuleCtx *ctx, struct session *s, enum guard_verdict verdict,
	const struct frame *f, const uint8_t *data, uint64_t len)
{
	bool nests = f->kind == KV_CALL;
	bool timed = len > LONG_BYTES || !(f->kind == KV_PING || f->kind == KV_SET ||
										  (f->kind == KV_GET && s->short_values));
	uint64_t t0 = timed ? clock_ticks() : 0, took;
	int rc;

	if (nests && !service_lock(s->chan))
		return -EPROTO; /* cannot be: all runs on this thread */
	roster.serving = s;
	rc = command_run(ctx, s, verdict, loop.turn, f->kind, f->id, data, len, &loop.wrote);
	roster.serving = NULL;
	took = timed ? clock_ticks() - t0 : 0;
	if (timed && took >= slowlog_least && rc != -EAGAIN)
		slowlog_request(ctx, s, f->kind, data, len, took);
	if (nests)
		service_unlock(s->chan);
	return rc;
}

enum served loop_pass(RedisModuleCtx *ctx, struct session *s, const struct frame *f)
{
	int rc;

	batch_flush(ctx, &loop.wrote);
	rc = stream_take(s, f);
	s->tally.kind = KV_STREAM;
	loop.streamed = loop.turn;
	if (rc == -EAGAIN)
		return FULL;
	if (rc) {
		roster_refuse(s, "a frame that is no part of its stream");
		return REFUSED;
	}
	s->tally.requests++;
	ring_next(&s->chan->rx);
	return SERVED;
}

/* For CXLRING.CLIENTS. */
static void note(struct session *s, uint8_t kind, const uint8_t *data, uint64_t len)
{
	s->tally.requests++;
	s->tally.kind = kind;
	if (len >= sizeof s->tally.db)
		memcpy(&s->tally.db, data, sizeof s->tally.db);
}

/* Answered with an error instead of being run, in its turn. */
static enum served turn_away(
	RedisModuleCtx *ctx, struct session *s, const struct frame *f, const char *why)
{
	batch_flush(ctx, &loop.wrote);
	session_refuse(s, f, why);
	return SERVED;
}

/* Redis, too, takes no long arguments from strangers. */
static uint64_t longest(struct session *s, const struct frame *f)
{
	bool in_parts = f->flags & FRAME_MORE || s->in.len;

	return in_parts && acl_look(&s->acl, loop.turn) == ACL_NOBODY ? STRANGER_BYTES
																  : s->max_message;
}

/* One whole message. False: it has to wait in the ring. *rc: of what came of it. */
static bool run_whole(RedisModuleCtx *ctx, struct session *s, enum guard_verdict verdict,
	const struct frame *f, const uint8_t *data, uint64_t len, int *rc)
{
	*rc = run(ctx, s, verdict, f, data, len);
	if (*rc == -EAGAIN && data == f->data)
		return false;
	note(s, f->kind, data, len);
	message_reset(&s->in, KEEP_BYTES);
	if (*rc == -EAGAIN) {
		batch_flush(ctx, &loop.wrote);
		session_error(s, f->id, "ERR this command is too long to be run over the ring");
		*rc = 0;
	}
	return true;
}

/* One request, or a part of one. */
static enum served serve_one(RedisModuleCtx *ctx, struct session *s, const struct frame *f)
{
	struct ring *rx = &s->chan->rx;
	enum guard_verdict verdict = GUARD_FAST;
	const uint8_t *data;
	uint64_t len;
	int rc;

	if (__builtin_expect(!rights_frame(s, f->kind), 0))
		return turn_away(ctx, s, f, rights_read_only);
	if (s->stream || f->kind == KV_STREAM)
		return loop_pass(ctx, s, f);
	if (s->skips)
		return turn_away(
			ctx, s, f, "BUSY part of the request came while Redis was busy or loading");
	if (!(f->flags & FRAME_MORE)) {
		verdict = command_writes(f->kind) ? guard_write(ctx) : guard_read(ctx);
		if (verdict == GUARD_WAIT)
			return HELD;
	}
	s->in.max = longest(s, f);
	rc = message_take(&s->in, f, &data, &len);
	if (rc == -EAGAIN) {
		ring_next(rx);
		ring_release(rx);
		return SERVED;
	}
	if (rc == 0 && !run_whole(ctx, s, verdict, f, data, len, &rc))
		return HELD;
	if (rc) {
		roster_refuse(s, rc == -EMSGSIZE ? "a request longer than proto-max-bulk-len, or long before AUTH"
			: rc == -ENOMEM       ? "no memory for its request"
								  : "a request that makes no sense");
		return REFUSED;
	}
	ring_next(rx);
	hold_if_logged(ctx);
	return SERVED;
}

/* Keys of this client's next requests, once those that were looked at are served. */
static void look_on(struct session *s)
{
	struct prefetch p = {.n = 0};

	s->looked = prefetch_collect(&p, s);
	if (p.n > 1 || p.whole)
		prefetch_run(&p);
}

/* Up to BURST requests of one client. Returns how many were served. */
static unsigned serve(RedisModuleCtx *ctx, struct session *s, bool *held)
{
	uint64_t sent = s->chan->tx.pos;
	struct frame f;
	unsigned n;
	int rc = 0;

	if (__builtin_expect(!s->let_in, 0) && !greet(s))
		return 0;
	session_flush(s);
	s->tally.holds = false;
	n = s->chan->tx.pos != sent;
	n += stream_continue(s);
	while (!s->out && n < BURST && enc_lets(s)) {
		rc = ring_peek(&s->chan->rx, &f);
		if (rc)
			break;
		if (loop.prefetch && s->looked-- <= 0)
			look_on(s);
		switch (serve_one(ctx, s, &f)) {
		case REFUSED:
			return n;
		case HELD:
			*held = s->tally.holds = true;
			s->tally.held++;
			counters.held++;
			goto out;
		case FULL:
			goto out;
		case SERVED:
			n++;
		}
	}
out:
	batch_flush(ctx, &loop.wrote);
	hold_if_logged(ctx);
	if (rc == -EPROTO || s->chan->tx.broken) {
		roster_refuse(s, "its ring holds what no client writes");
		return n;
	}
	ring_release(&s->chan->rx);
	outbox_burst(s, n, loop.busy > 1 && n == BURST && ring_waiting(&s->chan->rx));
	s->tally.seen = clock_ticks();
	loop.served += n && s->turn != loop.turn;
	s->turn = n ? loop.turn : s->turn;
	return n;
}

static struct session *nth(uint32_t i)
{
	return roster.open[(loop.first + i) % roster.nopen];
}

/* Keys of the first requests of these clients, from the i-th on: how many clients. */
static uint32_t look_ahead(uint32_t i)
{
	struct prefetch p = {.n = 0};
	uint32_t first = i;

	for (; i < roster.nopen && p.n < PREFETCH; i++)
		if (waiting(nth(i)))
			nth(i)->looked = prefetch_collect(&p, nth(i));
	if (p.n > 1 || p.whole)
		prefetch_run(&p);
	return i - first;
}

/* Note the streams that wait since before `until`. Returns the latest of these times. */
static uint64_t find_streams(uint32_t *n, uint64_t until)
{
	uint64_t last = 0, since;
	uint32_t i;

	*n = 0;
	for (i = 0; i < roster.nopen; i++) {
		struct session *s = roster.open[i];

		if (!s->stream || !waiting(s))
			continue;
		since = stream_since(s);
		if (since > until)
			continue;
		last = since > last ? since : last;
		loop.waiting[(*n)++] = s;
	}
	return last;
}

/* Oldest first. A ring that was looked at too early may hold what was written before what
 * another one shows: who looks twice sees it. Who has had its burst and has more that was
 * written before what the next one has keeps that one waiting; for a while only, since a
 * client may write there what it likes. Nothing here ends another session. */
static unsigned serve_streams(RedisModuleCtx *ctx, bool *held)
{
	uint64_t last;
	uint32_t n, i, open;
	unsigned served = 0;

	last = find_streams(&n, UINT64_MAX);
	if (n == 0)
		return 0;
	find_streams(&n, last);
	stream_sort(loop.waiting, n);
	for (i = 0; i < n; i++) {
		open = roster.nopen;
		served += serve(ctx, loop.waiting[i], held);
		if (roster.nopen == open && i + 1 < n && loop.patience < PATIENCE &&
			stream_older(loop.waiting[i], loop.waiting[i + 1])) {
			loop.patience++;
			return served;
		}
	}
	loop.patience = 0;
	return served;
}

static unsigned serve_all(RedisModuleCtx *ctx, bool *held)
{
	uint32_t i, ahead = 0, busy = 0;
	bool streams = false;
	unsigned n = 0;

	loop.prefetch = config.prefetch && keyspace_readable();
	for (i = 0; i < roster.nopen; i++) {
		struct session *s = nth(i);

		if (loop.prefetch && roster.nopen > 1 && ahead-- == 0)
			ahead = look_ahead(i) - 1;
		if (!waiting(s))
			continue;
		streams |= s->stream != NULL;
		busy++;
		if (!s->stream)
			n += serve(ctx, s, held);
	}
	loop.first++;
	loop.busy = busy;
	return streams ? n + serve_streams(ctx, held) : n;
}

static bool anything(void)
{
	uint32_t i;

	if (service_changed(&roster.service))
		return true;
	for (i = 0; i < roster.nopen; i++)
		if (waiting(roster.open[i]))
			return true;
	return false;
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
	if (!held && anything()) {
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
		loop.wrote = true;
	hold_if_logged(ctx);
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
	uint32_t clients = loop.served > loop.served_before ? loop.served : loop.served_before;

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
	loop.served_before = loop.served;
	loop.served = 0;
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
		if (loop.turn <= loop.streamed + 1)
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
	loop.turn++;
	roster_sweep();
	loop.wrote = false;
	finish_enc(ctx);
	if (!loop.hot) {
		/* A bell that rang for nothing has to be made silent as well. */
		if (!bell_rings() && !anything() && !outbox_holds()) {
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
	if (!standstill(loop.turn))
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
	loop.waiting = RedisModule_Calloc(g->nchannels, sizeof *loop.waiting);
	RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_EventLoop, on_loop);
	RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_CronLoop, on_cron);
	RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_Config, on_config);
	RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_Shutdown, on_shutdown);
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
	RedisModule_Free(loop.waiting);
	loop.waiting = NULL;
}
