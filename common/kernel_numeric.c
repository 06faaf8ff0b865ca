/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_numeric.c - enc_numeric as far as sums and averages need it. The plaintext is
 * PostgreSQL's binary form, checked by numeric_parse() before anything else: it is
 * authentic, but its maker may have been careless.
 */
#include "kernel.h"

#include <string.h>

#include "numeric.h"

/* Row i of a column as a number; false (and the row fails) when it is not one. */
static bool number(struct vec *out, uint32_t i, const struct vec *in, struct numeric *x)
{
	struct span s = in->s[ROW(in, i)];

	if (numeric_parse(x, s.p, s.len) == 0)
		return true;
	row_fail(out, i, ROW_MALFORMED);
	return false;
}

KERNEL(cmp_enc_numeric)
{
	struct numeric a, b;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		int c;

		if (!number(out, i, &in[0], &a) || !number(out, i, &in[1], &b))
			continue;
		c = numeric_cmp(&a, &b);
		row_ordered(op, out, i, (c > 0) - (c < 0));
	}
}

KERNEL(hash_enc_numeric)
{
	struct numeric x;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		uint8_t *p;
		size_t len;

		if (!number(out, i, in, &x))
			continue;
		len = NUMERIC_HEAD_BYTES + 2u * (size_t)x.ndigits;
		p = eval_alloc(ev, 1 + len);
		if (!p)
			return;
		p[0] = HASH_NUMBER;
		if (numeric_hash_bytes(p + 1, len, &len, &x))
			row_fail(out, i, ROW_MALFORMED);
		else
			out->i8[i] = (int64_t)eval_hash(ev, p, 1 + len);
	}
}

static int order(struct span a, struct span b)
{
	struct numeric x, y;
	int c;

	if (numeric_parse(&x, a.p, a.len) || numeric_parse(&y, b.p, b.len))
		return NOT_ORDERED;
	c = numeric_cmp(&x, &y);
	return (c > 0) - (c < 0);
}

KERNEL(extreme_enc_numeric)
{
	span_extreme(order, ev, op, out, in, n);
}

KERNEL(choose_enc_numeric)
{
	span_choose(order, ev, op, out, in, n);
}

/* a + b into arena memory. A sum spans the digits of both, and one for the carry. */
static bool add(struct eval *ev, const struct numeric *a, const struct numeric *b,
	struct span *sum)
{
	int64_t low_a = (int64_t)a->weight - a->ndigits, low_b = (int64_t)b->weight - b->ndigits;
	int64_t high = a->weight > b->weight ? a->weight : b->weight;
	size_t cap = NUMERIC_HEAD_BYTES + 2 * (size_t)(high + 2 - (low_a < low_b ? low_a : low_b));
	size_t len;
	uint8_t *p;

	if (cap > NUMERIC_BYTES_MAX)
		cap = NUMERIC_BYTES_MAX;
	p = eval_alloc(ev, cap);
	if (!p)
		return true; /* the request fails as a whole */
	if (numeric_add(p, cap, &len, a, b))
		return false;
	sum->p = p;
	sum->len = (uint32_t)len;
	return true;
}

KERNEL(numeric_add)
{
	struct numeric a, b;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		if (!number(out, i, &in[0], &a) || !number(out, i, &in[1], &b))
			continue;
		if (!add(ev, &a, &b, &out->s[i]))
			row_fail(out, i, ROW_NUMERIC_RANGE);
	}
}

KERNEL(sum_numeric)
{
	bool any = false;
	uint32_t i;

	EACH_VALUE(in, out, n, i)
	{
		struct numeric x, sum;

		if (numeric_parse(&x, in->s[i].p, in->s[i].len))
			row_fail(out, 0, ROW_MALFORMED);
		else if (!any)
			out->s[0] = in->s[i];
		else if (numeric_parse(&sum, out->s[0].p, out->s[0].len) ||
			 !add(ev, &sum, &x, &out->s[0]))
			row_fail(out, 0, ROW_NUMERIC_RANGE);
		any = true;
	}
	if (!any && !out->state[0])
		row_fail(out, 0, ROW_NULL);
}

KERNEL(numeric_avg)
{
	enum { SCALE_DIGITS = 1000 / NUMERIC_BASE_DIGITS + 4 };
	struct numeric sum;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		size_t cap, len;
		uint8_t *p;

		if (!number(out, i, &in[0], &sum))
			continue;
		cap = NUMERIC_HEAD_BYTES +
			2 * ((sum.weight > 0 ? (size_t)sum.weight + 1 : 1) + SCALE_DIGITS +
				(size_t)sum.dscale / NUMERIC_BASE_DIGITS);
		p = eval_alloc(ev, cap);
		if (!p)
			return;
		if (numeric_avg(p, cap, &len, &sum, in[1].i8[ROW(&in[1], i)])) {
			row_fail(out, i, ROW_NUMERIC_RANGE);
			continue;
		}
		out->s[i].p = p;
		out->s[i].len = (uint32_t)len;
	}
}

KERNEL(numeric_sum_int8)
{
	struct numeric x;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		__int128 v = 0;

		if (!number(out, i, in, &x))
			continue;
		if (x.sign == NUMERIC_NAN || x.sign == NUMERIC_PINF || x.sign == NUMERIC_NINF)
			row_fail(out, i, ROW_NUMERIC_NAN);
		else if (numeric_to_int128(&x, &v) || v < INT64_MIN || v > INT64_MAX)
			row_fail(out, i, ROW_INT8_RANGE);
		out->i8[i] = (int64_t)v;
	}
}
