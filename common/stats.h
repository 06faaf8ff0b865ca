/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats.h - a histogram of durations, log-linear as HdrHistogram's: every power of two
 * is cut into HIST_SUB equal parts, so a percentile is right within 1 / HIST_SUB, from
 * a nanosecond to 18 minutes, in fixed memory.
 *
 * One writer per histogram; a reader elsewhere may see a count or two too few, never
 * a broken one. Merge per-thread histograms to look at them.
 */
#ifndef COMMON_STATS_H
#define COMMON_STATS_H

#include <stdint.h>

enum {
	HIST_SUB_BITS = 6,
	HIST_SUB = 1 << HIST_SUB_BITS,
	HIST_MAX_BITS = 40, /* values from 2^40 ns on count as the largest */
	HIST_BUCKETS = (HIST_MAX_BITS - HIST_SUB_BITS + 1) * HIST_SUB,
};

struct hist {
	uint64_t count;
	uint64_t sum;
	uint64_t min;
	uint64_t max;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_reset(struct hist *h);
void hist_merge(struct hist *into, const struct hist *from);

/* The value that `percent` (0 .. 100) of all are at most, or 0 when there are none. */
uint64_t hist_percentile(const struct hist *h, double percent);
double hist_mean(const struct hist *h);

/* Bucket of a value: linear below HIST_SUB, then HIST_SUB per power of two. */
static inline uint32_t hist_bucket(uint64_t v)
{
	uint32_t shift;

	if (v < HIST_SUB)
		return (uint32_t)v;
	if (v >> HIST_MAX_BITS)
		return HIST_BUCKETS - 1;
	shift = 63 - (uint32_t)__builtin_clzll(v) - HIST_SUB_BITS;
	return shift * HIST_SUB + (uint32_t)(v >> shift);
}

static inline void hist_record(struct hist *h, uint64_t v)
{
	h->bucket[hist_bucket(v)]++;
	h->count++;
	h->sum += v;
	if (v > h->max)
		h->max = v;
	if (v < h->min || h->count == 1)
		h->min = v;
}

#endif
