/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_numeric.c - enc_numeric: PostgreSQL's numeric, exactly.
 *
 * Nearly all numbers in tables are short forms (numeric.h): an int64 and a scale. Those
 * are computed with 128 bits, and only what does not fit goes through decimal.h. The
 * plaintext is checked as it is read: it is authentic, but its maker may have been
 * careless.
 */
#include "kernel_numeric.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the pool of a request, errors, results ---- */

static void *pool_alloc(void *ctx, size_t n)
{
	return eval_alloc(ctx, n);
}

struct decimal_pool number_pool(struct eval *ev)
{
	return (struct decimal_pool){.alloc = pool_alloc, .ctx = ev};
}

uint8_t number_error(enum decimal_error e)
{
	static const uint8_t states[] = {[DECIMAL_FINE] = 0,
		[DECIMAL_OVERFLOW] = ROW_NUMERIC_RANGE,
		[DECIMAL_BY_ZERO] = ROW_DIVISION_BY_ZERO,
		[DECIMAL_SQRT_NEGATIVE] = ROW_SQRT_NEGATIVE,
		[DECIMAL_LOG_ZERO] = ROW_LOG_ZERO,
		[DECIMAL_LOG_NEGATIVE] = ROW_LOG_NEGATIVE,
		[DECIMAL_POWER_ZERO] = ROW_POWER_ZERO,
		[DECIMAL_POWER_COMPLEX] = ROW_POWER_COMPLEX};

	return states[e];
}

void number_put(struct eval *ev, struct vec *out, uint32_t i, const struct decimal *x,
	enum decimal_error e)
{
	struct decimal_pool p = number_pool(ev);
	size_t len = 0;
	const uint8_t *bytes = e ? NULL : decimal_pack(&p, x, &len, &e);

	if (e)
		row_fail(out, i, number_error(e));
	else
		out->s[i] = (struct span){bytes, (uint32_t)len};
}

void number_put128(struct eval *ev, struct vec *out, uint32_t i, __int128 v, int32_t scale)
{
	struct decimal_pool p = number_pool(ev);
	struct decimal x;
	uint8_t *at;

	if (v <= INT64_MAX && v > INT64_MIN && scale <= NUMERIC_SHORT_SCALE_MAX) {
		at = eval_alloc(ev, NUMERIC_SHORT_BYTES_MAX);
		out->s[i].p = at;
		out->s[i].len = at ? (uint32_t)numeric_short_put(at, (int64_t)v, scale) : 0;
		return;
	}
	x = decimal_of_int128(&p, v, scale);
	number_put(ev, out, i, &x, DECIMAL_FINE);
}

static void put_special(struct eval *ev, struct vec *out, uint32_t i, uint16_t sign)
{
	struct numeric x = {.sign = sign};
	uint8_t *at = eval_alloc(ev, NUMERIC_SHORT_BYTES_MAX);

	out->s[i].p = at;
	out->s[i].len = at ? (uint32_t)numeric_pack(at, &x) : 0;
}

/* Row i as a number; false (and the row fails) when it is not one. */
static bool number(struct vec *out, uint32_t i, struct span s, struct numeric *x)
{
	if (numeric_open(x, s.p, s.len) == 0)
		return true;
	row_fail(out, i, ROW_MALFORMED);
	return false;
}

static inline bool special(const struct numeric *x)
{
	return x->sign >= NUMERIC_NAN;
}

/* -1, 0, 1; of NaN 1. */
static int sign_of(const struct numeric *x)
{
	if (x->sign == NUMERIC_NEG || x->sign == NUMERIC_NINF)
		return -1;
	return special(x) || x->ndigits > 0;
}

/* ---- short forms ---- */

/* An int64 and its scale. */
struct small {
	int64_t v;
	int32_t scale;
};

static inline bool small(struct small *x, struct span s)
{
	return numeric_short(&x->v, &x->scale, s.p, s.len);
}

enum { POW10_MAX = 18 };
static const int64_t pow10_of[POW10_MAX + 1] = {1, 10, 100, 1000, 10000, 100000, 1000000,
	10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
	10000000000000, 100000000000000, 1000000000000000, 10000000000000000,
	100000000000000000, 1000000000000000000};

/* Both at the larger scale: below 2^63 * 10^18, so that their sum fits. */
static inline bool align(const struct small *a, const struct small *b, __int128 *x,
	__int128 *y, int32_t *scale)
{
	int32_t d = a->scale - b->scale;

	*x = a->v;
	*y = b->v;
	*scale = d > 0 ? a->scale : b->scale;
	if (d == 0)
		return true;
	if (d > POW10_MAX || d < -POW10_MAX)
		return false;
	if (d > 0)
		*y *= pow10_of[d];
	else
		*x *= pow10_of[-d];
	return true;
}

