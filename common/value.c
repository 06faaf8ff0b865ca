/* SPDX-License-Identifier: BSD-3-Clause */
#include "value.h"

#include <sodium.h>

#include <string.h>

#include "entropy.h"

/* Values of a column that are sealed together: 32 int4. More would leave L1's
 * comfortable part, fewer would bring the stall back that value.h tells of. */
enum { CHUNK_BYTES = 1024 };

_Static_assert(crypto_kdf_KEYBYTES == KEYRING_KEY_BYTES, "data key");
_Static_assert(crypto_kdf_BYTES_MIN <= GCM_SECRET_BYTES, "subkey");

/* Both halves of a header. Moved as 16 bytes at once: then the cipher's loads of
 * header and nonce are forwarded from one store and need not wait. */
typedef uint64_t head_words __attribute__((vector_size(16), may_alias));

static head_words head_load(const uint8_t *p)
{
	head_words w;

	memcpy(&w, p, sizeof w);
	return w;
}

static void head_store(uint8_t *p, head_words w)
{
	memcpy(p, &w, sizeof w);
}

static head_words head_of(
	uint8_t type, uint16_t key_id, uint64_t incarnation, uint64_t counter)
{
	return (head_words){(uint64_t)(VALUE_FORMAT << 6 | type) | (uint64_t)key_id << 8 |
							incarnation << 24,
		incarnation >> 40 | counter << 24};
}

static int subkey_init(const struct gcm_backend *gcm, struct gcm_key *key,
	const uint8_t *data_key, uint64_t incarnation)
{
	uint8_t subkey[GCM_SECRET_BYTES];
	int rc;

	crypto_kdf_derive_from_key(
		subkey, sizeof subkey, incarnation, "hedbval2", data_key);
	rc = gcm->key_init(key, subkey);
	sodium_memzero(subkey, sizeof subkey);
	return rc;
}

/* ---- sealing ---- */

/* After the type, `next` is right for the value to come. */
static void sealer_advance(struct value_sealer *s, uint8_t type)
{
	s->counter = (s->counter + 1) & VALUE_COUNTER_MASK;
	s->left--;
	head_store(s->next, head_of(type, s->key_id, s->incarnation, s->counter));
}

static int sealer_draw(struct value_sealer *s)
{
	const uint8_t *data_key;
	int rc;

	s->left = 0;
	s->key_id = keyring_active_in(s->keys, s->domain);
	data_key = keyring_data_key(s->keys, s->key_id);
	if (!data_key)
		return -ENOKEY;
	life_read(&s->life);
	entropy_fill(&s->incarnation, sizeof s->incarnation);
	/* A random start: two equal incarnations collide only where their runs overlap. */
	entropy_fill(&s->counter, sizeof s->counter);
	s->counter &= VALUE_COUNTER_MASK;
	rc = subkey_init(s->gcm, &s->key, data_key, s->incarnation);
	if (rc != 0)
		return rc;
	s->left = VALUE_COUNTER_MASK + 1;
	head_store(s->next, head_of(1, s->key_id, s->incarnation, s->counter));
	return 0;
}

int value_sealer_init_in(struct value_sealer *s, const struct gcm_backend *gcm,
	const struct keyring *keys, unsigned domain)
{
	memset(s, 0, sizeof *s);
	s->gcm = gcm;
	s->keys = keys;
	s->domain = (uint16_t)domain;
	return sealer_draw(s);
}

int value_sealer_init(
	struct value_sealer *s, const struct gcm_backend *gcm, const struct keyring *keys)
{
	return value_sealer_init_in(s, gcm, keys, 0);
}

void value_sealer_fini(struct value_sealer *s)
{
	s->gcm->key_wipe(&s->key);
	sodium_memzero(s, sizeof *s);
}

int value_sealer_renew(struct value_sealer *s)
{
	s->gcm->key_wipe(&s->key);
	return sealer_draw(s);
}

/* Caller is about to use up counters, and has the plaintext that they are for. */
static inline int sealer_ready(struct value_sealer *s)
{
	if (s->left > 0 && life_is(&s->life))
		return 0;
	return value_sealer_renew(s);
}

static inline int seal_check(uint8_t type, size_t n)
{
	if (type > VALUE_KIND_MAX || (type & VALUE_TYPE_MAX) == 0)
		return -EINVAL;
	return n <= VALUE_LEN_MAX ? 0 : -EMSGSIZE;
}

/* One value at `v`, private, whose header stands at `head`. */
static inline int seal_body(const struct value_sealer *s, uint8_t *v,
	const uint8_t *head, const uint8_t *plain, size_t n)
{
	return s->gcm->seal(&s->key, v + VALUE_HEAD_BYTES, v + VALUE_HEAD_BYTES + n, plain,
		n, head, VALUE_HEAD_BYTES, head + VALUE_NONCE_OFF);
}

int value_seal(
	struct value_sealer *s, uint8_t type, const void *plain, size_t n, uint8_t *out)
{
	uint8_t copy[VALUE_COPY_MAX + VALUE_OVERHEAD];
	uint8_t *v = n <= VALUE_COPY_MAX ? copy : out;
	head_words head;
	int rc;

	rc = seal_check(type, n);
	if (rc != 0 || (rc = sealer_ready(s)) != 0)
		return rc;
	/* `next` was stored a call ago under the type of then, mostly the same one. */
	if (s->next[0] != (VALUE_FORMAT << 6 | type))
		head_store(s->next, head_of(type, s->key_id, s->incarnation, s->counter));
	head = head_load(s->next);
	rc = seal_body(s, v, s->next, plain, n);
	sealer_advance(s, type);
	if (rc != 0)
		return rc;
	head_store(out, head);
	if (v != out)
		memcpy(out + VALUE_HEAD_BYTES, v + VALUE_HEAD_BYTES, n + GCM_TAG_BYTES);
	return 0;
}

