/* SPDX-License-Identifier: BSD-3-Clause */
#include "keyapi.h"

enum { NUMBER_MAX = 20 }; /* digits of a 64-bit number and its sign */

RedisModuleString *keyapi_string(const struct fast_call *f, int i)
{
	return RedisModule_CreateString(NULL, (const char *)f->argv[i].p, f->argv[i].len);
}

void words_take(struct words *w, const struct fast_call *f)
{
	for (w->n = 0; w->n < f->argc - 1; w->n++)
		w->v[w->n] = keyapi_string(f, w->n + 1);
}

void words_free(struct words *w)
{
	while (w->n > 0)
		RedisModule_FreeString(NULL, w->v[--w->n]);
}

enum found keyapi_open(const struct fast_call *f, RedisModuleString *name, int mode,
	int type, RedisModuleKey **k)
{
	int is;

	*k = RedisModule_OpenKey(f->ctx, name, mode);
	is = RedisModule_KeyType(*k);
	if (is == type)
		return FOUND;
	if (is == REDISMODULE_KEYTYPE_EMPTY)
		return MISSING;
	RedisModule_CloseKey(*k);
	session_error(f->s, f->id, session_wrong_type);
	return WRONG;
}

bool keyapi_exists(RedisModuleCtx *ctx, RedisModuleString *key)
{
	RedisModuleKey *k = RedisModule_OpenKey(
		ctx, key, REDISMODULE_WRITE | REDISMODULE_OPEN_KEY_NOTOUCH);
	bool there = RedisModule_KeyType(k) != REDISMODULE_KEYTYPE_EMPTY;

	RedisModule_CloseKey(k);
	return there;
}

void keyapi_changed(
	struct fast_call *f, RedisModuleString *key, int class, const char *event)
{
	f->wrote = true;
	RedisModule_SignalModifiedKey(f->ctx, key);
	RedisModule_NotifyKeyspaceEvent(f->ctx, class, event, key);
}

bool keyapi_number(const struct fast_call *f, int i, long long *v)
{
	RedisModuleString *s;
	bool ok;

	if (f->argv[i].len > NUMBER_MAX)
		return false;
	s = keyapi_string(f, i);
	ok = RedisModule_StringToLongLong(s, v) == REDISMODULE_OK;
	RedisModule_FreeString(NULL, s);
	return ok;
}

bool keyapi_length(struct fast_call *f, int type)
{
	RedisModuleString *key = keyapi_string(f, 1);
	RedisModuleKey *k;
	enum found found = keyapi_open(f, key, REDISMODULE_READ, type, &k);

	if (found != WRONG) {
		session_int(f->s, f->id, found ? (int64_t)RedisModule_ValueLength(k) : 0);
		RedisModule_CloseKey(k);
	}
	RedisModule_FreeString(NULL, key);
	return true;
}
