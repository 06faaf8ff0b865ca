/* SPDX-License-Identifier: BSD-3-Clause */
#include "random.h"

static uint64_t state;

void random_seed(uint64_t seed)
{
	state = seed;
}

/* splitmix64, so that seeds beside each other have nothing in common. */
unsigned below(unsigned n)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (unsigned)((z ^ z >> 31) >> 33) % n;
}

bool chance(unsigned percent)
{
	return below(100) < percent;
}
