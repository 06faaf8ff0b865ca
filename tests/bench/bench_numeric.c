/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_numeric.c - time of one operation on enc_numeric, without ciphers: kernels over
 * columns of 1,024 rows, the median of 301 samples as JSON lines.
 *
 *   numeric_sub, _mul, _mul2, _add, _div, _cmp, _sum    what TPC-H's Q1 is made of:
 *                         1 - discount, price * that, times (1 + tax) ...
 *   numeric_wide_mul      of 40 digits, which have no short form
 */
#include "kernel_numeric.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "eval.h"
#include "keyfile.h"

enum { REPS = 301, ROWS = 1024 };

struct column {
	struct vec v;
	struct span s[ROWS];
	uint8_t state[ROWS];
	uint8_t bytes[ROWS][48];
};

static struct column price, discount, tax, one, less, more, product, wide, out;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void column_init(struct column *c, uint32_t rows)
{
	memset(c, 0, sizeof *c);
	c->v = (struct vec){.s = c->s, .state = c->state, .rows = rows, .step = rows > 1,
		.type = T_NUMERIC};
}

static void fill(struct column *c, int64_t least, int64_t most, int32_t scale)
{
	uint32_t i;

	column_init(c, ROWS);
	for (i = 0; i < ROWS; i++) {
		c->s[i].p = c->bytes[i];
		c->s[i].len = (uint32_t)numeric_short_put(c->bytes[i],
			least + (int64_t)randombytes_uniform((uint32_t)(most - least + 1)), scale);
	}
}

/* Results of an operation as an argument of others: out of the arena, which is wiped. */
static void keep(struct column *c)
{
	uint32_t i;

	column_init(c, ROWS);
	for (i = 0; i < ROWS; i++) {
		c->s[i] = (struct span){c->bytes[i], out.s[i].len};
		memcpy(c->bytes[i], out.s[i].p, out.s[i].len);
	}
}

static void run(struct eval *ev, const char *name, uint16_t code, const struct column *a,
	const struct column *b)
{
	const struct op *op = optable_op(code);
	struct vec in[2] = {a->v, b ? b->v : a->v};
	double sample[REPS];
	int r;

	for (r = 0; r < REPS; r++) {
		double start;

		eval_done(ev);
		column_init(&out, op->flags & OP_REDUCE ? 1 : ROWS);
		start = now_ns();
		dispatch[code](ev, op, &out.v, in, ROWS);
		sample[r] = (now_ns() - start) / ROWS;
	}
	qsort(sample, REPS, sizeof *sample, by_value);
	printf("{\"name\": \"%s\", \"unit\": \"ns\", \"median\": %.1f, \"min\": %.1f, "
		   "\"p90\": %.1f}\n",
		name, sample[REPS / 2], sample[0], sample[REPS * 9 / 10]);
}

int main(void)
{
	char path[] = "/tmp/bench_numeric.XXXXXX";
	struct keyring *keys = NULL;
	struct err_text e = {""};
	struct eval *ev;
	int fd = mkstemp(path);

	if (sodium_init() < 0 || fd < 0 || unlink(path) || close(fd) ||
		keyfile_create(path, NULL, &e) || keyfile_load(&keys, path, NULL, &e)) {
		fprintf(stderr, "bench_numeric: %s\n", e.s);
		return 1;
	}
	unlink(path);
	ev = eval_create(gcm_select(NULL), keys);
	if (!ev)
		return 1;
	fill(&price, 90000, 10494950, 2);
	fill(&discount, 0, 10, 2);
	fill(&tax, 0, 8, 2);
	fill(&one, 1, 1, 0);
	one.v.rows = 1;
	one.v.step = 0;
	run(ev, "numeric_sub", OP_enc_numeric_sub, &one, &discount);
	keep(&less);
	run(ev, "numeric_add", OP_enc_numeric_add, &one, &tax);
	keep(&more);
	run(ev, "numeric_mul", OP_enc_numeric_mult, &price, &less);
	keep(&product);
	run(ev, "numeric_mul2", OP_enc_numeric_mult, &product, &more);
	run(ev, "numeric_cmp", OP_enc_numeric_lt, &price, &product);
	run(ev, "numeric_div", OP_enc_numeric_div, &price, &more);
	run(ev, "numeric_sum", OP_enc_numeric_sum_bulk, &product, NULL);
	run(ev, "numeric_hash", OP_enc_numeric_hash64, &price, NULL);
	fill(&wide, 100000000, 999999999, 100);
	run(ev, "numeric_square", OP_enc_numeric_mult, &wide, &wide);
	keep(&wide);
	run(ev, "numeric_wide_mul", OP_enc_numeric_mult, &wide, &wide);
	eval_destroy(ev);
	keyring_destroy(keys);
	return 0;
}
