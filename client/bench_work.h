/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_work.h - what is done, apart from how often, how fast and over what.
 *
 * Work is a stream of operations. An operation sends one request, takes its reply, and
 * then is done or has another request to send: YCSB's read-modify-write reads first and
 * writes when it has read. bench_load.c drives as many operations at once as it is told
 * to; bench_tests.c and bench_ycsb.c say what they are, and check each reply.
 */
#ifndef CLIENT_BENCH_WORK_H
#define CLIENT_BENCH_WORK_H

#include "bench_data.h"
#include "bench_dist.h"
#include "bench_target.h"

enum { WORK_KINDS = 6, WORK_WHY = 256 };

/* An operation under way. */
struct op {
	uint64_t key;
	uint64_t t0;       /* ticks: when it started, or should have */
	uint8_t kind;      /* which of the work's kinds: they are timed apart */
	uint32_t step;     /* requests whose replies were taken */
	uint32_t detail;   /* the work's own */
	void *more;        /* the work's own; drop() frees it */
};

/* One thread's or process's part in it. */
struct actor {
	const struct work *work;
	struct rng rng;
	struct dist dist;
	uint64_t next;   /* sequential: the next item */
	uint64_t misses; /* reads of what was not there, where that is no error */
	char why[WORK_WHY];
};

struct work_ops {
	/* The next operation: kind, key, detail. */
	void (*draw)(struct actor *a, struct op *op);
	/* The request of its present step: 0, -EAGAIN (no room: the same again later). */
	int (*send)(struct actor *a, struct op *op, struct target *t);
	/* Its reply: WORK_DONE, WORK_MORE, or -EBADMSG when it is wrong. */
	int (*take)(struct actor *a, struct op *op, struct target *t, const struct cxlring_view *v);
	/* Free op->more; op->more may be NULL. */
	void (*drop)(struct op *op);
};

enum { WORK_DONE, WORK_MORE };

/* Begins every work's own struct. */
struct work {
	const struct work_ops *ops;
	const char *const *kinds; /* names, nkinds of them */
	unsigned nkinds;
	enum dist_kind dist;
	uint64_t items;
	struct data data;
};

/* a->why says which request got what; -EBADMSG. */
int work_wrong(struct actor *a, const struct op *op, const struct cxlring_view *v);

#endif
