/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

static uint64_t mono_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The two clocks at one moment: a pause between two readings, which would spoil the
 * rate for the whole life of the process, shows, and the tightest of some is taken. */
static void both_clocks(uint64_t *ns, uint64_t *ticks)
{
	uint64_t best = UINT64_MAX;
	int i;

	for (i = 0; i < 8; i++) {
		uint64_t before = clock_ticks(), n = mono_ns(), gap = clock_ticks() - before;

		if (gap < best) {
			best = gap;
			*ns = n;
			*ticks = before + gap / 2;
		}
	}
}

/* Ticks in a nanosecond. */
static double clock_rate(void)
{
	static double rate; /* racing threads store nearly the same number */
	double v;

	__atomic_load(&rate, &v, __ATOMIC_RELAXED);
	if (v == 0) {
		uint64_t n0 = 0, t0 = 0, n1 = 0, t1 = 0;

		both_clocks(&n0, &t0);
		do
			both_clocks(&n1, &t1);
		while (n1 - n0 < 1000000);
		v = (double)(t1 - t0) / (double)(n1 - n0);
		if (v <= 0)
			v = 1e-9;
		__atomic_store(&rate, &v, __ATOMIC_RELAXED);
	}
	return v;
}

uint64_t clock_from_ns(uint64_t ns)
{
	uint64_t t = (uint64_t)((double)ns * clock_rate());

	return ns && !t ? 1 : t;
}

uint64_t clock_to_ns(uint64_t ticks)
{
	return (uint64_t)((double)ticks / clock_rate());
}

uint64_t clock_ms(void)
{
	return mono_ns() / 1000000;
}

void clock_burn(uint64_t ticks)
{
	uint64_t t0 = clock_ticks();

	while (clock_ticks() - t0 < ticks)
		;
}
