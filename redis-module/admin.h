/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * admin.h - CXLRING.CLIENTS, CXLRING.KILL, CXLRING.STATS.
 *
 * What CLIENT LIST, CLIENT KILL and INFO are for TCP clients. docs/redis.md has the fields.
 *
 * Redis 7.0 gives commands of modules no ACL category, so that `-@dangerous` and `-@admin`
 * do not take them away. Therefore each asks in addition whether the user may run its
 * counterpart.
 */
#ifndef CXLRING_ADMIN_H
#define CXLRING_ADMIN_H

#include <stdbool.h>

#include "rm.h"

/* May the caller run this command of Redis? Else it has been answered -NOPERM. */
bool admin_allowed(RedisModuleCtx *ctx, const char *command, const char *sub);

/* Returns REDISMODULE_ERR when another module has one of the names. */
int admin_init(RedisModuleCtx *ctx);

#endif
