/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_numeric.c - scope: common/numeric.h: answers recorded from PostgreSQL, hostile
 * bytes, canonical and hash bytes, order, 128-bit integers, the errors of each header
 * entry, and laws (a + b = b + a, a + b - b = a) on seeded random numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "numeric.h"
#include "../vectors/numeric.h"

#include <sodium.h>

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define INT128_MAX ((__int128)(~(unsigned __int128)0 >> 1))
#define INT128_MIN (-INT128_MAX - 1)

static const struct numeric zero; /* what is added to it comes out in canonical bytes */

/* Fills bytes from hex and parses them. */
static struct numeric of_hex(uint8_t bytes[512], const char *hex)
{
	struct numeric x = {0};
	size_t n;

	assert_int_equal(sodium_hex2bin(bytes, 512, hex, strlen(hex), NULL, &n, NULL), 0);
	assert_int_equal(numeric_parse(&x, bytes, n), 0);
	return x;
}

static void assert_hex(const uint8_t *bytes, size_t n, const char *want)
{
	char hex[1025];

	assert_true(n <= 512);
	assert_string_equal(sodium_bin2hex(hex, sizeof hex, bytes, n), want);
}

static int sign_of(int c)
{
	return (c > 0) - (c < 0);
}

static void test_recorded(void **state)
{
	uint8_t a[512], b[512], out[512];
	size_t i, n;

	for (i = 0; i < sizeof numeric_vectors / sizeof *numeric_vectors; i++) {
		const struct numeric_vector *v = &numeric_vectors[i];
		struct numeric x = of_hex(a, v->a), y = of_hex(b, v->b);

		assert_int_equal(sign_of(numeric_cmp(&x, &y)), v->cmp);
		assert_int_equal(sign_of(numeric_cmp(&y, &x)), -v->cmp);
		assert_int_equal(numeric_add(out, sizeof out, &n, &x, &y), 0);
		assert_hex(out, n, v->sum);
		assert_int_equal(numeric_add(out, sizeof out, &n, &y, &x), 0);
		assert_hex(out, n, v->sum);
		assert_int_equal(numeric_avg(out, sizeof out, &n, &x, v->count), 0);
		assert_hex(out, n, v->avg);
		assert_int_equal(numeric_add(out, sizeof out, &n, &x, &zero), 0);
		assert_hex(out, n, v->a);
	}
}

static void test_hostile(void **state)
{
	static const char *const bad[] = {
		"",
		"000000000000",
		"00000000000000",
		"000000000000000000", /* a byte too many */
		"0001000000000000",	  /* a digit too few */
		"00010000000000000001"
		"0001",					/* a digit too many */
		"00010000000000002710", /* digit 10000 */
		"0001000000000000ffff", /* digit -1 */
		"00010000800000000001", /* sign of the short on-disk form */
		"00010000000100000001", /* sign 1 */
		"0001000040000000"
		"8000",
		"00010000000040000001", /* dscale 16384 */
		"0001000000008001"
		"0001",
		"00010000c00000000001", /* NaN with a digit */
		"00010000d00000000001",
		"00010000f00000000001",
		"0001ffff000000000001", /* 0.0001 with dscale 0 */
		"0001ffff000000030001", /* 0.0001 with dscale 3 */
		"0002000000000001"
		"0001"
		"03e9",					/* 1.1001 with dscale 1 */
		"0001f000000000040001", /* 10000^-4096 with dscale 4 */
		"ffff000000000000",
	};
	uint8_t bytes[64];
	struct numeric x = {.weight = 4711};
	size_t i, n;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(
			sodium_hex2bin(bytes, 64, bad[i], strlen(bad[i]), NULL, &n, NULL), 0);
		assert_int_equal(numeric_parse(&x, bytes, n), -EPROTO);
		assert_int_equal(x.weight, 4711);
	}
}

