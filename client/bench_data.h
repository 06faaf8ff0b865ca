/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_data.h - values that can be checked, whoever wrote them.
 *
 * A value is a slice of one block of random bytes, at a place that its key decides. So
 * every reader can check every value, and a reply that belongs to another request, or a
 * value that belongs to another key, is noticed. Runs with the same seed share the block.
 */
#ifndef CLIENT_BENCH_DATA_H
#define CLIENT_BENCH_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DATA_KEY_LEN = 16 };

struct data {
	char *block; /* owned */
	uint64_t seed;
};

/* Values of up to `longest` bytes. False: no memory. */
bool data_init(struct data *d, size_t longest, uint64_t seed);
void data_fini(struct data *d);

/* The value that belongs to this number: as many bytes of it as the longest has. */
const char *data_value(const struct data *d, uint64_t number);

/* "key:" or another prefix of four bytes, and twelve digits, as redis-benchmark's; no
 * zero byte follows. */
void data_key(char out[DATA_KEY_LEN], const char prefix[4], uint64_t number);

#endif
