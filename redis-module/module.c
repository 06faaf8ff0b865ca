/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * module.c - cxlring.so as Redis sees it: load and unload.
 *
 *     redis-server --loadmodule cxlring.so PATH
 *
 * Everything that can fail happens before anything is announced to clients; a load that
 * fails says why in one line and leaves nothing behind.
 */
#define REDISMODULE_MAIN
#include "rm.h"

#include <sodium.h>
#include <unistd.h>

#include "admin.h"
#include "call.h"
#include "config.h"
#include "enc.h"
#include "fast.h"
#include "info.h"
#include "keyspace.h"
#include "layout.h"
#include "lookup.h"
#include "loop.h"
#include "pause.h"
#include "slowlog.h"

/* -fvisibility=hidden would hide what Redis looks up by name. */
__attribute__((visibility("default"))) int RedisModule_OnLoad(
	RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
__attribute__((visibility("default"))) int RedisModule_OnUnload(RedisModuleCtx *ctx);

static struct region region;

static int attach_region(struct err_text *e, bool *fresh)
{
	struct layout_wish w = {config.path, (uint64_t)config.offset, (uint64_t)config.map_size,
		(uint32_t)config.channels, (uint32_t)config.ring_size};

	return layout_attach(&region, &w, fresh, e);
}

static void announce(RedisModuleCtx *ctx, bool fresh)
{
	struct loop_view v = loop_view();

	RedisModule_Log(ctx, "notice",
		"serving \"%s\" in region %s%s: %u channels with rings of %u bytes, %llu bytes in "
		"all",
		"kv", config.path, fresh ? " (new)" : "", v.channels, v.ring_bytes,
		(unsigned long long)v.region_bytes);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	struct err_text e = {"?"};
	bool fresh = false;
	const char *why;
	int rc;

	if (RedisModule_Init(ctx, "cxlring", 1, REDISMODULE_APIVER_1) != REDISMODULE_OK)
		return REDISMODULE_ERR;
	if (!RedisModule_EventLoopAdd || !RedisModule_GetModuleUserACLString ||
		!RedisModule_KeyExists) {
		RedisModule_Log(ctx, "warning", "Redis 7.0.6 or later is needed");
		return REDISMODULE_ERR;
	}
	rc = sodium_init() < 0 ? -EIO : config_load(ctx, argv, argc, &e);
	if (rc == 0 && (admin_init(ctx) != REDISMODULE_OK || slowlog_init(ctx) != REDISMODULE_OK)) {
		err_set(&e, "another module has a command of these names: CXLRING.*");
		rc = -EEXIST;
	}
	if (rc == 0)
		rc = enc_init(ctx, &e);
	if (rc == 0)
		rc = attach_region(&e, &fresh);
	if (rc == 0) {
		rc = loop_open(ctx, &region, &e);
		if (rc)
			region_close(&region);
	}
	if (rc) {
		RedisModule_Log(ctx, "warning", "not loaded: %s (%s)", e.s, err_name(rc));
		config_free();
		while (!lookup_stop()) /* our code goes, and a thread may be in it */
			usleep(1000);
		return REDISMODULE_ERR;
	}
	call_init(ctx);
	fast_init(ctx);
	why = keyspace_init(ctx);
	if (why)
		RedisModule_Log(ctx, "notice", "keys are not prefetched: %s", why);
	pause_init(ctx);
	/* Commands signal for themselves, and keyapi.c does for what it writes. */
	RedisModule_SetModuleOptions(ctx, REDISMODULE_OPTIONS_HANDLE_REPL_ASYNC_LOAD |
										  REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED);
	RedisModule_RegisterInfoFunc(ctx, info_report);
	announce(ctx, fresh);
	return REDISMODULE_OK;
}

int RedisModule_OnUnload(RedisModuleCtx *ctx)
{
	if (enc_busy()) {
		RedisModule_Log(ctx, "warning", "not unloaded: the zone has not answered yet");
		return REDISMODULE_ERR;
	}
	if (!lookup_stop()) {
		RedisModule_Log(ctx, "warning", "not unloaded: the manager's name is being looked up");
		return REDISMODULE_ERR;
	}
	if (!loop_drain()) {
		RedisModule_Log(ctx, "warning",
			"not unloaded: clients do not read their answers (CXLRING.KILL)");
		lookup_resume();
		return REDISMODULE_ERR;
	}
	loop_close();
	enc_fini();
	call_fini();
	slowlog_fini();
	region_close(&region);
	config_free();
	return REDISMODULE_OK;
}
