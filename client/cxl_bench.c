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

#include "bench_report.h"
#include "bench_tests.h"
#include "bench_ycsb.h"
#include "err.h"
#include "option.h"
#include "secure_ring.h"

static const char usage[] =
	"usage: cxl-bench [options]\n"
	"  --target ring|unix|tcp   what to measure: ring\n"
	"  --region PATH            $CXLRING_REGION, $CXL_RING_PATH; --offset, --map-size BYTES\n"
	"  --secure                 of the ring; --cert --key --ca --crl --psk FILE\n"
	"                           --sec-mgr HOST:PORT --sec-pool NAME\n"
	"  --socket PATH            for unix\n"
	"  --host NAME --port N     for tcp: 127.0.0.1, 6379\n"
	"  --user NAME --pass PASSWORD --spin-us N\n"
	"how much, how fast\n"
	"  --threads N              1; --fork: processes instead\n"
	"  --clients N              connections of all threads together: one a thread\n"
	"  --depth N                most requests of a client without a reply: the pipeline;\n"
	"                           also called --max-inflight\n"
	"  --pipeline N             requests published together: 1, or a quarter of the depth\n"
	"  --rate N                 requests a second, each timed from when it was due\n"
	"  --seconds N              end after that time\n"
	"what: tests\n"
	"  --tests LIST             set,get, or of\n"
	"                           %s\n"
	"  --requests N             of all threads, for each test: 1000000\n"
	"  --keys N                 200000\n"
	"  --distribution NAME      of them: uniform, zipfian, latest, sequential: uniform\n"
	"  --value-size BYTES       64\n"
	"  --read-share PERCENT     of GET in mixed: 90\n"
	"  --no-fill                do not write the keys before reading them\n"
	"or a workload\n"
	"  --workload FILE          a property file of YCSB\n"
	"  -p NAME=VALUE            and a property instead of the file's; may be repeated\n"
	"  --phase load|run|both    write the records, work on them: both\n"
	"what to print\n"
	"  --latency                average and percentiles\n"
	"  --cost                   full rings, sleeps, bells\n"
	"  --server-pid PID         measure that process's processor time, too\n"
	"  --json | --csv FILE      one object a line | rows under one header, appended\n"
	"  --label TEXT             ring\n"
	"  --progress               also where standard error is no terminal; --no-progress\n"
	"  --seed N                 1\n"
	"Numbers may end in K, M or G.\n";

enum { PROPERTIES_MAX = 64 };

static struct {
	struct load load;
	struct report report;
	struct tests tests;
	struct props props;
	struct secure_option secure;
	const char *names, *workload;
	const char *property[PROPERTIES_MAX];
	int properties;
	uint64_t requests;
	int server_pid, progress;
	bool no_fill, load_phase, run_phase;
	const char *of_tests, *of_workload; /* an option that was given and belongs to them */
} o = {.load = {.target = {.socket = "/var/run/redis/redis-server.sock",
					.host = "127.0.0.1", .port = 6379},
		   .seed = 1},
	.report = {.label = "ring"}, .names = "set,get", .progress = -1,
	.tests = {.work = {.items = 200000}, .read_share = 90, .value_size = 64},
	.load_phase = true, .run_phase = true};

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

/* ---- runs ---- */

static struct {
	const char *op;
	uint64_t total; /* 0: until the time is over */
} running;

static void progress(uint64_t done, uint64_t ns)
{
	report_progress(running.op, done, running.total, ns);
}

static int run(const char *op, const struct load *l, struct load_result *r)
{
	char why[WORK_WHY] = "";
	int rc;

	running.op = op;
	running.total = l->seconds > 0 ? 0 : l->requests;
	rc = load_run(l, r, why, sizeof why);
	report_progress_end();
	if (rc == -EINTR)
		fprintf(stderr, "cxl-bench: aborted\n");
	else if (rc)
		fprintf(stderr, "cxl-bench: failed: %s\n", why[0] ? why : err_name(rc));
	return rc;
}

/* ---- tests ---- */

/* Every key once, so that reads find what they check. */
static int fill(struct load_result *r)
{
	struct tests w = o.tests;
	struct load l = o.load;

	tests_init(&w, tests_find("set"));
	w.work.dist = DIST_SEQUENTIAL;
	l.work = &w.work;
	l.requests = w.work.items;
	l.latency = l.fork = false;
	l.threads = 1;
	l.clients = 0;
	l.rate = l.seconds = 0;
	l.pipeline = w.value_size < 64 << 10 ? 64 : 1;
	l.depth = l.pipeline * 8;
	return run("fill", &l, r);
}

