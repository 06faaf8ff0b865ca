/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fast_hash.c - commands on hashes.
 */
#include "keyapi.h"

#include <stdio.h>
#include <string.h>

#include "keyspace.h"

static void answer_string(const struct fast_call *f, RedisModuleString *v)
{
	size_t len;
	const char *p = v ? RedisModule_StringPtrLen(v, &len) : NULL;

	session_reply(f->s, p ? KV_VALUE : KV_NIL, f->id, p, p ? len : 0);
}

bool run_hget(struct fast_call *f)
{
	RedisModuleString *key = keyapi_string(f, 1), *field, *value = NULL;
	RedisModuleKey *k;
	enum found found =
		keyapi_open(f, key, REDISMODULE_READ, REDISMODULE_KEYTYPE_HASH, &k);

	if (found == FOUND) {
		field = keyapi_string(f, 2);
		RedisModule_HashGet(k, REDISMODULE_HASH_NONE, field, &value, NULL);
		RedisModule_FreeString(NULL, field);
		RedisModule_CloseKey(k);
	}
	if (found != WRONG)
		answer_string(f, value);
	if (value)
		RedisModule_FreeString(NULL, value);
	RedisModule_FreeString(NULL, key);
	return true;
}

/* Into `to` when there is room: returns the bytes it takes. */
static size_t put_bulk(char *to, RedisModuleString *v, bool resp3)
{
	size_t len = 0, head;
	const char *p = v ? RedisModule_StringPtrLen(v, &len) : NULL;
	char length[32];

	if (!p)
		snprintf(length, sizeof length, resp3 ? "_\r\n" : "$-1\r\n");
	else
		snprintf(length, sizeof length, "$%zu\r\n", len);
	head = strlen(length);
	if (to) {
		memcpy(to, length, head);
		if (p) {
			memcpy(to + head, p, len);
			memcpy(to + head + len, "\r\n", 2);
		}
	}
	return head + (p ? len + 2 : 0);
}

static void answer_array(const struct fast_call *f, RedisModuleString **v, int n)
{
	char few[1024], *p = few;
	size_t at = (size_t)snprintf(few, sizeof few, "*%d\r\n", n), len = at;
	int i;

	for (i = 0; i < n; i++)
		len += put_bulk(NULL, v[i], f->resp3);
	if (len > sizeof few) {
		p = RedisModule_Alloc(len);
		memcpy(p, few, at);
	}
	for (i = 0; i < n; i++)
		at += put_bulk(p + at, v[i], f->resp3);
	session_reply(f->s, KV_RESP, f->id, p, len);
	if (p != few)
		RedisModule_Free(p);
}

bool run_hmget(struct fast_call *f)
{
	RedisModuleString *value[FAST_ARGS] = {NULL};
	RedisModuleKey *k;
	enum found found;
	struct words w;
	int i;

	words_take(&w, f);
	found = keyapi_open(f, w.v[0], REDISMODULE_READ, REDISMODULE_KEYTYPE_HASH, &k);
	for (i = 1; found == FOUND && i < w.n; i++)
		RedisModule_HashGet(k, REDISMODULE_HASH_NONE, w.v[i], &value[i - 1], NULL);
	if (found != WRONG) {
		RedisModule_CloseKey(k);
		answer_array(f, value, w.n - 1);
	}
	for (i = 0; i < w.n - 1; i++)
		if (value[i])
			RedisModule_FreeString(NULL, value[i]);
	words_free(&w);
	return true;
}

/* A reply in the making: how long it will be, and where its next byte goes. */
struct all {
	size_t len;
	uint64_t n; /* fields */
	char *to;
};

static size_t digits_of(uint64_t n)
{
	size_t d = 1;

	while (n >= 10) {
		n /= 10;
		d++;
	}
	return d;
}

static char *put_number(char *to, char sign, uint64_t n)
{
	char *end = to + 1 + digits_of(n), *p = end;

	*to = sign;
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	memcpy(end, "\r\n", 2);
	return end + 2;
}

