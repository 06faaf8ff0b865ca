/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_gcm.c - scope: common/gcm.h over every backend of this build: known answers,
 * every error of the header, zeroes after a failed open, agreement of the backends
 * on random input, and one key used by several threads. A backend that this CPU or
 * this build lacks is skipped by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gcm.h"
#include "../vectors/aes256gcm.h"

#include <sodium.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Fastest first. */
static const char *const names[] = {"ipsec-mb", "libsodium", "mbedtls"};
enum { NNAMES = sizeof names / sizeof *names };

/* The backend under test; skips the test, saying which, when it cannot run here. */
static const struct gcm_backend *backend_or_skip(void **state)
{
	const struct gcm_backend *g = gcm_select(*state);

	if (!g) {
		print_message("%s: not in this build or not for this CPU\n", (char *)*state);
		skip();
	}
	assert_string_equal(g->name, *state);
	return g;
}

static size_t unhex(uint8_t *out, size_t cap, const char *hex)
{
	size_t n;

	assert_int_equal(sodium_hex2bin(out, cap, hex, strlen(hex), NULL, &n, NULL), 0);
	return n;
}

static void test_known_answers(void **state)
{
	const struct gcm_backend *g = backend_or_skip(state);
	uint8_t key[32], plain[64], aad[32], iv[12], cipher[64], tag[16];
	uint8_t out[64], out_tag[GCM_TAG_BYTES];
	struct gcm_key k;
	size_t i, n, an;

	for (i = 0; i < sizeof gcm_vectors / sizeof *gcm_vectors; i++) {
		const struct gcm_vector *v = &gcm_vectors[i];

		unhex(key, sizeof key, v->key);
		n = unhex(plain, sizeof plain, v->plain);
		an = unhex(aad, sizeof aad, v->aad);
		unhex(iv, sizeof iv, v->iv);
		assert_int_equal(unhex(cipher, sizeof cipher, v->cipher), n);
		unhex(tag, sizeof tag, v->tag);
		assert_int_equal(g->key_init(&k, key), 0);
		assert_int_equal(g->seal(&k, out, out_tag, plain, n, aad, an, iv), 0);
		assert_memory_equal(out, cipher, n);
		assert_memory_equal(out_tag, tag, GCM_TAG_BYTES);
		memset(out, 0xee, sizeof out);
		assert_int_equal(g->open(&k, out, cipher, n, tag, aad, an, iv), 0);
		assert_memory_equal(out, plain, n);
		/* in place */
		memcpy(out, plain, n);
		assert_int_equal(g->seal(&k, out, out_tag, out, n, aad, an, iv), 0);
		assert_memory_equal(out, cipher, n);
		assert_memory_equal(out_tag, tag, GCM_TAG_BYTES);
		g->key_wipe(&k);
		assert_true(sodium_is_zero(k.opaque, sizeof k.opaque));
	}
}