/* Up to CHUNK_BYTES of values, headers first. Caller checked type and n. */
static int seal_chunk(struct value_sealer *s, uint8_t type, const uint8_t *plain,
	size_t n, size_t count, uint8_t *out)
{
	uint8_t copy[CHUNK_BYTES] __attribute__((aligned(64)));
	size_t i, size = value_size(n);
	int rc;

	for (i = 0; i < count; i++) {
		head_store(
			copy + i * size, head_of(type, s->key_id, s->incarnation, s->counter));
		sealer_advance(s, type);
	}
	for (i = 0; i < count; i++) {
		rc = seal_body(s, copy + i * size, copy + i * size, plain + i * n, n);
		if (rc != 0)
			return rc;
	}
	memcpy(out, copy, count * size);
	return 0;
}

int value_seal_column(struct value_sealer *s, uint8_t type, const void *plain, size_t n,
	size_t count, uint8_t *out)
{
	const uint8_t *p = plain;
	size_t i, some;
	int rc;

	rc = seal_check(type, n);
	for (i = 0; i < count && rc == 0; i += some) {
		some = n <= VALUE_COPY_MAX ? CHUNK_BYTES / value_size(n) : 1;
		some = some < count - i ? some : count - i;
		rc = sealer_ready(s);
		if (rc != 0)
			break;
		/* The incarnation's last few are sealed one by one. */
		if (some > s->left)
			some = 1;
		if (some == 1)
			rc = value_seal(s, type, p + i * n, n, out + i * value_size(n));
		else
			rc = seal_chunk(s, type, p + i * n, n, some, out + i * value_size(n));
	}
	return rc;
}

/* ---- opening ---- */

void value_opener_init(
	struct value_opener *o, const struct gcm_backend *gcm, const struct keyring *keys)
{
	memset(o, 0, sizeof *o);
	o->gcm = gcm;
	o->keys = keys;
}

void value_opener_fini(struct value_opener *o)
{
	size_t i;

	for (i = 0; i < VALUE_CACHE_SLOTS; i++)
		if (o->slot[i].key_id != 0)
			o->gcm->key_wipe(&o->key[i]);
	sodium_memzero(o, sizeof *o);
}

/* Incarnations are random, so their low bits spread evenly; crafted ones never get in.
 */
static size_t opener_set(uint64_t incarnation)
{
	return incarnation % VALUE_CACHE_SETS * VALUE_CACHE_WAYS;
}

static inline bool slot_is(const struct value_slot *s, const struct value_header *h)
{
	return s->incarnation == h->incarnation && s->key_id == h->key_id;
}

/* The subkey from the cache, or NULL. */
static inline const struct gcm_key *opener_find(
	struct value_opener *o, const struct value_header *h)
{
	size_t i, set;

	if (slot_is(&o->slot[o->last], h))
		return &o->key[o->last];
	set = opener_set(h->incarnation);
	for (i = set; i < set + VALUE_CACHE_WAYS; i++) {
		if (!slot_is(&o->slot[i], h))
			continue;
		o->slot[i].used = ++o->clock;
		o->last = (uint32_t)i;
		return &o->key[i];
	}
	return NULL;
}

/* Moves the spare key, which just opened a value, to the oldest place of its set. */
static void opener_keep(struct value_opener *o, const struct value_header *h)
{
	size_t i, set = opener_set(h->incarnation), at = set;

	for (i = set; i < set + VALUE_CACHE_WAYS; i++)
		if (o->slot[i].used < o->slot[at].used)
			at = i;
	if (o->slot[at].key_id != 0)
		o->gcm->key_wipe(&o->key[at]);
	o->key[at] = o->spare;
	sodium_memzero(&o->spare, sizeof o->spare);
	o->slot[at] = (struct value_slot){h->incarnation, ++o->clock, h->key_id};
	o->last = (uint32_t)at;
}

/* `h` was parsed from `v`. */
static inline int open_body(const struct value_opener *o, const struct gcm_key *key,
	const struct value_header *h, const uint8_t *v, uint8_t *out)
{
	const uint8_t *body = v + VALUE_HEAD_BYTES;

	return o->gcm->open(
		key, out, body, h->len, body + h->len, v, VALUE_HEAD_BYTES, v + VALUE_NONCE_OFF);
}

static int open_uncached(struct value_opener *o, const struct value_header *h,
	const uint8_t *v, uint8_t *out)
{
	const uint8_t *data_key = keyring_data_key(o->keys, h->key_id);
	int rc;

	if (!data_key)
		return keyring_info(o->keys, h->key_id).state == KEY_NONE ? -ENOKEY : -EKEYREVOKED;
	o->misses++;
	rc = subkey_init(o->gcm, &o->spare, data_key, h->incarnation);
	if (rc != 0)
		return rc;
	rc = open_body(o, &o->spare, h, v, out);
	if (rc == 0)
		opener_keep(o, h);
	else
		o->gcm->key_wipe(&o->spare);
	return rc;
}

int value_open(struct value_opener *o, uint8_t want_type, const void *in, size_t in_len,
	void *out, size_t out_cap, size_t *out_len)
{
	const struct gcm_key *key;
	struct value_header h;
	int rc;

	if (value_header_parse(in, in_len, &h) != 0)
		return -EPROTO;
	if (h.type != want_type)
		return -EINVAL;
	if (h.len > out_cap)
		return -EMSGSIZE;
	key = opener_find(o, &h);
	rc = key ? open_body(o, key, &h, in, out) : open_uncached(o, &h, in, out);
	if (rc == 0)
		*out_len = h.len;
	return rc;
}
