/* SPDX-License-Identifier: BSD-3-Clause */
#include "decimal.h"

#include <string.h>

enum { BASE = NUMERIC_BASE };

static int32_t *digits_alloc(struct decimal_pool *p, size_t n)
{
	int32_t *d = p->failed ? NULL : p->alloc(p->ctx, (n ? n : 1) * sizeof *d);

	if (!d)
		p->failed = true;
	return d;
}

/* A result to come, of at most n digits; .d is NULL when the pool is empty, and then the
 * number is 0. */
static struct decimal make(struct decimal_pool *p, size_t n)
{
	return (struct decimal){.d = digits_alloc(p, n)};
}

/* No zeros at either end. */
static void strip(struct decimal *x)
{
	while (x->n > 0 && x->d[0] == 0) {
		x->d++;
		x->n--;
		x->weight--;
	}
	while (x->n > 0 && x->d[x->n - 1] == 0)
		x->n--;
	if (x->n == 0) {
		x->weight = 0;
		x->negative = false;
	}
}

static inline int32_t max32(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

/* ---- in and out ---- */

struct decimal decimal_of(struct decimal_pool *p, const struct numeric *x)
{
	struct decimal r = make(p, (size_t)x->ndigits);
	int32_t i;

	if (!r.d)
		return r;
	for (i = 0; i < x->ndigits; i++)
		r.d[i] = numeric_digit(x, i);
	r.n = x->ndigits;
	r.weight = x->weight;
	r.dscale = x->dscale;
	r.negative = x->sign == NUMERIC_NEG;
	return r;
}

struct decimal decimal_of_int128(struct decimal_pool *p, __int128 v, int32_t dscale)
{
	unsigned __int128 left = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
	enum { N = 11 }; /* 39 decimal digits, moved by up to 3 */
	int32_t shift = (4 - dscale % 4) % 4, below = (dscale + shift) / 4, i;
	int32_t unit = shift == 1 ? 10 : shift == 2 ? 100 : shift == 3 ? 1000 : 1;
	struct decimal r = make(p, N);

	if (!r.d)
		return r;
	/* v * unit / 10000^below; the last digit takes the unit, so that 128 bits do */
	r.d[N - 1] = (int32_t)(left % (unsigned)(BASE / unit)) * unit;
	left /= (unsigned)(BASE / unit);
	for (i = N - 2; i >= 0; i--) {
		r.d[i] = (int32_t)(left % BASE);
		left /= BASE;
	}
	r.n = N;
	r.weight = N - 1 - below;
	r.dscale = dscale;
	r.negative = v < 0;
	strip(&r);
	return r;
}

const uint8_t *decimal_pack(struct decimal_pool *p, const struct decimal *x, size_t *len,
	enum decimal_error *e)
{
	size_t n = NUMERIC_HEAD_BYTES + 2 * (size_t)x->n;
	struct numeric view = {.ndigits = x->n, .weight = x->weight, .dscale = (uint16_t)x->dscale,
		.sign = x->negative ? NUMERIC_NEG : NUMERIC_POS};
	uint8_t *digits, *out;
	int32_t i;

	if (x->weight > NUMERIC_WEIGHT_MAX || x->dscale > NUMERIC_DSCALE_MAX) {
		*e = DECIMAL_OVERFLOW;
		return NULL;
	}
	digits = p->failed ? NULL : p->alloc(p->ctx, 2 * n + NUMERIC_SHORT_BYTES_MAX);
	if (!digits) {
		p->failed = true;
		return NULL;
	}
	out = digits + n;
	for (i = 0; i < x->n; i++) {
		digits[2 * i] = (uint8_t)(x->d[i] >> 8);
		digits[2 * i + 1] = (uint8_t)x->d[i];
	}
	view.digits = digits;
	*len = numeric_pack(out, &view);
	return out;
}

/* ---- order ---- */

static int magnitude_cmp(const struct decimal *a, const struct decimal *b)
{
	int32_t i, n = a->n < b->n ? a->n : b->n;

	if (a->n == 0 || b->n == 0)
		return (a->n > 0) - (b->n > 0);
	if (a->weight != b->weight)
		return a->weight < b->weight ? -1 : 1;
	for (i = 0; i < n; i++)
		if (a->d[i] != b->d[i])
			return a->d[i] < b->d[i] ? -1 : 1;
	return (a->n > b->n) - (a->n < b->n);
}

int decimal_cmp(const struct decimal *a, const struct decimal *b)
{
	if (a->negative != b->negative)
		return a->negative ? -1 : 1;
	return a->negative ? magnitude_cmp(b, a) : magnitude_cmp(a, b);
}

bool decimal_is_integer(const struct decimal *x)
{
	return x->n <= x->weight + 1 || x->n == 0;
}

/* ---- rounding ---- */

/* The digit at `last` stays, in units of `unit`; what was below it is gone but for
 * `up`. */
static void keep_to(struct decimal *x, int32_t last, int32_t unit, bool up)
{
	int32_t i = last;

	x->n = last + 1;
	x->d[i] += up ? unit : 0;
	while (i > 0 && x->d[i] >= BASE) {
		x->d[i] -= BASE;
		x->d[--i]++;
	}
	if (x->d[0] >= BASE) { /* 9999... became 1 and zeros */
		x->d[0] = 1;
		x->n = 1;
		x->weight++;
	}
}

static void limit(struct decimal *x, int32_t scale, bool half_up)
{
	static const int32_t units[] = {1, 10, 100, 1000};
	/* exponent of the last digit to be kept, and how much of it goes */
	int32_t last = -(scale >= 0 ? (scale + 3) / 4 : -(-scale / 4));
	int32_t unit = units[-last * 4 - scale], at = x->weight - last, below, rest;

	x->dscale = scale > 0 ? scale : 0;
	if (x->n == 0 || at >= x->n)
		return;
	if (at < 0) {
		bool up = half_up && at == -1 && unit == 1 && x->d[0] >= BASE / 2;

		x->d[0] = 1;
		x->n = up;
		x->weight = last;
	} else {
		below = at + 1 < x->n ? x->d[at + 1] : 0;
		rest = x->d[at] % unit;
		x->d[at] -= rest;
		keep_to(x, at, unit,
			half_up && (unit == 1 ? below >= BASE / 2 : rest >= unit / 2));
	}
	strip(x);
}

void decimal_round(struct decimal *x, int32_t scale)
{
	limit(x, scale, true);
}

void decimal_cut(struct decimal *x, int32_t scale)
{
	limit(x, scale, false);
}

/* ---- sums ---- */

static inline int32_t digit_at(const struct decimal *x, int32_t exp)
{
	int32_t i = x->weight - exp;

	return i >= 0 && i < x->n ? x->d[i] : 0;
}

static inline int32_t lowest(const struct decimal *x)
{
	return x->weight - x->n + 1;
}

/* a + times * b, where times is 1 or -1 and, if -1, |a| >= |b|: sign of a. */
static struct decimal combine(struct decimal_pool *p, const struct decimal *a,
	const struct decimal *b, int32_t times)
{
	int32_t high = max32(a->weight, b->weight) + 1, exp, carry = 0, d;
	int32_t low = lowest(a) < lowest(b) ? lowest(a) : lowest(b);
	struct decimal r = make(p, (size_t)(high - low + 1));

	if (!r.d)
		return r;
	r.n = high - low + 1;
	r.weight = high;
	r.negative = a->negative;
	for (exp = low; exp <= high; exp++) {
		d = digit_at(a, exp) + times * digit_at(b, exp) + carry;
		carry = d >= BASE ? 1 : d < 0 ? -1 : 0;
		r.d[high - exp] = d - carry * BASE;
	}
	return r;
}

/* A number to be changed in place, from one that may be used elsewhere. */
static struct decimal copy(struct decimal_pool *p, const struct decimal *x)
{
	struct decimal r = *x;

	r.d = digits_alloc(p, (size_t)x->n);
	if (r.d)
		memcpy(r.d, x->d, (size_t)x->n * sizeof *r.d);
	else
		r.n = 0;
	return r;
}

struct decimal decimal_add(
	struct decimal_pool *p, const struct decimal *a, const struct decimal *b)
{
	int32_t dscale = max32(a->dscale, b->dscale);
	struct decimal r;

	if (a->n == 0 || b->n == 0)
		r = copy(p, a->n ? a : b);
	else if (a->negative == b->negative)
		r = combine(p, a, b, 1);
	else
		r = magnitude_cmp(a, b) >= 0 ? combine(p, a, b, -1) : combine(p, b, a, -1);
	r.dscale = dscale;
	strip(&r);
	return r;
}

struct decimal decimal_sub(
	struct decimal_pool *p, const struct decimal *a, const struct decimal *b)
{
	struct decimal minus = *b;

	minus.negative = b->n > 0 && !b->negative;
	return decimal_add(p, a, &minus);
}

/* ---- products ---- */

struct decimal decimal_mul(
	struct decimal_pool *p, const struct decimal *a, const struct decimal *b, int32_t rscale)
{
	struct decimal r = make(p, (size_t)a->n + (size_t)b->n);
	int32_t i, j;

	if (!r.d || a->n == 0 || b->n == 0) {
		r.dscale = rscale > 0 ? rscale : 0;
		return r;
	}
	r.n = a->n + b->n;
	r.weight = a->weight + b->weight + 1;
	r.negative = a->negative != b->negative;
	memset(r.d, 0, (size_t)r.n * sizeof *r.d);
	for (i = a->n - 1; i >= 0; i--) {
		int32_t carry = 0, v = a->d[i]; /* below BASE; the sum below BASE^2 + BASE */

		for (j = b->n - 1; j >= 0; j--) {
			int32_t sum = r.d[i + j + 1] + v * b->d[j] + carry;

			carry = sum / BASE;
			r.d[i + j + 1] = sum - carry * BASE;
		}
		r.d[i] = carry;
	}
	strip(&r);
	decimal_round(&r, rscale);
	return r;
}

/* ---- quotients ---- */

/* q[0 .. qn) = u / v for a v of one digit; u has qn + 1 digits. */
static void divide_short(int32_t *q, const int32_t *u, int32_t qn, int32_t v)
{
	int32_t j, rem = u[0];

	for (j = 0; j < qn; j++) {
		int32_t x = rem * BASE + u[j + 1];

		q[j] = x / v;
		rem = x % v;
	}
}

/* u - qhat * v at its place; u[-1] takes the borrow. Whether it went below zero. */
static bool subtract(int32_t *u, const int32_t *v, int32_t vn, int32_t qhat)
{
	int32_t i, carry = 0;

	for (i = vn - 1; i >= 0; i--) {
		int32_t x = u[i + 1] - qhat * v[i] + carry;

		carry = x < 0 ? -((-x + BASE - 1) / BASE) : 0;
		u[i + 1] = x - carry * BASE;
	}
	u[0] += carry;
	return u[0] < 0;
}

static void add_back(int32_t *u, const int32_t *v, int32_t vn)
{
	int32_t i, carry = 0;

	for (i = vn - 1; i >= 0; i--) {
		int32_t x = u[i + 1] + v[i] + carry;

		carry = x >= BASE;
		u[i + 1] = carry ? x - BASE : x;
	}
	u[0] += carry;
}

/* Long division, Knuth's algorithm D (TAOCP 2, 4.3.1): v has vn >= 2 digits, its first is
 * at least BASE / 2; u has qn + vn digits and becomes the remainder. */
static void divide_long(int32_t *q, int32_t *u, int32_t qn, const int32_t *v, int32_t vn)
{
	int32_t j;

	for (j = 0; j < qn; j++) {
		int64_t head = (int64_t)u[j] * BASE + u[j + 1];
		int64_t qhat = head / v[0], rhat = head % v[0];

		while (qhat >= BASE ||
			qhat * v[1] > rhat * BASE + (j + 2 < qn + vn ? u[j + 2] : 0)) {
			qhat--;
			rhat += v[0];
			if (rhat >= BASE)
				break;
		}
		q[j] = (int32_t)qhat;
		if (qhat && subtract(u + j, v, vn, (int32_t)qhat)) {
			q[j]--;
			add_back(u + j, v, vn);
		}
	}
}

static void scale_by(int32_t *d, int32_t n, int32_t f)
{
	int32_t i, carry = 0;

	for (i = n - 1; i >= 0; i--) {
		int32_t x = d[i] * f + carry;

		carry = x / BASE;
		d[i] = x - carry * BASE;
	}
}

struct decimal decimal_div(struct decimal_pool *p, const struct decimal *a,
	const struct decimal *b, int32_t rscale, bool round)
{
	/* Down to the digit that holds the decimal behind the last one. */
	int32_t low = -(rscale + 1 >= 0 ? (rscale + 4) / 4 : -((-rscale - 1) / 4));
	int32_t high = a->weight - b->weight, qn = high - low + 1, un, f;
	struct decimal r = {.dscale = rscale > 0 ? rscale : 0};
	int32_t *u, *v;

	if (a->n == 0 || qn <= 0)
		return r;
	r = make(p, (size_t)qn);
	un = qn + b->n;
	u = digits_alloc(p, (size_t)un);
	v = digits_alloc(p, (size_t)b->n);
	if (p->failed)
		return (struct decimal){.dscale = rscale};
	memset(u, 0, (size_t)un * sizeof *u);
	memcpy(u + 1, a->d, (size_t)(a->n < un - 1 ? a->n : un - 1) * sizeof *u);
	memcpy(v, b->d, (size_t)b->n * sizeof *v);
	if (b->n == 1) {
		divide_short(r.d, u, qn, v[0]);
	} else {
		f = BASE / (v[0] + 1);
		scale_by(u, un, f);
		scale_by(v, b->n, f);
		divide_long(r.d, u, qn, v, b->n);
	}
	r.n = qn;
	r.weight = high;
	r.negative = a->negative != b->negative;
	strip(&r);
	limit(&r, rscale, round);
	return r;
}

struct decimal decimal_mod(
	struct decimal_pool *p, const struct decimal *a, const struct decimal *b)
{
	struct decimal q = decimal_div(p, a, b, 0, false), part;

	part = decimal_mul(p, b, &q, b->dscale);
	return decimal_sub(p, a, &part);
}

int32_t decimal_div_scale(const struct decimal *a, const struct decimal *b)
{
	int32_t weight = (a->n ? a->weight : 0) - (b->n ? b->weight : 0), scale;

	if ((a->n ? a->d[0] : 0) <= (b->n ? b->d[0] : 0))
		weight--;
	scale = DECIMAL_MIN_SIG_DIGITS - weight * NUMERIC_BASE_DIGITS;
	scale = max32(max32(max32(scale, a->dscale), b->dscale), 0);
	return scale < DECIMAL_DISPLAY_SCALE_MAX ? scale : DECIMAL_DISPLAY_SCALE_MAX;
}
