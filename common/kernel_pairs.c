/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_pairs.c - what is computed from pairs of numbers (y, x): covariance, correlation,
 * linear regression.
 *
 * Count, sums, and sums of squares and products of differences from the mean, by the method
 * of Youngs and Cramer, in the order of PostgreSQL's float8_regr_accum(), so that the last
 * digits are its. Six doubles, as a bytea: in a partial result only, which SQL never sees.
 */
#include "kernel.h"

#include <math.h>
#include <string.h>

struct pairs {
	double n, sx, sxx, sy, syy, sxy;
};

static bool pairs_read(struct pairs *p, struct span s)
{
	if (s.len != sizeof *p)
		return false;
	memcpy(p, s.p, sizeof *p);
	return true;
}

/* NaN, not 0, for what has no finite mean. */
static void pairs_first(struct pairs *p, double y, double x)
{
	if (!isfinite(x))
		p->sxx = p->sxy = (double)NAN;
	if (!isfinite(y))
		p->syy = p->sxy = (double)NAN;
}

/* Infinite sums are fine where a value is, and an overflow else. */
static uint8_t pairs_check(struct pairs *p, const struct pairs *old, double y, double x)
{
	bool of_x = !isinf(old->sx) && !isinf(x), of_y = !isinf(old->sy) && !isinf(y);

	if (((isinf(p->sx) || isinf(p->sxx)) && of_x) ||
		((isinf(p->sy) || isinf(p->syy)) && of_y) || (isinf(p->sxy) && of_x && of_y))
		return ROW_FLOAT_OVERFLOW;
	if (isinf(p->sxx))
		p->sxx = (double)NAN;
	if (isinf(p->syy))
		p->syy = (double)NAN;
	if (isinf(p->sxy))
		p->sxy = (double)NAN;
	return 0;
}

static uint8_t pairs_add(struct pairs *p, double y, double x)
{
	struct pairs old = *p;
	double dx, dy, scale;

	p->n += 1;
	p->sx += x;
	p->sy += y;
	if (old.n == 0) {
		pairs_first(p, y, x);
		return 0;
	}
	dx = x * p->n - p->sx;
	dy = y * p->n - p->sy;
	scale = 1.0 / (p->n * old.n);
	p->sxx += dx * dx * scale;
	p->syy += dy * dy * scale;
	p->sxy += dx * dy * scale;
	return pairs_check(p, &old, y, x);
}

/* in[0] is y, in[1] x, in[2] what there is so far, NULL at first. */
KERNEL(float8_pairs)
{
	struct pairs p = {0};
	uint8_t *bytes;
	uint32_t i;

	if (in[2].state[0] > ROW_NULL)
		row_fail(out, 0, in[2].state[0]);
	else if (in[2].state[0] == ROW_VALUE && !pairs_read(&p, in[2].s[0]))
		row_fail(out, 0, ROW_MALFORMED);
	for (i = 0; i < n && !out->state[0]; i++) {
		uint8_t sy = in[0].state[ROW(&in[0], i)], sx = in[1].state[ROW(&in[1], i)];
		uint8_t fail = sy > ROW_NULL ? sy : sx > ROW_NULL ? sx : 0;

		if (!fail && !sy && !sx)
			fail = pairs_add(&p, in[0].f8[ROW(&in[0], i)], in[1].f8[ROW(&in[1], i)]);
		if (fail)
			row_fail(out, 0, fail);
	}
	if (p.n == 0 && !out->state[0])
		row_fail(out, 0, ROW_NULL);
	bytes = out->state[0] ? NULL : eval_alloc(ev, sizeof p);
	if (bytes)
		out->s[0] = (struct span){memcpy(bytes, &p, sizeof p), sizeof p};
}

/* `exists`: what it takes; else the answer is NULL. */
#define PAIRS_RESULT(name, exists, expression)                                         \
	KERNEL(pairs_##name)                                                               \
	{                                                                                  \
		struct pairs p;                                                                \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			if (!pairs_read(&p, in->s[ROW(in, i)]))                                    \
				row_fail(out, i, ROW_MALFORMED);                                       \
			else if (!(exists))                                                        \
				row_fail(out, i, ROW_NULL);                                            \
			else                                                                       \
				out->f8[i] = expression;                                               \
		}                                                                              \
	}
PAIRS_RESULT(sxx, true, p.sxx)
PAIRS_RESULT(syy, true, p.syy)
PAIRS_RESULT(sxy, true, p.sxy)
PAIRS_RESULT(avgx, true, p.sx / p.n)
PAIRS_RESULT(avgy, true, p.sy / p.n)
PAIRS_RESULT(covar_pop, true, p.sxy / p.n)
PAIRS_RESULT(covar_samp, p.n >= 2, p.sxy / (p.n - 1))
PAIRS_RESULT(corr, p.sxx != 0 && p.syy != 0, p.sxy / sqrt(p.sxx * p.syy))
PAIRS_RESULT(r2, p.sxx != 0, p.syy == 0 ? 1 : p.sxy * p.sxy / (p.sxx * p.syy))
PAIRS_RESULT(slope, p.sxx != 0, p.sxy / p.sxx)
PAIRS_RESULT(intercept, p.sxx != 0, (p.sy - p.sx * p.sxy / p.sxx) / p.n)
