/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * value.h - the encrypted value: what a column of an encrypted type stores.
 *
 *     0 ┌──────────────────┐
 *       │ 10, made, type   │ 1   format (2 bits, always 2); 1 bit: computed by a session
 *       │                  │     that proved nothing; type (5 bits, 1 .. 31)
 *     1 ├──────────────────┤
 *       │ key id           │ 2   data key; never 0
 *     3 ├──────────────────┤
 *       │ incarnation      │ 8   random; names the subkey
 *    11 ├──────────────────┤
 *       │ counter          │ 5   never twice in one incarnation
 *    16 ├──────────────────┤
 *       │ ciphertext       │ n   as long as the plaintext
 *  16+n ├──────────────────┤
 *       │ tag              │ 12
 *  28+n └──────────────────┘
 *
 * AES-256-GCM under the subkey KDF(data key, incarnation); bytes 0-15 are the
 * associated data, bytes 4-15 the nonce. docs/values.md justifies each byte and the
 * nonce argument. Integers are little-endian.
 *
 * Nonces. A sealer draws a random incarnation, so it has a subkey of its own, and
 * counts up under it; it draws anew when the counter is used up, in the child after
 * fork(), and where this machine turns out to be a copy (life.h). A restart draws
 * anew because sealers live in memory only.
 *
 * Rules
 *   - A sealer and an opener belong to one thread each. They hold expanded keys: the
 *     caller gives them locked memory (sodium_malloc() or mlock), and ends them with
 *     _fini, which wipes. An opener is about 264 KiB. Both point to the keyring, which
 *     has to stay.
 *   - Arguments are private memory: a peer that could write them while the cipher reads
 *     could have a change of its own authenticated, or one value read as another. Only
 *     `out` of value_seal*() may be shared, as long as n <= VALUE_COPY_MAX: the value is
 *     made elsewhere and then copied there.
 *   - `in` and `out`, `plain` and `out` do not overlap.
 *   - What is authenticated is type, how it was made, key and content. Row and column are not: who can
 *     write the table can move a value to another row of the same type, or bring an
 *     old one back.
 *
 * value_seal_column() does what value_seal() does, `count` times, in little more than
 * half the time (int4 with ipsec-mb: 25 ns instead of 41): it writes a block of headers
 * well before the cipher reads them. A load of bytes that were just stored in other
 * pieces has to wait for the stores. So whoever has to copy a value out of shared memory
 * before value_open() does so early: 26 ns then, 43 right before.
 */
#ifndef COMMON_VALUE_H
#define COMMON_VALUE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gcm.h"
#include "life.h"
#include "keyring.h"

enum {
	VALUE_FORMAT = 2, /* 1 was the same with a tag of 16 bytes */
	VALUE_KIND_MAX = 63, /* the byte's low bits: a type, and VALUE_COMPUTED or not */
	VALUE_TYPE_MAX = 31,
	VALUE_COMPUTED = 32, /* or-ed to the type: made by a session that proved nothing */
	VALUE_HEAD_BYTES = 16,
	VALUE_NONCE_OFF = VALUE_HEAD_BYTES - GCM_NONCE_BYTES,
	VALUE_OVERHEAD = VALUE_HEAD_BYTES + GCM_TAG_BYTES,
	VALUE_LEN_MAX = GCM_LEN_MAX - 2 * VALUE_OVERHEAD, /* of the plaintext */
	VALUE_COPY_MAX = 256, /* plaintext bytes up to which sealing into shared memory is fine */
	VALUE_CACHE_SETS = 64,
	VALUE_CACHE_WAYS = 4,
	VALUE_CACHE_SLOTS = VALUE_CACHE_SETS * VALUE_CACHE_WAYS,
};

#define VALUE_COUNTER_BITS 40
#define VALUE_COUNTER_MASK ((UINT64_C(1) << VALUE_COUNTER_BITS) - 1)

struct value_header {
	uint64_t incarnation;
	uint64_t counter;
	size_t len; /* of the plaintext */
	uint16_t key_id;
	uint8_t type;
	bool computed;
};

/* value_size - bytes of the value that holds n bytes; n is at most VALUE_LEN_MAX. */
static inline size_t value_size(size_t n)
{
	return n + VALUE_OVERHEAD;
}

/*
 * value_header_parse - what a value says about itself; nothing of it is verified.
 *
 * Returns 0, or -EPROTO (h unchanged) when in_len is impossible, the format is not
 * VALUE_FORMAT, or type or key id is 0 (that key id marks an opener's empty slots).
 */