/* ---- arithmetic of two ---- */

/*
 * An operation has three ways, from fast to slow:
 *     small     of short forms, to v / 10^scale; or an error; false: try the others
 *     special   what NaN and infinities give: the sign of a special number, or of zero
 *     big       of finite numbers
 */
struct binary {
	bool (*small)(const struct small *a, const struct small *b, __int128 *v, int32_t *scale,
		uint8_t *fail);
	uint16_t (*special)(const struct numeric *a, const struct numeric *b, uint8_t *fail);
	struct decimal (*big)(struct decimal_pool *p, const struct decimal *a,
		const struct decimal *b, enum decimal_error *e);
};

static void binary_slow(struct eval *ev, struct vec *out, uint32_t i, struct span sa,
	struct span sb, const struct binary *how)
{
	struct decimal_pool p = number_pool(ev);
	enum decimal_error e = DECIMAL_FINE;
	struct decimal x, y, r;
	struct numeric a, b;
	uint8_t fail = 0;
	uint16_t sign;

	if (!number(out, i, sa, &a) || !number(out, i, sb, &b))
		return;
	if (special(&a) || special(&b)) {
		sign = how->special(&a, &b, &fail);
		if (fail)
			row_fail(out, i, fail);
		else if (sign >= NUMERIC_NAN)
			put_special(ev, out, i, sign);
		else /* `a` itself: what is left of it after % infinity; or a plain number */
			number_put128(ev, out, i, sign == NUMERIC_POS ? 0 : 1, 0);
		return;
	}
	x = decimal_of(&p, &a);
	y = decimal_of(&p, &b);
	if (p.failed)
		return;
	r = how->big(&p, &x, &y, &e);
	number_put(ev, out, i, &r, e);
}

/* Room for the short forms of a column. */
static inline uint8_t *short_room(struct eval *ev, uint32_t n)
{
	return eval_alloc(ev, (size_t)n * NUMERIC_SHORT_BYTES_MAX);
}

static inline __attribute__((always_inline)) void binary(struct eval *ev, struct vec *out,
	const struct vec *in, uint32_t n, const struct binary *how)
{
	uint8_t *at = short_room(ev, n);
	uint32_t i;

	if (!at)
		return;
	EACH_ROW(out, n, i)
	{
		struct span sa = in[0].s[ROW(&in[0], i)], sb = in[1].s[ROW(&in[1], i)];
		struct small a, b;
		__int128 v = 0;
		int32_t scale = 0;
		uint8_t fail = 0;

		if (!small(&a, sa) || !small(&b, sb) || !how->small(&a, &b, &v, &scale, &fail)) {
			binary_slow(ev, out, i, sa, sb, how);
		} else if (__builtin_expect(fail, 0)) {
			row_fail(out, i, fail);
		} else if (__builtin_expect(v > INT64_MAX || v <= INT64_MIN ||
					   scale > NUMERIC_SHORT_SCALE_MAX, 0)) {
			number_put128(ev, out, i, v, scale);
		} else {
			out->s[i].p = at;
			out->s[i].len = (uint32_t)numeric_short_put(at, (int64_t)v, scale);
			at += out->s[i].len;
		}
	}
}

