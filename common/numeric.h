/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * numeric.h - exact decimals in PostgreSQL's binary form.
 *
 * This is the plaintext inside enc_numeric: what numeric_send() writes and
 * numeric_recv() reads. All fields are big-endian 16-bit words:
 *
 *     0   ndigits   number of digits to base 10,000
 *     2   weight    exponent of the first digit: it counts 10000^weight; signed
 *     4   sign      0x0000 +, 0x4000 -, 0xC000 NaN, 0xD000 Infinity, 0xF000 -Infinity
 *     6   dscale    decimal digits after the point when shown, 0 .. 16383
 *     8   digits    each 0 .. 9999, most significant first
 *
 * Canonical bytes have no zero digit at either end, and zero, NaN and the infinities
 * have no digits, weight 0 and (but for zero) dscale 0; every function here writes
 * those. 1.5 and 1.50 differ in dscale alone, are equal, and have equal hash bytes.
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

#include <stddef.h>
#include <stdint.h>

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

/* A parsed numeric: canonical, though the bytes that it points to may not be. */
struct numeric {
	const uint8_t *digits; /* first of ndigits big-endian words in the parsed bytes */
	int32_t ndigits;	   /* 0 for zero, NaN and the infinities */
	int32_t weight;
	uint16_t sign;
	uint16_t dscale;
};

/*
 * numeric_parse - check untrusted bytes and look at them as a number.
 *
 * Returns 0, or -EPROTO (x unchanged) when the length is not what ndigits says, a
 * field or a digit is out of range, NaN or an infinity has digits, or digits other
 * than 0 stand behind dscale (numeric_recv() would drop those without a word).
 */
MUST_CHECK int numeric_parse(struct numeric *x, const void *in, size_t n);

/* numeric_hash_bytes - canonical bytes, 8 + 2 * x->ndigits, with dscale 0: equal numbers,
 * equal bytes. 0, or -EMSGSIZE when cap is less. */
MUST_CHECK int numeric_hash_bytes(
	uint8_t *out, size_t cap, size_t *len, const struct numeric *x);

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
