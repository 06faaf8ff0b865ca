/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aggregate.h - the aggregates of aggregate.c, for whoever reduces values elsewhere and
 * hands partial results over: a Zone node that aggregates.
 *
 * A state as it travels, to a leader or from a Zone: a bytea of
 *     0   the kind
 *     1   count of values, 8 bytes, most significant first
 *     9   the partial result
 */
#ifndef HEDB_AGGREGATE_H
#define HEDB_AGGREGATE_H

#include "hedb.h"

enum { AGGREGATE_NONE = -1, AGGREGATE_HEAD = 9 };

/* The kind of an aggregate whose partial results do not depend on the rows' order, and
 * `counts`: its result depends on the number of values. AGGREGATE_NONE: it is none. */
int aggregate_kind(Oid aggregate, bool *counts);

/* The operation that makes a partial result of a column. */
const struct op *aggregate_reduce(int kind);

/* A state, `at` has room for AGGREGATE_HEAD + len bytes. */
void aggregate_write(uint8 *at, int kind, int64 count, const uint8 *partial, uint32 len);

#endif
