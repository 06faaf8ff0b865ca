/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"

enum { PERCENTILES = 6 };

static const double percents[PERCENTILES] = {50, 75, 90, 99, 99.9, 99.99};
static const char *const percent_names[PERCENTILES] = {
	"p50", "p75", "p90", "p99", "p99.9", "p99.99"};

static double rate_of(const struct row *w)
{
	return w->result->ns ? (double)w->count * 1e9 / (double)w->result->ns : 0;
}

static double us(const struct row *w, int i)
{
	return (double)hist_percentile(w->hist, percents[i]) / 1e3;
}

static double us_each(const struct row *w, uint64_t ns)
{
	return w->count ? (double)ns / 1e3 / (double)w->count : 0;
}

static void print_text(const struct report *r, const struct row *w)
{
	const struct cxlring_cost *c = &w->result->cost;
	int i;

	printf("%s%s: %.0f %s per second", w->part ? "  " : "", w->op, rate_of(w),
		r->workload ? "operations" : "requests");
	if (w->load->latency) {
		printf(", us avg %.2f", hist_mean(w->hist) / 1e3);
		for (i = 0; i < PERCENTILES; i++)
			printf(" %s %.2f", percent_names[i], us(w, i));
	}
	if (!w->part) {
		if (r->server)
			printf(", server %.3f us/op", us_each(w, w->server_ns));
		printf(", client %.3f us/op", us_each(w, w->result->cpu_ns));
		if (w->result->misses)
			printf(", %llu misses", (unsigned long long)w->result->misses);
	}
	if (r->cost && !w->part)
		printf(", full %llu sleeps %llu (%.1f ms) bells %llu", (unsigned long long)c->full,
			(unsigned long long)c->sleeps, (double)c->sleep_ns / 1e6,
			(unsigned long long)c->rings);
	printf("\n");
}

static void print_json(const struct report *r, const struct row *w)
{
	const struct load *l = w->load;
	const struct cxlring_cost *c = &w->result->cost;
	int i;

	printf("{\"label\":");
	escape_json(stdout, r->label);
	printf(",\"target\":\"%s\",\"op\":\"%s\",", target_name(l->target.kind), w->op);
	if (r->workload) {
		printf("\"workload\":");
		escape_json(stdout, r->workload);
		printf(",");
	}
	printf("\"threads\":%u,\"clients\":%u,\"processes\":%s,\"requests\":%llu,"
		   "\"pipeline\":%u,\"max_inflight\":%u,\"rate\":%.0f,\"keys\":%llu,"
		   "\"distribution\":\"%s\",\"value_size\":%zu,\"seconds\":%.6f,\"rps\":%.0f",
		l->threads, w->result->clients, l->fork ? "true" : "false",
		(unsigned long long)w->count, l->pipeline, l->depth, l->rate,
		(unsigned long long)w->keys, dist_name(l->work->dist), w->value_size,
		(double)w->result->ns / 1e9, rate_of(w));
	if (!w->part) {
		printf(",\"misses\":%llu,\"client_us\":%.4f", (unsigned long long)w->result->misses,
			us_each(w, w->result->cpu_ns));
		if (r->server)
			printf(",\"server_us\":%.4f", us_each(w, w->server_ns));
	}
	if (l->latency) {
		printf(",\"avg_us\":%.3f", hist_mean(w->hist) / 1e3);
		for (i = 0; i < PERCENTILES; i++)
			printf(",\"%s_us\":%.3f", percent_names[i], us(w, i));
		printf(",\"max_us\":%.3f", (double)w->hist->max / 1e3);
	}
	if (r->cost && !w->part)
		printf(",\"full\":%llu,\"sleeps\":%llu,\"sleep_ms\":%.2f,\"bells\":%llu",
			(unsigned long long)c->full, (unsigned long long)c->sleeps,
			(double)c->sleep_ns / 1e6, (unsigned long long)c->rings);
	printf("}\n");
}

/* The columns of the published prototype's files, so that they can be compared; what was
 * not measured is empty, not 0. */
static bool append_csv(const struct report *r, const struct row *w)
{
	const struct load *l = w->load;
	FILE *f = fopen(r->csv, "ae");
	bool ok;
	int i;

	if (!f) {
		fprintf(stderr, "cxl-bench: %s: %s\n", r->csv, strerror(errno));
		return false;
	}
	if (ftell(f) == 0)
		fprintf(f, "label,op,threads,rings,requests,pipeline,max_inflight,throughput_rps,"
				   "avg_us,p50_us,p75_us,p90_us,p99_us,p99.9_us,p99.99_us,push_retries,"
				   "sleep_ms\n");
	escape_csv(f, r->label);
	fprintf(f, ",%s,%u,%u,%llu,%u,%u,%.0f", w->op, l->threads, w->result->clients,
		(unsigned long long)w->count, l->pipeline, l->depth, rate_of(w));
	if (l->latency)
		fprintf(f, ",%.3f", hist_mean(w->hist) / 1e3);
	for (i = 0; l->latency && i < PERCENTILES; i++)
		fprintf(f, ",%.3f", us(w, i));
	if (!l->latency)
		fprintf(f, ",,,,,,,");
	if (w->part)
		fprintf(f, ",,\n");
	else
		fprintf(f, ",%llu,%.2f\n", (unsigned long long)w->result->cost.full,
			(double)w->result->cost.sleep_ns / 1e6);
	ok = !ferror(f);
	ok = fclose(f) == 0 && ok;
	if (!ok)
		fprintf(stderr, "cxl-bench: %s: %s\n", r->csv, strerror(errno));
	return ok;
}

bool report_row(const struct report *r, const struct row *w)
{
	if (r->json)
		print_json(r, w);
	else
		print_text(r, w);
	fflush(stdout);
	return !r->csv || append_csv(r, w);
}

/* ---- progress ---- */

static bool shown;

void report_progress(const char *op, uint64_t done, uint64_t total, uint64_t ns)
{
	double s = (double)ns / 1e9;
	bool tty = isatty(STDERR_FILENO);

	fprintf(stderr, "%s%s: ", tty ? "\r" : "", op);
	if (total)
		fprintf(stderr, "%.1f %%, ", 100 * (double)done / (double)total);
	fprintf(stderr, "%llu in %.1f s, %.0f per second%s", (unsigned long long)done, s,
		s > 0 ? (double)done / s : 0, tty ? "   " : "\n");
	shown = tty;
}

void report_progress_end(void)
{
	if (shown)
		fprintf(stderr, "\r\033[K");
	shown = false;
}
