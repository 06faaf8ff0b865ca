/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * view.h - what a manager (cxl_sec_mgr) has told this node: which ranges of which pool it
 * may touch, under which keys, and whom else it has to let in there.
 *
 *     pool       memory that nodes share: a BAR, a file. Nodes know it by a name
 *     range      a part of a pool by address, of one service or all, of some channels or all.
 *                A channel belongs to the range that all of its bytes are in. Ranges of one
 *                table do not meet
 *     right      none; read: may ask; write: may do what its certificate's role says
 *     key        32 random bytes of each range, for the nodes that have a right to it.
 *                It is mixed into the traffic keys of every channel in the range
 *                (handshake.h), so a certificate without it opens nothing
 *     members    for a server: who has which right to the range, by the SHA-256 of a
 *                certificate
 *     version    counts the table's changes. One lower than before is not believed: somebody
 *                put an old table back
 *     lease      how long the view holds after the node last *asked* for it and got an answer:
 *                what comes late proves nothing about now
 *
 * The bytes, little-endian; text is a byte of length and that many bytes:
 *
 *     u64 version, u32 lease ms, u8 known (is our certificate in the table?), u16 ranges, then of each
 *         text name, text pool, u64 from, u64 to, text service (empty: all), u32 first, u32 last,
 *         u8 right, u64 key id, key, u32 members, then of each
 *             fingerprint, u8 right
 *
 * Threads: any; one of them gives it news (watch.h). `view_seen()` changes with whatever may
 * change an answer of here.
 */
#ifndef COMMON_VIEW_H
#define COMMON_VIEW_H

#include "peer.h"
#include "region.h"

enum {
	VIEW_KEY = 32,
	VIEW_NAME = 32,      /* of nodes, ranges, pools */
	VIEW_BYTES_MAX = 1 << 20,
};

enum view_right { RIGHT_NONE, RIGHT_READ, RIGHT_WRITE };

/* A part of a pool. */
struct view_range {
	char name[VIEW_NAME + 1], pool[VIEW_NAME + 1], service[SERVICE_NAME + 1];
	uint64_t from, to;    /* addresses; `to` is not in it */
	uint32_t first, last; /* channels */
};

/* What a lookup found. */
struct view_grant {
	char range[VIEW_NAME + 1];
	enum view_right right;
	uint64_t key_id;
	uint8_t key[VIEW_KEY]; /* the caller wipes it */
};

struct view;

#define VIEW_POOL "pool" /* what it is called where nobody says */

/* Of a node whose regions are in that pool, a valid name. NULL: no memory. */
struct view *view_create(const char *pool);
struct view *view_hold(struct view *v);
void view_drop(struct view *v); /* NULL is fine; the last one wipes it */

/* ---- where this node's channels are ---- */

/* Channels of this service are those of `r`. The last word counts. Nothing without such a
 * service. */
void view_place(struct view *v, const struct region *r, const char *service);

/* ---- news, by one thread ---- */

/*
 * view_set - take a view as it came.
 *
 *   asked_ms   clock_ms() when we asked for it; 0: nobody did, the lease is as it was
 *
 * Returns 0, -EPROTO (no view), -ESTALE (an older version than the last one), -ENOMEM; the one
 * before stays then.
 */
MUST_CHECK int view_set(struct view *v, const uint8_t *bytes, size_t len, uint64_t asked_ms,
	struct err_text *e);

/* Nothing has changed since that version, as of asked_ms. */
void view_confirm(struct view *v, uint64_t version, uint64_t asked_ms);

/* Time goes by: has the lease ended? Say it often; view_seen() changes once. */
void view_tick(struct view *v, uint64_t now_ms);

/* ---- questions ---- */

struct view_state {
	uint64_t version;  /* 0: none has come */
	uint32_t lease_ms;
	uint64_t until_ms; /* the lease's end */
	bool holds;
	bool known;        /* our certificate is in the table */
};

void view_state(const struct view *v, struct view_state *s);

/* Counts what may have changed an answer; 1 to begin with. The word itself, for who looks
 * often: atomic, relaxed. */
const uint64_t *view_seen(const struct view *v);

/*
 * view_own - this node's right to a channel.
 *
 * Returns 0; -EACCES: none, or -ETIMEDOUT: no view, or its lease has ended. `e` says it.
 */
MUST_CHECK int view_own(const struct view *v, const char *service, uint32_t channel,
	struct view_grant *g, struct err_text *e);

/* Is there any? For who looks for a channel of its own. */
bool view_may(const struct view *v, const char *service, uint32_t channel);

/*
 * view_peer - the right of another node to a channel that we serve.
 *
 *   key_id   that its channel is under; 0: any
 *
 * Returns as view_own(), -EACCES also when our own right is not to write; -ESTALE: the range has another
 * key by now.
 */
MUST_CHECK int view_peer(const struct view *v, const char *service, uint32_t channel,
	const uint8_t print[PEER_PRINT], uint64_t key_id, enum view_right *right,
	struct err_text *e);

/* All of it, in words and without keys; the caller frees it. NULL: no memory. */
char *view_text(const struct view *v);

/* ---- names and ranges, for both ends ---- */

/* Names: 1 .. VIEW_NAME of letters, digits and ._@- */
bool view_name_valid(const char *name, size_t len);

/* Do they have a channel in common? */
bool view_ranges_meet(const struct view_range *a, const struct view_range *b);

/* "none", "read", "write". */
const char *view_right_name(enum view_right right);
bool view_parse_right(const char *text, enum view_right *right);

#endif
