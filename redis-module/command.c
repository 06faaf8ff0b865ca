/* SPDX-License-Identifier: BSD-3-Clause */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include "batch.h"
#include "call.h"
#include "config.h"
#include "cursor.h"
#include "fast.h"
#include "guard.h"
#include "counters.h"

static const char oom[] = "OOM command not allowed when used memory > 'maxmemory'.";

enum {
	ARGS_ON_STACK = 16,
	ARGS_MAX = 1024 * 1024, /* as Redis's multibulk limit */
	KEY_MAX = 512 << 20,
};

struct request {
	RedisModuleCtx *ctx;
	struct session *s;
	uint64_t id;
	struct kv_header h;
	struct cursor body;
	bool fast; /* the key API will do */
	bool oom;  /* what takes memory is refused */
	bool busy; /* the turn has written already */
	bool in_ring; /* all of it, and may stay there */
	bool wrote;
	struct fast_command *command; /* that a CALL is, or NULL */
	struct fast_call *call;
};

static RedisModuleString *string_of(const void *p, size_t len)
{
	return RedisModule_CreateString(NULL, p, len);
}

static void free_strings(RedisModuleString **v, int n)
{
	while (n > 0)
		RedisModule_FreeString(NULL, v[--n]);
}

/* The key of GET, SET, INCRBY: h.n bytes at the cursor; NULL when there are fewer, or
 * what stands before it was not there. */
static RedisModuleString *take_key(struct request *r)
{
	const uint8_t *p = cursor_bytes(&r->body, r->h.n);

	return p && !r->body.bad ? string_of(p, r->h.n) : NULL;
}

/* The same where nothing may follow. */
static RedisModuleString *take_last_key(struct request *r)
{
	return r->body.left == r->h.n ? take_key(r) : NULL;
}

static int run_ping(struct request *r)
{
	const uint8_t *p = cursor_bytes(&r->body, r->h.n);

	RedisModuleString *argv[2];

	if (!p || r->body.left)
		return -EPROTO;
	if (r->fast) {
		counters.fast++;
		session_reply(r->s, r->h.n ? KV_VALUE : KV_PONG, r->id, p, r->h.n);
		return 0;
	}
	argv[0] = string_of("ping", 4);
	argv[1] = string_of(p, r->h.n);
	call_run(r->ctx, r->s, r->id, argv, r->h.n ? 2 : 1, 0);
	free_strings(argv, 2);
	return 0;
}

/* By the key API when the value is long, which leaves it as it is; else by a command.
 */
static void get_fast(struct request *r, RedisModuleString *key)
{
	RedisModuleKey *k = RedisModule_OpenKey(r->ctx, key, REDISMODULE_READ);
	bool is_string = RedisModule_KeyType(k) == REDISMODULE_KEYTYPE_STRING;
	const char *p;
	size_t len;

	if (is_string && RedisModule_ValueLength(k) <= BATCH_SHORT) {
		RedisModule_CloseKey(k);
		r->s->short_values = true;
		batch_get(r->ctx, r->s, r->id, key, &r->wrote);
		return;
	}
	counters.fast++;
	if (is_string) {
		p = RedisModule_StringDMA(k, &len, REDISMODULE_READ);
		session_reply(r->s, KV_VALUE, r->id, p, len);
	} else if (k) {
		session_error(r->s, r->id, session_wrong_type);
	} else {
		session_reply(r->s, KV_NIL, r->id, NULL, 0);
	}
	RedisModule_CloseKey(k);
	RedisModule_FreeString(NULL, key);
}

/* The key is freed, or the batch's. */
static int get(struct request *r, RedisModuleString *key)
{
	RedisModuleString *argv[2] = {NULL, key};

	if (r->fast && r->s->short_values) {
		batch_get(r->ctx, r->s, r->id, key, &r->wrote);
		return 0;
	}
	batch_flush(r->ctx, &r->wrote);
	if (r->fast) {
		get_fast(r, key);
		return 0;
	}
	argv[0] = string_of("get", 3);
	call_run(r->ctx, r->s, r->id, argv, 2, 0);
	free_strings(argv, 2);
	return 0;
}

