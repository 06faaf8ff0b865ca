/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "clock.h"
#include "entropy.h"
#include "life.h"
#include "lookup.h"
#include "tenure.h"
#include "wait.h"

enum {
	BACK_OFF_MIN_MS = 50,
	BACK_OFF_MAX_MS = 1000,
	TRY_MS = 5000,   /* from the beginning of a connection to the first answer; later, when the lease
	                    has ended, from a question */
	ASKS = 4,        /* in each lease */
	ASK_MAX_MS = 10000,
};

struct watch {
	struct trust *trust; /* held */
	struct view *view;   /* held */
	char *address;       /* HOST:PORT; owned */
	bool settled;        /* its addresses are known for good */
	struct lookup *lookup; /* of its name, or NULL; owned */
	struct sockaddr_storage at[MGR_ADDRESSES];
	socklen_t at_len[MGR_ADDRESSES];
	uint32_t n, next;    /* addresses; which is tried next */
	uint32_t untried;    /* so many are tried before the name is looked up again */
	struct mgrlink link;
	struct tenure tenure; /* the manager's, of an open connection */
	bool asked;          /* a question is without an answer */
	bool met;            /* this connection has answered */
	uint64_t number, asked_ms; /* of the last question */
	uint64_t silent_ms;  /* asked: since when nothing has come */
	uint64_t heard_ms;   /* when we asked what was answered last */
	uint64_t since_ms;   /* of the connection */
	uint64_t ask_at_ms, try_at_ms;
	uint32_t back_off_ms;
	uint8_t ticket[MGR_TICKET]; /* of the last answer, to any connection */
	char why[192];
	int rc;              /* that of `why` */
};

/* ---- life ---- */

int watch_create(struct watch **out, const char *address, struct trust *t, struct view *v,
	struct err_text *e)
{
	struct watch *w = calloc(1, sizeof *w);
	int n;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->link.fd = -1;
	n = mgrlink_numeric(address, w->at, w->at_len, e);
	w->address = n < 0 ? NULL : strdup(address);
	if (!w->address) {
		free(w);
		return n < 0 ? n : -ENOMEM;
	}
	w->n = (uint32_t)n;
	w->settled = n > 0;
	w->trust = trust_hold(t);
	w->view = view_hold(v);
	w->back_off_ms = BACK_OFF_MIN_MS;
	w->rc = -EAGAIN;
	snprintf(w->why, sizeof w->why, "not connected yet");
	*out = w;
	return 0;
}

void watch_destroy(struct watch *w)
{
	if (!w)
		return;
	mgrlink_close(&w->link);
	lookup_drop(w->lookup);
	trust_drop(w->trust);
	view_drop(w->view);
	free(w->address);
	free(w);
}

int watch_resolve(struct watch *w, struct err_text *e)
{
	struct err_text why = {""};
	int n = w->settled ? (int)w->n : mgrlink_resolve(w->address, w->at, w->at_len, &why);

	if (n < 0) {
		err_set(e, "%s; it is looked up once, at the start", why.s);
		return n;
	}
	w->n = (uint32_t)n;
	w->settled = true;
	return 0;
}

void watch_use(struct watch *w, struct trust *t)
{
	trust_hold(t);
	trust_drop(w->trust);
	w->trust = t;
	tenure_doubt(&w->tenure);
}

/* ---- the connection ---- */

static void lose(struct watch *w, int rc, const char *why, uint64_t now)
{
	snprintf(w->why, sizeof w->why, "%s", why[0] ? why : err_name(rc));
	w->rc = rc;
	mgrlink_close(&w->link);
	w->try_at_ms = now + w->back_off_ms;
	w->back_off_ms = wait_longer(w->back_off_ms, BACK_OFF_MIN_MS, BACK_OFF_MAX_MS);
}

static void nameless(struct watch *w, int rc, const char *why, uint64_t now)
{
	char text[192];

	snprintf(text, sizeof text, "\"%.100s\": %s", w->address, why);
	lose(w, rc, text, now);
}

