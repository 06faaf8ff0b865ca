/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_load.h - the load: how many operations, how fast, from how many clients.
 *
 * Closed loop (rate 0): each client keeps up to `depth` operations under way, and its
 * next one starts when one of these is done.
 *
 * Open loop (rate > 0): operation i is due at i / rate, whatever became of the others. One
 * that cannot start in time, since the server is slow and every client busy, starts
 * late, and its latency counts from when it was due. So a server that stops for a
 * second is seen to have kept a second's worth of users waiting, and not just `depth` of
 * them ("coordinated omission").
 */
#ifndef CLIENT_BENCH_LOAD_H
#define CLIENT_BENCH_LOAD_H

#include "bench_work.h"
#include "stats.h"

struct load {
	struct target_options target;
	struct work *work;
	uint64_t requests; /* operations of all threads */
	double rate;       /* a second, of all threads; 0: closed loop */
	double seconds;    /* end after that time; 0: no limit */
	unsigned threads;
	unsigned clients;  /* connections; 0: one a thread */
	unsigned pipeline; /* requests published together */
	unsigned depth;    /* operations under way of one client; at least `pipeline` */
	uint64_t seed;
	bool latency; /* measure each */
	bool fork;    /* processes instead of threads */
	void (*progress)(uint64_t done, uint64_t ns); /* may be NULL; four times a second */
};

struct tally {
	uint64_t count;
	struct hist hist; /* latency, when asked for */
};

struct load_result {
	uint64_t requests; /* operations */
	uint64_t misses;
	uint64_t ns;     /* from the first one's start to the last one's end */
	uint64_t cpu_ns; /* of this process and its children */
	unsigned clients;
	struct cxlring_cost cost;
	struct tally kind[WORK_KINDS];
};

/* Run it. 0; -EINTR when load_stop() ended it; else `why` says what failed, and the
 * result means nothing. */
int load_run(const struct load *l, struct load_result *r, char *why, size_t len);

/* From a signal handler. */
void load_stop(void);

#endif
