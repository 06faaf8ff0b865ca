/* SPDX-License-Identifier: BSD-3-Clause */
#include "ops_wire.h"

#include <poll.h>
#include <string.h>

#include "wait.h"

enum {
	OUT_KEPT = 1 << 20,   /* of the memory for long requests: batches follow each other */
	PARTS_PER_PAUSE = 64, /* of a reply that may never end, whatever its length */
};

/* ---- slots ---- */

void ops_slot_ask(struct ops_client *c, struct ops_slot *s, uint8_t kind, uint64_t len,
	ops_fill *fill, void *arg)
{
	s->kind = kind;
	s->len = len;
	s->fill = fill;
	s->arg = arg;
	s->id = 0;
	s->rc = 0;
	s->in.grow = c->grow;
	s->in.max = c->reply_max;
	s->in.len = 0;
	s->state = OPS_ASKED;
	c->asked[c->nasked++] = s;
}

/* It has its reply, or nobody wants one any more. */
void ops_slot_unask(struct ops_client *c, struct ops_slot *s, uint8_t state)
{
	uint32_t i;

	for (i = 0; i < c->nasked && c->asked[i] != s; i++)
		;
	if (i < c->nasked)
		memmove(&c->asked[i], &c->asked[i + 1], (--c->nasked - i) * sizeof *c->asked);
	s->state = state;
}

static struct ops_slot *slot_by_id(struct ops_client *c, uint64_t id)
{
	uint32_t i;

	for (i = 0; i < c->nasked; i++)
		if (c->asked[i]->id == id && id)
			return c->asked[i];
	return NULL;
}

/* Nobody waits for that answer any more: the server may stop working on it. */
void ops_slot_drop(struct ops_client *c, struct ops_slot *s)
{
	if (s->state == OPS_ASKED && c->attached && s->id)
		shm_store64(&c->chan.shm->given_up, s->id);
	ops_slot_unask(c, s, OPS_FREE);
	message_reset(&s->in, OPS_KEEP_BYTES);
}

/* ---- waiting ---- */

static uint64_t left_ms(struct ops_limit *l)
{
	uint64_t now = clock_ms();

	if (!l->deadline)
		l->deadline = l->timeout_ms ? now + l->timeout_ms : UINT64_MAX;
	return l->deadline > now ? l->deadline - now : 0;
}

static uint32_t slice_of(struct ops_limit *l)
{
	/* Before the first pause no time to speak of has passed: do not ask the clock. */
	uint64_t left = l->deadline ? left_ms(l) : l->timeout_ms ? l->timeout_ms : UINT64_MAX;

	return left < OPS_SLICE_MS ? (uint32_t)left : OPS_SLICE_MS;
}

/* A pause; the caller's interrupts may jump out of here. */
int ops_pause(struct ops_client *c, struct ops_limit *l)
{
	if (c->idle)
		c->idle(c->idle_ctx);
	return left_ms(l) ? 0 : -ETIMEDOUT;
}

int ops_back_off(struct ops_client *c, struct ops_limit *l)
{
	uint64_t now = clock_ms(), until;
	int rc;

	l->refused_ms = wait_refused_ms(l->refused_ms);
	until = now + l->refused_ms;
	while ((rc = ops_pause(c, l)) == 0 && (now = clock_ms()) < until) {
		uint64_t ms = until - now < slice_of(l) ? until - now : slice_of(l);

		poll(NULL, 0, (int)ms); /* a signal ends it */
	}
	return rc;
}

/* ---- replies ---- */

/* Keep a reply that came before anybody asked for it: the ring is needed. */
static int keep_reply(struct ops_slot *s)
{
	if (s->reply == s->in.buf || s->reply_len == 0)
		return 0;
	if (s->in.cap < s->reply_len) {
		uint8_t *p = s->in.grow(s->in.buf, s->reply_len);

		if (!p)
			return -ENOMEM;
		s->in.buf = p;
		s->in.cap = s->reply_len;
	}
	memcpy(s->in.buf, s->reply, s->reply_len);
	s->reply = s->in.buf;
	return 0;
}

/* One frame of the slot's reply. -EAGAIN: more has to come. -EPROTO is the channel's
 * failure, any other one the slot's. */
static int take_frame(struct ops_client *c, struct ops_slot *s, const struct frame *f,
	bool in_place)
{
	int rc = message_take(&s->in, f, &s->reply, &s->reply_len);

	if (rc == -EAGAIN || rc == -EPROTO)
		return rc;
	if (rc == 0 && !in_place)
		rc = keep_reply(s);
	s->got = f->kind;
	s->rc = rc;
	ops_slot_unask(c, s, OPS_ANSWERED);
	return 0;
}

