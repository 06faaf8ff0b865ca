/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_angle.c - trigonometric and hyperbolic functions of enc_float8, as PostgreSQL has
 * them: by the C library, so the last digit is that of the machine.
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
