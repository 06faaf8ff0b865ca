/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_counter.h - numbers of new records: YCSB's AcknowledgedCounter.
 *
 * They are given out in order and acknowledged in any, once the record has been written. A
 * record may be read when all before it have been: so whoever draws one below the limit
 * finds it. Threads and processes share a counter.
 */
#ifndef CLIENT_BENCH_COUNTER_H
#define CLIENT_BENCH_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

struct counter;

/* NULL: no memory. */
struct counter *counter_new(uint64_t first);
void counter_free(struct counter *c);

/* False: a million were taken since the first that is not acknowledged. */
bool counter_take(struct counter *c, uint64_t *n);
void counter_ack(struct counter *c, uint64_t n);

/* All below it are acknowledged. */
uint64_t counter_limit(const struct counter *c);

#endif
