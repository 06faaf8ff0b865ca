/* SPDX-License-Identifier: BSD-3-Clause */
#include "slowlog.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin.h"
#include "clock.h"
#include "identity.h"
#include "kvrequest.h"
#include "roster.h"
#include "setting.h"
#include "word.h"

enum { ARGS = 32, ARG_BYTES = 128, GET_DEFAULT = 10 }; /* as SLOWLOG has it */

struct entry {
	struct entry *next;
	long long id;
	long long time; /* s since 1970 */
	long long us;
	char who[64];
	char label[CHAN_LABEL + 1];
	int argc;
	RedisModuleString *argv[ARGS]; /* owned */
};

static struct {
	struct entry *newest;
	long long len;
	long long next_id;
	long long slower_us; /* -1: never */
	long long max_len;
	long long latency_ms; /* 0: never */
	bool known;
} log_;

uint64_t slowlog_least;

/* ---- settings ---- */

static uint64_t ticks_of_us(long long us)
{
	return us < 3600000000ll ? clock_from_ns((uint64_t)us * 1000) : UINT64_MAX;
}

static void look(RedisModuleCtx *ctx)
{
	uint64_t slow, late;

	if (log_.known)
		return;
	log_.known = true;
	log_.slower_us = setting_number(ctx, "slowlog-log-slower-than", -1);
	log_.max_len = setting_number(ctx, "slowlog-max-len", 128);
	log_.latency_ms = setting_number(ctx, "latency-monitor-threshold", 0);
	slow = log_.slower_us < 0 ? UINT64_MAX : ticks_of_us(log_.slower_us);
	late = log_.latency_ms ? ticks_of_us(log_.latency_ms * 1000) : UINT64_MAX;
	slowlog_least = slow < late ? slow : late;
}

/* Our asking is a command as well, which SLOWLOG may show: so not without need. */
void slowlog_configure(const char *setting)
{
	if (strcmp(setting, "slowlog-log-slower-than") != 0 &&
		strcmp(setting, "slowlog-max-len") != 0 &&
		strcmp(setting, "latency-monitor-threshold") != 0)
		return;
	log_.known = false;
	slowlog_least = 0;
}

/* ---- what a request says ---- */

static void add(struct entry *e, const void *p, size_t len)
{
	char cut[ARG_BYTES + 40];
	int n;

	if (e->argc == ARGS)
		return;
	if (len <= ARG_BYTES) {
		e->argv[e->argc++] = RedisModule_CreateString(NULL, p, len);
		return;
	}
	memcpy(cut, p, ARG_BYTES);
	n = snprintf(cut + ARG_BYTES, sizeof cut - ARG_BYTES, "... (%zu more bytes)",
		len - ARG_BYTES);
	e->argv[e->argc++] = RedisModule_CreateString(NULL, cut, ARG_BYTES + (size_t)n);
}

static void add_text(struct entry *e, const char *s)
{
	add(e, s, strlen(s));
}

/* From which argument on there may be passwords: behind the subcommand, if it has one. */
static uint32_t secrets_from(RedisModuleCtx *ctx, const struct entry *e)
{
	unsigned identity = e->argc ? identity_of(ctx, e->argv[0]) : 0;

	if (!(identity & IDENTITY_SECRET))
		return UINT32_MAX;
	return identity & IDENTITY_CONTAINER ? 2 : 1;
}

static void add_strings(RedisModuleCtx *ctx, struct entry *e, struct kvrequest *q)
{
	char text[48];
	uint32_t i, len, secret = UINT32_MAX;
	const uint8_t *p;

	for (i = 0; q->nstrings; i++) {
		if (i >= secret) {
			add_text(e, "(redacted)");
			return;
		}
		if (e->argc == ARGS - 1 && q->nstrings > 1) {
			snprintf(text, sizeof text, "... (%u more arguments)", q->nstrings);
			add_text(e, text);
			return;
		}
		p = kvrequest_string(q, &len);
		if (!p)
			return;
		add(e, p, len);
		if (i == 0)
			secret = secrets_from(ctx, e);
	}
}

/* The client may have changed it since it was run. */
static void describe(RedisModuleCtx *ctx, struct entry *e, uint8_t kind,
	const uint8_t *data, uint64_t len)
{
	struct kvrequest q;
	char number[24];

	if (kind != KV_CALL)
		add_text(e, kvrequest_name(kind));
	if (kvrequest_read(&q, kind, data, len))
		return;
	if (kind == KV_AUTH) {
		add_text(e, "(redacted)");
		return;
	}
	if (q.key)
		add(e, q.key, q.key_len);
	if (q.value)
		add(e, q.value, q.value_len);
	if (kind == KV_INCRBY) {
		snprintf(number, sizeof number, "%lld", (long long)q.number);
		add_text(e, number);
	}
	add_strings(ctx, e, &q);
}

