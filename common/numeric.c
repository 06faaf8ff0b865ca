/* SPDX-License-Identifier: BSD-3-Clause */
#include "numeric.h"

#include <stdbool.h>
#include <string.h>

/* PostgreSQL's rule for the scale of a quotient. */
enum { MIN_SIG_DIGITS = 16, MAX_DISPLAY_SCALE = 1000 };

/* ---- words and digits ---- */

static inline int32_t word_get(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline bool is_special(const struct numeric *x)
{
	return x->sign >= NUMERIC_NAN;
}

/* Exponent of the last digit. Bounds: -4096 .. 32767, because dscale limits it below.
 */
static inline int32_t lowest(const struct numeric *x)
{
	return x->weight - x->ndigits + 1;
}

static void head_put(
	uint8_t *out, int32_t ndigits, int32_t weight, uint16_t sign, uint16_t dscale)
{
	numeric_digit_put(out, ndigits);
	numeric_digit_put(out + 2, weight);
	numeric_digit_put(out + 4, sign);
	numeric_digit_put(out + 6, dscale);
}

/*
 * Makes canonical bytes of the n digits at out + 8, the first of which counts
 * 10000^weight: moves them over leading zeroes and writes the header.
 */
static int digits_finish(uint8_t *out, size_t *len, int32_t n, int32_t weight,
	uint16_t sign, uint16_t dscale)
{
	uint8_t *digits = out + NUMERIC_HEAD_BYTES;
	int32_t skip = 0;

	while (skip < n && word_get(digits + 2 * skip) == 0)
		skip++;
	while (n > skip && word_get(digits + 2 * (n - 1)) == 0)
		n--;
	n -= skip;
	weight = n > 0 ? weight - skip : 0;
	if (weight > NUMERIC_WEIGHT_MAX)
		return -EMSGSIZE;
	memmove(digits, digits + 2 * skip, 2 * (size_t)n);
	head_put(out, n, weight, n > 0 ? sign : NUMERIC_POS, dscale);
	*len = NUMERIC_HEAD_BYTES + 2 * (size_t)n;
	return 0;
}

/* ---- in and out ---- */

/* Digits behind dscale must be 0; also what keeps the last exponent above -4097. */
static bool digits_within_dscale(const struct numeric *x)
{
	/* decimal digits of the last word that lie behind the point's dscale-th */
	int32_t hidden = -NUMERIC_BASE_DIGITS * lowest(x) - x->dscale;

	if (hidden <= 0)
		return true;
	if (hidden >= NUMERIC_BASE_DIGITS)
		return false;
	return numeric_digit_at(x, lowest(x)) % (hidden == 1 ? 10 : hidden == 2 ? 100 : 1000) == 0;
}

static int number_check(struct numeric *x)
{
	int32_t i;

	for (i = 0; i < x->ndigits; i++)
		if (word_get(x->digits + 2 * i) >= NUMERIC_BASE)
			return -EPROTO;
	while (x->ndigits > 0 && word_get(x->digits + 2 * (x->ndigits - 1)) == 0)
		x->ndigits--;
	while (x->ndigits > 0 && word_get(x->digits) == 0) {
		x->digits += 2;
		x->ndigits--;
		x->weight--;
	}
	if (x->ndigits == 0) {
		x->weight = 0;
		x->sign = NUMERIC_POS;
		return 0;
	}
	return digits_within_dscale(x) ? 0 : -EPROTO;
}

int numeric_parse(struct numeric *x, const void *in, size_t n)
{
	const uint8_t *p = in;
	struct numeric got;

	if (n < NUMERIC_HEAD_BYTES)
		return -EPROTO;
	got.ndigits = word_get(p);
	got.weight = (int16_t)word_get(p + 2);
	got.sign = (uint16_t)word_get(p + 4);
	got.dscale = (uint16_t)word_get(p + 6);
	got.digits = p + NUMERIC_HEAD_BYTES;
	if (got.ndigits > NUMERIC_NDIGITS_MAX ||
		n != NUMERIC_HEAD_BYTES + 2 * (size_t)got.ndigits ||
		got.dscale > NUMERIC_DSCALE_MAX)
		return -EPROTO;
	switch (got.sign) {
	case NUMERIC_POS:
	case NUMERIC_NEG:
		if (number_check(&got) != 0)
			return -EPROTO;
		break;
	case NUMERIC_NAN:
	case NUMERIC_PINF:
	case NUMERIC_NINF:
		if (got.ndigits != 0)
			return -EPROTO;
		/* PostgreSQL sends a dscale of 32 with the infinities; it means nothing. */
		got.weight = 0;
		got.dscale = 0;
		break;
	default:
		return -EPROTO;
	}
	*x = got;
	return 0;
}

static int write_scaled(
	uint8_t *out, size_t cap, size_t *len, const struct numeric *x, uint16_t dscale)
{
	size_t need = NUMERIC_HEAD_BYTES + 2 * (size_t)x->ndigits;

	if (cap < need)
		return -EMSGSIZE;
	head_put(out, x->ndigits, x->weight, x->sign, dscale);
	memmove(out + NUMERIC_HEAD_BYTES, x->digits, 2 * (size_t)x->ndigits);
	*len = need;
	return 0;
}

/* ---- order ---- */

static int magnitude_cmp(const struct numeric *a, const struct numeric *b)
{
	int32_t n = a->ndigits < b->ndigits ? a->ndigits : b->ndigits;
	int c;

	if (n == 0 || a->weight == b->weight) {
		/* Big-endian digits order as bytes do. */
		c = memcmp(a->digits, b->digits, 2 * (size_t)n);
		return c ? c : a->ndigits - b->ndigits;
	}
	return a->weight - b->weight;
}

/* -Infinity, negative, zero or positive, Infinity, NaN. */
static int sign_rank(const struct numeric *x)
{
	switch (x->sign) {
	case NUMERIC_NINF:
		return 0;
	case NUMERIC_NEG:
		return 1;
	case NUMERIC_POS:
		return 2;
	case NUMERIC_PINF:
		return 3;
	default:
		return 4;
	}
}

int numeric_cmp(const struct numeric *a, const struct numeric *b)
{
	if (a->sign != b->sign)
		return sign_rank(a) - sign_rank(b);
	if (is_special(a))
		return 0;
	return a->sign == NUMERIC_NEG ? magnitude_cmp(b, a) : magnitude_cmp(a, b);
}

/* ---- integers ---- */

size_t numeric_from_int128(uint8_t out[NUMERIC_INT_BYTES_MAX], __int128 v)
{
	unsigned __int128 left = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
	enum { N = 10 }; /* 2^127 has 39 decimal digits */
	size_t len = 0;
	int i;

	for (i = N - 1; i >= 0; i--) {
		numeric_digit_put(out + NUMERIC_HEAD_BYTES + 2 * i, (int32_t)(left % NUMERIC_BASE));
		left /= NUMERIC_BASE;
	}
	/* Cannot fail: the weight is below 10. */
	digits_finish(out, &len, N, N - 1, v < 0 ? NUMERIC_NEG : NUMERIC_POS, 0);
	return len;
}

int numeric_to_int128(const struct numeric *x, __int128 *v)
{
	__int128 sum = 0;
	int32_t exp;

	if (is_special(x) || (x->ndigits > 0 && lowest(x) < 0))
		return -EINVAL;
	/* Below zero, where there is one number more. */
	for (exp = x->ndigits > 0 ? x->weight : -1; exp >= 0; exp--)
		if (__builtin_mul_overflow(sum, NUMERIC_BASE, &sum) ||
			__builtin_sub_overflow(sum, numeric_digit_at(x, exp), &sum))
			return -EINVAL;
	if (x->sign == NUMERIC_POS && __builtin_sub_overflow((__int128)0, sum, &sum))
		return -EINVAL;
	*v = sum;
	return 0;
}

/* ---- arithmetic ---- */

static int add_special(uint8_t *out, size_t cap, size_t *len, const struct numeric *a,
	const struct numeric *b)
{
	uint16_t sign = is_special(a) ? a->sign : b->sign;

	if (is_special(a) && is_special(b) && a->sign != b->sign)
		sign = NUMERIC_NAN;
	if (cap < NUMERIC_HEAD_BYTES)
		return -EMSGSIZE;
	head_put(out, 0, 0, sign, 0);
	*len = NUMERIC_HEAD_BYTES;
	return 0;
}

int numeric_add(uint8_t *out, size_t cap, size_t *len, const struct numeric *a,
	const struct numeric *b)
{
	uint16_t dscale = a->dscale > b->dscale ? a->dscale : b->dscale;
	int32_t low, high, exp, n, d, carry = 0, times = a->sign == b->sign ? 1 : -1;

	if (is_special(a) || is_special(b))
		return add_special(out, cap, len, a, b);
	if (a->ndigits == 0 || b->ndigits == 0)
		return write_scaled(out, cap, len, a->ndigits ? a : b, dscale);
	/* Take the smaller magnitude from the larger: then no digit ends below zero. */
	if (times < 0 && magnitude_cmp(a, b) < 0) {
		const struct numeric *swap = a;

		a = b;
		b = swap;
	}
	high = (a->weight > b->weight ? a->weight : b->weight) + 1;
	low = lowest(a) < lowest(b) ? lowest(a) : lowest(b);
	n = high - low + 1;
	if (cap < NUMERIC_HEAD_BYTES + 2 * (size_t)n)
		return -EMSGSIZE;
	for (exp = low; exp <= high; exp++) {
		d = numeric_digit_at(a, exp) + times * numeric_digit_at(b, exp) + carry;
		carry = d >= NUMERIC_BASE ? 1 : d < 0 ? -1 : 0;
		numeric_digit_put(out + NUMERIC_HEAD_BYTES + 2 * (high - exp), d - carry * NUMERIC_BASE);
	}
	return digits_finish(out, len, n, high, a->sign, dscale);
}

/* The next digit of a long division by count; *rem < count before and after. */
static inline int32_t divide_step(uint64_t *rem, int32_t digit, uint64_t count)
{
	unsigned __int128 wide;
	uint64_t narrow;

	/* rem * 10000 + digit < count * 10000, which fits 64 bits for all counts that
	 * a table can have; dividing 128 bits takes ten times as long. */
	if (count <= UINT64_MAX / NUMERIC_BASE) {
		narrow = *rem * NUMERIC_BASE + (uint64_t)digit;
		*rem = narrow % count;
		return (int32_t)(narrow / count);
	}
	wide = (unsigned __int128)*rem * NUMERIC_BASE + (uint64_t)digit;
	*rem = (uint64_t)(wide % count);
	return (int32_t)(wide / count);
}

/* The scale of sum / count. Source: select_div_scale(). */
static int32_t quotient_scale(const struct numeric *sum, uint64_t count)
{
	int32_t first = sum->ndigits > 0 ? word_get(sum->digits) : 0;
	int32_t weight = sum->weight, scale;

	for (; count >= NUMERIC_BASE; count /= NUMERIC_BASE)
		weight--;
	/* An estimate of the quotient's weight, low by one when the digits are equal. */
	if (first <= (int32_t)count)
		weight--;
	scale = MIN_SIG_DIGITS - weight * NUMERIC_BASE_DIGITS;
	if (scale < sum->dscale)
		scale = sum->dscale;
	if (scale < 0)
		scale = 0;
	return scale < MAX_DISPLAY_SCALE ? scale : MAX_DISPLAY_SCALE;
}

/*
 * Rounds the n digits at `digits` half away from zero. The last of them is the one
 * whose decimal number `keep` (0 .. 3) is the first to go. The first digit has room.
 */
static void digits_round(uint8_t *digits, int32_t n, int32_t keep)
{
	static const int32_t unit[] = {10000, 1000, 100, 10};
	int32_t d = word_get(digits + 2 * (n - 1)), over = d % unit[keep];

	d -= over;
	if (over >= unit[keep] / 2)
		d += unit[keep];
	while (d >= NUMERIC_BASE && n > 1) {
		numeric_digit_put(digits + 2 * (n - 1), d - NUMERIC_BASE);
		n--;
		d = word_get(digits + 2 * (n - 1)) + 1;
	}
	numeric_digit_put(digits + 2 * (n - 1), d);
}

int numeric_avg(
	uint8_t *out, size_t cap, size_t *len, const struct numeric *sum, int64_t count)
{
	uint8_t *digits = out + NUMERIC_HEAD_BYTES;
	int32_t scale, high, low, exp, n;
	uint64_t rem = 0;

	if (count < 1)
		return -EINVAL;
	if (is_special(sum))
		return write_scaled(out, cap, len, sum, 0);
	scale = quotient_scale(sum, (uint64_t)count);
	/* One place above for the carry; below, the digit behind the last to be kept. */
	high = (sum->weight > 0 ? sum->weight : 0) + 1;
	low = -(scale / NUMERIC_BASE_DIGITS + 1);
	n = high - low + 1;
	if (cap < NUMERIC_HEAD_BYTES + 2 * (size_t)n)
		return -EMSGSIZE;
	for (exp = high; exp >= low; exp--)
		numeric_digit_put(digits + 2 * (high - exp),
			divide_step(&rem, numeric_digit_at(sum, exp), (uint64_t)count));
	digits_round(digits, n, scale % NUMERIC_BASE_DIGITS);
	return digits_finish(out, len, n, high, sum->sign, (uint16_t)scale);
}

/* ---- the plaintext forms ---- */

static const int64_t pow10_64[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000,
	100000000, 1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000,
	100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
	1000000000000000000};

/* The digits of v / 10^scale to x->own: v moved so that the point is between digits. */
static void open_short(struct numeric *x, int64_t v, int32_t scale)
{
	uint64_t m = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	int32_t shift = (4 - scale % 4) % 4, below = (scale + shift) / 4, i;
	uint64_t unit = (uint64_t)pow10_64[shift], some = NUMERIC_BASE / unit;
	enum { N = 6 }; /* 19 decimal digits, moved by up to 3 */

	numeric_digit_put(x->own + 2 * (N - 1), (int32_t)(m % some * unit));
	m /= some;
	for (i = N - 2; i >= 0; i--) {
		numeric_digit_put(x->own + 2 * i, (int32_t)(m % NUMERIC_BASE));
		m /= NUMERIC_BASE;
	}
	x->digits = x->own;
	x->ndigits = N;
	x->weight = N - 1 - below;
	x->sign = v < 0 ? NUMERIC_NEG : NUMERIC_POS;
	x->dscale = (uint16_t)scale;
}

/* NaN and the infinities. */
static int open_special(struct numeric *x, uint8_t which)
{
	*x = (struct numeric){.digits = x->own};
	x->sign = which == NUMERIC_SHORT_NAN ? NUMERIC_NAN
		: which == NUMERIC_SHORT_PINF	 ? NUMERIC_PINF
		: which == NUMERIC_SHORT_NINF	 ? NUMERIC_NINF
										 : NUMERIC_POS;
	return x->sign == NUMERIC_POS ? -EPROTO : 0;
}

int numeric_open(struct numeric *x, const void *in, size_t n)
{
	const uint8_t *p = in;
	int32_t scale;
	int64_t v;

	if (n > NUMERIC_SHORT_BYTES_MAX)
		return numeric_parse(x, in, n);
	if (numeric_short(&v, &scale, p, n)) {
		open_short(x, v, scale);
		return number_check(x);
	}
	return n == 1 ? open_special(x, p[0]) : -EPROTO;
}

/* x * 10^dscale, if that is below 2^63. */
static bool unscaled(const struct numeric *x, int64_t *v)
{
	/* decimal digits that the last word has too many, or too few */
	int32_t hidden = -NUMERIC_BASE_DIGITS * lowest(x) - x->dscale, i;
	int64_t m = 0;

	if (x->ndigits > 6 || hidden < -18)
		return false;
	for (i = 0; i < x->ndigits; i++) {
		int64_t unit = hidden > 0 && i == x->ndigits - 1 ? pow10_64[hidden] : 1;

		if (__builtin_mul_overflow(m, NUMERIC_BASE / unit, &m) ||
			__builtin_add_overflow(m, numeric_digit(x, i) / unit, &m))
			return false;
	}
	if (hidden < 0 && x->ndigits && __builtin_mul_overflow(m, pow10_64[-hidden], &m))
		return false;
	*v = x->sign == NUMERIC_NEG ? -m : m;
	return true;
}

size_t numeric_pack(uint8_t *out, const struct numeric *x)
{
	size_t len = 0;
	int64_t v;

	if (is_special(x)) {
		out[0] = x->sign == NUMERIC_NAN	 ? NUMERIC_SHORT_NAN
			: x->sign == NUMERIC_PINF ? NUMERIC_SHORT_PINF
									  : NUMERIC_SHORT_NINF;
		return 1;
	}
	if (x->dscale <= NUMERIC_SHORT_SCALE_MAX && x->ndigits == 0)
		return numeric_short_put(out, 0, x->dscale);
	if (x->dscale <= NUMERIC_SHORT_SCALE_MAX && unscaled(x, &v))
		return numeric_short_put(out, v, x->dscale);
	/* Cannot fail: there is room. A zero of a large scale gets a digit, to be told from
	 * short forms. */
	if (x->ndigits == 0) {
		head_put(out, 1, 0, NUMERIC_POS, x->dscale);
		numeric_digit_put(out + NUMERIC_HEAD_BYTES, 0);
		return NUMERIC_HEAD_BYTES + 2;
	}
	if (write_scaled(out, NUMERIC_BYTES_MAX, &len, x, x->dscale))
		return 0;
	return len;
}

uint16_t numeric_least_scale(const struct numeric *x)
{
	int32_t scale = -NUMERIC_BASE_DIGITS * lowest(x), last;

	if (x->ndigits == 0 || scale <= 0)
		return 0;
	for (last = numeric_digit(x, x->ndigits - 1); last % 10 == 0; last /= 10)
		scale--;
	return (uint16_t)scale;
}

int numeric_unpack(uint8_t *out, size_t *len, const void *in, size_t n)
{
	struct numeric x;

	if (numeric_open(&x, in, n))
		return -EPROTO;
	return write_scaled(out, NUMERIC_BYTES_MAX, len, &x, x.dscale);
}
