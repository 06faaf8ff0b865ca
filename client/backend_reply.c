/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_reply.h"

#include <stdio.h>

#include "backend_link.h"

enum {
	PIECE = 32 << 10, /* least bytes of a reply that is not all there to send on */
	TEXT_MAX = 300,
};

/* ---- the queue ---- */

static bool due_grow(struct session *s)
{
	uint32_t cap = s->due_cap ? 2 * s->due_cap : 64, i;
	struct due *more = calloc(cap, sizeof *more);

	if (!more)
		return false;
	for (i = 0; i < s->ndue; i++)
		more[i] = *due_at(s, i);
	free(s->due);
	s->due = more;
	s->due_cap = cap;
	s->first = 0;
	return true;
}

struct due *due_push(struct session *s, enum due_what what, uint8_t verb, uint64_t id)
{
	struct due *d;

	if (s->ndue == s->due_cap && !due_grow(s))
		return NULL;
	d = due_at(s, s->ndue++);
	*d = (struct due){.id = id, .verb = verb, .what = (uint8_t)what};
	s->barrier += due_is_barrier(d);
	return d;
}

void secret_free(struct secret **p)
{
	if (*p)
		explicit_bzero((*p)->bytes, (*p)->user_len + (*p)->password_len);
	free(*p);
	*p = NULL;
}

static void due_release(struct due *d)
{
	free(d->text);
	d->text = NULL;
	secret_free(&d->secret);
}

/* The first one is done with. */
static void due_pop(struct session *s)
{
	struct due *d = due_at(s, 0);

	s->barrier -= due_is_barrier(d);
	due_release(d);
	s->first = (s->first + 1) % s->due_cap;
	s->ndue--;
	s->scan = (struct scan){0};
	s->scanned = s->sent = 0;
	s->begun = s->in_value = false;
}

void due_clear(struct session *s)
{
	while (s->ndue)
		due_pop(s);
	free(s->due);
	s->due = NULL;
	s->due_cap = 0;
}

static bool set_text(struct due *d, enum kv_reply kind, const char *text)
{
	char *copy = malloc(TEXT_MAX);

	due_release(d);
	d->what = DUE_TEXT;
	d->kind = (uint8_t)kind;
	d->text = copy;
	if (copy)
		snprintf(copy, TEXT_MAX, kind == KV_RESP ? "-%.250s\r\n" : "%.250s", text);
	return copy != NULL;
}

bool due_fail(struct due *d, const char *text)
{
	return set_text(d, KV_ERROR, text);
}

bool due_error(struct session *s, uint64_t id, const char *text)
{
	struct due *d = due_push(s, DUE_TEXT, 0, id);

	return d && set_text(d, KV_ERROR, text);
}

bool due_refusal(struct session *s, uint8_t verb, uint64_t id, const char *text)
{
	struct due *d = due_push(s, DUE_TEXT, verb, id);

	return d && set_text(d, verb == KV_CALL ? KV_RESP : KV_ERROR, text);
}

/* ---- into the ring ---- */

/* A piece of a message, from s->sent on; `last`: with it the message ends. True when all
 * of it is in the ring. */
static bool send_piece(
	struct session *s, uint8_t kind, uint64_t id, const char *p, size_t len, bool last)
{
	struct ring *tx = &s->chan->tx;
	size_t most = ring_frame_max(tx), n;
	uint8_t *at;
	int rc;

	do {
		n = len - s->sent < most ? len - s->sent : most;
		rc = ring_claim(tx, (uint32_t)n, &at);
		if (rc == -EAGAIN)
			s->stalled = true;
		else if (rc)
			s->refuse = "its ring holds what no client writes";
		if (rc)
			return false;
		if (n)
			memcpy(at, p + s->sent, n);
		s->sent += n;
		ring_commit(tx, (uint32_t)n, kind, last && s->sent == len ? 0 : FRAME_MORE, id);
		s->begun = true;
		s->unpublished = true;
	} while (s->sent < len);
	s->sent = 0;
	return true;
}

static bool send_text(struct session *s, const struct due *d)
{
	if (!send_piece(s, d->kind, d->id, d->text, strlen(d->text), true))
		return false;
	due_pop(s);
	return true;
}

/* Is this so much that it is worth sending, or all that `back` will ever hold at once? */
static bool is_enough(const struct session *s, size_t n)
{
	return n >= PIECE || buffer_len(&s->back) == s->back.cap;
}

/* One complete value as it is, found by its end. */
static bool pass_resp(struct session *s, const struct due *d)
{
	struct buffer *b = &s->back;
	const char *p = buffer_front(b);
	size_t n;

	s->scanned += scan_feed(&s->scan, p + s->scanned, buffer_len(b) - s->scanned);
	if (s->scan.bad) {
		session_lose(s, "what it answers is no RESP");
		return true;
	}
	n = s->scanned;
	if (n == 0 || (!s->scan.done && !is_enough(s, n)))
		return false;
	if (!send_piece(s, KV_RESP, d->id, p, n, s->scan.done))
		return false;
	buffer_drop(b, n);
	s->scanned = 0;
	if (s->scan.done)
		due_pop(s);
	return true;
}

