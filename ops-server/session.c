/* SPDX-License-Identifier: BSD-3-Clause */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "admit.h"
#include "status.h"
#include "wiped.h"
#include "zone.h"

enum {
	REQUESTS_PER_TURN = 64,
	LONGEST_MS = 60000, /* for one request; only hostile ones come near */
	TIMED_EVERY = 8, /* a reading of the clock is 10 ns of a request's 200 */
	HEAVY_BYTES = 2048, /* about 50 values, 2 us of work: dearer than a wake-up is worth */
	KEEP_BYTES = 1 << 16,
};

#define REQUEST_MAX (3ull << 30) /* two texts of a gigabyte and then some */

struct session {
	struct admission admission;
	struct message_in in;
	struct message_out out; /* .len > .sent: a reply still on its way */
	uint8_t *out_buf; /* the reply when it does not fit the ring; out_len bytes */
	uint64_t out_len;
	uint8_t challenge[OPS_CHALLENGE];
	enum role role;
	bool challenged;
	bool half; /* counted in server.halves */
};

/* Where a reply is made: in the ring when it fits, else in the session. */
struct reply {
	struct service_chan *c;
	struct session *s;
	uint8_t *at;
	uint64_t len;
	bool in_ring;
};

/* The reply that did not fit. */
static void drop_reply(struct session *s)
{
	if (s->out_buf)
		sodium_memzero(s->out_buf, s->out_len);
	wiped_grow(s->out_buf, 0);
	s->out_buf = NULL;
}

void session_opened(void *ctx, struct service_chan *c)
{
	struct session *s = calloc(1, sizeof *s);

	if (s) {
		s->in.grow = wiped_grow;
		s->in.max = REQUEST_MAX;
	}
	c->session = s;
}

bool session_stuck(const struct server *s, const struct service_chan *c)
{
	return __atomic_load_n(&s->stuck[c->index], __ATOMIC_RELAXED);
}

static void set_stuck(struct server *server, const struct service_chan *c, bool stuck)
{
	__atomic_store_n(&server->stuck[c->index], stuck, __ATOMIC_RELAXED);
	__atomic_fetch_add(&server->nstuck, stuck ? 1u : -1u, __ATOMIC_RELAXED);
}

void session_closed(void *ctx, struct service_chan *c)
{
	struct server *server = ctx;
	struct session *s = c->session;

	if (!s)
		return;
	if (session_stuck(server, c))
		set_stuck(server, c, false);
	if (s->half)
		__atomic_fetch_sub(&server->halves, 1, __ATOMIC_RELAXED);
	if (s->admission.sealed)
		__atomic_fetch_sub(&server->nsealed, 1, __ATOMIC_RELAXED);
	if (s->in.len)
		sodium_memzero(s->in.buf, s->in.len); /* half a request */
	message_reset(&s->in, 0);
	drop_reply(s);
	admit_end(&s->admission);
	sodium_memzero(s, sizeof *s);
	free(s);
	c->session = NULL;
}

bool session_unstuck(const struct server *s, const struct service_chan *c)
{
	return session_stuck(s, c) && ring_drained(&c->tx);
}

bool session_heavy(struct service_chan *c)
{
	const struct session *s = c->session;
	struct frame f;

	return (s && s->in.len) ||
		(ring_peek(&c->rx, &f) == 0 &&
			(f.len > HEAVY_BYTES || f.flags & FRAME_MORE || f.kind == SEAL_HELLO));
}

/* eval_run's room callback. */
static uint8_t *reply_room(void *ctx, uint64_t len)
{
	struct reply *r = ctx;

	r->len = len;
	r->in_ring = len <= ring_frame_max(&r->c->tx) &&
		ring_claim(&r->c->tx, (uint32_t)len, &r->at) == 0;
	if (!r->in_ring) {
		drop_reply(r->s);
		r->s->out_buf = r->at = wiped_grow(NULL, len ? len : 1);
		r->s->out_len = len;
	}
	return r->at;
}

/* Send on what did not fit; true when nothing is left. */
static bool reply_continue(struct worker *w, struct service_chan *c)
{
	struct session *s = c->session;
	int rc = message_send(&c->tx, &s->out);

	if (rc == 0) {
		drop_reply(s);
		set_stuck(w->server, c, false);
	}
	service_publish(c);
	return rc == 0;
}

static void reply_send(struct worker *w, struct reply *r, uint8_t kind, uint64_t id)
{
	struct session *s = r->s;

	w->bytes_out += r->len;
	if (r->in_ring) {
		ring_commit(&r->c->tx, (uint32_t)r->len, kind, 0, id);
		return;
	}
	s->out = (struct message_out){.data = r->at, .len = r->len, .id = id, .kind = kind};
	set_stuck(w->server, r->c, true);
	reply_continue(w, r->c);
}

