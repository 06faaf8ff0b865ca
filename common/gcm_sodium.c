/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcm_sodium.c - gcm.h over libsodium's AES-256-GCM with a precomputed key.
 *
 * libsodium verifies tags of 16 bytes only. Opening a value with a shorter one goes by
 * sealing twice: GCM's cipher is its own inverse, so sealing the ciphertext gives the
 * plaintext, and sealing that gives the tag that the value must have.
 */
#include "gcm.h"

#include <sodium.h>

#include <string.h>

_Static_assert(
	sizeof(crypto_aead_aes256gcm_state) <= GCM_KEY_BYTES, "gcm_key is too small");
_Static_assert(GCM_NONCE_BYTES == crypto_aead_aes256gcm_NPUBBYTES, "nonce");
_Static_assert(GCM_TAG_BYTES <= crypto_aead_aes256gcm_ABYTES, "tag");

enum { SHORT_BYTES = 256 }; /* that are sealed again beside themselves */

extern const struct gcm_backend gcm_sodium;

static bool gcm_sodium_usable(void)
{
	return sodium_init() >= 0 && crypto_aead_aes256gcm_is_available();
}

static int gcm_sodium_key_init(
	struct gcm_key *key, const uint8_t secret[GCM_SECRET_BYTES])
{
	crypto_aead_aes256gcm_beforenm((crypto_aead_aes256gcm_state *)key->opaque, secret);
	return 0;
}

static void gcm_sodium_key_wipe(struct gcm_key *key)
{
	sodium_memzero(key, sizeof *key);
}

/* All of GCM's tag; dst may be src. */
static void seal_whole(const struct gcm_key *key, uint8_t *dst,
	uint8_t tag[crypto_aead_aes256gcm_ABYTES], const uint8_t *src, size_t len,
	const uint8_t *aad, size_t aad_len, const uint8_t nonce[GCM_NONCE_BYTES])
{
	crypto_aead_aes256gcm_encrypt_detached_afternm(dst, tag, NULL, src, len, aad,
		aad_len, NULL, nonce, (const crypto_aead_aes256gcm_state *)key->opaque);
}

static int gcm_sodium_seal(const struct gcm_key *key, uint8_t *dst,
	uint8_t tag[GCM_TAG_BYTES], const uint8_t *src, size_t len, const uint8_t *aad,
	size_t aad_len, const uint8_t nonce[GCM_NONCE_BYTES])
{
	uint8_t whole[crypto_aead_aes256gcm_ABYTES];

	if (len > GCM_LEN_MAX)
		return -EMSGSIZE;
	seal_whole(key, dst, whole, src, len, aad, aad_len, nonce);
	memcpy(tag, whole, GCM_TAG_BYTES);
	return 0;
}

static int gcm_sodium_open(const struct gcm_key *key, uint8_t *dst, const uint8_t *src,
	size_t len, const uint8_t tag[GCM_TAG_BYTES], const uint8_t *aad, size_t aad_len,
	const uint8_t nonce[GCM_NONCE_BYTES])
{
	uint8_t whole[crypto_aead_aes256gcm_ABYTES], scratch[SHORT_BYTES];
	uint8_t *again = len <= sizeof scratch ? scratch : dst;
	bool good;

	if (len > GCM_LEN_MAX)
		return -EMSGSIZE;
	seal_whole(key, dst, whole, src, len, aad, aad_len, nonce);
	seal_whole(key, again, whole, dst, len, aad, aad_len, nonce);
	good = sodium_memcmp(whole, tag, GCM_TAG_BYTES) == 0;
	if (good && again == dst) /* back to ciphertext: once more */
		seal_whole(key, dst, whole, src, len, aad, aad_len, nonce);
	if (good)
		return 0;
	/* A valid tag for what the caller brought: it must not linger. */
	sodium_memzero(whole, sizeof whole);
	sodium_memzero(dst, len);
	return -EBADMSG;
}

const struct gcm_backend gcm_sodium = {
	.name = "libsodium",
	.usable = gcm_sodium_usable,
	.key_init = gcm_sodium_key_init,
	.key_wipe = gcm_sodium_key_wipe,
	.seal = gcm_sodium_seal,
	.open = gcm_sodium_open,
};
