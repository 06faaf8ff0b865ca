/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_noise.c - scope: client/noise.h: the published vector byte by byte, keys that agree,
 * every error of the header: each single bit of either message flipped, messages too short,
 * another server's key, another prologue, keys of small order, a repeated first message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "noise.h"
#include "../vectors/noise_ik.h"

#include <sodium.h>

#include <string.h>

static size_t unhex(uint8_t *out, size_t cap, const char *hex)
{
	size_t n;

	assert_int_equal(sodium_hex2bin(out, cap, hex, strlen(hex), NULL, &n, NULL), 0);
	return n;
}

static struct noise_pair pair_of(const char *secret)
{
	struct noise_pair p;

	unhex(p.secret, sizeof p.secret, secret);
	crypto_scalarmult_base(p.public, p.secret);
	return p;
}

static void is_hex(const void *got, size_t len, const char *hex)
{
	uint8_t want[256];

	assert_int_equal(unhex(want, sizeof want, hex), len);
	assert_memory_equal(got, want, len);
}

/* A transport message of the vector: the framework's own cipher, nonce 0. */
static void is_transport(const uint8_t key[32], const char *payload, const char *hex)
{
	static const uint8_t nonce[12];
	uint8_t plain[64], out[96];
	size_t n = unhex(plain, sizeof plain, payload);

	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain, n, NULL, 0, NULL, nonce, key);
	is_hex(out, n + NOISE_TAG_BYTES, hex);
}

static void test_vector(void **state)
{
	struct noise_pair si = pair_of(noise_ik.init_static), sr = pair_of(noise_ik.resp_static);
	uint8_t prologue[16], payload[32], message[160], got[32], tx[32], rx[32], tx2[32], rx2[32];
	size_t np = unhex(prologue, sizeof prologue, noise_ik.prologue), n;
	struct noise i, r;

	is_hex(sr.public, 32, noise_ik.resp_public);
	noise_init(&i, &si, sr.public, prologue, np);
	noise_init(&r, &sr, NULL, prologue, np);
	i.e = pair_of(noise_ik.init_ephemeral);
	r.e = pair_of(noise_ik.resp_ephemeral);

	n = unhex(payload, sizeof payload, noise_ik.first_payload);
	assert_int_equal(noise_write_first(&i, message, payload, n), 0);
	is_hex(message, NOISE_FIRST_BYTES + n, noise_ik.first);
	assert_int_equal(noise_read_first(&r, got, message, NOISE_FIRST_BYTES + n), 0);
	assert_memory_equal(got, payload, n);
	assert_memory_equal(r.rs, si.public, 32);

	n = unhex(payload, sizeof payload, noise_ik.second_payload);
	assert_int_equal(noise_write_second(&r, message, payload, n), 0);
	is_hex(message, NOISE_SECOND_BYTES + n, noise_ik.second);
	assert_int_equal(noise_read_second(&i, got, message, NOISE_SECOND_BYTES + n), 0);
	assert_memory_equal(got, payload, n);

	noise_split(&i, tx, rx);
	noise_split(&r, tx2, rx2);
	assert_memory_equal(tx, rx2, 32);
	assert_memory_equal(rx, tx2, 32);
	is_hex(i.h, sizeof i.h, noise_ik.hash);
	is_hex(r.h, sizeof r.h, noise_ik.hash);
	is_transport(tx, noise_ik.third_payload, noise_ik.third);
	is_transport(rx, noise_ik.fourth_payload, noise_ik.fourth);
}

/* ---- two ends of a test ---- */

struct ends {
	struct noise_pair si, sr;
	struct noise i, r;
	uint8_t first[NOISE_FIRST_BYTES], second[NOISE_SECOND_BYTES];
};

static void begin(struct ends *e)
{
	crypto_kx_keypair(e->si.public, e->si.secret);
	crypto_kx_keypair(e->sr.public, e->sr.secret);
	noise_init(&e->i, &e->si, e->sr.public, "p", 1);
	noise_init(&e->r, &e->sr, NULL, "p", 1);
	assert_int_equal(noise_write_first(&e->i, e->first, NULL, 0), 0);
}

