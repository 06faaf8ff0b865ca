/* SPDX-License-Identifier: BSD-3-Clause */
#include "live.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "err.h"
#include "stats.h"

enum {
	SAMPLE_MS = 10, /* between two PINGs, as redis-cli has it */
	SHOW_MS = 100,  /* a terminal's line is written anew */
	HEADER_EVERY = 20,
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	stopped = sig;
}

/* An interval that is cut short ends with its line, and not amid it. */
static void stop_on_signals(void)
{
	struct sigaction a = {.sa_handler = on_signal};

	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
}

static void pause_ms(uint64_t ms)
{
	struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

static int failed(struct cxlring *c, int rc)
{
	fprintf(stderr, "Error: %s\n", cxlring_why(c)[0] ? cxlring_why(c) : err_name(rc));
	return -1;
}

static int refused(struct cxlring_reply *r)
{
	fprintf(stderr, "Error: %s\n", r->type == CXLRING_ERROR ? r->str : "an answer of another type");
	cxlring_free(r);
	return -1;
}

/* ---- latency ---- */

static int sample(struct cxlring *c, struct hist *h)
{
	uint64_t t0 = clock_ticks();
	struct cxlring_reply *r;
	int rc = cxlring_ping(c, &r);

	if (rc)
		return failed(c, rc);
	if (r->type != CXLRING_STATUS)
		return refused(r);
	hist_record(h, clock_to_ns(clock_ticks() - t0));
	cxlring_free(r);
	return 0;
}

static void show_latency(const struct hist *h, const char *before, const char *after)
{
	printf("%smin: %.1f, max: %.1f, avg: %.1f, p50: %.1f, p99: %.1f us (%llu samples)%s",
		before, (double)h->min / 1000, (double)h->max / 1000, hist_mean(h) / 1000,
		(double)hist_percentile(h, 50) / 1000, (double)hist_percentile(h, 99) / 1000,
		(unsigned long long)h->count, after);
	fflush(stdout);
}

/* One line's worth of samples. */
static int latency_line(const struct live *l, struct hist *h, uint64_t interval_ms)
{
	bool for_ever = l->terminal && !l->history && l->lines < 0;
	uint64_t t0 = clock_ms(), shown = t0;
	int rc;

	do {
		rc = sample(l->c, h);
		if (rc)
			break;
		if (l->terminal && clock_ms() - shown >= SHOW_MS) {
			shown = clock_ms();
			show_latency(h, "\r\033[K", "");
		}
		pause_ms(SAMPLE_MS);
	} while (!stopped && (for_ever || clock_ms() - t0 < interval_ms));
	return rc;
}

int live_latency(const struct live *l)
{
	double seconds = l->interval > 0 ? l->interval : l->history ? 15 : 1;
	struct hist *h = calloc(1, sizeof *h);
	long left = l->lines;
	int rc = h ? 0 : -1;

	stop_on_signals();
	while (rc == 0 && !stopped && left != 0) {
		if (l->history)
			hist_reset(h);
		rc = latency_line(l, h, (uint64_t)(seconds * 1000));
		if (h->count)
			show_latency(h, l->terminal ? "\r\033[K" : "", "\n");
		left -= left > 0;
	}
	free(h);
	return rc;
}

/* ---- what the server does ---- */

/* The number of a field of INFO; -1: it has none of that name. */
static int64_t field(const char *info, const char *name)
{
	size_t n = strlen(name);
	const char *p = info;

	while ((p = strstr(p, name))) {
		if ((p == info || p[-1] == '\n') && p[n] == ':')
			return strtoll(p + n + 1, NULL, 10);
		p += n;
	}
	return -1;
}

/* Of all databases: "db0:keys=5,expires=0,avg_ttl=0" */
static int64_t count_keys(const char *info)
{
	const char *p = info;
	int64_t n = 0;

	while ((p = strstr(p, ":keys="))) {
		p += strlen(":keys=");
		n += strtoll(p, NULL, 10);
	}
	return n;
}

static const char *human(int64_t bytes, char text[16])
{
	static const char units[] = "BKMGTP";
	double n = (double)bytes;
	size_t u = 0;

	for (; n >= 1024 && u + 2 < sizeof units; u++)
		n /= 1024;
	snprintf(text, 16, u ? "%.2f%c" : "%.0f%c", n, units[u]);
	return text;
}

struct figures {
	int64_t keys, memory, clients, blocked, commands, channels, requests;
	uint64_t at_ms;
};

static int look(struct cxlring *c, struct figures *f)
{
	static const char *const info[] = {"INFO", "everything"};
	struct cxlring_reply *r;
	int rc = cxlring_call(c, 2, info, NULL, 0, &r);

	if (rc)
		return failed(c, rc);
	if (r->type != CXLRING_STRING && r->type != CXLRING_VERB)
		return refused(r);
	*f = (struct figures){count_keys(r->str), field(r->str, "used_memory"),
		field(r->str, "connected_clients"), field(r->str, "blocked_clients"),
		field(r->str, "total_commands_processed"), field(r->str, "cxlring_channels_open"),
		field(r->str, "cxlring_requests"), clock_ms()};
	cxlring_free(r);
	return 0;
}

/* What came since the last look, in a second. Counters of a server that is another start
 * anew. */
static int64_t rate(int64_t now, int64_t before, uint64_t ms)
{
	return ms && now > before ? (int64_t)((double)(now - before) * 1000 / (double)ms + 0.5) : 0;
}

static void show_header(void)
{
	printf("------- data ------ -------------- all clients -------------- ------- over the ring "
		   "-------\n"
		   "keys       mem      clients blocked requests       per second channels requests   "
		   "    per second\n");
}

static void show_figures(const struct figures *f, const struct figures *before)
{
	uint64_t ms = f->at_ms - before->at_ms;
	char mem[16];

	printf("%-10lld %-8s %-7lld %-7lld %-14lld %-10lld ", (long long)f->keys,
		human(f->memory, mem), (long long)f->clients, (long long)f->blocked,
		(long long)f->commands, (long long)rate(f->commands, before->commands, ms));
	if (f->requests < 0)
		printf("-        -              -\n"); /* no module there: cxl-proxy --backend */
	else
		printf("%-8lld %-14lld %lld\n", (long long)f->channels, (long long)f->requests,
			(long long)rate(f->requests, before->requests, ms));
	fflush(stdout);
}

int live_stat(const struct live *l)
{
	double seconds = l->interval > 0 ? l->interval : 1;
	struct figures now, before;
	long n;
	int rc = 0;

	stop_on_signals();
	for (n = 0; rc == 0 && !stopped && n != l->lines; n++) {
		if (n > 0)
			pause_ms((uint64_t)(seconds * 1000));
		rc = stopped ? 0 : look(l->c, &now);
		if (rc || stopped)
			break;
		if (n % HEADER_EVERY == 0)
			show_header();
		if (n == 0)
			before = now;
		show_figures(&now, &before);
		before = now;
	}
	return rc;
}