#define BINARY_NUMBER(name)                                                            \
	KERNEL(name)                                                                       \
	{                                                                                  \
		static const struct binary how = {name##_small, name##_special, name##_big};   \
                                                                                       \
		binary(ev, out, in, n, &how);                                                  \
	}

static inline uint16_t negated(uint16_t sign)
{
	return sign == NUMERIC_PINF ? NUMERIC_NINF : sign == NUMERIC_NINF ? NUMERIC_PINF : sign;
}

static inline bool numeric_add_small(const struct small *a, const struct small *b, __int128 *v,
	int32_t *scale, uint8_t *fail)
{
	__int128 x, y;

	if (!align(a, b, &x, &y, scale))
		return false;
	*v = x + y;
	return true;
}

static uint16_t numeric_add_special(
	const struct numeric *a, const struct numeric *b, uint8_t *fail)
{
	if (!special(a) || !special(b))
		return special(a) ? a->sign : b->sign;
	return a->sign == b->sign ? a->sign : NUMERIC_NAN;
}

static struct decimal numeric_add_big(struct decimal_pool *p, const struct decimal *a,
	const struct decimal *b, enum decimal_error *e)
{
	return decimal_add(p, a, b);
}

BINARY_NUMBER(numeric_add)

static inline bool numeric_sub_small(const struct small *a, const struct small *b, __int128 *v,
	int32_t *scale, uint8_t *fail)
{
	__int128 x, y;

	if (!align(a, b, &x, &y, scale))
		return false;
	*v = x - y;
	return true;
}

static uint16_t numeric_sub_special(
	const struct numeric *a, const struct numeric *b, uint8_t *fail)
{
	struct numeric minus = {.sign = special(b) ? negated(b->sign) : NUMERIC_POS};

	return numeric_add_special(a, &minus, fail);
}

static struct decimal numeric_sub_big(struct decimal_pool *p, const struct decimal *a,
	const struct decimal *b, enum decimal_error *e)
{
	return decimal_sub(p, a, b);
}

BINARY_NUMBER(numeric_sub)

static inline bool numeric_mul_small(const struct small *a, const struct small *b, __int128 *v,
	int32_t *scale, uint8_t *fail)
{
	*v = (__int128)a->v * b->v;
	*scale = a->scale + b->scale;
	return true;
}

/* Zero times infinity is NaN. */
static uint16_t numeric_mul_special(
	const struct numeric *a, const struct numeric *b, uint8_t *fail)
{
	int sign = sign_of(a) * sign_of(b);

	if (a->sign == NUMERIC_NAN || b->sign == NUMERIC_NAN || sign == 0)
		return NUMERIC_NAN;
	return sign > 0 ? NUMERIC_PINF : NUMERIC_NINF;
}

static struct decimal numeric_mul_big(struct decimal_pool *p, const struct decimal *a,
	const struct decimal *b, enum decimal_error *e)
{
	int32_t scale = a->dscale + b->dscale;

	return decimal_mul(p, a, b, scale < NUMERIC_DSCALE_MAX ? scale : NUMERIC_DSCALE_MAX);
}

BINARY_NUMBER(numeric_mul)

/* Decimal digits of v, 1 .. 19; of 0 1. */
static inline int32_t digits_of(uint64_t v)
{
	/* log10 2 = 1233 / 4096, about */
	int32_t n = (64 - __builtin_clzll(v | 1)) * 1233 >> 12;

	return n + (n <= POW10_MAX && v >= (uint64_t)pow10_of[n]) + (n == 0 && v == 0);
}

/* Weight and first digit to base 10,000. */
static int32_t weight_of(const struct small *x, int32_t *first)
{
	uint64_t m = x->v < 0 ? 0 - (uint64_t)x->v : (uint64_t)x->v;
	int32_t exponent = digits_of(m) - 1 - x->scale, weight, shift;

	*first = 0;
	if (m == 0)
		return 0;
	weight = exponent >= 0 ? exponent / 4 : -((3 - exponent) / 4);
	shift = x->scale + 4 * weight;
	*first = (int32_t)(shift >= 0 ? m / (uint64_t)pow10_of[shift]
								  : m * (uint64_t)pow10_of[-shift]);
	return weight;
}

static int32_t div_scale(const struct small *a, const struct small *b)
{
	int32_t first_a, first_b, weight, scale;

	weight = weight_of(a, &first_a) - weight_of(b, &first_b);
	if (first_a <= first_b)
		weight--;
	scale = DECIMAL_MIN_SIG_DIGITS - weight * NUMERIC_BASE_DIGITS;
	if (scale < a->scale)
		scale = a->scale;
	if (scale < b->scale)
		scale = b->scale;
	return scale > 0 ? scale : 0;
}

/* m * 10^k, if that has 127 bits. */
static inline bool times_pow10(unsigned __int128 m, int32_t k, unsigned __int128 *r)
{
	for (; k > POW10_MAX; k -= POW10_MAX)
		if (__builtin_mul_overflow(m, (uint64_t)pow10_of[POW10_MAX], &m))
			return false;
	return !__builtin_mul_overflow(m, (uint64_t)pow10_of[k], r) && !(*r >> 127);
}

static inline bool numeric_div_small(const struct small *a, const struct small *b, __int128 *v,
	int32_t *scale, uint8_t *fail)
{
	uint64_t d = b->v < 0 ? 0 - (uint64_t)b->v : (uint64_t)b->v;
	uint64_t m = a->v < 0 ? 0 - (uint64_t)a->v : (uint64_t)a->v;
	unsigned __int128 u, q;

	if (d == 0) {
		*fail = ROW_DIVISION_BY_ZERO;
		return true;
	}
	*scale = div_scale(a, b);
	/* scale >= a->scale: the power is not negative */
	if (!times_pow10(m, *scale + b->scale - a->scale, &u))
		return false;
	q = u / d;
	q += (uint64_t)(u - q * d) >= d - (uint64_t)(u - q * d);
	*v = (a->v < 0) != (b->v < 0) ? -(__int128)q : (__int128)q;
	return true;
}

static uint16_t numeric_div_special(
	const struct numeric *a, const struct numeric *b, uint8_t *fail)
{
	if (a->sign == NUMERIC_NAN || b->sign == NUMERIC_NAN)
		return NUMERIC_NAN;
	if (!special(a))
		return NUMERIC_POS;
	if (special(b))
		return NUMERIC_NAN;
	if (sign_of(b) == 0)
		*fail = ROW_DIVISION_BY_ZERO;
	return sign_of(b) < 0 ? negated(a->sign) : a->sign;
}

static struct decimal numeric_div_big(struct decimal_pool *p, const struct decimal *a,
	const struct decimal *b, enum decimal_error *e)
{
	if (b->n == 0) {
		*e = DECIMAL_BY_ZERO;
		return *a;
	}
	return decimal_div(p, a, b, decimal_div_scale(a, b), true);
}

BINARY_NUMBER(numeric_div)

static inline bool numeric_mod_small(const struct small *a, const struct small *b, __int128 *v,
	int32_t *scale, uint8_t *fail)
{
	__int128 x, y;

	if (b->v == 0)
		*fail = ROW_DIVISION_BY_ZERO;
	else if (!align(a, b, &x, &y, scale))
		return false;
	else
		*v = x % y;
	return true;
}

/* Never asked when a alone is finite: numeric_mod() below answers that with a. */
static uint16_t numeric_mod_special(
	const struct numeric *a, const struct numeric *b, uint8_t *fail)
{
	if (a->sign != NUMERIC_NAN && !special(b) && sign_of(b) == 0)
		*fail = ROW_DIVISION_BY_ZERO;
	return NUMERIC_NAN;
}

static struct decimal numeric_mod_big(struct decimal_pool *p, const struct decimal *a,
	const struct decimal *b, enum decimal_error *e)
{
	if (b->n == 0) {
		*e = DECIMAL_BY_ZERO;
		return *a;
	}
	return decimal_mod(p, a, b);
}

static const struct binary how_mod = {
	numeric_mod_small, numeric_mod_special, numeric_mod_big};

KERNEL(numeric_mod)
{
	uint32_t i;

	binary(ev, out, in, n, &how_mod);
	/* x % infinity is x */
	EACH_ROW(out, n, i)
	{
		struct span a = in[0].s[ROW(&in[0], i)], b = in[1].s[ROW(&in[1], i)];
		struct numeric x;

		if (b.len == 1 && (b.p[0] | 0x80) == NUMERIC_SHORT_NINF &&
			numeric_open(&x, a.p, a.len) == 0 && !special(&x))
			out->s[i] = a;
	}
}

/* trunc(a / b), scale 0 */
static bool numeric_idiv_small(const struct small *a, const struct small *b, __int128 *v,
	int32_t *scale, uint8_t *fail)
{
	__int128 x, y;

	if (b->v == 0)
		*fail = ROW_DIVISION_BY_ZERO;
	else if (!align(a, b, &x, &y, scale))
		return false;
	else
		*v = x / y;
	*scale = 0;
	return true;
}

#define numeric_idiv_special numeric_div_special

static struct decimal numeric_idiv_big(struct decimal_pool *p, const struct decimal *a,
	const struct decimal *b, enum decimal_error *e)
{
	if (b->n == 0) {
		*e = DECIMAL_BY_ZERO;
		return *a;
	}
	return decimal_div(p, a, b, 0, false);
}

BINARY_NUMBER(numeric_idiv)

static bool not_small(const struct small *a, const struct small *b, __int128 *v,
	int32_t *scale, uint8_t *fail)
{
	return false;
}

static uint16_t numeric_log_special(
	const struct numeric *a, const struct numeric *b, uint8_t *fail)
{
	if (a->sign == NUMERIC_NAN || b->sign == NUMERIC_NAN)
		return NUMERIC_NAN;
	if (sign_of(a) < 0 || sign_of(b) < 0)
		*fail = ROW_LOG_NEGATIVE;
	else if (sign_of(a) == 0 || sign_of(b) == 0)
		*fail = ROW_LOG_ZERO;
	if (special(a))
		return special(b) ? NUMERIC_NAN : NUMERIC_POS;
	return NUMERIC_PINF;
}

#define numeric_log_small not_small
#define numeric_log_big decimal_log
BINARY_NUMBER(numeric_log)

/* Is |x| above, at or below one? -1, 0, 1. */
static int against_one(const struct numeric *x)
{
	if (special(x) || (x->ndigits && x->weight >= 0 &&
						  !(x->ndigits == 1 && x->weight == 0 && numeric_digit(x, 0) == 1)))
		return 1;
	return x->ndigits && x->weight == 0 ? 0 : -1;
}

static bool integral(const struct numeric *x)
{
	return x->sign == NUMERIC_PINF || x->sign == NUMERIC_NINF || x->ndigits == 0 ||
		x->ndigits <= x->weight + 1;
}

static bool odd(const struct numeric *x)
{
	return x->ndigits > 0 && x->ndigits == x->weight + 1 &&
		(numeric_digit(x, x->ndigits - 1) & 1);
}

/* As pow(3) has it: NaN ^ 0 and 1 ^ NaN are 1, which NUMERIC_NEG stands for here. */
static uint16_t numeric_pow_special(
	const struct numeric *a, const struct numeric *b, uint8_t *fail)
{
	const uint16_t one = NUMERIC_NEG, zero = NUMERIC_POS;
	bool a_is_one = !special(a) && sign_of(a) > 0 && against_one(a) == 0;

	if (a->sign == NUMERIC_NAN)
		return !special(b) && sign_of(b) == 0 ? one : NUMERIC_NAN;
	if (b->sign == NUMERIC_NAN)
		return a_is_one ? one : NUMERIC_NAN;
	if (sign_of(a) == 0 && sign_of(b) < 0)
		*fail = ROW_POWER_ZERO;
	else if (sign_of(a) < 0 && !integral(b))
		*fail = ROW_POWER_COMPLEX;
	if (a_is_one || (!special(b) && sign_of(b) == 0))
		return one;
	if (sign_of(a) == 0)
		return zero;
	if (special(b)) {
		if (against_one(a) == 0)
			return one;
		return (against_one(a) > 0) == (sign_of(b) > 0) ? NUMERIC_PINF : zero;
	}
	if (sign_of(b) < 0)
		return zero;
	return a->sign == NUMERIC_NINF && odd(b) ? NUMERIC_NINF : NUMERIC_PINF;
}

#define numeric_pow_small not_small
#define numeric_pow_big decimal_power
BINARY_NUMBER(numeric_pow)

/* ---- of one number ---- */

/* Keeps the scale; what a sign becomes. */
static void with_sign(struct eval *ev, struct vec *out, const struct vec *in, uint32_t n,
	bool flip)
{
	uint8_t *at = short_room(ev, n);
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span s = in->s[ROW(in, i)];
		struct numeric x;
		struct small a;
		uint8_t *wide;

		if (!at)
			return;
		if (small(&a, s)) {
			out->s[i].p = at;
			out->s[i].len = (uint32_t)numeric_short_put(
				at, flip ? -a.v : a.v < 0 ? -a.v : a.v, a.scale);
			at += out->s[i].len;
			continue;
		}
		wide = eval_alloc(ev, s.len + NUMERIC_HEAD_BYTES + NUMERIC_SHORT_BYTES_MAX);
		if (!wide)
			return;
		if (!number(out, i, s, &x))
			continue;
		if (special(&x))
			x.sign = flip || x.sign == NUMERIC_NINF ? negated(x.sign) : x.sign;
		else
			x.sign = flip && x.sign == NUMERIC_POS && x.ndigits ? NUMERIC_NEG : NUMERIC_POS;
		out->s[i].p = wide;
		out->s[i].len = (uint32_t)numeric_pack(wide, &x);
	}
}

