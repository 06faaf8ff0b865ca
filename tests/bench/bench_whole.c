/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_whole.c - whole columns in one request, through a real ops_server: how long, and
 * the most memory that the server ever had resident.
 *
 *   rank_T   ranks of a million values of type T       group_T   sums of 2,000 groups
 *
 * ms, median of 5. Run from the root of the tree; $B names the build directory.
 */
#include <signal.h>
#include <sys/wait.h>

#include "../evalrig.h"
#include "clock.h"
#include "ops.h"

enum { ROWS = 1000000, GROUPS = 2000, RUNS = 5, TIMEOUT_MS = 60000, PUSH = PROGRAM_PUSH };

static char dir[] = "/dev/shm/bench-whole.XXXXXX", region[64], keys[64];
static struct cell values[ROWS], groups[ROWS];
static uint8_t *req;
static size_t req_len;
static struct {
	struct value_sealer s;
} *mine;

static void die(const char *what)
{
	fprintf(stderr, "bench_whole: %s\n", what);
	exit(1);
}

static void run(const char *fmt, const char *a, const char *b)
{
	char cmd[512];

	snprintf(cmd, sizeof cmd, fmt, a, b);
	if (system(cmd) != 0)
		die(cmd);
}

static void fill(void *arg, uint8_t *at, uint64_t len)
{
	memcpy(at, req, len);
}

static long most_kib(pid_t pid)
{
	char path[64], line[128];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/* The reply has a plausible row count; the unit tests look closer. */
static void check(const uint8_t *got, uint64_t len, uint32_t rows)
{
	uint32_t n;

	if (len < PROGRAM_HEADER)
		die("short reply");
	memcpy(&n, got + 4, 4);
	if (n != rows)
		die("another number of rows");
}

static int by_value(const void *x, const void *y)
{
	double l = *(const double *)x, r = *(const double *)y;

	return (l > r) - (l < r);
}

static void measure(struct ops_client *c, pid_t pid, const char *id, uint32_t rows)
{
	struct err_text e = {""};
	const uint8_t *got;
	double ms[RUNS];
	uint64_t len;
	int i;

	for (i = 0; i < RUNS; i++) {
		uint64_t t0 = clock_ticks();

		if (ops_call(c, OPS_EVAL, req_len, fill, NULL, TIMEOUT_MS, &got, &len, &e))
			die(e.s);
		ms[i] = (double)clock_to_ns(clock_ticks() - t0) / 1e6;
		check(got, len, rows);
		ops_done(c);
	}
	qsort(ms, RUNS, sizeof *ms, by_value);
	printf("{\"id\":\"%s\",\"value\":%.1f,\"unit\":\"ms\",\"min\":%.1f,\"rows\":%d,"
		   "\"server_mib\":%.1f,\"reps\":%d}\n",
		id, ms[RUNS / 2], ms[0], ROWS, (double)most_kib(pid) / 1024, RUNS);
	fflush(stdout);
}

static void make(const struct rig_arg *arg, uint8_t nargs, const uint16_t *code,
	uint16_t ncode)
{
	enum { CAP = 64 << 20 };

	if (!req)
		req = malloc(CAP);
	req_len = req ? rig_request(req, CAP, &mine->s, arg, nargs, code, ncode, ROWS) : 0;
	if (!req_len)
		die("no memory for the request");
}

static pid_t serve(const char *b)
{
	char server[256];
	pid_t pid;

	snprintf(server, sizeof server, "%s/ops_server", b);
	run("%s/hedbctl region format %s --force --kv-channels 1 --ops-channels 4 "
		"--ops-ring 512K >&2", b, region);
	pid = fork();
	if (pid == 0) {
		execl(server, server, "--region", region, "--keys", keys, NULL);
		_exit(127);
	}
	return pid;
}

/* Integers below a million, and the same as texts of 12 letters. */
static void make_values(bool text)
{
	static char letters[ROWS][16];
	int i;

	for (i = 0; i < ROWS; i++) {
		values[i] = (struct cell){.i = randombytes_uniform(1000000)};
		groups[i] = (struct cell){.i = randombytes_uniform(GROUPS)};
		if (text) {
			values[i].len = (uint32_t)snprintf(
				letters[i], sizeof letters[i], "name %07d", (int)values[i].i);
			values[i].p = (uint8_t *)letters[i];
		}
	}
	groups[0].i = GROUPS - 1;
}

int main(void)
{
	static const uint16_t rank[] = {PUSH, OP_enc_int4_rank}, text[] = {PUSH, OP_enc_text_rank},
		sum[] = {PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int4_sum_bulk};
	const char *b = getenv("B") ? getenv("B") : "build";
	struct chan_config config = {.spin_ns = 50000};
	struct ops_client *c = aligned_alloc(128, sizeof *c);
	struct keyring *k = NULL;
	struct err_text e = {""};
	struct region r;
	pid_t pid;

	if (!c || sodium_init() < 0 || !mkdtemp(dir))
		die("no temporary directory");
	snprintf(region, sizeof region, "%s/region", dir);
	snprintf(keys, sizeof keys, "%s/keys", dir);
	run("%s/hedbctl key create %s >&2", b, keys);
	mine = aligned_alloc(64, (sizeof *mine + 63) & ~(size_t)63);
	if (!mine || keyfile_load(&k, keys, NULL, &e) ||
		value_sealer_init(&mine->s, gcm_select(NULL), k))
		die(e.s);
	pid = serve(b);
	if (region_open(&r, region, 0, 0, &e))
		die(e.s);
	ops_client_init(c, &r, &config, message_heap, 1 << 30);
	make_values(false);
	make((struct rig_arg[]){{values, T_INT4, 0}}, 1, rank, 2);
	measure(c, pid, "rank_int4", ROWS);
	make((struct rig_arg[]){{values, T_INT4, 0}, {groups, T_PUB_INT4, 0}}, 2, sum, 3);
	measure(c, pid, "group_int4", GROUPS);
	make_values(true);
	make((struct rig_arg[]){{values, T_TEXT, 0}}, 1, text, 2);
	measure(c, pid, "rank_text", ROWS);
	ops_client_fini(c);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	region_close(&r);
	run("rm -rf %s%s", dir, "");
	value_sealer_fini(&mine->s);
	keyring_destroy(k);
	free(mine);
	free(req);
	free(c);
	return 0;
}
