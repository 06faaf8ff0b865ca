/* SPDX-License-Identifier: BSD-3-Clause */
#include "enc_zset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enc_value.h"

static const char broken[] =
	"ERR the sorted set was not made by ENC.ZADD, or has been changed by other commands";

static const char *error_of(RedisModuleCallReply *r)
{
	static char text[160];
	size_t len;
	const char *p = r ? RedisModule_CallReplyProto(r, &len) : NULL;

	if (!p)
		return "ERR a command for sorted sets cannot be called";
	if (*p != '-')
		return NULL;
	snprintf(text, sizeof text, "%.*s", (int)strcspn(p + 1, "\r\n"), p + 1);
	return text;
}

static struct zone_bytes element_of(RedisModuleCallReply *r, size_t i)
{
	struct zone_bytes v;

	v.p = (const uint8_t *)RedisModule_CallReplyStringPtr(
		RedisModule_CallReplyArrayElement(r, i), &v.len);
	return v;
}

static bool take_element(struct zone_bytes v, char kind, struct zone_bytes *to)
{
	if (!v.p || v.len == 0 || *v.p != (uint8_t)kind)
		return false;
	to->p = v.p + 1;
	to->len = v.len - 1;
	return true;
}

/* element, label, element, label; what RM_Call gives is zero-terminated by a line end. */
static bool take_entry(RedisModuleCallReply *r, size_t i, bool reversed, struct zset_entry *e)
{
	struct zone_bytes label = element_of(r, i + 1), other = element_of(r, i + 3);

	if (!label.p || label.len != other.len || memcmp(label.p, other.p, label.len) != 0)
		return false;
	e->label = strtoull((const char *)label.p, NULL, 10);
	return take_element(element_of(r, i), reversed ? 'm' : 'c',
			   reversed ? &e->member : &e->score) &&
		   take_element(element_of(r, i + 2), reversed ? 'c' : 'm',
			   reversed ? &e->score : &e->member) &&
		   enc_value_type(e->score, NULL);
}

/* The reply of ZRANGE WITHSCORES. */
static const char *take(struct zset_view *v, RedisModuleCallReply *r, bool reversed)
{
	const char *why = error_of(r);
	size_t i, n = why ? 0 : RedisModule_CallReplyLength(r);

	v->reply = r;
	v->n = n / 4;
	v->entry = RedisModule_Calloc(v->n + 1, sizeof *v->entry);
	if (n % 4)
		why = broken;
	for (i = 0; i < v->n && !why; i++)
		if (!take_entry(r, 4 * i, reversed, &v->entry[i]))
			why = broken;
	if (why)
		zset_done(v);
	return why;
}

const char *zset_read(RedisModuleCtx *ctx, RedisModuleString *key, long long first,
	long long last, bool reversed, struct zset_view *v)
{
	if (first > ZSET_END || first < -ZSET_END) /* or twice that would be too much */
		first = first < 0 ? -ZSET_END : ZSET_END;
	if (last > ZSET_END || last < -ZSET_END)
		last = last < 0 ? -ZSET_END : ZSET_END;
	return take(v, RedisModule_Call(ctx, "ZRANGE", reversed ? "Esllcc" : "Esllc", key,
					   2 * first, 2 * last + 1, reversed ? "REV" : "WITHSCORES",
					   "WITHSCORES"), reversed);
}

void zset_done(struct zset_view *v)
{
	if (v->reply)
		RedisModule_FreeCallReply(v->reply);
	RedisModule_Free(v->entry);
	memset(v, 0, sizeof *v);
}

const char *zset_find(RedisModuleCtx *ctx, RedisModuleString *key, struct zone_bytes member,
	struct zset_view *v)
{
	RedisModuleString *m = zset_element('m', member);
	RedisModuleCallReply *r = RedisModule_Call(ctx, "ZSCORE", "Ess", key, m);
	const char *why = error_of(r), *label;
	size_t len;

	memset(v, 0, sizeof *v);
	label = why ? NULL : RedisModule_CallReplyStringPtr(r, &len);
	if (label) {
		why = take(v, RedisModule_Call(ctx, "ZRANGE", "Esbbcc", key, label, len, label, len,
						  "BYSCORE", "WITHSCORES"), false);
		if (!why && (v->n != 1 || zset_compare(v->entry->member, member) != 0)) {
			zset_done(v);
			why = broken;
		}
	}
	if (r)
		RedisModule_FreeCallReply(r);
	RedisModule_FreeString(NULL, m);
	return why;
}

const char *zset_card(RedisModuleCtx *ctx, RedisModuleString *key, long long *n)
{
	RedisModuleCallReply *r = RedisModule_Call(ctx, "ZCARD", "Es", key);
	const char *why = error_of(r);

	*n = why ? 0 : RedisModule_CallReplyInteger(r);
	if (*n % 2)
		why = broken;
	*n /= 2;
	if (r)
		RedisModule_FreeCallReply(r);
	return why;
}

const char *zset_remove(RedisModuleCtx *ctx, RedisModuleString *key,
	RedisModuleString **elements, size_t n, long long *removed)
{
	RedisModuleCallReply *r = RedisModule_Call(ctx, "ZREM", "E!sv", key, elements, n);
	const char *why = error_of(r);

	*removed = why ? 0 : RedisModule_CallReplyInteger(r) / 2;
	if (r)
		RedisModule_FreeCallReply(r);
	return why;
}

RedisModuleString *zset_element(char kind, struct zone_bytes v)
{
	RedisModuleString *s = RedisModule_CreateString(NULL, &kind, 1);

	RedisModule_StringAppendBuffer(NULL, s, (const char *)v.p, v.len);
	return s;
}

RedisModuleString **zset_list(const struct zset_view *v, bool scores, size_t *n)
{
	size_t i, each = scores ? 2 : 1, len;
	RedisModuleString **list;

	*n = v->n * each;
	list = RedisModule_Alloc((*n + 1) * sizeof *list);
	for (i = 0; i < v->n; i++) {
		const struct zset_entry *e = &v->entry[i];

		list[i * each] =
			RedisModule_CreateString(NULL, (const char *)e->member.p, e->member.len);
		if (scores) {
			char *text = enc_value_text(e->score, &len);

			list[i * each + 1] = RedisModule_CreateString(NULL, text, len);
			RedisModule_Free(text);
		}
	}
	return list;
}

int zset_compare(struct zone_bytes a, struct zone_bytes b)
{
	int c = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

	return c ? c : a.len < b.len ? -1 : a.len > b.len;
}
