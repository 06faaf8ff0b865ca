/* SPDX-License-Identifier: BSD-3-Clause */
#include "info.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

#include "config.h"
#include "counters.h"
#include "enc.h"
#include "fast.h"
#include "greet.h"
#include "keyspace.h"
#include "loop.h"

enum { ROWS = 64 };

struct info_rows {
	size_t n;
	struct {
		char name[24];
		uint64_t value;
		bool counts;
	} row[ROWS];
};

struct counters counters;

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

static struct info_rows base; /* what had been counted at the last RESET */

static void add(struct info_rows *rows, const char *name, uint64_t value, bool counts)
{
	assert(rows->n < ROWS);
	snprintf(rows->row[rows->n].name, sizeof rows->row->name, "%s", name);
	rows->row[rows->n].value = value;
	rows->row[rows->n++].counts = counts;
}

void info_now(struct info_rows *rows, const char *name, uint64_t value)
{
	add(rows, name, value, false);
}

void info_count(struct info_rows *rows, const char *name, uint64_t value)
{
	add(rows, name, value, true);
}

/* Since load. */
static void collect(struct info_rows *rows)
{
	struct loop_view v = loop_view();
	size_t i;

	rows->n = 0;
	info_now(rows, "region_bytes", v.region_bytes);
	info_now(rows, "channels", v.channels);
	info_now(rows, "channels_open", v.open);
	info_now(rows, "ring_bytes", v.ring_bytes);
	info_now(rows, "channels_sealed", greet_view.sealed);
	info_now(rows, "hot", v.hot);
	info_now(rows, "prefetch", config.prefetch && keyspace_readable());
	for (i = 0; i < sizeof numbers / sizeof *numbers; i++)
		info_count(rows, numbers[i].name, *numbers[i].at);
	info_count(rows, "handshakes", greet_view.handshakes);
	info_count(rows, "handshakes_failed", greet_view.failed);
	enc_info(rows);
	fast_info(rows);
}

static void look(struct info_rows *rows)
{
	size_t i;

	collect(rows);
	for (i = 0; i < base.n; i++)
		if (rows->row[i].counts)
			rows->row[i].value -= base.row[i].value;
}

void info_report(RedisModuleInfoCtx *ctx, int for_crash_report)
{
	struct info_rows rows;
	size_t i;

	look(&rows);
	RedisModule_InfoAddSection(ctx, "");
	RedisModule_InfoAddFieldCString(ctx, "region", config.path);
	RedisModule_InfoAddFieldCString(ctx, "zone", config.zone_path);
	for (i = 0; i < rows.n; i++)
		RedisModule_InfoAddFieldULongLong(ctx, rows.row[i].name, rows.row[i].value);
}

int info_reply(RedisModuleCtx *ctx)
{
	struct info_rows rows;
	size_t i;

	look(&rows);
	RedisModule_ReplyWithMap(ctx, (long)rows.n);
	for (i = 0; i < rows.n; i++) {
		RedisModule_ReplyWithCString(ctx, rows.row[i].name);
		RedisModule_ReplyWithLongLong(ctx, (long long)rows.row[i].value);
	}
	return REDISMODULE_OK;
}

void info_reset(void)
{
	collect(&base);
}
