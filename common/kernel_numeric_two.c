/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_numeric_two.c - arithmetic of two enc_numeric.
 */
#include "kernel_numeric.h"

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

	if (!number_open(out, i, sa, &a) || !number_open(out, i, sb, &b))
		return;
	if (special(&a) || special(&b)) {
		sign = how->special(&a, &b, &fail);
		if (fail)
			row_fail(out, i, fail);
		else if (sign >= NUMERIC_NAN)
			number_put_special(ev, out, i, sign);
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

/* ---- divisors ---- */

static __int128 divisor(__int128 x, __int128 y)
{
	__int128 r;

	x = x < 0 ? -x : x;
	for (y = y < 0 ? -y : y; y; y = r) {
		r = x % y;
		x = y;
	}
	return x;
}

static bool numeric_gcd_small(const struct small *a, const struct small *b, __int128 *v,
	int32_t *scale, uint8_t *fail)
{
	__int128 x, y;

	if (!align(a, b, &x, &y, scale))
		return false;
	*v = divisor(x, y);
	return true;
}

static uint16_t numeric_gcd_special(
	const struct numeric *a, const struct numeric *b, uint8_t *fail)
{
	return NUMERIC_NAN;
}

static int32_t larger_scale(const struct decimal *a, const struct decimal *b)
{
	return a->dscale > b->dscale ? a->dscale : b->dscale;
}

static struct decimal numeric_gcd_big(struct decimal_pool *p, const struct decimal *a,
	const struct decimal *b, enum decimal_error *e)
{
	struct decimal x = *a, y = *b, r;

	while (y.n && !p->failed) {
		r = decimal_mod(p, &x, &y);
		x = y;
		y = r;
	}
	x.negative = false;
	x.dscale = larger_scale(a, b);
	return x;
}

BINARY_NUMBER(numeric_gcd)

static bool numeric_lcm_small(const struct small *a, const struct small *b, __int128 *v,
	int32_t *scale, uint8_t *fail)
{
	__int128 x, y;

	if (!align(a, b, &x, &y, scale) || (int64_t)x != x || (int64_t)y != y)
		return false;
	*v = x == 0 || y == 0 ? 0 : x / divisor(x, y) * y;
	*v = *v < 0 ? -*v : *v;
	return true;
}

#define numeric_lcm_special numeric_gcd_special

static struct decimal numeric_lcm_big(struct decimal_pool *p, const struct decimal *a,
	const struct decimal *b, enum decimal_error *e)
{
	struct decimal r = *a;

	if (a->n == 0 || b->n == 0) {
		r.n = 0;
	} else {
		r = numeric_gcd_big(p, a, b, e);
		if (!p->failed)
			r = decimal_div(p, a, &r, 0, false);
		if (!p->failed)
			r = decimal_mul(p, &r, b, b->dscale);
	}
	r.negative = false;
	r.dscale = larger_scale(a, b);
	return r;
}

BINARY_NUMBER(numeric_lcm)
