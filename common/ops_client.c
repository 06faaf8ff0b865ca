/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ops_client.c - calling ops_server (ops.h).
 *
 * A request is a slot from when it is asked until its reply is taken. `asked` has those
 * without a reply, oldest first, the order in which they stand in the ring and in which
 * they go to a successor. Every place that waits may be left for good (idle() jumps), so
 * before each pause a slot is where the next call expects it: in `asked`, or answered.
 */
#include "ops_wire.h"

#include <string.h>

#include <sodium.h>

/* ---- life ---- */

void ops_client_init(struct ops_client *c, const struct region *r,
	const struct chan_config *config, uint8_t *(*grow)(uint8_t *, uint64_t),
	uint64_t reply_max)
{
	memset(c, 0, sizeof *c);
	c->region = r;
	c->config = *config;
	c->grow = grow;
	c->reply_max = reply_max;
}

/* The reply that was read last gives its memory back, and its room in the ring. */
static void let_go(struct ops_client *c)
{
	if (c->attached)
		ring_release(&c->chan.rx);
	if (c->read)
		message_reset(&c->read->in, OPS_KEEP_BYTES);
	c->read = NULL;
}

void ops_done(struct ops_client *c)
{
	let_go(c);
}

/* Requests without a reply stay: they go to the next channel. */
void ops_release(struct ops_client *c)
{
	let_go(c);
	handshake_destroy(c->handshake);
	c->handshake = NULL;
	if (c->attached)
		chan_detach(&c->chan);
	c->attached = c->spoiled = false;
}

static void slot_fini(struct ops_slot *s)
{
	if (s->in.cap)
		message_reset(&s->in, 0);
	s->state = OPS_FREE;
}

void ops_client_fini(struct ops_client *c)
{
	uint32_t i;

	ops_release(c);
	c->nasked = 0;
	for (i = 0; i < OPS_TICKETS; i++)
		slot_fini(&c->slot[i]);
	slot_fini(&c->call);
	slot_fini(&c->hello);
	if (c->out)
		c->grow(c->out, 0);
	sodium_memzero(c->credential, sizeof c->credential);
	sodium_memzero(c->pass, sizeof c->pass);
	c->has_pass = false;
	c->out = NULL;
}

/* ---- tickets ---- */

static struct ops_slot *slot_of(struct ops_client *c, const struct ops_ticket *t)
{
	struct ops_slot *s = t->slot < OPS_TICKETS ? &c->slot[t->slot] : NULL;

	return s && s->state != OPS_FREE && s->ticket == t->number ? s : NULL;
}

void ops_drop(struct ops_client *c, struct ops_ticket *t)
{
	struct ops_slot *s = slot_of(c, t);

	if (s)
		ops_slot_drop(c, s);
	t->number = 0;
}

bool ops_holds(const struct ops_client *c)
{
	uint32_t i;

	for (i = 0; i < OPS_TICKETS; i++)
		if (c->slot[i].state != OPS_FREE)
			return true;
	return false;
}

void ops_give_up(struct ops_client *c)
{
	uint64_t newest = c->nasked ? c->asked[c->nasked - 1]->id : 0;
	uint32_t i;

	if (newest && c->attached)
		shm_store64(&c->chan.shm->given_up, newest | CHAN_AND_BEFORE);
	while (c->nasked)
		ops_slot_unask(c, c->asked[0], OPS_FREE);
	for (i = 0; i < OPS_TICKETS; i++) {
		c->slot[i].state = OPS_FREE;
		message_reset(&c->slot[i].in, OPS_KEEP_BYTES);
	}
}

/* ---- the session ---- */

/* All that have no reply, oldest first, on a channel that has seen none of them. Ids of
 * the channel before mean nothing here. */
static int send_all(struct ops_client *c, struct ops_limit *l)
{
	uint32_t i;
	int rc = 0;

	for (i = 0; i < c->nasked; i++)
		c->asked[i]->id = 0;
	while (rc == 0) {
		for (i = 0; i < c->nasked && c->asked[i]->id; i++)
			;
		if (i == c->nasked)
			break;
		rc = ops_send_request(c, c->asked[i], l); /* may take some off the list */
	}
	return rc;
}

