/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_load.h - the load: threads, keys, values, and the check of every reply.
 *
 * Key number k is "key:" and twelve digits. Its value is a slice of one block of random
 * bytes, at a place that k decides: so each reader can check each value, whoever wrote
 * it, and a reply that belongs to another request is noticed.
 */
#ifndef CLIENT_BENCH_LOAD_H
#define CLIENT_BENCH_LOAD_H

#include "bench_target.h"
#include "stats.h"

struct load {
	struct target_options target;
	enum op op;
	int read_share;      /* percent of GET among SET, when 0 .. 100; -1: only `op` */
	uint64_t requests;   /* of all threads */
	uint64_t keys;       /* k is 0 .. keys - 1 */
	bool sequential;     /* every key once, in order, instead of random ones */
	bool may_miss;       /* a key need not exist */
	bool latency;        /* measure each request */
	unsigned threads;
	unsigned pipeline;   /* requests published together */
	unsigned inflight;   /* most without a reply; at least `pipeline` */
	size_t value_size;
	uint64_t seed;
};

struct load_result {
	uint64_t requests;
	uint64_t misses;
	uint64_t ns;     /* from the first thread's start to the last one's end */
	uint64_t cpu_ns; /* of this process */
	unsigned channels;
	struct cxlring_cost cost;
	struct hist hist; /* latency, when asked for */
};

/* Run it. 0; -EINTR when load_stop() ended it; else `why` says what failed, and the
 * result means nothing. */
int load_run(const struct load *l, struct load_result *r, char *why, size_t len);

/* From a signal handler. */
void load_stop(void);

#endif
