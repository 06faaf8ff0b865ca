/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_dist.h - random numbers, and which item of many comes next.
 *
 * uniform     each as often as any other
 * zipfian     few items get most of it: YCSB's scrambled zipfian, theta 0.99. Ranks are
 *             drawn as if there were 10^10 items and spread over those that there are by
 *             a hash, so the popular ones lie anywhere
 * latest      zipfian by age: the newest item is the most popular
 * sequential  each once, in order (no numbers drawn; the caller counts)
 *
 * Source: Gray et al., "Quickly Generating Billion-Record Synthetic Databases", SIGMOD
 * 1994, and YCSB's use of it (Cooper et al., SoCC 2010; its site.ycsb.generator).
 */
#ifndef CLIENT_BENCH_DIST_H
#define CLIENT_BENCH_DIST_H

#include <stdbool.h>
#include <stdint.h>

/* xorshift64*; never 0. */
struct rng {
	uint64_t s;
};

void rng_seed(struct rng *r, uint64_t seed, uint64_t stream);
uint64_t rng_next(struct rng *r);
double rng_unit(struct rng *r);                /* 0 <= x < 1 */
uint64_t rng_below(struct rng *r, uint64_t n); /* 0 .. n - 1; n up to 2^48 */

/* A number's bits well mixed; and YCSB's 64-bit FNV-1a of its eight bytes, made positive. */
uint64_t dist_mix(uint64_t x);
uint64_t dist_fnv(uint64_t x);

/* Ranks 0 .. items - 1, 0 the most popular. `items` may grow: zipf_grow(). */
struct zipf {
	double theta, alpha, eta, zetan, zeta2, half;
	uint64_t items;
};

void zipf_init(struct zipf *z, uint64_t items, double theta);
void zipf_grow(struct zipf *z, uint64_t items);
uint64_t zipf_draw(const struct zipf *z, struct rng *r);

enum dist_kind { DIST_UNIFORM, DIST_ZIPFIAN, DIST_LATEST, DIST_SEQUENTIAL, DISTS };

struct dist {
	enum dist_kind kind;
	uint64_t items;
	struct zipf zipf;
};

/* False: no such distribution. */
bool dist_parse(const char *name, enum dist_kind *kind);
const char *dist_name(enum dist_kind kind);

void dist_init(struct dist *d, enum dist_kind kind, uint64_t items);

/* An item of 0 .. items - 1; of the first `items` that there are now, for latest. */
uint64_t dist_draw(struct dist *d, struct rng *r, uint64_t items);

#endif
