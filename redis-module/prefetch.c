/* SPDX-License-Identifier: BSD-3-Clause */
#include "prefetch.h"

#include <dlfcn.h>
#include <string.h>

#include "config.h"
#include "cursor.h"
#include "redis_layout.h"
#include "setting.h"

static struct {
	uint64_t (*hash)(const void *key, size_t len);
	const uint8_t *server;
	int databases; /* 0: it cannot be done */
} redis;

bool prefetch_possible(void)
{
	return redis.databases > 0;
}

#ifdef LAYOUT_VERSION

static const void *pointer_at(const void *p, size_t offset)
{
	const void *v;

	memcpy(&v, (const uint8_t *)p + offset, sizeof v);
	return v;
}

static uint64_t word_at(const void *p, size_t offset)
{
	return (uint64_t)(uintptr_t)pointer_at(p, offset);
}

/* Reading ahead harms nothing, wherever that is; arithmetic on such a pointer would. */
static void prefetch_at(uint64_t place)
{
	__builtin_prefetch((const void *)(uintptr_t)place);
}

/* The keyspace of a database. */
static const void *dict_of(int db)
{
	const uint8_t *dbs = pointer_at(redis.server, LAYOUT_SERVER_DB);

	return pointer_at(dbs + (size_t)db * LAYOUT_DB_BYTES, LAYOUT_DB_DICT);
}

/* The first entry's place for that hash. While Redis moves a dict to a new table, the
 * buckets below `rehash` are there already. NULL: no key at all. */
static const void *bucket_of(const void *dict, uint64_t hash)
{
	const int8_t *exponents = (const int8_t *)dict + LAYOUT_DICT_EXPONENTS;
	int64_t rehash = (int64_t)word_at(dict, LAYOUT_DICT_REHASH);
	int table;

	if (exponents[0] < 0)
		return NULL;
	table = rehash >= 0 && (int64_t)(hash & ((1ull << exponents[0]) - 1)) < rehash;
	return (const uint8_t *)pointer_at(
			   dict, LAYOUT_DICT_TABLES + (size_t)table * sizeof(void *)) +
		   (hash & ((1ull << exponents[table]) - 1)) * sizeof(void *);
}

/* ---- is it as it should be? ---- */

/* Each keyspace is a dict of the right type, and has as many keys as Redis says. */
static bool looks_right(RedisModuleCtx *ctx, int n)
{
	const void *type = dlsym(RTLD_DEFAULT, "dbDictType");
	bool right = true;
	int i;

	for (i = 0; i < n && right; i++) {
		const void *d = dict_of(i);

		right = RedisModule_SelectDb(ctx, i) == REDISMODULE_OK &&
				pointer_at(d, LAYOUT_DICT_TYPE) == type &&
				word_at(d, LAYOUT_DICT_USED) +
						word_at(d, LAYOUT_DICT_USED + sizeof(void *)) ==
					RedisModule_DbSize(ctx);
	}
	RedisModule_SelectDb(ctx, 0);
	return right;
}

static bool objects_look_right(void)
{
	RedisModuleString *s = RedisModule_CreateString(NULL, "x", 1);
	bool right = pointer_at(s, LAYOUT_OBJECT_POINTER) ==
				 (const void *)RedisModule_StringPtrLen(s, NULL);

	RedisModule_FreeString(NULL, s);
	return right;
}

const char *prefetch_init(RedisModuleCtx *ctx)
{
	int n = (int)setting_number(ctx, "databases", 0);

	redis.databases = 0;
	redis.server = dlsym(RTLD_DEFAULT, "server");
	redis.hash =
		(uint64_t(*)(const void *, size_t))dlsym(RTLD_DEFAULT, "dictGenHashFunction");
	if (RedisModule_GetServerVersion() != LAYOUT_VERSION)
		return "built for another version of Redis";
	if (!redis.server || !redis.hash)
		return "redis-server does not export what it takes";
	if (n <= 0 || !looks_right(ctx, n) || !objects_look_right())
		return "Redis keeps its keys otherwise than its source says";
	redis.databases = n;
	return NULL;
}

/* ---- keys ---- */

/* The key of a request, or its first one; false when it has none. kvrequest.h would do, and
 * take a third longer: what is wrong here is only not prefetched. */
static bool key_of(
	const struct frame *f, struct kv_header *h, const uint8_t **p, uint32_t *len)
{
	struct cursor c = cursor_of(f->data, f->len);
	const uint8_t *head = cursor_bytes(&c, KV_HEADER);

	if (!head || f->flags & FRAME_MORE)
		return false;
	memcpy(h, head, sizeof *h);
	*len = h->n;
	switch (f->kind) {
	case KV_SET:
		if (h->opt & KV_SET_TIME)
			cursor_u64(&c);
		break;
	case KV_INCRBY:
		cursor_u64(&c);
		break;
	case KV_CALL:
		cursor_bytes(&c, cursor_u32(&c));
		*len = cursor_u32(&c);
		break;
	case KV_DEL:
	case KV_EXISTS:
		*len = cursor_u32(&c);
		break;
	case KV_GET:
		break;
	default:
		return false;
	}
	*p = cursor_bytes(&c, *len);
	return !c.bad && *len > 0 && h->db < redis.databases;
}

int prefetch_collect(struct prefetch *p, const struct session *s)
{
	struct ring look = s->chan->rx; /* its own place in the ring */
	struct kv_header h;
	struct frame f;
	const uint8_t *key;
	uint32_t len;
	int n = 0;

	look.delay = 0; /* which is waited for when the request is served */
	if (s->stream || s->in.len)
		return 0;
	while (n < PREFETCH_LOOK && p->n < PREFETCH && ring_peek(&look, &f) == 0) {
		n++;
		if (key_of(&f, &h, &key, &len)) {
			p->key[p->n].p = key;
			p->key[p->n].len = len;
			p->key[p->n++].db = h.db;
		}
		look.pos = look.next;
	}
	return n;
}

/* Each round asks for what the next one reads. */
void prefetch_run(const struct prefetch *p)
{
	const void *at[PREFETCH], *dict;
	uint64_t place;
	int i, n = 0;

	for (i = 0; i < p->n; i++) {
		dict = dict_of(p->key[i].db);
		at[n] = bucket_of(dict, redis.hash(p->key[i].p, p->key[i].len));
		if (at[n])
			__builtin_prefetch(at[n++]);
	}
	for (i = 0; i < n; i++) {
		at[i] = pointer_at(at[i], 0);
		__builtin_prefetch(at[i]);
	}
	for (i = 0; i < n; i++) {
		if (!at[i])
			continue;
		place = word_at(at[i], LAYOUT_ENTRY_KEY);
		prefetch_at(place - 1); /* an sds has its length before it */
		prefetch_at(place + 24);
		at[i] = pointer_at(at[i], LAYOUT_ENTRY_VALUE);
		__builtin_prefetch(at[i]);
	}
	for (i = 0; i < n; i++) {
		if (!at[i])
			continue;
		place = word_at(at[i], LAYOUT_OBJECT_POINTER); /* or a number, of encoding int */
		prefetch_at(place - 1);
		prefetch_at(place + 63);
	}
}

#else /* built with a header of somebody's own, without Redis's source */

const char *prefetch_init(RedisModuleCtx *ctx)
{
	return "built without Redis's source";
}

int prefetch_collect(struct prefetch *p, const struct session *s)
{
	return 0;
}

void prefetch_run(const struct prefetch *p)
{
}

#endif
