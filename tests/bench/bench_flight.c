/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_flight.c - batches through a real ops_server, by ring size and by how many are in
 * flight: a + b > c over 1,024 rows of three encrypted int4, 96 KiB a request, while the
 * client spends some time on each batch itself, as a scan does.
 *
 *   flight_R_D   rings of R KiB, D batches in flight: ns a row, median of 15 runs of 100
 *                batches. D = 0: ops_call(), one after the other, nothing in between
 *
 * Run from the root of the tree; $B names the build directory.
 */
#include <signal.h>
#include <sys/wait.h>

#include "../evalrig.h"
#include "clock.h"
#include "ops.h"

enum { ROWS = 1024, BATCHES = 100, RUNS = 15, TIMEOUT_MS = 20000, PUSH = PROGRAM_PUSH };
enum { CLIENT_NS = 60000 }; /* a scan's own work on a batch: 60 ns a tuple */

static char dir[] = "/dev/shm/bench-flight.XXXXXX", region[64], keys[64];
static uint8_t req[128 << 10];
static size_t req_len;
static struct rig_reply first;
static struct {
	struct value_sealer s;
	struct value_opener o;
} *mine;

static void die(const char *what)
{
	fprintf(stderr, "bench_flight: %s\n", what);
	exit(1);
}

static void run(const char *fmt, const char *a, const char *b, unsigned n)
{
	char cmd[512];

	snprintf(cmd, sizeof cmd, fmt, a, b, n);
	if (system(cmd) != 0)
		die(cmd);
}

static void make_request(void)
{
	static struct cell a[3][ROWS];
	struct rig_arg arg[3] = {{a[0], T_INT4, 0}, {a[1], T_INT4, 0}, {a[2], T_INT4, 0}};
	uint16_t code[] = {PUSH, PUSH | 1, OP_enc_int4_add, PUSH | 2, OP_enc_int4_gt};
	struct keyring *k = NULL;
	struct err_text e = {""};
	int i, j;

	mine = aligned_alloc(64, sizeof *mine);
	if (!mine || keyfile_load(&k, keys, NULL, &e) ||
		value_sealer_init(&mine->s, gcm_select(NULL), k))
		die(e.s);
	for (i = 0; i < 3; i++)
		for (j = 0; j < ROWS; j++)
			a[i][j].i = (int32_t)randombytes_uniform(60000);
	req_len = rig_request(req, sizeof req, &mine->s, arg, 3, code, 5, ROWS);
	value_sealer_fini(&mine->s);
	keyring_destroy(k);
}

static void fill(void *arg, uint8_t *at, uint64_t len)
{
	memcpy(at, req, len);
}

/* The result is public, so all replies are the same bytes. */
static void check(const uint8_t *got, uint64_t len)
{
	if (!first.len)
		memcpy(rig_room(&first, len), got, len);
	if (len != first.len || memcmp(got, first.bytes, len) != 0)
		die("replies differ");
}

static void client_works(void)
{
	clock_burn(clock_from_ns(CLIENT_NS));
}

static void serial(struct ops_client *c)
{
	struct err_text e = {""};
	const uint8_t *got;
	uint64_t len;
	int i;

	for (i = 0; i < BATCHES; i++) {
		client_works();
		if (ops_call(c, OPS_EVAL, req_len, fill, NULL, TIMEOUT_MS, &got, &len, &e))
			die(e.s);
		check(got, len);
	}
}

static void flight(struct ops_client *c, int depth)
{
	struct ops_ticket t[BATCHES];
	struct err_text e = {""};
	const uint8_t *got;
	uint64_t len;
	int i;

	for (i = 0; i < BATCHES + depth; i++) {
		if (i >= depth) {
			if (ops_collect(c, &t[i - depth], TIMEOUT_MS, &got, &len, &e))
				die(e.s);
			check(got, len);
		}
		if (i >= BATCHES)
			continue;
		client_works();
		if (ops_submit(c, OPS_EVAL, req_len, fill, NULL, true, TIMEOUT_MS, &t[i], &e))
			die(e.s);
	}
}

static int by_value(const void *x, const void *y)
{
	double l = *(const double *)x, r = *(const double *)y;

	return (l > r) - (l < r);
}

static void measure(struct ops_client *c, unsigned kib, int depth)
{
	double ns[RUNS];
	int i;

	for (i = 0; i < RUNS; i++) {
		uint64_t t0 = clock_ticks();

		if (depth)
			flight(c, depth);
		else
			serial(c);
		ns[i] = (double)clock_to_ns(clock_ticks() - t0) / (BATCHES * ROWS);
	}
	qsort(ns, RUNS, sizeof *ns, by_value);
	printf("{\"id\":\"flight_%u_%d\",\"what\":\"a + b > c of int4, 1024 rows, rings of %u KiB, "
		   "%d in flight\",\"value\":%.1f,\"unit\":\"ns\",\"min\":%.1f,\"p90\":%.1f,"
		   "\"reps\":%d}\n",
		kib, depth, kib, depth, ns[RUNS / 2], ns[0], ns[RUNS * 9 / 10], RUNS);
	fflush(stdout);
}

static void bench_rings(const char *b, unsigned kib)
{
	static const int depths[] = {0, 1, 2, 4};
	struct chan_config config = {.spin_ns = 50000};
	struct ops_client *c = aligned_alloc(128, sizeof *c);
	char server[256];
	struct err_text e = {""};
	struct region r;
	size_t i;
	pid_t pid;

	snprintf(server, sizeof server, "%s/ops_server", b);
	run("%s/hedbctl region format %s --force --kv-channels 1 --ops-channels 4 --ops-ring %uK >&2",
		b, region, kib);
	pid = fork();
	if (pid == 0) {
		execl(server, server, "--region", region, "--keys", keys, NULL);
		_exit(127);
	}
	if (!c || region_open(&r, region, 0, 0, &e))
		die(e.s);
	ops_client_init(c, &r, &config, message_heap, 1 << 20);
	for (i = 0; i < sizeof depths / sizeof depths[0]; i++)
		measure(c, kib, depths[i]);
	ops_client_fini(c);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	region_close(&r);
	free(c);
}

int main(void)
{
	const char *b = getenv("B") ? getenv("B") : "build";
	unsigned kib;

	if (sodium_init() < 0 || !mkdtemp(dir))
		die("no temporary directory");
	snprintf(region, sizeof region, "%s/region", dir);
	snprintf(keys, sizeof keys, "%s/keys", dir);
	run("%s/hedbctl key create %s >&2", b, keys, 0);
	make_request();
	for (kib = 32; kib <= 1024; kib *= 2)
		bench_rings(b, kib);
	run("rm -rf %s%s", dir, "", 0);
	return 0;
}
