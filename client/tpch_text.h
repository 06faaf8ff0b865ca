/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tpch_text.h - words and random numbers of the TPC-H tables.
 *
 * Source: TPC Benchmark H, revision 3.0.1, clauses 4.2.2 and 4.2.3. Words, grammar and
 * formulas are the specification's; random numbers are our own, so rows differ from those
 * of TPC's generator while their distributions do not.
 *
 * A row's numbers depend on seed, table and row alone: any table can be made by itself, in
 * any order, and ORDERS and LINEITEM agree because both draw from the order's stream.
 *
 * Comments are cut from a pool of random sentences, as clause 4.2.2.10 has it; ours has 32
 * instead of 300 MB.
 */
#ifndef CLIENT_TPCH_TEXT_H
#define CLIENT_TPCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tpch_random {
	uint64_t state;
};

/* The stream of one row. */
struct tpch_random tpch_random_of(uint64_t seed, uint32_t table, uint64_t row);

/* A whole number, evenly from low to high, both included. */
int64_t tpch_random_in(struct tpch_random *r, int64_t low, int64_t high);

struct tpch_words {
	const char *const *word;
	int count;
};

extern const struct tpch_words tpch_colours, tpch_segments, tpch_priorities,
	tpch_instructions, tpch_modes, tpch_type_1, tpch_type_2, tpch_type_3,
	tpch_container_1, tpch_container_2;

static inline const char *tpch_word(struct tpch_random *r, const struct tpch_words *w)
{
	return w->word[tpch_random_in(r, 0, w->count - 1)];
}

struct tpch_nation {
	const char *name;
	int region;
};

enum { TPCH_NATIONS = 25, TPCH_REGIONS = 5 };
extern const struct tpch_nation tpch_nations[TPCH_NATIONS];
extern const char *const tpch_regions[TPCH_REGIONS];

/* Make the pool of sentences. False: no memory. */
bool tpch_text_init(uint64_t seed);

/* Some min to max bytes of the pool; they stay. */
const char *tpch_text(struct tpch_random *r, int min, int max, size_t *len);

#endif