/* Whatever parses is written canonically, and that parses to an equal number. */
static void test_random_bytes(void **state)
{
	static const uint16_t signs[] = {0, 0x4000, 0xC000, 0xD000, 0xF000, 0, 0, 1};
	uint8_t bytes[8 + 2 * 6], out[64], again[64];
	uint32_t seed = 1, r, parsed = 0;
	struct numeric x, y;
	size_t i, j, n, m;

	for (i = 0; i < 200000; i++) {
		size_t nd = i % 7;

		for (j = 0; j < sizeof bytes; j++) {
			seed = seed * 1664525 + 1013904223;
			bytes[j] = seed >> 28 > 6 ? 0 : (uint8_t)(seed >> 20);
			if (j >= 8 && j % 2 == 0)
				bytes[j] %= 40; /* mostly below 10000 */
		}
		r = seed >> 16;
		bytes[0] = 0;
		bytes[1] = (uint8_t)nd;
		bytes[2] = bytes[2] & 1 ? 0xff : 0;
		bytes[3] = r & 2 ? 0xfe : 2;
		bytes[4] = (uint8_t)(signs[r % 8] >> 8);
		bytes[5] = (uint8_t)signs[r % 8];
		bytes[6] &= 1;
		if (numeric_parse(&x, bytes, 8 + 2 * nd) != 0)
			continue;
		parsed++;
		assert_int_equal(numeric_add(out, sizeof out, &n, &x, &zero), 0);
		assert_int_equal(n, 8 + 2 * x.ndigits);
		assert_int_equal(numeric_parse(&y, out, n), 0);
		assert_int_equal(numeric_cmp(&x, &y), 0);
		assert_int_equal(numeric_add(again, sizeof again, &m, &y, &zero), 0);
		assert_int_equal(n, m);
		assert_memory_equal(out, again, n);
	}
	assert_true(parsed > 10000);
}

static void test_canonical(void **state)
{
	/* 0.00 as -0, 1.5 with zero digits around it, and the same at dscale 1, 3 and 4 */
	static const char *const in[] = {"0002000340000002"
									 "0000"
									 "0000",
		"0005000200000003"
		"0000"
		"0000"
		"0001"
		"1388"
		"0000",
		"0002000000000001"
		"00011388",
		"0002000000000004"
		"00011388"};
	static const char *const want[] = {"0000000000000002", "000200000000000300011388",
		"000200000000000100011388", "000200000000000400011388"};
	uint8_t b[512], out[512], hash[512];
	size_t i, n, hn = 0;

	for (i = 0; i < 4; i++) {
		struct numeric x = of_hex(b, in[i]);

		assert_int_equal(numeric_add(out, sizeof out, &n, &x, &zero), 0);
		assert_hex(out, n, want[i]);
		assert_int_equal(numeric_add(out, n - 1, &n, &x, &zero), -EMSGSIZE);
		x.dscale = numeric_least_scale(&x); /* what is hashed */
		n = numeric_pack(out, &x);
		if (i == 1) {
			memcpy(hash, out, n);
			hn = n;
		} else if (i > 1) {
			assert_int_equal(n, hn);
			assert_memory_equal(out, hash, n);
		} else {
			assert_hex(out, n, "00");
		}
	}
	/* All NaN are one value, whatever their meaningless fields say. */
	of_hex(b, "00000001c0000020");
}

static void test_integers(void **state)
{
	static const int64_t small[] = {
		0, 1, -1, 9999, 10000, -10000, 99999999, 100000000, INT64_MAX, INT64_MIN};
	uint8_t out[NUMERIC_INT_BYTES_MAX], b[512];
	struct numeric x;
	__int128 v, got = 42;
	int shift;
	size_t i;

	for (i = 0; i < sizeof small / sizeof *small; i++) {
		assert_int_equal(numeric_parse(&x, out, numeric_from_int128(out, small[i])), 0);
		assert_int_equal(x.dscale, 0);
		assert_int_equal(numeric_to_int128(&x, &got), 0);
		assert_true(got == small[i]);
	}
	for (shift = 0; shift < 128; shift++) {
		v = shift % 2 ? INT128_MIN >> shift : INT128_MAX >> shift;
		assert_int_equal(numeric_parse(&x, out, numeric_from_int128(out, v)), 0);
		assert_int_equal(numeric_to_int128(&x, &got), 0);
		assert_true(got == v);
	}
	x = of_hex(b, "000a000900000000"
				  "00aa0583209a01d5090d0c601c871bf620da1660");
	got = 42;
	assert_int_equal(numeric_to_int128(&x, &got), -EINVAL); /* 2^127 */
	x = of_hex(b, "0001000a00000000"
				  "0001"); /* 10^40 */
	assert_int_equal(numeric_to_int128(&x, &got), -EINVAL);
	x = of_hex(b, "0002000000000001"
				  "0001"
				  "1388"); /* 1.5 */
	assert_int_equal(numeric_to_int128(&x, &got), -EINVAL);
	x = of_hex(b, "00000000c0000000");
	assert_int_equal(numeric_to_int128(&x, &got), -EINVAL);
	x = of_hex(b, "00000000f0000000");
	assert_int_equal(numeric_to_int128(&x, &got), -EINVAL);
	assert_true(got == 42);
	x = of_hex(b, "0001000200000000"
				  "0001"); /* 10^8, its zero digits not stored */
	assert_int_equal(numeric_to_int128(&x, &got), 0);
	assert_true(got == 100000000);
}

