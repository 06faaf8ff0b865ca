/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * random.h - the one source of chance of a run: the same seed, the same stream.
 */
#ifndef DIFFERENTIAL_RANDOM_H
#define DIFFERENTIAL_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

void random_seed(uint64_t seed);
unsigned below(unsigned n); /* 0 .. n - 1 */
bool chance(unsigned percent);

#define ONE_OF(array) ((array)[below(sizeof(array) / sizeof *(array))])

#endif
