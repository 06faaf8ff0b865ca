/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_numeric.c - enc_numeric: PostgreSQL's numeric, exactly. Here are results, order and
 * hash; arithmetic of two is in kernel_numeric_two.c, functions of one in
 * kernel_numeric_one.c, casts in kernel_numeric_cast.c.
 *
 * Nearly all numbers in tables are short forms (numeric.h): an int64 and a scale. Those
 * are computed with 128 bits, and only what does not fit goes through decimal.h. The
 * plaintext is checked as it is read: it is authentic, but its maker may have been
 * careless.
 */
#include "kernel_numeric.h"

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

void number_put_special(struct eval *ev, struct vec *out, uint32_t i, uint16_t sign)
{
	struct numeric x = {.sign = sign};
	uint8_t *at = eval_alloc(ev, NUMERIC_SHORT_BYTES_MAX);

	out->s[i].p = at;
	out->s[i].len = at ? (uint32_t)numeric_pack(at, &x) : 0;
}

bool number_open(struct vec *out, uint32_t i, struct span s, struct numeric *x)
{
	if (numeric_open(x, s.p, s.len) == 0)
		return true;
	row_fail(out, i, ROW_MALFORMED);
	return false;
}

const int64_t pow10_of[POW10_MAX + 1] = {1, 10, 100, 1000, 10000, 100000, 1000000,
	10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
	10000000000000, 100000000000000, 1000000000000000, 10000000000000000,
	100000000000000000, 1000000000000000000};

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
		if (!number_open(out, i, s, &x))
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
