/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats.h"

#include <string.h>

void hist_reset(struct hist *h)
{
	memset(h, 0, sizeof *h);
}

void hist_merge(struct hist *into, const struct hist *from)
{
	uint32_t i;

	if (!from->count)
		return;
	if (!into->count || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->count += from->count;
	into->sum += from->sum;
	for (i = 0; i < HIST_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}

/* Largest value of a bucket. */
static uint64_t bucket_top(uint32_t b)
{
	uint32_t shift = b < 2 * HIST_SUB ? 0 : b / HIST_SUB - 1;

	return (((uint64_t)(b - shift * HIST_SUB) + 1) << shift) - 1;
}

uint64_t hist_percentile(const struct hist *h, double percent)
{
	uint64_t want = (uint64_t)((double)h->count * percent / 100.0 + 0.5), seen = 0;
	uint32_t i;

	if (!h->count)
		return 0;
	if (want < 1)
		want = 1;
	for (i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= want)
			return bucket_top(i) < h->max ? bucket_top(i) : h->max;
	}
	return h->max;
}

double hist_mean(const struct hist *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0;
}
