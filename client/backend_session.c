/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_session.h"

#include <stdio.h>

#include "backend_reply.h"
#include "backend_request.h"
#include "kvcommand.h"

enum {
	BACK_BYTES = 64 << 10,
	OUT_BYTES = 256 << 10,     /* more than these to write: take no request */
	DUE_MAX = 4096,            /* replies: likewise */
	KEEP_BYTES = 256 << 10,    /* of a long request's memory, for the next one */
	STRANGER_BYTES = 16 << 10, /* longest message in parts before AUTH, as Redis has it */
	BURST = 256,               /* requests of one client before the next one's */
	PIECE = 16 << 10,          /* most bytes of a stream in one frame */
	CONNECT_MS = 5000,
	AGAIN_MS = 100, /* after a failure, before the next attempt */
};

static const char gone[] = "ERR the Redis behind this ring is gone: ";
static const char noauth[] = "NOAUTH Authentication required.";

/* ---- life ---- */

struct session *session_create(const struct backend_shared *shared, struct service_chan *c)
{
	struct session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->shared = shared;
	s->chan = c;
	s->link.dial.fd = -1;
	s->in.grow = message_heap;
	s->back.p = malloc(BACK_BYTES);
	s->back.cap = BACK_BYTES;
	if (s->back.p)
		return s;
	free(s);
	return NULL;
}

static void secret_free(struct secret **p)
{
	if (*p)
		explicit_bzero((*p)->bytes, (*p)->user_len + (*p)->password_len);
	free(*p);
	*p = NULL;
}

/* Passwords may be in what was to be written. */
static void wipe(struct buffer *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
}

void session_destroy(struct session *s)
{
	link_close(&s->link);
	due_clear(s);
	secret_free(&s->secret);
	message_reset(&s->in, 0);
	wipe(&s->out);
	buffer_free(&s->out);
	buffer_free(&s->back);
	free(s->answer);
	free(s);
}

/* ---- the connection ---- */

void session_lose(struct session *s, const char *why)
{
	char text[256];
	bool greeting = s->link.state != LINK_UP;
	uint32_t i, n = 0;

	snprintf(text, sizeof text, "%s%s; whether it has run this is unknown", gone, why);
	if (why != s->link.dial.why)
		snprintf(s->link.dial.why, sizeof s->link.dial.why, "%s", why);
	link_close(&s->link);
	if (s->ndue && s->begun && due_at(s, 0)->what == DUE_REPLY)
		s->refuse = "the Redis went away in the middle of a long reply to it";
	for (i = 0; i < s->ndue; i++) {
		struct due d = *due_at(s, i);

		greeting |= d.what > DUE_TEXT;
		if (d.what > DUE_TEXT)
			continue; /* ours: nothing to free */
		if (d.what == DUE_REPLY && !due_fail(&d, text))
			s->refuse = "no memory";
		*due_at(s, n++) = d;
	}
	s->ndue = n;
	s->barrier = 0;
	if (greeting)
		s->failed_ms = clock_ms();
	wipe(&s->out);
	buffer_cut(&s->out, 0);
	buffer_cut(&s->back, 0);
	s->scan = (struct scan){0};
	s->scanned = 0;
	s->in_value = false;
	s->tail = 0;
	s->sent = 0; /* an error of ours is one frame */
	s->begun = false;
	s->db = 0;
	s->resp3 = s->stranger = false;
	s->readable = s->writable = false;
}

static bool ask(struct session *s, enum due_what what, size_t n, const char *const words[],
	const size_t lens[])
{
	if (due_push(s, what, 0, 0) && request_words(&s->out, n, words, lens))
		return true;
	s->refuse = "no memory";
	return false;
}

static void ask_auth(struct session *s, enum due_what what, const char *user, size_t user_len,
	const char *password, size_t password_len)
{
	const char *words[3] = {"AUTH", user, password};
	size_t lens[3] = {4, user_len, password_len};

	if (!user_len) {
		words[1] = password;
		lens[1] = password_len;
	}
	ask(s, what, user_len ? 3 : 2, words, lens);
}

/* The first words on a new connection. */
static void greet(struct session *s)
{
	const struct backend_shared *all = s->shared;
	const char *ping = "PING";
	size_t four = 4;

	s->writable = s->readable = true;
	s->failed_ms = 0;
	if (all->password)
		ask_auth(s, DUE_LOGIN, all->user, all->user ? strlen(all->user) : 0, all->password,
			strlen(all->password));
	if (s->secret)
		ask_auth(s, DUE_AGAIN, s->secret->bytes, s->secret->user_len,
			s->secret->bytes + s->secret->user_len, s->secret->password_len);
	ask(s, DUE_PROBE, 1, &ping, &four);
}