KERNEL(numeric_neg)
{
	with_sign(ev, out, in, n, true);
}

KERNEL(numeric_abs)
{
	with_sign(ev, out, in, n, false);
}

KERNEL(numeric_sign)
{
	struct numeric x;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		if (!number(out, i, in->s[ROW(in, i)], &x))
			continue;
		if (x.sign == NUMERIC_NAN)
			put_special(ev, out, i, NUMERIC_NAN);
		else
			number_put128(ev, out, i, sign_of(&x), 0);
	}
}

/* v / 10^drop: to nearest, halves away from zero; or how else one may round. */
enum rounding { ROUND_NEAREST, ROUND_CUT, ROUND_UP, ROUND_DOWN };

static int64_t dropped(int64_t v, int32_t drop, enum rounding how)
{
	int64_t unit = drop <= POW10_MAX ? pow10_of[drop] : 0, q, r;

	if (!unit) { /* all of it: 19 digits are less than half of 10^20, but not of 10^19 */
		q = how == ROUND_NEAREST && drop == POW10_MAX + 1 &&
				(v >= 5 * pow10_of[POW10_MAX] || v <= -5 * pow10_of[POW10_MAX])
			? (v > 0 ? 1 : -1) : 0;
		r = v;
	} else {
		q = v / unit;
		r = v % unit;
		if (how == ROUND_NEAREST && (r >= unit - r || -r >= unit + r) && r)
			q += v > 0 ? 1 : -1;
	}
	if (how == ROUND_UP && r > 0)
		q++;
	if (how == ROUND_DOWN && r < 0)
		q--;
	return q;
}

