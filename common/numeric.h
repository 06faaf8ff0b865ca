/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * numeric.h - exact decimals in PostgreSQL's binary form.
 *
 * What numeric_send() writes and numeric_recv() reads. All fields are big-endian 16-bit words:
 *
 *     0   ndigits   number of digits to base 10,000
 *     2   weight    exponent of the first digit: it counts 10000^weight; signed
 *     4   sign      0x0000 +, 0x4000 -, 0xC000 NaN, 0xD000 Infinity, 0xF000 -Infinity
 *     6   dscale    decimal digits after the point when shown, 0 .. 16383
 *     8   digits    each 0 .. 9999, most significant first
 *
 * Canonical bytes have no zero digit at either end, and zero, NaN and the infinities
 * have no digits, weight 0 and (but for zero) dscale 0; every function here writes
 * those. 1.5 and 1.50 differ in dscale alone and are equal: with numeric_least_scale() they
 * have the same plaintext, which is what is hashed.
 *
 * Rules
 *   - Bytes come in through numeric_parse() only. It yields a view: the digits stay
 *     where they are, so the bytes must stay too, in private memory.
 *   - Results go to a buffer of the caller that does not overlap the inputs.
 *     NUMERIC_BYTES_MAX is always enough; what a result may need at most is said with
 *     each function. On an error the buffer's content is undefined and *len unchanged.
 *   - Nothing here allocates, and no state is kept: any thread may call anything.
 *
 * Results, scales and order are those of PostgreSQL 15.
 */
#ifndef COMMON_NUMERIC_H
#define COMMON_NUMERIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "err.h"

enum {
	NUMERIC_POS = 0x0000,
	NUMERIC_NEG = 0x4000,
	NUMERIC_NAN = 0xC000,
	NUMERIC_PINF = 0xD000,
	NUMERIC_NINF = 0xF000,

	NUMERIC_BASE = 10000,
	NUMERIC_BASE_DIGITS = 4,	/* decimal digits in one */
	NUMERIC_WEIGHT_MAX = 32767, /* 131,072 decimal digits before the point */
	NUMERIC_DSCALE_MAX = 16383,
	NUMERIC_NDIGITS_MAX = (NUMERIC_WEIGHT_MAX + 1) + (NUMERIC_DSCALE_MAX + 1) / 4,
	NUMERIC_HEAD_BYTES = 8,
	/* one digit more than a value can have: a sum's carry, before it is refused */
	NUMERIC_BYTES_MAX = NUMERIC_HEAD_BYTES + 2 * (NUMERIC_NDIGITS_MAX + 1),
	NUMERIC_INT_BYTES_MAX = NUMERIC_HEAD_BYTES + 2 * 10, /* of any __int128 */
};

/*
 * The plaintext inside enc_numeric is shorter than that for most numbers: one to nine
 * bytes, which no form with digits can be (it takes ten).
 *
 *     0   bit 7: negative; bits 0-6: dscale, 0 .. NUMERIC_SHORT_SCALE_MAX, or one of the
 *         NUMERIC_SHORT_* that are no numbers, without further bytes
 *     1   the number without its point, below 2^63, little-endian and without leading
 *         zeros
 *
 * -12.50 is 82 e2 04. Each number has one form: this one if it can.
 */
enum {
	NUMERIC_SHORT_BYTES_MAX = 9,
	NUMERIC_SHORT_SCALE_MAX = 100,
	NUMERIC_SHORT_NAN = 0x7d,
	NUMERIC_SHORT_PINF = 0x7e,
	NUMERIC_SHORT_NINF = 0x80 | 0x7e,
	NUMERIC_SHORT_NEGATIVE = 0x80,
};

/* A parsed numeric: canonical, though the bytes that it points to may not be. */
struct numeric {
	const uint8_t *digits; /* first of ndigits big-endian words in the parsed bytes */
	int32_t ndigits;	   /* 0 for zero, NaN and the infinities */
	int32_t weight;
	uint16_t sign;
	uint16_t dscale;
	uint8_t own[12]; /* digits of a short form: then the struct must not be copied */
};

/* numeric_digit - the i-th digit, from the most significant one. */
static inline int32_t numeric_digit(const struct numeric *x, int32_t i)
{
	return x->digits[2 * i] << 8 | x->digits[2 * i + 1];
}

/* numeric_digit_at - the digit that counts 10000^exp. */
static inline int32_t numeric_digit_at(const struct numeric *x, int32_t exp)
{
	int32_t i = x->weight - exp;

	return i >= 0 && i < x->ndigits ? numeric_digit(x, i) : 0;
}

