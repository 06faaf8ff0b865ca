/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_float.c - enc_float4 and enc_float8. Semantics are those of PostgreSQL's real
 * and double precision: a result that leaves the range is an error, not an infinity or a
 * zero; NaN equals itself and is above all others.
 */
#include "kernel_fixed.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- order and hash ---- */

static inline int order(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return (a > b) - (a < b);
}

COMPARE(enc_float4, float, f4, order)
COMPARE(enc_float8, double, f8, order)
COMPARE_OF(cmp_enc_float4_float8, float, f4, double, f8, order)
COMPARE_OF(cmp_enc_float8_float4, double, f8, float, f4, order)
EXTREMES_OF(enc_float4, float, f4, order)
EXTREMES_OF(enc_float8, double, f8, order)

/* A real hashes as the double that it is; both zeros alike, and all NaNs. */
static int64_t hash(struct eval *ev, double v)
{
	uint8_t in[1 + sizeof v] = {HASH_FLOAT};

	if (v == 0)
		v = 0;
	if (isnan(v))
		v = (double)NAN;
	memcpy(in + 1, &v, sizeof v);
	return (int64_t)eval_hash(ev, in, sizeof in);
}

UNARY_OF(hash_enc_float4, int64_t, i8, float, f4, r = hash(ev, a))
UNARY_OF(hash_enc_float8, int64_t, i8, double, f8, r = hash(ev, a))

/* ---- arithmetic ---- */

/* The error that a result is, if it is one, of finite arguments; `zero`: whether 0 is
 * what arithmetic without a smallest number could give. */
static inline uint8_t range(double r, bool infinite, bool zero)
{
	if (__builtin_expect(isinf(r) && !infinite, 0))
		return ROW_FLOAT_OVERFLOW;
	if (__builtin_expect(r == 0 && !zero, 0))
		return ROW_FLOAT_UNDERFLOW;
	return 0;
}

#define ARITHMETIC(p, TR, fr, TA, fa, TB, fb)                                          \
	BINARY_OF(p##_add, TR, fr, TA, fa, TB, fb, r = (TR)a + (TR)b;                      \
		fail = range(r, isinf(a) || isinf(b), true))                                   \
	BINARY_OF(p##_sub, TR, fr, TA, fa, TB, fb, r = (TR)a - (TR)b;                      \
		fail = range(r, isinf(a) || isinf(b), true))                                   \
	BINARY_OF(p##_mul, TR, fr, TA, fa, TB, fb, r = (TR)a * (TR)b;                      \
		fail = range(r, isinf(a) || isinf(b), a == 0 || b == 0))                       \
	BINARY_OF(p##_div, TR, fr, TA, fa, TB, fb,                                         \
		if (b == 0 && !isnan(a)) fail = ROW_DIVISION_BY_ZERO; else {                   \
			r = (TR)a / (TR)b; fail = range(r, isinf(a), a == 0 || isinf(b)); })

ARITHMETIC(float4, float, f4, float, f4, float, f4)
ARITHMETIC(float8, double, f8, double, f8, double, f8)
ARITHMETIC(float48, double, f8, float, f4, double, f8)
ARITHMETIC(float84, double, f8, double, f8, float, f4)

UNARY(float4_neg, float, f4, r = -a)
UNARY(float8_neg, double, f8, r = -a)
UNARY(float4_abs, float, f4, r = fabsf(a))
UNARY(float8_abs, double, f8, r = fabs(a))

/* ---- functions ---- */

UNARY(float8_sign, double, f8, r = a > 0 ? 1 : a < 0 ? -1 : 0)
UNARY(float8_round, double, f8, r = rint(a))
UNARY(float8_trunc, double, f8, r = trunc(a))
UNARY(float8_ceil, double, f8, r = ceil(a))
UNARY(float8_floor, double, f8, r = floor(a))
UNARY(float8_sqrt, double, f8, if (a < 0) fail = ROW_SQRT_NEGATIVE; else r = sqrt(a))
UNARY(float8_cbrt, double, f8, r = cbrt(a))

#define LOGARITHM(name, f)                                                             \
	UNARY(name, double, f8,                                                            \
		if (a == 0) fail = ROW_LOG_ZERO; else if (a < 0) fail = ROW_LOG_NEGATIVE;      \
		else r = f(a))