/* ---- the log ---- */

static void drop(struct entry *e)
{
	while (e->argc)
		RedisModule_FreeString(NULL, e->argv[--e->argc]);
	RedisModule_Free(e);
	log_.len--;
}

static void trim(long long len)
{
	struct entry **at = &log_.newest, *e;

	for (; *at && len > 0; len--)
		at = &(*at)->next;
	while ((e = *at)) {
		*at = e->next;
		drop(e);
	}
}

static void push(RedisModuleCtx *ctx, const struct session *s, uint8_t kind,
	const uint8_t *data, uint64_t len, long long us)
{
	struct entry *e = RedisModule_Calloc(1, sizeof *e);

	e->id = log_.next_id++;
	e->time = (long long)time(NULL);
	e->us = us;
	snprintf(e->who, sizeof e->who, "id=%llu pid=%u", (unsigned long long)s->tally.id,
		ident_pid(s->chan->owner));
	session_label(s, e->label);
	describe(ctx, e, kind, data, len);
	e->next = log_.newest;
	log_.newest = e;
	log_.len++;
	trim(log_.max_len);
}

void slowlog_request(RedisModuleCtx *ctx, const struct session *s, uint8_t kind,
	const uint8_t *data, uint64_t len, uint64_t ticks)
{
	long long us;

	look(ctx);
	if (ticks < slowlog_least)
		return;
	us = (long long)(clock_to_ns(ticks) / 1000);
	if (log_.slower_us >= 0 && us >= log_.slower_us)
		push(ctx, s, kind, data, len, us);
	if (log_.latency_ms && us / 1000 >= log_.latency_ms)
		RedisModule_LatencyAddSample("cxlring-command", us / 1000);
}

void slowlog_turn(RedisModuleCtx *ctx, uint64_t ticks)
{
	long long ms = (long long)(clock_to_ns(ticks) / 1000000);

	/* A turn of nothing but streams does not ask: their commands are in Redis's own
	 * SLOWLOG, and our question would be among them. What took a millisecond may. */
	if (ms)
		look(ctx);
	if (log_.known && log_.latency_ms && ms >= log_.latency_ms)
		RedisModule_LatencyAddSample("cxlring-turn", ms);
}

/* ---- the command ---- */

static int reply_entries(RedisModuleCtx *ctx, long long n)
{
	const struct entry *e = log_.newest;
	int i;

	if (n < 0 || n > log_.len)
		n = log_.len;
	RedisModule_ReplyWithArray(ctx, n);
	for (; n > 0; n--, e = e->next) {
		RedisModule_ReplyWithArray(ctx, 6);
		RedisModule_ReplyWithLongLong(ctx, e->id);
		RedisModule_ReplyWithLongLong(ctx, e->time);
		RedisModule_ReplyWithLongLong(ctx, e->us);
		RedisModule_ReplyWithArray(ctx, e->argc);
		for (i = 0; i < e->argc; i++)
			RedisModule_ReplyWithString(ctx, e->argv[i]);
		RedisModule_ReplyWithCString(ctx, e->who);
		RedisModule_ReplyWithCString(ctx, e->label);
	}
	return REDISMODULE_OK;
}

static int cmd_slowlog(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	long long n = GET_DEFAULT;

	if (!admin_allowed(ctx, "slowlog", "get"))
		return REDISMODULE_OK;
	if (argc < 2 || argc > 3)
		return RedisModule_WrongArity(ctx);
	if (argc == 2 && word_is(argv[1], "len"))
		return RedisModule_ReplyWithLongLong(ctx, log_.len);
	if (argc == 2 && word_is(argv[1], "reset")) {
		trim(0);
		return RedisModule_ReplyWithSimpleString(ctx, "OK");
	}
	if (!word_is(argv[1], "get"))
		return RedisModule_ReplyWithError(
			ctx, "ERR CXLRING.SLOWLOG knows GET [count], LEN and RESET");
	if (argc == 3 &&
		(RedisModule_StringToLongLong(argv[2], &n) != REDISMODULE_OK || n < -1))
		return RedisModule_ReplyWithError(
			ctx, "ERR count should be greater than or equal to -1");
	return reply_entries(ctx, n);
}

int slowlog_init(RedisModuleCtx *ctx)
{
	memset(&log_, 0, sizeof log_);
	slowlog_least = 0;
	if (RedisModule_CreateCommand(ctx, "cxlring.slowlog", cmd_slowlog,
			"admin deny-script no-monitor no-slowlog allow-loading allow-stale allow-busy", 0, 0, 0) !=
		REDISMODULE_OK)
		return REDISMODULE_ERR;
	return REDISMODULE_OK;
}

void slowlog_fini(void)
{
	trim(0);
}
