/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_numeric.h - what kernels of numbers share: results of any size, hashing, sums.
 */
#ifndef COMMON_KERNEL_NUMERIC_H
#define COMMON_KERNEL_NUMERIC_H

#include <string.h>

#include "decimal.h"
#include "kernel.h"

/* Decimals of this request, in its memory. */
struct decimal_pool number_pool(struct eval *ev);

/* The row state of an error. */
uint8_t number_error(enum decimal_error e);

/* Row i becomes x, or the error if there is one. */
void number_put(struct eval *ev, struct vec *out, uint32_t i, const struct decimal *x,
	enum decimal_error e);

/* Row i becomes v / 10^scale. */
void number_put128(struct eval *ev, struct vec *out, uint32_t i, __int128 v, int32_t scale);

/* Row i becomes NaN or an infinity. */
void number_put_special(struct eval *ev, struct vec *out, uint32_t i, uint16_t sign);

/* A row as a number; false (and the row fails) when it is not one. */
bool number_open(struct vec *out, uint32_t i, struct span s, struct numeric *x);

/* v / 10^drop: to nearest, halves away from zero; or how else one may round. */
enum rounding { ROUND_NEAREST, ROUND_CUT, ROUND_UP, ROUND_DOWN };
int64_t number_dropped(int64_t v, int32_t drop, enum rounding how);

static inline bool special(const struct numeric *x)
{
	return x->sign >= NUMERIC_NAN;
}

/* -1, 0, 1; of NaN 1. */
static inline int sign_of(const struct numeric *x)
{
	if (x->sign == NUMERIC_NEG || x->sign == NUMERIC_NINF)
		return -1;
	return special(x) || x->ndigits > 0;
}

static inline uint16_t negated(uint16_t sign)
{
	return sign == NUMERIC_PINF ? NUMERIC_NINF : sign == NUMERIC_NINF ? NUMERIC_PINF : sign;
}

/* An int64 and its scale. */
struct small {
	int64_t v;
	int32_t scale;
};

static inline bool small(struct small *x, struct span s)
{
	return numeric_short(&x->v, &x->scale, s.p, s.len);
}

enum { POW10_MAX = 18 };
extern const int64_t pow10_of[POW10_MAX + 1];

/* Both at the larger scale: below 2^63 * 10^18, so that their sum fits. */
static inline bool align(const struct small *a, const struct small *b, __int128 *x,
	__int128 *y, int32_t *scale)
{
	int32_t d = a->scale - b->scale;

	*x = a->v;
	*y = b->v;
	*scale = d > 0 ? a->scale : b->scale;
	if (d == 0)
		return true;
	if (d > POW10_MAX || d < -POW10_MAX)
		return false;
	if (d > 0)
		*y *= pow10_of[d];
	else
		*x *= pow10_of[-d];
	return true;
}

/* Room for the short forms of a column. */
static inline uint8_t *short_room(struct eval *ev, uint32_t n)
{
	return eval_alloc(ev, (size_t)n * NUMERIC_SHORT_BYTES_MAX);
}

/* The hash of v / 10^scale, which has no zero at its end that scale could lose. */
static inline int64_t number_hash(struct eval *ev, int64_t v, int32_t scale)
{
	uint8_t in[1 + NUMERIC_SHORT_BYTES_MAX] = {HASH_NUMBER};
	size_t n = numeric_short_put(in + 1, v, scale);

	return (int64_t)eval_hash(ev, in, 1 + n);
}

#endif
