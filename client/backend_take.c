/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_take.h"

#include <stdio.h>

#include "backend_link.h"
#include "backend_request.h"
#include "kvcommand.h"

enum {
	OUT_BYTES = 256 << 10,     /* more than these to write: take no request */
	DUE_MAX = 4096,            /* replies: likewise */
	STRANGER_BYTES = 16 << 10, /* longest message in parts before AUTH, as Redis has it */
};

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
		return session_ask(s, DUE_SELECT, 2, words, lens) ? -EAGAIN : -ENOMEM;
	}
	if (s->resp3 == resp3)
		return 0;
	words[0] = "HELLO";
	lens[0] = 5;
	lens[1] = 1;
	number[0] = resp3 ? '3' : '2';
	s->resp3 = resp3;
	return session_ask(s, DUE_HELLO, 2, words, lens) ? -EAGAIN : -ENOMEM;
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
	rc = session_ready(s);
	if (rc == -EAGAIN)
		return rc;
	snprintf(text, sizeof text, BACKEND_GONE "%s", s->link.dial.why);
	if (rc)
		return refuse_request(s, &q, id, text);
	if (s->nobody && kind != KV_AUTH)
		return refuse_request(s, &q, id, BACKEND_NOAUTH);
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
	rc = session_ready(s);
	if (rc == -EAGAIN)
		return rc;
	if (rc)
		snprintf(text, sizeof text, BACKEND_GONE "%s", s->link.dial.why);
	else if (s->nobody || s->answer)
		snprintf(text, sizeof text, "%.250s", s->nobody ? BACKEND_NOAUTH : s->answer);
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
	if (part && session_ready(s) == -EAGAIN)
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
		message_reset(&s->in, SESSION_KEEP_BYTES);
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
		message_reset(&s->in, SESSION_KEEP_BYTES);
	}
	return rc;
}

bool take_may(const struct session *s)
{
	return !s->barrier && !s->stalled && s->ndue < DUE_MAX &&
		buffer_len(&s->out) < OUT_BYTES && s->link.state != LINK_CONNECTING &&
		s->link.state != LINK_GREETING;
}

unsigned take_requests(struct session *s)
{
	struct frame f;
	unsigned n = 0;
	int rc = 0;

	while (n < SESSION_BURST && take_may(s) && !s->refuse) {
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