static void reply_bytes(struct worker *w, struct reply *r, uint8_t kind, uint64_t id,
	const void *bytes, uint64_t len)
{
	uint8_t *at = reply_room(r, len);

	if (!at)
		return; /* the client times out; there is no memory to tell it */
	if (len)
		memcpy(at, bytes, len);
	reply_send(w, r, kind, id);
}

static void reply_fail(
	struct worker *w, struct reply *r, uint64_t id, int rc, const char *text)
{
	uint8_t bytes[4 + sizeof(struct err_text)];
	uint32_t code = (uint32_t)-rc;
	size_t len = strnlen(text, sizeof(struct err_text));

	memcpy(bytes, &code, 4);
	memcpy(bytes + 4, text, len);
	w->failures++;
	reply_bytes(w, r, OPS_FAIL, id, bytes, 4 + len);
}

/* u8 role, which the certificate names or not. */
static int prove_sealed(struct session *s, const uint8_t *data, uint64_t len)
{
	if (len != 1 || data[0] != ROLE_CLIENT || !(s->admission.peer.roles & PEER_CLIENT))
		return -EACCES;
	s->role = ROLE_CLIENT;
	return 0;
}

/* u8 role, MAC over the challenge that was given last. */
static int prove(struct worker *w, struct session *s, const uint8_t *data, uint64_t len)
{
	uint8_t proof[1 + OPS_MAC], mac[OPS_MAC];
	bool good = false;

	if (s->admission.sealed)
		return prove_sealed(s, data, len);
	if (len == sizeof proof && s->challenged && w->zone->credential) {
		memcpy(proof, data, sizeof proof);
		ops_prove(mac, s->challenge, w->zone->credential);
		good = sodium_memcmp(mac, proof + 1, sizeof mac) == 0 && proof[0] == ROLE_CLIENT;
		sodium_memzero(mac, sizeof mac);
	}
	s->challenged = false;
	if (!good)
		return -EACCES;
	s->role = ROLE_CLIENT;
	return 0;
}

/* A request that may take long, asked about now and then (eval_wanted). */
struct work {
	const struct server *server;
	const struct service_chan *c;
	uint64_t id;
	uint64_t len;
	uint64_t since_ms; /* of the first question */
};

static bool wanted(void *ctx)
{
	struct work *k = ctx;

	if (!k->since_ms)
		k->since_ms = clock_ms();
	return !__atomic_load_n(&k->server->stop, __ATOMIC_RELAXED) &&
		!service_abandoned(k->c, k->id) && clock_ms() - k->since_ms < LONGEST_MS;
}

/* All of a long request is opened: it need not lie beside what comes of it. */
static void forget_request(void *ctx)
{
	struct work *k = ctx;
	struct session *s = k->c->session;

	sodium_memzero(s->in.buf, k->len);
	message_reset(&s->in, 0);
}

static void serve_one(struct worker *w, struct service_chan *c, uint8_t kind, uint64_t id,
	const uint8_t *data, uint64_t len)
{
	struct session *s = c->session;
	struct reply r = {.c = c, .s = s};
	struct work k = {.server = w->server, .c = c, .id = id, .len = len};
	struct err_text e = {""};
	char *text;
	int rc;

	switch (kind) {
	case OPS_EVAL:
		if (!admit_evaluates(&s->admission)) {
			reply_fail(w, &r, id, -EACCES, "the certificate names neither db nor client");
			break;
		}
		if (len > HEAVY_BYTES && service_given_up(c, id)) {
			reply_fail(w, &r, id, -ETIMEDOUT, "given up");
			break;
		}
		w->eval->wanted = wanted;
		w->eval->opened_all = data == s->in.buf && len > KEEP_BYTES ? forget_request : NULL;
		w->eval->wanted_ctx = &k;
		rc = eval_run(w->eval, s->role, data, len, data != s->in.buf && !c->rx.seal, reply_room, &r, &e);
		if (rc == 0)
			reply_send(w, &r, OPS_EVAL | OPS_REPLY, id);
		else
			reply_fail(w, &r, id, rc, e.s[0] ? e.s : err_name(rc));
		break;
	case OPS_PING:
		reply_bytes(w, &r, OPS_PING | OPS_REPLY, id, data, len);
		break;
	case OPS_STATUS:
		pthread_mutex_lock(&w->server->control); /* who holds it waits for no channel */
		text = status_text(w->server);
		pthread_mutex_unlock(&w->server->control);
		reply_bytes(w, &r, OPS_STATUS | OPS_REPLY, id, text ? text : "",
			text ? strlen(text) : 0);
		free(text);
		break;
	case OPS_HELLO:
		randombytes_buf(s->challenge, sizeof s->challenge);
		s->challenged = true;
		reply_bytes(w, &r, OPS_HELLO | OPS_REPLY, id, s->challenge, sizeof s->challenge);
		break;
	case OPS_PROVE:
		rc = prove(w, s, data, len);
		if (rc == 0)
			reply_bytes(w, &r, OPS_PROVE | OPS_REPLY, id, NULL, 0);
		else
			reply_fail(w, &r, id, rc,
				s->admission.sealed ? "the certificate does not name that role"
				: w->zone->credential ? "the credential is not the server's"
							  : "ops_server was started without --credential");
		break;
	default:
		reply_fail(w, &r, id, -EINVAL, "unknown kind of request");
	}
}