static void measure(void *ctx, const void *field, const void *value)
{
	struct all *all = ctx;
	size_t f = sds_length(field), v = sds_length(value);

	all->n++;
	all->len += digits_of(f) + f + digits_of(v) + v + 2 * strlen("$\r\n\r\n");
}

static void put_sds(struct all *all, const void *s)
{
	size_t len = sds_length(s);

	all->to = put_number(all->to, '$', len);
	memcpy(all->to, s, len);
	memcpy(all->to + len, "\r\n", 2);
	all->to += len + 2;
}

static void put_both(void *ctx, const void *field, const void *value)
{
	put_sds(ctx, field);
	put_sds(ctx, value);
}

/* All of a hash, out of the table where it lies; NULL: nothing. */
static void answer_all(const struct fast_call *f, const void *dict)
{
	char few[2048], *p = few;
	struct all all = {.len = 32};

	if (dict)
		keyspace_each(dict, measure, &all);
	if (all.len > sizeof few)
		p = RedisModule_Alloc(all.len);
	all.to = put_number(p, f->resp3 ? '%' : '*', f->resp3 ? all.n : 2 * all.n);
	if (dict)
		keyspace_each(dict, put_both, &all);
	session_reply(f->s, KV_RESP, f->id, p, (size_t)(all.to - p));
	if (p != few)
		RedisModule_Free(p);
}

/* A small hash, and a key that is none, are left to RM_Call. The key is opened for what a
 * lookup does to expiry, LRU and hits. */
bool run_hgetall(struct fast_call *f)
{
	RedisModuleString *key = keyapi_string(f, 1);
	size_t len;
	const char *name = RedisModule_StringPtrLen(key, &len);
	const void *dict =
		keyspace_find_hash(RedisModule_GetSelectedDb(f->ctx), name, len);
	RedisModuleKey *k;

	if (dict) {
		k = RedisModule_OpenKey(f->ctx, key, REDISMODULE_READ);
		answer_all(f, k ? dict : NULL); /* none: it has expired just now */
		RedisModule_CloseKey(k);
	}
	RedisModule_FreeString(NULL, key);
	return dict != NULL;
}

bool run_hexists(struct fast_call *f)
{
	RedisModuleString *key = keyapi_string(f, 1), *field;
	RedisModuleKey *k;
	enum found found =
		keyapi_open(f, key, REDISMODULE_READ, REDISMODULE_KEYTYPE_HASH, &k);
	int there = 0;

	if (found == FOUND) {
		field = keyapi_string(f, 2);
		RedisModule_HashGet(k, REDISMODULE_HASH_EXISTS, field, &there, NULL);
		RedisModule_FreeString(NULL, field);
		RedisModule_CloseKey(k);
	}
	if (found != WRONG)
		session_int(f->s, f->id, there);
	RedisModule_FreeString(NULL, key);
	return true;
}

bool run_hlen(struct fast_call *f)
{
	return keyapi_length(f, REDISMODULE_KEYTYPE_HASH);
}

/* Pairs of field and value. */
bool run_hset(struct fast_call *f)
{
	RedisModuleKey *k;
	struct words w;
	int i, updated = 0;

	if (f->argc % 2)
		return false;
	words_take(&w, f);
	if (keyapi_open(f, w.v[0], REDISMODULE_WRITE, REDISMODULE_KEYTYPE_HASH, &k) !=
		WRONG) {
		for (i = 1; i < w.n; i += 2)
			updated +=
				RedisModule_HashSet(k, REDISMODULE_HASH_NONE, w.v[i], w.v[i + 1], NULL);
		RedisModule_CloseKey(k);
		RedisModule_Replicate(f->ctx, "HSET", "v", w.v, (size_t)w.n);
		keyapi_changed(f, w.v[0], REDISMODULE_NOTIFY_HASH, "hset");
		session_int(f->s, f->id, w.n / 2 - updated);
	}
	words_free(&w);
	return true;
}

