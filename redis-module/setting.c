/* SPDX-License-Identifier: BSD-3-Clause */
#include "setting.h"

#include <stdlib.h>
#include <string.h>

/* The value; NULL: none. It lives as long as *r, which the caller frees if it is not NULL. */
static const char *look(
	RedisModuleCtx *ctx, const char *name, RedisModuleCallReply **r, size_t *len)
{
	RedisModuleCallReply *v = NULL;

	*r = RedisModule_Call(ctx, "CONFIG", "cc", "GET", name);
	if (*r && RedisModule_CallReplyType(*r) == REDISMODULE_REPLY_ARRAY)
		v = RedisModule_CallReplyArrayElement(*r, 1);
	if (!v || RedisModule_CallReplyType(v) != REDISMODULE_REPLY_STRING)
		return NULL;
	return RedisModule_CallReplyStringPtr(v, len);
}

long long setting_number(RedisModuleCtx *ctx, const char *name, long long otherwise)
{
	RedisModuleCallReply *r;
	size_t len;
	const char *s = look(ctx, name, &r, &len);
	long long n = s ? strtoll(s, NULL, 10) : otherwise; /* the reply's CR ends it */

	if (r)
		RedisModule_FreeCallReply(r);
	return n;
}

bool setting_is(RedisModuleCtx *ctx, const char *name, const char *value)
{
	RedisModuleCallReply *r;
	size_t len;
	const char *s = look(ctx, name, &r, &len);
	bool is = s && len == strlen(value) && memcmp(s, value, len) == 0;

	if (r)
		RedisModule_FreeCallReply(r);
	return is;
}
