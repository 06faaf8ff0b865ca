/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keyring.h - the data keys and the hash key, in memory. keyfile.h has the file.
 *
 * A keyring has up to 4,096 data keys, each with an id of 16 bits that is never given
 * out twice, and one hash key. The hash key is separate and never rotated, because the
 * hashes of all rows ever written must stay comparable; it must be equal on all nodes.
 *
 *     add          rotate            retire / rotate        destroy
 *      └──> READY ─────────> ACTIVE ─────────────────> RETIRED ──────> DESTROYED
 *             └───────────────────── retire ──────────────┴─┘
 *
 * One key is ACTIVE: values are encrypted under it. READY and RETIRED keys only decrypt;
 * a READY one is there so that all nodes have it before the first encrypts under it. Of
 * a DESTROYED key the id and the times are left.
 *
 * Each key belongs to a domain: that of a tenant, or of a column. Domain 0, "default", has an
 * active key at all times. Another one has a name, and one active key or none: none before it
 * is rotated to, and when it was destroyed with all of its keys.
 *
 * Rules
 *   - A keyring lies in locked memory that core dumps leave out (sodium_malloc). What
 *     keyfile_load() returned is read-only and may be shared by threads.
 *   - The functions that change one are for keyfile_change(). On an error the keyring
 *     is unchanged.
 *   - `why` may be NULL; else it gets a sentence saying what to do, on every failure.
 */
#ifndef COMMON_KEYRING_H
#define COMMON_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum {
	KEYRING_KEYS_MAX = 4096,
	KEYRING_KEY_BYTES = 32,
	KEYRING_HASH_KEY_BYTES = 16,
	KEYRING_PRF_BYTES = 16,
	KEYRING_HEAD_BYTES = 24,
	KEYRING_ENTRY_BYTES = 56,
	KEYRING_DOMAINS = 1025, /* the default one included */
	KEYRING_DOMAIN_NAME = 20,
	KEYRING_NAME_BYTES = 24,
	KEYRING_BYTES_MAX = KEYRING_HEAD_BYTES + KEYRING_ENTRY_BYTES * KEYRING_KEYS_MAX +
		KEYRING_NAME_BYTES * (KEYRING_DOMAINS - 1),
};

enum key_state { KEY_NONE, KEY_ACTIVE, KEY_READY, KEY_RETIRED, KEY_DESTROYED };

/* What anybody may know of a data key. */
struct key_info {
	uint64_t created_s; /* Unix seconds */
	uint64_t changed_s; /* when it got its state */
	uint16_t id;
	uint16_t domain;
	enum key_state state;
};

struct keyring;

/* ---- life ---- */

/* keyring_create - a hash key and an active data key, id 1, both drawn now. NULL: no
 * memory. */
struct keyring *keyring_create(void);

/* keyring_destroy - wipe and free; NULL is fine. */
void keyring_destroy(struct keyring *k);

/* ---- changes ---- */

/*
 * keyring_add_key - draw a data key; it is READY.
 *
 *   domain   its name, NULL: the default one. A domain that is not there is made
 *
 * Returns 0; -EMSGSIZE when all 4,096 places, all ids or all domains are taken; -EINVAL when
 * that is no name: a letter, then up to 19 letters, digits or "_-.".
 */
MUST_CHECK int keyring_add_key(
	struct keyring *k, const char *domain, uint16_t *id, struct err_text *why);

/*
 * keyring_rotate - make a key the active one of its domain, and retire the one before.
 *
 *   domain   NULL: that of the key, or the default one
 *   id       in: a READY key's, or 0: the domain's newest READY one, or one that is drawn now
 *            when there is none; out: which it was
 *
 * Returns 0; -EINVAL when there is no such key or domain, or it is not READY; -EMSGSIZE as above.
 */
MUST_CHECK int keyring_rotate(
	struct keyring *k, const char *domain, uint16_t *id, struct err_text *why);

/* keyring_retire - a READY key is not to become active. 0, or -EINVAL for any other. */
MUST_CHECK int keyring_retire(struct keyring *k, uint16_t id, struct err_text *why);

