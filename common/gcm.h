/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcm.h - AES-256-GCM from three libraries behind one table.
 *
 * There is no cryptography here: each backend is a thin adapter, and the table is
 * what lets one program use the fastest one that this build and this CPU have.
 *
 *   ipsec-mb   needs AES-NI and a build with IPSEC_MB=yes; fastest for short values
 *   libsodium  needs AES-NI; opens in two passes, as it knows whole tags only
 *   mbedtls    runs everywhere; without AES-NI its AES uses tables, so it is neither
 *              fast nor free of cache timing there
 *
 * Rules
 *   - gcm_select() once at start, before threads share its result; the backend it
 *     returns is constant and may then be used from any number of threads at once.
 *   - A struct gcm_key is read-only after key_init() and may be shared by threads.
 *     It holds secrets: place it in locked memory and end it with key_wipe(). It may
 *     be moved by assignment, provided that only one of the copies is used and wiped.
 *   - key_init() may allocate (mbedtls does); seal() and open() never do.
 *   - src and dst are private memory. libsodium reads the ciphertext twice: a peer
 *     that can write it meanwhile would get its change authenticated.
 *   - seal() works in place (dst == src); open() does not, and dst and src must not
 *     overlap otherwise.
 *   - A nonce must never repeat under one key; value.h shows who sees to that.
 */
#ifndef COMMON_GCM_H
#define COMMON_GCM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum {
	GCM_SECRET_BYTES = 32,
	GCM_NONCE_BYTES = 12,
	GCM_TAG_BYTES = 12, /* of GCM's 16; docs/values.md says why that is enough */
	GCM_KEY_BYTES = 1024,  /* the largest schedule, ipsec-mb's; each file asserts */
	GCM_STREAM_BYTES = 448, /* the largest state, mbedtls's */
	GCM_LEN_MAX = 1 << 30, /* of one message; NIST's limit is 2^36 - 32 */
};

/* An expanded key of whichever backend made it. */
struct gcm_key {
	uint8_t opaque[GCM_KEY_BYTES];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct gcm_key) == GCM_KEY_BYTES, "gcm_key has no padding");

/* A message that is sealed in pieces. Secret as a key is; wiped by the caller. */
struct gcm_stream {
	uint8_t opaque[GCM_STREAM_BYTES];
	const struct gcm_key *key; /* the caller's */
} __attribute__((aligned(64)));

struct gcm_backend {
	const char *name;

	/* Whether this CPU can run it; prepares the library on the first call. */
	bool (*usable)(void);

	/* 0, or -ENOMEM when the library could not allocate; key is then wiped. */
	MUST_CHECK int (*key_init)(
		struct gcm_key *key, const uint8_t secret[GCM_SECRET_BYTES]);
	void (*key_wipe)(struct gcm_key *key);

	/* Writes len bytes to dst and the tag's first 12 to tag. 0, or -EMSGSIZE over GCM_LEN_MAX. */
	MUST_CHECK int (*seal)(const struct gcm_key *key, uint8_t *dst,
		uint8_t tag[GCM_TAG_BYTES], const uint8_t *src, size_t len, const uint8_t *aad,
		size_t aad_len, const uint8_t nonce[GCM_NONCE_BYTES]);

	/* Writes len bytes to dst. 0, -EMSGSIZE (dst untouched), or -EBADMSG when the
	 * tag, the nonce or the data are not what was sealed; dst then holds zeroes. */
	MUST_CHECK int (*open)(const struct gcm_key *key, uint8_t *dst, const uint8_t *src,
		size_t len, const uint8_t tag[GCM_TAG_BYTES], const uint8_t *aad,
		size_t aad_len, const uint8_t nonce[GCM_NONCE_BYTES]);

	/* seal() of a message in pieces, each but the last a multiple of 16 bytes long, for
	 * who has it in several places. All three are NULL of a backend that takes messages
	 * whole (libsodium). 0, or -EINVAL when the library is broken. */
	MUST_CHECK int (*begin)(struct gcm_stream *s, const struct gcm_key *key,
		const uint8_t *aad, size_t aad_len, const uint8_t nonce[GCM_NONCE_BYTES]);
	MUST_CHECK int (*update)(
		struct gcm_stream *s, uint8_t *dst, const uint8_t *src, size_t len);
	MUST_CHECK int (*finish)(struct gcm_stream *s, uint8_t tag[GCM_TAG_BYTES]);
};

/*
 * gcm_select - the backend to use.
 *
 *   name   "ipsec-mb", "libsodium" or "mbedtls"; NULL for the first that is usable
 *
 * Returns NULL when `name` is unknown, left out of this build, or not usable on this
 * CPU; never NULL for a NULL name.
 */
const struct gcm_backend *gcm_select(const char *name);

#endif
