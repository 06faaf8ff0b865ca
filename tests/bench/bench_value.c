/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_value.c - time to seal and open one value, by size and GCM backend.
 *
 * A repetition seals or opens a block of values (64 KiB of plaintext, at most 1,024
 * values) and counts as one sample, its time divided by the number of values. Printed
 * is the median of 301 samples, with the least and the 90th percentile beside it, as
 * one JSON line each. After each measurement every answer is verified.
 *
 *   value_seal_N_B          one call per value         value_open_N_B
 *   value_seal_column_N_B   one call per block
 *   value_open_miss_4_B     the first value of an incarnation: subkey and schedule
 */
#include "keyfile.h"
#include "value.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { REPS = 301, BLOCK = 65536, COUNT_MAX = 1024, SIZE_MAX_N = 1024, TYPE = 1 };

struct bench {
	struct value_sealer s;
	struct value_opener o;
	uint8_t plain[BLOCK], got[BLOCK];
	uint8_t values[BLOCK + COUNT_MAX * VALUE_OVERHEAD];
	size_t n, count;
	int bad;
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void seal_each(struct bench *b)
{
	size_t i, size = value_size(b->n);

	for (i = 0; i < b->count; i++)
		b->bad |=
			value_seal(&b->s, TYPE, b->plain + i * b->n, b->n, b->values + i * size);
}

static void seal_column(struct bench *b)
{
	b->bad |= value_seal_column(&b->s, TYPE, b->plain, b->n, b->count, b->values);
}

static void open_each(struct bench *b)
{
	size_t i, got, size = value_size(b->n);

	for (i = 0; i < b->count; i++)
		b->bad |= value_open(
			&b->o, TYPE, b->values + i * size, size, b->got + i * b->n, b->n, &got);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Every value in b->values must open to its plaintext. */
static void verify(struct bench *b)
{
	memset(b->got, 0, sizeof b->got);
	open_each(b);
	b->bad |= memcmp(b->got, b->plain, b->n * b->count);
}

static void measure(struct bench *b, const char *what, void (*run)(struct bench *))
{
	double ns[REPS];
	int i;

	run(b);
	for (i = 0; i < REPS; i++) {
		double start = now_ns();

		run(b);
		ns[i] = (now_ns() - start) / (double)b->count;
	}
	qsort(ns, REPS, sizeof *ns, by_value);
	b->bad |= memcmp(b->got, b->plain, b->n * b->count);
	verify(b);
	printf("{\"id\":\"value_%s_%zu_%s\",\"value\":%.1f,\"unit\":\"ns\",\"min\":%.1f,"
		   "\"p90\":%.1f,\"reps\":%d,\"ops\":%zu}\n",
		what, b->n, b->s.gcm->name, ns[REPS / 2], ns[0], ns[REPS * 9 / 10], REPS,
		b->count);
}

/* As many incarnations as values, far more than the cache holds. */
static void measure_misses(struct bench *b)
{
	size_t i;

	b->n = 4;
	b->count = COUNT_MAX;
	for (i = 0; i < b->count; i++) {
		b->bad |= value_sealer_renew(&b->s);
		b->bad |= value_seal(&b->s, TYPE, b->plain + 4 * i, 4, b->values + value_size(4) * i);
	}
	verify(b);
	measure(b, "open_miss", open_each);
}

static int bench_backend(const struct gcm_backend *g, const struct keyring *ring)
{
	static const size_t sizes[] = {4, 8, 64, SIZE_MAX_N};
	struct bench *b = aligned_alloc(64, sizeof *b);
	size_t i;
	int bad;

	if (!b || value_sealer_init(&b->s, g, ring) != 0)
		return 1;
	value_opener_init(&b->o, g, ring);
	b->bad = 0;
	randombytes_buf(b->plain, sizeof b->plain);
	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		b->n = sizes[i];
		b->count = BLOCK / b->n < COUNT_MAX ? BLOCK / b->n : COUNT_MAX;
		seal_column(b);
		verify(b);
		measure(b, "seal", seal_each);
		measure(b, "seal_column", seal_column);
		measure(b, "open", open_each);
	}
	measure_misses(b);
	bad = b->bad;
	value_sealer_fini(&b->s);
	value_opener_fini(&b->o);
	free(b);
	if (bad)
		fprintf(stderr, "bench_value: %s: wrong answers\n", g->name);
	return bad != 0;
}

int main(void)
{
	static const char *const names[] = {"ipsec-mb", "libsodium", "mbedtls"};
	char dir[] = "/tmp/bench_value.XXXXXX", path[64];
	const struct gcm_backend *g;
	struct keyring *ring;
	struct err_text why;
	size_t i;
	int rc = 0;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof path, "%s/keys", dir);
	if (keyfile_create(path, NULL, &why) != 0 || keyfile_load(&ring, path, NULL, &why) != 0) {
		fprintf(stderr, "bench_value: %s\n", why.s);
		return 1;
	}
	unlink(path);
	rmdir(dir);
	for (i = 0; i < sizeof names / sizeof *names; i++) {
		g = gcm_select(names[i]);
		if (g)
			rc |= bench_backend(g, ring);
	}
	keyring_destroy(ring);
	return rc;
}