static struct decimal rounded(
	struct decimal_pool *p, struct decimal x, int32_t scale, enum rounding how)
{
	struct decimal cut, one;

	if (how == ROUND_NEAREST) {
		decimal_round(&x, scale);
		return x;
	}
	cut = x;
	cut.d = p->alloc(p->ctx, ((size_t)x.n + 1) * sizeof *cut.d);
	if (!cut.d) {
		p->failed = true;
		return x;
	}
	memcpy(cut.d, x.d, (size_t)x.n * sizeof *cut.d);
	decimal_cut(&cut, scale);
	if (how == ROUND_CUT || decimal_cmp(&cut, &x) == 0 || x.negative != (how == ROUND_DOWN))
		return cut;
	one = decimal_of_int128(p, x.negative ? -1 : 1, 0);
	return decimal_add(p, &cut, &one);
}

static void round_row(struct eval *ev, struct vec *out, uint32_t i, struct span s,
	int32_t scale, enum rounding how)
{
	enum { LOWEST = -(NUMERIC_WEIGHT_MAX + 1) * NUMERIC_BASE_DIGITS - 1 };
	struct decimal_pool p = number_pool(ev);
	struct decimal d;
	struct numeric x;
	struct small a;

	scale = scale > NUMERIC_DSCALE_MAX ? NUMERIC_DSCALE_MAX : scale;
	scale = scale < LOWEST ? LOWEST : scale; /* all digits gone, whatever they were */
	if (small(&a, s) && scale >= 0 && scale <= a.scale) {
		number_put128(ev, out, i, dropped(a.v, a.scale - scale, how), scale);
		return;
	}
	if (!number(out, i, s, &x))
		return;
	if (special(&x)) {
		out->s[i] = s;
		return;
	}
	d = decimal_of(&p, &x);
	if (p.failed)
		return;
	d = rounded(&p, d, scale, how);
	number_put(ev, out, i, &d, DECIMAL_FINE);
}

