/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_session.h"

#include "backend_link.h"
#include "backend_take.h"

enum {
	BACK_BYTES = 64 << 10,
	PIECE = 16 << 10, /* most bytes of a stream in one frame */
};

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

void session_destroy(struct session *s)
{
	link_close(&s->link);
	due_clear(s);
	secret_free(&s->secret);
	message_reset(&s->in, 0);
	buffer_wipe(&s->out); /* passwords may be in it */
	buffer_free(&s->out);
	buffer_free(&s->back);
	free(s->answer);
	free(s);
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
	if (buffer_len(&s->out) == 0 && s->out.cap > SESSION_KEEP_BYTES)
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
	for (k = 0; k < SESSION_BURST && !s->ended && (s->readable || !up); k++) {
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
	if (take_may(s) && !(s->wants_stream && s->ndue) &&
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

	for (k = 0; k < SESSION_BURST && !s->refuse; k++) {
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
