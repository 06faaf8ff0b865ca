/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_label.h - numbers that keep an order: there is always one between two.
 *
 * Labels are whole numbers below 2^53, so that a double has each of them. A new one lies
 * in the middle between its neighbours' or a step beyond the last. When there is none left
 * in between, the entries of the smallest range around the place that is not too full are
 * spread over that range evenly; a range of 2^i labels is too full with more than
 * (2/1.3)^i entries. So an insertion moves O(log n) others on average, whatever the order
 * in which they come, for up to some 10^9 entries.
 * Source: Bender, Cole, Demaine, Farach-Colton, Zito: Two Simplified Algorithms for
 * Maintaining Order in a List, ESA 2002.
 */
#ifndef CXLRING_ENC_LABEL_H
#define CXLRING_ENC_LABEL_H

#include <stdbool.h>
#include <stdint.h>

#include "rm.h"

enum { LABEL_BITS = 53, LABEL_STEP = 1 << 24 };

/* One between two labels, 0: no neighbour there. 0: there is none left. */
uint64_t label_between(uint64_t left, uint64_t right);

/* Make room around a label. False: Redis refused to. */
bool label_spread(RedisModuleCtx *ctx, RedisModuleString *key, uint64_t near);

#endif
