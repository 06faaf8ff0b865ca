/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_string.c - ENC.SET and ENC.GET: SET and GET of encrypted values only, in their text
 * form or as they are. Neither asks the zone.
 */
#include "enc_commands.h"
#include "enc_value.h"

/* Whatever SET says; a value that GET adds to it is text, as ENC.GET's. */
static int reply_of_set(RedisModuleCtx *ctx, RedisModuleCallReply *r)
{
	struct zone_bytes old = {NULL, 0};
	size_t len;
	char *text;
	int rc;

	if (!r)
		return RedisModule_ReplyWithError(ctx, "ERR SET cannot be called");
	if (RedisModule_CallReplyType(r) == REDISMODULE_REPLY_STRING)
		old.p = (const uint8_t *)RedisModule_CallReplyStringPtr(r, &old.len);
	if (!old.p || !enc_value_type(old, NULL))
		return RedisModule_ReplyWithCallReply(ctx, r);
	text = enc_value_text(old, &len);
	rc = RedisModule_ReplyWithStringBuffer(ctx, text, len);
	RedisModule_Free(text);
	return rc;
}

int enc_cmd_set(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	struct zone_bytes v;
	RedisModuleCallReply *r;
	const char *why;
	uint8_t *owned;
	int rc;

	if (argc < 3)
		return RedisModule_WrongArity(ctx);
	if (!enc_value_take(argv[2], &v, &owned, &why))
		return RedisModule_ReplyWithError(ctx, why);
	r = RedisModule_Call(ctx, "SET", "E!sbv", argv[1], v.p, v.len, argv + 3,
		(size_t)argc - 3);
	RedisModule_Free(owned);
	rc = reply_of_set(ctx, r);
	if (r)
		RedisModule_FreeCallReply(r);
	return rc;
}

int enc_cmd_get(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	struct enc_read r;
	const char *why;
	size_t len;
	char *text;
	int rc;

	if (argc != 2)
		return RedisModule_WrongArity(ctx);
	why = enc_read(ctx, argv + 1, 1, &r);
	if (why)
		return RedisModule_ReplyWithError(ctx, why);
	if (r.v[0].p) {
		text = enc_value_text(r.v[0], &len);
		rc = RedisModule_ReplyWithStringBuffer(ctx, text, len);
		RedisModule_Free(text);
	} else {
		rc = RedisModule_ReplyWithNull(ctx);
	}
	enc_read_done(&r);
	return rc;
}