/* The server's own refusal: u32 errno, text. */
static int failed(const uint8_t *reply, uint64_t len, struct err_text *e)
{
	uint32_t code = EPROTO;
	char *p;

	if (len >= sizeof code)
		memcpy(&code, reply, sizeof code);
	err_set(e, "%.*s", (int)(len > 4 ? (len - 4 < 200 ? len - 4 : 200) : 0),
		(const char *)reply + 4);
	for (p = e->s; *p; p++) /* a neighbour may have written it */
		if (*p < ' ' || *p > '~')
			*p = '?';
	return code == 0 || code > 4095 ? -EPROTO : -(int)code;
}

/* What the reply in the slot says; the slot is free then. */
static int slot_read(struct ops_client *c, struct ops_slot *s, const uint8_t **reply,
	uint64_t *len, struct err_text *e)
{
	s->state = OPS_FREE;
	c->read = s;
	if (s->rc)
		return s->rc;
	*reply = s->reply;
	*len = s->reply_len;
	if (s->got == OPS_FAIL)
		return failed(*reply, *len, e);
	return s->got == (s->kind | OPS_REPLY) ? 0 : -EPROTO;
}

static void fill_bytes(void *arg, uint8_t *at, uint64_t len)
{
	if (len) /* NULL is no source of nothing */
		memcpy(at, arg, len);
}

/* One request of a handshake: nothing else is on its way on this channel. */
static int say(struct ops_client *c, struct ops_limit *l, uint8_t kind, void *bytes,
	uint64_t len, const uint8_t **reply, uint64_t *reply_len)
{
	int rc;

	ops_slot_ask(c, &c->hello, kind, len, fill_bytes, bytes);
	rc = ops_send_request(c, &c->hello, l);
	if (!rc)
		rc = ops_await_reply(c, (struct ops_awaited){&c->hello, true}, l);
	ops_slot_unask(c, &c->hello, OPS_FREE);
	return rc ? rc : slot_read(c, &c->hello, reply, reply_len, l->e);
}

/* Seal a channel that was just opened. */
static int seal_channel(struct ops_client *c, struct ops_limit *l)
{
	int rc;

	handshake_destroy(c->handshake);
	c->handshake = NULL;
	while ((rc = secure_connect(&c->handshake, &c->chan, c->trust, &c->tenure.server, l->e)) ==
		   -EAGAIN) {
		rc = chan_await(&c->chan, OPS_SLICE_MS);
		if (rc && rc != -EAGAIN)
			return rc;
		rc = ops_pause(c, l);
		if (rc)
			return rc;
	}
	if (!rc)
		tenure_begin(&c->tenure, c->trust);
	return rc;
}

/* Ask for the role that the client wants. Runs on a channel that was just opened. */
static int gain_role(struct ops_client *c, struct ops_limit *l)
{
	uint8_t proof[1 + OPS_MAC], challenge[OPS_CHALLENGE];
	const uint8_t *reply;
	uint64_t len;
	int rc;

	proof[0] = (uint8_t)c->role;
	if (chan_sealed(&c->chan)) {
		rc = say(c, l, OPS_PROVE, proof, 1, &reply, &len);
		let_go(c);
		return rc;
	}
	rc = say(c, l, OPS_HELLO, NULL, 0, &reply, &len);

	if (rc)
		return rc;
	if (len != OPS_CHALLENGE)
		return -EPROTO;
	memcpy(challenge, reply, sizeof challenge);
	let_go(c);
	ops_prove(proof + 1, challenge, c->credential);
	rc = say(c, l, OPS_PROVE, proof, sizeof proof, &reply, &len);
	let_go(c);
	return rc;
}

/* Be the role again that another channel's session has proved. */
static int show_pass(struct ops_client *c, struct ops_limit *l)
{
	uint8_t proof[1 + OPS_PASS];
	const uint8_t *reply;
	uint64_t len;
	int rc;

	proof[0] = OPS_BY_PASS;
	memcpy(proof + 1, c->pass, OPS_PASS);
	rc = say(c, l, OPS_PROVE, proof, sizeof proof, &reply, &len);
	let_go(c);
	return rc;
}

/* A session without the role it needs, or whose requests were not all sent again, is of no
 * use: next time from the start, also when the caller's interrupts jump out in between. */
