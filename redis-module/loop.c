/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"

#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "bell.h"
#include "command.h"
#include "config.h"
#include "door.h"
#include "evict.h"
#include "guard.h"
#include "prefetch.h"
#include "session.h"
#include "stream.h"
#include "counters.h"

enum {
	KEEP_BYTES = 64 << 10, /* of a long request's memory, for the next one */
	BURST = 64,           /* requests of one client before the next one's */
	STRANGER_BYTES = 16 << 10, /* longest message in parts before AUTH */
	REAP_MS = 1000,
	POLL_US = 1000,       /* look again at clients that we wait for, at first */
	POLL_MAX_US = 20000,
};

static struct {
	struct service service;
	struct service_chan *chans; /* owned */
	struct session **open;      /* owned; nopen of them */
	uint32_t nopen;
	struct session **waiting; /* owned; room for as many: streams, in one turn */
	uint32_t first;        /* whose turn it is to be first */
	struct session *serving; /* its request is being run; may run nested loops */
	const struct region *region;
	RedisModuleCtx *ctx;   /* outside of events: to ask for flags, to log */
	uint64_t max_message;
	uint64_t turn;         /* counts before-sleep events */
	uint64_t rung_turn;    /* the turn in which the bell was heard last */
	uint64_t reaped_ms;
	struct spin spin;
	uint64_t slept_at; /* ticks */
	unsigned poll_us;
	uint64_t streamed;     /* the turn in which a stream's bytes went to its socket last */
	bool prefetch;
	bool hot;
	bool wrote; /* in this turn */
	bool hold;  /* publish nothing before after-sleep */
	bool up;
} loop;

struct loop_view loop_view(void)
{
	struct loop_view v = {loop.region->size, loop.service.geometry->nchannels,
		loop.nopen, loop.service.geometry->ring_bytes, loop.hot};

	return v;
}

/* ---- channels come and go ---- */

static uint64_t read_max_message(RedisModuleCtx *ctx)
{
	RedisModuleCallReply *r =
		RedisModule_Call(ctx, "CONFIG", "cc", "GET", "proto-max-bulk-len");
	RedisModuleCallReply *v = r ? RedisModule_CallReplyArrayElement(r, 1) : NULL;
	size_t n;
	const char *s = v ? RedisModule_CallReplyStringPtr(v, &n) : NULL;
	uint64_t max = s ? strtoull(s, NULL, 10) : 512ull << 20;

	if (r)
		RedisModule_FreeCallReply(r);
	return max + 65536; /* and a key, and a header */
}

/* The channel whose request runs is locked, and comes later (run). */
static void on_owner_gone(int fd, void *unused, int mask)
{
	service_reap(&loop.service, clock_ms());
}

static void opened(void *unused, struct service_chan *c)
{
	struct session *s = session_create(c, loop.max_message);

	c->session = s;
	if (!s)
		return; /* served by nobody: the client times out, and may try again */
	s->slot = loop.nopen;
	loop.open[loop.nopen++] = s;
	counters.opened++;
	if (c->owner_fd >= 0)
		RedisModule_EventLoopAdd(
			c->owner_fd, REDISMODULE_EVENTLOOP_READABLE, on_owner_gone, NULL);
}

static void closed(void *unused, struct service_chan *c)
{
	struct session *s = c->session;

	if (!s)
		return;
	loop.open[s->slot] = loop.open[--loop.nopen];
	loop.open[s->slot]->slot = s->slot;
	c->session = NULL;
	batch_forget(s);
	stream_close(s);
	session_destroy(s);
}

/* Not when it closes: the owner of a refused channel is watched until it lets go. */
static void left(void *unused, struct service_chan *c)
{
	RedisModule_EventLoopDel(c->owner_fd, REDISMODULE_EVENTLOOP_READABLE);
}

static void refuse(struct session *s, const char *why)
{
	struct service_chan *c = s->chan;

	counters.refused++;
	RedisModule_Log(loop.ctx, "warning", "channel %u of pid %u is refused: %s", c->index,
		ident_pid(c->owner), why);
	service_refuse(&loop.service, c);
}

/* ---- serving ---- */

static void publish(struct session *s)
{
	s->unpublished = false;
	service_publish(s->chan);
}

static inline bool waiting(const struct session *s)
{
	if (s->stream)
		return stream_waiting(s);
	return s->out ? ring_drained(&s->chan->tx) : ring_waiting(&s->chan->rx);
}

