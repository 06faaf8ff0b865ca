/* SPDX-License-Identifier: BSD-3-Clause */
#include "prefetch.h"

#include <string.h>

#include "cursor.h"
#include "keyspace.h"

enum { FIELD_BYTES = 64, VALUE_BYTES = 128 }; /* of a hash's strings, worth the waiting */

#ifdef LAYOUT_VERSION

/* Reading ahead harms nothing, wherever that is; arithmetic on such a pointer would. */
static void prefetch_at(uint64_t place)
{
	__builtin_prefetch((const void *)(uintptr_t)place);
}

/* The key of a request, or its first one; false when it has none. kvrequest.h would do, and
 * take a third longer: what is wrong here is only not prefetched. */
static bool key_of(const struct frame *f, struct kv_header *h, const uint8_t **p,
	uint32_t *len, bool *whole)
{
	static const char all[] = "hgetall";
	uint32_t name;
	struct cursor c = cursor_of(f->data, f->len);
	const uint8_t *head = cursor_bytes(&c, KV_HEADER);

	if (!head || f->flags & FRAME_MORE)
		return false;
	memcpy(h, head, sizeof *h);
	*len = h->n;
	*whole = false;
	switch (f->kind) {
	case KV_SET:
		if (h->opt & KV_SET_TIME)
			cursor_u64(&c);
		break;
	case KV_INCRBY:
		cursor_u64(&c);
		break;
	case KV_CALL:
		name = cursor_u32(&c);
		head = cursor_bytes(&c, name);
		*whole = name == sizeof all - 1 && head &&
				 strncasecmp((const char *)head, all, name) == 0;
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
	return !c.bad && *len > 0 && h->db < keyspace.databases;
}

int prefetch_collect(struct prefetch *p, const struct session *s)
{
	struct ring look = s->chan->rx; /* its own place in the ring */
	struct kv_header h;
	struct frame f;
	const uint8_t *key;
	uint32_t len;
	bool whole;
	int n = 0;

	look.delay = 0; /* which is waited for when the request is served */
	if (s->stream || s->in.len)
		return 0;
	while (n < PREFETCH_LOOK && p->n < PREFETCH && ring_peek(&look, &f) == 0) {
		n++;
		if (key_of(&f, &h, &key, &len, &whole)) {
			p->key[p->n].p = key;
			p->key[p->n].len = len;
			p->key[p->n].whole = whole;
			p->key[p->n++].db = h.db;
			p->whole += whole;
		}
		look.pos = look.next;
	}
	return n;
}

/* An sds: its length stands before it. */
static void prefetch_string(uint64_t place, uint64_t bytes)
{
	uint64_t at;

	for (at = place - 1; at < place + bytes; at += CACHE_LINE)
		prefetch_at(at);
}

/* Fields and values of a hash whose table has been asked for. Buckets that hold several
 * show the first; while Redis moves it to a new table, the older one alone is read. */
static void prefetch_fields(const void *dict)
{
	const void *table = dict_table(dict, 0), *entry[PREFETCH_FIELDS];
	uint64_t size = dict_buckets(dict, 0), i;
	int n = 0, k;

	for (i = 0; i < size && i < PREFETCH_FIELDS; i++) {
		entry[n] = pointer_at(table, i * sizeof(void *));
		if (entry[n])
			__builtin_prefetch(entry[n++]);
	}
	for (k = 0; k < n; k++) {
		prefetch_string(word_at(entry[k], LAYOUT_ENTRY_KEY), FIELD_BYTES);
		prefetch_string(word_at(entry[k], LAYOUT_ENTRY_VALUE), VALUE_BYTES);
	}
}

/* Hashes of which all is read: their table, then what is in it. */
static void prefetch_hashes(const void **hash, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		hash[i] = hash_dict(hash[i]);
		if (hash[i])
			prefetch_string(word_at(hash[i], LAYOUT_DICT_TABLES), FIELD_BYTES * 2);
	}
	for (i = 0; i < n; i++)
		if (hash[i])
			prefetch_fields(hash[i]);
}

/* Each round asks for what the next one reads. */
void prefetch_run(const struct prefetch *p)
{
	const void *at[PREFETCH], *whole[PREFETCH], *dict;
	bool all[PREFETCH];
	uint64_t place;
	int i, n = 0, hashes = 0;

	for (i = 0; i < p->n; i++) {
		dict = dict_of(p->key[i].db);
		all[n] = p->key[i].whole;
		at[n] = dict_bucket(dict, keyspace.hash(p->key[i].p, p->key[i].len));
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
		if (all[i])
			whole[hashes++] = at[i];
	}
	if (hashes)
		prefetch_hashes(whole, hashes);
}

#else /* built with a header of somebody's own, without Redis's source */

int prefetch_collect(struct prefetch *p, const struct session *s)
{
	return 0;
}

void prefetch_run(const struct prefetch *p)
{
}

#endif
