/* SPDX-License-Identifier: BSD-3-Clause */
#include "serve.h"

#include <string.h>

#include "batch.h"
#include "command.h"
#include "config.h"
#include "counters.h"
#include "enc_ring.h"
#include "greet.h"
#include "guard.h"
#include "keyspace.h"
#include "outbox.h"
#include "prefetch.h"
#include "rights.h"
#include "roster.h"
#include "slowlog.h"
#include "stream.h"

enum {
	KEEP_BYTES = 64 << 10, /* of a long request's memory, for the next one */
	LONG_BYTES = 16 << 10, /* of a request that is timed whatever it is */
	STRANGER_BYTES = 16 << 10, /* longest message in parts before AUTH */
	PATIENCE = 32,         /* turns that younger streams wait for an older one */
};

struct serve serve;

static struct {
	uint32_t first; /* whose turn it is to be first */
	uint32_t busy;  /* clients that had requests when all were last served */
	struct session **waiting; /* owned; room for all: streams, in one turn */
	unsigned patience;        /* turns in a row that younger streams have waited */
	bool prefetch;
} order;

void serve_open(uint32_t nchannels)
{
	memset(&serve, 0, sizeof serve);
	memset(&order, 0, sizeof order);
	order.waiting = RedisModule_Calloc(nchannels, sizeof *order.waiting);
}

void serve_close(void)
{
	RedisModule_Free(order.waiting);
	order.waiting = NULL;
}

/* ---- one session ---- */

void serve_hold_if_logged(RedisModuleCtx *ctx)
{
	if (serve.wrote && guard_logging(ctx))
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
	rc = command_run(ctx, s, verdict, serve.turn, f->kind, f->id, data, len, &serve.wrote);
	roster.serving = NULL;
	took = timed ? clock_ticks() - t0 : 0;
	if (timed && took >= slowlog_least && rc != -EAGAIN)
		slowlog_request(ctx, s, f->kind, data, len, took);
	if (nests)
		service_unlock(s->chan);
	return rc;
}

enum served serve_pass(RedisModuleCtx *ctx, struct session *s, const struct frame *f)
{
	int rc;

	batch_flush(ctx, &serve.wrote);
	rc = stream_take(s, f);
	s->tally.kind = KV_STREAM;
	serve.streamed = serve.turn;
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
	batch_flush(ctx, &serve.wrote);
	session_refuse(s, f, why);
	return SERVED;
}

/* Redis, too, takes no long arguments from strangers. */
static uint64_t longest(struct session *s, const struct frame *f)
{
	bool in_parts = f->flags & FRAME_MORE || s->in.len;

	return in_parts && acl_look(&s->acl, serve.turn) == ACL_NOBODY ? STRANGER_BYTES
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
		batch_flush(ctx, &serve.wrote);
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
		return serve_pass(ctx, s, f);
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
	serve_hold_if_logged(ctx);
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

/* Up to SERVE_BURST requests of one client. Returns how many were served. */
static unsigned serve_session(RedisModuleCtx *ctx, struct session *s, bool *held)
{
	uint64_t sent = s->chan->tx.pos;
	struct frame f;
	unsigned n;
	int rc = 0;

	if (__builtin_expect(!s->let_in, 0) && !greet(s))
		return 0;
	if (service_renew_copied(&roster.service, s->chan))
		return 0; /* what cannot be answered is not to be done */
	session_flush(s);
	s->tally.holds = false;
	n = s->chan->tx.pos != sent;
	n += stream_continue(s);
	while (!s->out && n < SERVE_BURST && enc_lets(s)) {
		rc = ring_peek(&s->chan->rx, &f);
		if (rc)
			break;
		if (order.prefetch && s->looked-- <= 0)
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
	batch_flush(ctx, &serve.wrote);
	serve_hold_if_logged(ctx);
	if (rc == -EPROTO || s->chan->tx.broken) {
		roster_refuse(s, "its ring holds what no client writes");
		return n;
	}
	ring_release(&s->chan->rx);
	outbox_burst(s, n, order.busy > 1 && n == SERVE_BURST && ring_waiting(&s->chan->rx));
	s->tally.seen = clock_ticks();
	serve.clients += n && s->turn != serve.turn;
	s->turn = n ? serve.turn : s->turn;
	return n;
}

/* ---- all of them ---- */

static struct session *nth(uint32_t i)
{
	return roster.open[(order.first + i) % roster.nopen];
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
		order.waiting[(*n)++] = s;
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
	stream_sort(order.waiting, n);
	for (i = 0; i < n; i++) {
		open = roster.nopen;
		served += serve_session(ctx, order.waiting[i], held);
		if (roster.nopen == open && i + 1 < n && order.patience < PATIENCE &&
			stream_older(order.waiting[i], order.waiting[i + 1])) {
			order.patience++;
			return served;
		}
	}
	order.patience = 0;
	return served;
}

unsigned serve_all(RedisModuleCtx *ctx, bool *held)
{
	uint32_t i, ahead = 0, busy = 0;
	bool streams = false;
	unsigned n = 0;

	order.prefetch = config.prefetch && keyspace_readable();
	for (i = 0; i < roster.nopen; i++) {
		struct session *s = nth(i);

		if (order.prefetch && roster.nopen > 1 && ahead-- == 0)
			ahead = look_ahead(i) - 1;
		if (!waiting(s))
			continue;
		streams |= s->stream != NULL;
		busy++;
		if (!s->stream)
			n += serve_session(ctx, s, held);
	}
	order.first++;
	order.busy = busy;
	return streams ? n + serve_streams(ctx, held) : n;
}

bool serve_anything(void)
{
	uint32_t i;

	if (service_changed(&roster.service))
		return true;
	for (i = 0; i < roster.nopen; i++)
		if (waiting(roster.open[i]))
			return true;
	return false;
}
