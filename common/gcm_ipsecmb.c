/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcm_ipsecmb.c - gcm.h over intel-ipsec-mb's direct GCM calls.
 *
 * The manager is asked once which routines suit this CPU (SSE, AVX2, AVX-512 with
 * VAES). The routines themselves touch nothing but their arguments, so they are kept
 * as plain pointers and called from every thread; the manager's job queue, which is
 * not thread-safe, is never used.
 */
#include "gcm.h"

#include <intel-ipsec-mb.h>
#include <sodium.h>

#include <pthread.h>
#include <string.h>

_Static_assert(sizeof(struct gcm_key_data) <= GCM_KEY_BYTES, "gcm_key is too small");
_Static_assert(sizeof(struct gcm_context_data) <= GCM_STREAM_BYTES, "gcm_stream is too small");
_Static_assert(_Alignof(struct gcm_key_data) <= _Alignof(struct gcm_key), "alignment");

extern const struct gcm_backend gcm_ipsecmb;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static aes_gcm_pre_t key_expand;
static aes_gcm_enc_dec_t encrypt, decrypt;
static aes_gcm_init_t stream_begin;
static aes_gcm_enc_dec_update_t stream_encrypt;
static aes_gcm_enc_dec_finalize_t stream_finish;

/* The manager stays allocated for the life of the process: it is small, and nobody
 * can say when the last user of the pointers is gone. */
static void library_init(void)
{
	const uint64_t tested = IMB_FEATURE_SELF_TEST, passed = IMB_FEATURE_SELF_TEST_PASS;
	static IMB_MGR *mgr;

	if (sodium_init() < 0)
		return;
	mgr = alloc_mb_mgr(0);
	if (!mgr)
		return;
	init_mb_mgr_auto(mgr, NULL);
	/* Without AES-NI the library emulates, in variable time. */
	if (imb_get_errno(mgr) != 0 || !(mgr->features & IMB_FEATURE_AESNI))
		return;
	if ((mgr->features & (tested | passed)) == tested)
		return;
	key_expand = mgr->gcm256_pre;
	encrypt = mgr->gcm256_enc;
	decrypt = mgr->gcm256_dec;
	stream_begin = mgr->gcm256_init;
	stream_encrypt = mgr->gcm256_enc_update;
	stream_finish = mgr->gcm256_enc_finalize;
}

static bool gcm_ipsecmb_usable(void)
{
	pthread_once(&once, library_init);
	return key_expand != NULL;
}

static int gcm_ipsecmb_key_init(
	struct gcm_key *key, const uint8_t secret[GCM_SECRET_BYTES])
{
	key_expand(secret, (struct gcm_key_data *)key->opaque);
	return 0;
}

static void gcm_ipsecmb_key_wipe(struct gcm_key *key)
{
	sodium_memzero(key, sizeof *key);
}

/* The context ends up holding key stream of the last partial block. Written as plain
 * stores: gcc makes one memset() of this size `rep stos`, after which the next call's
 * loads wait (measured: 48 ns a value instead of 25). */
static inline void context_wipe(struct gcm_context_data *ctx)
{
	enum { HALF = 48 };

	memset(ctx, 0, HALF);
	memset((uint8_t *)ctx + HALF, 0, sizeof *ctx - HALF);
	__asm__ volatile("" ::"r"(ctx) : "memory");
}

enum { WHOLE_TAG = 16 };

/* Constant time like sodium_memcmp(), without its loop and calls (14 ns). */
static inline bool tag_is(const uint8_t want[WHOLE_TAG], const uint8_t tag[GCM_TAG_BYTES])
{
	uint64_t a, b;
	uint32_t c, d;

	_Static_assert(sizeof a + sizeof c == GCM_TAG_BYTES, "all of it");
	memcpy(&a, want, sizeof a);
	memcpy(&b, tag, sizeof b);
	memcpy(&c, want + sizeof a, sizeof c);
	memcpy(&d, tag + sizeof a, sizeof d);
	return ((a ^ b) | (c ^ d)) == 0;
}

static int gcm_ipsecmb_seal(const struct gcm_key *key, uint8_t *dst,
	uint8_t tag[GCM_TAG_BYTES], const uint8_t *src, size_t len, const uint8_t *aad,
	size_t aad_len, const uint8_t nonce[GCM_NONCE_BYTES])
{
	struct gcm_context_data ctx;

	if (len > GCM_LEN_MAX)
		return -EMSGSIZE;
	encrypt((const struct gcm_key_data *)key->opaque, &ctx, dst, src, len, nonce, aad,
		aad_len, tag, GCM_TAG_BYTES);
	context_wipe(&ctx);
	return 0;
}

static int gcm_ipsecmb_open(const struct gcm_key *key, uint8_t *dst, const uint8_t *src,
	size_t len, const uint8_t tag[GCM_TAG_BYTES], const uint8_t *aad, size_t aad_len,
	const uint8_t nonce[GCM_NONCE_BYTES])
{
	struct gcm_context_data ctx;
	uint8_t want[WHOLE_TAG];

	if (len > GCM_LEN_MAX)
		return -EMSGSIZE;
	decrypt((const struct gcm_key_data *)key->opaque, &ctx, dst, src, len, nonce, aad,
		aad_len, want, WHOLE_TAG);
	context_wipe(&ctx);
	if (tag_is(want, tag))
		return 0;
	/* `want` is a valid tag for what the caller brought: it must not linger. */
	sodium_memzero(want, sizeof want);
	sodium_memzero(dst, len);
	return -EBADMSG;
}

static int gcm_ipsecmb_begin(struct gcm_stream *s, const struct gcm_key *key,
	const uint8_t *aad, size_t aad_len, const uint8_t nonce[GCM_NONCE_BYTES])
{
	s->key = key;
	stream_begin((const struct gcm_key_data *)key->opaque,
		(struct gcm_context_data *)s->opaque, nonce, aad, aad_len);
	return 0;
}

static int gcm_ipsecmb_update(
	struct gcm_stream *s, uint8_t *dst, const uint8_t *src, size_t len)
{
	stream_encrypt((const struct gcm_key_data *)s->key->opaque,
		(struct gcm_context_data *)s->opaque, dst, src, len);
	return 0;
}

static int gcm_ipsecmb_finish(struct gcm_stream *s, uint8_t tag[GCM_TAG_BYTES])
{
	stream_finish((const struct gcm_key_data *)s->key->opaque,
		(struct gcm_context_data *)s->opaque, tag, GCM_TAG_BYTES);
	return 0;
}

const struct gcm_backend gcm_ipsecmb = {
	.name = "ipsec-mb",
	.usable = gcm_ipsecmb_usable,
	.key_init = gcm_ipsecmb_key_init,
	.key_wipe = gcm_ipsecmb_key_wipe,
	.seal = gcm_ipsecmb_seal,
	.open = gcm_ipsecmb_open,
	.begin = gcm_ipsecmb_begin,
	.update = gcm_ipsecmb_update,
	.finish = gcm_ipsecmb_finish,
};