static void step(struct session *s)
{
	int rc = link_step(&s->link, s->shared->target, s->shared->epoll, s->chan->index);

	if (rc == 0)
		greet(s);
	else if (rc != -EAGAIN)
		s->failed_ms = clock_ms();
}

/* Is there a connection that takes requests? 0; -EAGAIN: it is being made; -1: none. */
static int ready(struct session *s)
{
	if (s->link.state == LINK_DOWN) {
		if (s->failed_ms && clock_ms() - s->failed_ms < AGAIN_MS)
			return -1;
		if (link_start(&s->link, s->shared->target, s->shared->epoll, s->chan->index)) {
			s->failed_ms = clock_ms();
			return -1;
		}
		step(s);
		if (s->link.state == LINK_DOWN)
			return -1;
	}
	return link_is_up(&s->link) && !s->barrier ? 0 : -EAGAIN;
}

void session_event(struct session *s)
{
	s->readable = s->writable = true;
	if (s->link.state == LINK_CONNECTING || s->link.state == LINK_GREETING)
		step(s);
}

void session_tick(struct session *s, uint64_t now_ms)
{
	bool connecting = s->link.state == LINK_CONNECTING || s->link.state == LINK_GREETING;

	if (connecting && now_ms - s->link.dial.since_ms > CONNECT_MS)
		session_lose(s, "no connection within 5 seconds");
}

/* ---- what it says to our own questions ---- */

static void turned_away(struct session *s, const char *how, const char *line)
{
	char why[160];

	snprintf(why, sizeof why, "%s: %.110s", how, line + 1);
	session_lose(s, why);
	s->failed_ms = clock_ms();
}

static void answer(struct session *s, const char *text)
{
	free(s->answer);
	s->answer = strdup(strncmp(text, "NOAUTH", 6) == 0 ? noauth : text);
	if (!s->answer)
		s->refuse = "no memory";
}

void session_told(struct session *s, enum due_what what, const char *line)
{
	bool error = line[0] == '-';

	switch (what) {
	case DUE_LOGIN:
		if (error)
			turned_away(s, "it does not let cxl-proxy in", line);
		break;
	case DUE_AGAIN:
		s->nobody = error;
		if (error)
			secret_free(&s->secret);
		break;
	case DUE_PROBE:
		s->stranger = strncmp(line, "-NOAUTH", 7) == 0;
		if (strncmp(line, "-ERR", 4) == 0 || strncmp(line, "-DENIED", 7) == 0)
			turned_away(s, "it turns cxl-proxy away", line);
		break;
	case DUE_SELECT:
	case DUE_HELLO:
		if (!error)
			break;
		answer(s, line + 1);
		if (what == DUE_HELLO)
			s->resp3 = !s->resp3;
		else
			s->db = s->db_before;
		break;
	default:
		break;
	}
}

void session_accepted(struct session *s, struct due *d)
{
	if (!d->secret)
		return;
	secret_free(&s->secret);
	s->secret = d->secret;
	d->secret = NULL;
	s->stranger = s->nobody = false;
}

/* ---- requests ---- */

static struct secret *secret_of(const struct kvrequest *q)
{
	struct secret *p = malloc(sizeof *p + q->key_len + q->value_len);

	if (!p)
		return NULL;
	p->user_len = q->key_len;
	p->password_len = q->value_len;
	if (q->key_len)
		memcpy(p->bytes, q->key, q->key_len);
	if (q->value_len)
		memcpy(p->bytes + q->key_len, q->value, q->value_len);
	return p;
}

/* Database and protocol of the next request. 0 when they are what they were. */
static int adjust(struct session *s, uint16_t db, bool resp3)
{
	const char *words[2] = {"SELECT"};
	char number[8];
	size_t lens[2] = {6};

	words[1] = number;
	if (s->db != db) {
		lens[1] = (size_t)snprintf(number, sizeof number, "%u", db);
		s->db_before = s->db;
		s->db = db;
		return ask(s, DUE_SELECT, 2, words, lens) ? -EAGAIN : -ENOMEM;
	}
	if (s->resp3 == resp3)
		return 0;
	words[0] = "HELLO";
	lens[0] = 5;
	lens[1] = 1;
	number[0] = resp3 ? '3' : '2';
	s->resp3 = resp3;
	return ask(s, DUE_HELLO, 2, words, lens) ? -EAGAIN : -ENOMEM;
}

/* An answer of ours to a request, if it makes sense at all. */
static int refuse_request(struct session *s, struct kvrequest *q, uint64_t id, const char *text)
{
	uint32_t len;

	while (q->nstrings)
		if (!kvrequest_string(q, &len))
			return -EPROTO;
	return due_error(s, id, text) ? 0 : -ENOMEM;
}

