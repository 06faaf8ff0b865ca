/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cxl_bench.c - cxl-bench: how fast is Redis over the ring, and over sockets?
 *
 * Every reply is checked. A run that is aborted, loses its server or gets a wrong reply
 * prints no figures and exits with 1 (130 after a signal).
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_load.h"
#include "err.h"
#include "escape.h"
#include "option.h"

static const char usage[] =
	"usage: cxl-bench [options]\n"
	"  --target ring|unix|tcp   what to measure: ring\n"
	"  --region PATH            $CXLRING_REGION, $CXL_RING_PATH; --offset, --map-size BYTES\n"
	"  --socket PATH            for unix\n"
	"  --host NAME --port N     for tcp: 127.0.0.1, 6379\n"
	"  --tests LIST             of ping,set,get,incr,del,exists,mixed: set,get\n"
	"  --read-share PERCENT     of GET in mixed: 90\n"
	"  --requests N             of all threads, for each test: 1000000\n"
	"  --threads N              more than there are channels share them: 1\n"
	"  --pipeline N             requests published together: 1\n"
	"  --max-inflight N         most without a reply: the pipeline\n"
	"  --keys N                 random keys: 200000; --sequential: in order\n"
	"  --value-size BYTES       64\n"
	"  --no-fill                do not write the keys before reading them\n"
	"  --latency                average and percentiles of every request\n"
	"  --cost                   full rings, sleeps, bells\n"
	"  --server-pid PID         measure that process's processor time, too\n"
	"  --json | --csv FILE      one object a line | rows under one header, appended\n"
	"  --label TEXT --seed N --spin-us N --user NAME --pass PASSWORD\n"
	"Numbers may end in K, M or G.\n";

static struct {
	struct load load;
	const char *tests, *label, *csv;
	int read_share, server_pid;
	bool json, cost, no_fill;
} o = {.load = {.target = {.socket = "/var/run/redis/redis-server.sock",
					.host = "127.0.0.1", .port = 6379},
		   .requests = 1000000, .keys = 200000, .threads = 1, .pipeline = 1,
		   .value_size = 64, .seed = 1, .read_share = -1},
	.tests = "set,get", .label = "ring", .read_share = 90};

/* Time on a processor of the server's main thread. */
static uint64_t server_cpu_ns(void)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	if (!o.server_pid)
		return 0;
	snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", o.server_pid, o.server_pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return ns;
}

struct row {
	const char *op;
	double rps, avg, p[6], server_us, client_us;
	const struct load_result *r;
};

static const double percents[6] = {50, 75, 90, 99, 99.9, 99.99};

static void print_text(const struct row *w)
{
	printf("%s: %.0f requests per second", w->op, w->rps);
	if (o.load.latency)
		printf(", us avg %.2f p50 %.2f p75 %.2f p90 %.2f p99 %.2f p99.9 %.2f p99.99 %.2f",
			w->avg, w->p[0], w->p[1], w->p[2], w->p[3], w->p[4], w->p[5]);
	if (o.server_pid)
		printf(", server %.3f us/op", w->server_us);
	printf(", client %.3f us/op", w->client_us);
	if (w->r->misses)
		printf(", %llu misses", (unsigned long long)w->r->misses);
	if (o.cost)
		printf(", full %llu sleeps %llu (%.1f ms) bells %llu",
			(unsigned long long)w->r->cost.full, (unsigned long long)w->r->cost.sleeps,
			(double)w->r->cost.sleep_ns / 1e6, (unsigned long long)w->r->cost.rings);
	printf("\n");
}

static void print_json(const struct row *w)
{
	static const char *const names[3] = {"ring", "unix", "tcp"};

	printf("{\"label\":");
	escape_json(stdout, o.label);
	printf(",\"target\":\"%s\",\"op\":\"%s\",\"threads\":%u,\"channels\":%u,"
		   "\"requests\":%llu,\"pipeline\":%u,\"max_inflight\":%u,\"keys\":%llu,"
		   "\"value_size\":%zu,\"rps\":%.0f,\"misses\":%llu,\"client_us\":%.4f",
		names[o.load.target.kind], w->op, o.load.threads, w->r->channels,
		(unsigned long long)w->r->requests, o.load.pipeline, o.load.inflight,
		(unsigned long long)o.load.keys, o.load.value_size, w->rps,
		(unsigned long long)w->r->misses, w->client_us);
	if (o.server_pid)
		printf(",\"server_us\":%.4f", w->server_us);
	if (o.load.latency)
		printf(",\"avg_us\":%.3f,\"p50_us\":%.3f,\"p75_us\":%.3f,\"p90_us\":%.3f,"
			   "\"p99_us\":%.3f,\"p99.9_us\":%.3f,\"p99.99_us\":%.3f",
			w->avg, w->p[0], w->p[1], w->p[2], w->p[3], w->p[4], w->p[5]);
	if (o.cost)
		printf(",\"full\":%llu,\"sleeps\":%llu,\"sleep_ms\":%.2f,\"bells\":%llu",
			(unsigned long long)w->r->cost.full, (unsigned long long)w->r->cost.sleeps,
			(double)w->r->cost.sleep_ns / 1e6, (unsigned long long)w->r->cost.rings);
	printf("}\n");
}