static int begin_session(struct ops_client *c, struct ops_limit *l)
{
	uint32_t i;
	int rc = 0;

	for (i = 0; i < c->nasked; i++)
		c->asked[i]->id = 0;
	if (c->role == ROLE_DB && !c->has_pass && !c->nasked && !c->trust)
		return 0;
	c->spoiled = true;
	if (c->trust)
		rc = seal_channel(c, l);
	if (!rc && c->role != ROLE_DB)
		rc = gain_role(c, l);
	else if (!rc && c->has_pass)
		rc = show_pass(c, l);
	if (!rc)
		rc = send_all(c, l);
	c->spoiled = rc != 0;
	return rc;
}

static int claim(struct ops_client *c, struct ops_limit *l)
{
	int rc = secure_ready(c->trust, l->e);

	return rc ? rc : chan_attach(&c->chan, c->region, "ops", &c->config, l->e);
}

/* Have an open channel, waiting for a server or a free channel as configured. */
static int attach_once(struct ops_client *c, struct ops_limit *l)
{
	uint64_t t0 = clock_ms();
	int rc;

	c->config.view = c->trust ? c->trust->view : NULL;
	while ((rc = claim(c, l)) != 0) {
		uint64_t waited = clock_ms() - t0;

		if (rc != -EOWNERDEAD && rc != -EAGAIN &&
			(rc != -EUSERS || waited >= c->wait_channel_ms))
			return rc;
		wait_poll(waited * 1000);
		if (ops_pause(c, l))
			return rc == -EUSERS ? rc : -ETIMEDOUT;
	}
	c->attached = true;
	return begin_session(c, l);
}

/* The same, until both ends mean the same key of the channel's range, which may have been changed
 * just now, and the server has an answer from the manager. */
static int attach(struct ops_client *c, struct ops_limit *l)
{
	int rc;

	while ((rc = attach_once(c, l)) == -ESTALE) {
		ops_release(c);
		rc = ops_back_off(c, l);
		if (rc)
			return rc;
	}
	if (rc == 0)
		l->refused_ms = 0;
	return rc;
}

/* The server was replaced: go on under the new one, on this channel or another. */
static int recover(struct ops_client *c, struct ops_limit *l)
{
	int rc;

	c->retries++;
	c->spoiled = c->trust != NULL; /* not sealed yet: who gives up here does not use it */
	/* The room of what was read is not ours to give back: the channel may be another's. */
	if (c->read)
		message_reset(&c->read->in, OPS_KEEP_BYTES);
	c->read = NULL;
	while ((rc = chan_reopen(&c->chan)) == -EAGAIN) {
		wait_poll(10000);
		rc = ops_pause(c, l);
		if (rc)
			return rc;
	}
	if (rc == 0) {
		rc = begin_session(c, l);
		if (rc != -ESTALE)
			return rc;
	}
	ops_release(c);
	return attach(c, l);
}

/* A ring that looks broken may be one whose server is being replaced: its head goes back
 * to 0 then, before the generation tells. */
static int verdict(const struct ops_client *c, int rc)
{
	int state;

	if (rc != -EPROTO || !c->attached)
		return rc;
	state = chan_state(&c->chan);
	return state == -EOWNERDEAD || state == -EAGAIN ? -EOWNERDEAD : rc;
}

/* Refused, as happens when the manager's rights change, or we are a copy: a new channel tells what
 * is right now. */
static bool may_pass(const struct ops_client *c)
{
	return seal_copied(&c->chan.tx) ||
		(c->trust && c->trust->view && chan_state(&c->chan) == -EPROTO);
}

/* As long as that is what `rc` says: go to the successor with all that is asked. */
static int revive(struct ops_client *c, struct ops_limit *l, int rc)
{
	while ((rc = verdict(c, rc)) == -EOWNERDEAD) {
		rc = ops_pause(c, l);
		if (!rc)
			rc = recover(c, l);
	}
	if (rc != -EPROTO || l->again || !c->attached || !may_pass(c))
		return rc;
	l->again = true;
	ops_release(c);
	return revive(c, l, attach(c, l));
}