static void test_every_bit_of_the_first(void **state)
{
	struct ends e;
	size_t bit;

	begin(&e);
	for (bit = 0; bit < sizeof e.first * 8; bit++) {
		struct noise r = e.r;
		int rc;

		e.first[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rc = noise_read_first(&r, NULL, e.first, sizeof e.first);
		e.first[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* X25519 ignores the highest bit of a public key; the hash does not. */
		assert_int_equal(rc, -EBADMSG);
	}
	assert_int_equal(noise_read_first(&e.r, NULL, e.first, sizeof e.first), 0);
}

static void test_every_bit_of_the_second(void **state)
{
	struct ends e;
	size_t bit;

	begin(&e);
	assert_int_equal(noise_read_first(&e.r, NULL, e.first, sizeof e.first), 0);
	assert_int_equal(noise_write_second(&e.r, e.second, NULL, 0), 0);
	for (bit = 0; bit < sizeof e.second * 8; bit++) {
		struct noise i = e.i;

		e.second[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(noise_read_second(&i, NULL, e.second, sizeof e.second), -EBADMSG);
		e.second[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(noise_read_second(&e.i, NULL, e.second, sizeof e.second), 0);
}

static void test_short(void **state)
{
	struct ends e;

	begin(&e);
	assert_int_equal(noise_read_first(&e.r, NULL, e.first, NOISE_FIRST_BYTES - 1), -EMSGSIZE);
	assert_int_equal(noise_read_second(&e.i, NULL, e.first, NOISE_SECOND_BYTES - 1), -EMSGSIZE);
}

static void test_another_server(void **state)
{
	struct ends e;
	struct noise_pair other;

	begin(&e);
	crypto_kx_keypair(other.public, other.secret);
	noise_init(&e.r, &other, NULL, "p", 1);
	assert_int_equal(noise_read_first(&e.r, NULL, e.first, sizeof e.first), -EBADMSG);
}

static void test_another_prologue(void **state)
{
	struct ends e;

	begin(&e);
	noise_init(&e.r, &e.sr, NULL, "q", 1);
	assert_int_equal(noise_read_first(&e.r, NULL, e.first, sizeof e.first), -EBADMSG);
}

static void test_small_order(void **state)
{
	struct ends e;
	uint8_t zero[32] = {0};

	begin(&e);
	memset(e.first, 0, NOISE_KEY_BYTES); /* as ephemeral key */
	assert_int_equal(noise_read_first(&e.r, NULL, e.first, sizeof e.first), -EBADMSG);
	noise_init(&e.i, &e.si, zero, "p", 1); /* as the server's */
	assert_int_equal(noise_write_first(&e.i, e.first, NULL, 0), -EBADMSG);
}

/* A first message once more: the server reads it, but its answer is another one, and so are
 * the keys: who repeats it has neither. */
static void test_repeated_first(void **state)
{
	struct ends e;
	struct noise again;
	uint8_t second[NOISE_SECOND_BYTES], tx[32], rx[32], tx2[32], rx2[32];

	begin(&e);
	noise_init(&again, &e.sr, NULL, "p", 1);
	assert_int_equal(noise_read_first(&e.r, NULL, e.first, sizeof e.first), 0);
	assert_int_equal(noise_read_first(&again, NULL, e.first, sizeof e.first), 0);
	assert_int_equal(noise_write_second(&e.r, e.second, NULL, 0), 0);
	assert_int_equal(noise_write_second(&again, second, NULL, 0), 0);
	assert_memory_not_equal(second, e.second, sizeof second);
	noise_split(&e.r, tx, rx);
	noise_split(&again, tx2, rx2);
	assert_memory_not_equal(tx, tx2, 32);
	assert_memory_not_equal(rx, rx2, 32);
	assert_memory_not_equal(tx, rx, 32);
}

/* Nothing that could make a key is left behind. */
static void test_wiped(void **state)
{
	static const struct noise none;
	struct ends e;
	uint8_t tx[32], rx[32];

	begin(&e);
	assert_int_equal(noise_read_first(&e.r, NULL, e.first, sizeof e.first), 0);
	assert_int_equal(noise_write_second(&e.r, e.second, NULL, 0), 0);
	noise_split(&e.r, tx, rx);
	memset(e.r.h, 0, sizeof e.r.h);
	assert_memory_equal(&e.r, &none, sizeof none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_every_bit_of_the_first),
		cmocka_unit_test(test_every_bit_of_the_second),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_another_server),
		cmocka_unit_test(test_another_prologue),
		cmocka_unit_test(test_small_order),
		cmocka_unit_test(test_repeated_first),
		cmocka_unit_test(test_wiped),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
