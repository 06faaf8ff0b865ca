/* SPDX-License-Identifier: BSD-3-Clause */
#include "guard.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "cluster.h"
#include "evict.h"
#include "pause.h"

enum { INFO_MS = 100 };

static struct {
	bool known; /* flags and pause are this turn's */
	enum pause pause;
	bool trouble; /* disk error or min-replicas, by INFO */
	bool over;
	bool probed;  /* what Redis noted of memory is in `full` */
	bool full;
	bool renewing; /* guard_stale() had Redis look again */
	bool granted; /* a write went on what Redis evicted: ask anew next turn */
	int flags;
	uint64_t info_ms;
} g;

void guard_turn(void)
{
	g.known = g.probed = false;
	if (g.granted)
		evict_again();
	g.granted = false;
	cluster_forget();
}

void guard_changed(void)
{
	g.known = false;
	g.info_ms = 0;
}

static bool info_has(RedisModuleServerInfoData *d, const char *field, const char *bad)
{
	const char *v = RedisModule_ServerInfoGetFieldC(d, field);

	return v && (!bad || strcmp(v, bad) == 0);
}

static void read_info(RedisModuleCtx *ctx)
{
	RedisModuleServerInfoData *d = RedisModule_GetServerInfo(ctx, "persistence");

	g.trouble = info_has(d, "rdb_last_bgsave_status", "err") ||
				info_has(d, "aof_last_write_status", "err");
	RedisModule_FreeServerInfo(ctx, d);
	d = RedisModule_GetServerInfo(ctx, "replication");
	g.trouble |= info_has(d, "min_slaves_good_slaves", NULL);
	RedisModule_FreeServerInfo(ctx, d);
}

static void look(RedisModuleCtx *ctx)
{
	uint64_t now;

	if (g.known)
		return;
	g.known = true;
	g.flags = RedisModule_GetContextFlags(ctx);
	g.pause = pause_look();
	now = clock_ms();
	if (now - g.info_ms >= INFO_MS) {
		read_info(ctx);
		g.info_ms = now;
	}
}

bool guard_careful(void)
{
	return g.trouble || !(g.flags & REDISMODULE_CTX_FLAGS_MASTER) ||
		   (g.flags & (REDISMODULE_CTX_FLAGS_CLUSTER | REDISMODULE_CTX_FLAGS_LOADING |
						 REDISMODULE_CTX_FLAGS_ASYNC_LOADING));
}

bool guard_cluster(void)
{
	return g.flags & REDISMODULE_CTX_FLAGS_CLUSTER;
}

bool guard_over(void)
{
	return g.over;
}

enum guard_verdict guard_write(RedisModuleCtx *ctx)
{
	look(ctx);
	g.over = false;
	if (g.pause != PAUSE_NONE)
		return GUARD_WAIT;
	if ((g.flags & REDISMODULE_CTX_FLAGS_MAXMEMORY) &&
		RedisModule_GetUsedMemoryRatio() > 1.0f) {
		switch (evict_ask(ctx)) {
		case EVICT_DONE:
			g.over = g.granted = true;
			return GUARD_CALL;
		case EVICT_IMPOSSIBLE:
			return GUARD_OOM;
		default:
			return GUARD_WAIT;
		}
	}
	return guard_careful() ? GUARD_CALL : GUARD_FAST;
}

enum guard_verdict guard_read(RedisModuleCtx *ctx)
{
	enum { DOUBT = REDISMODULE_CTX_FLAGS_REPLICA_IS_STALE | REDISMODULE_CTX_FLAGS_CLUSTER |
				   REDISMODULE_CTX_FLAGS_LOADING | REDISMODULE_CTX_FLAGS_ASYNC_LOADING };

	look(ctx);
	g.over = false;
	if (g.pause == PAUSE_ALL)
		return GUARD_WAIT;
	return g.flags & DOUBT ? GUARD_CALL : GUARD_FAST;
}

/* RM_Call's M asks for the note before the command runs; this one then does nothing, whether
 * there is such a key or not. */
static bool noted_full(RedisModuleCtx *ctx)
{
	RedisModuleCallReply *r;

	errno = 0;
	r = RedisModule_Call(ctx, "SETRANGE", "Mccc", "", "0", "");
	if (r)
		RedisModule_FreeCallReply(r);
	return !r && errno == ENOSPC;
}

bool guard_stale(RedisModuleCtx *ctx)
{
	if (!(g.flags & REDISMODULE_CTX_FLAGS_MAXMEMORY) || g.over)
		return false;
	if (!g.probed)
		g.full = noted_full(ctx);
	g.probed = true;
	if (g.full && !g.renewing)
		evict_again(); /* what it was told last is from before */
	if (g.full && evict_ask(ctx) == EVICT_ASKED) {
		g.renewing = true;
		return true;
	}
	/* If it is full for Redis all the same, then so be it. */
	g.granted |= g.renewing;
	g.renewing = false;
	return false;
}

bool guard_logging(RedisModuleCtx *ctx)
{
	look(ctx);
	return g.flags & REDISMODULE_CTX_FLAGS_AOF;
}

bool guard_paused(void)
{
	return g.pause != PAUSE_NONE;
}