#define ROUNDING(name, how)                                                            \
	KERNEL(name)                                                                       \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
			round_row(ev, out, i, in[0].s[ROW(&in[0], i)],                             \
				op->nargs == 2 ? in[1].i4[ROW(&in[1], i)] : 0, how);                   \
	}
ROUNDING(numeric_round, ROUND_NEAREST)
ROUNDING(numeric_trunc, ROUND_CUT)
ROUNDING(numeric_ceil, ROUND_UP)
ROUNDING(numeric_floor, ROUND_DOWN)

/* A function of finite numbers; of NaN and Infinity it is what it got, of -Infinity an
 * error or, for lack of one, zero. */
static void function(struct eval *ev, struct vec *out, const struct vec *in, uint32_t n,
	struct decimal (*f)(struct decimal_pool *, const struct decimal *, enum decimal_error *),
	uint8_t of_minus_infinity)
{
	struct numeric x;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct decimal_pool p = number_pool(ev);
		enum decimal_error e = DECIMAL_FINE;
		struct span s = in->s[ROW(in, i)];
		struct decimal d;

		if (!number(out, i, s, &x))
			continue;
		if (x.sign == NUMERIC_NINF && of_minus_infinity) {
			row_fail(out, i, of_minus_infinity);
		} else if (x.sign == NUMERIC_NINF) {
			number_put128(ev, out, i, 0, 0);
		} else if (special(&x)) {
			out->s[i] = s;
		} else {
			d = decimal_of(&p, &x);
			if (p.failed)
				return;
			d = f(&p, &d, &e);
			number_put(ev, out, i, &d, e);
		}
	}
}

