/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcm_mbedtls.c - gcm.h over mbedtls 2.28, the backend that runs on every CPU.
 *
 * mbedtls keeps the state of the running message inside the key context. Each call
 * therefore works on a copy of it on the stack, which is what makes a key shareable.
 * The AES schedule behind the context's pointer is only read, and stays shared.
 */
#include "gcm.h"

#include <mbedtls/gcm.h>
#include <sodium.h>

#include <string.h>

_Static_assert(sizeof(mbedtls_gcm_context) <= GCM_KEY_BYTES, "gcm_key is too small");

_Static_assert(sizeof(mbedtls_gcm_context) <= GCM_STREAM_BYTES, "gcm_stream is too small");

extern const struct gcm_backend gcm_mbedtls;

static bool gcm_mbedtls_usable(void)
{
	return sodium_init() >= 0;
}

static void gcm_mbedtls_key_wipe(struct gcm_key *key)
{
	mbedtls_gcm_free((mbedtls_gcm_context *)key->opaque);
	sodium_memzero(key, sizeof *key);
}

static int gcm_mbedtls_key_init(
	struct gcm_key *key, const uint8_t secret[GCM_SECRET_BYTES])
{
	mbedtls_gcm_context *ctx = (mbedtls_gcm_context *)key->opaque;

	mbedtls_gcm_init(ctx);
	if (mbedtls_gcm_setkey(ctx, MBEDTLS_CIPHER_ID_AES, secret, 256) != 0) {
		gcm_mbedtls_key_wipe(key);
		return -ENOMEM;
	}
	return 0;
}

static int gcm_mbedtls_seal(const struct gcm_key *key, uint8_t *dst,
	uint8_t tag[GCM_TAG_BYTES], const uint8_t *src, size_t len, const uint8_t *aad,
	size_t aad_len, const uint8_t nonce[GCM_NONCE_BYTES])
{
	mbedtls_gcm_context ctx;
	int rc;

	if (len > GCM_LEN_MAX)
		return -EMSGSIZE;
	memcpy(&ctx, key->opaque, sizeof ctx);
	rc = mbedtls_gcm_crypt_and_tag(&ctx, MBEDTLS_GCM_ENCRYPT, len, nonce,
		GCM_NONCE_BYTES, aad, aad_len, src, dst, GCM_TAG_BYTES, tag);
	sodium_memzero(&ctx, sizeof ctx);
	/* Lengths were checked, so only a broken library or accelerator gets here. */
	return rc == 0 ? 0 : -EINVAL;
}

static int gcm_mbedtls_open(const struct gcm_key *key, uint8_t *dst, const uint8_t *src,
	size_t len, const uint8_t tag[GCM_TAG_BYTES], const uint8_t *aad, size_t aad_len,
	const uint8_t nonce[GCM_NONCE_BYTES])
{
	mbedtls_gcm_context ctx;
	int rc;

	if (len > GCM_LEN_MAX)
		return -EMSGSIZE;
	memcpy(&ctx, key->opaque, sizeof ctx);
	rc = mbedtls_gcm_auth_decrypt(
		&ctx, len, nonce, GCM_NONCE_BYTES, aad, aad_len, tag, GCM_TAG_BYTES, src, dst);
	sodium_memzero(&ctx, sizeof ctx);
	if (rc == 0)
		return 0;
	sodium_memzero(dst, len);
	return -EBADMSG;
}

static int gcm_mbedtls_begin(struct gcm_stream *s, const struct gcm_key *key,
	const uint8_t *aad, size_t aad_len, const uint8_t nonce[GCM_NONCE_BYTES])
{
	s->key = key;
	memcpy(s->opaque, key->opaque, sizeof(mbedtls_gcm_context));
	return mbedtls_gcm_starts((mbedtls_gcm_context *)s->opaque, MBEDTLS_GCM_ENCRYPT, nonce,
			   GCM_NONCE_BYTES, aad, aad_len) == 0
			   ? 0
			   : -EINVAL;
}

static int gcm_mbedtls_update(
	struct gcm_stream *s, uint8_t *dst, const uint8_t *src, size_t len)
{
	return mbedtls_gcm_update((mbedtls_gcm_context *)s->opaque, len, src, dst) == 0 ? 0 : -EINVAL;
}

static int gcm_mbedtls_finish(struct gcm_stream *s, uint8_t tag[GCM_TAG_BYTES])
{
	return mbedtls_gcm_finish((mbedtls_gcm_context *)s->opaque, tag, GCM_TAG_BYTES) == 0
			   ? 0
			   : -EINVAL;
}

const struct gcm_backend gcm_mbedtls = {
	.name = "mbedtls",
	.usable = gcm_mbedtls_usable,
	.key_init = gcm_mbedtls_key_init,
	.key_wipe = gcm_mbedtls_key_wipe,
	.seal = gcm_mbedtls_seal,
	.open = gcm_mbedtls_open,
	.begin = gcm_mbedtls_begin,
	.update = gcm_mbedtls_update,
	.finish = gcm_mbedtls_finish,
};