/* keyring_destroy_key - wipe a READY or RETIRED key. 0, or -EINVAL for any other. */
MUST_CHECK int keyring_destroy_key(struct keyring *k, uint16_t id, struct err_text *why);

/* keyring_destroy_domain - wipe all keys of a domain, the active one too. Its name stays. 0, or
 * -EINVAL: there is none of that name, or it is the default one. */
MUST_CHECK int keyring_destroy_domain(struct keyring *k, const char *domain, struct err_text *why);

/* ---- questions ---- */

/* keyring_active - the id of the key that new values of the default domain are encrypted under. */
uint16_t keyring_active(const struct keyring *k);

/* keyring_active_in - the same of any domain; 0: it has none. */
uint16_t keyring_active_in(const struct keyring *k, unsigned domain);

/* keyring_domains - how many there are, the default one included: 1 .. KEYRING_DOMAINS. */
unsigned keyring_domains(const struct keyring *k);

/* keyring_domain - the domain of that name, keyring_domains() when there is none. */
unsigned keyring_domain(const struct keyring *k, const char *name);

/* keyring_domain_name - owned by the keyring; `domain` is below keyring_domains(). */
const char *keyring_domain_name(const struct keyring *k, unsigned domain);

/* keyring_domain_of - a key's; 0 when there is no key of that id. */
unsigned keyring_domain_of(const struct keyring *k, uint16_t id);

/* keyring_name_valid - could a domain have that name? */
bool keyring_name_valid(const char *name);

/* keyring_data_key - the key's 32 bytes, owned by the keyring; NULL when it has no key of
 * that id or it is destroyed. */
const uint8_t *keyring_data_key(const struct keyring *k, uint16_t id);

/* keyring_info - of one key; state KEY_NONE when there never was one. */
struct key_info keyring_info(const struct keyring *k, uint16_t id);

/* keyring_list - call each(arg, ...) once per data key, ids ascending. */
void keyring_list(const struct keyring *k,
	void (*each)(void *arg, const struct key_info *key), void *arg);

/*
 * keyring_prf - keyed hash of `in` under the hash key, for SQL hash functions.
 *
 * SipHash-2-4, 128 bits. The caller makes families (integers, text, ...) distinct by
 * their first byte. Equal input gives equal output on every node with this hash key.
 */
void keyring_prf(uint8_t out[KEYRING_PRF_BYTES], const struct keyring *k, const void *in,
	size_t n);

/*
 * ---- bytes, little-endian: what a key file of version 2, 3 or 4 seals ----
 *
 *     0   number of data keys, 1 .. 4096           2
 *     2   number of named domains, n               2   version 2: zero
 *     4   zero                                     4
 *     8   hash key                                16
 *    24   per data key, ids ascending:            56 each
 *           id 2 (never 0), state 1 (1 .. 4, as above), domain 2 (0 .. n), zero 3,
 *           created 8, changed 8 (Unix seconds), key 32 (zero when destroyed)
 *   end   per named domain: its name, and zeroes  24 each
 *
 * and of version 1: number of keys 2, id of the active one 2, zero 4, hash key 16, and
 * per key id 2, zero 6, created 8, key 32.
 */

/* keyring_version - which one keyring_encode() makes: 2, 3 where there are named domains, 4 where
 * there are more than 63 of them or more than 1,024 keys: so that programs that know no such thing
 * say so. */
int keyring_version(const struct keyring *k);

/* keyring_encode - to KEYRING_BYTES_MAX bytes at `out`, which gets secrets. The length. */
size_t keyring_encode(const struct keyring *k, uint8_t *out);

/* keyring_decode - from those bytes, of version 1 .. 4. 0, -ENOMEM, or -EBADMSG: no keyring
 * looks like that. */
MUST_CHECK int keyring_decode(
	struct keyring **out, int version, const uint8_t *in, size_t len);

/* keyring_freeze - nobody is to change it any more. */
void keyring_freeze(struct keyring *k);

#endif
