/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_tests.h - work of one command over and over: redis-benchmark's tests by their
 * names, and a mix of GET and SET.
 */
#ifndef CLIENT_BENCH_TESTS_H
#define CLIENT_BENCH_TESTS_H

#include "bench_work.h"

struct test; /* one of the table */

struct tests {
	struct work work;
	const struct test *test;
	size_t value_size;
	unsigned read_share; /* percent of GET in "mixed" */
	bool may_miss;       /* a key need not exist */
};

/* Names, a comma between them. */
extern const char tests_names[];

/* NULL: no such test. */
const struct test *tests_find(const char *name);

/* Does it read what has to be written first: every key, or the list of LRANGE? */
bool tests_needs_keys(const struct test *t);
bool tests_needs_list(const struct test *t);

/* Does it leave fewer keys behind than it found? */
bool tests_deletes(const struct test *t);

/* The work's data have to be there. */
void tests_init(struct tests *w, const struct test *t);

#endif