static int run_get(struct request *r)
{
	RedisModuleString *key = take_last_key(r);

	return key ? get(r, key) : -EPROTO;
}

/* SET's options as words, behind SET, key and value. Returns how many. */
static int set_words(RedisModuleString **argv, unsigned opt, int64_t time)
{
	static const char *const words[] = {
		"NX", "XX", "GET", "KEEPTTL", "EX", "PX", "EXAT", "PXAT"};
	int i, n = 0;

	for (i = 0; i < 8; i++) {
		if (!(opt & 1u << i))
			continue;
		argv[n++] = string_of(words[i], strlen(words[i]));
		if (1u << i & KV_SET_TIME)
			argv[n++] = RedisModule_CreateStringFromLongLong(NULL, time);
	}
	return n;
}

static int run_set(struct request *r)
{
	RedisModuleString *argv[3 + 10];
	int64_t time = 0;
	const uint8_t *v;
	size_t len;
	int n;

	if (r->h.opt & KV_SET_TIME)
		time = (int64_t)cursor_u64(&r->body);
	argv[1] = take_key(r);
	if (!argv[1])
		return -EPROTO;
	len = r->body.left;
	v = cursor_bytes(&r->body, len);
	if (r->fast && !r->h.opt) {
		batch_set(r->ctx, r->s, r->id, argv[1], v, len, &r->wrote);
		return 0;
	}
	batch_flush(r->ctx, &r->wrote);
	argv[0] = string_of("set", 3);
	argv[2] = string_of(v, len);
	n = 3 + set_words(argv + 3, r->h.opt, time);
	r->wrote = true;
	call_run(r->ctx, r->s, r->id, argv, n, 0);
	free_strings(argv, n);
	return 0;
}

static int run_incrby(struct request *r)
{
	RedisModuleString *argv[3];
	int64_t by = (int64_t)cursor_u64(&r->body);

	argv[1] = take_last_key(r);
	if (!argv[1])
		return -EPROTO;
	argv[0] = string_of("incrby", 6);
	argv[2] = RedisModule_CreateStringFromLongLong(NULL, by);
	r->wrote = true;
	call_run(r->ctx, r->s, r->id, argv, 3, 0);
	free_strings(argv, 3);
	return 0;
}

/*
 * h.n strings of (u32 length, bytes) into argv[first ..]; NULL when they are not there.
 * `some` is used when they fit. Each takes at least four bytes, which bounds the
 * allocation by the message's length.
 */
static RedisModuleString **take_strings(
	struct request *r, int first, RedisModuleString *some[ARGS_ON_STACK])
{
	RedisModuleString **v = some;
	uint32_t i, n = r->h.n;

	if (n == 0 || n > ARGS_MAX || n > r->body.left / 4)
		return NULL;
	if (n + (uint32_t)first > ARGS_ON_STACK)
		v = RedisModule_Alloc((n + (uint32_t)first) * sizeof *v);
	for (i = 0; i < n; i++) {
		uint32_t len = cursor_u32(&r->body);
		const uint8_t *p = cursor_bytes(&r->body, len);

		if (!p || r->body.bad)
			break;
		v[first + (int)i] = string_of(p, len);
	}
	if (i == n && r->body.left == 0)
		return v;
	free_strings(v + first, (int)i);
	if (v != some)
		RedisModule_Free(v);
	return NULL;
}

/* h.n arguments where they lie, behind `first` others; false when there are too many,
 * or too few bytes. */
static bool look_at_args(struct request *r, int first)
{
	struct fast_call *f = r->call;
	struct cursor c = r->body;

	if (r->h.n == 0 || r->h.n > (uint32_t)(FAST_ARGS - first))
		return false;
	for (f->argc = first; f->argc < first + (int)r->h.n; f->argc++) {
		struct fast_arg *a = &f->argv[f->argc];

		a->len = cursor_u32(&c);
		a->p = cursor_bytes(&c, a->len);
	}
	return !c.bad && c.left == 0;
}

