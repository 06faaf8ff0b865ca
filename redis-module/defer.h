/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * defer.h - replies that come later than their requests are read.
 *
 * A session's replies go out in the order of its requests. One that is still to come has
 * its place in a list, and whatever is answered meanwhile waits behind it.
 */
#ifndef CXLRING_DEFER_H
#define CXLRING_DEFER_H

#include "session.h"

struct deferred {
	struct deferred *next;
	struct session *s; /* NULL: it has ended, nobody waits */
	uint64_t id;
	uint64_t len;
	uint8_t *bytes;    /* owned */
	uint8_t kind;
	bool ready;
	uint8_t order;     /* what may be run behind it: enum enc_order */
};

/* The reply to this request comes later. */
struct deferred *defer_begin(struct session *s, uint64_t id, uint8_t order);

/* Here it is; `d` is the list's from now on. */
void defer_reply(struct deferred *d, uint8_t kind, const void *data, uint64_t len);

/* Are all requests of the session before this one answered? */
bool defer_is_first(const struct deferred *d);

/* A reply that has to wait behind the others. */
void defer_behind(
	struct session *s, enum kv_reply kind, uint64_t id, const void *data, uint64_t len);

/* The session ends. */
void defer_orphan(struct session *s);

#endif