static void ask_name(struct watch *w, uint64_t now)
{
	char host[ADDRESS_HOST_MAX];
	const char *port = address_split(w->address, host);
	int rc = lookup_start(&w->lookup, host, port);

	if (w->n)
		return; /* without news the old ones do */
	if (rc) {
		nameless(w, rc, strerror(-rc), now);
		return;
	}
	snprintf(w->why, sizeof w->why, "\"%.100s\" is being looked up", w->address);
	w->rc = -EAGAIN;
}

/* They take the place of what there was. A connection to one of those that has not come to
 * anything ends, unless nothing has changed. */
static void move_to(struct watch *w, const struct addrinfo *all, uint64_t now)
{
	struct sockaddr_storage at[MGR_ADDRESSES];
	socklen_t len[MGR_ADDRESSES];
	uint32_t n = (uint32_t)mgrlink_copy(at, len, all);
	bool same = n == w->n && memcmp(at, w->at, n * sizeof *at) == 0;

	w->untried = n;
	if (same)
		return;
	memcpy(w->at, at, n * sizeof *at);
	memcpy(w->at_len, len, n * sizeof *len);
	w->n = n;
	w->next = 0;
	if (w->link.fd >= 0 && !w->met)
		mgrlink_close(&w->link);
	if (w->link.fd < 0)
		w->try_at_ms = now;
}

static void take_addresses(struct watch *w, uint64_t now)
{
	struct addrinfo *all;
	const char *why;
	int rc = lookup_take(w->lookup, &all, &why);

	if (rc == -EAGAIN)
		return;
	lookup_drop(w->lookup);
	w->lookup = NULL;
	if (rc == 0)
		move_to(w, all, now);
	else if (!w->n)
		nameless(w, rc, why, now);
	else
		w->untried = w->n;
	if (all)
		freeaddrinfo(all);
}

static void connect_now(struct watch *w, uint64_t now)
{
	uint32_t i;
	int fd;

	if (!w->settled && !w->untried && !w->lookup)
		ask_name(w, now);
	if (!w->n)
		return;
	w->untried -= w->untried > 0;
	i = w->next++ % w->n;
	fd = mgrlink_dial(&w->at[i], w->at_len[i]);
	trust_refresh(w->trust);
	w->asked = w->met = false;
	w->since_ms = w->ask_at_ms = now;
	if (fd < 0)
		lose(w, fd, strerror(-fd), now);
	else if (mgrlink_open(&w->link, fd, w->trust, false))
		lose(w, -ENOMEM, "no memory", now);
}

static uint64_t ask_every(const struct view_state *s)
{
	uint64_t ms = s->lease_ms / ASKS;

	return ms == 0 ? 1 : ms < ASK_MAX_MS ? ms : ASK_MAX_MS;
}

static int ask(struct watch *w, uint64_t now)
{
	struct {
		uint64_t number, version;
		uint8_t ticket[MGR_TICKET];
	} body;
	struct view_state s;

	view_state(w->view, &s);
	body.number = ++w->number;
	body.version = s.version;
	memcpy(body.ticket, w->ticket, MGR_TICKET);
	w->silent_ms = w->asked ? w->silent_ms : now;
	w->asked = true;
	w->asked_ms = now;
	w->ask_at_ms = now + ask_every(&s);
	return mgrlink_put(&w->link, MGR_ASK, &body, sizeof body);
}

/* An answer's ticket. `anew`: a copy of us was faster, or we are one. What it has not been
 * told is what we draw by from now on. */
static void heard(struct watch *w, const uint8_t ticket[MGR_TICKET], bool anew)
{
	w->asked = false;
	w->met = true;
	w->heard_ms = w->asked_ms;
	w->untried = w->n;
	w->back_off_ms = BACK_OFF_MIN_MS;
	w->why[0] = 0;
	w->rc = 0;
	memcpy(w->ticket, ticket, MGR_TICKET);
	if (anew) {
		entropy_add(ticket, MGR_TICKET);
		life_end();
	}
}

