/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_bucket.c - width_bucket: which of `count` equal stretches between two bounds a
 * number is in. 0 is before the first bound, count + 1 at the second and beyond it. Bounds
 * may fall.
 */
#include "kernel_numeric.h"

#include <math.h>

static uint8_t after_last(int32_t *r, int32_t count)
{
	return __builtin_add_overflow(count, 1, r) ? ROW_INT4_RANGE : 0;
}

/* ---- double precision ---- */

/* What part of the way from a to b is v? Their distance may be too much for a double. */
static double part_of_way(double v, double a, double b)
{
	return isinf(b - a) ? (v / 2 - a / 2) / (b / 2 - a / 2) : (v - a) / (b - a);
}

static uint8_t float8_bucket(int32_t *r, double v, double a, double b, int32_t count)
{
	if (count <= 0 || isnan(v) || !isfinite(a) || !isfinite(b) || a == b)
		return ROW_BUCKET;
	if (a < b ? v < a : v > a) {
		*r = 0;
		return 0;
	}
	if (a < b ? v >= b : v <= b)
		return after_last(r, count);
	*r = (int32_t)(count * part_of_way(v, a, b));
	if (*r >= count) /* rounded up to the end */
		*r = count - 1;
	++*r;
	return 0;
}

KERNEL(float8_bucket)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		uint8_t fail = float8_bucket(&out->i4[i], in[0].f8[ROW(&in[0], i)],
			in[1].f8[ROW(&in[1], i)], in[2].f8[ROW(&in[2], i)], in[3].i4[ROW(&in[3], i)]);

		if (fail)
			row_fail(out, i, fail);
	}
}

/* ---- numeric ---- */

/* The bucket of a number between the bounds: the quotient has the digits that a division
 * gives, and may so be rounded up to the next one, as PostgreSQL's. */
static int32_t number_bucket(struct decimal_pool *p, const struct decimal *v,
	const struct decimal *a, const struct decimal *b, int32_t count)
{
	struct decimal way = decimal_sub(p, v, a), all = decimal_sub(p, b, a);
	struct decimal n = decimal_of_int128(p, count, 0), q;
	int64_t bucket = 0;
	int32_t i;

	way = decimal_mul(p, &way, &n, way.dscale);
	if (p->failed)
		return 0;
	way.negative = all.negative = false;
	q = decimal_div(p, &way, &all, decimal_div_scale(&way, &all), true);
	if (p->failed || decimal_cmp(&q, &n) >= 0)
		return count;
	for (i = 0; q.n && i <= q.weight; i++)
		bucket = bucket * NUMERIC_BASE + (i < q.n ? q.d[i] : 0);
	return (int32_t)bucket + 1;
}

static uint8_t numeric_bucket(struct eval *ev, int32_t *r, const struct numeric *v,
	const struct numeric *a, const struct numeric *b, int32_t count)
{
	int way = numeric_cmp(a, b);
	struct decimal_pool p = number_pool(ev);
	struct decimal x, y, z;

	if (count <= 0 || v->sign == NUMERIC_NAN || special(a) || special(b) || way == 0)
		return ROW_BUCKET;
	*r = 0;
	if (way < 0 ? numeric_cmp(v, a) < 0 : numeric_cmp(v, a) > 0)
		return 0;
	if (way < 0 ? numeric_cmp(v, b) >= 0 : numeric_cmp(v, b) <= 0)
		return after_last(r, count);
	x = decimal_of(&p, v);
	y = decimal_of(&p, a);
	z = decimal_of(&p, b);
	if (!p.failed)
		*r = number_bucket(&p, &x, &y, &z, count);
	return 0;
}

KERNEL(numeric_bucket)
{
	struct numeric v, a, b;
	uint8_t fail;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		if (!number_open(out, i, in[0].s[ROW(&in[0], i)], &v) ||
			!number_open(out, i, in[1].s[ROW(&in[1], i)], &a) ||
			!number_open(out, i, in[2].s[ROW(&in[2], i)], &b))
			continue;
		fail = numeric_bucket(ev, &out->i4[i], &v, &a, &b, in[3].i4[ROW(&in[3], i)]);
		if (fail)
			row_fail(out, i, fail);
	}
}