/* A command may run nested event loops (a script that takes long). The channel's lock
 * keeps its session alive meanwhile; s->chan outlives it. */
static int run(RedisModuleCtx *ctx, struct session *s, enum guard_verdict verdict,
	const struct frame *f, const uint8_t *data, uint64_t len)
{
	bool nests = f->kind == KV_CALL;
	int rc;

	if (nests && !service_lock(s->chan))
		return -EPROTO; /* cannot be: all runs on this thread */
	loop.serving = s;
	rc = command_run(ctx, s, verdict, loop.turn, f->kind, f->id, data, len, &loop.wrote);
	loop.serving = NULL;
	if (nests)
		service_unlock(s->chan);
	return rc;
}

/* HELD, FULL: it stays in the ring, until it may run, until the stream's socket has room. */
enum served { SERVED, HELD, FULL, REFUSED };

static enum served serve_stream(RedisModuleCtx *ctx, struct session *s, const struct frame *f)
{
	int rc;

	batch_flush(ctx, &loop.wrote);
	rc = stream_take(s, f);
	loop.streamed = loop.turn;
	if (rc == -EAGAIN)
		return FULL;
	if (rc) {
		refuse(s, "a frame that is no part of its stream");
		return REFUSED;
	}
	ring_next(&s->chan->rx);
	return SERVED;
}

/* A part of a request that came while nobody served. Taken for a request of its own it
 * would be what the value says. */
static void skip_part(struct session *s, const struct frame *f, const char *text)
{
	s->skips = f->flags & FRAME_MORE;
	if (!s->skips)
		session_error(s, f->id, text);
	message_reset(&s->in, 0);
	ring_next(&s->chan->rx);
}

/* One complete request. */
static enum served serve_one(RedisModuleCtx *ctx, struct session *s, const struct frame *f)
{
	struct ring *rx = &s->chan->rx;
	enum guard_verdict verdict = GUARD_FAST;
	const uint8_t *data;
	uint64_t len;
	int rc;

	if (s->stream || f->kind == KV_STREAM)
		return serve_stream(ctx, s, f);
	if (s->skips) {
		batch_flush(ctx, &loop.wrote);
		skip_part(s, f, "BUSY part of the request came while Redis was busy or loading");
		return SERVED;
	}
	if (!(f->flags & FRAME_MORE)) {
		verdict = command_writes(f->kind) ? guard_write(ctx) : guard_read(ctx);
		if (verdict == GUARD_WAIT)
			return HELD;
	}
	/* Redis, too, takes no long arguments from strangers. */
	s->in.max = (f->flags & FRAME_MORE || s->in.len) &&
				acl_look(&s->acl, loop.turn) == ACL_NOBODY
			? STRANGER_BYTES : s->max_message;
	rc = message_take(&s->in, f, &data, &len);
	if (rc == -EAGAIN) {
		ring_next(rx);
		ring_release(rx);
		return SERVED;
	}
	if (rc == 0) {
		rc = run(ctx, s, verdict, f, data, len);
		if (rc == -EAGAIN && data == f->data)
			return HELD;
		message_reset(&s->in, KEEP_BYTES);
		if (rc == -EAGAIN) {
			batch_flush(ctx, &loop.wrote);
			session_error(s, f->id, "ERR this command is too long to be run over the ring");
			rc = 0;
		}
	}
	if (rc) {
		refuse(s, rc == -EMSGSIZE ? "a request longer than proto-max-bulk-len, or long before AUTH"
			: rc == -ENOMEM       ? "no memory for its request"
								  : "a request that makes no sense");
		return REFUSED;
	}
	ring_next(rx);
	loop.hold |= loop.wrote && guard_logging(ctx);
	return SERVED;
}

/* Keys of this client's next requests, once those that were looked at are served. */
static void look_on(struct session *s)
{
	struct prefetch p = {.n = 0};

	s->looked = prefetch_collect(&p, s);
	if (p.n > 1)
		prefetch_run(&p);
}

