/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_int.c - enc_int4 and enc_int8, and booleans. Semantics are those of
 * PostgreSQL's int4 and int8, to the error.
 */
#include "kernel_fixed.h"

#include <stdio.h>
#include <string.h>

#include "kernel_numeric.h"

/* ---- arithmetic, the same text for both widths ---- */

/* base ^ exponent by squaring; the last squaring is not done, so that it cannot
 * overflow for nothing. */
#define POWER(T, RANGE)                                                                \
	do {                                                                               \
		r = 1;                                                                         \
		if (b < 0)                                                                     \
			fail = ROW_POWER;                                                          \
		while (b > 0 && !fail) {                                                       \
			if ((b & 1) && __builtin_mul_overflow(r, a, &r))                           \
				fail = RANGE;                                                          \
			b >>= 1;                                                                   \
			if (b && __builtin_mul_overflow(a, a, &a))                                 \
				fail = RANGE;                                                          \
		}                                                                              \
	} while (0)

#define ARITHMETIC(p, T, f, MIN, RANGE)                                                \
	BINARY(p##_add, T, f, if (__builtin_add_overflow(a, b, &r)) fail = RANGE)          \
	BINARY(p##_sub, T, f, if (__builtin_sub_overflow(a, b, &r)) fail = RANGE)          \
	BINARY(p##_mul, T, f, if (__builtin_mul_overflow(a, b, &r)) fail = RANGE)          \
	BINARY(p##_div, T, f,                                                              \
		if (b == 0) fail = ROW_DIVISION_BY_ZERO; else if (b == -1 && a == MIN)         \
		fail = RANGE; else r = a / b)                                                  \
	BINARY(p##_mod, T, f,                                                              \
		if (b == 0) fail = ROW_DIVISION_BY_ZERO; else r = b == -1 ? 0 : a % b)         \
	BINARY(p##_pow, T, f, POWER(T, RANGE))                                             \
	UNARY(p##_neg, T, f, if (a == MIN) fail = RANGE; else r = -a)                      \
	UNARY(p##_abs, T, f, if (a == MIN) fail = RANGE; else r = a < 0 ? -a : a)

ARITHMETIC(int4, int32_t, i4, INT32_MIN, ROW_INT4_RANGE)
ARITHMETIC(int8, int64_t, i8, INT64_MIN, ROW_INT8_RANGE)

/* ---- bits: a shift is by the low bits of its count, as processors have it ---- */

#define BITS(p, T, U, f, MASK)                                                         \
	BINARY(p##_and, T, f, r = a & b)                                                   \
	BINARY(p##_or, T, f, r = a | b)                                                    \
	BINARY(p##_xor, T, f, r = a ^ b)                                                   \
	UNARY(p##_not, T, f, r = ~a)                                                       \
	BINARY_OF(p##_shl, T, f, T, f, int32_t, i4, r = (T)((U)a << (b & MASK)))           \
	BINARY_OF(p##_shr, T, f, T, f, int32_t, i4, r = a >> (b & MASK))

BITS(int4, int32_t, uint32_t, i4, 31)
BITS(int8, int64_t, uint64_t, i8, 63)

/* ---- divisors ---- */

static uint64_t divisor(int64_t a, int64_t b)
{
	uint64_t x = a < 0 ? 0 - (uint64_t)a : (uint64_t)a, y = b < 0 ? 0 - (uint64_t)b : (uint64_t)b, r;

	for (; y; y = r) {
		r = x % y;
		x = y;
	}
	return x;
}

#define DIVISORS(p, T, f, MAX, RANGE)                                                  \
	BINARY(p##_gcd, T, f,                                                              \
		uint64_t d = divisor(a, b); if (d > MAX) fail = RANGE; else r = (T)d)          \
	BINARY(p##_lcm, T, f,                                                              \
		uint64_t d = divisor(a, b);                                                    \
		__int128 v = a && b ? (__int128)a / (__int128)d * b : 0;                       \
		v = v < 0 ? -v : v; if (v > MAX) fail = RANGE; else r = (T)v)

DIVISORS(int4, int32_t, i4, INT32_MAX, ROW_INT4_RANGE)
DIVISORS(int8, int64_t, i8, INT64_MAX, ROW_INT8_RANGE)

/* ---- order ---- */

static inline int order(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

COMPARE(enc_int4, int32_t, i4, order)
COMPARE(enc_int8, int64_t, i8, order)
COMPARE_OF(cmp_enc_int4_int8, int32_t, i4, int64_t, i8, order)
COMPARE_OF(cmp_enc_int8_int4, int64_t, i8, int32_t, i4, order)
EXTREMES_OF(enc_int4, int32_t, i4, order)
EXTREMES_OF(enc_int8, int64_t, i8, order)

/* ---- hashing: an integer hashes as the number it is, whatever its width ---- */

static int64_t hash_number(struct eval *ev, int64_t v)
{
	uint8_t in[1 + NUMERIC_INT_BYTES_MAX] = {HASH_NUMBER};

	if (v > INT64_MIN)
		return number_hash(ev, v, 0);
	return (int64_t)eval_hash(ev, in, 1 + numeric_from_int128(in + 1, v));
}

#define HASH(p, f)                                                                     \
	KERNEL(hash_enc_##p)                                                               \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
			out->i8[i] = hash_number(ev, in->f[ROW(in, i)]);                           \
	}
HASH(int4, i4)
HASH(int8, i8)

/* ---- casts ---- */

KERNEL(int4_to_int8)
{
	uint32_t i;

	EACH_ROW(out, n, i)
		out->i8[i] = in->i4[ROW(in, i)];
}

KERNEL(int8_to_int4)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		int64_t v = in->i8[ROW(in, i)];

		if (v < INT32_MIN || v > INT32_MAX)
			row_fail(out, i, ROW_INT4_RANGE);
		out->i4[i] = (int32_t)v;
	}
}

/* A number's characters in a text of its own. */
static void put_text(struct eval *ev, struct vec *out, uint32_t i, const char *format,
	unsigned long long v)
{
	enum { DIGITS = 24 };
	char *text = eval_alloc(ev, DIGITS);

	out->s[i].p = (const uint8_t *)text;
	out->s[i].len = text ? (uint32_t)snprintf(text, DIGITS, format, v) : 0;
}

/* All bits of a column together. */
#define ALL_BITS(name, T, f, start, op)                                                \
	KERNEL(name##_all)                                                                 \
	{                                                                                  \
		bool any = false;                                                              \
		uint32_t i;                                                                    \
                                                                                       \
		out->f[0] = (T)(start);                                                        \
		EACH_VALUE(in, out, n, i)                                                      \
		{                                                                              \
			out->f[0] op in->f[i];                                                     \
			any = true;                                                                \
		}                                                                              \
		if (!any && !out->state[0])                                                    \
			row_fail(out, 0, ROW_NULL);                                                \
	}
ALL_BITS(int4_and, int32_t, i4, -1, &=)
ALL_BITS(int4_or, int32_t, i4, 0, |=)
ALL_BITS(int4_xor, int32_t, i4, 0, ^=)
ALL_BITS(int8_and, int64_t, i8, -1, &=)
ALL_BITS(int8_or, int64_t, i8, 0, |=)
ALL_BITS(int8_xor, int64_t, i8, 0, ^=)

#define TO_HEX(w, U, f)                                                                \
	KERNEL(w##_to_hex)                                                                 \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
			put_text(ev, out, i, "%llx", (U)in->f[ROW(in, i)]);                        \
	}
TO_HEX(int4, uint32_t, i4)
TO_HEX(int8, uint64_t, i8)

#define TO_NUMERIC_AND_TEXT(w, f)                                                      \
	KERNEL(w##_to_numeric)                                                             \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
			number_put128(ev, out, i, in->f[ROW(in, i)], 0);                                \
	}                                                                                  \
	KERNEL(w##_to_text)                                                                \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
			put_text(ev, out, i, "%lld", (unsigned long long)(long long)in->f[ROW(in, i)]); \
	}
TO_NUMERIC_AND_TEXT(int4, i4)
TO_NUMERIC_AND_TEXT(int8, i8)

/* ---- any type ---- */

KERNEL(copy)
{
	uint32_t size = optable_type(out->type).size, i;

	EACH_ROW(out, n, i)
	{
		if (size)
			memcpy((uint8_t *)out->any + (size_t)i * size,
				(uint8_t *)in->any + (size_t)ROW(in, i) * size, size);
		else
			out->s[i] = in->s[ROW(in, i)];
	}
}

/* ---- booleans: SQL's three values, and errors that a decided side hides ---- */

/* `decides`: the value that settles it, false for AND, true for OR. */
static void connect(struct vec *out, const struct vec *in, uint32_t n, bool decides)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint32_t l = ROW(&in[0], i), r = ROW(&in[1], i);
		uint8_t ls = in[0].state[l], rs = in[1].state[r];

		out->b[i] = !decides;
		if (ls > ROW_NULL)
			row_fail(out, i, ls);
		else if (ls == ROW_VALUE && in[0].b[l] == decides)
			out->b[i] = decides;
		else if (rs > ROW_NULL)
			row_fail(out, i, rs);
		else if (rs == ROW_VALUE && in[1].b[r] == decides)
			out->b[i] = decides;
		else if (ls == ROW_NULL || rs == ROW_NULL)
			row_fail(out, i, ROW_NULL);
	}
}

KERNEL(and)
{
	connect(out, in, n, false);
}

KERNEL(or)
{
	connect(out, in, n, true);
}

KERNEL(not)
{
	uint32_t i;

	EACH_ROW(out, n, i)
		out->b[i] = !in->b[ROW(in, i)];
}
