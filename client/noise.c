/* SPDX-License-Identifier: BSD-3-Clause */
#include "noise.h"

#include <string.h>

#include <sodium.h>

#include "entropy.h"

static const char protocol[] = "Noise_IK_25519_ChaChaPoly_SHA512";

_Static_assert(sizeof protocol - 1 <= NOISE_HASH_BYTES, "padded, not hashed");
_Static_assert(NOISE_KEY_BYTES == crypto_scalarmult_BYTES, "DHLEN");
_Static_assert(NOISE_HASH_BYTES == crypto_hash_sha512_BYTES, "HASHLEN");
_Static_assert(NOISE_TAG_BYTES == crypto_aead_chacha20poly1305_ietf_ABYTES, "tag");

static void hmac(uint8_t out[NOISE_HASH_BYTES], const uint8_t key[NOISE_HASH_BYTES],
	const void *in, size_t len, const uint8_t *last)
{
	crypto_auth_hmacsha512_state st;

	crypto_auth_hmacsha512_init(&st, key, NOISE_HASH_BYTES);
	if (len)
		crypto_auth_hmacsha512_update(&st, in, len);
	if (last)
		crypto_auth_hmacsha512_update(&st, last, 1);
	crypto_auth_hmacsha512_final(&st, out);
	sodium_memzero(&st, sizeof st);
}

/* HKDF(ck, input), two outputs. Either may be `ck`. */
static void hkdf(uint8_t out1[NOISE_HASH_BYTES], uint8_t out2[NOISE_HASH_BYTES],
	const uint8_t ck[NOISE_HASH_BYTES], const void *in, size_t len)
{
	static const uint8_t one = 1, two = 2;
	uint8_t temp[NOISE_HASH_BYTES];

	hmac(temp, ck, in, len, NULL);
	hmac(out1, temp, NULL, 0, &one);
	hmac(out2, temp, out1, NOISE_HASH_BYTES, &two);
	sodium_memzero(temp, sizeof temp);
}

static void mix_hash(struct noise *x, const void *data, size_t len)
{
	crypto_hash_sha512_state st;

	crypto_hash_sha512_init(&st);
	crypto_hash_sha512_update(&st, x->h, sizeof x->h);
	if (len)
		crypto_hash_sha512_update(&st, data, len);
	crypto_hash_sha512_final(&st, x->h);
}

/* MixKey(DH(secret, public)). A public key of small order gives the zero secret, which the
 * specification allows to refuse. */
static int mix_dh(struct noise *x, const uint8_t secret[NOISE_KEY_BYTES],
	const uint8_t public[NOISE_KEY_BYTES])
{
	uint8_t dh[NOISE_KEY_BYTES], k[NOISE_HASH_BYTES];

	if (crypto_scalarmult(dh, secret, public) != 0)
		return -EBADMSG;
	hkdf(x->ck, k, x->ck, dh, sizeof dh);
	memcpy(x->k, k, sizeof x->k); /* truncated to 32 bytes, as HASHLEN is 64 */
	x->n = 0;
	sodium_memzero(dh, sizeof dh);
	sodium_memzero(k, sizeof k);
	return 0;
}

/* 32 bits of zeros, then n, little-endian. */
static void nonce_of(uint8_t out[crypto_aead_chacha20poly1305_ietf_NPUBBYTES], uint64_t n)
{
	int i;

	memset(out, 0, 4);
	for (i = 0; i < 8; i++)
		out[4 + i] = (uint8_t)(n >> 8 * i);
}

static void encrypt_and_hash(struct noise *x, uint8_t *out, const void *in, size_t len)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

	nonce_of(nonce, x->n++);
	crypto_aead_chacha20poly1305_ietf_encrypt(
		out, NULL, in, len, x->h, sizeof x->h, NULL, nonce, x->k);
	mix_hash(x, out, len + NOISE_TAG_BYTES);
}

/* `len` of the ciphertext with its tag. */
static int decrypt_and_hash(struct noise *x, uint8_t *out, const uint8_t *in, size_t len)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

	nonce_of(nonce, x->n++);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(
			out, NULL, NULL, in, len, x->h, sizeof x->h, nonce, x->k) != 0)
		return -EBADMSG;
	mix_hash(x, in, len);
	return 0;
}

void noise_draw_pair(struct noise_pair *p)
{
	uint8_t seed[crypto_kx_SEEDBYTES];

	entropy_fill(seed, sizeof seed);
	crypto_kx_seed_keypair(p->public, p->secret, seed);
	sodium_memzero(seed, sizeof seed);
}

