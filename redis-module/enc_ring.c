/* SPDX-License-Identifier: BSD-3-Clause */
#include "enc_ring.h"

#include <string.h>
#include <strings.h>

#include "cursor.h"
#include "defer.h"
#include "enc.h"
#include "enc_commands.h"

enum { PER_SESSION = 64 }; /* operations of one session at a time */

static struct {
	struct session *s; /* whose command is being called */
	uint64_t id;
	bool resp3, later;
} ring;

bool enc_named(RedisModuleString *name)
{
	size_t len;
	const char *p = RedisModule_StringPtrLen(name, &len);

	return len > 4 && strncasecmp(p, "enc.", 4) == 0;
}

/* The name of the next request's command, as far as one look tells: the client may write
 * another one there, and would be answered out of order. */
static size_t next_name(struct session *s, char *name, size_t room)
{
	struct frame f;
	struct cursor c;
	const uint8_t *p;
	uint32_t len;

	if (ring_peek(&s->chan->rx, &f) || f.kind != KV_CALL || f.flags & FRAME_MORE)
		return 0;
	c = cursor_of(f.data, f.len);
	cursor_bytes(&c, KV_HEADER);
	len = cursor_u32(&c);
	p = len < room ? cursor_bytes(&c, len) : NULL;
	if (!p || c.bad)
		return 0;
	memcpy(name, p, len);
	name[len] = 0;
	return len;
}

bool enc_lets(struct session *s)
{
	const struct deferred *d;
	const struct enc_kind *kind;
	bool writes = false;
	char name[16];
	int n = 0;

	if (!s->deferred)
		return true;
	for (d = s->deferred; d; d = d->next, n++) {
		if (!d->ready && d->order == ENC_ALONE)
			return false;
		writes |= !d->ready && d->order == ENC_WRITES;
	}
	if (n >= PER_SESSION || !next_name(s, name, sizeof name))
		return false;
	kind = enc_kind_of(name);
	return kind && (kind->order == ENC_WRITES || (kind->order == ENC_READS && !writes));
}

void enc_enter(struct session *s, uint64_t id, bool resp3)
{
	ring.s = s;
	ring.id = id;
	ring.resp3 = resp3;
	ring.later = false;
}

bool enc_leave(void)
{
	ring.s = NULL;
	return ring.later;
}

bool enc_by_ring(void)
{
	return ring.s != NULL;
}

struct deferred *enc_answer_later(uint8_t order, bool *resp3)
{
	ring.later = true;
	*resp3 = ring.resp3;
	return defer_begin(ring.s, ring.id, order);
}
