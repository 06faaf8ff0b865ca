/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_zset.h - sets that are sorted by encrypted scores, in Redis's own sorted sets.
 *
 * An entry is two elements of a ZSET under one *label*, a whole number in its score:
 *
 *     label  "c" encrypted score
 *     label  "m" member
 *
 * Labels are unique and ascend as the scores do, which only the zone can tell: when a
 * member is added its place is searched once, and it gets a label between those of its
 * neighbours (enc_label.h). From then on Redis sorts: entry number r is elements 2r and
 * 2r + 1, since "c" sorts before "m", a member's label is found in a step, and nobody asks
 * the zone to read. Equal scores are in the order of their members.
 *
 * So it is one key of a built-in type: it expires, is renamed, replicated and saved like
 * any other, and is still one after MODULE UNLOAD. ZCARD counts twice. Who changes
 * elements by Z commands may break it; then ENC commands say so.
 */
#ifndef CXLRING_ENC_ZSET_H
#define CXLRING_ENC_ZSET_H

#include "zone.h"

#define ZSET_END (1ll << 50) /* beyond any entry's number */

struct zset_entry {
	struct zone_bytes score;
	struct zone_bytes member;
	uint64_t label;
};

/* Some entries, in a reply of Redis. */
struct zset_view {
	RedisModuleCallReply *reply;
	struct zset_entry *entry;
	size_t n;
};

/* Entries number first .. last of the key's; negative ones count from the end (and,
 * reversed, from the beginning). NULL, or the error's text, until the next call. */
const char *zset_read(RedisModuleCtx *ctx, RedisModuleString *key, long long first,
	long long last, bool reversed, struct zset_view *v);
void zset_done(struct zset_view *v);

/* The member's entry, v->n = 1, or none. */
const char *zset_find(RedisModuleCtx *ctx, RedisModuleString *key, struct zone_bytes member,
	struct zset_view *v);

/* How many entries there are. */
const char *zset_card(RedisModuleCtx *ctx, RedisModuleString *key, long long *n);

/* Remove elements, two of each entry. NULL and how many entries there were, or an error
 * reply's text. */
const char *zset_remove(RedisModuleCtx *ctx, RedisModuleString *key,
	RedisModuleString **elements, size_t n, long long *removed);

/* An element: 'c' and a score, or 'm' and a member. Freed by the caller. */
RedisModuleString *zset_element(char kind, struct zone_bytes v);

/* Members, or members and scores in text form, for a reply of *n strings. */
RedisModuleString **zset_list(const struct zset_view *v, bool scores, size_t *n);

static inline struct zone_bytes zset_bytes(RedisModuleString *s)
{
	struct zone_bytes v;

	v.p = (const uint8_t *)RedisModule_StringPtrLen(s, &v.len);
	return v;
}

/* A copy, and the end of one; NULL is none. */
static inline RedisModuleString *zset_copy(struct zone_bytes v)
{
	return RedisModule_CreateString(NULL, (const char *)v.p, v.len);
}

static inline void zset_free(RedisModuleString **s)
{
	if (*s)
		RedisModule_FreeString(NULL, *s);
	*s = NULL;
}

/* In the order of Redis's members. */
int zset_compare(struct zone_bytes a, struct zone_bytes b);

#endif
