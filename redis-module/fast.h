/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fast.h - commands of CALL by the key API: no RM_Call, no RESP but for lists.
 *
 * For commands that make real loads, and where it saves a fifth of RM_Call's time or
 * more (docs/performance.md has the figures). What the key API cannot do as the command
 * does, an option or an odd argument, is left to RM_Call: fast_run() then has done
 * nothing.
 *
 * A name counts only while it is the command's own: one that `rename-command` took away
 * or gave to another command is not here.
 *
 * Each does what the command does to data, expiry, LRU, hits and misses, WATCH,
 * tracking, keyspace events, AOF and replicas; the differential tests compare all of
 * that. commandstats, SLOWLOG and MONITOR do not see it; fast_info() counts calls
 * instead.
 */
#ifndef CXLRING_FAST_H
#define CXLRING_FAST_H

#include <stdbool.h>

#include "session.h"

enum { FAST_ARGS = 32 };

/* An argument where the client wrote it: it may be changing, and is to be read once. */
struct fast_arg {
	const uint8_t *p;
	uint32_t len;
};

struct fast_call {
	RedisModuleCtx *ctx;
	struct session *s;
	uint64_t id;
	bool resp3;
	bool wrote; /* out */
	int argc;
	struct fast_arg argv[FAST_ARGS];
};

/* The command with that name and number of arguments; NULL: it is not one of these. */
struct fast_command *fast_find(const struct fast_arg *argv, int argc);

/* The verb that does the same (common/kv.h), 0 if there is none. */
uint8_t fast_verb(const struct fast_command *c);

/* Run it and answer it. False: RM_Call has to. */
MUST_CHECK bool fast_run(struct fast_command *c, struct fast_call *f);

/* Which names are the commands' own; called at load. */
void fast_init(RedisModuleCtx *ctx);

/* Calls of each command. */
struct info_rows;
void fast_info(struct info_rows *rows);

#endif