/* The list that LRANGE reads, anew. */
static int fill_list(void)
{
	enum { LENGTH = 600 };
	const char *argv[2 + LENGTH] = {"DEL", "mylist"};
	size_t lens[2 + LENGTH] = {3, 6};
	char why[WORK_WHY] = "";
	struct target *t;
	struct cxlring_view v = {0};
	bool full;
	int rc, i;

	t = target_open(&o.load.target, why, sizeof why, &full);
	if (!t) {
		fprintf(stderr, "cxl-bench: failed: %s\n", why);
		return -ENOTCONN;
	}
	rc = target_call(t, 2, argv, lens);
	rc = rc ? rc : target_flush(t);
	rc = rc ? rc : target_next(t, &v, WAIT_REPLY);
	argv[0] = "RPUSH";
	lens[0] = 5;
	for (i = 2; i < 2 + LENGTH; i++) {
		argv[i] = data_value(&o.tests.work.data, 0);
		lens[i] = o.tests.value_size;
	}
	rc = rc ? rc : target_call(t, 2 + LENGTH, argv, lens);
	rc = rc ? rc : target_flush(t);
	rc = rc ? rc : target_next(t, &v, WAIT_REPLY);
	if (rc == 0 && (v.type != CXLRING_INTEGER || v.integer != LENGTH))
		rc = -EBADMSG;
	if (rc)
		fprintf(stderr, "cxl-bench: failed: %s\n",
			v.type == CXLRING_ERROR ? v.data : target_why(t));
	target_close(t);
	return rc;
}

static int prepare(const struct test *t, struct load_result *r, bool *filled)
{
	int rc = 0;

	if (tests_needs_list(t))
		return o.no_fill ? 0 : fill_list();
	if (tests_needs_keys(t) && !o.no_fill && !*filled)
		rc = fill(r);
	*filled = *filled || (tests_needs_keys(t) && rc == 0);
	if (tests_deletes(t))
		*filled = false;
	return rc;
}

static int run_test(const char *name, bool *filled)
{
	static struct load_result r;
	const struct test *t = tests_find(name);
	struct load l = o.load;
	struct row row = {.op = name, .load = &l, .result = &r, .hist = &r.kind[0].hist,
		.keys = o.tests.work.items, .value_size = o.tests.value_size};
	uint64_t cpu;
	int rc;

	rc = prepare(t, &r, filled);
	if (rc)
		return rc;
	tests_init(&o.tests, t);
	o.tests.may_miss = o.no_fill;
	l.work = &o.tests.work;
	if (l.work->dist == DIST_SEQUENTIAL && l.work->items < l.requests)
		l.requests = l.work->items;
	cpu = server_cpu_ns();
	rc = run(name, &l, &r);
	row.server_ns = server_cpu_ns() - cpu;
	row.count = r.requests;
	return rc == 0 && !report_row(&o.report, &row) ? -EIO : rc;
}

static int run_tests(void)
{
	char *names = strdup(o.names), *name, *rest = names;
	bool filled = false;
	int rc = 0;

	while ((name = strsep(&rest, ",")))
		if (!tests_find(name)) {
			fprintf(stderr, "cxl-bench: no test \"%s\"\n", name);
			free(names);
			return -EINVAL;
		}
	strcpy(names, o.names);
	o.load.requests = o.requests ? o.requests : o.load.seconds > 0 ? 1ull << 40 : 1000000;
	if (!data_init(&o.tests.work.data, o.tests.value_size, o.load.seed))
		rc = -ENOMEM;
	for (rest = names; rc == 0 && (name = strsep(&rest, ","));)
		rc = run_test(name, &filled);
	data_fini(&o.tests.work.data);
	free(names);
	return rc;
}

/* ---- workloads ---- */

static int report_phase(const struct row *whole, const struct ycsb *y)
{
	static struct hist all;
	struct row row = *whole;
	bool ok;
	unsigned k;

	hist_reset(&all);
	for (k = 0; k < y->work.nkinds; k++)
		hist_merge(&all, &row.result->kind[k].hist);
	row.hist = &all;
	row.count = row.result->requests;
	ok = report_row(&o.report, &row);
	row.part = true;
	for (k = 0; ok && k < y->work.nkinds && !y->loading; k++) {
		row.op = y->work.kinds[k];
		row.hist = &row.result->kind[k].hist;
		row.count = row.result->kind[k].count;
		ok = !row.count || report_row(&o.report, &row);
	}
	return ok ? 0 : -EIO;
}

static int run_phase(bool loading)
{
	static struct load_result r;
	struct load l = o.load;
	struct ycsb y;
	struct row row = {.op = loading ? "load" : "run", .load = &l, .result = &r,
		.keys = o.props.records, .value_size = o.props.fields * o.props.field_max};
	uint64_t cpu;
	int rc;

	if (!ycsb_init(&y, &o.props, loading, l.seed)) {
		fprintf(stderr, "cxl-bench: no memory\n");
		return -ENOMEM;
	}
	l.work = &y.work;
	l.requests = ycsb_requests(&y);
	if (loading)
		l.rate = l.seconds = 0;
	cpu = server_cpu_ns();
	rc = run(row.op, &l, &r);
	row.server_ns = server_cpu_ns() - cpu;
	if (rc == 0)
		rc = report_phase(&row, &y);
	ycsb_fini(&y);
	return rc;
}

