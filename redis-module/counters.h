/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * counters.h - what INFO cxlring counts, since load.
 */
#ifndef CXLRING_COUNTERS_H
#define CXLRING_COUNTERS_H

#include <stdint.h>

struct counters {
	uint64_t requests;
	uint64_t replies;
	uint64_t bytes_in;  /* payload */
	uint64_t bytes_out;
	uint64_t errors;    /* error replies */
	uint64_t fast;      /* requests served by the key API or in a batch */
	uint64_t refused;   /* channels, for breaking the protocol */
	uint64_t killed;    /* channels, by CXLRING.KILL */
	uint64_t opened;    /* channels */
	uint64_t streams;   /* of them, became one */
	uint64_t ring_full; /* a reply had to wait for its reader */
	uint64_t held;      /* times that a request had to wait: pause, eviction, another turn */
	uint64_t turns;     /* of the event loop, with requests in them */
	uint64_t sleeps;
	uint64_t wakeups;
};

extern struct counters counters;

#endif
