/* SPDX-License-Identifier: BSD-3-Clause */
#include "standstill.h"

#include "greet.h"
#include "outbox.h"
#include "rights.h"
#include "roster.h"
#include "serve.h"
#include "stream.h"

static struct {
	uint64_t loading; /* the turn in which Redis was seen loading last */
	uint64_t rung;    /* the turn in which the bell was heard last */
} last;

static bool loading(void)
{
	return RedisModule_GetContextFlags(roster.ctx) & REDISMODULE_CTX_FLAGS_LOADING;
}

void standstill_init(void)
{
	last.loading = 0;
	last.rung = UINT64_MAX;
}

/*
 * Usually a turn follows, which serves. Hearing the bell twice with no turn in between
 * means that Redis runs its loop inside of a long script or a load. A load's nested loop
 * leaves its events to the outer one, which then calls once more.
 */
bool standstill(uint64_t turn)
{
	bool nested = last.rung == turn;

	last.rung = turn;
	if (loading()) {
		last.loading = turn;
		return true;
	}
	return nested && last.loading != turn;
}

/* Is it a stream, or about to become one? */
static bool streams(struct session *s)
{
	struct frame f;

	if (!rights_frame(s, KV_STREAM))
		return false;
	return s->stream || (!s->out && !s->deferred && !s->skips && !s->in.len &&
				ring_peek(&s->chan->rx, &f) == 0 && f.kind == KV_STREAM);
}

/* A stream's client is answered by Redis. */
static void pass_all(struct session *s)
{
	enum served served = SERVED;
	struct frame f;
	unsigned n = 0;

	while (n++ < SERVE_BURST && served == SERVED && ring_peek(&s->chan->rx, &f) == 0)
		served = serve_pass(roster.ctx, s, &f);
	if (served == REFUSED)
		return;
	ring_release(&s->chan->rx);
	stream_continue(s);
	if (s->unpublished)
		outbox_publish(s);
}

void standstill_refuse(struct session *s, uint32_t most, const char *text)
{
	struct frame f;
	uint32_t n = 0;

	while (!s->out && !s->deferred && n++ < most && ring_peek(&s->chan->rx, &f) == 0)
		session_refuse(s, &f, text);
	ring_release(&s->chan->rx);
	session_flush(s);
	if (s->unpublished)
		outbox_publish(s);
}

void standstill_serve(void)
{
	const char *text = loading() ? "LOADING Redis is loading the dataset in memory"
		: "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN "
		  "NOSAVE.";
	uint32_t i;

	for (i = 0; i < roster.nopen; i++)
		if (roster.open[i] == roster.serving)
			continue; /* its request is in the ring still, and may be another one by now */
		else if (!roster.open[i]->let_in && !greet(roster.open[i]))
			continue; /* first it has to be known whether it may ask at all */
		else if (streams(roster.open[i]))
			pass_all(roster.open[i]);
		else
			standstill_refuse(roster.open[i], SERVE_BURST, text);
}