static int run_workload(void)
{
	int rc = 0;

	o.report.workload = o.props.name;
	if (o.load_phase)
		rc = run_phase(true);
	if (rc == 0 && o.run_phase)
		rc = run_phase(false);
	return rc;
}

/* ---- options ---- */

static void on_signal(int unused)
{
	load_stop();
}

enum { TARGET = 256, REGION, OFFSET, MAP_SIZE, SOCKET, HOST, PORT, TESTS, READ_SHARE,
	REQUESTS, THREADS, CLIENTS, FORK, PIPELINE, DEPTH, RATE, SECONDS, KEYS, DISTRIBUTION,
	SEQUENTIAL, VALUE_SIZE, NO_FILL, WORKLOAD, PHASE, LATENCY, COST, SERVER_PID, JSON, CSV,
	LABEL, PROGRESS, NO_PROGRESS, SEED, SPIN, USER, PASS, HELP };

static const struct option options[] = {SECURE_OPTION_LONG, {"target", 1, NULL, TARGET},
	{"region", 1, NULL, REGION}, {"offset", 1, NULL, OFFSET},
	{"map-size", 1, NULL, MAP_SIZE}, {"socket", 1, NULL, SOCKET}, {"host", 1, NULL, HOST},
	{"port", 1, NULL, PORT}, {"tests", 1, NULL, TESTS}, {"read-share", 1, NULL, READ_SHARE},
	{"requests", 1, NULL, REQUESTS}, {"threads", 1, NULL, THREADS},
	{"clients", 1, NULL, CLIENTS}, {"fork", 0, NULL, FORK},
	{"pipeline", 1, NULL, PIPELINE}, {"depth", 1, NULL, DEPTH},
	{"max-inflight", 1, NULL, DEPTH}, {"rate", 1, NULL, RATE}, {"seconds", 1, NULL, SECONDS},
	{"keys", 1, NULL, KEYS}, {"distribution", 1, NULL, DISTRIBUTION},
	{"sequential", 0, NULL, SEQUENTIAL}, {"value-size", 1, NULL, VALUE_SIZE},
	{"no-fill", 0, NULL, NO_FILL}, {"workload", 1, NULL, WORKLOAD}, {"phase", 1, NULL, PHASE},
	{"latency", 0, NULL, LATENCY}, {"cost", 0, NULL, COST},
	{"server-pid", 1, NULL, SERVER_PID}, {"json", 0, NULL, JSON}, {"csv", 1, NULL, CSV},
	{"label", 1, NULL, LABEL}, {"progress", 0, NULL, PROGRESS},
	{"no-progress", 0, NULL, NO_PROGRESS}, {"seed", 1, NULL, SEED},
	{"spin-us", 1, NULL, SPIN}, {"user", 1, NULL, USER}, {"pass", 1, NULL, PASS},
	{"help", 0, NULL, HELP}, {NULL, 0, NULL, 0}};

static _Noreturn void refuse(const char *what, const char *why)
{
	fprintf(stderr, "cxl-bench: %s %s\n", what, why);
	exit(2);
}

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

static void take_phase(void)
{
	bool both = strcmp(optarg, "both") == 0;

	o.load_phase = both || strcmp(optarg, "load") == 0;
	o.run_phase = both || strcmp(optarg, "run") == 0;
	if (!o.load_phase && !o.run_phase)
		refuse("--phase", "takes load, run or both");
	o.of_workload = "--phase";
}

static void take_property(void)
{
	if (o.properties == PROPERTIES_MAX)
		refuse("-p", "can be given 64 times");
	o.property[o.properties++] = optarg;
	o.of_workload = "-p";
}

static const char *name_of(int c)
{
	static char text[32];
	int i = 0;

	while (options[i].val != c)
		i++;
	snprintf(text, sizeof text, "--%s", options[i].name);
	return text;
}

/* What only tests have. */
static bool take_test_option(int c)
{
	struct tests *t = &o.tests;

	switch (c) {
	case TESTS: o.names = optarg; break;
	case READ_SHARE: t->read_share = (unsigned)number("--read-share", 0, 100); break;
	case REQUESTS: o.requests = number("--requests", 1, 1ll << 40); break;
	case KEYS: t->work.items = number("--keys", 1, UINT32_MAX); break;
	case VALUE_SIZE: t->value_size = number("--value-size", 1, 512 << 20); break;
	case NO_FILL: o.no_fill = true; break;
	case SEQUENTIAL: t->work.dist = DIST_SEQUENTIAL; break;
	case DISTRIBUTION:
		if (!dist_parse(optarg, &t->work.dist))
			refuse("--distribution", "takes uniform, zipfian, latest or sequential");
		break;
	default: return false;
	}
	o.of_tests = name_of(c);
	return true;
}

