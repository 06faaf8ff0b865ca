/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_angle.c - trigonometric and hyperbolic functions of enc_float8, as PostgreSQL has
 * them: by the C library, so the last digit is that of the machine. Those of degrees
 * follow float.c of PostgreSQL 15, step by step, for the same reason.
 */
#include "kernel_fixed.h"

#include <errno.h>
#include <math.h>

static const double radians_per_degree = 0.0174532925199432957692;

/* Of an infinite angle there is none. */
static double of_angle(double (*f)(double), double a, uint8_t *fail)
{
	if (isinf(a))
		*fail = ROW_INPUT_RANGE;
	return isinf(a) ? 0 : f(a);
}

UNARY(float8_sin, double, f8, r = of_angle(sin, a, &fail))
UNARY(float8_cos, double, f8, r = of_angle(cos, a, &fail))
UNARY(float8_tan, double, f8, r = of_angle(tan, a, &fail))
UNARY(float8_cot, double, f8, r = 1.0 / of_angle(tan, a, &fail))

/* Defined between two numbers. */
#define WITHIN(name, f, least, most)                                                   \
	UNARY(name, double, f8, if (a < (least) || a > (most)) fail = ROW_INPUT_RANGE;     \
		else r = f(a))
WITHIN(float8_asin, asin, -1, 1)
WITHIN(float8_acos, acos, -1, 1)
WITHIN(float8_acosh, acosh, 1, (double)INFINITY)
WITHIN(float8_atanh, atanh, -1, 1)

UNARY(float8_atan, double, f8, r = atan(a))
BINARY(float8_atan2, double, f8, r = atan2(a, b))
UNARY(float8_sinh, double, f8, r = sinh(a))
UNARY(float8_cosh, double, f8, r = cosh(a))
UNARY(float8_tanh, double, f8, r = tanh(a))
UNARY(float8_asinh, double, f8, r = asinh(a))

UNARY(float8_degrees, double, f8, r = a / radians_per_degree;
	if (isinf(r) && !isinf(a)) fail = ROW_FLOAT_OVERFLOW)
UNARY(float8_radians, double, f8, r = a * radians_per_degree;
	if (r == 0 && a != 0) fail = ROW_FLOAT_UNDERFLOW)

/* ---- degrees: exact at multiples of 30 and 45, as far as a double can be ---- */

/* Of the first quarter. The constants are computed, not written: a quotient of the same
 * function's values is 1 exactly. */
static double sin_to_30(double x)
{
	volatile double half = sin(30.0 * radians_per_degree);

	return sin(x * radians_per_degree) / half / 2.0;
}

static double cos_to_60(double x)
{
	volatile double half = 1.0 - cos(60.0 * radians_per_degree);

	return 1.0 - (1.0 - cos(x * radians_per_degree)) / half / 2.0;
}

static double sin_quarter(double x)
{
	return x <= 30.0 ? sin_to_30(x) : cos_to_60(90.0 - x);
}

static double cos_quarter(double x)
{
	return x <= 60.0 ? cos_to_60(x) : sin_to_30(90.0 - x);
}

/* Below 1/2 by the sine, above by the cosine. */
static double asin_quarter(double x)
{
	volatile double asin_half = asin(0.5), acos_half = acos(0.5);

	return x <= 0.5 ? asin(x) / asin_half * 30.0 : 90.0 - acos(x) / acos_half * 60.0;
}

static double acos_quarter(double x)
{
	volatile double asin_half = asin(0.5), acos_half = acos(0.5);

	return x <= 0.5 ? 90.0 - asin(x) / asin_half * 30.0 : acos(x) / acos_half * 60.0;
}

/* An angle in the first quarter, and the signs that sine and cosine have of it. */
struct quarter {
	double x;
	int sin, cos;
};

static struct quarter quarter_of(double x)
{
	struct quarter q = {fmod(x, 360.0), 1, 1};

	if (q.x < 0) {
		q.x = -q.x;
		q.sin = -q.sin;
	}
	if (q.x > 180.0) {
		q.x = 360.0 - q.x;
		q.sin = -q.sin;
	}
	if (q.x > 90.0) {
		q.x = 180.0 - q.x;
		q.cos = -q.cos;
	}
	return q;
}

static double sind(double a)
{
	struct quarter q = quarter_of(a);

	return q.sin * sin_quarter(q.x);
}

static double cosd(double a)
{
	struct quarter q = quarter_of(a);

	return q.cos * cos_quarter(q.x);
}

/* Never -0. */
static double tand(double a)
{
	struct quarter q = quarter_of(a);
	volatile double of_45 = sin_quarter(45.0) / cos_quarter(45.0);
	double r = q.sin * q.cos * (sin_quarter(q.x) / cos_quarter(q.x) / of_45);

	return r == 0 ? 0 : r;
}

static double cotd(double a)
{
	struct quarter q = quarter_of(a);
	volatile double of_45 = cos_quarter(45.0) / sin_quarter(45.0);
	double r = q.sin * q.cos * (cos_quarter(q.x) / sin_quarter(q.x) / of_45);

	return r == 0 ? 0 : r;
}

static double asind(double a)
{
	return a >= 0 ? asin_quarter(a) : -asin_quarter(-a);
}

static double acosd(double a)
{
	return a >= 0 ? acos_quarter(a) : 90.0 + asin_quarter(-a);
}

static double in_eighths(double radians)
{
	volatile double of_1 = atan(1.0);

	return radians / of_1 * 45.0;
}

UNARY(float8_sind, double, f8, r = isnan(a) ? a : of_angle(sind, a, &fail))
UNARY(float8_cosd, double, f8, r = isnan(a) ? a : of_angle(cosd, a, &fail))
UNARY(float8_tand, double, f8, r = isnan(a) ? a : of_angle(tand, a, &fail))
UNARY(float8_cotd, double, f8, r = isnan(a) ? a : of_angle(cotd, a, &fail))
#define WITHIN_1(name, f)                                                              	UNARY(name, double, f8, if (isnan(a)) r = a; else if (a < -1 || a > 1)             		fail = ROW_INPUT_RANGE; else r = f(a))
WITHIN_1(float8_asind, asind)
WITHIN_1(float8_acosd, acosd)
UNARY(float8_atand, double, f8, r = in_eighths(atan(a)))
BINARY(float8_atan2d, double, f8, r = in_eighths(atan2(a, b)))
