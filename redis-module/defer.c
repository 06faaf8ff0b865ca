/* SPDX-License-Identifier: BSD-3-Clause */
#include "defer.h"

#include <string.h>

static struct deferred *add(struct session *s, uint64_t id)
{
	struct deferred *d = RedisModule_Calloc(1, sizeof *d), **at = &s->deferred;

	d->s = s;
	d->id = id;
	while (*at)
		at = &(*at)->next;
	*at = d;
	return d;
}

static void fill(struct deferred *d, uint8_t kind, const void *data, uint64_t len)
{
	d->kind = kind;
	d->len = len;
	d->bytes = RedisModule_Alloc(len + 1);
	if (len)
		memcpy(d->bytes, data, len);
	d->ready = true;
}

static void drop(struct deferred *d)
{
	RedisModule_Free(d->bytes);
	RedisModule_Free(d);
}

struct deferred *defer_begin(struct session *s, uint64_t id, uint8_t order)
{
	struct deferred *d = add(s, id);

	d->order = order;
	return d;
}

void defer_behind(
	struct session *s, enum kv_reply kind, uint64_t id, const void *data, uint64_t len)
{
	fill(add(s, id), (uint8_t)kind, data, len);
}

bool defer_is_first(const struct deferred *d)
{
	return !d->s || d->s->deferred == d;
}

void defer_reply(struct deferred *d, uint8_t kind, const void *data, uint64_t len)
{
	struct session *s = d->s;

	if (!s) {
		drop(d);
		return;
	}
	fill(d, kind, data, len);
	while ((d = s->deferred) && d->ready) {
		s->deferred = d->next;
		session_send(s, d->kind, d->id, d->bytes, d->len);
		drop(d);
	}
}

void defer_orphan(struct session *s)
{
	struct deferred *d, *next;

	for (d = s->deferred; d; d = next) {
		next = d->next;
		d->next = NULL;
		d->s = NULL;
		if (d->ready)
			drop(d); /* the others are still their requests' */
	}
	s->deferred = NULL;
}