KERNEL(numeric_sqrt)
{
	function(ev, out, in, n, decimal_sqrt_shown, ROW_SQRT_NEGATIVE);
}

KERNEL(numeric_exp)
{
	function(ev, out, in, n, decimal_exp, 0);
}

KERNEL(numeric_ln)
{
	function(ev, out, in, n, decimal_ln, ROW_LOG_NEGATIVE);
}

static struct decimal log10_of(
	struct decimal_pool *p, const struct decimal *a, enum decimal_error *e)
{
	struct decimal ten = decimal_of_int128(p, 10, 0);

	return decimal_log(p, &ten, a, e);
}

KERNEL(numeric_log10)
{
	function(ev, out, in, n, log10_of, ROW_LOG_NEGATIVE);
}

KERNEL(numeric_scale)
{
	struct numeric x;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		if (!number(out, i, in->s[ROW(in, i)], &x))
			continue;
		if (special(&x))
			row_fail(out, i, ROW_NULL);
		out->i4[i] = x.dscale;
	}
}

/* ---- order and hash ---- */

/* -1, 0, 1; NOT_ORDERED when one is no number. */
static int order(struct span sa, struct span sb)
{
	struct numeric x, y;
	struct small a, b;
	__int128 v, w;
	int32_t scale;
	int c;

	if (small(&a, sa) && small(&b, sb) && align(&a, &b, &v, &w, &scale))
		return (v > w) - (v < w);
	if (numeric_open(&x, sa.p, sa.len) || numeric_open(&y, sb.p, sb.len))
		return NOT_ORDERED;
	c = numeric_cmp(&x, &y);
	return (c > 0) - (c < 0);
}

KERNEL(cmp_enc_numeric)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		int c = order(in[0].s[ROW(&in[0], i)], in[1].s[ROW(&in[1], i)]);

		if (c == NOT_ORDERED)
			row_fail(out, i, ROW_MALFORMED);
		else
			row_ordered(op, out, i, c);
	}
}

KERNEL(extreme_enc_numeric)
{
	span_extreme(order, ev, op, out, in, n);
}

KERNEL(choose_enc_numeric)
{
	span_choose(order, ev, op, out, in, n);
}

/* The short form without zeros at its end, which integers have as well; else all digits. */
KERNEL(hash_enc_numeric)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span s = in->s[ROW(in, i)];
		struct numeric x;
		struct small a;
		uint8_t *p;
		size_t len;

		if (small(&a, s)) {
			for (; a.scale > 0 && a.v % 10 == 0; a.scale--)
				a.v /= 10;
			out->i8[i] = number_hash(ev, a.v, a.v ? a.scale : 0);
			continue;
		}
		if (!number(out, i, s, &x))
			continue;
		/* 1.50000... of too large a scale is short without its zeros */
		x.dscale = numeric_least_scale(&x);
		len = NUMERIC_HEAD_BYTES + 2u * (size_t)x.ndigits + NUMERIC_SHORT_BYTES_MAX;
		p = eval_alloc(ev, 1 + len);
		if (!p)
			return;
		p[0] = HASH_NUMBER;
		len = numeric_pack(p + 1, &x);
		out->i8[i] = (int64_t)eval_hash(ev, p, 1 + len);
	}
}

/* ---- casts ---- */

#define TO_INTEGER(name, T, f, MIN, MAX, RANGE)                                        \
	KERNEL(name)                                                                       \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			__int128 v = 0;                                                            \
			uint8_t fail = number_to_integer(ev, in->s[ROW(in, i)], &v);               \
                                                                                       \
			if (!fail && (v < MIN || v > MAX))                                         \
				fail = RANGE;                                                          \
			if (fail)                                                                  \
				row_fail(out, i, fail == ROW_NUMERIC_RANGE ? RANGE : fail);            \
			out->f[i] = (T)v;                                                          \
		}                                                                              \
	}

