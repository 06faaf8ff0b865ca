/* SPDX-License-Identifier: BSD-3-Clause */
#include "keyring.h"

#include "cursor.h"

#include <sodium.h>

#include <string.h>
#include <time.h>

enum { V1_ENTRY_BYTES = 48 };

struct data_key {
	uint8_t key[KEYRING_KEY_BYTES];
	struct key_info info;
};

/* Allocated by sodium_malloc(): locked, left out of core dumps, between guard pages. */
struct keyring {
	uint8_t hash_key[KEYRING_HASH_KEY_BYTES];
	size_t nkeys;
	uint16_t active;
	struct data_key keys[KEYRING_KEYS_MAX]; /* ids ascending */
};

_Static_assert(sizeof(struct keyring) % 16 == 0, "sodium_malloc aligns the end");

static uint64_t now_s(void)
{
	return (uint64_t)time(NULL);
}

static void set_state(struct data_key *d, enum key_state state)
{
	d->info.state = state;
	d->info.changed_s = now_s();
}

/* The key of that id, or NULL. */
static const struct data_key *find(const struct keyring *k, uint16_t id)
{
	size_t lo = 0, hi = k->nkeys;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->keys[mid].info.id == id)
			return &k->keys[mid];
		if (k->keys[mid].info.id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static struct data_key *find_to_change(struct keyring *k, uint16_t id)
{
	return (struct data_key *)find(k, id);
}

/* ---- life ---- */

static struct keyring *keyring_alloc(void)
{
	struct keyring *k = NULL;

	if (sodium_init() >= 0)
		k = sodium_malloc(sizeof *k);
	if (k)
		memset(k, 0, sizeof *k);
	return k;
}

/* Caller checked that there is room and that `id` is above all others. */
static void draw_key(struct keyring *k, uint16_t id, enum key_state state)
{
	struct data_key *d = &k->keys[k->nkeys++];

	randombytes_buf(d->key, sizeof d->key);
	d->info.created_s = now_s();
	d->info.id = id;
	set_state(d, state);
	if (state == KEY_ACTIVE)
		k->active = id;
}

struct keyring *keyring_create(void)
{
	struct keyring *k = keyring_alloc();

	if (k) {
		randombytes_buf(k->hash_key, sizeof k->hash_key);
		draw_key(k, 1, KEY_ACTIVE);
	}
	return k;
}

void keyring_destroy(struct keyring *k)
{
	sodium_free(k); /* wipes */
}

void keyring_freeze(struct keyring *k)
{
	sodium_mprotect_readonly(k);
}

/* ---- changes ---- */

int keyring_add_key(struct keyring *k, uint16_t *id, struct err_text *why)
{
	uint16_t last = k->keys[k->nkeys - 1].info.id;

	if (k->nkeys == KEYRING_KEYS_MAX || last == UINT16_MAX) {
		err_set(why, "the keyring is full: it holds %zu keys, the last id is %u", k->nkeys,
			(unsigned)last);
		return -EMSGSIZE;
	}
	*id = (uint16_t)(last + 1);
	draw_key(k, *id, KEY_READY);
	return 0;
}

static const char *state_name(enum key_state s)
{
	static const char *const names[] = {
		"not in the keyring", "active", "ready", "retired", "destroyed"};

	return names[s];
}

/* The key, if its state is one of the mask's (1 << state). */
static struct data_key *key_in(
	struct keyring *k, uint16_t id, unsigned states, const char *hint, struct err_text *why)
{
	enum key_state state = keyring_info(k, id).state;

	if (states >> state & 1)
		return find_to_change(k, id);
	err_set(why, "key %u is %s%s", (unsigned)id, state_name(state),
		state == KEY_NONE || state == KEY_DESTROYED ? "" : hint);
	return NULL;
}

int keyring_rotate(struct keyring *k, uint16_t *id, struct err_text *why)
{
	struct data_key *next = NULL;
	size_t i;
	int rc;

	for (i = k->nkeys; *id == 0 && i-- > 0;)
		if (k->keys[i].info.state == KEY_READY)
			*id = k->keys[i].info.id;
	if (*id == 0 && (rc = keyring_add_key(k, id, why)) != 0)
		return rc;
	next = key_in(k, *id, 1 << KEY_READY, ": only a ready key becomes active", why);
	if (!next)
		return -EINVAL;
	set_state(find_to_change(k, k->active), KEY_RETIRED);
	set_state(next, KEY_ACTIVE);
	k->active = *id;
	return 0;
}

int keyring_retire(struct keyring *k, uint16_t id, struct err_text *why)
{
	struct data_key *d =
		key_in(k, id, 1 << KEY_READY, ": rotate retires the active key", why);

	if (!d)
		return -EINVAL;
	set_state(d, KEY_RETIRED);
	return 0;
}

int keyring_destroy_key(struct keyring *k, uint16_t id, struct err_text *why)
{
	struct data_key *d = key_in(k, id, 1 << KEY_READY | 1 << KEY_RETIRED,
		": rotate first, so that another key is", why);

	if (!d)
		return -EINVAL;
	sodium_memzero(d->key, sizeof d->key);
	set_state(d, KEY_DESTROYED);
	return 0;
}

/* ---- questions ---- */

uint16_t keyring_active(const struct keyring *k)
{
	return k->active;
}

const uint8_t *keyring_data_key(const struct keyring *k, uint16_t id)
{
	const struct data_key *d = find(k, id);

	return d && d->info.state != KEY_DESTROYED ? d->key : NULL;
}

struct key_info keyring_info(const struct keyring *k, uint16_t id)
{
	const struct data_key *d = find(k, id);

	return d ? d->info : (struct key_info){.state = KEY_NONE};
}

void keyring_list(const struct keyring *k,
	void (*each)(void *arg, const struct key_info *key), void *arg)
{
	size_t i;

	for (i = 0; i < k->nkeys; i++)
		each(arg, &k->keys[i].info);
}

void keyring_prf(uint8_t out[KEYRING_PRF_BYTES], const struct keyring *k, const void *in,
	size_t n)
{
	_Static_assert(KEYRING_PRF_BYTES == crypto_shorthash_siphashx24_BYTES, "");
	crypto_shorthash_siphashx24(out, in, n, k->hash_key);
}

/* ---- bytes ---- */

size_t keyring_encode(const struct keyring *k, uint8_t *out)
{
	struct writer w = writer_of(out, KEYRING_BYTES_MAX);
	size_t i;

	writer_u64(&w, k->nkeys); /* 2 bytes, and zeroes */
	writer_bytes(&w, k->hash_key, sizeof k->hash_key);
	for (i = 0; i < k->nkeys; i++) {
		const struct data_key *d = &k->keys[i];

		writer_u64(&w, d->info.id | (uint64_t)d->info.state << 16); /* and zeroes */
		writer_u64(&w, d->info.created_s);
		writer_u64(&w, d->info.changed_s);
		writer_bytes(&w, d->key, KEYRING_KEY_BYTES);
	}
	return KEYRING_BYTES_MAX - w.left;
}

static bool take_zeroes(struct cursor *c, size_t n)
{
	const uint8_t *at = cursor_bytes(c, n);

	return at && sodium_is_zero(at, n);
}

/* One entry; *actives counts the active ones. */
static int entry_decode(struct keyring *k, struct cursor *c, struct data_key *d, unsigned *actives)
{
	uint16_t before = d == k->keys ? 0 : d[-1].info.id;
	const uint8_t *key;
	bool zero;

	d->info.id = cursor_u16(c);
	d->info.state = (enum key_state)cursor_u8(c);
	zero = take_zeroes(c, 5);
	d->info.created_s = cursor_u64(c);
	d->info.changed_s = cursor_u64(c);
	key = cursor_bytes(c, KEYRING_KEY_BYTES);
	/* Ascending from above 0: no id twice, and none is 0. */
	if (!key || !zero || d->info.id <= before || d->info.state < KEY_ACTIVE ||
		d->info.state > KEY_DESTROYED)
		return -EBADMSG;
	/* A key of zeroes is one that was lost, not one that was drawn. */
	if (sodium_is_zero(key, KEYRING_KEY_BYTES) != (d->info.state == KEY_DESTROYED))
		return -EBADMSG;
	memcpy(d->key, key, KEYRING_KEY_BYTES);
	if (d->info.state == KEY_ACTIVE) {
		k->active = d->info.id;
		++*actives;
	}
	return 0;
}

static int v1_entry_decode(struct keyring *k, struct cursor *c, struct data_key *d, unsigned *actives)
{
	uint16_t before = d == k->keys ? 0 : d[-1].info.id;
	const uint8_t *key;
	bool zero;

	d->info.id = cursor_u16(c);
	zero = take_zeroes(c, 6);
	d->info.created_s = cursor_u64(c);
	d->info.changed_s = d->info.created_s;
	d->info.state = d->info.id == k->active ? KEY_ACTIVE : KEY_RETIRED;
	key = cursor_bytes(c, KEYRING_KEY_BYTES);
	if (!key || !zero || d->info.id <= before)
		return -EBADMSG;
	memcpy(d->key, key, KEYRING_KEY_BYTES);
	*actives += d->info.state == KEY_ACTIVE;
	return 0;
}

static int decode(struct keyring *k, int version, const uint8_t *in, size_t len)
{
	struct cursor c = cursor_of(in, len);
	size_t entry = version == 1 ? V1_ENTRY_BYTES : KEYRING_ENTRY_BYTES;
	unsigned actives = 0;
	const uint8_t *hash_key;
	bool zero;
	size_t i;
	int rc;

	k->nkeys = cursor_u16(&c);
	if (version == 1)
		k->active = cursor_u16(&c);
	zero = take_zeroes(&c, version == 1 ? 4 : 6);
	hash_key = cursor_bytes(&c, sizeof k->hash_key);
	if (!hash_key || !zero || k->nkeys < 1 || k->nkeys > KEYRING_KEYS_MAX ||
		len != KEYRING_HEAD_BYTES + entry * k->nkeys)
		return -EBADMSG;
	memcpy(k->hash_key, hash_key, sizeof k->hash_key);
	for (i = 0; i < k->nkeys; i++) {
		rc = version == 1 ? v1_entry_decode(k, &c, &k->keys[i], &actives)
						  : entry_decode(k, &c, &k->keys[i], &actives);
		if (rc)
			return rc;
	}
	return actives == 1 ? 0 : -EBADMSG;
}

int keyring_decode(struct keyring **out, int version, const uint8_t *in, size_t len)
{
	struct keyring *k = keyring_alloc();
	int rc;

	if (!k)
		return -ENOMEM;
	rc = decode(k, version, in, len);
	if (rc) {
		keyring_destroy(k);
		return rc;
	}
	*out = k;
	return 0;
}
