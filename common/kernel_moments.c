/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_moments.c - sums, averages and variances of integers and numerics: exact.
 *
 * A column is added up in 128 bits, at the largest scale seen so far; what does not fit
 * is moved to a decimal. Variances need count, sum and sum of squares: a partial result
 * that travels as a bytea, which SQL never sees:
 *
 *     0   count   8, little-endian
 *     8   len     4, of the sum
 *    12   sum, and then sum of squares: plaintexts of enc_numeric
 */
#include "kernel_numeric.h"

enum { MOMENTS_HEAD = 12 };

/* ---- a sum in the making ---- */

struct total {
	struct decimal_pool pool;
	__int128 v; /* v / 10^scale, to be added to `big` */
	int32_t scale;
	uint16_t special; /* NaN or an infinity was seen: this; else 0 */
	struct decimal big;
};

static struct total total_of(struct eval *ev)
{
	return (struct total){.pool = number_pool(ev)};
}

/* What the 128 bits hold goes to `big`. */
static void total_spill(struct total *t)
{
	struct decimal x = decimal_of_int128(&t->pool, t->v, t->scale);

	t->big = decimal_add(&t->pool, &t->big, &x);
	t->v = 0;
}

static __int128 power_of_ten(int32_t k)
{
	__int128 r = 1;

	for (; k > 0; k--)
		r *= 10;
	return r;
}

static void total_add_big(struct total *t, const struct decimal *x)
{
	t->big = decimal_add(&t->pool, &t->big, x);
}

static void total_add(struct total *t, __int128 v, int32_t scale)
{
	enum { K = 37 }; /* 10^37 fits */
	int32_t d = scale - t->scale;
	__int128 r;

	if (d > 0) {
		if (d > K || __builtin_mul_overflow(t->v, power_of_ten(d), &r)) {
			total_spill(t);
			r = 0;
		}
		t->v = r;
		t->scale = scale;
	} else if (d < 0) {
		if (d < -K || __builtin_mul_overflow(v, power_of_ten(-d), &r)) {
			struct decimal x = decimal_of_int128(&t->pool, v, scale);

			total_add_big(t, &x);
			return;
		}
		v = r;
	}
	if (__builtin_add_overflow(t->v, v, &r)) {
		total_spill(t);
		r = v;
	}
	t->v = r;
}

static void total_add_special(struct total *t, uint16_t sign)
{
	t->special = t->special == 0 || t->special == sign ? sign : NUMERIC_NAN;
}

static struct decimal total_end(struct total *t)
{
	total_spill(t);
	return t->big;
}

static void total_put(struct eval *ev, struct vec *out, uint32_t i, struct total *t)
{
	struct numeric x = {.sign = t->special};
	struct decimal d;
	uint8_t *at;

	if (t->special) {
		at = eval_alloc(ev, NUMERIC_SHORT_BYTES_MAX);
		out->s[i].p = at;
		out->s[i].len = at ? (uint32_t)numeric_pack(at, &x) : 0;
	} else if (t->big.n == 0 && t->big.dscale <= t->scale) {
		number_put128(ev, out, i, t->v, t->scale);
	} else {
		d = total_end(t);
		if (!t->pool.failed)
			number_put(ev, out, i, &d, DECIMAL_FINE);
	}
}

/* One plaintext of enc_numeric into sum and, if there is one, sum of squares. */
static bool total_take(struct total *sum, struct total *squares, struct span s)
{
	struct decimal d, q;
	struct numeric x;
	int32_t scale;
	int64_t v;

	if (numeric_short(&v, &scale, s.p, s.len)) {
		total_add(sum, v, scale);
		if (squares)
			total_add(squares, (__int128)v * v, 2 * scale);
		return true;
	}
	if (numeric_open(&x, s.p, s.len))
		return false;
	if (x.sign >= NUMERIC_NAN) {
		total_add_special(sum, x.sign);
		return true;
	}
	d = decimal_of(&sum->pool, &x);
	total_add_big(sum, &d);
	if (squares) {
		q = decimal_mul(&squares->pool, &d, &d, 2 * d.dscale);
		total_add_big(squares, &q);
	}
	return true;
}

/* ---- sums ---- */

