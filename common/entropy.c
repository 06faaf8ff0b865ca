/* SPDX-License-Identifier: BSD-3-Clause */
#include "entropy.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <sodium.h>

#include "clock.h"
#include "life.h"

enum { WORDS = 4, TRIES = 10 /* as the processors' vendors advise */ };

_Static_assert(randombytes_SEEDBYTES == 8 * WORDS, "a seed");

static uint64_t told[WORDS];

void entropy_add(const void *p, size_t len)
{
	uint64_t h[WORDS];
	int i;

	crypto_generichash((uint8_t *)h, sizeof h, p, len, NULL, 0);
	for (i = 0; i < WORDS; i++)
		__atomic_xor_fetch(&told[i], h[i], __ATOMIC_RELAXED);
}

#if defined(__x86_64__)
#include <cpuid.h>

/* CPUID traps in a virtual machine, 25 us a time: asked once. */
static bool have_rdrand(void)
{
	enum { UNKNOWN, NONE, THERE };
	static int known;
	unsigned a, b, c, d;
	int now = __atomic_load_n(&known, __ATOMIC_RELAXED);

	if (now == UNKNOWN) {
		now = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_RDRND) ? THERE : NONE;
		__atomic_store_n(&known, now, __ATOMIC_RELAXED);
	}
	return now == THERE;
}

__attribute__((target("rdrnd"))) static void processor_draw(uint64_t out[WORDS])
{
	unsigned long long x;
	int i, tries;

	if (!have_rdrand())
		return;
	for (i = 0; i < WORDS; i++)
		for (tries = 0; tries < TRIES; tries++)
			if (__builtin_ia32_rdrand64_step(&x)) {
				out[i] = x;
				break;
			}
}
#else
static void processor_draw(uint64_t out[WORDS])
{
}
#endif

void entropy_fill(void *p, size_t len)
{
	struct {
		uint64_t kernel[WORDS], processor[WORDS], told[WORDS], ticks;
		struct life life;
	} in;
	uint8_t seed[randombytes_SEEDBYTES];
	int i;

	memset(&in, 0, sizeof in);
	life_read(&in.life);
	randombytes_buf(in.kernel, sizeof in.kernel);
	processor_draw(in.processor);
	in.ticks = clock_ticks();
	for (i = 0; i < WORDS; i++)
		in.told[i] = __atomic_load_n(&told[i], __ATOMIC_RELAXED);
	crypto_generichash(seed, sizeof seed, (const uint8_t *)&in, sizeof in, NULL, 0);
	randombytes_buf_deterministic(p, len, seed);
	sodium_memzero(&in, sizeof in);
	sodium_memzero(seed, sizeof seed);
}