static void test_limits(void **state)
{
	static uint8_t out[NUMERIC_BYTES_MAX], b[NUMERIC_BYTES_MAX];
	uint8_t one[512];
	struct numeric x, y = of_hex(one, "0001000000000000"
									  "0001");
	size_t n = 4711, i;

	/* 131,072 nines, and the smallest possible fraction */
	memcpy(b, "\x80\x00\x7f\xff\0\0\0\0", 8);
	for (i = 8; i < 8 + 2 * 32768; i += 2)
		memcpy(b + i, "\x27\x0f", 2);
	assert_int_equal(numeric_parse(&x, b, i), 0);
	assert_int_equal(numeric_add(out, sizeof out, &n, &x, &y), -EMSGSIZE);
	assert_int_equal(n, 4711);
	y = of_hex(one, "0001f00000003fff"
					"000a");
	assert_int_equal(numeric_add(out, sizeof out, &n, &x, &y), 0);
	assert_int_equal(n, 8 + 2 * NUMERIC_NDIGITS_MAX);
	assert_int_equal(numeric_parse(&x, out, n), 0);
	assert_int_equal(numeric_add(b, sizeof b - 1, &n, &x, &y), -EMSGSIZE);
	assert_int_equal(numeric_add(b, sizeof b, &n, &x, &y), 0);
	assert_int_equal(numeric_avg(b, sizeof b, &n, &x, 9), 0);
	assert_int_equal(numeric_parse(&y, b, n), 0);
	assert_int_equal(y.dscale, 1000);
	x = of_hex(one, "00000000c0000000");
	assert_int_equal(numeric_add(out, 7, &n, &x, &x), -EMSGSIZE);
	assert_int_equal(numeric_avg(out, 7, &n, &x, 1), -EMSGSIZE);
}

/* numeric_avg() of a sum of integers. */
static int avg_int128(uint8_t *out, size_t cap, size_t *len, __int128 sum, int64_t count)
{
	uint8_t bytes[NUMERIC_INT_BYTES_MAX];
	struct numeric x;
	int rc = numeric_parse(&x, bytes, numeric_from_int128(bytes, sum));

	return rc ? rc : numeric_avg(out, cap, len, &x, count);
}

static void test_avg(void **state)
{
	uint8_t out[600], same[600], bytes[NUMERIC_INT_BYTES_MAX];
	struct numeric x;
	size_t n, m;

	assert_int_equal(avg_int128(out, sizeof out, &n, 7, 0), -EINVAL);
	assert_int_equal(avg_int128(out, sizeof out, &n, 7, -1), -EINVAL);
	assert_int_equal(avg_int128(out, 20, &n, 7, 3), -EMSGSIZE);
	/* -3.5000000000000000: avg of -3 and -4 is exact, not truncated */
	assert_int_equal(avg_int128(out, sizeof out, &n, -7, 2), 0);
	assert_hex(out, n,
		"0002000040000010"
		"0003"
		"1388");
	assert_int_equal(avg_int128(out, sizeof out, &n, INT128_MIN, INT64_MAX), 0);
	m = numeric_from_int128(bytes, INT128_MIN);
	assert_int_equal(numeric_parse(&x, bytes, m), 0);
	assert_int_equal(numeric_avg(same, sizeof same, &m, &x, INT64_MAX), 0);
	assert_int_equal(n, m);
	assert_memory_equal(out, same, n);
}

/* A number from a linear congruence: up to 8 digits, some of them 0 or 9999. */
static struct numeric any_number(uint8_t bytes[512], uint32_t *seed)
{
	uint32_t nd, i, d, point;
	struct numeric x = {0};

	*seed = *seed * 1664525 + 1013904223;
	nd = *seed >> 29;
	point = *seed >> 26 & 7;
	memset(bytes, 0, 8);
	bytes[1] = (uint8_t)nd;
	bytes[3] = (uint8_t)point;
	bytes[4] = *seed & 0x10000 ? 0x40 : 0;
	bytes[7] = 32;
	for (i = 0; i < nd; i++) {
		*seed = *seed * 1664525 + 1013904223;
		d = *seed >> 30 == 0 ? 0 : *seed >> 30 == 1 ? 9999 : (*seed >> 10) % 10000;
		bytes[8 + 2 * i] = (uint8_t)(d >> 8);
		bytes[9 + 2 * i] = (uint8_t)d;
	}
	assert_int_equal(numeric_parse(&x, bytes, 8 + 2 * nd), 0);
	return x;
}

