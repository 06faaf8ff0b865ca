/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * decimal.h - arithmetic on decimals of any length: what numbers that do not fit 64 or
 * 128 bits fall back to (kernel_numeric.c), and the functions that are series.
 *
 * A number is digits to base 10,000, most significant first, without zeros at either end;
 * the first counts 10000^weight. dscale is how many decimal digits are shown after the
 * point; what lies behind it is zero once a result was rounded. There is no NaN and no
 * infinity here. Scales and roundings are those that PostgreSQL's numeric has; where it
 * computes a series with some digits more than it shows, so does this, with some more
 * still.
 *
 * Results lie in the caller's pool: nothing is freed before all is. When the pool is
 * empty `failed` is set and results mean nothing. Arguments may be results: no function
 * changes what its arguments point to.
 */
#ifndef COMMON_DECIMAL_H
#define COMMON_DECIMAL_H

#include <stdbool.h>

#include "numeric.h"

struct decimal_pool {
	void *(*alloc)(void *ctx, size_t n); /* NULL: there is no more */
	void *ctx;
	bool failed;
};

struct decimal {
	int32_t *d;
	int32_t n; /* 0: zero */
	int32_t weight;
	int32_t dscale;
	bool negative;
};

/* Limits that PostgreSQL's numeric.c sets itself. */
enum {
	DECIMAL_MIN_SIG_DIGITS = 16,
	DECIMAL_DISPLAY_SCALE_MAX = 1000,
	DECIMAL_RESULT_SCALE_MAX = 2000,
};

/* What can be wrong with a result; kernels make row states of them. */
enum decimal_error {
	DECIMAL_FINE,
	DECIMAL_OVERFLOW,
	DECIMAL_BY_ZERO,
	DECIMAL_SQRT_NEGATIVE,
	DECIMAL_LOG_ZERO,
	DECIMAL_LOG_NEGATIVE,
	DECIMAL_POWER_ZERO,
	DECIMAL_POWER_COMPLEX,
};

/* x must be finite. */
struct decimal decimal_of(struct decimal_pool *p, const struct numeric *x);
struct decimal decimal_of_int128(struct decimal_pool *p, __int128 v, int32_t dscale);

/* decimal_pack - as plaintext of enc_numeric. NULL and DECIMAL_OVERFLOW when it exceeds
 * PostgreSQL's limits, NULL alone when the pool is empty. */
const uint8_t *decimal_pack(struct decimal_pool *p, const struct decimal *x, size_t *len,
	enum decimal_error *e);

int decimal_cmp(const struct decimal *a, const struct decimal *b);
bool decimal_is_integer(const struct decimal *x);

/* Round half away from zero, or cut off, after `scale` decimal digits (before the point
 * when negative), which become its dscale. In place. */
void decimal_round(struct decimal *x, int32_t scale);
void decimal_cut(struct decimal *x, int32_t scale);

struct decimal decimal_add(
	struct decimal_pool *p, const struct decimal *a, const struct decimal *b);
struct decimal decimal_sub(
	struct decimal_pool *p, const struct decimal *a, const struct decimal *b);

/* Exact, then rounded to rscale. */
struct decimal decimal_mul(
	struct decimal_pool *p, const struct decimal *a, const struct decimal *b, int32_t rscale);

/* a / b, rounded to rscale or cut off there; b is not zero. */
struct decimal decimal_div(struct decimal_pool *p, const struct decimal *a,
	const struct decimal *b, int32_t rscale, bool round);

/* a - trunc(a / b) * b; b is not zero. */
struct decimal decimal_mod(
	struct decimal_pool *p, const struct decimal *a, const struct decimal *b);

/* The scale of a / b. Source: select_div_scale(). */
int32_t decimal_div_scale(const struct decimal *a, const struct decimal *b);

/* ---- decimal_math.c ---- */

/* a is not negative. Rounded correctly. */
struct decimal decimal_sqrt(struct decimal_pool *p, const struct decimal *a, int32_t rscale);

/* With PostgreSQL's scale for the result. */
struct decimal decimal_sqrt_shown(
	struct decimal_pool *p, const struct decimal *a, enum decimal_error *e);
struct decimal decimal_exp(
	struct decimal_pool *p, const struct decimal *a, enum decimal_error *e);
struct decimal decimal_ln(
	struct decimal_pool *p, const struct decimal *a, enum decimal_error *e);
struct decimal decimal_log(struct decimal_pool *p, const struct decimal *base,
	const struct decimal *a, enum decimal_error *e);
struct decimal decimal_power(struct decimal_pool *p, const struct decimal *base,
	const struct decimal *exponent, enum decimal_error *e);

#endif
