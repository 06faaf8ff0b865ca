/* SPDX-License-Identifier: BSD-3-Clause */
#include "info.h"

#include <string.h>

#include "config.h"
#include "counters.h"
#include "enc.h"
#include "fast.h"
#include "loop.h"
#include "prefetch.h"
#include "prefetch.h"

struct counters counters;

/* Numbers, in the order in which they are shown. */
static const struct {
	const char *name;
	const uint64_t *at;
} numbers[] = {
	{"requests", &counters.requests},
	{"requests_fast", &counters.fast},
	{"replies", &counters.replies},
	{"errors", &counters.errors},
	{"bytes_in", &counters.bytes_in},
	{"bytes_out", &counters.bytes_out},
	{"opened_channels", &counters.opened},
	{"opened_streams", &counters.streams},
	{"refused_channels", &counters.refused},
	{"killed_channels", &counters.killed},
	{"ring_full", &counters.ring_full},
	{"held_requests", &counters.held},
	{"turns", &counters.turns},
	{"sleeps", &counters.sleeps},
	{"wakeups", &counters.wakeups},
};

enum { NUMBERS = sizeof numbers / sizeof *numbers, VIEW = 6 };

/* What is the case now, and is not counted. */
static void look(const char *name[VIEW], uint64_t value[VIEW])
{
	struct loop_view v = loop_view();
	static const char *const names[VIEW] = {"region_bytes", "channels",
		"channels_open", "ring_bytes", "hot", "prefetch"};

	memcpy(name, names, sizeof names);
	value[0] = v.region_bytes;
	value[1] = v.channels;
	value[2] = v.open;
	value[3] = v.ring_bytes;
	value[4] = v.hot;
	value[5] = config.prefetch && prefetch_possible();
}

void info_report(RedisModuleInfoCtx *ctx, int for_crash_report)
{
	const char *name[VIEW];
	uint64_t value[VIEW];
	size_t i;

	look(name, value);
	RedisModule_InfoAddSection(ctx, "");
	RedisModule_InfoAddFieldCString(ctx, "region", config.path);
	for (i = 0; i < VIEW; i++)
		RedisModule_InfoAddFieldULongLong(ctx, (char *)(uintptr_t)name[i], value[i]);
	for (i = 0; i < NUMBERS; i++)
		RedisModule_InfoAddFieldULongLong(
			ctx, (char *)(uintptr_t)numbers[i].name, *numbers[i].at);
	enc_info(ctx);
	fast_report(ctx);
}

int info_reply(RedisModuleCtx *ctx)
{
	const char *name[VIEW];
	uint64_t value[VIEW];
	size_t i;

	look(name, value);
	RedisModule_ReplyWithMap(ctx, VIEW + NUMBERS);
	for (i = 0; i < VIEW; i++) {
		RedisModule_ReplyWithCString(ctx, name[i]);
		RedisModule_ReplyWithLongLong(ctx, (long long)value[i]);
	}
	for (i = 0; i < NUMBERS; i++) {
		RedisModule_ReplyWithCString(ctx, numbers[i].name);
		RedisModule_ReplyWithLongLong(ctx, (long long)*numbers[i].at);
	}
	return REDISMODULE_OK;
}

void info_reset(void)
{
	memset(&counters, 0, sizeof counters);
}
