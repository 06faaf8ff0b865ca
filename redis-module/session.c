/* SPDX-License-Identifier: BSD-3-Clause */
#include "session.h"

#include <string.h>

#include "counters.h"

enum { KEEP_BYTES = 256 << 10 }; /* of a buffer, between long messages */

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
	s->in.max = max;
	return s;
}

static void out_done(struct session *s)
{
	RedisModule_Free(s->out_buf);
	s->out_buf = NULL;
}

void session_destroy(struct session *s)
{
	message_reset(&s->in, 0);
	if (s->out_buf)
		out_done(s);
	acl_forget(&s->acl);
	RedisModule_Free(s);
}

bool session_flush(struct session *s)
{
	int rc;

	if (!s->out_buf)
		return true;
	rc = message_send(&s->chan->tx, &s->out);
	s->unpublished = true;
	if (rc == -EAGAIN)
		return false;
	out_done(s); /* sent, or (-EPROTO) the reading side will be refused as well */
	message_reset(&s->in, KEEP_BYTES);
	return true;
}

/* Keep the rest of a reply that the ring had no room for. */
static void keep(struct session *s, struct message_out *m)
{
	uint64_t left = m->len - m->sent;

	counters.ring_full++;
	s->out_buf = RedisModule_Alloc(left ? left : 1);
	if (left)
		memcpy(s->out_buf, m->data + m->sent, left);
	/* Parts are told from the end by their number of bytes alone, so the rest goes on
	 * as a message of its own with the same id. */
	s->out = *m;
	s->out.data = s->out_buf;
	s->out.len = left;
	s->out.sent = 0;
}

void session_reply(
	struct session *s, enum kv_reply kind, uint64_t id, const void *data, uint64_t len)
{
	struct message_out m = {.data = data, .len = len, .id = id, .kind = (uint8_t)kind};

	counters.replies++;
	counters.bytes_out += len;
	s->unpublished = true;
	if (s->out_buf || message_send(&s->chan->tx, &m) == -EAGAIN)
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