bool run_hsetnx(struct fast_call *f)
{
	RedisModuleKey *k;
	enum found found;
	struct words w;
	int set = 0;

	words_take(&w, f);
	found = keyapi_open(f, w.v[0], REDISMODULE_WRITE, REDISMODULE_KEYTYPE_HASH, &k);
	if (found != WRONG) {
		set = RedisModule_HashSet(
			k, REDISMODULE_HASH_NX | REDISMODULE_HASH_COUNT_ALL, w.v[1], w.v[2], NULL);
		RedisModule_CloseKey(k);
		session_int(f->s, f->id, set);
	}
	if (set) {
		RedisModule_Replicate(f->ctx, "HSETNX", "v", w.v, (size_t)w.n);
		keyapi_changed(f, w.v[0], REDISMODULE_NOTIFY_HASH, "hset");
	}
	words_free(&w);
	return true;
}

/* The field's number, 0 if there is no such field. False: it is something else. */
static bool number_in(RedisModuleKey *k, RedisModuleString *field, long long *v)
{
	RedisModuleString *value = NULL;
	bool ok = true;

	*v = 0;
	RedisModule_HashGet(k, REDISMODULE_HASH_NONE, field, &value, NULL);
	if (value) {
		ok = RedisModule_StringToLongLong(value, v) == REDISMODULE_OK;
		RedisModule_FreeString(NULL, value);
	}
	return ok;
}

/* What is no number, or would overflow, RM_Call has the words for. */
bool run_hincrby(struct fast_call *f)
{
	RedisModuleString *value;
	long long by, v = 0;
	bool done = true;
	RedisModuleKey *k;
	enum found found;
	struct words w;

	words_take(&w, f);
	/* Of the string that goes to replicas: the client may change its own meanwhile. */
	if (RedisModule_StringToLongLong(w.v[2], &by) != REDISMODULE_OK) {
		words_free(&w);
		return false;
	}
	found = keyapi_open(f, w.v[0], REDISMODULE_WRITE, REDISMODULE_KEYTYPE_HASH, &k);
	if (found == FOUND)
		done = number_in(k, w.v[1], &v);
	if (found != WRONG) {
		done = done && !__builtin_add_overflow(v, by, &v);
		if (done) {
			value = RedisModule_CreateStringFromLongLong(NULL, v);
			RedisModule_HashSet(k, REDISMODULE_HASH_NONE, w.v[1], value, NULL);
			RedisModule_FreeString(NULL, value);
		}
		RedisModule_CloseKey(k);
	}
	if (found != WRONG && done) {
		RedisModule_Replicate(f->ctx, "HINCRBY", "v", w.v, (size_t)w.n);
		keyapi_changed(f, w.v[0], REDISMODULE_NOTIFY_HASH, "hincrby");
		session_int(f->s, f->id, v);
	}
	words_free(&w);
	return done;
}

bool run_hdel(struct fast_call *f)
{
	bool emptied = false;
	RedisModuleKey *k;
	enum found found;
	struct words w;
	int i, n = 0;

	words_take(&w, f);
	found = keyapi_open(f, w.v[0], REDISMODULE_WRITE, REDISMODULE_KEYTYPE_HASH, &k);
	for (i = 1; found == FOUND && !emptied && i < w.n; i++) {
		n += RedisModule_HashSet(
			k, REDISMODULE_HASH_NONE, w.v[i], REDISMODULE_HASH_DELETE, NULL);
		emptied = RedisModule_KeyType(k) == REDISMODULE_KEYTYPE_EMPTY;
	}
	if (found != WRONG) {
		RedisModule_CloseKey(k);
		session_int(f->s, f->id, n);
	}
	if (n) {
		RedisModule_Replicate(f->ctx, "HDEL", "v", w.v, (size_t)w.n);
		keyapi_changed(f, w.v[0], REDISMODULE_NOTIFY_HASH, "hdel");
	}
	if (emptied)
		RedisModule_NotifyKeyspaceEvent(
			f->ctx, REDISMODULE_NOTIFY_GENERIC, "del", w.v[0]);
	words_free(&w);
	return true;
}