#define SUM(name, take)                                                                \
	KERNEL(name)                                                                       \
	{                                                                                  \
		struct total sum = total_of(ev);                                               \
		bool any = false;                                                              \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_VALUE(in, out, n, i)                                                      \
		{                                                                              \
			take;                                                                      \
			any = true;                                                                \
		}                                                                              \
		if (any && !out->state[0])                                                     \
			total_put(ev, out, 0, &sum);                                               \
		else if (!out->state[0])                                                       \
			row_fail(out, 0, ROW_NULL);                                                \
	}
SUM(sum_int4, sum.v += in->i4[i])
SUM(sum_int8, sum.v += in->i8[i]) /* fewer than 2^32 rows of 64 bits: no overflow */
SUM(sum_numeric,
	if (!total_take(&sum, NULL, in->s[i])) row_fail(out, 0, ROW_MALFORMED))

/* sum(int4) is an int8. */
KERNEL(numeric_sum_int8)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span s = in->s[ROW(in, i)];
		int32_t scale = 0;
		int64_t v = 0;
		struct numeric x;
		__int128 wide = 0;

		if (!numeric_short(&v, &scale, s.p, s.len) || scale) {
			/* the least int8 has no short form */
			if (numeric_open(&x, s.p, s.len))
				row_fail(out, i, ROW_MALFORMED);
			else if (x.sign >= NUMERIC_NAN)
				row_fail(out, i, ROW_NUMERIC_NAN);
			else if (numeric_to_int128(&x, &wide) || wide < INT64_MIN || wide > INT64_MAX)
				row_fail(out, i, ROW_INT8_RANGE);
			v = (int64_t)wide;
		}
		out->i8[i] = v;
	}
}

/* ---- averages ---- */

KERNEL(numeric_avg)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct decimal_pool p = number_pool(ev);
		struct span s = in[0].s[ROW(&in[0], i)];
		struct decimal sum, count;
		struct numeric x;

		if (numeric_open(&x, s.p, s.len)) {
			row_fail(out, i, ROW_MALFORMED);
			continue;
		}
		if (x.sign >= NUMERIC_NAN) {
			out->s[i] = s;
			continue;
		}
		sum = decimal_of(&p, &x);
		count = decimal_of_int128(&p, in[1].i8[ROW(&in[1], i)], 0);
		if (p.failed)
			return;
		if (count.n == 0 || count.negative) { /* a careless caller's */
			row_fail(out, i, ROW_NUMERIC_RANGE);
			continue;
		}
		sum = decimal_div(&p, &sum, &count, decimal_div_scale(&sum, &count), true);
		number_put(ev, out, i, &sum, DECIMAL_FINE);
	}
}

/* ---- moments ---- */

struct moments {
	int64_t count;
	struct span sum, squares;
};

static bool moments_read(struct moments *m, struct span s)
{
	uint32_t len;

	if (s.len < MOMENTS_HEAD)
		return false;
	memcpy(&m->count, s.p, 8);
	memcpy(&len, s.p + 8, 4);
	if (len > s.len - MOMENTS_HEAD || m->count < 1)
		return false;
	m->sum = (struct span){s.p + MOMENTS_HEAD, len};
	m->squares = (struct span){s.p + MOMENTS_HEAD + len, s.len - MOMENTS_HEAD - len};
	return true;
}

static void moments_write(struct eval *ev, struct vec *out, uint32_t i, int64_t count,
	struct total *sum, struct total *squares)
{
	struct span got[2] = {{NULL, 0}, {NULL, 0}};
	uint8_t states[2] = {ROW_VALUE, ROW_VALUE}, *p;
	struct vec part = {.s = got, .state = states, .rows = 2};

	total_put(ev, &part, 0, sum);
	total_put(ev, &part, 1, squares);
	if (part.dirty)
		row_fail(out, i, states[0] ? states[0] : states[1]);
	p = part.dirty || !got[0].p || !got[1].p ? NULL : eval_alloc(ev, MOMENTS_HEAD + got[0].len + got[1].len);
	if (!p)
		return;
	memcpy(p, &count, 8);
	memcpy(p + 8, &got[0].len, 4);
	memcpy(p + MOMENTS_HEAD, got[0].p, got[0].len);
	memcpy(p + MOMENTS_HEAD + got[0].len, got[1].p, got[1].len);
	out->s[i] = (struct span){p, MOMENTS_HEAD + got[0].len + got[1].len};
}

