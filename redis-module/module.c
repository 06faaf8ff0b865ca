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

#include "admin.h"
#include "call.h"
#include "config.h"
#include "fast.h"
#include "info.h"
#include "layout.h"
#include "loop.h"
#include "pause.h"
#include "slowlog.h"

/* -fvisibility=hidden would hide what Redis looks up by name. */
__attribute__((visibility("default"))) int RedisModule_OnLoad(
	RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
__attribute__((visibility("default"))) int RedisModule_OnUnload(RedisModuleCtx *ctx);

static struct region region;

/* Nothing was ever written there: a new file, or memory fresh from the device. */
static bool is_blank(const struct region *r)
{
	size_t i, n = r->size < REGION_HEAD_BYTES ? r->size : REGION_HEAD_BYTES;

	for (i = 0; i < n; i++)
		if (r->base[i])
			return false;
	return n > 0;
}

static int format(struct region *r, struct err_text *e)
{
	struct service_format f[LAYOUT_SERVICES];

	layout_default(f);
	if (config.channels > 0)
		f[0].nchannels = (uint32_t)config.channels;
	if (config.ring_size > 0)
		f[0].ring_bytes = (uint32_t)config.ring_size;
	return region_format(r, f, LAYOUT_SERVICES, false, e);
}

static uint64_t wanted_bytes(void)
{
	struct service_format f[LAYOUT_SERVICES];
	uint64_t need;

	layout_default(f);
	if (config.channels > 0)
		f[0].nchannels = (uint32_t)config.channels;
	if (config.ring_size > 0)
		f[0].ring_bytes = (uint32_t)config.ring_size;
	need = region_bytes(f, LAYOUT_SERVICES);
	return need > LAYOUT_BYTES ? need : LAYOUT_BYTES;
}

static int attach_region(struct err_text *e, bool *fresh)
{
	int rc = region_map(&region, config.path, (uint64_t)config.offset,
		(uint64_t)config.map_size, false, e);

	if (rc == -ENOENT || (rc == -EFBIG && config.map_size == 0))
		rc = region_map(&region, config.path, (uint64_t)config.offset,
			config.map_size ? (uint64_t)config.map_size : wanted_bytes(), true, e);
	else if (rc == -EFBIG)
		rc = region_map(&region, config.path, (uint64_t)config.offset,
			(uint64_t)config.map_size, true, e); /* only an empty file grows */
	if (rc)
		return rc;
	*fresh = is_blank(&region);
	rc = *fresh ? format(&region, e) : region_check(&region, e);
	if (rc)
		region_close(&region);
	return rc;
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
		rc = attach_region(&e, &fresh);
	if (rc == 0) {
		rc = loop_open(ctx, &region, &e);
		if (rc)
			region_close(&region);
	}
	if (rc) {
		RedisModule_Log(ctx, "warning", "not loaded: %s (%s)", e.s, err_name(rc));
		config_free();
		return REDISMODULE_ERR;
	}
	call_init(ctx);
	fast_init(ctx);
	pause_init(ctx);
	/* Writes are commands, which signal for themselves. */
	RedisModule_SetModuleOptions(ctx, REDISMODULE_OPTIONS_HANDLE_REPL_ASYNC_LOAD |
										  REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED);
	RedisModule_RegisterInfoFunc(ctx, info_report);
	announce(ctx, fresh);
	return REDISMODULE_OK;
}

int RedisModule_OnUnload(RedisModuleCtx *ctx)
{
	if (!loop_drain()) {
		RedisModule_Log(ctx, "warning",
			"not unloaded: clients do not read their answers (CXLRING.KILL)");
		return REDISMODULE_ERR;
	}
	loop_close();
	call_fini();
	slowlog_fini();
	region_close(&region);
	config_free();
	return REDISMODULE_OK;
}