/* An open channel, on which everything that was asked is on its way. */
static int ready(struct ops_client *c, struct ops_limit *l)
{
	struct err_text why; /* the next handshake says it */

	/* What was left in the middle: its caller, and what it points to, are gone. */
	ops_slot_unask(c, &c->hello, OPS_FREE);
	if (c->current)
		ops_slot_drop(c, c->current);
	c->current = NULL;
	c->chan.away = false;
	if (c->attached && c->trust && !c->spoiled &&
		(seal_copied(&c->chan.tx) || tenure_over(&c->tenure, c->trust, &why)))
		c->spoiled = true;
	if (c->spoiled)
		ops_release(c);
	if (c->attached) {
		let_go(c);
		return 0;
	}
	return revive(c, l, attach(c, l));
}

/* Until the slot has its answer, on this server or a later one. */
static int finish(struct ops_client *c, struct ops_slot *s, bool in_place, struct ops_limit *l)
{
	int rc = 0;

	while (rc == 0 && s->state == OPS_ASKED)
		rc = revive(c, l, ops_await_reply(c, (struct ops_awaited){s, in_place}, l));
	return rc;
}

/* What a failure means for the client, and what to tell the user. */
static int fail(struct ops_client *c, struct ops_slot *s, struct ops_limit *l, int rc)
{
	ops_slot_drop(c, s);
	c->current = NULL;
	if (rc == -ETIMEDOUT && !l->refused_ms && secure_ready(c->trust, l->e) == 0)
		err_set(l->e, "no answer from ops_server within %llu ms; is it running?",
			(unsigned long long)l->timeout_ms);
	else if (rc == -EPROTO)
		ops_release(c);
	return rc;
}

/* ---- calling ---- */

int ops_call(struct ops_client *c, uint8_t kind, uint64_t len, ops_fill *fill, void *arg,
	uint64_t timeout_ms, const uint8_t **reply, uint64_t *reply_len, struct err_text *e)
{
	struct ops_limit l = {.timeout_ms = timeout_ms, .e = e};
	struct ops_slot *s = &c->call;
	int rc = ready(c, &l);

	c->calls++;
	if (!rc) {
		ops_slot_ask(c, s, kind, len, fill, arg);
		c->current = s;
		rc = revive(c, &l, ops_send_request(c, s, &l));
	}
	if (!rc)
		rc = finish(c, s, true, &l);
	if (rc)
		return fail(c, s, &l, rc);
	c->current = NULL;
	return slot_read(c, s, reply, reply_len, e);
}

static struct ops_slot *free_slot(struct ops_client *c)
{
	uint32_t i;

	for (i = 0; i < OPS_TICKETS; i++)
		if (c->slot[i].state == OPS_FREE)
			return &c->slot[i];
	return NULL;
}

int ops_submit(struct ops_client *c, uint8_t kind, uint64_t len, ops_fill *fill, void *arg,
	bool goes_on, uint64_t timeout_ms, struct ops_ticket *t, struct err_text *e)
{
	struct ops_limit l = {.timeout_ms = timeout_ms, .e = e};
	int rc = ready(c, &l);
	struct ops_slot *s = free_slot(c);

	c->calls++;
	if (!s) {
		err_set(e, "%d requests have answers that nobody took", OPS_TICKETS);
		return -EUSERS;
	}
	while (!rc && c->nasked >= OPS_IN_FLIGHT)
		rc = finish(c, c->asked[0], false, &l);
	if (!rc) {
		ops_slot_ask(c, s, kind, len, fill, arg);
		c->current = s;
		c->chan.away = goes_on;
		rc = revive(c, &l, ops_send_request(c, s, &l));
		c->chan.away = false;
	}
	if (rc)
		return fail(c, s, &l, rc);
	c->current = NULL;
	s->ticket = t->number = ++c->tickets;
	t->slot = (uint32_t)(s - c->slot);
	return 0;
}

int ops_collect(struct ops_client *c, struct ops_ticket *t, uint64_t timeout_ms,
	const uint8_t **reply, uint64_t *reply_len, struct err_text *e)
{
	struct ops_limit l = {.timeout_ms = timeout_ms, .e = e};
	struct ops_slot *s = slot_of(c, t);
	int rc = 0;

	if (!s) {
		err_set(e, "the request was given up");
		return -EINVAL;
	}
	if (s->state == OPS_ASKED)
		rc = ready(c, &l);
	else
		let_go(c);
	if (!rc)
		rc = finish(c, s, true, &l);
	t->number = 0;
	if (rc)
		return fail(c, s, &l, rc);
	return slot_read(c, s, reply, reply_len, e);
}