MUST_CHECK static inline int value_header_parse(
	const void *in, size_t in_len, struct value_header *h)
{
	uint64_t w[2];

	if (in_len < VALUE_OVERHEAD || in_len - VALUE_OVERHEAD > VALUE_LEN_MAX)
		return -EPROTO;
	memcpy(w, in, sizeof w);
	if ((w[0] >> 6 & 3) != VALUE_FORMAT || (w[0] & VALUE_TYPE_MAX) == 0 ||
		(uint16_t)(w[0] >> 8) == 0)
		return -EPROTO;
	h->type = w[0] & VALUE_TYPE_MAX;
	h->computed = w[0] & VALUE_COMPUTED;
	h->key_id = (uint16_t)(w[0] >> 8);
	h->incarnation = w[0] >> 24 | w[1] << 40;
	h->counter = w[1] >> 24;
	h->len = in_len - VALUE_OVERHEAD;
	return 0;
}

/* ---- sealing ---- */

struct value_sealer {
	struct gcm_key key;
	uint8_t next[VALUE_HEAD_BYTES] __attribute__((aligned(16))); /* header to come */
	const struct gcm_backend *gcm;
	const struct keyring *keys;
	uint64_t incarnation;
	uint64_t counter; /* of `next` */
	uint64_t left;	  /* values until the next incarnation */
	struct life life; /* that it was drawn in */
	uint16_t key_id;
	uint16_t domain;
};

/*
 * value_sealer_init - draw an incarnation under the active key of the default domain.
 *
 * Returns 0, or -ENOMEM when the backend could not allocate; s then needs no _fini.
 */
MUST_CHECK int value_sealer_init(
	struct value_sealer *s, const struct gcm_backend *gcm, const struct keyring *keys);

/* value_sealer_init_in - the same for a domain of the keyring. Also -ENOKEY: it has no active
 * key. */
MUST_CHECK int value_sealer_init_in(struct value_sealer *s, const struct gcm_backend *gcm,
	const struct keyring *keys, unsigned domain);
void value_sealer_fini(struct value_sealer *s);

/* value_sealer_renew - draw a new incarnation now. Sealing does so itself when the counter is
 * used up, and in a child or a copy. 0 or -ENOMEM; the sealer then tries again before it seals anything. */
MUST_CHECK int value_sealer_renew(struct value_sealer *s);

/*
 * value_seal - encrypt n bytes into value_size(n) bytes at out.
 *
 *   type   1 .. VALUE_TYPE_MAX, or that with VALUE_COMPUTED
 *
 * Only ciphertext ever reaches out. Returns 0, -EINVAL for another type,
 * -EMSGSIZE when n is above VALUE_LEN_MAX, -ENOMEM when a new incarnation was due and
 * could not be made; out is then unchanged.
 */
MUST_CHECK int value_seal(
	struct value_sealer *s, uint8_t type, const void *plain, size_t n, uint8_t *out);

/*
 * value_seal_column - `count` plaintexts of n bytes each, side by side, to values side
 * by side. Returns as value_seal(); on an error the first few may have been written.
 */
MUST_CHECK int value_seal_column(struct value_sealer *s, uint8_t type,
	const void *plain, size_t n, size_t count, uint8_t *out);

/* ---- opening ---- */

/* Expanded subkeys, found by (key id, incarnation): 64 sets of 4, the least recently
 * used of a set makes room. Only a value that proved authentic gets a place, so forged
 * ones evict nothing. */
struct value_opener {
	struct gcm_key spare; /* being tried for a value that is not proven yet */
	struct gcm_key key[VALUE_CACHE_SLOTS];
	struct value_slot {
		uint64_t incarnation;
		uint64_t used;
		uint64_t key_id; /* 0: empty; a header never says 0 */
	} slot[VALUE_CACHE_SLOTS];
	const struct gcm_backend *gcm;
	const struct keyring *keys;
	uint64_t clock;
	uint64_t misses; /* subkeys derived so far; for statistics */
	uint32_t last;	 /* slot of the value before */
};

/* value_opener_init - an empty cache. Cannot fail. */
void value_opener_init(
	struct value_opener *o, const struct gcm_backend *gcm, const struct keyring *keys);
void value_opener_fini(struct value_opener *o);

/*
 * value_open - verify and decrypt one value, whoever made it (VALUE_COMPUTED).
 *
 *   want_type   the type that the caller is about to treat it as
 *   out         out_cap private bytes
 *   out_len     out: bytes written; unchanged on error
 *
 * Returns 0;
 *   -EPROTO    not a value: length, format, type 0 or key id 0
 *   -EINVAL    a value of another type
 *   -EMSGSIZE  the plaintext is longer than out_cap
 *   -ENOKEY    the keyring has no key of that id
 *   -EKEYREVOKED  it had one, which was destroyed
 *   -ENOMEM    the backend could not allocate for a new subkey
 *   -EBADMSG   forged, damaged or under another key; out then holds zeroes
 * On the others out is unchanged.
 */
MUST_CHECK int value_open(struct value_opener *o, uint8_t want_type, const void *in,
	size_t in_len, void *out, size_t out_cap, size_t *out_len);

#endif
