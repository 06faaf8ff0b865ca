/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call.h - commands through RM_Call.
 */
#ifndef CXLRING_CALL_H
#define CXLRING_CALL_H

#include "session.h"

enum { CALL_RESP3 = 1, CALL_RAW = 2 };

/*
 * call_run - run a command and send its reply.
 *
 *   argv    the command's name first; stays the caller's
 *   flags   CALL_RESP3; CALL_RAW: reply in RESP, else as OK, NIL, VALUE, INT, ERROR
 *
 * As the session's user, propagated to replicas and AOF, with the checks that guard.h
 * asked for. A command that needs a connection of its own is refused.
 */
void call_run(RedisModuleCtx *ctx, struct session *s, uint64_t id, RedisModuleString **argv,
	int argc, int flags);

/*
 * call_alone - must this command not follow writes in the same turn?
 *
 * Those that fork or change who propagates: a turn's writes reach the AOF at its end, so
 * a rewrite begun in between would hold them, and get them once more.
 */
bool call_alone(RedisModuleCtx *ctx, RedisModuleString *name);

/* Is it refused when memory is full? */
bool call_grows(RedisModuleCtx *ctx, RedisModuleString *name);

/* Is it a script, for which Redis goes by what it noted of memory? guard_stale() */
bool call_script(RedisModuleCtx *ctx, RedisModuleString *name);

/* Called once at load and at unload. */
void call_init(RedisModuleCtx *ctx);
void call_fini(void);

#endif