/* numeric_digit_put - a digit, or another word of PostgreSQL's form. */
static inline void numeric_digit_put(uint8_t *p, int32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* numeric_short - the number v / 10^scale, when the plaintext is a short form of one. */
static inline bool numeric_short(int64_t *v, int32_t *scale, const uint8_t *in, size_t n)
{
	uint64_t m = 0;
	uint32_t low;
	uint16_t half;

	if (n < 1 || n > NUMERIC_SHORT_BYTES_MAX || (in[0] & 0x7f) > NUMERIC_SHORT_SCALE_MAX)
		return false;
	*scale = in[0] & 0x7f;
	n--;
	if (n == 8) {
		memcpy(&m, in + 1, 8);
	} else if (n >= 4) { /* two loads that overlap */
		memcpy(&low, in + n - 3, 4);
		m = (uint64_t)low << (8 * n - 32);
		memcpy(&low, in + 1, 4);
		m |= low;
	} else if (n >= 2) {
		memcpy(&half, in + n - 1, 2);
		m = (uint64_t)half << (8 * n - 16);
		memcpy(&half, in + 1, 2);
		m |= half;
	} else if (n == 1) {
		m = in[1];
	}
	if (m >> 63 || (n && !in[n]) || (!m && in[0] & NUMERIC_SHORT_NEGATIVE))
		return false;
	*v = in[0] & NUMERIC_SHORT_NEGATIVE ? -(int64_t)m : (int64_t)m;
	return true;
}

/* numeric_short_put - that plaintext; its length. v is not the least int64, scale is up to
 * NUMERIC_SHORT_SCALE_MAX; writes up to nine bytes whatever the length is. */
static inline size_t numeric_short_put(uint8_t *out, int64_t v, int32_t scale)
{
	uint64_t m = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	out[0] = (uint8_t)(scale | (v < 0 ? NUMERIC_SHORT_NEGATIVE : 0));
	memcpy(out + 1, &m, sizeof m);
	return m ? 9 - (size_t)__builtin_clzll(m) / 8 : 1;
}

/*
 * numeric_open - look at a plaintext of either form as a number.
 *
 * Returns 0, or -EPROTO (x undefined): what numeric_parse() refuses, or a short form that
 * is not the one of its number.
 */
MUST_CHECK int numeric_open(struct numeric *x, const void *in, size_t n);

/* numeric_pack - the plaintext of x; its length, which is up to 8 + 2 * x->ndigits, or
 * nine if that is more. */
size_t numeric_pack(uint8_t *out, const struct numeric *x);

/* numeric_least_scale - the dscale that shows all digits of x, and no zero at their end. */
uint16_t numeric_least_scale(const struct numeric *x);

/* numeric_unpack - a plaintext in PostgreSQL's binary form, into n + 40 bytes or less.
 * 0 or -EPROTO. */
MUST_CHECK int numeric_unpack(uint8_t *out, size_t *len, const void *in, size_t n);

/* numeric_text_max - bytes that numeric_text() may write. */
size_t numeric_text_max(const struct numeric *x);

/* numeric_text - as PostgreSQL shows it, without a zero at the end; its length. */
size_t numeric_text(char *out, const struct numeric *x);

/* numeric_read_max - bytes that numeric_read() may write for n bytes of text. */
static inline size_t numeric_read_max(size_t n)
{
	return NUMERIC_HEAD_BYTES + 2 * (n / NUMERIC_BASE_DIGITS + 3);
}

/*
 * numeric_read - text as PostgreSQL takes it, blanks around it included.
 *
 *   out   numeric_read_max(n) bytes: the number in the plaintext form
 *
 * Returns 0, -EINVAL when it is no number, -EMSGSIZE when it is one out of range.
 */
MUST_CHECK int numeric_read(uint8_t *out, size_t *len, const char *text, size_t n);

/*
 * numeric_parse - check untrusted bytes and look at them as a number.
 *
 * Returns 0, or -EPROTO (x unchanged) when the length is not what ndigits says, a
 * field or a digit is out of range, NaN or an infinity has digits, or digits other
 * than 0 stand behind dscale (numeric_recv() would drop those without a word).
 */
MUST_CHECK int numeric_parse(struct numeric *x, const void *in, size_t n);

/* numeric_cmp - below 0, 0, above 0. -Infinity < numbers < Infinity < NaN = NaN. */
int numeric_cmp(const struct numeric *a, const struct numeric *b);

/* numeric_from_int128 - write an integer, dscale 0; its length. */
size_t numeric_from_int128(uint8_t out[NUMERIC_INT_BYTES_MAX], __int128 v);

/* numeric_to_int128 - 0, or -EINVAL (v unchanged) when x is not an integer, is NaN or
 * an infinity, or does not fit. */
MUST_CHECK int numeric_to_int128(const struct numeric *x, __int128 *v);

/*
 * numeric_add - the exact sum; its dscale is the larger one of a and b.
 *
 * Needs at most 8 + 2 * (digits from the higher weight + 1 down to the lower last
 * digit). Infinity + -Infinity is NaN. Returns 0, or -EMSGSIZE when cap is less than
 * that or the sum exceeds 131,072 digits (PostgreSQL: numeric_value_out_of_range).
 */
MUST_CHECK int numeric_add(uint8_t *out, size_t cap, size_t *len,
	const struct numeric *a, const struct numeric *b);

/*
 * numeric_avg - sum / count as PostgreSQL's avg() shows it.
 *
 * The scale gives at least 16 significant digits, is not below sum's dscale and not
 * above 1,000; the last digit is rounded half away from zero.
 *
 *   count   1 or more
 *
 * Needs at most 8 + 2 * (digits of sum before the point + scale / 4 + 3); 600 bytes
 * do for a sum of any __int128. Returns 0, -EINVAL when count < 1, -EMSGSIZE when cap
 * is too small.
 * Source: numeric_div() and select_div_scale(), PostgreSQL 15, numeric.c.
 */
MUST_CHECK int numeric_avg(
	uint8_t *out, size_t cap, size_t *len, const struct numeric *sum, int64_t count);

#endif