/* Every flipped bit of ciphertext, tag, associated data and nonce: -EBADMSG, zeroes. */
static void test_forgery(void **state)
{
	const struct gcm_backend *g = backend_or_skip(state);
	enum { N = 40, A = 11, T = GCM_TAG_BYTES, TOTAL = N + T + A + 12 };
	uint8_t secret[32], m[TOTAL], plain[N], out[N + 1];
	struct gcm_key k;
	size_t bit;

	randombytes_buf(secret, sizeof secret);
	randombytes_buf(m, sizeof m);
	randombytes_buf(plain, sizeof plain);
	assert_int_equal(g->key_init(&k, secret), 0);
	assert_int_equal(g->seal(&k, m, m + N, plain, N, m + N + T, A, m + N + T + A), 0);
	for (bit = 0; bit < 8 * TOTAL; bit++) {
		m[bit / 8] ^= (uint8_t)(1 << bit % 8);
		memset(out, 0xee, sizeof out);
		assert_int_equal(
			g->open(&k, out, m, N, m + N, m + N + T, A, m + N + T + A), -EBADMSG);
		assert_true(sodium_is_zero(out, N));
		assert_int_equal(out[N], 0xee);
		m[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(g->open(&k, out, m, N, m + N, m + N + T, A, m + N + T + A), 0);
	assert_memory_equal(out, plain, N);
	g->key_wipe(&k);
}

static void test_too_long(void **state)
{
	const struct gcm_backend *g = backend_or_skip(state);
	uint8_t secret[32] = {0}, b[16] = {0}, iv[12] = {0};
	struct gcm_key k;

	assert_int_equal(g->key_init(&k, secret), 0);
	assert_int_equal(
		g->seal(&k, b, b, b, (size_t)GCM_LEN_MAX + 1, b, 0, iv), -EMSGSIZE);
	assert_int_equal(
		g->open(&k, b, b, (size_t)GCM_LEN_MAX + 1, b, b, 0, iv), -EMSGSIZE);
	g->key_wipe(&k);
}

/* What one backend seals, every other one opens, at all short and some long lengths. */
static void test_agreement(void **state)
{
	const struct gcm_backend *g = backend_or_skip(state), *other;
	static uint8_t plain[5000], a[5000], b[5000];
	uint8_t secret[32], iv[12], aad[32], tag_a[GCM_TAG_BYTES], tag_b[GCM_TAG_BYTES];
	struct gcm_key ka, kb;
	size_t i, n, an;

	for (i = 0; i < NNAMES; i++) {
		other = gcm_select(names[i]);
		if (!other || other == g)
			continue;
		for (n = 0; n < sizeof plain; n += n < 300 ? 1 : 97) {
			an = n % sizeof aad;
			randombytes_buf(secret, sizeof secret);
			randombytes_buf(iv, sizeof iv);
			randombytes_buf(aad, sizeof aad);
			randombytes_buf(plain, n);
			assert_int_equal(g->key_init(&ka, secret), 0);
			assert_int_equal(other->key_init(&kb, secret), 0);
			assert_int_equal(g->seal(&ka, a, tag_a, plain, n, aad, an, iv), 0);
			assert_int_equal(other->seal(&kb, b, tag_b, plain, n, aad, an, iv), 0);
			assert_memory_equal(a, b, n);
			assert_memory_equal(tag_a, tag_b, GCM_TAG_BYTES);
			assert_int_equal(other->open(&kb, b, a, n, tag_a, aad, an, iv), 0);
			assert_memory_equal(b, plain, n);
			g->key_wipe(&ka);
			other->key_wipe(&kb);
		}
	}
}

struct sharer {
	const struct gcm_backend *g;
	const struct gcm_key *key;
	uint8_t id;
	int bad;
};

static void *share_key(void *arg)
{
	struct sharer *s = arg;
	uint8_t iv[12] = {s->id}, m[64], c[64], d[64], tag[GCM_TAG_BYTES];
	int i;

	for (i = 0; i < 3000; i++) {
		memset(m, i, sizeof m);
		memcpy(iv + 4, &i, sizeof i);
		s->bad += s->g->seal(s->key, c, tag, m, sizeof m, iv, 12, iv) != 0;
		s->bad += s->g->open(s->key, d, c, sizeof c, tag, iv, 12, iv) != 0;
		s->bad += memcmp(d, m, sizeof m) != 0;
	}
	return NULL;
}

static void test_shared_key(void **state)
{
	const struct gcm_backend *g = backend_or_skip(state);
	struct sharer s[4];
	pthread_t t[4];
	uint8_t secret[32];
	struct gcm_key k;
	int i;

	randombytes_buf(secret, sizeof secret);
	assert_int_equal(g->key_init(&k, secret), 0);
	for (i = 0; i < 4; i++) {
		s[i] = (struct sharer){g, &k, (uint8_t)i, 0};
		assert_int_equal(pthread_create(&t[i], NULL, share_key, &s[i]), 0);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(s[i].bad, 0);
	}
	g->key_wipe(&k);
}

/* Sealed in pieces it is what it is as a whole; libsodium has none. */
static void test_pieces(void **state)
{
	const struct gcm_backend *g = backend_or_skip(state);
	static uint8_t plain[40000], whole[40000], out[40000];
	uint8_t secret[32], iv[12], aad[32], tag[GCM_TAG_BYTES], want[GCM_TAG_BYTES];
	struct gcm_stream s;
	struct gcm_key k;
	size_t len, at, n;

	assert_true(!g->begin == !g->update && !g->update == !g->finish);
	if (!g->begin) {
		assert_string_equal(g->name, "libsodium");
		return;
	}
	randombytes_buf(secret, sizeof secret);
	assert_int_equal(g->key_init(&k, secret), 0);
	for (len = 0; len <= sizeof plain; len = len * 3 / 32 * 16 + 16) {
		randombytes_buf(iv, sizeof iv);
		randombytes_buf(aad, sizeof aad);
		randombytes_buf(plain, len);
		assert_int_equal(g->seal(&k, whole, want, plain, len, aad, sizeof aad, iv), 0);
		assert_int_equal(g->begin(&s, &k, aad, sizeof aad, iv), 0);
		for (at = 0; at < len; at += n) {
			n = 16 + randombytes_uniform((uint32_t)(len - at) / 16) * 16;
			assert_int_equal(g->update(&s, out + at, plain + at, n), 0);
		}
		assert_int_equal(g->finish(&s, tag), 0);
		assert_memory_equal(tag, want, sizeof tag);
		assert_memory_equal(out, whole, len);
	}
	g->key_wipe(&k);
}

static void test_select(void **state)
{
	const struct gcm_backend *g = gcm_select(NULL);
	size_t i;

	(void)state;
	assert_non_null(g);
	for (i = 0; i < NNAMES && !gcm_select(names[i]);)
		i++;
	assert_true(i < NNAMES);
	assert_ptr_equal(gcm_select(names[i]), g);
	assert_null(gcm_select("rot13"));
}

int main(void)
{
	static const CMUnitTestFunction each[] = {test_known_answers, test_forgery,
		test_too_long, test_agreement, test_shared_key, test_pieces};
	static const char *const each_name[] = {
		"known_answers", "forgery", "too_long", "agreement", "shared_key", "pieces"};
	enum { NEACH = sizeof each / sizeof *each };
	static struct CMUnitTest tests[NEACH * NNAMES + 1];
	static char title[NEACH * NNAMES][48];
	size_t i, n = 0;

	if (sodium_init() < 0)
		return 1;
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_select);
	for (i = 0; i < NEACH * NNAMES; i++) {
		snprintf(
			title[i], sizeof title[i], "%s %s", each_name[i % NEACH], names[i / NEACH]);
		tests[n++] = (struct CMUnitTest){
			title[i], each[i % NEACH], NULL, NULL, (void *)names[i / NEACH]};
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