LOGARITHM(float8_ln, log)
LOGARITHM(float8_log10, log10)

/* errno, for libm tells by it of results that were cut to an infinity or to zero. */
static uint8_t out_of_range(double r, bool zero)
{
	if (errno == ERANGE)
		return r != 0 ? ROW_FLOAT_OVERFLOW : ROW_FLOAT_UNDERFLOW;
	return range(r, false, zero);
}

static double exponential(double a, uint8_t *fail)
{
	double r;

	if (isnan(a))
		return a;
	if (isinf(a))
		return a > 0 ? a : 0;
	errno = 0;
	r = exp(a);
	*fail = out_of_range(r, false);
	return r;
}

UNARY(float8_exp, double, f8, r = exponential(a, &fail))

static double power(double a, double b, uint8_t *fail)
{
	double r;

	if (isnan(a) || isnan(b))
		return (isnan(a) ? b == 0 : a == 1) ? 1 : (double)NAN;
	if (a == 0 && b < 0)
		*fail = ROW_POWER_ZERO;
	else if (a < 0 && floor(b) != b)
		*fail = ROW_POWER_COMPLEX;
	if (*fail)
		return 0;
	errno = 0;
	r = pow(a, b);
	if (!isinf(a) && !isinf(b))
		*fail = out_of_range(r, a == 0);
	return r;
}

BINARY(float8_pow, double, f8, r = power(a, b, &fail))
BINARY(float4_pow, float, f4, double v = power(a, b, &fail); r = (float)v;
	if (!fail) fail = range(r, isinf(v), v == 0))
BINARY(float4_mod, float, f4, if (b == 0) fail = ROW_DIVISION_BY_ZERO; else r = fmodf(a, b))

KERNEL(float8_between)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		double a = in[0].f8[ROW(&in[0], i)], b = in[1].f8[ROW(&in[1], i)];

		out->f8[i] = a + in[2].f8[ROW(&in[2], i)] * (b - a);
	}
}

/* ---- casts ---- */

/* Half to even, as rint() does. The upper bound is not a double of that type. */
#define TO_INTEGER(name, TA, fa, TR, fr, MIN, RANGE)                                   \
	UNARY_OF(name, TR, fr, TA, fa,                                                     \
		double v = rint((double)a);                                                    \
		if (!(v >= (double)MIN && v < -(double)MIN)) fail = RANGE; else r = (TR)v)
TO_INTEGER(float4_to_int4, float, f4, int32_t, i4, INT32_MIN, ROW_INT4_RANGE)
TO_INTEGER(float8_to_int4, double, f8, int32_t, i4, INT32_MIN, ROW_INT4_RANGE)
TO_INTEGER(float4_to_int8, float, f4, int64_t, i8, INT64_MIN, ROW_INT8_RANGE)
TO_INTEGER(float8_to_int8, double, f8, int64_t, i8, INT64_MIN, ROW_INT8_RANGE)

UNARY_OF(int4_to_float4, float, f4, int32_t, i4, r = (float)a)
UNARY_OF(int8_to_float4, float, f4, int64_t, i8, r = (float)a)
UNARY_OF(int4_to_float8, double, f8, int32_t, i4, r = (double)a)
UNARY_OF(int8_to_float8, double, f8, int64_t, i8, r = (double)a)
UNARY_OF(float4_to_float8, double, f8, float, f4, r = a)
UNARY_OF(float8_to_float4, float, f4, double, f8, r = (float)a;
	fail = range(r, isinf(a), a == 0))

/* ---- text ---- */

/* The fewest digits that are read as the same number: `%.*e` of 1, 2, ... digits. */
static size_t shortest(char *out, size_t cap, double v, bool narrow)
{
	int most = narrow ? 9 : 17, n;

	for (n = 1; n < most; n++) {
		snprintf(out, cap, "%.*e", n - 1, v);
		if (narrow ? strtof(out, NULL) == (float)v : strtod(out, NULL) == v)
			break;
	}
	return (size_t)snprintf(out, cap, "%.*e", n - 1, v);
}

/* d.ddde[+-]xx as PostgreSQL shows it: without exponent from 1e-4 up to 1e15, or for a
 * real 1e6. */
