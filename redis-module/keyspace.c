/* SPDX-License-Identifier: BSD-3-Clause */
#include "keyspace.h"

#include <dlfcn.h>

#include "setting.h"

struct keyspace keyspace;

#ifdef LAYOUT_VERSION

/* Each keyspace is a dict of the right type, and has as many keys as Redis says. */
static bool dicts_look_right(RedisModuleCtx *ctx, int n)
{
	const void *type = dlsym(RTLD_DEFAULT, "dbDictType");
	bool right = true;
	int i;

	for (i = 0; i < n && right; i++) {
		const void *d = dict_of(i);

		right = RedisModule_SelectDb(ctx, i) == REDISMODULE_OK &&
				pointer_at(d, LAYOUT_DICT_TYPE) == type &&
				dict_size(d) == RedisModule_DbSize(ctx);
	}
	RedisModule_SelectDb(ctx, 0);
	return right;
}

static bool strings_look_right(void)
{
	static const size_t lengths[] = {1, 40, 200, 3000, 70000};
	static const char text[70000];
	bool right = true;
	size_t i;

	for (i = 0; i < sizeof lengths / sizeof *lengths && right; i++) {
		RedisModuleString *s = RedisModule_CreateString(NULL, text, lengths[i]);
		const void *at = pointer_at(s, LAYOUT_OBJECT_POINTER);

		right = at == (const void *)RedisModule_StringPtrLen(s, NULL) &&
				sds_length(at) == lengths[i];
		RedisModule_FreeString(NULL, s);
	}
	return right;
}

const char *keyspace_init(RedisModuleCtx *ctx)
{
	int n = (int)setting_number(ctx, "databases", 0);

	keyspace.databases = 0;
	keyspace.server = dlsym(RTLD_DEFAULT, "server");
	keyspace.hash =
		(uint64_t(*)(const void *, size_t))dlsym(RTLD_DEFAULT, "dictGenHashFunction");
	keyspace.hash_type = dlsym(RTLD_DEFAULT, "hashDictType");
	if (RedisModule_GetServerVersion() != LAYOUT_VERSION)
		return "built for another version of Redis";
	if (!keyspace.server || !keyspace.hash || !keyspace.hash_type)
		return "redis-server does not export what it takes";
	if (n <= 0 || !dicts_look_right(ctx, n) || !strings_look_right())
		return "Redis keeps its keys otherwise than its source says";
	keyspace.databases = n;
	return NULL;
}

/* The first entry of the i-th bucket. */
static const void *entry_in(const void *dict, int table, uint64_t i)
{
	return pointer_at(dict_table(dict, table), i * sizeof(void *));
}

const void *keyspace_find_hash(int db, const void *name, size_t len)
{
	const void *dict, *entry, *key;
	uint64_t hash, n;
	int table;

	if (db < 0 || db >= keyspace.databases)
		return NULL;
	dict = dict_of(db);
	hash = keyspace.hash(name, len);
	for (table = 0; table < 2 && (n = dict_buckets(dict, table)) > 0; table++)
		for (entry = entry_in(dict, table, hash & (n - 1)); entry;
			 entry = pointer_at(entry, LAYOUT_ENTRY_NEXT)) {
			key = pointer_at(entry, LAYOUT_ENTRY_KEY);
			if (sds_length(key) == len && memcmp(key, name, len) == 0)
				return hash_dict(pointer_at(entry, LAYOUT_ENTRY_VALUE));
		}
	return NULL;
}

void keyspace_each(const void *dict, keyspace_field_fn *fn, void *ctx)
{
	const void *entry;
	uint64_t i, n;
	int table;

	for (table = 0; table < 2; table++) {
		n = dict_buckets(dict, table);
		for (i = 0; i < n; i++)
			for (entry = entry_in(dict, table, i); entry;
				 entry = pointer_at(entry, LAYOUT_ENTRY_NEXT))
				fn(ctx, pointer_at(entry, LAYOUT_ENTRY_KEY),
					pointer_at(entry, LAYOUT_ENTRY_VALUE));
	}
}

#else

const char *keyspace_init(RedisModuleCtx *ctx)
{
	return "built without Redis's source";
}

const void *keyspace_find_hash(int db, const void *name, size_t len)
{
	return NULL;
}

void keyspace_each(const void *dict, keyspace_field_fn *fn, void *ctx)
{
}

size_t sds_length(const void *s)
{
	return 0;
}

#endif