/* Rounded to an integer; NUMERIC_RANGE when it has too many digits. */
static uint8_t number_to_integer(struct eval *ev, struct span s, __int128 *v)
{
	struct decimal_pool p = number_pool(ev);
	struct decimal d;
	struct numeric x;
	struct small a;
	int32_t i;

	if (small(&a, s)) {
		*v = dropped(a.v, a.scale, ROUND_NEAREST);
		return 0;
	}
	if (numeric_open(&x, s.p, s.len))
		return ROW_MALFORMED;
	if (special(&x))
		return ROW_NUMERIC_NAN;
	d = decimal_of(&p, &x);
	if (p.failed)
		return ROW_NUMERIC_RANGE;
	decimal_round(&d, 0);
	if (d.weight > 5)
		return ROW_NUMERIC_RANGE;
	for (i = 0; i <= d.weight && d.n; i++)
		*v = *v * NUMERIC_BASE + (i < d.n ? d.d[i] : 0);
	*v = d.negative ? -*v : *v;
	return 0;
}

TO_INTEGER(numeric_to_int4, int32_t, i4, INT32_MIN, INT32_MAX, ROW_INT4_RANGE)
TO_INTEGER(numeric_to_int8, int64_t, i8, INT64_MIN, INT64_MAX, ROW_INT8_RANGE)

static char *text_of(struct eval *ev, const struct numeric *x, size_t *len)
{
	char *text = eval_alloc(ev, numeric_text_max(x) + 1);

	if (!text)
		return NULL;
	*len = numeric_text(text, x);
	text[*len] = 0;
	return text;
}

KERNEL(numeric_to_text)
{
	struct numeric x;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		size_t len = 0;

		if (!number(out, i, in->s[ROW(in, i)], &x))
			continue;
		out->s[i].p = (const uint8_t *)text_of(ev, &x, &len);
		out->s[i].len = (uint32_t)len;
	}
}

static void read_text(
	struct eval *ev, struct vec *out, uint32_t i, const char *text, size_t n)
{
	uint8_t *p = eval_alloc(ev, numeric_read_max(n));
	size_t len = 0;
	int rc;

	if (!p)
		return;
	rc = numeric_read(p, &len, text, n);
	if (rc)
		row_fail(out, i, rc == -EINVAL ? ROW_NUMERIC_SYNTAX : ROW_NUMERIC_RANGE);
	out->s[i] = (struct span){p, (uint32_t)len};
}

KERNEL(text_to_numeric)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span s = in->s[ROW(in, i)];

		read_text(ev, out, i, (const char *)s.p, s.len);
	}
}

/* With as many digits as the type surely has. A NaN may have a sign; a numeric has not. */
static void from_double(struct eval *ev, struct vec *out, uint32_t i, double v, int digits)
{
	char text[64];
	int n = snprintf(text, sizeof text, "%.*g", digits, isnan(v) ? (double)NAN : v);

	read_text(ev, out, i, text, (size_t)n);
}

#define FROM_FLOAT(name, f, digits)                                                    \
	KERNEL(name)                                                                       \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
			from_double(ev, out, i, (double)in->f[ROW(in, i)], digits);                \
	}
FROM_FLOAT(float4_to_numeric, f4, 6)
FROM_FLOAT(float8_to_numeric, f8, 15)

/* Through text, as PostgreSQL does; short ones by one division, which is rounded once and
 * so gives the same. */
static double to_double(struct eval *ev, struct span s, bool narrow, uint8_t *fail)
{
	const int64_t exact = narrow ? 1 << 24 : (int64_t)1 << 53;
	struct numeric x;
	struct small a;
	size_t len;
	char *text;
	double v;

	if (small(&a, s) && a.v <= exact && a.v >= -exact && a.scale <= (narrow ? 10 : 18))
		return narrow ? (double)((float)a.v / (float)pow10_of[a.scale])
					  : (double)a.v / (double)pow10_of[a.scale];
	if (numeric_open(&x, s.p, s.len)) {
		*fail = ROW_MALFORMED;
		return 0;
	}
	text = text_of(ev, &x, &len);
	if (!text)
		return 0;
	errno = 0;
	v = narrow ? strtof(text, NULL) : strtod(text, NULL);
	if (errno == ERANGE && (v == 0 || isinf(v)))
		*fail = narrow ? ROW_FLOAT4_RANGE : ROW_FLOAT8_RANGE;
	return v;
}

#define TO_FLOAT(name, T, f, narrow)                                                   \
	KERNEL(name)                                                                       \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			uint8_t fail = 0;                                                          \
                                                                                       \
			out->f[i] = (T)to_double(ev, in->s[ROW(in, i)], narrow, &fail);            \
			if (fail)                                                                  \
				row_fail(out, i, fail);                                                \
		}                                                                              \
	}
TO_FLOAT(numeric_to_float4, float, f4, true)
TO_FLOAT(numeric_to_float8, double, f8, false)