/* The rest of a string, as much as is there. */
static bool pass_value(struct session *s, const struct due *d)
{
	size_t have = buffer_len(&s->back), n = have < s->left ? have : s->left;
	bool last = n == s->left;

	if ((!last && !is_enough(s, n)) ||
		!send_piece(s, KV_VALUE, d->id, buffer_front(&s->back), n, last))
		return false;
	buffer_drop(&s->back, n);
	s->left -= n;
	if (!last)
		return true;
	s->tail = 2;
	due_pop(s);
	return true;
}

/* The line at the front of `back`, without its end; NULL: not all of it is there. */
static const char *take_line(struct session *s, size_t *len)
{
	struct buffer *b = &s->back;
	const char *p = buffer_front(b), *end = memchr(p, '\r', buffer_len(b));

	*len = end ? (size_t)(end - p) : 0;
	if (end && *len + 2 <= buffer_len(b))
		return p;
	if (buffer_len(b) == b->cap)
		session_lose(s, "it answers by a line that does not end");
	return NULL;
}

static int64_t number_of(const char *p, size_t len)
{
	char text[24];

	snprintf(text, sizeof text, "%.*s", (int)(len < sizeof text ? len : sizeof text - 1), p);
	return strtoll(text, NULL, 10);
}

/* The reply to a verb that is no CALL: a line, or a string behind a line. */
static bool pass_verb(struct session *s, struct due *d)
{
	const char *line, *p = NULL;
	uint8_t kind = KV_NIL;
	size_t len, size = 0;
	int64_t n;

	if (s->in_value)
		return pass_value(s, d);
	line = take_line(s, &len);
	if (!line)
		return false;
	n = len > 1 ? number_of(line + 1, len - 1) : 0;
	switch (line[0]) {
	case '$':
		if (n < 0)
			break;
		s->left = (uint64_t)n;
		s->in_value = true;
		buffer_drop(&s->back, len + 2);
		return true;
	case '+':
		kind = len > 1 && line[1] == 'P' ? KV_PONG : KV_OK;
		if (d->verb == KV_AUTH)
			session_accepted(s, d);
		break;
	case '-':
		kind = KV_ERROR;
		p = line + 1;
		size = len - 1;
		break;
	case ':':
		kind = KV_INT;
		p = (const char *)&n;
		size = sizeof n;
		break;
	case '_':
	case '*':
		break;
	default:
		session_lose(s, "what it answers makes no sense");
		return true;
	}
	if (!send_piece(s, kind, d->id, p, size, true))
		return false;
	buffer_drop(&s->back, len + 2);
	due_pop(s);
	return true;
}

/* An answer that is for us. */
static bool take_ours(struct session *s, const struct due *d)
{
	struct buffer *b = &s->back;
	enum due_what what = d->what;
	char text[TEXT_MAX];
	size_t n;

	s->scanned += scan_feed(&s->scan, buffer_front(b) + s->scanned, buffer_len(b) - s->scanned);
	if (s->scan.bad || (!s->scan.done && buffer_len(b) == b->cap)) {
		session_lose(s, "what it answers is no RESP");
		return true;
	}
	if (!s->scan.done)
		return false;
	n = s->scanned;
	snprintf(text, sizeof text, "%.*s", (int)(n < sizeof text ? n : sizeof text - 1),
		buffer_front(b));
	text[strcspn(text, "\r\n")] = 0;
	buffer_drop(b, n);
	due_pop(s);
	session_told(s, what, text);
	return true;
}

/* The first one that is due, or some of it. */
static bool pass_first(struct session *s)
{
	struct due *d = due_at(s, 0);

	if (d->what == DUE_TEXT)
		return send_text(s, d);
	if (buffer_len(&s->back) == 0)
		return false;
	if (d->what != DUE_REPLY)
		return take_ours(s, d);
	return d->verb == KV_CALL ? pass_resp(s, d) : pass_verb(s, d);
}

/* The line end behind a string that has gone. */
static void drop_tail(struct session *s)
{
	size_t have = buffer_len(&s->back), n = have < s->tail ? have : s->tail;

	buffer_drop(&s->back, n);
	s->tail -= (uint8_t)n;
}

bool reply_pump(struct session *s)
{
	bool any = false;

	s->stalled = false;
	for (;;) {
		if (s->tail)
			drop_tail(s);
		if (s->refuse || s->ndue == 0 || !pass_first(s))
			break;
		any = true;
	}
	/* An answer to nothing: the order of all others would be another. */
	if (s->ndue == 0 && !s->stream && buffer_len(&s->back) > 0)
		session_lose(s, "it answers what nobody asked");
	return any;
}
