/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard.h - what Redis checks before it runs a TCP client's command.
 *
 * A module's commands skip these checks, and a write during CLIENT PAUSE even aborts the
 * server; so before each write this says how it may go:
 *
 *     GUARD_FAST   plain master, all is well: the key API will do
 *     GUARD_CALL   through RM_Call, with the flags that guard_careful() and guard_over()
 *                  ask for: a replica, a disk error, too few replicas, cluster mode, or
 *                  over maxmemory; RM_Call finds the error
 *     GUARD_OOM    over maxmemory, and nothing can evict: -OOM
 *     GUARD_WAIT   not now: paused, or Redis is evicting; leave it in the ring
 *
 * Reads are asked for, too: a stale replica or a cluster node may not answer, and CLIENT
 * PAUSE may stop them.
 *
 * Disk errors and min-replicas are not visible to modules but in INFO, which is read at
 * most ten times a second: a write may slip through for as long.
 */
#ifndef CXLRING_GUARD_H
#define CXLRING_GUARD_H

#include <stdbool.h>

#include "rm.h"

enum guard_verdict { GUARD_FAST, GUARD_CALL, GUARD_OOM, GUARD_WAIT };

/* Forget what the last turn knew. */
void guard_turn(void);

enum guard_verdict guard_write(RedisModuleCtx *ctx);
enum guard_verdict guard_read(RedisModuleCtx *ctx);

/* Writes are being logged: replies have to wait for the file. */
bool guard_logging(RedisModuleCtx *ctx);

/* Paused rather than evicting, after GUARD_WAIT. */
bool guard_paused(void);

/* Whether the last verdict asks for RM_Call's S (the server is not a healthy master)
 * and its M (the limit was passed, and Redis has just tried to evict). */
bool guard_careful(void);
bool guard_over(void);

/*
 * guard_stale - does a script have to wait, since it would be refused for no reason?
 *
 * Whether memory was full Redis notes when a client's command comes, and scripts may not
 * grow anything while that note stands. By the ring no such command comes: what was noted
 * may be long over. So Redis is made to look again, as evict.h does. After guard_write().
 */
bool guard_stale(RedisModuleCtx *ctx);

/* In cluster mode, as of the last verdict. */
bool guard_cluster(void);

/* A command ran that may have changed the server's state (CONFIG SET, REPLICAOF). */
void guard_changed(void);

#endif