/* Up to BURST requests of one client. Returns how many were served. */
static unsigned serve(RedisModuleCtx *ctx, struct session *s, bool *held)
{
	uint64_t sent = s->chan->tx.pos;
	struct frame f;
	unsigned n;
	int rc = 0;

	session_flush(s);
	n = s->chan->tx.pos != sent;
	n += stream_continue(s);
	while (!s->out && n < BURST) {
		rc = ring_peek(&s->chan->rx, &f);
		if (rc)
			break;
		if (loop.prefetch && s->looked-- <= 0)
			look_on(s);
		switch (serve_one(ctx, s, &f)) {
		case REFUSED:
			return n;
		case HELD:
			*held = true;
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
	loop.hold |= loop.wrote && guard_logging(ctx);
	if (rc == -EPROTO || s->chan->tx.broken) {
		refuse(s, "its ring holds what no client writes");
		return n;
	}
	ring_release(&s->chan->rx);
	if (s->unpublished && !loop.hold)
		publish(s);
	return n;
}

static struct session *nth(uint32_t i)
{
	return loop.open[(loop.first + i) % loop.nopen];
}

/* Keys of the first requests of these clients, from the i-th on: how many clients. */
static uint32_t look_ahead(uint32_t i)
{
	struct prefetch p = {.n = 0};
	uint32_t first = i;

	for (; i < loop.nopen && p.n < PREFETCH; i++)
		if (waiting(nth(i)))
			nth(i)->looked = prefetch_collect(&p, nth(i));
	if (p.n > 1)
		prefetch_run(&p);
	return i - first;
}

/* Note the streams that wait since before `until`. Returns the latest of these times. */
static uint64_t find_streams(uint32_t *n, uint64_t until)
{
	uint64_t last = 0, since;
	uint32_t i;

	*n = 0;
	for (i = 0; i < loop.nopen; i++) {
		struct session *s = loop.open[i];

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
 * another one shows: who looks twice sees it. Nothing here ends another session. */
static unsigned serve_streams(RedisModuleCtx *ctx, bool *held)
{
	uint64_t last;
	uint32_t n, i;
	unsigned served = 0;

	last = find_streams(&n, UINT64_MAX);
	if (n == 0)
		return 0;
	find_streams(&n, last);
	stream_sort(loop.waiting, n);
	for (i = 0; i < n; i++)
		served += serve(ctx, loop.waiting[i], held);
	return served;
}

static unsigned serve_all(RedisModuleCtx *ctx, bool *held)
{
	uint32_t i, ahead = 0;
	bool streams = false;
	unsigned n = 0;

	loop.prefetch = config.prefetch && prefetch_possible();
	for (i = 0; i < loop.nopen; i++) {
		struct session *s = nth(i);

		if (loop.prefetch && loop.nopen > 1 && ahead-- == 0)
			ahead = look_ahead(i) - 1;
		if (!waiting(s))
			continue;
		streams |= s->stream != NULL;
		if (!s->stream)
			n += serve(ctx, s, held);
	}
	loop.first++;
	return streams ? n + serve_streams(ctx, held) : n;
}

static bool anything(void)
{
	uint32_t i;

	if (service_changed(&loop.service))
		return true;
	for (i = 0; i < loop.nopen; i++)
		if (waiting(loop.open[i]))
			return true;
	return false;
}

/* ---- hot and asleep ---- */

static void go_hot(void)
{
	loop.hot = true;
	bell_clear(&loop.service.shm->asleep);
	spin_idle(&loop.spin, clock_ticks() - loop.slept_at);
	spin_start(&loop.spin);
	counters.wakeups++;
}

/* Say that we sleep, look once more (W1), and let epoll block. A client that does not
 * read its replies, and a write that has to wait, ring no bell: a timer looks again. */
static void go_to_sleep(bool poll, bool held)
{
	bell_disarm();
	bell_set(&loop.service.shm->asleep, BELL_FD);
	if (poll) {
		bell_tick(loop.poll_us);
		loop.poll_us = loop.poll_us * 2 < POLL_MAX_US ? loop.poll_us * 2 : POLL_MAX_US;
	}
	if (!held && anything()) {
		bell_clear(&loop.service.shm->asleep);
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

	for (i = 0; i < loop.nopen; i++)
		if (loop.open[i]->out || stream_stalled(loop.open[i]))
			return true;
	return false;
}

/* One turn: serve while requests come, spin while they may, stop at the budget. */
static void turn(RedisModuleCtx *ctx)
{
	uint64_t t0 = clock_ticks(), now = t0;
	uint64_t budget = clock_from_ns((uint64_t)config.budget_us * 1000);
	unsigned n, total = 0;
	bool held = false;

	loop.wrote = false;
	loop.spin.max = clock_from_ns((uint64_t)config.spin_us * 1000);
	if (loop.spin.budget > loop.spin.max)
		loop.spin.budget = loop.spin.max;
	loop.spin.last = t0;
	guard_turn();
	do {
		if (service_changed(&loop.service))
			service_control(&loop.service);
		n = serve_all(ctx, &held);
		total += n;
		now = clock_ticks();
		if (n) {
			spin_met(&loop.spin);
			loop.spin.start = loop.spin.last = now;
			loop.poll_us = POLL_US;
		}
		/* A stream's client is in Redis's hands: its turn comes after ours, and again
		 * before it is answered. */
		if (loop.turn <= loop.streamed + 1)
			break;
		if (n) {
			continue;
		} else if (loop.hold || held) {
			break;
		} else if (!spin_again(&loop.spin)) {
			go_to_sleep(any_output(), false);
			return;
		}
	} while (now - t0 < budget && total < (uint64_t)config.budget_commands);
	counters.turns += total != 0;
	if (held && guard_paused() && !loop.hold)
		go_to_sleep(true, true);
	else
		bell_arm(); /* epoll has to come back at once */
}

static void before_sleep(RedisModuleCtx *ctx)
{
	loop.turn++;
	if (!loop.hot) {
		/* A bell that rang for nothing has to be made silent as well. */
		if (!bell_rings() && !anything())
			return;
		go_hot();
	}
	turn(ctx);
	/* The context's client is the next event's as well. */
	RedisModule_SelectDb(ctx, 0);
}

static void after_sleep(void)
{
	uint32_t i;

	if (!loop.hold)
		return;
	loop.hold = false;
	for (i = 0; i < loop.nopen; i++)
		if (loop.open[i]->unpublished)
			publish(loop.open[i]);
}

static void on_loop(RedisModuleCtx *ctx, RedisModuleEvent e, uint64_t sub, void *data)
{
	if (!loop.up)
		return;
	if (sub == REDISMODULE_SUBEVENT_EVENTLOOP_BEFORE_SLEEP)
		before_sleep(ctx);
	else
		after_sleep();
}

/* ---- while the turns stand still ---- */

/* By the event loop, outside of turns. */
static void on_stream(struct session *s)
{
	if (!loop.hold)
		publish(s);
}

/* Is it a stream, or about to become one? */
static bool streams(struct session *s)
{
	struct frame f;

	return s->stream || (!s->out && !s->skips && !s->in.len &&
				ring_peek(&s->chan->rx, &f) == 0 && f.kind == KV_STREAM);
}

/* A stream's client is answered by Redis. */
static void pass_all(RedisModuleCtx *ctx, struct session *s)
{
	struct frame f;
	unsigned n = 0;

	while (n++ < BURST && ring_peek(&s->chan->rx, &f) == 0 &&
		   serve_stream(ctx, s, &f) == SERVED)
		;
	ring_release(&s->chan->rx);
	stream_continue(s);
	if (s->unpublished)
		on_stream(s);
}

/* The same error for all that waits; a long message is answered at its last part. */
static void answer_all(struct session *s, const char *text)
{
	struct frame f;
	unsigned n = 0;

	while (!s->out && n++ < BURST && ring_peek(&s->chan->rx, &f) == 0) {
		skip_part(s, &f, text);
	}
	ring_release(&s->chan->rx);
	session_flush(s);
	if (s->unpublished && !loop.hold)
		publish(s);
}

/*
 * The bell is readable. Usually a turn follows, which serves. Hearing it twice with no
 * turn in between means that Redis runs its loop inside of a long script or a load.
 */
static void rung(void)
{
	int flags = RedisModule_GetContextFlags(loop.ctx);
	bool loading = flags & REDISMODULE_CTX_FLAGS_LOADING;
	bool nested = loop.rung_turn == loop.turn;
	uint32_t i;

	loop.rung_turn = loop.turn;
	if (!nested && !loading)
		return;
	if (service_changed(&loop.service))
		service_control(&loop.service);
	if (!loop.hot) {
		bell_disarm();
		bell_set(&loop.service.shm->asleep, BELL_FD);
	}
	for (i = 0; i < loop.nopen; i++)
		if (streams(loop.open[i]))
			pass_all(loop.ctx, loop.open[i]);
		else if (loop.open[i] != loop.serving)
			answer_all(loop.open[i],
				loading ? "LOADING Redis is loading the dataset in memory"
						: "BUSY Redis is busy running a script. You can only call SCRIPT "
						  "KILL or SHUTDOWN NOSAVE.");
}

static void on_cron(RedisModuleCtx *ctx, RedisModuleEvent e, uint64_t sub, void *data)
{
	uint64_t now = clock_ms();

	if (!loop.up || now - loop.reaped_ms < REAP_MS)
		return;
	loop.reaped_ms = now;
	if (!service_held(&loop.service)) {
		RedisModule_Log(ctx, "warning",
			"the lease on \"%s\" was taken away: the ring is closed", KV_SERVICE);
		loop_close();
		return;
	}
	service_beat(&loop.service);
	service_reap(&loop.service, now);
}

/* Asking CONFIG at each client's coming would stand in SLOWLOG and commandstats. */
static void on_config(RedisModuleCtx *ctx, RedisModuleEvent e, uint64_t sub, void *data)
{
	const RedisModuleConfigChange *c = data;
	uint32_t i;

	for (i = 0; loop.up && i < c->num_changes; i++)
		if (strcmp(c->config_names[i], "proto-max-bulk-len") == 0)
			loop.max_message = read_max_message(ctx);
}

static void on_shutdown(RedisModuleCtx *ctx, RedisModuleEvent e, uint64_t sub, void *data)
{
	loop_close();
}

/* ---- life ---- */

int loop_open(RedisModuleCtx *ctx, const struct region *r, struct err_text *e)
{
	const struct service_geometry *g;
	struct service_config c = {.delay_ns = (uint64_t)config.delay_ns, .opened = opened,
		.closed = closed, .left = left};
	char old_bell[BELL_PATH + 1] = "";
	int rc;

	memset(&loop, 0, sizeof loop);
	loop.rung_turn = UINT64_MAX;
	loop.poll_us = POLL_US;
	loop.region = r;
	rc = region_find(r, KV_SERVICE, &g, e);
	if (rc)
		return rc;
	if (posix_memalign((void **)&loop.chans, 128, g->nchannels * sizeof *loop.chans))
		return -ENOMEM;
	memset(loop.chans, 0, g->nchannels * sizeof *loop.chans);
	loop.open = RedisModule_Calloc(g->nchannels, sizeof *loop.open);
	loop.waiting = RedisModule_Calloc(g->nchannels, sizeof *loop.waiting);
	loop.max_message = read_max_message(ctx);
	spin_init(&loop.spin, (uint64_t)config.spin_us * 1000);
	rc = bell_open(config.path, rung, e);
	if (rc)
		goto fail;
	c.bell_path = bell_path();
	memcpy(old_bell, g->shm->bell_path, BELL_PATH);
	rc = service_take(&loop.service, r, KV_SERVICE, loop.chans, &c, e);
	if (rc)
		goto fail_bell;
	if (strcmp(old_bell, bell_path()) != 0)
		door_sweep(config.path, old_bell);
	rc = stream_init(ctx, config.path, on_stream, e);
	if (rc) {
		service_drop(&loop.service);
		goto fail_bell;
	}
	loop.ctx = RedisModule_GetDetachedThreadSafeContext(ctx);
	RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_EventLoop, on_loop);
	RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_CronLoop, on_cron);
	RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_Config, on_config);
	RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_Shutdown, on_shutdown);
	loop.up = true;
	loop.hot = false;
	service_ready(&loop.service);
	bell_set(&loop.service.shm->asleep, BELL_FD);
	return 0;
fail_bell:
	bell_close();
fail:
	RedisModule_Free(loop.open);
	RedisModule_Free(loop.waiting);
	free(loop.chans);
	return rc;
}

bool loop_busy(void)
{
	uint32_t i;

	if (loop.hold || loop.serving)
		return true;
	for (i = 0; i < loop.nopen; i++)
		if (loop.open[i]->out || waiting(loop.open[i]))
			return true;
	return false;
}

void loop_close(void)
{
	if (!loop.up)
		return;
	loop.up = false;
	service_drain(&loop.service);
	service_drop(&loop.service);
	stream_fini();
	bell_close();
	evict_close();
	RedisModule_FreeThreadSafeContext(loop.ctx);
	RedisModule_Free(loop.open);
	RedisModule_Free(loop.waiting);
	free(loop.chans);
	loop.open = NULL;
	loop.chans = NULL;
	loop.nopen = 0;
}
