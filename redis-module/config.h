/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h - settings: cxlring.* in redis.conf, module arguments, environment.
 *
 * The first of these that names a value wins: `cxlring.path` in redis.conf or on the
 * command line; a module argument (`loadmodule cxlring.so PATH map-size 16M`); the
 * environment (CXL_RING_PATH, CXL_RING_OFFSET, CXL_RING_MAP_SIZE, CXL_RING_COUNT for
 * `channels`, CXL_RING_SIZE, CXL_SHM_DELAY_NS); the default. The region's are fixed at
 * load, the others may be changed by CONFIG SET and hold from the next turn on.
 */
#ifndef CXLRING_CONFIG_H
#define CXLRING_CONFIG_H

#include "rm.h"

#include <stdint.h>

#include "err.h"

struct config {
	/* fixed at load */
	char path[256];
	long long offset;    /* of the region in that file, bytes */
	long long map_size;  /* bytes, 0: what there is, or 16 MiB for a new file */
	long long channels;  /* of a new region's kv service; 0: layout.h */
	long long ring_size; /* of those, bytes a direction; 0: layout.h */
	long long delay_ns;  /* injected latency per frame; -1: not set */
	/* changed by CONFIG SET */
	char zone_path[256];     /* region of the privacy zone (zone.h); empty: none */
	long long zone_offset;   /* as those of our own */
	long long zone_map_size;
	long long zone_timeout_ms; /* longest wait for its answer */
	long long budget_us; /* most of one turn, before TCP clients get theirs */
	long long budget_commands;
	long long spin_us;  /* most to spin without a request before sleeping */
	int secure;         /* enum trust_mode: sealed channels, greet.h */
	int zone_secure;    /* sealed channels to the zone, or none */
	struct trust *zone_trust; /* greet.c's: for those; NULL: plain ones */
	char cert[256], key[256], ca[256], crl[256], psk[256]; /* files, trust.h */
	char sec_mgr[256], sec_pool[256]; /* fixed at load: HOST:PORT of the manager, rights.h; a name */
	int prefetch;       /* prefetch.h, where it is possible */
	int fast_path;      /* 0: every command through RM_Call: exact commandstats,
						   MONITOR, SLOWLOG and encodings, at 0.2 to 0.8 of the
						   rate (docs/performance.md) */
};

extern struct config config;

/* Register, load, and fill in from argv and environment what Redis's configuration
 * left open. Returns 0 or -EINVAL; `e` says which value was not understood. */
MUST_CHECK int config_load(
	RedisModuleCtx *ctx, RedisModuleString **argv, int argc, struct err_text *e);

/* At unload: give back what CONFIG GET was shown. */
void config_free(void);

#endif