static void test_laws(void **state)
{
	uint8_t a[512], b[512], ab[512], ba[512], back[512];
	uint32_t seed = 20;
	size_t i, n, m;

	for (i = 0; i < 50000; i++) {
		struct numeric x = any_number(a, &seed), y = any_number(b, &seed), s, r;
		int order = sign_of(numeric_cmp(&x, &y));

		assert_int_equal(sign_of(numeric_cmp(&y, &x)), -order);
		assert_int_equal(numeric_add(ab, sizeof ab, &n, &x, &y), 0);
		assert_int_equal(numeric_add(ba, sizeof ba, &m, &y, &x), 0);
		assert_int_equal(n, m);
		assert_memory_equal(ab, ba, n);
		assert_int_equal(numeric_parse(&s, ab, n), 0);
		if (y.ndigits)
			y.sign ^= NUMERIC_NEG;
		assert_int_equal(numeric_add(back, sizeof back, &n, &s, &y), 0);
		assert_int_equal(numeric_parse(&r, back, n), 0);
		assert_int_equal(numeric_cmp(&r, &x), 0);
		/* the sign of x - y is the order of x and y */
		assert_int_equal(numeric_add(back, sizeof back, &n, &x, &y), 0);
		assert_int_equal(numeric_parse(&r, back, n), 0);
		assert_int_equal(r.ndigits == 0 ? 0 : r.sign == NUMERIC_NEG ? -1 : 1, order);
	}
}

/* ---- the plaintext of enc_numeric ---- */

static size_t read_back(const char *text, uint8_t *form, char *shown)
{
	struct numeric x;
	size_t len = 0;

	assert_int_equal(numeric_read(form, &len, text, strlen(text)), 0);
	assert_int_equal(numeric_open(&x, form, len), 0);
	shown[numeric_text(shown, &x)] = 0;
	return len;
}

static void test_plaintext_forms(void **state)
{
	static const struct {
		const char *text, *shown;
		size_t len;
	} t[] = {
		{"0", "0", 1}, {"0.00", "0.00", 1}, {"-0.0", "0.0", 1}, {"17.00", "17.00", 3},
		{"-104949.50", "-104949.50", 4}, {" +.5e1 ", "5", 2}, {"1e3", "1000", 3},
		{"1.50e-2", "0.0150", 2}, {"NaN", "NaN", 1}, {"-inf", "-Infinity", 1},
		{"9223372036854775807", "9223372036854775807", 9},
		{"9223372036854775808", "9223372036854775808", 18},
		{"-92233720368547758.08", "-92233720368547758.08", 20},
		{"0.00000000000000000000000000000000000000001", NULL, 2},
		{"123456789012345678901234567890.5", NULL, 26},
	};
	uint8_t form[128], again[128];
	char shown[128];
	size_t i, len, n;

	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct numeric x;

		len = read_back(t[i].text, form, shown);
		assert_string_equal(shown, t[i].shown ? t[i].shown : t[i].text);
		assert_int_equal(len, t[i].len);
		/* PostgreSQL's form and back is the same plaintext */
		assert_int_equal(numeric_unpack(again, &n, form, len), 0);
		assert_int_equal(numeric_parse(&x, again, n), 0);
		assert_int_equal(numeric_pack(again, &x), len);
		assert_memory_equal(again, form, len);
	}
}

/* Each number has one form; nothing else is taken. */
static void test_plaintext_refused(void **state)
{
	static const struct {
		uint8_t bytes[9];
		size_t len;
	} bad[] = {
		{{0}, 0}, {{0, 0}, 2}, {{0, 1, 0}, 3}, {{0x80}, 1}, {{101}, 1}, {{0x7d, 1}, 2},
		{{0x7f}, 1}, {{0xfd}, 1}, {{0, 0, 0, 0, 0, 0, 0, 0, 0x80}, 9},
	};
	static const char *const text[] = {"", ".", "e1", "1e", "1.2.3", "--1", "1 2", "0x1", "infin"};
	uint8_t form[64];
	struct numeric x;
	size_t i, len;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(numeric_open(&x, bad[i].bytes, bad[i].len), -EPROTO);
	for (i = 0; i < sizeof text / sizeof text[0]; i++)
		assert_int_equal(numeric_read(form, &len, text[i], strlen(text[i])), -EINVAL);
	assert_int_equal(numeric_read(form, &len, "1e200000", 8), -EMSGSIZE);
	assert_int_equal(numeric_read(form, &len, "1e-20000", 8), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_avg),
		cmocka_unit_test(test_laws),
		cmocka_unit_test(test_plaintext_forms),
		cmocka_unit_test(test_plaintext_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