/*
 * Take what is there, up to the answer that is awaited. Replies that nobody waits
 * for are skipped, and room is given back when nothing more is there. Not one by one: a
 * ring full of frames of this generation would be read round and round, with no pause. So
 * it is -EPROTO. Returns 0 with that answer, -EAGAIN when nothing more is there.
 */
static int take_replies(struct ops_client *c, struct ops_awaited a, struct ops_limit *l)
{
	struct frame f;
	int rc, parts = 0;

	while ((rc = ring_peek(&c->chan.rx, &f)) == 0) {
		struct ops_slot *s = slot_by_id(c, f.id);

		rc = s ? take_frame(c, s, &f, s == a.slot && a.in_place) : 0;
		ring_next(&c->chan.rx);
		if (rc == 0 && s && s == a.slot)
			return 0;
		if (rc == 0)
			continue;
		if (rc != -EAGAIN)
			return rc;
		ring_release(&c->chan.rx);
		if (++parts % PARTS_PER_PAUSE == 0 && ops_pause(c, l))
			return -ETIMEDOUT;
	}
	if (rc == -EAGAIN)
		ring_release(&c->chan.rx);
	return rc;
}

int ops_await_reply(struct ops_client *c, struct ops_awaited a, struct ops_limit *l)
{
	int rc, turns;

	for (turns = 0;; turns++) {
		rc = take_replies(c, a, l);
		if (rc != -EAGAIN)
			return rc;
		/* Also when something came that was not the reply: it may go on coming. */
		rc = turns ? ops_pause(c, l) : 0;
		if (rc)
			return rc;
		rc = chan_await(&c->chan, slice_of(l));
		c->ticks_waiting += c->chan.waited;
		if (rc && rc != -EAGAIN)
			return rc;
	}
}

/* ---- requests ---- */

/* Wait for room in the request ring, once. The server may be waiting for room as well, in
 * the reply ring: so take what it has said. */
static int wait_room(struct ops_client *c, struct ops_limit *l)
{
	int rc = take_replies(c, (struct ops_awaited){NULL, false}, l);

	if (rc == -EAGAIN)
		rc = chan_await_room(&c->chan);
	return rc && rc != -EAGAIN ? rc : ops_pause(c, l);
}

/* A buffer for a long request, filled. */
static int fill_out(struct ops_client *c, const struct ops_slot *s)
{
	if (c->out_cap < s->len) {
		uint8_t *p = c->grow(c->out, s->len);

		if (!p)
			return -ENOMEM;
		c->out = p;
		c->out_cap = s->len;
	}
	s->fill(s->arg, c->out, s->len);
	return 0;
}

/* Copy a long request out of `fill` once, then send it in parts as room comes. */
static int send_long(struct ops_client *c, const struct ops_slot *s, struct ops_limit *l)
{
	struct message_out m = {.len = s->len, .id = s->id, .kind = s->kind};
	int rc = fill_out(c, s);

	if (rc)
		return rc;
	m.data = c->out;
	c->spoiled = true; /* until all parts are out */
	while ((rc = message_send(&c->chan.tx, &m)) == -EAGAIN) {
		chan_publish(&c->chan);
		rc = wait_room(c, l);
		if (rc)
			return rc;
	}
	if (rc)
		return rc;
	c->spoiled = false;
	chan_publish(&c->chan);
	if (c->out_cap > OUT_KEPT) {
		c->grow(c->out, 0);
		c->out = NULL;
		c->out_cap = 0;
	}
	return 0;
}

int ops_send_request(struct ops_client *c, struct ops_slot *s, struct ops_limit *l)
{
	uint8_t *at;
	int rc;

	if (c->trust && !chan_sealed(&c->chan))
		return -EPROTO; /* whatever led here: nothing goes out in clear */
	s->id = ++c->chan.next_id;
	s->in.len = 0;
	if (s->len > ring_frame_max(&c->chan.tx))
		return send_long(c, s, l);
	while ((rc = ring_claim(&c->chan.tx, (uint32_t)s->len, &at)) == -EAGAIN) {
		rc = wait_room(c, l);
		if (rc)
			return rc;
	}
	if (rc)
		return rc;
	if (s->fill)
		s->fill(s->arg, at, s->len);
	ring_commit(&c->chan.tx, (uint32_t)s->len, s->kind, 0, s->id);
	chan_publish(&c->chan);
	return 0;
}
