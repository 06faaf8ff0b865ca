/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * decimal_math.c - roots, exponentials, logarithms and powers of decimals, to any number
 * of digits. Each works with GUARD more digits than it is asked for.
 */
#include "decimal.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BASE = NUMERIC_BASE,
	GUARD = 12,
	SCALE_MAX = DECIMAL_DISPLAY_SCALE_MAX,
};

static const double log10_e = 0.434294481903252;
static const double log10_2 = 0.301029995663981;
static const double ln_10 = 2.302585092994046;

static inline int32_t max32(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

static inline int32_t min32(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

/* PostgreSQL's scale of a result whose first digit counts about 10^dweight. */
static int32_t shown_scale(int32_t dweight, int32_t dscale)
{
	int32_t scale = max32(max32(DECIMAL_MIN_SIG_DIGITS - dweight, dscale), 0);

	return min32(scale, SCALE_MAX);
}

/* About x. Infinite when it is too large. */
static double approximate(const struct decimal *x)
{
	char text[64];
	int at, i;

	if (x->n == 0)
		return 0;
	at = snprintf(text, sizeof text, "%s", x->negative ? "-" : "");
	for (i = 0; i < 6; i++)
		at += snprintf(text + at, sizeof text - (size_t)at, "%04d", i < x->n ? x->d[i] : 0);
	snprintf(text + at, sizeof text - (size_t)at, "e%d", 4 * (x->weight - 5));
	return strtod(text, NULL);
}

/* The root of a in [1, 10000^2) to 16 digits or so, and its weight. */
static struct decimal root_estimate(struct decimal_pool *p, const struct decimal *a)
{
	bool odd = a->weight & 1;
	double v = a->d[0], root;
	struct decimal r = decimal_of_int128(p, 1, 0);
	int32_t i;

	v += (a->n > 1 ? a->d[1] : 0) / 1e4 + (a->n > 2 ? a->d[2] : 0) / 1e8 +
		(a->n > 3 ? a->d[3] : 0) / 1e12;
	root = sqrt(odd ? v * BASE : v);
	r.d = p->alloc(p->ctx, 4 * sizeof *r.d);
	if (!r.d) {
		p->failed = true;
		return (struct decimal){0};
	}
	for (i = 0; i < 4; i++) {
		r.d[i] = (int32_t)root;
		root = (root - r.d[i]) * BASE;
	}
	r.n = 4;
	r.weight = (a->weight - odd) / 2;
	return r;
}

struct decimal decimal_sqrt(struct decimal_pool *p, const struct decimal *a, int32_t rscale)
{
	int32_t scale = rscale + GUARD, digits = 14, weight, want;
	struct decimal two, x, square, step;

	if (a->n == 0)
		return (struct decimal){.dscale = max32(rscale, 0)};
	two = decimal_of_int128(p, 2, 0);
	x = root_estimate(p, a);
	weight = x.weight;
	want = (weight + 1) * 4 + scale + 4; /* Newton doubles the digits */
	for (; digits < 2 * want && !p->failed; digits *= 2) {
		int32_t some = min32(scale, digits * 2 - weight * 4 + 8);
		struct decimal q = decimal_div(p, a, &x, some, true);

		x = decimal_add(p, &x, &q);
		x = decimal_div(p, &x, &two, some, true);
	}
	/* Cut at one digit behind rscale: then the last step decides about halves exactly. */
	decimal_cut(&x, rscale + 1);
	step = decimal_of_int128(p, 1, max32(rscale + 1, 0));
	square = decimal_mul(p, &x, &x, 2 * max32(rscale + 1, 0));
	if (!p->failed && decimal_cmp(&square, a) > 0) {
		x = decimal_sub(p, &x, &step);
	} else if (!p->failed) {
		struct decimal next = decimal_add(p, &x, &step);

		square = decimal_mul(p, &next, &next, 2 * max32(rscale + 1, 0));
		if (decimal_cmp(&square, a) <= 0)
			x = next;
	}
	decimal_round(&x, rscale);
	return x;
}

struct decimal decimal_sqrt_shown(
	struct decimal_pool *p, const struct decimal *a, enum decimal_error *e)
{
	/* Source: numeric_sqrt(); C's division goes towards zero there as well. */
	int32_t sweight = (a->weight + 1) * NUMERIC_BASE_DIGITS / 2 - 1;

	if (a->negative) {
		*e = DECIMAL_SQRT_NEGATIVE;
		return *a;
	}
	return decimal_sqrt(p, a, shown_scale(sweight, a->dscale));
}

/* ---- exponential ---- */

/* e^a to rscale; |a| < 6000 or so, else it overflows or is 0. */
static struct decimal exponential(
	struct decimal_pool *p, const struct decimal *a, int32_t rscale, enum decimal_error *e)
{
	double v = approximate(a);
	int32_t halvings = 0, sig, scale, i;
	struct decimal x, sum, term, n;

	if (fabs(v) >= DECIMAL_RESULT_SCALE_MAX * 3) {
		if (v > 0)
			*e = DECIMAL_OVERFLOW;
		return (struct decimal){.dscale = rscale};
	}
	sig = 1 + (int32_t)(v * log10_e) + rscale;
	for (; fabs(v) > 0.01; v /= 2)
		halvings++;
	sig = max32(sig + (int32_t)(halvings * log10_2), 0) + GUARD;
	n = decimal_of_int128(p, (__int128)1 << halvings, 0);
	x = decimal_div(p, a, &n, max32(a->dscale, sig) + halvings, true);
	sum = decimal_of_int128(p, 1, 0);
	term = sum;
	for (i = 1; term.n && !p->failed; i++) {
		term = decimal_mul(p, &term, &x, sig);
		n = decimal_of_int128(p, i, 0);
		term = decimal_div(p, &term, &n, sig, true);
		sum = decimal_add(p, &sum, &term);
	}
	for (; halvings > 0 && !p->failed; halvings--) {
		scale = max32(sig - sum.weight * 2 * NUMERIC_BASE_DIGITS, 0);
		sum = decimal_mul(p, &sum, &sum, scale);
	}
	decimal_round(&sum, rscale);
	return sum;
}

struct decimal decimal_exp(
	struct decimal_pool *p, const struct decimal *a, enum decimal_error *e)
{
	double v = approximate(a) * log10_e;

	if (v > DECIMAL_RESULT_SCALE_MAX)
		v = DECIMAL_RESULT_SCALE_MAX;
	if (v < -DECIMAL_RESULT_SCALE_MAX)
		v = -DECIMAL_RESULT_SCALE_MAX;
	return exponential(p, a, shown_scale((int32_t)v, a->dscale), e);
}

/* ---- logarithms ---- */

/* ln of m, 0.9 <= m < 10000: roots until it is near 1, then the series of artanh. */
static struct decimal ln_mantissa(struct decimal_pool *p, struct decimal m, int32_t scale)
{
	struct decimal one = decimal_of_int128(p, 1, 0), z, square, power, sum, term, n;
	int32_t roots = 0, i;

	for (; approximate(&m) > 1.05 && !p->failed; roots++)
		m = decimal_sqrt(p, &m, scale + GUARD);
	z = decimal_sub(p, &m, &one);
	n = decimal_add(p, &m, &one);
	scale += (int32_t)((roots + 1) * log10_2) + GUARD;
	z = decimal_div(p, &z, &n, scale, true);
	square = decimal_mul(p, &z, &z, scale);
	power = sum = z;
	for (i = 3; !p->failed; i += 2) {
		power = decimal_mul(p, &power, &square, scale);
		n = decimal_of_int128(p, i, 0);
		term = decimal_div(p, &power, &n, scale, true);
		if (term.n == 0)
			break;
		sum = decimal_add(p, &sum, &term);
	}
	n = decimal_of_int128(p, (__int128)2 << roots, 0);
	return decimal_mul(p, &sum, &n, scale);
}

/* ln a = ln m + 4 weight * ln 10, where m is a's digits with one before the point. */
static struct decimal ln(struct decimal_pool *p, const struct decimal *a, int32_t rscale,
	enum decimal_error *e)
{
	struct decimal m = *a, base, r, weight;
	int32_t scale = rscale + GUARD;

	if (a->n == 0 || a->negative) {
		*e = a->n == 0 ? DECIMAL_LOG_ZERO : DECIMAL_LOG_NEGATIVE;
		return *a;
	}
	/* What is near 1 but below it stays: 9999.9 would leave a small difference. */
	m.weight = a->weight == -1 && a->d[0] >= BASE / 10 * 9 ? -1 : 0;
	m = decimal_add(p, &m, &(struct decimal){0}); /* its own digits, to be cut */
	decimal_round(&m, scale + GUARD);
	r = ln_mantissa(p, m, scale);
	if (a->weight != m.weight && m.n) {
		base = decimal_of_int128(p, 10, 0);
		base = ln_mantissa(p, base, scale + 6);
		weight = decimal_of_int128(p, (__int128)NUMERIC_BASE_DIGITS * a->weight, 0);
		base = decimal_mul(p, &base, &weight, scale);
		r = decimal_add(p, &r, &base);
	}
	decimal_round(&r, rscale);
	return r;
}

/* Decimal weight of ln a, about. Source: estimate_ln_dweight(). */
static int32_t ln_dweight(struct decimal_pool *p, const struct decimal *a)
{
	struct decimal one = decimal_of_int128(p, 1, 0), x;
	struct decimal low = decimal_of_int128(p, 9, 1), high = decimal_of_int128(p, 11, 1);
	int32_t digits, dweight;

	if (a->negative || a->n == 0 || p->failed)
		return 0;
	if (decimal_cmp(a, &low) >= 0 && decimal_cmp(a, &high) <= 0) {
		x = decimal_sub(p, a, &one);
		return x.n ? x.weight * NUMERIC_BASE_DIGITS + (int32_t)log10(x.d[0]) : 0;
	}
	digits = a->d[0];
	dweight = a->weight * NUMERIC_BASE_DIGITS;
	if (a->n > 1) {
		digits = digits * BASE + a->d[1];
		dweight -= NUMERIC_BASE_DIGITS;
	}
	return (int32_t)log10(fabs(log((double)digits) + dweight * ln_10));
}

struct decimal decimal_ln(
	struct decimal_pool *p, const struct decimal *a, enum decimal_error *e)
{
	return ln(p, a, shown_scale(ln_dweight(p, a), a->dscale), e);
}

struct decimal decimal_log(struct decimal_pool *p, const struct decimal *base,
	const struct decimal *a, enum decimal_error *e)
{
	int32_t base_dweight = ln_dweight(p, base), a_dweight = ln_dweight(p, a);
	int32_t dweight = a_dweight - base_dweight;
	int32_t rscale = shown_scale(dweight, max32(base->dscale, a->dscale));
	struct decimal x, y;

	x = ln(p, base, max32(rscale + dweight - base_dweight + 8, 0), e);
	if (*e)
		return x;
	y = ln(p, a, max32(rscale + dweight - a_dweight + 8, 0), e);
	if (*e)
		return y;
	if (x.n == 0) {
		*e = DECIMAL_BY_ZERO;
		return x;
	}
	return decimal_div(p, &y, &x, rscale, true);
}

/* ---- powers ---- */

/* About log10 |x|. */
static double magnitude(const struct decimal *x)
{
	double f = x->d[0];
	int32_t i, dweight = x->weight * NUMERIC_BASE_DIGITS;

	for (i = 1; i < x->n && i * NUMERIC_BASE_DIGITS < 16; i++) {
		f = f * BASE + x->d[i];
		dweight -= NUMERIC_BASE_DIGITS;
	}
	return log10(f) + dweight;
}

/* base ^ n by squaring, base not 0: with `sig` digits, exactly where those are enough. */
static struct decimal power_by_squaring(struct decimal_pool *p, const struct decimal *base,
	uint32_t n, int32_t sig, bool *huge)
{
	struct decimal square = *base, r = decimal_of_int128(p, 1, 0);

	if (n & 1)
		r = *base;
	while ((n >>= 1) > 0 && !p->failed) {
		int32_t scale = sig - 2 * square.weight * NUMERIC_BASE_DIGITS;

		scale = max32(min32(scale, 2 * square.dscale), 0);
		square = decimal_mul(p, &square, &square, scale);
		if (n & 1) {
			scale = sig - (square.weight + r.weight) * NUMERIC_BASE_DIGITS;
			scale = max32(min32(scale, square.dscale + r.dscale), 0);
			r = decimal_mul(p, &square, &r, scale);
		}
		*huge = square.weight > NUMERIC_WEIGHT_MAX || r.weight > NUMERIC_WEIGHT_MAX;
		if (*huge)
			break;
	}
	return r;
}

static struct decimal power_integer(struct decimal_pool *p, const struct decimal *base,
	int32_t n, int32_t rscale, enum decimal_error *e)
{
	struct decimal zero = {.dscale = rscale}, one = decimal_of_int128(p, 1, 0), r;
	uint32_t abs_n = n < 0 ? 0u - (uint32_t)n : (uint32_t)n;
	bool huge = false;
	double size;
	int32_t sig;

	if (n == 0) {
		one.dscale = rscale;
		return one;
	}
	if (base->n == 0) {
		if (n < 0)
			*e = DECIMAL_BY_ZERO;
		return zero;
	}
	if (n == -1)
		return decimal_div(p, &one, base, rscale, true);
	if (n == 1 || n == 2) {
		r = n == 1 ? decimal_mul(p, base, &one, rscale) : decimal_mul(p, base, base, rscale);
		return r;
	}
	size = n * magnitude(base);
	if (size > 3.0 * NUMERIC_WEIGHT_MAX * NUMERIC_BASE_DIGITS) {
		*e = DECIMAL_OVERFLOW;
		return zero;
	}
	if (size + 1 < -rscale || size + 1 < -SCALE_MAX)
		return zero;
	sig = 1 + rscale + (int32_t)size + (int32_t)log((double)abs_n) + GUARD;
	r = power_by_squaring(p, base, abs_n, sig, &huge);
	if (huge) {
		if (n > 0)
			*e = DECIMAL_OVERFLOW;
		return zero;
	}
	if (p->failed)
		return zero;
	if (n < 0)
		return r.n ? decimal_div(p, &one, &r, rscale, true) : zero;
	decimal_round(&r, rscale);
	return r;
}

/* x as an int, if it is one. */
static bool as_int(const struct decimal *x, int32_t *n)
{
	double v = approximate(x);

	if (!decimal_is_integer(x) || v < INT_MIN || v > INT_MAX)
		return false;
	*n = (int32_t)v;
	return true;
}

/* base ^ exponent = e ^ (exponent * ln base), in two steps: about, which says how many
 * digits the second needs. Source: power_var(). */
static struct decimal power_real(struct decimal_pool *p, const struct decimal *base,
	const struct decimal *exponent, enum decimal_error *e)
{
	int32_t dweight = ln_dweight(p, base), scale = max32(8 - dweight, 0), rscale;
	struct decimal l = ln(p, base, scale, e), x = decimal_mul(p, &l, exponent, scale);
	double v = approximate(&x);

	if (fabs(v) > DECIMAL_RESULT_SCALE_MAX * 3.01) {
		if (v > 0)
			*e = DECIMAL_OVERFLOW;
		return (struct decimal){.dscale = SCALE_MAX};
	}
	v *= log10_e;
	rscale = shown_scale((int32_t)v, max32(base->dscale, exponent->dscale));
	scale = max32(max32(rscale + (int32_t)v, 0) - dweight + GUARD, 0);
	l = ln(p, base, scale, e);
	x = decimal_mul(p, &l, exponent, scale);
	return exponential(p, &x, rscale, e);
}

struct decimal decimal_power(struct decimal_pool *p, const struct decimal *base,
	const struct decimal *exponent, enum decimal_error *e)
{
	struct decimal abs_base = *base, r;
	bool odd;
	int32_t n;

	if (base->n == 0 && exponent->negative) {
		*e = DECIMAL_POWER_ZERO;
		return *base;
	}
	if (as_int(exponent, &n))
		return power_integer(p, base, n,
			min32(max32(DECIMAL_MIN_SIG_DIGITS, base->dscale), SCALE_MAX), e);
	if (base->n == 0)
		return (struct decimal){.dscale = DECIMAL_MIN_SIG_DIGITS};
	if (base->negative && !decimal_is_integer(exponent)) {
		*e = DECIMAL_POWER_COMPLEX;
		return *base;
	}
	odd = exponent->n == exponent->weight + 1 && exponent->d[exponent->n - 1] & 1;
	abs_base.negative = false;
	r = power_real(p, &abs_base, exponent, e);
	r.negative = base->negative && odd && r.n > 0;
	return r;
}
