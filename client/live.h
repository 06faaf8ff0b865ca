/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * live.h - cxl-cli's figures that go on: latency, and what the server does.
 */
#ifndef CLIENT_LIVE_H
#define CLIENT_LIVE_H

#include <stdbool.h>

#include "cxlring.h"

struct live {
	struct cxlring *c;
	double interval; /* seconds from line to line; 0: the default */
	long lines;      /* how many; below 0: until SIGINT or SIGTERM */
	bool terminal;   /* one line may be written over and over */
	bool history;    /* of latency: each line of its own interval alone */
};

/* A PING every 10 ms; how long they take, in microseconds. */
int live_latency(const struct live *l);

/* INFO, a line each interval. */
int live_stat(const struct live *l);

#endif
