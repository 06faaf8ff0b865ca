/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_data.h"

#include <stdlib.h>
#include <string.h>

#include "bench_dist.h"

enum { PLACES = 4096 };

bool data_init(struct data *d, size_t longest, uint64_t seed)
{
	size_t i, n = PLACES + longest;

	d->seed = seed;
	d->block = malloc(n);
	for (i = 0; d->block && i < n; i++)
		d->block[i] = (char)('!' + dist_mix(i * 31 + seed) % 90);
	return d->block != NULL;
}

void data_fini(struct data *d)
{
	free(d->block);
	d->block = NULL;
}

const char *data_value(const struct data *d, uint64_t number)
{
	return d->block + dist_mix(number + d->seed) % PLACES;
}

void data_key(char out[DATA_KEY_LEN], const char prefix[4], uint64_t number)
{
	int i;

	memcpy(out, prefix, 4);
	for (i = DATA_KEY_LEN - 1; i >= 4; i--, number /= 10)
		out[i] = (char)('0' + number % 10);
}
