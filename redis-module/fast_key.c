/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fast_key.c - commands on keys of any type, and STRLEN.
 */
#include "keyapi.h"

/* More seconds than anybody means; what lies above overflows in ways of Redis's own. */
enum { SECONDS_MAX = 100000000 };

bool run_strlen(struct fast_call *f)
{
	return keyapi_length(f, REDISMODULE_KEYTYPE_STRING);
}

static bool time_to_live(struct fast_call *f, bool seconds)
{
	RedisModuleString *key = keyapi_string(f, 1);
	RedisModuleKey *k = RedisModule_OpenKey(
		f->ctx, key, REDISMODULE_READ | REDISMODULE_OPEN_KEY_NOTOUCH);
	mstime_t ms = -2;

	if (k) {
		ms = RedisModule_GetExpire(k);
		if (ms != REDISMODULE_NO_EXPIRE && seconds)
			ms = (ms + 500) / 1000;
	}
	RedisModule_CloseKey(k);
	session_int(f->s, f->id, ms);
	RedisModule_FreeString(NULL, key);
	return true;
}

bool run_ttl(struct fast_call *f)
{
	return time_to_live(f, true);
}

bool run_pttl(struct fast_call *f)
{
	return time_to_live(f, false);
}

/* Replicas and AOF get the moment, not the distance, as from EXPIRE itself. */
static bool expire_in(struct fast_call *f, long long ms)
{
	RedisModuleString *key = keyapi_string(f, 1);
	RedisModuleKey *k = RedisModule_OpenKey(f->ctx, key, REDISMODULE_WRITE);
	bool there = RedisModule_SetExpire(k, ms) == REDISMODULE_OK;
	long long at = RedisModule_GetAbsExpire(k);

	RedisModule_CloseKey(k);
	if (there) {
		RedisModule_Replicate(f->ctx, "PEXPIREAT", "sl", key, at);
		keyapi_changed(f, key, REDISMODULE_NOTIFY_GENERIC, "expire");
	}
	session_int(f->s, f->id, there);
	RedisModule_FreeString(NULL, key);
	return true;
}

bool run_expire(struct fast_call *f)
{
	long long s;

	return keyapi_number(f, 2, &s) && s > 0 && s < SECONDS_MAX &&
		   expire_in(f, s * 1000);
}

bool run_pexpire(struct fast_call *f)
{
	long long ms;

	return keyapi_number(f, 2, &ms) && ms > 0 && ms / 1000 < SECONDS_MAX &&
		   expire_in(f, ms);
}

bool run_persist(struct fast_call *f)
{
	RedisModuleString *key = keyapi_string(f, 1);
	RedisModuleKey *k = RedisModule_OpenKey(f->ctx, key, REDISMODULE_WRITE);
	bool had = RedisModule_GetAbsExpire(k) != REDISMODULE_NO_EXPIRE;

	if (had)
		RedisModule_SetExpire(k, REDISMODULE_NO_EXPIRE);
	RedisModule_CloseKey(k);
	if (had) {
		RedisModule_Replicate(f->ctx, "PERSIST", "s", key);
		keyapi_changed(f, key, REDISMODULE_NOTIFY_GENERIC, "persist");
	}
	session_int(f->s, f->id, had);
	RedisModule_FreeString(NULL, key);
	return true;
}

/*
 * DEL and UNLINK. RM_DeleteKey frees at once, whatever lazyfree-lazy-user-del says, so
 * what takes long to free is left to the command, key by key: to open a key is to let it
 * expire, which has to happen between the deletion of its neighbours.
 */
enum { LONG = 64 }; /* elements, as Redis's own threshold */

static bool takes_long(RedisModuleKey *k)
{
	int type = RedisModule_KeyType(k);

	return type == REDISMODULE_KEYTYPE_STREAM || type == REDISMODULE_KEYTYPE_MODULE ||
		   (type != REDISMODULE_KEYTYPE_STRING && RedisModule_ValueLength(k) > LONG);
}

/* Not propagated: that is done for all keys together. */
static bool delete_by_command(
	struct fast_call *f, const char *command, RedisModuleString *key)
{
	RedisModuleCallReply *r = RedisModule_Call(f->ctx, command, "s", key);
	bool deleted = r && RedisModule_CallReplyInteger(r) == 1;

	if (r)
		RedisModule_FreeCallReply(r);
	f->wrote |= deleted;
	return deleted;
}

static bool delete_key(struct fast_call *f, const char *command, RedisModuleString *key)
{
	RedisModuleKey *k = RedisModule_OpenKey(
		f->ctx, key, REDISMODULE_WRITE | REDISMODULE_OPEN_KEY_NOTOUCH);
	bool there = RedisModule_KeyType(k) != REDISMODULE_KEYTYPE_EMPTY;

	if (there && takes_long(k)) {
		RedisModule_CloseKey(k);
		return delete_by_command(f, command, key);
	}
	if (there)
		RedisModule_DeleteKey(k);
	RedisModule_CloseKey(k);
	if (there)
		keyapi_changed(f, key, REDISMODULE_NOTIFY_GENERIC, "del");
	return there;
}

static bool delete_keys(struct fast_call *f, const char *command)
{
	struct words w;
	int i, n = 0;

	words_take(&w, f);
	for (i = 0; i < w.n; i++)
		n += delete_key(f, command, w.v[i]);
	if (n)
		RedisModule_Replicate(f->ctx, command, "v", w.v, (size_t)w.n);
	session_int(f->s, f->id, n);
	words_free(&w);
	return true;
}

bool run_del(struct fast_call *f)
{
	return delete_keys(f, "DEL");
}

bool run_unlink(struct fast_call *f)
{
	return delete_keys(f, "UNLINK");
}
