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

/* The hash of v / 10^scale, which has no zero at its end that scale could lose. */
static inline int64_t number_hash(struct eval *ev, int64_t v, int32_t scale)
{
	uint8_t in[1 + NUMERIC_SHORT_BYTES_MAX] = {HASH_NUMBER};
	size_t n = numeric_short_put(in + 1, v, scale);

	return (int64_t)eval_hash(ev, in, 1 + n);
}

#endif
