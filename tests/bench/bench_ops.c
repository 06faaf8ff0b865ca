/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_ops.c - time of eval_run(): open, compute, and seal or answer, in one process.
 *
 *   eval_lt_N     a < b over N rows of two encrypted int4: two opens a row, a bool out
 *   eval_mul_N    a * b: two opens and one seal a row
 *   eval_where_N  a + b > c: three opens a row, a bool out
 *   eval_digest_N digest(a): one open a row, 16 bytes out
 *
 * One sample is as many runs of one request as fill some 20 us, divided by their number;
 * the value is the median of 501 samples in nanoseconds per request, with per_row beside
 * it, the least, and the 90th percentile. The last answer of each is verified.
 */
#include "../evalrig.h"

#include <time.h>

enum { REPS = 501, SAMPLE_NS = 20000, REQ_MAX = 1 << 20, PUSH = PROGRAM_PUSH };

static struct eval *ev;
static struct {
	struct value_sealer s;
	struct value_opener o;
} *mine;
static struct rig_reply reply;
static uint8_t req[REQ_MAX];
static struct cell a[PROGRAM_ROWS_MAX], b[PROGRAM_ROWS_MAX], c[PROGRAM_ROWS_MAX];

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *x, const void *y)
{
	double l = *(const double *)x, r = *(const double *)y;

	return (l > r) - (l < r);
}

static int run(size_t len, int times)
{
	struct err_text e;
	int rc = 0;

	while (times-- > 0)
		rc |= eval_run(ev, ROLE_DB, req, len, true, rig_room, &reply, &e);
	return rc;
}

/* What is measured. */
struct work {
	const char *name, *what;
	uint16_t code[5];
	uint8_t ncode, nargs;
	bool policy; /* with a role of one that allows it; what is said is counted */
};

static const struct work works[] = {
	{"lt", "a < b", {PUSH, PUSH | 1, OP_enc_int4_lt}, 3, 2, false},
	{"lt_policy", "a < b under a policy", {PUSH, PUSH | 1, OP_enc_int4_lt}, 3, 2, true},
	{"mul", "a * b", {PUSH, PUSH | 1, OP_enc_int4_mult}, 3, 2, false},
	{"where", "a + b > c", {PUSH, PUSH | 1, OP_enc_int4_add, PUSH | 2, OP_enc_int4_gt}, 5, 3, false},
	{"digest", "digest(a)", {PUSH, OP_enc_int4_digest}, 2, 1, false},
};

enum { NWORKS = sizeof works / sizeof works[0] };

static bool right(uint16_t last, uint32_t i)
{
	const struct cell *got = &reply.cell[i];

	if (got->state)
		return false;
	switch (last) {
	case OP_enc_int4_lt:
		return got->i == (a[i].i < b[i].i);
	case OP_enc_int4_mult:
		return got->i == a[i].i * b[i].i;
	case OP_enc_int4_gt:
		return got->i == (a[i].i + b[i].i > c[i].i);
	default: /* equal where the values are: so with the row's neighbour */
		return !i || (a[i].i == a[i - 1].i) == !memcmp(got->p, got[-1].p, DIGEST_BYTES);
	}
}

static int verify(uint16_t last, uint32_t rows)
{
	uint32_t i;

	if (!rig_reply_read(&reply, &mine->o) || reply.rows != rows)
		return 1;
	for (i = 0; i < rows; i++)
		if (!right(last, i))
			return 1;
	return 0;
}

/* A role that may do everything with what was entered. */
static const struct policy_role *all_allowed(void)
{
	static struct policy p = {.ndomains = 1};
	static struct policy_role role = {.id = 1, .policy = &p, .defined = true};

	memset(role.rule.op, 0xff, sizeof role.rule.op);
	return &role;
}

static int counted(void *ctx, const uint64_t rows[RELEASES], struct err_text *e)
{
	static uint64_t all;

	all += rows[RELEASE_COMPARISONS];
	return all == 0;
}

static int measure(const struct work *w, uint32_t rows)
{
	struct rig_arg arg[3] = {{a, T_INT4, 0}, {b, T_INT4, 0}, {c, T_INT4, 0}};
	size_t len = rig_request(
		req, sizeof req, &mine->s, arg, w->nargs, w->code, w->ncode, rows);
	double ns[REPS], t0;
	int bad, i, times;

	ev->grant = w->policy ? all_allowed() : NULL;
	ev->releases = w->policy ? counted : NULL;
	bad = len == 0 || run(len, 1000);
	t0 = now_ns();
	bad |= run(len, 100);
	times = (int)(SAMPLE_NS * 100 / (now_ns() - t0)) + 1;
	for (i = 0; i < REPS; i++) {
		t0 = now_ns();
		bad |= run(len, times);
		ns[i] = (now_ns() - t0) / times;
	}
	qsort(ns, REPS, sizeof *ns, by_value);
	bad |= verify(w->code[w->ncode - 1], rows);
	printf("{\"id\":\"eval_%s_%u\",\"what\":\"eval_run of int4 %s, %u rows\","
		   "\"value\":%.1f,\"unit\":\"ns\",\"per_row\":%.1f,\"min\":%.1f,\"p90\":%.1f,"
		   "\"reps\":%d,\"ops\":%d}\n",
		w->name, rows, w->what, rows, ns[REPS / 2], ns[REPS / 2] / rows, ns[0],
		ns[REPS * 9 / 10], REPS, times);
	return bad;
}

int main(void)
{
	static const uint32_t sizes[] = {1, 16, 256, 1024};
	const struct gcm_backend *gcm;
	struct keyring *keys = rig_keyring();
	int bad = 0, i, k;

	gcm = gcm_select(NULL);
	mine = sodium_malloc((sizeof *mine + 63) & ~(size_t)63);
	if (!keys || !mine || value_sealer_init(&mine->s, gcm, keys))
		return 1;
	value_opener_init(&mine->o, gcm, keys);
	ev = eval_create(gcm, keys);
	if (!ev)
		return 1;
	for (i = 0; i < PROGRAM_ROWS_MAX; i++) {
		a[i].i = (int32_t)randombytes_uniform(60000) - 30000;
		b[i].i = (int32_t)randombytes_uniform(60000) - 30000;
		c[i].i = (int32_t)randombytes_uniform(60000) - 30000;
	}
	for (i = 0; i < NWORKS; i++)
		for (k = 0; k < 4; k++)
			bad |= measure(&works[i], sizes[k]);
	if (bad)
		fprintf(stderr, "bench_ops: wrong answers\n");
	eval_destroy(ev);
	value_sealer_fini(&mine->s);
	value_opener_fini(&mine->o);
	sodium_free(mine);
	keyring_destroy(keys);
	free(reply.bytes);
	return bad;
}
