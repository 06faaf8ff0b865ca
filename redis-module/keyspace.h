/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keyspace.h - Redis's own tables, read where they lie.
 *
 * The module API has no call that begins to read a key and goes on with something else
 * meanwhile, and none that shows a hash without making two strings of each field. So
 * this follows Redis's dict by itself: read only, on the main thread, between commands,
 * along offsets that the build took from the headers of the very Redis that is installed
 * (deploy/redis-layout.sh), and only if at load the version, a look at every database
 * and at strings of each kind say that they are right. Else nothing is read, everything
 * works as before, and one line in the log says why.
 */
#ifndef CXLRING_KEYSPACE_H
#define CXLRING_KEYSPACE_H

#include "rm.h"

#include <stdbool.h>
#include <string.h>

#include "redis_layout.h"

/* Find out whether it can be done; NULL, or why not. */
const char *keyspace_init(RedisModuleCtx *ctx);

extern struct keyspace {
	uint64_t (*hash)(const void *key, size_t len);
	const uint8_t *server;
	const void *hash_type; /* of the dicts that hashes are */
	int databases;         /* 0: it cannot be done */
} keyspace;

static inline bool keyspace_readable(void)
{
	return keyspace.databases > 0;
}

#ifdef LAYOUT_VERSION

static inline const void *pointer_at(const void *p, size_t offset)
{
	const void *v;

	memcpy(&v, (const uint8_t *)p + offset, sizeof v);
	return v;
}

static inline uint64_t word_at(const void *p, size_t offset)
{
	return (uint64_t)(uintptr_t)pointer_at(p, offset);
}

/* The keyspace of a database. */
static inline const void *dict_of(int db)
{
	const uint8_t *dbs = pointer_at(keyspace.server, LAYOUT_SERVER_DB);

	return pointer_at(dbs + (size_t)db * LAYOUT_DB_BYTES, LAYOUT_DB_DICT);
}

/* How many buckets its first or second table has, 0: it has none. */
static inline uint64_t dict_buckets(const void *dict, int table)
{
	int8_t exponent = ((const int8_t *)dict)[LAYOUT_DICT_EXPONENTS + table];

	return exponent < 0 ? 0 : 1ull << exponent;
}

/* The buckets: pointers to the first entry of each. */
static inline const void *dict_table(const void *dict, int table)
{
	return pointer_at(dict, LAYOUT_DICT_TABLES + (size_t)table * sizeof(void *));
}

/* The bucket for that hash. While Redis moves a dict to a new table, the buckets below
 * `rehash` are there already. NULL: the dict is empty. */
static inline const void *dict_bucket(const void *dict, uint64_t hash)
{
	uint64_t n = dict_buckets(dict, 0);
	int64_t rehash = (int64_t)word_at(dict, LAYOUT_DICT_REHASH);
	int table;

	if (n == 0)
		return NULL;
	table = rehash >= 0 && (int64_t)(hash & (n - 1)) < rehash;
	return (const uint8_t *)dict_table(dict, table) +
		   (hash & (dict_buckets(dict, table) - 1)) * sizeof(void *);
}

static inline uint64_t dict_size(const void *dict)
{
	return word_at(dict, LAYOUT_DICT_USED) +
		   word_at(dict, LAYOUT_DICT_USED + sizeof(void *));
}

/* The dict that a hash is kept in; NULL when the object is no hash, or a small one, which
 * lies in one piece. */
static inline const void *hash_dict(const void *object)
{
	const void *dict;
	uint32_t kind;

	memcpy(&kind, object, sizeof kind);
	if ((kind & LAYOUT_OBJECT_KIND) != LAYOUT_HASH_KIND)
		return NULL;
	dict = pointer_at(object, LAYOUT_OBJECT_POINTER);
	return pointer_at(dict, LAYOUT_DICT_TYPE) == keyspace.hash_type ? dict : NULL;
}

/* How long a string of Redis's (sds) is. */
static inline size_t sds_length(const void *s)
{
	const uint8_t *end = s;
	uint8_t kind = end[-1];
	uint64_t len = 0;

	/* By its kind: 5 bits beside it, or one to eight bytes, followed by as many. */
	if ((kind & 7) == 0)
		return kind >> 3;
	memcpy(&len, end - 1 - (2 << ((kind & 7) - 1)), 1u << ((kind & 7) - 1));
	return len;
}

#endif /* LAYOUT_VERSION: else built with a header of somebody's own, without Redis's source */

/* For each field of a hash; strings of Redis's, which live until the next command. */
typedef void keyspace_field_fn(void *ctx, const void *field, const void *value);

/* The dict that the hash of that name is kept in, whatever its expiry says; NULL: there is
 * none, or it cannot be read so. */
const void *keyspace_find_hash(int db, const void *name, size_t len);

/* Its fields, in the order in which HGETALL has them. */
void keyspace_each(const void *dict, keyspace_field_fn *fn, void *ctx);

#endif