#define MOMENTS(name, take)                                                            \
	KERNEL(name)                                                                       \
	{                                                                                  \
		struct total sum = total_of(ev), squares = total_of(ev);                       \
		int64_t count = 0;                                                             \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_VALUE(in, out, n, i)                                                      \
		{                                                                              \
			take;                                                                      \
			count++;                                                                   \
		}                                                                              \
		if (count && !out->state[0])                                                   \
			moments_write(ev, out, 0, count, &sum, &squares);                          \
		else if (!out->state[0])                                                       \
			row_fail(out, 0, ROW_NULL);                                                \
	}

static void take_integer(struct total *sum, struct total *squares, int64_t v)
{
	total_add(sum, v, 0);
	total_add(squares, (__int128)v * v, 0);
}

MOMENTS(moments_int4, take_integer(&sum, &squares, in->i4[i]))
MOMENTS(moments_int8, take_integer(&sum, &squares, in->i8[i]))
MOMENTS(moments_numeric,
	if (!total_take(&sum, &squares, in->s[i])) row_fail(out, 0, ROW_MALFORMED))

KERNEL(moments_join)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct total sum = total_of(ev), squares = total_of(ev);
		struct moments a, b;

		if (!moments_read(&a, in[0].s[ROW(&in[0], i)]) ||
			!moments_read(&b, in[1].s[ROW(&in[1], i)]) ||
			!total_take(&sum, NULL, a.sum) || !total_take(&sum, NULL, b.sum) ||
			!total_take(&squares, NULL, a.squares) ||
			!total_take(&squares, NULL, b.squares))
			row_fail(out, i, ROW_MALFORMED);
		else
			moments_write(ev, out, i, a.count + b.count, &sum, &squares);
	}
}

/* (n * squares - sum^2) / (n * (n - 1)), or / n^2 of a whole population; its root. */
static struct decimal variance(struct decimal_pool *p, int64_t count, const struct decimal *sum,
	const struct decimal *squares, bool sample, bool root)
{
	struct decimal n = decimal_of_int128(p, count, 0), a, b, d;
	int32_t scale = 2 * sum->dscale;

	a = decimal_mul(p, &n, squares, scale);
	b = decimal_mul(p, sum, sum, scale);
	a = decimal_sub(p, &a, &b);
	if (a.n == 0 || a.negative || p->failed)
		return (struct decimal){0};
	d = decimal_of_int128(p, (__int128)count * (sample ? count - 1 : count), 0);
	scale = decimal_div_scale(&a, &d);
	a = decimal_div(p, &a, &d, scale, true);
	return root && !p->failed ? decimal_sqrt(p, &a, scale) : a;
}

static void result(struct eval *ev, struct vec *out, const struct vec *in, uint32_t n,
	bool sample, bool root)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct total sum = total_of(ev), squares = total_of(ev);
		struct decimal d, x, y;
		struct moments m;

		if (!moments_read(&m, in->s[ROW(in, i)]) || !total_take(&sum, NULL, m.sum) ||
			!total_take(&squares, NULL, m.squares)) {
			row_fail(out, i, ROW_MALFORMED);
		} else if (sample && m.count < 2) {
			row_fail(out, i, ROW_NULL);
		} else if (sum.special) {
			sum.special = NUMERIC_NAN;
			total_put(ev, out, i, &sum);
		} else {
			x = total_end(&sum);
			y = total_end(&squares);
			d = variance(&sum.pool, m.count, &x, &y, sample, root);
			if (!sum.pool.failed)
				number_put(ev, out, i, &d, DECIMAL_FINE);
		}
	}
}

#define RESULT(name, sample, root)                                                     \
	KERNEL(moments_##name)                                                             \
	{                                                                                  \
		result(ev, out, in, n, sample, root);                                          \
	}
RESULT(var_samp, true, false)
RESULT(var_pop, false, false)
RESULT(stddev_samp, true, true)
RESULT(stddev_pop, false, true)
