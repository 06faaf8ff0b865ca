/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hostile.h - channels and frames of clients that do what they must not, for hostile.c and
 * deaths.c: by libcxlring, or by a channel alone, of which there is one.
 */
#ifndef TESTS_REDIS_HOSTILE_H
#define TESTS_REDIS_HOSTILE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "kv.h"

static const char *path;
static struct region region;
static struct chan chan;

static uint64_t rng = 1;

static inline uint64_t draw(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static inline void attach_or_exit(struct chan *c, struct region *r)
{
	struct chan_config config = {.spin_ns = 20000};
	struct err_text e;

	if (region_open(r, path, 0, 0, &e) || chan_attach(c, r, KV_SERVICE, &config, &e)) {
		printf("not connected: %s\n", e.s);
		exit(2);
	}
}

/* False when there is no room. */
static inline bool put_frame(uint8_t kind, uint32_t n, const void *body, uint32_t len, uint8_t flags)
{
	struct kv_header h = {0, 0, n};
	uint8_t *at;

	if (ring_claim(&chan.tx, KV_HEADER + len, &at))
		return false;
	memcpy(at, &h, sizeof h);
	if (len)
		memcpy(at + KV_HEADER, body, len);
	ring_commit(&chan.tx, KV_HEADER + len, kind, flags, ++chan.next_id);
	return true;
}

/* The region, and what random numbers follow from. */
static inline void hostile_begin(const char *region_path, const char *seed)
{
	path = region_path;
	rng = 0x9e3779b97f4a7c15ull * (strtoull(seed, NULL, 10) + 1) ^ (uint64_t)getpid();
}

#endif