/* By the key API; false: RM_Call has to. */
static bool run_fast(struct request *r)
{
	if (!r->command)
		return false;
	r->call->ctx = r->ctx;
	r->call->s = r->s;
	r->call->id = r->id;
	r->call->resp3 = r->h.opt & KV_CALL_RESP3;
	r->call->wrote = false;
	if (!fast_run(r->command, r->call))
		return false;
	r->wrote |= r->call->wrote;
	return true;
}

static bool delete_fast(struct request *r)
{
	r->call->argv[0] = (struct fast_arg){(const uint8_t *)"del", 3};
	r->command =
		r->fast && look_at_args(r, 1) ? fast_find(r->call->argv, r->call->argc) : NULL;
	return run_fast(r);
}

/* DEL and EXISTS: the named command over the keys. */
static int run_keys(struct request *r, const char *name, bool writes)
{
	RedisModuleString *some[ARGS_ON_STACK], **v;
	int64_t found = 0;
	int i, n = (int)r->h.n;

	if (writes && delete_fast(r))
		return 0;
	v = take_strings(r, 1, some);
	if (!v)
		return -EPROTO;
	if (!writes && r->fast) {
		counters.fast++;
		for (i = 1; i <= n; i++)
			found += RedisModule_KeyExists(r->ctx, v[i]);
		session_int(r->s, r->id, found);
	} else {
		v[0] = string_of(name, strlen(name));
		r->wrote |= writes;
		call_run(r->ctx, r->s, r->id, v, n + 1, 0);
		free_strings(v, 1);
	}
	free_strings(v + 1, n);
	if (v != some)
		RedisModule_Free(v);
	return 0;
}

/* A CALL that is as good as a verb is one from here on. */
static uint8_t look_closer(struct request *r)
{
	r->command = look_at_args(r, 0) ? fast_find(r->call->argv, r->call->argc) : NULL;
	return r->command && fast_verb(r->command) ? fast_verb(r->command) : KV_CALL;
}

/* GET or SET by CALL. */
static int run_as_verb(struct request *r, uint8_t verb)
{
	const struct fast_arg *a = r->call->argv;
	RedisModuleString *key = string_of(a[1].p, a[1].len);

	if (verb == KV_GET)
		return get(r, key);
	batch_set(r->ctx, r->s, r->id, key, a[2].p, a[2].len, &r->wrote);
	return 0;
}

static int run_call(struct request *r)
{
	RedisModuleString *some[ARGS_ON_STACK], **v;
	int rc = 0;

	if (run_fast(r))
		return 0;
	v = take_strings(r, 0, some);
	if (!v)
		return -EPROTO;
	if (r->busy && call_alone(r->ctx, v[0])) {
		rc = -EAGAIN;
	} else if (r->in_ring && !r->oom && call_script(r->ctx, v[0]) && guard_stale(r->ctx)) {
		rc = -EAGAIN;
	} else if (r->oom && call_grows(r->ctx, v[0])) {
		session_error(r->s, r->id, oom);
	} else {
		r->wrote = true;
		call_run(r->ctx, r->s, r->id, v, (int)r->h.n,
			CALL_RAW | (r->h.opt & KV_CALL_RESP3 ? CALL_RESP3 : 0));
	}
	free_strings(v, (int)r->h.n);
	if (v != some)
		RedisModule_Free(v);
	return rc;
}

