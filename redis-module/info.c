/* SPDX-License-Identifier: BSD-3-Clause */
#include "info.h"

#include "config.h"
#include "enc.h"
#include "loop.h"
#include "counters.h"
#include "fast.h"
#include "loop.h"
#include "prefetch.h"

struct counters counters;

void info_report(RedisModuleInfoCtx *ctx, int for_crash_report)
{
	struct loop_view v = loop_view();

	RedisModule_InfoAddSection(ctx, "");
	RedisModule_InfoAddFieldCString(ctx, "region", config.path);
	RedisModule_InfoAddFieldULongLong(ctx, "region_bytes", v.region_bytes);
	RedisModule_InfoAddFieldULongLong(ctx, "channels", v.channels);
	RedisModule_InfoAddFieldULongLong(ctx, "channels_open", v.open);
	RedisModule_InfoAddFieldULongLong(ctx, "ring_bytes", v.ring_bytes);
	RedisModule_InfoAddFieldULongLong(ctx, "hot", v.hot);
	RedisModule_InfoAddFieldULongLong(ctx, "prefetch", config.prefetch && prefetch_possible());
	RedisModule_InfoAddFieldULongLong(ctx, "requests", counters.requests);
	RedisModule_InfoAddFieldULongLong(ctx, "requests_fast", counters.fast);
	RedisModule_InfoAddFieldULongLong(ctx, "replies", counters.replies);
	RedisModule_InfoAddFieldULongLong(ctx, "errors", counters.errors);
	RedisModule_InfoAddFieldULongLong(ctx, "bytes_in", counters.bytes_in);
	RedisModule_InfoAddFieldULongLong(ctx, "bytes_out", counters.bytes_out);
	RedisModule_InfoAddFieldULongLong(ctx, "opened_channels", counters.opened);
	RedisModule_InfoAddFieldULongLong(ctx, "opened_streams", counters.streams);
	RedisModule_InfoAddFieldULongLong(ctx, "refused_channels", counters.refused);
	RedisModule_InfoAddFieldULongLong(ctx, "ring_full", counters.ring_full);
	RedisModule_InfoAddFieldULongLong(ctx, "held_requests", counters.held);
	RedisModule_InfoAddFieldULongLong(ctx, "turns", counters.turns);
	RedisModule_InfoAddFieldULongLong(ctx, "sleeps", counters.sleeps);
	RedisModule_InfoAddFieldULongLong(ctx, "wakeups", counters.wakeups);
	enc_info(ctx);
	fast_report(ctx);
}
