/* SPDX-License-Identifier: BSD-3-Clause */
#include "session.h"

#include <string.h>

#include "counters.h"
#include "defer.h"
#include "greet.h"

const char session_noauth[] = "NOAUTH Authentication required.";
const char session_wrong_type[] =
	"WRONGTYPE Operation against a key holding the wrong kind of value";

/* message_in's allocator: from Redis, so that it counts against maxmemory. */
static uint8_t *grow(uint8_t *buf, uint64_t cap)
{
	uint8_t *p;

	if (cap == 0) {
		RedisModule_Free(buf);
		return NULL;
	}
	p = RedisModule_TryAlloc(cap);
	if (p && buf) {
		size_t have = RedisModule_MallocSize(buf);

		memcpy(p, buf, have < cap ? have : cap);
		RedisModule_Free(buf);
	}
	return p;
}

struct session *session_create(struct service_chan *c, uint64_t max)
{
	struct session *s = RedisModule_TryAlloc(sizeof *s);

	if (!s)
		return NULL;
	memset(s, 0, sizeof *s);
	s->chan = c;
	s->in.grow = grow;
	s->max_message = max;
	s->out_last = &s->out;
	s->right = RIGHT_WRITE;
	return s;
}

static void drop_first(struct session *s)
{
	struct pending *p = s->out;

	s->out = p->next;
	if (!s->out)
		s->out_last = &s->out;
	RedisModule_Free(p);
}

void session_destroy(struct session *s)
{
	message_reset(&s->in, 0);
	while (s->out)
		drop_first(s);
	defer_orphan(s);
	greet_end(s);
	RedisModule_Free(s->peer);
	acl_forget(&s->acl);
	RedisModule_Free(s);
}

/* What follows of it, taken for a request of its own, would be what the value says. */
void session_refuse(struct session *s, const struct frame *f, const char *text)
{
	s->skips = f->flags & FRAME_MORE;
	if (!s->skips)
		session_error(s, f->id, text);
	message_reset(&s->in, 0);
	ring_next(&s->chan->rx);
}

bool session_flush(struct session *s)
{
	if (!s->out)
		return true;
	s->unpublished = true;
	while (s->out) {
		if (message_send(&s->chan->tx, &s->out->m) == -EAGAIN)
			return false;
		drop_first(s); /* sent, or (-EPROTO) the channel will be refused */
	}
	return true;
}

/* Keep the rest of a reply that the ring had no room for. Parts are told from the end by
 * their number of bytes alone, so the rest goes on as a message of its own, same id. */
static void keep(struct session *s, const struct message_out *m)
{
	uint64_t left = m->len - m->sent;
	struct pending *p = RedisModule_Alloc(sizeof *p + left);

	counters.ring_full++;
	if (left)
		memcpy(p->bytes, m->data + m->sent, left);
	p->next = NULL;
	p->m = *m;
	p->m.data = p->bytes;
	p->m.len = left;
	p->m.sent = 0;
	*s->out_last = p;
	s->out_last = &p->next;
}

void session_reply(
	struct session *s, enum kv_reply kind, uint64_t id, const void *data, uint64_t len)
{
	if (s->deferred)
		defer_behind(s, kind, id, data, len);
	else
		session_send(s, kind, id, data, len);
}

void session_send(
	struct session *s, enum kv_reply kind, uint64_t id, const void *data, uint64_t len)
{
	struct message_out m = {.data = data, .len = len, .id = id, .kind = (uint8_t)kind};

	counters.replies++;
	counters.bytes_out += len;
	s->unpublished = true;
	if (s->out || message_send(&s->chan->tx, &m) == -EAGAIN)
		keep(s, &m);
}

void session_error(struct session *s, uint64_t id, const char *text)
{
	counters.errors++;
	session_reply(s, KV_ERROR, id, text, strlen(text));
}

void session_int(struct session *s, uint64_t id, int64_t v)
{
	session_reply(s, KV_INT, id, &v, sizeof v);
}

void session_label(const struct session *s, char out[CHAN_LABEL + 1])
{
	size_t i;

	memcpy(out, s->chan->shm->label, CHAN_LABEL);
	out[CHAN_LABEL] = 0;
	for (i = 0; out[i]; i++)
		if (out[i] < ' ' || out[i] > '~' || out[i] == '"' || out[i] == '\\')
			out[i] = '?';
}