static int forward(struct session *s, struct kvrequest *q, uint64_t id)
{
	struct secret *secret = NULL;
	struct due *d;
	char name[33], text[96];
	int rc;

	if (q->verb == KV_AUTH && !(secret = secret_of(q)))
		return -ENOMEM;
	rc = request_format(&s->out, q, name);
	if (rc == 0) {
		d = due_push(s, DUE_REPLY, q->verb, id);
		if (d)
			d->secret = secret;
		else
			secret_free(&secret);
		return d ? 0 : -ENOMEM;
	}
	secret_free(&secret);
	if (rc != -EPERM)
		return rc;
	snprintf(text, sizeof text, KVCOMMAND_REFUSAL, name);
	return due_refusal(s, q->verb, id, text) ? 0 : -ENOMEM;
}

/* One complete request. 0: it is on its way, or answered; -EAGAIN: not yet. */
static int take_request(
	struct session *s, uint8_t kind, uint64_t id, const uint8_t *data, uint64_t len)
{
	struct kvrequest q;
	char text[256];
	int rc = kvrequest_read(&q, kind, data, len);

	if (rc)
		return rc;
	rc = ready(s);
	if (rc == -EAGAIN)
		return rc;
	snprintf(text, sizeof text, "%s%s", gone, s->link.dial.why);
	if (rc)
		return refuse_request(s, &q, id, text);
	if (s->nobody && kind != KV_AUTH)
		return refuse_request(s, &q, id, noauth);
	rc = s->answer || kind == KV_AUTH
		? 0 : adjust(s, q.db, kind == KV_CALL ? q.opt & KV_CALL_RESP3 : s->resp3);
	if (rc)
		return rc;
	if (!s->answer)
		return forward(s, &q, id);
	rc = refuse_request(s, &q, id, s->answer);
	free(s->answer);
	s->answer = NULL;
	return rc;
}

/* Is the connection fit to become a stream, and the client's own? 0: it is; 1: no, and
 * the client is told; -EAGAIN, -ENOMEM. */
static int ready_to_stream(struct session *s, uint64_t id)
{
	char text[256];
	int rc;

	s->wants_stream = s->ndue != 0;
	if (s->wants_stream)
		return -EAGAIN;
	rc = ready(s);
	if (rc == -EAGAIN)
		return rc;
	if (rc)
		snprintf(text, sizeof text, "%s%s", gone, s->link.dial.why);
	else if (s->nobody || s->answer)
		snprintf(text, sizeof text, "%.250s", s->nobody ? noauth : s->answer);
	else
		return adjust(s, 0, false);
	free(s->answer);
	s->answer = NULL;
	return due_error(s, id, text) ? 1 : -ENOMEM;
}

/* A frame of a stream, or what is to become one. */
static int take_stream(struct session *s, const struct frame *f)
{
	int rc = 0;

	if (f->kind != KV_STREAM || f->flags & FRAME_MORE)
		return -EPROTO;
	if (!s->stream)
		rc = ready_to_stream(s, f->id);
	if (rc)
		return rc > 0 ? 0 : rc;
	s->half = s->stream && f->len == 0; /* its first one may be empty */
	s->stream = true;
	if (s->link.state == LINK_DOWN)
		return 0; /* over: the client will read so */
	return buffer_add(&s->out, f->data, f->len) ? 0 : -ENOMEM;
}

/* Of a frame or message; 0: done with it. */
static int take_frame(struct session *s, const struct frame *f)
{
	const uint8_t *data;
	uint64_t len;
	bool part = f->flags & FRAME_MORE || s->in.len;
	int rc;

	if (s->stream || (f->kind == KV_STREAM && !part)) {
		rc = take_stream(s, f);
		if (rc == 0)
			ring_next(&s->chan->rx);
		return rc;
	}
	if (part && ready(s) == -EAGAIN)
		return -EAGAIN; /* whether it is a stranger's will be known then */
	s->in.max = part && s->stranger ? STRANGER_BYTES : s->shared->max_request;
	rc = message_take(&s->in, f, &data, &len);
	if (rc == -EAGAIN) {
		ring_next(&s->chan->rx);
		ring_release(&s->chan->rx);
		return 0;
	}
	if (rc)
		return rc;
	rc = take_request(s, f->kind, f->id, data, len);
	if (rc == -EAGAIN && data != f->data) {
		s->held.data = data;
		s->held.len = len;
		s->held.id = f->id;
		s->held.kind = f->kind;
		rc = 0;
	} else if (rc == 0) {
		message_reset(&s->in, KEEP_BYTES);
	}
	if (rc == 0)
		ring_next(&s->chan->rx);
	return rc;
}

