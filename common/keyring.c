/* SPDX-License-Identifier: BSD-3-Clause */
#include "keyring.h"

#include "cursor.h"
#include "entropy.h"

#include <sodium.h>

#include <string.h>
#include <time.h>

enum { V1_ENTRY_BYTES = 48, V3_DOMAINS = 64, V3_KEYS = 1024 /* of programs before 4 */ };

static const char default_name[] = "default";

struct data_key {
	uint8_t key[KEYRING_KEY_BYTES];
	struct key_info info;
};

/* Allocated by sodium_malloc(): locked, left out of core dumps, between guard pages. */
struct keyring {
	uint8_t hash_key[KEYRING_HASH_KEY_BYTES];
	size_t nkeys;
	size_t ndomains;                  /* with the default one */
	uint16_t active[KEYRING_DOMAINS]; /* 0: none */
	char name[KEYRING_DOMAINS][KEYRING_NAME_BYTES];
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
	if (k) {
		memset(k, 0, sizeof *k);
		k->ndomains = 1;
		strcpy(k->name[0], default_name);
	}
	return k;
}

/* Caller checked that there is room and that `id` is above all others. */
static void draw_key(struct keyring *k, unsigned domain, uint16_t id, enum key_state state)
{
	struct data_key *d = &k->keys[k->nkeys++];

	entropy_fill(d->key, sizeof d->key);
	d->info.created_s = now_s();
	d->info.id = id;
	d->info.domain = (uint16_t)domain;
	set_state(d, state);
	if (state == KEY_ACTIVE)
		k->active[domain] = id;
}

struct keyring *keyring_create(void)
{
	struct keyring *k = keyring_alloc();