static bool take_target_option(int c)
{
	struct target_options *t = &o.load.target;

	switch (c) {
	case TARGET:
		if (!target_parse(optarg, &t->kind))
			refuse("--target", "takes ring, unix or tcp");
		break;
	case REGION: t->ring.region = optarg; break;
	case OFFSET: t->ring.offset = number("--offset", 0, INT64_MAX); break;
	case MAP_SIZE: t->ring.map_size = number("--map-size", 0, INT64_MAX); break;
	case SPIN: t->ring.spin_us = spin_option(); break;
	case USER: t->ring.user = optarg; break;
	case PASS: t->ring.password = optarg; break;
	case SOCKET: t->socket = optarg; break;
	case HOST: t->host = optarg; break;
	case PORT: t->port = (int)number("--port", 1, UINT16_MAX); break;
	default: return false;
	}
	return true;
}

static void take_option(int c)
{
	if (take_target_option(c) || take_test_option(c) || secure_option_long(&o.secure, c, optarg))
		return;
	switch (c) {
	case THREADS: o.load.threads = (unsigned)number("--threads", 1, 1024); break;
	case CLIENTS: o.load.clients = (unsigned)number("--clients", 1, 16384); break;
	case FORK: o.load.fork = true; break;
	case PIPELINE: o.load.pipeline = (unsigned)number("--pipeline", 1, 1 << 20); break;
	case DEPTH: o.load.depth = (unsigned)number("--depth", 1, 1 << 20); break;
	case RATE: o.load.rate = (double)number("--rate", 1, 1000000000); break;
	case SECONDS: o.load.seconds = option_seconds("--seconds", optarg, 86400); break;
	case WORKLOAD: o.workload = optarg; break;
	case 'p': take_property(); break;
	case PHASE: take_phase(); break;
	case LATENCY: o.load.latency = true; break;
	case COST: o.report.cost = true; break;
	case SERVER_PID: o.server_pid = (int)number("--server-pid", 1, INT32_MAX); break;
	case JSON: o.report.json = true; break;
	case CSV: o.report.csv = optarg; break;
	case LABEL: o.report.label = optarg; break;
	case PROGRESS: o.progress = 1; break;
	case NO_PROGRESS: o.progress = 0; break;
	case SEED: o.load.seed = number("--seed", 0, INT64_MAX); break;
	default:
		fprintf(c == HELP ? stdout : stderr, usage, tests_names);
		exit(c == HELP ? 0 : 2);
	}
}

/* The file, what -p says instead, and what options say instead of both. */
static void take_workload(void)
{
	char why[512];
	bool ok;
	int i;

	props_init(&o.props);
	ok = props_load(&o.props, o.workload, why, sizeof why);
	for (i = 0; ok && i < o.properties; i++)
		ok = props_set(&o.props, o.property[i], why, sizeof why);
	ok = ok && props_check(&o.props, why, sizeof why);
	if (!ok) {
		fprintf(stderr, "cxl-bench: %s\n", why);
		exit(2);
	}
	if (!o.load.threads)
		o.load.threads = (unsigned)o.props.threads;
	if (o.load.rate == 0)
		o.load.rate = (double)o.props.target;
	if (o.load.seconds == 0)
		o.load.seconds = (double)o.props.seconds;
}

static void settle(void)
{
	struct load *l = &o.load;

	if (o.workload && o.of_tests)
		refuse(o.of_tests, "is for tests; a workload has properties");
	if (!o.workload && o.of_workload)
		refuse(o.of_workload, "is for a --workload");
	if (o.workload)
		take_workload();
	l->threads = l->threads ? l->threads : 1;
	if (l->clients && l->clients < l->threads)
		refuse("--clients", "takes at least as many as there are threads");
	if (!l->pipeline)
		l->pipeline = l->depth ? (l->depth + 3) / 4 : 1;
	if (l->depth < l->pipeline)
		l->depth = l->pipeline;
	o.report.server = o.server_pid != 0;
	if (o.progress < 0 ? isatty(STDERR_FILENO) : o.progress)
		l->progress = progress;
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_signal};
	int c, rc;

	while ((c = getopt_long(argc, argv, "p:", options, NULL)) != -1)
		take_option(c);
	if (optind < argc)
		refuse(argv[optind], "is no option");
	secure_ring_options(&o.load.target.ring, &o.secure);
	settle();
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	rc = o.workload ? run_workload() : run_tests();
	return rc == -EINTR ? 130 : rc != 0;
}