static int run_auth(struct request *r)
{
	RedisModuleString *user = take_key(r), *password;
	const char *u, *p;
	char why[256];
	size_t ulen, plen;

	if (!user)
		return -EPROTO;
	plen = r->body.left;
	password = string_of(cursor_bytes(&r->body, plen), plen);
	u = RedisModule_StringPtrLen(user, &ulen);
	p = RedisModule_StringPtrLen(password, &plen);
	if (acl_authenticate(r->ctx, &r->s->acl, u, ulen, p, plen, why, sizeof why))
		session_reply(r->s, KV_OK, r->id, NULL, 0);
	else
		session_error(r->s, r->id, why);
	explicit_bzero((char *)(uintptr_t)p, plen);
	RedisModule_FreeString(NULL, user);
	RedisModule_FreeString(NULL, password);
	return 0;
}

static int dispatch(struct request *r, uint8_t kind)
{
	static const uint16_t opts[KV_AUTH + 1] = {
		[KV_SET] = KV_SET_ALL, [KV_CALL] = KV_CALL_RESP3};

	if (kind > KV_AUTH || r->h.opt & ~opts[kind])
		return -EPROTO;
	switch (kind) {
	case KV_PING:
		return run_ping(r);
	case KV_GET:
		return run_get(r);
	case KV_SET:
		return run_set(r);
	case KV_DEL:
		return run_keys(r, "del", true);
	case KV_EXISTS:
		return run_keys(r, "exists", false);
	case KV_INCRBY:
		return run_incrby(r);
	case KV_CALL:
		return run_call(r);
	case KV_AUTH:
		return run_auth(r);
	default:
		return -EPROTO;
	}
}

/* What waits in the batch is of the database before. NULL, or why not. */
static const char *select_db(RedisModuleCtx *ctx, int db, bool *wrote)
{
	if (db == RedisModule_GetSelectedDb(ctx))
		return NULL;
	batch_flush(ctx, wrote);
	if (db != 0 && RedisModule_GetContextFlags(ctx) & REDISMODULE_CTX_FLAGS_CLUSTER)
		return "ERR SELECT is not allowed in cluster mode";
	if (RedisModule_SelectDb(ctx, db) != REDISMODULE_OK)
		return "ERR DB index is out of range";
	return NULL;
}

int command_run(RedisModuleCtx *ctx, struct session *s, int verdict, uint64_t turn,
	uint8_t kind, uint64_t id, const uint8_t *data, uint64_t len, bool *wrote)
{
	struct fast_call call;
	struct request r = {.ctx = ctx,
		.s = s,
		.id = id,
		.body = cursor_of(data, len),
		.busy = *wrote || batch_kind() == KV_SET,
		.in_ring = data != s->in.buf,
		.call = &call};
	const uint8_t *h = cursor_bytes(&r.body, KV_HEADER);
	const char *refusal;
	enum acl_state who;
	uint8_t verb;
	int rc;

	if (!h)
		return -EPROTO;
	memcpy(&r.h, h, sizeof r.h);
	if (r.h.n > KEY_MAX)
		return -EPROTO;
	who = acl_look(&s->acl, turn);
	if (who == ACL_NOBODY && kind != KV_AUTH) {
		batch_flush(ctx, wrote);
		session_error(s, id, "NOAUTH Authentication required.");
		return 0;
	}
	refusal = kind == KV_AUTH ? NULL : select_db(ctx, r.h.db, wrote);
	if (refusal) {
		batch_flush(ctx, wrote);
		session_error(s, id, refusal);
		return 0;
	}
	r.oom = verdict == GUARD_OOM;
	if (r.oom && (kind == KV_SET || kind == KV_INCRBY)) {
		batch_flush(ctx, wrote);
		session_error(s, id, oom);
		return 0;
	}
	r.fast = verdict == GUARD_FAST && who == ACL_ALL && config.fast_path;
	verb = kind == KV_CALL && r.fast ? look_closer(&r) : kind;
	if (verb != batch_kind())
		batch_flush(ctx, &r.wrote);
	rc = verb == kind ? dispatch(&r, kind) : run_as_verb(&r, verb);
	*wrote |= r.wrote;
	if (rc == -EAGAIN)
		return rc;
	counters.requests++;
	counters.bytes_in += len;
	return rc;
}