/* What we have not asked for is news, and says nothing of the lease; what we take, we say. */
static int take(struct watch *w, uint8_t kind, struct cursor *c, uint64_t now, struct err_text *e)
{
	struct cursor head = cursor_of(cursor_bytes(c, MGR_ANSWER_HEAD), MGR_ANSWER_HEAD);
	uint64_t number, version;
	const uint8_t *ticket;
	bool anew, answer;
	int rc;

	if (c->bad || (kind != MGR_VIEW && kind != MGR_SAME))
		return -EPROTO;
	w->silent_ms = now;
	number = cursor_u64(&head);
	ticket = cursor_bytes(&head, MGR_TICKET);
	anew = cursor_u8(&head) != 0;
	answer = w->asked && number == w->number;
	if (kind == MGR_VIEW) {
		rc = view_set(w->view, c->p, c->left, answer ? w->asked_ms : 0, e);
		if (rc)
			return rc;
	} else {
		version = cursor_u64(c);
		if (c->bad || c->left)
			return -EPROTO;
		if (answer)
			view_confirm(w->view, version, w->asked_ms);
	}
	if (answer)
		heard(w, ticket, anew);
	return kind == MGR_VIEW ? ask(w, now) : 0;
}

/* Milliseconds of the handshake, which may be its last ones. */
static int think(struct watch *w)
{
	bool was_open = w->link.open;
	int rc = mgrlink_think(&w->link);

	if (w->link.open && !was_open) {
		w->tenure.server = w->link.peer;
		tenure_begin(&w->tenure, w->trust);
	}
	return rc;
}

static int take_all(struct watch *w, uint64_t now, struct err_text *e)
{
	struct cursor body;
	uint8_t kind;
	int rc = 0;

	while (!rc && w->link.open && mgrlink_take(&w->link, &kind, &body))
		rc = take(w, kind, &body, now, e);
	return rc;
}

/* What came before the connection's end counts: who steps seldom finds both at once, and who
 * leaves an answer unread shows a ticket next that is used up, as a copy would. */
static int carry(struct watch *w, uint64_t now)
{
	struct err_text none = {""};
	int rc = mgrlink_carry(&w->link);

	if (rc)
		take_all(w, now, &none);
	return rc;
}

static int talk(struct watch *w, uint64_t now, struct err_text *e)
{
	int rc;

	/* Before what it says is taken. Who has its place, the next handshake judges. */
	if (w->link.open && tenure_over(&w->tenure, w->trust, e))
		return -ECONNRESET;
	rc = carry(w, now);
	if (!rc)
		rc = think(w);
	do {
		if (!rc)
			rc = take_all(w, now, e);
		if (!rc && w->link.open && now >= w->ask_at_ms && (!w->asked || w->met))
			rc = ask(w, now);
		if (!rc)
			rc = carry(w, now);
	} while (!rc && mgrlink_ready(&w->link));
	return rc;
}

/* Long enough to look for another? A process that hangs acknowledges all that it is sent, so that no
 * connection ends by itself. While the lease holds there is no hurry: who answers after all, late,
 * has used our ticket up, and another connection would be taken for a copy's. */
static bool is_silent(const struct watch *w, uint64_t now)
{
	struct view_state s;

	if (!w->met)
		return now - w->since_ms > TRY_MS;
	view_state(w->view, &s);
	return w->asked && !s.holds && now - w->silent_ms > TRY_MS;
}

void watch_step(struct watch *w)
{
	uint64_t now = clock_ms();
	struct err_text e = {""};
	int rc;

	view_tick(w->view, now);
	if (w->lookup)
		take_addresses(w, now);
	if (w->link.fd < 0 && now >= w->try_at_ms)
		connect_now(w, now);
	if (w->link.fd < 0)
		return;
	rc = talk(w, now, &e);
	if (rc == 0 && is_silent(w, now))
		rc = -ETIMEDOUT;
	if (rc)
		lose(w, rc, e.s[0] ? e.s : w->link.why, now);
}

