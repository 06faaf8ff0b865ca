/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_zmember.c - ENC.ZCARD, ZSCORE, ZREM: of members, by their names. No zone.
 */
#include "enc_commands.h"
#include "enc_value.h"
#include "enc_zset.h"

/* ENC.ZCARD key */
int enc_cmd_zcard(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	const char *why;
	long long n;

	if (argc != 2)
		return RedisModule_WrongArity(ctx);
	why = zset_card(ctx, argv[1], &n);
	return why ? RedisModule_ReplyWithError(ctx, why) : RedisModule_ReplyWithLongLong(ctx, n);
}

/* ENC.ZSCORE key member */
int enc_cmd_zscore(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	struct zset_view v;
	const char *why;
	size_t len;
	char *text;

	if (argc != 3)
		return RedisModule_WrongArity(ctx);
	why = zset_find(ctx, argv[1], zset_bytes(argv[2]), &v);
	if (why)
		return RedisModule_ReplyWithError(ctx, why);
	if (v.n) {
		text = enc_value_text(v.entry->score, &len);
		RedisModule_ReplyWithStringBuffer(ctx, text, len);
		RedisModule_Free(text);
	} else {
		RedisModule_ReplyWithNull(ctx);
	}
	zset_done(&v);
	return REDISMODULE_OK;
}

/* ENC.ZREM key member [member ...]: all of them, or none and an error. */
int enc_cmd_zrem(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	RedisModuleString **gone;
	const char *why = NULL;
	size_t n = 0, k;
	long long removed = 0;
	int i;

	if (argc < 3)
		return RedisModule_WrongArity(ctx);
	gone = RedisModule_Alloc(2 * (size_t)argc * sizeof *gone);
	for (i = 2; i < argc && !why; i++) {
		struct zset_view v;

		why = zset_find(ctx, argv[1], zset_bytes(argv[i]), &v);
		if (why || !v.n)
			continue;
		gone[n++] = zset_element('c', v.entry->score);
		gone[n++] = zset_element('m', v.entry->member);
		zset_done(&v);
	}
	if (n && !why)
		why = zset_remove(ctx, argv[1], gone, n, &removed);
	if (why)
		RedisModule_ReplyWithError(ctx, why);
	else
		RedisModule_ReplyWithLongLong(ctx, removed);
	for (k = 0; k < n; k++)
		RedisModule_FreeString(NULL, gone[k]);
	RedisModule_Free(gone);
	return REDISMODULE_OK;
}