static size_t show(char *out, size_t cap, double v, bool narrow)
{
	char digits[40], *e;
	int exponent, n;

	if (isnan(v))
		return (size_t)snprintf(out, cap, "NaN");
	if (isinf(v))
		return (size_t)snprintf(out, cap, v < 0 ? "-Infinity" : "Infinity");
	if (v == 0)
		return (size_t)snprintf(out, cap, signbit(v) ? "-0" : "0");
	shortest(digits, sizeof digits, v, narrow);
	e = strchr(digits, 'e');
	exponent = atoi(e + 1);
	if (exponent < -4 || exponent >= (narrow ? 6 : 15))
		return (size_t)snprintf(out, cap, "%s", digits);
	n = (int)(e - digits) - (v < 0) - 1; /* significant digits after the first, and point */
	n = n > 0 ? n - 1 : 0;
	if (n <= exponent) /* an integer, whose digits after the n-th are zeros */
		return (size_t)snprintf(out, cap, "%.0f", strtod(digits, NULL));
	return (size_t)snprintf(out, cap, "%.*f", n - exponent, v);
}

#define TO_TEXT(name, f, narrow)                                                       \
	KERNEL(name)                                                                       \
	{                                                                                  \
		enum { CAP = 40 };                                                             \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			char *text = eval_alloc(ev, CAP);                                          \
                                                                                       \
			out->s[i].p = (const uint8_t *)text;                                       \
			out->s[i].len =                                                            \
				text ? (uint32_t)show(text, CAP, in->f[ROW(in, i)], narrow) : 0;       \
		}                                                                              \
	}
TO_TEXT(float4_to_text, f4, true)
TO_TEXT(float8_to_text, f8, false)

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What strtod() reads, and nothing but blanks around it: so does PostgreSQL. */
static double read(struct eval *ev, struct span s, bool narrow, uint8_t *fail)
{
	char *text = eval_alloc(ev, (size_t)s.len + 1), *end;
	double v;

	if (!text)
		return 0;
	if (s.len)
		memcpy(text, s.p, s.len);
	text[s.len] = 0;
	errno = 0;
	v = narrow ? strtof(text, &end) : strtod(text, &end);
	if (errno == ERANGE && (v == 0 || isinf(v)))
		*fail = narrow ? ROW_FLOAT4_RANGE : ROW_FLOAT8_RANGE;
	if (*fail)
		return 0;
	while (end != text && is_space(*end))
		end++;
	if (end == text || end != text + s.len)
		*fail = narrow ? ROW_FLOAT4_SYNTAX : ROW_FLOAT8_SYNTAX;
	return v;
}

UNARY_OF(text_to_float4, float, f4, struct span, s, r = (float)read(ev, a, true, &fail))
UNARY_OF(text_to_float8, double, f8, struct span, s, r = read(ev, a, false, &fail))

/* ---- aggregates ---- */

/* in[1] is the sum so far, NULL at first: the sum goes on one value after the other. */
#define SUM(name, T, f)                                                                \
	KERNEL(name)                                                                       \
	{                                                                                  \
		bool any = in[1].state[0] == ROW_VALUE;                                        \
		uint32_t i;                                                                    \
                                                                                       \
		out->f[0] = any ? in[1].f[0] : 0;                                              \
		if (in[1].state[0] > ROW_NULL)                                                 \
			row_fail(out, 0, in[1].state[0]);                                          \
		EACH_VALUE(in, out, n, i)                                                      \
		{                                                                              \
			T v = in->f[i], sum = any ? out->f[0] + v : v;                             \
                                                                                       \
			if (any && isinf(sum) && !isinf(out->f[0]) && !isinf(v))                   \
				row_fail(out, 0, ROW_FLOAT_OVERFLOW);                                  \
			out->f[0] = sum;                                                           \
			any = true;                                                                \
		}                                                                              \
		if (!any && !out->state[0])                                                    \
			row_fail(out, 0, ROW_NULL);                                                \
	}
SUM(sum_float4, float, f4)
SUM(sum_float8, double, f8)

/*
 * Count, sum, and sum of squares of differences from the mean, by the method of Youngs
 * and Cramer, as PostgreSQL's float8_accum() has it. Three doubles, as a bytea: in a
 * partial result only, which SQL never sees.
 */
struct moments {
	double n, sum, squares;
};

static bool moments_read(struct moments *m, struct span s)
{
	if (s.len != sizeof *m)
		return false;
	memcpy(m, s.p, sizeof *m);
	return true;
}