/* Until `at`, from now; at least 1, so that a step finds it due. */
static int until(uint64_t at, uint64_t now)
{
	return at <= now ? 0 : at - now > ASK_MAX_MS ? ASK_MAX_MS : (int)(at - now);
}

int watch_wait(const struct watch *w, struct pollfd p[WATCH_FDS])
{
	uint64_t now = clock_ms();
	struct view_state s;
	int ms, lease;

	view_state(w->view, &s);
	p[0] = (struct pollfd){.fd = w->link.fd};
	p[1] = (struct pollfd){.fd = w->lookup ? lookup_fd(w->lookup) : -1, .events = POLLIN};
	if (w->link.fd >= 0)
		p[0].events = mgrlink_events(&w->link);
	if (w->link.fd < 0)
		ms = w->lookup && !w->n ? ASK_MAX_MS : until(w->try_at_ms, now);
	else if (w->link.thinks)
		ms = 0;
	else if (w->link.open && (w->met || !w->asked))
		ms = until(w->ask_at_ms, now);
	else
		ms = until(w->since_ms + TRY_MS + 1, now);
	lease = until(s.until_ms, now);
	return s.holds && lease < ms ? lease : ms;
}

const char *watch_why(const struct watch *w)
{
	return w->why;
}

/* Until something happens, a step is due, or that many ms have gone by. */
static void doze(const struct watch *w, const struct watch_patience *p, uint64_t left_ms)
{
	struct pollfd fds[WATCH_FDS];
	int ms = watch_wait(w, fds);

	if ((uint64_t)ms > left_ms)
		ms = (int)left_ms;
	if (p->idle && ms > WATCH_SLICE_MS)
		ms = WATCH_SLICE_MS;
	poll(fds, WATCH_FDS, ms);
	if (p->idle)
		p->idle(p->idle_ctx);
}

int watch_fetch(struct watch *w, const struct watch_patience *p, struct err_text *e)
{
	uint64_t t0 = clock_ms(), waited;

	w->ask_at_ms = w->try_at_ms = 0;
	while ((waited = clock_ms() - t0) < p->timeout_ms) {
		watch_step(w);
		if (w->heard_ms >= t0) /* when the question was asked */
			return 0;
		if ((w->rc == -EACCES || w->rc == -ENOENT) && w->link.fd < 0)
			break;
		doze(w, p, p->timeout_ms - waited);
	}
	err_set(e, "no answer from the manager: %s", w->why[0] ? w->why : "it is silent");
	return w->rc == -EACCES ? -EACCES : w->rc == -ENOENT ? -EINVAL : -ETIMEDOUT;
}

/* ---- a client's ---- */

/* A connection that keeps `t`'s view. It has a trust of its own: `t` holds the connection. */
static int attach_watch(struct trust *t, const struct trust_files *f, const char *address,
	const char *pool, struct err_text *e)
{
	struct view *v = view_create(pool);
	int rc = v ? trust_manage(t, v, e) : -ENOMEM;
	struct trust *own;

	if (!rc)
		rc = trust_follow(&own, f, e);
	if (!rc) {
		rc = watch_create(&t->watch, address, own, v, e);
		trust_drop(own);
	}
	view_drop(v);
	return rc;
}

int watch_load(struct trust **t, const struct trust_files *f, const char *address,
	const char *pool, const struct watch_patience *p, struct err_text *e)
{
	static const struct watch_patience usual = {.timeout_ms = WATCH_FETCH_MS};
	int rc;

	*t = NULL;
	pool = pool && pool[0] ? pool : VIEW_POOL;
	if (!view_name_valid(pool, strlen(pool))) {
		err_set(e, "\"%.40s\" is no name of a pool", pool);
		return -EINVAL;
	}
	rc = life_watch_env(e);
	if (rc < 0)
		return rc;
	rc = trust_follow(t, f, e);
	if (!rc && address && address[0]) {
		rc = attach_watch(*t, f, address, pool, e);
		if (!rc)
			rc = watch_fetch((*t)->watch, p ? p : &usual, e);
	}
	if (rc) {
		trust_drop(*t);
		*t = NULL;
	}
	return rc;
}
