/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_report.h - what was measured, on paper: for people, as JSON, as CSV; and how far
 * it is while it runs.
 */
#ifndef CLIENT_BENCH_REPORT_H
#define CLIENT_BENCH_REPORT_H

#include "bench_load.h"

struct report {
	const char *label, *csv; /* csv: file to append to, or NULL */
	const char *workload;    /* YCSB's, or NULL */
	bool json, cost, server; /* server: its processor time is known */
};

/* One line of results. */
struct row {
	const char *op;
	const struct load *load;
	const struct load_result *result;
	uint64_t count;         /* operations of this kind */
	const struct hist *hist;
	uint64_t keys;
	size_t value_size;
	uint64_t server_ns;
	bool part; /* of a workload: costs and processor time are those of the whole */
};

/* False: the CSV file cannot be written, and standard error says why. */
bool report_row(const struct report *r, const struct row *row);

/* A line on standard error that the next one overwrites; on no terminal, lines. total 0:
 * nobody knows. */
void report_progress(const char *op, uint64_t done, uint64_t total, uint64_t ns);
void report_progress_end(void);

#endif