/* The columns of the published prototype's files, so that they can be compared; what was
 * not measured is empty, not 0. */
static int append_csv(const struct row *w)
{
	FILE *f = fopen(o.csv, "ae");
	int i;

	if (!f) {
		fprintf(stderr, "cxl-bench: %s: %s\n", o.csv, strerror(errno));
		return -1;
	}
	if (ftell(f) == 0)
		fprintf(f, "label,op,threads,rings,requests,pipeline,max_inflight,throughput_rps,"
				   "avg_us,p50_us,p75_us,p90_us,p99_us,p99.9_us,p99.99_us,push_retries,"
				   "sleep_ms\n");
	escape_csv(f, o.label);
	fprintf(f, ",%s,%u,%u,%llu,%u,%u,%.0f", w->op, o.load.threads, w->r->channels,
		(unsigned long long)w->r->requests, o.load.pipeline, o.load.inflight, w->rps);
	if (o.load.latency)
		fprintf(f, ",%.3f", w->avg);
	for (i = 0; o.load.latency && i < 6; i++)
		fprintf(f, ",%.3f", w->p[i]);
	if (!o.load.latency)
		fprintf(f, ",,,,,,,");
	fprintf(f, ",%llu,%.2f\n", (unsigned long long)w->r->cost.full,
		(double)w->r->cost.sleep_ns / 1e6);
	return fclose(f);
}

static int report(const char *op, const struct load_result *r, uint64_t server_ns)
{
	struct row w = {.op = op, .r = r};
	int i;

	w.rps = (double)r->requests * 1e9 / (double)r->ns;
	w.avg = hist_mean(&r->hist) / 1e3;
	for (i = 0; i < 6; i++)
		w.p[i] = (double)hist_percentile(&r->hist, percents[i]) / 1e3;
	w.server_us = (double)server_ns / 1e3 / (double)r->requests;
	w.client_us = (double)r->cpu_ns / 1e3 / (double)r->requests;
	if (o.json)
		print_json(&w);
	else
		print_text(&w);
	fflush(stdout);
	return o.csv ? append_csv(&w) : 0;
}

static int run(const struct load *l, struct load_result *r)
{
	char why[256] = "";
	int rc = load_run(l, r, why, sizeof why);

	if (rc == -EINTR)
		fprintf(stderr, "cxl-bench: aborted\n");
	else if (rc)
		fprintf(stderr, "cxl-bench: failed: %s\n", why[0] ? why : err_name(rc));
	return rc;
}

/* Every key once, so that reads find what they check. */
static int fill(struct load_result *r)
{
	struct load l = o.load;

	l.op = OP_SET;
	l.read_share = -1;
	l.sequential = true;
	l.requests = l.keys;
	l.latency = false;
	l.threads = 1;
	l.pipeline = 64;
	l.inflight = 512;
	return run(&l, r);
}

static int run_test(const char *name, bool *filled)
{
	static const char *const names[] = {"ping", "set", "get", "incr", "del", "exists", "mixed"};
	static struct load_result r;
	struct load l = o.load;
	uint64_t cpu;
	int op, rc;

	for (op = 0; op < 7 && strcmp(names[op], name) != 0; op++)
		;
	if (op == 7) {
		fprintf(stderr, "cxl-bench: no test \"%s\"\n", name);
		return -EINVAL;
	}
	l.op = op == 6 ? OP_GET : (enum op)op;
	l.read_share = op == 6 ? o.read_share : -1;
	l.may_miss = o.no_fill;
	if (l.sequential && l.keys < l.requests)
		l.requests = l.keys;
	if ((op == OP_GET || op == 6) && !o.no_fill && !*filled) {
		rc = fill(&r);
		if (rc)
			return rc;
		*filled = true;
	}
	if (op == OP_DEL)
		*filled = false;
	cpu = server_cpu_ns();
	rc = run(&l, &r);
	if (rc == 0 && report(name, &r, server_cpu_ns() - cpu))
		rc = -EIO;
	return rc;
}

static void on_signal(int unused)
{
	load_stop();
}

enum { TARGET = 256, REGION, OFFSET, MAP_SIZE, SOCKET, HOST, PORT, TESTS, READ_SHARE,
	REQUESTS, THREADS, PIPELINE, INFLIGHT, KEYS, SEQUENTIAL, VALUE_SIZE, NO_FILL, LATENCY,
	COST, SERVER_PID, JSON, CSV, LABEL, SEED, SPIN, USER, PASS, HELP };