static int take_held(struct session *s)
{
	int rc = take_request(s, s->held.kind, s->held.id, s->held.data, s->held.len);

	if (rc == 0) {
		s->held.data = NULL;
		message_reset(&s->in, KEEP_BYTES);
	}
	return rc;
}

static bool may_take(const struct session *s)
{
	return !s->barrier && !s->stalled && s->ndue < DUE_MAX &&
		buffer_len(&s->out) < OUT_BYTES && s->link.state != LINK_CONNECTING &&
		s->link.state != LINK_GREETING;
}

static unsigned take_requests(struct session *s)
{
	struct frame f;
	unsigned n = 0;
	int rc = 0;

	while (n < BURST && may_take(s) && !s->refuse) {
		if (s->held.data) {
			rc = take_held(s);
		} else {
			rc = ring_peek(&s->chan->rx, &f);
			if (rc == -EPROTO)
				s->refuse = "its ring holds what no client writes";
			if (rc)
				break;
			rc = take_frame(s, &f);
		}
		if (rc == -EAGAIN)
			break;
		if (rc)
			s->refuse = rc == -EMSGSIZE ? "a request too long, or long before AUTH"
				: rc == -ENOMEM         ? "no memory for its request"
										: "a request that makes no sense";
		n++;
	}
	ring_release(&s->chan->rx);
	return n;
}

/* ---- bytes ---- */

static bool fill(struct session *s)
{
	struct buffer *b = &s->back;
	char *to;
	ssize_t n;

	if (!s->readable || s->stalled || !link_is_up(&s->link) || buffer_len(b) == b->cap)
		return false;
	to = buffer_room(b, 1);
	n = link_read(&s->link, to, b->cap - b->end);
	if (n > 0)
		b->end += (size_t)n;
	else if (n == 0)
		s->readable = false;
	else
		session_lose(s, s->link.dial.why);
	return n != 0;
}

static void flush(struct session *s)
{
	while (s->writable && link_is_up(&s->link) && buffer_len(&s->out)) {
		ssize_t n = link_write(&s->link, buffer_front(&s->out), buffer_len(&s->out));

		if (n < 0) {
			/* What it said before it closed is read first, and then that it did. */
			buffer_cut(&s->out, 0);
			s->readable = true;
			s->writable = false;
		} else if (n == 0) {
			s->writable = false;
		} else {
			buffer_drop(&s->out, (size_t)n);
		}
	}
	if (s->half && buffer_len(&s->out) == 0 && link_is_up(&s->link)) {
		link_shutdown(&s->link);
		s->half = false;
	}
	if (buffer_len(&s->out) == 0 && s->out.cap > KEEP_BYTES)
		buffer_free(&s->out);
}

/* The socket's bytes into frames. True when anything went. */
static bool pump_stream(struct session *s)
{
	struct ring *tx = &s->chan->tx;
	uint32_t most = ring_frame_max(tx) < PIECE ? ring_frame_max(tx) : PIECE;
	bool any = false, up = link_is_up(&s->link);
	uint8_t *at;
	ssize_t n;
	int k;

	s->stalled = false;
	for (k = 0; k < BURST && !s->ended && (s->readable || !up); k++) {
		int rc = ring_claim(tx, most, &at);

		s->stalled = rc == -EAGAIN;
		if (rc && !s->stalled)
			s->refuse = "its ring holds what no client writes";
		if (rc)
			break;
		n = up ? link_read(&s->link, at, most) : -1;
		if (n == 0) {
			s->readable = false;
			break;
		}
		if (n < 0)
			link_close(&s->link);
		s->ended = n < 0;
		up = n > 0;
		ring_commit(tx, n < 0 ? 0 : (uint32_t)n, n < 0 ? KV_END : KV_BYTES, 0, 0);
		any = s->unpublished = true;
	}
	return any;
}

bool session_waiting(const struct session *s)
{
	bool room = s->stalled && ring_drained(&s->chan->tx);

	if (s->refuse)
		return true;
	if (may_take(s) && !(s->wants_stream && s->ndue) &&
		(s->held.data || ring_waiting(&s->chan->rx)))
		return true;
	if (s->writable && buffer_len(&s->out) && link_is_up(&s->link))
		return true;
	return room || (s->readable && !s->stalled && link_is_up(&s->link));
}

unsigned session_serve(struct session *s)
{
	unsigned n = 0;
	int k;

	for (k = 0; k < BURST && !s->refuse; k++) {
		bool any = s->stream ? pump_stream(s) : reply_pump(s);

		if (!s->stream && !s->refuse)
			any |= fill(s);
		if (!any)
			break;
		n++;
	}
	if (!s->refuse)
		n += take_requests(s);
	if (!s->refuse && !s->stream && s->ndue)
		reply_pump(s); /* errors of ours */
	if (!s->refuse)
		flush(s);
	return n;
}
