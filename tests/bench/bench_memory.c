/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_memory.c - resident memory of a real ops_server with 128 open channels, each of
 * which has been used. Region pages that it touched count, as they do for the kernel.
 *
 * Run from the root of the tree; $B names the build directory.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.h"

enum { CHANNELS = 128, TIMEOUT_MS = 20000 };

static char dir[] = "/tmp/bench-memory.XXXXXX";

static void die(const char *what)
{
	fprintf(stderr, "bench_memory: %s\n", what);
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
	memset(at, *(int *)arg, len);
}

static long resident_kib(pid_t pid)
{
	char path[64], line[128];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

int main(void)
{
	const char *b = getenv("B") ? getenv("B") : "build";
	struct chan_config config = {.spin_ns = 20000};
	struct ops_client *c = aligned_alloc(128, CHANNELS * sizeof *c);
	char server[256], region[64], keys[64];
	struct err_text e = {""};
	const uint8_t *reply;
	struct region r;
	uint64_t len;
	pid_t pid;
	long kib;
	int i, k;

	if (!c || !mkdtemp(dir))
		die("no memory or no temporary directory");
	snprintf(server, sizeof server, "%s/ops_server", b);
	snprintf(region, sizeof region, "%s/region", dir);
	snprintf(keys, sizeof keys, "%s/keys", dir);
	run("%s/hedbctl region format %s >&2", b, region);
	run("%s/hedbctl key create %s >&2", b, keys);
	pid = fork();
	if (pid == 0) {
		execl(server, server, "--region", region, "--keys", keys, NULL);
		_exit(127);
	}
	if (region_open(&r, region, 0, 0, &e))
		die(e.s);
	for (i = 0; i < CHANNELS; i++) {
		ops_client_init(&c[i], &r, &config, message_heap, 1 << 20);
		for (k = 1; k <= 100; k++) {
			if (ops_call(&c[i], OPS_PING, 4096, fill, &k, TIMEOUT_MS, &reply, &len, &e))
				die(e.s);
			if (len != 4096 || reply[0] != k || reply[4095] != k)
				die("wrong answer");
			ops_done(&c[i]);
		}
	}
	kib = resident_kib(pid);
	for (i = 0; i < CHANNELS; i++)
		ops_client_fini(&c[i]);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	run("rm -rf %s%s", dir, "");
	if (kib < 0)
		die("no VmRSS");
	printf("{\"id\":\"ops_memory\",\"what\":\"resident memory of ops_server, 128 used channels\","
	       "\"value\":%.2f,\"unit\":\"MiB\",\"baseline\":null,\"ratio\":%.2f,\"must\":64,"
	       "\"aim\":24,\"better\":\"lower\",\"runs\":1,\"spread\":0}\n",
		(double)kib / 1024, (double)kib / 1024);
	return 0;
}