	if (k) {
		entropy_fill(k->hash_key, sizeof k->hash_key);
		draw_key(k, 0, 1, KEY_ACTIVE);
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

/* The domain, made if it is not there; or what keyring_add_key() returns. */
static int need_domain(struct keyring *k, const char *name, struct err_text *why)
{
	unsigned d = keyring_domain(k, name);

	if (d < k->ndomains)
		return (int)d;
	if (!keyring_name_valid(name)) {
		err_set(why, "\"%s\" is no name of a domain: a letter, then up to %d letters, digits or _-.",
			name, KEYRING_DOMAIN_NAME - 1);
		return -EINVAL;
	}
	if (k->ndomains == KEYRING_DOMAINS) {
		err_set(why, "the keyring is full: it has %d domains", KEYRING_DOMAINS);
		return -EMSGSIZE;
	}
	strcpy(k->name[k->ndomains], name);
	return (int)k->ndomains++;
}

/* Caller checked that there is room. */
static uint16_t add_ready(struct keyring *k, unsigned domain)
{
	uint16_t id = (uint16_t)(k->keys[k->nkeys - 1].info.id + 1);

	draw_key(k, domain, id, KEY_READY);
	return id;
}

static int check_room(const struct keyring *k, struct err_text *why)
{
	uint16_t last = k->keys[k->nkeys - 1].info.id;

	if (k->nkeys < KEYRING_KEYS_MAX && last < UINT16_MAX)
		return 0;
	err_set(why, "the keyring is full: it holds %zu keys, the last id is %u", k->nkeys,
		(unsigned)last);
	return -EMSGSIZE;
}

int keyring_add_key(struct keyring *k, const char *domain, uint16_t *id, struct err_text *why)
{
	int rc = check_room(k, why), d;

	if (rc)
		return rc;
	d = need_domain(k, domain ? domain : default_name, why);
	if (d < 0)
		return d;
	*id = add_ready(k, (unsigned)d);
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

static int unknown_domain(const char *name, struct err_text *why)
{
	err_set(why, "the keyring has no domain \"%s\": key add makes one, by its first key", name);
	return -EINVAL;
}

/* The newest READY key of a domain; 0: it has none. */
static uint16_t newest_ready(const struct keyring *k, unsigned domain)
{
	size_t i;

	for (i = k->nkeys; i-- > 0;)
		if (k->keys[i].info.state == KEY_READY && k->keys[i].info.domain == domain)
			return k->keys[i].info.id;
	return 0;
}

static void activate(struct keyring *k, struct data_key *next)
{
	uint16_t *active = &k->active[next->info.domain];

	if (*active)
		set_state(find_to_change(k, *active), KEY_RETIRED);
	set_state(next, KEY_ACTIVE);
	*active = next->info.id;
}

int keyring_rotate(struct keyring *k, const char *domain, uint16_t *id, struct err_text *why)
{
	unsigned d = keyring_domain(k, domain ? domain : default_name);
	struct data_key *next;
	uint16_t which = *id;
	int rc;

	if (d == k->ndomains)
		return unknown_domain(domain, why);
	if (which == 0)
		which = newest_ready(k, d);
	if (which == 0) {
		rc = check_room(k, why);
		if (rc)
			return rc;
		which = add_ready(k, d);
	}
	next = key_in(k, which, 1 << KEY_READY, ": only a ready key becomes active", why);
	if (!next)
		return -EINVAL;
	if (domain && next->info.domain != d) {
		err_set(why, "key %u is of domain %s", (unsigned)which, k->name[next->info.domain]);
		return -EINVAL;
	}
	activate(k, next);
	*id = which;
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

static void wipe_key(struct data_key *d)
{
	sodium_memzero(d->key, sizeof d->key);
	set_state(d, KEY_DESTROYED);
}

int keyring_destroy_key(struct keyring *k, uint16_t id, struct err_text *why)
{
	struct data_key *d = key_in(k, id, 1 << KEY_READY | 1 << KEY_RETIRED,
		": rotate first, so that another key is", why);

	if (!d)
		return -EINVAL;
	wipe_key(d);
	return 0;
}

int keyring_destroy_domain(struct keyring *k, const char *domain, struct err_text *why)
{
	unsigned d = keyring_domain(k, domain);
	size_t i;

	if (d == k->ndomains)
		return unknown_domain(domain, why);
	if (d == 0) {
		err_set(why, "the default domain stays: destroy its keys one by one, or the key file");
		return -EINVAL;
	}
	for (i = 0; i < k->nkeys; i++)
		if (k->keys[i].info.domain == d && k->keys[i].info.state != KEY_DESTROYED)
			wipe_key(&k->keys[i]);
	k->active[d] = 0;
	return 0;
}

/* ---- questions ---- */

uint16_t keyring_active(const struct keyring *k)
{
	return k->active[0];
}

uint16_t keyring_active_in(const struct keyring *k, unsigned domain)
{
	return domain < k->ndomains ? k->active[domain] : 0;
}

unsigned keyring_domains(const struct keyring *k)
{
	return (unsigned)k->ndomains;
}

unsigned keyring_domain(const struct keyring *k, const char *name)
{
	unsigned d;

	for (d = 0; d < k->ndomains && strcmp(k->name[d], name) != 0; d++)
		;
	return d;
}

const char *keyring_domain_name(const struct keyring *k, unsigned domain)
{
	return k->name[domain];
}

unsigned keyring_domain_of(const struct keyring *k, uint16_t id)
{
	const struct data_key *d = find(k, id);

	return d ? d->info.domain : 0;
}

/* It begins with a letter, so that it is never taken for a key's id. */
bool keyring_name_valid(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.0123456789";
	size_t n = strlen(name);

	return n > 0 && n <= KEYRING_DOMAIN_NAME && strspn(name, letters) == n &&
		strspn(name, "_-.0123456789") == 0 && strcmp(name, default_name) != 0;
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

int keyring_version(const struct keyring *k)
{
	return k->ndomains > V3_DOMAINS || k->nkeys > V3_KEYS ? 4 : k->ndomains > 1 ? 3 : 2;
}

size_t keyring_encode(const struct keyring *k, uint8_t *out)
{
	struct writer w = writer_of(out, KEYRING_BYTES_MAX);
	size_t i;

	writer_u64(&w, k->nkeys | (uint64_t)(k->ndomains - 1) << 16); /* 2 bytes, 2, and zeroes */
	writer_bytes(&w, k->hash_key, sizeof k->hash_key);
	for (i = 0; i < k->nkeys; i++) {
		const struct data_key *d = &k->keys[i];

		writer_u64(&w, d->info.id | (uint64_t)d->info.state << 16 |
			(uint64_t)d->info.domain << 24); /* and zeroes */
		writer_u64(&w, d->info.created_s);
		writer_u64(&w, d->info.changed_s);
		writer_bytes(&w, d->key, KEYRING_KEY_BYTES);
	}
	for (i = 1; i < k->ndomains; i++)
		writer_bytes(&w, k->name[i], KEYRING_NAME_BYTES);
	return KEYRING_BYTES_MAX - w.left;
}

static bool take_zeroes(struct cursor *c, size_t n)
{
	const uint8_t *at = cursor_bytes(c, n);

	return at && sodium_is_zero(at, n);
}

static int entry_decode(struct keyring *k, struct cursor *c, struct data_key *d)
{
	uint16_t before = d == k->keys ? 0 : d[-1].info.id;
	const uint8_t *key;
	bool zero;

	d->info.id = cursor_u16(c);
	d->info.state = (enum key_state)cursor_u8(c);
	d->info.domain = cursor_u16(c);
	zero = take_zeroes(c, 3);
	d->info.created_s = cursor_u64(c);
	d->info.changed_s = cursor_u64(c);
	key = cursor_bytes(c, KEYRING_KEY_BYTES);
	/* Ascending from above 0: no id twice, and none is 0. */
	if (!key || !zero || d->info.id <= before || d->info.state < KEY_ACTIVE ||
		d->info.state > KEY_DESTROYED || d->info.domain >= k->ndomains)
		return -EBADMSG;
	/* A key of zeroes is one that was lost, not one that was drawn. */
	if (sodium_is_zero(key, KEYRING_KEY_BYTES) != (d->info.state == KEY_DESTROYED))
		return -EBADMSG;
	memcpy(d->key, key, KEYRING_KEY_BYTES);
	if (d->info.state == KEY_ACTIVE) {
		if (k->active[d->info.domain])
			return -EBADMSG;
		k->active[d->info.domain] = d->info.id;
	}
	return 0;
}

static int v1_entry_decode(
	struct keyring *k, struct cursor *c, struct data_key *d, uint16_t active)
{
	uint16_t before = d == k->keys ? 0 : d[-1].info.id;
	const uint8_t *key;
	bool zero;

	d->info.id = cursor_u16(c);
	zero = take_zeroes(c, 6);
	d->info.created_s = cursor_u64(c);
	d->info.changed_s = d->info.created_s;
	d->info.state = d->info.id == active ? KEY_ACTIVE : KEY_RETIRED;
	key = cursor_bytes(c, KEYRING_KEY_BYTES);
	if (!key || !zero || d->info.id <= before)
		return -EBADMSG;
	memcpy(d->key, key, KEYRING_KEY_BYTES);
	if (d->info.state == KEY_ACTIVE)
		k->active[0] = active;
	return 0;
}

/* Names, each another one, and padded with zeroes. */
static int names_decode(struct keyring *k, struct cursor *c)
{
	size_t i, n;

	for (i = 1; i < k->ndomains; i++) {
		const uint8_t *at = cursor_bytes(c, KEYRING_NAME_BYTES);

		if (!at || at[KEYRING_DOMAIN_NAME])
			return -EBADMSG;
		n = strlen((const char *)at);
		if (!sodium_is_zero(at + n, KEYRING_NAME_BYTES - n) ||
			!keyring_name_valid((const char *)at) || keyring_domain(k, (const char *)at) < i)
			return -EBADMSG;
		memcpy(k->name[i], at, KEYRING_NAME_BYTES);
	}
	return 0;
}

static int decode(struct keyring *k, int version, const uint8_t *in, size_t len)
{
	struct cursor c = cursor_of(in, len);
	size_t entry = version == 1 ? V1_ENTRY_BYTES : KEYRING_ENTRY_BYTES;
	uint16_t v1_active = 0;
	const uint8_t *hash_key;
	bool zero;
	size_t i;
	int rc;

	k->nkeys = cursor_u16(&c);
	if (version == 1)
		v1_active = cursor_u16(&c);
	else
		k->ndomains += cursor_u16(&c);
	zero = take_zeroes(&c, 4);
	hash_key = cursor_bytes(&c, sizeof k->hash_key);
	if (!hash_key || !zero || k->nkeys < 1 || k->nkeys > KEYRING_KEYS_MAX ||
		k->ndomains > KEYRING_DOMAINS || (version > 1 && version != keyring_version(k)) ||
		len != KEYRING_HEAD_BYTES + entry * k->nkeys + KEYRING_NAME_BYTES * (k->ndomains - 1))
		return -EBADMSG;
	memcpy(k->hash_key, hash_key, sizeof k->hash_key);
	for (i = 0; i < k->nkeys; i++) {
		rc = version == 1 ? v1_entry_decode(k, &c, &k->keys[i], v1_active)
						  : entry_decode(k, &c, &k->keys[i]);
		if (rc)
			return rc;
	}
	return k->active[0] ? names_decode(k, &c) : -EBADMSG;
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