static const struct option options[] = {{"target", 1, NULL, TARGET},
	{"region", 1, NULL, REGION}, {"offset", 1, NULL, OFFSET},
	{"map-size", 1, NULL, MAP_SIZE}, {"socket", 1, NULL, SOCKET}, {"host", 1, NULL, HOST},
	{"port", 1, NULL, PORT}, {"tests", 1, NULL, TESTS}, {"read-share", 1, NULL, READ_SHARE},
	{"requests", 1, NULL, REQUESTS}, {"threads", 1, NULL, THREADS},
	{"pipeline", 1, NULL, PIPELINE}, {"max-inflight", 1, NULL, INFLIGHT},
	{"keys", 1, NULL, KEYS}, {"sequential", 0, NULL, SEQUENTIAL},
	{"value-size", 1, NULL, VALUE_SIZE}, {"no-fill", 0, NULL, NO_FILL},
	{"latency", 0, NULL, LATENCY}, {"cost", 0, NULL, COST},
	{"server-pid", 1, NULL, SERVER_PID}, {"json", 0, NULL, JSON}, {"csv", 1, NULL, CSV},
	{"label", 1, NULL, LABEL}, {"seed", 1, NULL, SEED}, {"spin-us", 1, NULL, SPIN},
	{"user", 1, NULL, USER}, {"pass", 1, NULL, PASS}, {"help", 0, NULL, HELP},
	{NULL, 0, NULL, 0}};

static uint64_t number(const char *name, int64_t min, int64_t max)
{
	return (uint64_t)option_number(name, optarg, min, max);
}

/* 0 is never; to the library that is -1. */
static int spin_option(void)
{
	int us = (int)number("--spin-us", 0, 1000000);

	return us ? us : -1;
}

static void take_target(void)
{
	if (strcmp(optarg, "unix") == 0)
		o.load.target.kind = TARGET_UNIX;
	else if (strcmp(optarg, "tcp") == 0)
		o.load.target.kind = TARGET_TCP;
	else if (strcmp(optarg, "ring") != 0)
		exit(fprintf(stderr, "%s", usage) ? 2 : 2);
}

static void take_option(int c)
{
	struct cxlring_options *ring = &o.load.target.ring;

	switch (c) {
	case TARGET: take_target(); break;
	case REGION: ring->region = optarg; break;
	case OFFSET: ring->offset = number("--offset", 0, INT64_MAX); break;
	case MAP_SIZE: ring->map_size = number("--map-size", 0, INT64_MAX); break;
	case SPIN: ring->spin_us = spin_option(); break;
	case USER: ring->user = optarg; break;
	case PASS: ring->password = optarg; break;
	case SOCKET: o.load.target.socket = optarg; break;
	case HOST: o.load.target.host = optarg; break;
	case PORT: o.load.target.port = (int)number("--port", 1, UINT16_MAX); break;
	case TESTS: o.tests = optarg; break;
	case READ_SHARE: o.read_share = (int)number("--read-share", 0, 100); break;
	case REQUESTS: o.load.requests = number("--requests", 1, 1ll << 40); break;
	case THREADS: o.load.threads = (unsigned)number("--threads", 1, 1024); break;
	case PIPELINE: o.load.pipeline = (unsigned)number("--pipeline", 1, 1 << 20); break;
	case INFLIGHT: o.load.inflight = (unsigned)number("--max-inflight", 1, 1 << 20); break;
	case KEYS: o.load.keys = number("--keys", 1, UINT32_MAX); break;
	case SEQUENTIAL: o.load.sequential = true; break;
	case VALUE_SIZE: o.load.value_size = number("--value-size", 1, 512 << 20); break;
	case NO_FILL: o.no_fill = true; break;
	case LATENCY: o.load.latency = true; break;
	case COST: o.cost = true; break;
	case SERVER_PID: o.server_pid = (int)number("--server-pid", 1, INT32_MAX); break;
	case JSON: o.json = true; break;
	case CSV: o.csv = optarg; break;
	case LABEL: o.label = optarg; break;
	case SEED: o.load.seed = number("--seed", 0, INT64_MAX); break;
	default:
		fputs(usage, c == HELP ? stdout : stderr);
		exit(c == HELP ? 0 : 2);
	}
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_signal};
	char *tests, *name;
	bool filled = false;
	int c, rc = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		take_option(c);
	if (o.load.inflight < o.load.pipeline)
		o.load.inflight = o.load.pipeline;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	tests = strdup(o.tests);
	for (name = strtok(tests, ","); name && rc == 0; name = strtok(NULL, ","))
		rc = run_test(name, &filled);
	free(tests);
	return rc == -EINTR ? 130 : rc != 0;
}
