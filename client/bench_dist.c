/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_dist.h"

#include <math.h>
#include <string.h>

/* YCSB draws its scrambled zipfian from so many items, whatever there are: their zeta
 * would take minutes to add up, and so it is a constant there, too. */
#define SCRAMBLED_ITEMS 10000000000ull
#define SCRAMBLED_ZETA 26.46902820178302
#define THETA 0.99

uint64_t dist_mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ x >> 33;
}

uint64_t dist_fnv(uint64_t x)
{
	uint64_t h = 0xcbf29ce484222325ull;
	int i;

	for (i = 0; i < 8; i++, x >>= 8) {
		h ^= x & 0xff;
		h *= 1099511628211ull;
	}
	return h >> 63 ? -h : h; /* Java's Math.abs() */
}

void rng_seed(struct rng *r, uint64_t seed, uint64_t stream)
{
	r->s = dist_mix(seed * 977 + stream + 1) | 1;
}

uint64_t rng_next(struct rng *r)
{
	r->s ^= r->s >> 12;
	r->s ^= r->s << 25;
	r->s ^= r->s >> 27;
	return r->s * 0x2545f4914f6cdd1dull;
}

double rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}

/* The upper half of a product: no division, and biased by less than n / 2^64. */
uint64_t rng_below(struct rng *r, uint64_t n)
{
	return (uint64_t)((unsigned __int128)rng_next(r) * n >> 64);
}

/* ---- zipfian ---- */

static double zeta(double sum, uint64_t from, uint64_t to, double theta)
{
	for (; from < to; from++)
		sum += 1 / pow((double)from + 1, theta);
	return sum;
}

static void set_eta(struct zipf *z)
{
	z->eta = (1 - pow(2 / (double)z->items, 1 - z->theta)) / (1 - z->zeta2 / z->zetan);
}

static void init_with(struct zipf *z, uint64_t items, double theta, double zetan)
{
	*z = (struct zipf){.theta = theta, .alpha = 1 / (1 - theta), .items = items};
	z->half = 1 + pow(0.5, theta);
	z->zeta2 = zeta(0, 0, 2, theta);
	z->zetan = zetan;
	set_eta(z);
}

void zipf_init(struct zipf *z, uint64_t items, double theta)
{
	init_with(z, items, theta, zeta(0, 0, items, theta));
}

void zipf_grow(struct zipf *z, uint64_t items)
{
	if (items <= z->items)
		return;
	z->zetan = zeta(z->zetan, z->items, items, z->theta);
	z->items = items;
	set_eta(z);
}

uint64_t zipf_draw(const struct zipf *z, struct rng *r)
{
	double u = rng_unit(r), uz = u * z->zetan;
	uint64_t rank;

	if (uz < 1)
		return 0;
	if (uz < z->half)
		return z->items > 1;
	rank = (uint64_t)((double)z->items * pow(z->eta * u - z->eta + 1, z->alpha));
	return rank < z->items ? rank : z->items - 1; /* u next to 1, rounded up */
}

/* ---- distributions ---- */

static const char *const names[DISTS] = {"uniform", "zipfian", "latest", "sequential"};

bool dist_parse(const char *name, enum dist_kind *kind)
{
	int i;

	for (i = 0; i < DISTS; i++)
		if (strcmp(name, names[i]) == 0) {
			*kind = (enum dist_kind)i;
			return true;
		}
	return false;
}

const char *dist_name(enum dist_kind kind)
{
	return names[kind];
}

void dist_init(struct dist *d, enum dist_kind kind, uint64_t items)
{
	*d = (struct dist){.kind = kind, .items = items};
	if (kind == DIST_ZIPFIAN)
		init_with(&d->zipf, SCRAMBLED_ITEMS, THETA, SCRAMBLED_ZETA);
	if (kind == DIST_LATEST)
		zipf_init(&d->zipf, items, THETA);
}

uint64_t dist_draw(struct dist *d, struct rng *r, uint64_t items)
{
	uint64_t age;

	switch (d->kind) {
	case DIST_ZIPFIAN:
		return dist_fnv(zipf_draw(&d->zipf, r)) % d->items;
	case DIST_LATEST:
		zipf_grow(&d->zipf, items);
		age = zipf_draw(&d->zipf, r);
		return age < items ? items - 1 - age : 0;
	default:
		return rng_below(r, d->items);
	}
}
