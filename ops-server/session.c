/* SPDX-License-Identifier: BSD-3-Clause */
#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "account.h"
#include "greet.h"
#include "standing.h"
#include "status.h"
#include "wiped.h"
#include "witness.h"
#include "worker.h"
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
	uint8_t *out_buf; /* the reply when it does not fit the ring; wiped.h's, as is `in` */
	struct standing standing;
	const struct policy_role *grant; /* of the admitting zone; NULL: no policy */
	struct account_purse purses[ACCOUNT_ROLES];
	struct account_bucket *buckets; /* of the role it has: in one of them */
	struct witness witness;
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
	wiped_grow(s->out_buf, 0);
	s->out_buf = NULL;
}

void session_opened(void *ctx, struct service_chan *c)
{
	struct session *s = calloc(1, sizeof *s);

	if (s) {
		s->in.grow = wiped_grow;
		s->in.max = REQUEST_MAX;
		s->witness.log = ((struct server *)ctx)->audit;
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
	witness_end(&s->witness, c, &server->accounts[c->index]);
	account_add(server->ended, &server->accounts[c->index]);
	account_clear(&server->accounts[c->index]);
	if (session_stuck(server, c))
		set_stuck(server, c, false);
	if (s->half)
		__atomic_fetch_sub(&server->halves, 1, __ATOMIC_RELAXED);
	if (s->admission.sealed)
		__atomic_fetch_sub(&server->nsealed, 1, __ATOMIC_RELAXED);
	message_reset(&s->in, 0); /* half a request */
	drop_reply(s);
	admit_end(&s->admission);
	sodium_memzero(s, sizeof *s);
	free(s);
	c->session = NULL;
}

void session_told(struct server *server, struct service_chan *c)
{
	struct session *s = c->session;

	if (s)
		witness_told(&s->witness, c, &server->accounts[c->index]);
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
			(f.len > HEAVY_BYTES || f.flags & FRAME_MORE));
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

/* ---- roles ---- */

/* After whatever changes it: another zone, a proof. */
static void take_role(struct worker *w, struct service_chan *c)
{
	struct session *s = c->session;

	s->grant = standing_role(&s->standing, &s->admission, w->zone->policy);
	account_role(&w->server->accounts[c->index], s->grant ? s->grant->name
		: s->standing.role == ROLE_CLIENT ? "client" : "db");
	s->buckets = account_fill(s->purses, s->grant, clock_ms());
}

/* A request that may take long, asked about now and then (eval_wanted). */
struct work {
	struct worker *worker;
	const struct service_chan *c;
	uint64_t id;
	uint64_t since_ms; /* of the first question */
};

/* Its session's right may end in the middle. */
static bool still_holds(const struct work *k)
{
	struct session *s = k->c->session;
	struct err_text e;

	return admit_holds(&s->admission, k->worker->server->view, k->c->index, &e) == 0;
}

static bool wanted(void *ctx)
{
	struct work *k = ctx;

	if (!k->since_ms)
		k->since_ms = clock_ms();
	return !__atomic_load_n(&k->worker->server->stop, __ATOMIC_RELAXED) && still_holds(k) &&
		!service_abandoned(k->c, k->id) && clock_ms() - k->since_ms < LONGEST_MS;
}

/* eval's: this is about to be said in clear. */
static int releases(void *ctx, const uint64_t rows[RELEASES], struct err_text *e)
{
	struct work *k = ctx;
	struct session *s = k->c->session;
	struct account *a = &k->worker->server->accounts[k->c->index];
	int rc = rows[RELEASE_VALUES] ? witness_decrypt(&s->witness, k->c, a, e) : 0;

	return rc ? rc : account_release(a, s->buckets, s->grant, rows,
		s->grant && s->grant->rated ? clock_ms() : 0, e);
}

/* Its request is short, but what it asks for need not be. */
static void lasts(void *ctx)
{
	worker_lasts(((struct work *)ctx)->worker);
}

/* All of a long request is opened: it need not lie beside what comes of it. */
static void forget_request(void *ctx)
{
	struct work *k = ctx;
	struct session *s = k->c->session;

	message_reset(&s->in, 0);
}

static void serve_eval(struct worker *w, struct reply *r, uint64_t id, const uint8_t *data,
	uint64_t len)
{
	struct service_chan *c = r->c;
	struct session *s = r->s;
	struct account *a = &w->server->accounts[c->index];
	struct work k = {.worker = w, .c = c, .id = id};
	struct err_text e = {""};
	int rc;

	if (!admit_evaluates(&s->admission)) {
		reply_fail(w, r, id, -EACCES, "the certificate names neither db nor client");
		return;
	}
	if (len > HEAVY_BYTES && service_given_up(c, id)) {
		reply_fail(w, r, id, -ETIMEDOUT, "given up");
		return;
	}
	witness_begin(&s->witness, c, a, s->admission.sealed ? &s->admission.peer : NULL);
	w->eval->wanted = wanted;
	w->eval->opened_all = data == s->in.buf && len > KEEP_BYTES ? forget_request : NULL;
	w->eval->lasts = lasts;
	w->eval->wanted_ctx = &k;
	w->eval->releases = releases;
	w->eval->grant = s->grant;
	rc = eval_run(w->eval, s->standing.role, data, len, data != s->in.buf && !c->rx.seal,
		reply_room, r, &e);
	if (rc == 0)
		reply_send(w, r, OPS_EVAL | OPS_REPLY, id);
	else
		reply_fail(w, r, id, rc, e.s[0] ? e.s : err_name(rc));
	if (rc == -EACCES) {
		account_denied(a);
		witness_denied(&s->witness, c, a, e.s);
	}
}

static void serve_proof(struct worker *w, struct reply *r, uint64_t id, const uint8_t *data,
	uint64_t len)
{
	struct session *s = r->s;
	struct account *a = &w->server->accounts[r->c->index];
	char was[ACCOUNT_NAME + 1], is[ACCOUNT_NAME + 1];
	struct err_text e = {""};
	uint8_t pass[OPS_PASS];
	uint64_t n;
	int rc = standing_prove(&s->standing, &s->admission, w->zone, data, len, pass, &n, &e);

	account_name(a, was);
	take_role(w, r->c);
	account_name(a, is);
	if (rc) {
		reply_fail(w, r, id, rc, e.s);
		account_denied(a);
		witness_denied(&s->witness, r->c, a, e.s);
		return;
	}
	if (strcmp(was, is) != 0) /* else a line in the log for each time that it says so again */
		witness_proved(&s->witness, r->c, a);
	reply_bytes(w, r, OPS_PROVE | OPS_REPLY, id, pass, n);
}

static char *status(struct server *s)
{
	char *text;

	pthread_mutex_lock(&s->control); /* who holds it waits for no channel */
	text = status_text(s);
	pthread_mutex_unlock(&s->control);
	return text;
}

/* text: ours to free; NULL: there was no memory for it. */
static void reply_text(struct worker *w, struct reply *r, uint8_t kind, uint64_t id, char *text)
{
	reply_bytes(w, r, kind, id, text ? text : "", text ? strlen(text) : 0);
	free(text);
}

static void serve_one(struct worker *w, struct service_chan *c, uint8_t kind, uint64_t id,
	const uint8_t *data, uint64_t len)
{
	struct session *s = c->session;
	struct reply r = {.c = c, .s = s};

	switch (kind) {
	case OPS_EVAL:
		serve_eval(w, &r, id, data, len);
		break;
	case OPS_PING:
		reply_bytes(w, &r, OPS_PING | OPS_REPLY, id, data, len);
		break;
	case OPS_STATUS:
		reply_text(w, &r, OPS_STATUS | OPS_REPLY, id, status(w->server));
		break;
	case OPS_HELLO:
		standing_challenge(&s->standing);
		reply_bytes(w, &r, OPS_HELLO | OPS_REPLY, id, s->standing.challenge, OPS_CHALLENGE);
		break;
	case OPS_PROVE:
		serve_proof(w, &r, id, data, len);
		break;
	case OPS_ACCOUNT:
		reply_text(w, &r, OPS_ACCOUNT | OPS_REPLY, id,
			account_text(&w->server->accounts[c->index]));
		break;
	default:
		reply_fail(w, &r, id, -EINVAL, "unknown kind of request");
	}
}

static void refuse(struct server *s, struct service_chan *c, const char *why)
{
	const char *sealed = seal_why(&c->rx) ? seal_why(&c->rx) : seal_why(&c->tx);
	const struct session *known = c->session;
	char more[REFUSAL_MORE];

	if (service_renew_copied(&s->service, c))
		return;
	why = sealed ? sealed : why;
	if (refusals_say(&s->refusals, known ? known->admission.peer.print : NULL, why, clock_ms(), more))
		log_warning("channel %u of pid %u refused: %s%s", c->index, ident_pid(c->owner), why,
			more);
	service_refuse(&s->service, c);
}

/* Count the channels that are in the middle of sending a long request. */
static void count_half(struct server *server, struct session *s)
{
	bool half = s->in.len > 0;

	if (half != s->half)
		__atomic_fetch_add(&server->halves, half ? 1u : -1u, __ATOMIC_RELAXED);
	s->half = half;
}

/* A frame on a channel that has not been let in. False: it is refused. */
static bool let_in(struct worker *w, struct service_chan *c, const struct frame *f)
{
	struct session *s = c->session;
	struct reply r = {.c = c, .s = s};
	struct err_text e = {""};
	int rc = admit(&s->admission, w->zone, c, f, &e);

	if (rc == 0) {
		standing_reduce(&s->standing, &s->admission);
		take_role(w, c);
		return true;
	}
	if (rc == -ESTALE) {
		pthread_mutex_lock(&w->server->control); /* who holds it waits for no channel */
		service_renew(&w->server->service, c);
		pthread_mutex_unlock(&w->server->control);
		return false;
	}
	if (rc == -EACCES) {
		reply_fail(w, &r, f->id, rc, e.s);
		service_publish(c);
	}
	refuse(w->server, c, e.s[0] ? e.s : err_name(rc));
	return false;
}

void session_greet(struct server *server, const struct zone *z, struct service_chan *c)
{
	struct session *s = c->session;
	struct err_text e = {""};
	struct frame f;
	int rc;

	while (ring_peek(&c->rx, &f) == 0 && admit_shakes_hands(&s->admission, z, &f)) {
		rc = admit(&s->admission, z, c, &f, &e);
		if (s->admission.sealed)
			__atomic_fetch_add(&server->nsealed, 1, __ATOMIC_RELAXED);
		if (rc != -EAGAIN) {
			refuse(server, c, e.s[0] ? e.s : err_name(rc));
			return;
		}
	}
	ring_release(&c->rx);
	if (c->rx.broken || c->tx.broken)
		refuse(server, c, "impossible frame or position");
}

/* What the manager has to say about it; false: it has ended, or been begun anew. */
static bool review_rights(struct server *server, struct service_chan *c, struct err_text *e)
{
	struct session *s = c->session;
	uint64_t before = s->admission.seen;
	int rc = admit_holds(&s->admission, server->view, c->index, e);

	if (rc == -ESTALE)
		service_renew(&server->service, c);
	else if (rc)
		refuse(server, c, e->s);
	else if (s->admission.seen != before)
		s->admission.seen = 0; /* its next frame may have another role */
	return rc == 0;
}

/* Has anything changed by which it was let in? */
static bool is_news(const struct worker *w, const struct session *s)
{
	return admit_is_old(&s->admission, w->zone, server_now_s(w->server)) ||
		s->admission.seen != __atomic_load_n(w->server->seen, __ATOMIC_RELAXED);
}

void session_review(struct server *server, const struct zone *z, struct service_chan *c)
{
	struct session *s = c->session;
	struct err_text e = {""};
	int64_t now_s = time(NULL);

	if (!s || !review_rights(server, c, &e) || !admit_is_old(&s->admission, z, now_s))
		return;
	if (!admit_objects(&s->admission, z, now_s, &e))
		return;
	log_warning("channel %u of pid %u closed: %s", c->index, ident_pid(c->owner), e.s);
	service_kill(&server->service, c); /* who asks again is told why, by its next handshake */
}

bool session_serve(struct worker *w, struct service_chan *c)
{
	struct session *s = c->session;
	const uint8_t *data;
	bool timed = w->requests % TIMED_EVERY == 0;
	uint64_t len, t0 = timed ? clock_ticks() : 0;
	struct frame f;
	int budget = REQUESTS_PER_TURN, rc = -EAGAIN;

	if (!s) {
		refuse(w->server, c, "no memory for a session");
		return true;
	}
	if (service_renew_copied(&w->server->service, c))
		return true;
	if (session_stuck(w->server, c) && !reply_continue(w, c)) {
		if (c->tx.broken) /* else it would count as work for ever */
			refuse(w->server, c, "impossible position");
		return true;
	}
	while (budget-- > 0 && !session_stuck(w->server, c) &&
		(rc = ring_peek(&c->rx, &f)) == 0) {
		if (__builtin_expect(is_news(w, s), 0)) {
			if (admit_shakes_hands(&s->admission, w->zone, &f)) {
				greet_hand_over(w->server, c);
				return false;
			}
			if (!let_in(w, c, &f))
				return true; /* and the session is gone */
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
			refuse(w->server, c, err_name(rc));
			return true;
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
		refuse(w->server, c, "impossible frame or position");
	return true;
}