void noise_init(struct noise *x, const struct noise_pair *s,
	const uint8_t rs[NOISE_KEY_BYTES], const void *prologue, size_t len)
{
	memset(x, 0, sizeof *x);
	x->s = s;
	x->initiator = rs != NULL;
	memcpy(x->h, protocol, sizeof protocol - 1);
	memcpy(x->ck, x->h, sizeof x->ck);
	noise_draw_pair(&x->e);
	mix_hash(x, prologue, len);
	if (rs)
		memcpy(x->rs, rs, sizeof x->rs);
	mix_hash(x, rs ? rs : s->public, NOISE_KEY_BYTES); /* <- s */
}

int noise_write_first(struct noise *x, uint8_t *out, const void *payload, size_t len)
{
	uint8_t *s = out + NOISE_KEY_BYTES;

	memcpy(out, x->e.public, NOISE_KEY_BYTES); /* e */
	mix_hash(x, x->e.public, NOISE_KEY_BYTES);
	if (mix_dh(x, x->e.secret, x->rs)) /* es */
		return -EBADMSG;
	encrypt_and_hash(x, s, x->s->public, NOISE_KEY_BYTES); /* s */
	if (mix_dh(x, x->s->secret, x->rs)) /* ss */
		return -EBADMSG;
	encrypt_and_hash(x, s + NOISE_KEY_BYTES + NOISE_TAG_BYTES, payload, len);
	return 0;
}

int noise_read_first(struct noise *x, uint8_t *payload, const uint8_t *in, size_t len)
{
	const uint8_t *s = in + NOISE_KEY_BYTES;
	const size_t s_len = NOISE_KEY_BYTES + NOISE_TAG_BYTES;

	if (len < NOISE_FIRST_BYTES)
		return -EMSGSIZE;
	memcpy(x->re, in, NOISE_KEY_BYTES); /* e */
	mix_hash(x, x->re, NOISE_KEY_BYTES);
	if (mix_dh(x, x->s->secret, x->re) || /* es */
		decrypt_and_hash(x, x->rs, s, s_len) || /* s */
		mix_dh(x, x->s->secret, x->rs)) /* ss */
		return -EBADMSG;
	return decrypt_and_hash(x, payload, s + s_len, len - NOISE_KEY_BYTES - s_len);
}

int noise_write_second(struct noise *x, uint8_t *out, const void *payload, size_t len)
{
	memcpy(out, x->e.public, NOISE_KEY_BYTES); /* e */
	mix_hash(x, x->e.public, NOISE_KEY_BYTES);
	if (mix_dh(x, x->e.secret, x->re) || /* ee */
		mix_dh(x, x->e.secret, x->rs)) /* se */
		return -EBADMSG;
	encrypt_and_hash(x, out + NOISE_KEY_BYTES, payload, len);
	return 0;
}

int noise_read_second(struct noise *x, uint8_t *payload, const uint8_t *in, size_t len)
{
	if (len < NOISE_SECOND_BYTES)
		return -EMSGSIZE;
	memcpy(x->re, in, NOISE_KEY_BYTES); /* e */
	mix_hash(x, x->re, NOISE_KEY_BYTES);
	if (mix_dh(x, x->e.secret, x->re) || /* ee */
		mix_dh(x, x->s->secret, x->re)) /* se */
		return -EBADMSG;
	return decrypt_and_hash(x, payload, in + NOISE_KEY_BYTES, len - NOISE_KEY_BYTES);
}

void noise_split(struct noise *x, uint8_t tx[NOISE_KEY_BYTES], uint8_t rx[NOISE_KEY_BYTES])
{
	uint8_t k1[NOISE_HASH_BYTES], k2[NOISE_HASH_BYTES], h[NOISE_HASH_BYTES];

	hkdf(k1, k2, x->ck, NULL, 0);
	memcpy(tx, x->initiator ? k1 : k2, NOISE_KEY_BYTES);
	memcpy(rx, x->initiator ? k2 : k1, NOISE_KEY_BYTES);
	memcpy(h, x->h, sizeof h);
	noise_wipe(x);
	memcpy(x->h, h, sizeof h);
	sodium_memzero(k1, sizeof k1);
	sodium_memzero(k2, sizeof k2);
}

void noise_wipe(struct noise *x)
{
	sodium_memzero(x, sizeof *x);
}
