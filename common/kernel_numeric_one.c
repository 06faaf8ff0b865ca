/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_numeric_one.c - functions of one enc_numeric: signs, rounding, roots, logarithms.
 */
#include "kernel_numeric.h"

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
		if (!number_open(out, i, s, &x))
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
		if (!number_open(out, i, in->s[ROW(in, i)], &x))
			continue;
		if (x.sign == NUMERIC_NAN)
			number_put_special(ev, out, i, NUMERIC_NAN);
		else
			number_put128(ev, out, i, sign_of(&x), 0);
	}
}

int64_t number_dropped(int64_t v, int32_t drop, enum rounding how)
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
		number_put128(ev, out, i, number_dropped(a.v, a.scale - scale, how), scale);
		return;
	}
	if (!number_open(out, i, s, &x))
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

		if (!number_open(out, i, s, &x))
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
		if (!number_open(out, i, in->s[ROW(in, i)], &x))
			continue;
		if (special(&x))
			row_fail(out, i, ROW_NULL);
		out->i4[i] = x.dscale;
	}
}

KERNEL(numeric_min_scale)
{
	struct numeric x;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		if (!number_open(out, i, in->s[ROW(in, i)], &x))
			continue;
		if (special(&x))
			row_fail(out, i, ROW_NULL);
		out->i4[i] = numeric_least_scale(&x);
	}
}

KERNEL(numeric_trim_scale)
{
	struct numeric x;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct decimal_pool p = number_pool(ev);
		struct span s = in->s[ROW(in, i)];
		struct decimal d;

		if (!number_open(out, i, s, &x))
			continue;
		out->s[i] = s;
		if (special(&x))
			continue;
		d = decimal_of(&p, &x);
		if (p.failed)
			return;
		d.dscale = numeric_least_scale(&x);
		number_put(ev, out, i, &d, DECIMAL_FINE);
	}
}

/* ---- factorial ---- */

/* n! to base 10,000, least significant digit first; its length. 0: nobody waits for it. */
static int32_t factorial(struct eval *ev, int32_t *d, int32_t n)
{
	enum { ASK_EVERY = 64 };
	int32_t len = 1, k, i;

	d[0] = 1;
	for (k = 2; k <= n; k++) {
		int64_t carry = 0;

		for (i = 0; i < len; i++) {
			carry += (int64_t)d[i] * k;
			d[i] = (int32_t)(carry % NUMERIC_BASE);
			carry /= NUMERIC_BASE;
		}
		for (; carry; carry /= NUMERIC_BASE)
			d[len++] = (int32_t)(carry % NUMERIC_BASE);
		if (k % ASK_EVERY == 0 && !eval_wanted(ev))
			return 0;
	}
	return len;
}

static void factorial_row(struct eval *ev, struct vec *out, uint32_t row, int64_t n)
{
	enum { MOST = 32177, ROOM = NUMERIC_NDIGITS_MAX }; /* more exceeds numeric's range */
	int32_t *d = eval_alloc(ev, ROOM * sizeof *d), len, i, from = 0, digit;

	if (n < 0 || n > MOST) {
		row_fail(out, row, n < 0 ? ROW_FACTORIAL : ROW_NUMERIC_RANGE);
		return;
	}
	len = d ? factorial(ev, d, (int32_t)n) : 1;
	if (!len)
		row_fail(out, row, ROW_GIVEN_UP);
	if (!d || !len)
		return;
	for (i = 0; i < len / 2; i++) {
		digit = d[i];
		d[i] = d[len - 1 - i];
		d[len - 1 - i] = digit;
	}
	while (from < len - 1 && d[len - 1 - from] == 0)
		from++;
	number_put(ev, out, row,
		&(struct decimal){.d = d, .n = len - from, .weight = len - 1}, DECIMAL_FINE);
}

KERNEL(int8_factorial)
{
	uint32_t i;

	EACH_ROW(out, n, i)
		factorial_row(ev, out, i, in->i8[ROW(in, i)]);
}
