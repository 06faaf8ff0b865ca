/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcm_sodium.c - gcm.h over libsodium's AES-256-GCM with a precomputed key.
 */
#include "gcm.h"

#include <sodium.h>

_Static_assert(
	sizeof(crypto_aead_aes256gcm_state) <= GCM_KEY_BYTES, "gcm_key is too small");
_Static_assert(GCM_NONCE_BYTES == crypto_aead_aes256gcm_NPUBBYTES, "nonce");
_Static_assert(GCM_TAG_BYTES == crypto_aead_aes256gcm_ABYTES, "tag");

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

static int gcm_sodium_seal(const struct gcm_key *key, uint8_t *dst,
	uint8_t tag[GCM_TAG_BYTES], const uint8_t *src, size_t len, const uint8_t *aad,
	size_t aad_len, const uint8_t nonce[GCM_NONCE_BYTES])
{
	if (len > GCM_LEN_MAX)
		return -EMSGSIZE;
	crypto_aead_aes256gcm_encrypt_detached_afternm(dst, tag, NULL, src, len, aad,
		aad_len, NULL, nonce, (const crypto_aead_aes256gcm_state *)key->opaque);
	return 0;
}

/* libsodium checks the tag first, in constant time, and clears dst when it fails. */
static int gcm_sodium_open(const struct gcm_key *key, uint8_t *dst, const uint8_t *src,
	size_t len, const uint8_t tag[GCM_TAG_BYTES], const uint8_t *aad, size_t aad_len,
	const uint8_t nonce[GCM_NONCE_BYTES])
{
	if (len > GCM_LEN_MAX)
		return -EMSGSIZE;
	if (crypto_aead_aes256gcm_decrypt_detached_afternm(dst, NULL, src, len, tag, aad,
			aad_len, nonce, (const crypto_aead_aes256gcm_state *)key->opaque) != 0) {
		sodium_memzero(dst, len);
		return -EBADMSG;
	}
	return 0;
}

const struct gcm_backend gcm_sodium = {
	.name = "libsodium",
	.usable = gcm_sodium_usable,
	.key_init = gcm_sodium_key_init,
	.key_wipe = gcm_sodium_key_wipe,
	.seal = gcm_sodium_seal,
	.open = gcm_sodium_open,
};