static void refuse(struct worker *w, struct service_chan *c, const char *why)
{
	const char *sealed = seal_why(&c->rx) ? seal_why(&c->rx) : seal_why(&c->tx);

	why = sealed ? sealed : why;
	log_warning("channel %u of pid %u refused: %s", c->index, ident_pid(c->owner), why);
	service_refuse(&w->server->service, c);
}

/* Count the channels that are in the middle of sending a long request. */
static void count_half(struct server *server, struct session *s)
{
	bool half = s->in.len > 0;

	if (half != s->half)
		__atomic_fetch_add(&server->halves, half ? 1u : -1u, __ATOMIC_RELAXED);
	s->half = half;
}

/* A frame on a channel that has not been let in. False: it is refused, or was the channel's. */
static bool let_in(struct worker *w, struct service_chan *c, const struct frame *f)
{
	struct session *s = c->session;
	struct reply r = {.c = c, .s = s};
	struct err_text e = {""};
	bool sealed = s->admission.sealed;
	int rc = admit(&s->admission, w->zone, c, f, &e);

	if (!sealed && s->admission.sealed)
		__atomic_fetch_add(&w->server->nsealed, 1, __ATOMIC_RELAXED);
	if (rc == 0)
		return true;
	if (rc == -EAGAIN)
		return false;
	if (rc == -EACCES && f->kind != SEAL_HELLO) {
		reply_fail(w, &r, f->id, rc, e.s);
		service_publish(c);
	}
	refuse(w, c, e.s[0] ? e.s : err_name(rc));
	return false;
}

void session_serve(struct worker *w, struct service_chan *c)
{
	struct session *s = c->session;
	const uint8_t *data;
	bool timed = w->requests % TIMED_EVERY == 0;
	uint64_t len, t0 = timed ? clock_ticks() : 0;
	struct frame f;
	int budget = REQUESTS_PER_TURN, rc = -EAGAIN;

	if (!s) {
		refuse(w, c, "no memory for a session");
		return;
	}
	if (session_stuck(w->server, c) && !reply_continue(w, c)) {
		if (c->tx.broken) /* else it would count as work for ever */
			refuse(w, c, "impossible position");
		return;
	}
	while (budget-- > 0 && !session_stuck(w->server, c) &&
		(rc = ring_peek(&c->rx, &f)) == 0) {
		if (__builtin_expect(s->admission.zone != w->zone->number, 0) && !let_in(w, c, &f)) {
			if (!c->open)
				return; /* and the session is gone */
			continue;
		}
		rc = message_take(&s->in, &f, &data, &len);
		if (rc == 0) {
			w->requests++;
			w->bytes_in += len;
			serve_one(w, c, f.kind, f.id, data, len);
			if (s->in.buf && data == s->in.buf)
				sodium_memzero(s->in.buf, len);
			message_reset(&s->in, KEEP_BYTES);
		} else if (rc != -EAGAIN) {
			refuse(w, c, err_name(rc));
			return;
		}
		ring_next(&c->rx);
		if (rc == 0 && session_heavy(c))
			break; /* next turn, when clients have been told to ring others */
		if (rc == 0 && !ring_waiting(&c->rx)) {
			/* Answer before freeing space: the client waits for the answer. */
			service_publish(c);
			if (timed)
				hist_record(&w->service_ns, clock_to_ns(clock_ticks() - t0));
			timed = false;
		}
	}
	service_publish(c);
	ring_release(&c->rx);
	count_half(w->server, s);
	w->opened = w->eval->opened;
	w->sealed = w->eval->sealed;
	w->rows = w->eval->rows;
	if (c->rx.broken || c->tx.broken)
		refuse(w, c, "impossible frame or position");
}