static void moments_write(
	struct eval *ev, struct vec *out, uint32_t i, const struct moments *m)
{
	uint8_t *p = eval_alloc(ev, sizeof *m);

	if (p)
		out->s[i] = (struct span){memcpy(p, m, sizeof *m), sizeof *m};
}

static uint8_t moments_add(struct moments *m, double v)
{
	struct moments old = *m;
	double d;

	m->n += 1;
	m->sum += v;
	if (old.n == 0) {
		/* NaN, not 0, for what has no finite mean */
		m->squares = isnan(v) || isinf(v) ? (double)NAN : 0;
		return 0;
	}
	d = v * m->n - m->sum;
	m->squares += d * d / (m->n * old.n);
	if (isinf(m->sum) || isinf(m->squares)) {
		if (!isinf(old.sum) && !isinf(v))
			return ROW_FLOAT_OVERFLOW;
		m->squares = (double)NAN;
	}
	return 0;
}

#define MOMENTS(name, f)                                                               \
	KERNEL(name)                                                                       \
	{                                                                                  \
		struct moments m = {0};                                                        \
		uint8_t fail;                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		if (in[1].state[0] > ROW_NULL)                                                 \
			row_fail(out, 0, in[1].state[0]);                                          \
		else if (in[1].state[0] == ROW_VALUE && !moments_read(&m, in[1].s[0]))         \
			row_fail(out, 0, ROW_MALFORMED);                                           \
		EACH_VALUE(in, out, n, i)                                                      \
		{                                                                              \
			fail = moments_add(&m, (double)in->f[i]);                                  \
			if (fail)                                                                  \
				row_fail(out, 0, fail);                                                \
		}                                                                              \
		if (m.n == 0 && !out->state[0])                                                \
			row_fail(out, 0, ROW_NULL);                                                \
		if (!out->state[0])                                                            \
			moments_write(ev, out, 0, &m);                                             \
	}
MOMENTS(moments_float4, f4)
MOMENTS(moments_float8, f8)

/* Of two workers: the square of what their means differ by comes on top. */
static uint8_t moments_join(struct moments *m, const struct moments *a, const struct moments *b)
{
	double d;

	if (a->n == 0 || b->n == 0) {
		*m = a->n == 0 ? *b : *a;
		return 0;
	}
	m->n = a->n + b->n;
	m->sum = a->sum + b->sum;
	if (isinf(m->sum) && !isinf(a->sum) && !isinf(b->sum))
		return ROW_FLOAT_OVERFLOW;
	d = a->sum / a->n - b->sum / b->n;
	m->squares = a->squares + b->squares + a->n * b->n * d * d / m->n;
	return isinf(m->squares) && !isinf(a->squares) && !isinf(b->squares)
		? ROW_FLOAT_OVERFLOW : 0;
}

KERNEL(moments_float_join)
{
	struct moments a, b, m;
	uint8_t fail;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		fail = moments_read(&a, in[0].s[ROW(&in[0], i)]) &&
				moments_read(&b, in[1].s[ROW(&in[1], i)])
			? moments_join(&m, &a, &b) : ROW_MALFORMED;
		if (fail)
			row_fail(out, i, fail);
		else
			moments_write(ev, out, i, &m);
	}
}

/* `least`: as many values as it takes; with fewer the answer is NULL. */
#define MOMENTS_RESULT(name, least, expression)                                        \
	KERNEL(moments_float_##name)                                                       \
	{                                                                                  \
		struct moments m;                                                              \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			if (!moments_read(&m, in->s[ROW(in, i)]))                                  \
				row_fail(out, i, ROW_MALFORMED);                                       \
			else if (m.n < (least))                                                    \
				row_fail(out, i, ROW_NULL);                                            \
			else                                                                       \
				out->f8[i] = expression;                                               \
		}                                                                              \
	}
MOMENTS_RESULT(avg, 1, m.sum / m.n)
MOMENTS_RESULT(var_samp, 2, m.squares / (m.n - 1))
MOMENTS_RESULT(var_pop, 1, m.squares / m.n)
MOMENTS_RESULT(stddev_samp, 2, sqrt(m.squares / (m.n - 1)))
MOMENTS_RESULT(stddev_pop, 1, sqrt(m.squares / m.n))
