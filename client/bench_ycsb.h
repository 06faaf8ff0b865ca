/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_ycsb.h - work as YCSB's CoreWorkload has it, on records as its Redis binding
 * stores them.
 *
 * A record is a hash: HSET writes it, or the fields of an update (the binding says HMSET, its
 * old name), HGETALL or HMGET reads it. All keys are also members of the sorted set
 * "_indices", each at a score that is Java's hash of its name: a scan is ZRANGEBYSCORE from
 * a key's score on, and then a read of each record found. So an insert takes two requests, a
 * scan of n records n + 1, one after the other.
 *
 * Values are those of bench_data.h for key and field, whoever writes them: each that is
 * read is checked. Where records are deleted, one that is not there, or is there in part
 * since it was updated afterwards, is a miss and no error.
 */
#ifndef CLIENT_BENCH_YCSB_H
#define CLIENT_BENCH_YCSB_H

#include "bench_counter.h"
#include "bench_props.h"
#include "bench_work.h"

struct ycsb {
	struct work work;
	const struct props *props;
	struct counter *counter; /* owned */
	struct zipf field_zipf, scan_zipf;
	char (*field)[56]; /* their names, owned */
	double share_sum;
	bool loading;
};

/* False: no memory. The props live as long as the work. */
bool ycsb_init(struct ycsb *y, const struct props *p, bool loading, uint64_t seed);
void ycsb_fini(struct ycsb *y);

/* Operations of the phase. */
uint64_t ycsb_requests(const struct ycsb *y);

/* String.hashCode() of Java. */
int32_t ycsb_hash(const char *s, size_t len);

#endif
