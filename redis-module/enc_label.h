/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_label.h - numbers that keep an order: there is always one between two.
 *
 * Labels are whole numbers below 2^53, so that a double has each of them. New ones lie
 * evenly between their neighbours' or in steps beyond the last. When there are not enough
 * left in between, the entries of the smallest range around the place that is not too full
 * are spread over that range evenly; a range of 2^i labels is too full with more than
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

struct enc_op;

enum { LABEL_BITS = 53, LABEL_STEP = 1 << 24 };

/* Number i of k new ones between two labels, 0: no neighbour there. k is 64 at most.
 * 0: there are not that many. */
uint64_t label_between(uint64_t left, uint64_t right, uint32_t i, uint32_t k);

/* Make room for k around a label. False: refused, which is the operation's reply. */
bool label_spread(RedisModuleCtx *ctx, struct enc_op *op, RedisModuleString *key,
	uint64_t near, uint32_t k);

extern const char label_no_room[];

#endif
