/* SPDX-License-Identifier: BSD-3-Clause */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include "batch.h"
#include "call.h"
#include "config.h"
#include "counters.h"
#include "fast.h"
#include "guard.h"
#include "kvcommand.h"
#include "kvrequest.h"
#include "outbox.h"
#include "rights.h"

static const char oom[] = "OOM command not allowed when used memory > 'maxmemory'.";

enum { ARGS_ON_STACK = 16 };

struct request {
	RedisModuleCtx *ctx;
	struct session *s;
	uint64_t id;
	struct kvrequest q;
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

static RedisModuleString *key_of(const struct request *r)
{
	return string_of(r->q.key, r->q.key_len);
}

static void run_ping(struct request *r)
{
	RedisModuleString *argv[2];
	uint32_t len = r->q.key_len;

	if (r->fast) {
		counters.fast++;
		session_reply(r->s, len ? KV_VALUE : KV_PONG, r->id, r->q.key, len);
		return;
	}
	argv[0] = string_of("ping", 4);
	argv[1] = key_of(r);
	call_run(r->ctx, r->s, r->id, argv, len ? 2 : 1, 0);
	free_strings(argv, 2);
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
static void get(struct request *r, RedisModuleString *key)
{
	RedisModuleString *argv[2] = {NULL, key};

	if (r->fast && r->s->short_values) {
		batch_get(r->ctx, r->s, r->id, key, &r->wrote);
		return;
	}
	batch_flush(r->ctx, &r->wrote);
	if (r->fast) {
		get_fast(r, key);
		return;
	}
	argv[0] = string_of("get", 3);
	call_run(r->ctx, r->s, r->id, argv, 2, 0);
	free_strings(argv, 2);
}

/* SET's options as words, behind SET, key and value. Returns how many. */
static int set_words(RedisModuleString **argv, unsigned opt, int64_t time)
{
	const char *const *words = kvcommand_set_words;
	int i, n = 0;

	for (i = 0; i < KVCOMMAND_SET_WORDS; i++) {
		if (!(opt & 1u << i))
			continue;
		argv[n++] = string_of(words[i], strlen(words[i]));
		if (1u << i & KV_SET_TIME)
			argv[n++] = RedisModule_CreateStringFromLongLong(NULL, time);
	}
	return n;
}

static void run_set(struct request *r)
{
	RedisModuleString *argv[3 + 10];
	int n;

	argv[1] = key_of(r);
	if (r->fast && !r->q.opt) {
		batch_set(r->ctx, r->s, r->id, argv[1], r->q.value, r->q.value_len, &r->wrote);
		return;
	}
	batch_flush(r->ctx, &r->wrote);
	argv[0] = string_of("set", 3);
	argv[2] = string_of(r->q.value, r->q.value_len);
	n = 3 + set_words(argv + 3, r->q.opt, r->q.number);
	r->wrote = true;
	call_run(r->ctx, r->s, r->id, argv, n, 0);
	free_strings(argv, n);
}

static void run_incrby(struct request *r)
{
	RedisModuleString *argv[3];

	argv[0] = string_of("incrby", 6);
	argv[1] = key_of(r);
	argv[2] = RedisModule_CreateStringFromLongLong(NULL, r->q.number);
	r->wrote = true;
	call_run(r->ctx, r->s, r->id, argv, 3, 0);
	free_strings(argv, 3);
}

/* Arguments as Redis's strings, behind `first` others: how many in all; 0 when they do
 * not add up. `some` is used when they fit. */
struct args {
	RedisModuleString *some[ARGS_ON_STACK];
	RedisModuleString **v;
	int n;
};

static void args_free(struct args *a, int first)
{
	free_strings(a->v + first, a->n - first);
	if (a->v != a->some)
		RedisModule_Free(a->v);
}

static int args_take(struct args *a, struct request *r, int first)
{
	const uint8_t *p;
	uint32_t len;

	a->v = a->some;
	a->n = first;
	if (r->q.nstrings + (uint32_t)first > ARGS_ON_STACK)
		a->v = RedisModule_Alloc((r->q.nstrings + (uint32_t)first) * sizeof *a->v);
	while (r->q.nstrings) {
		p = kvrequest_string(&r->q, &len);
		if (!p) {
			args_free(a, first);
			return 0;
		}
		a->v[a->n++] = string_of(p, len);
	}
	return a->n;
}

/* Arguments where they lie, behind `first` others; false when there are too many, or
 * they do not add up. */
static bool look_at_args(struct request *r, int first)
{
	struct fast_call *f = r->call;
	struct kvrequest q = r->q;

	if (q.nstrings > (uint32_t)(FAST_ARGS - first))
		return false;
	for (f->argc = first; q.nstrings; f->argc++) {
		struct fast_arg *a = &f->argv[f->argc];

		a->p = kvrequest_string(&q, &a->len);
		if (!a->p)
			return false;
	}
	return true;
}

/* By the key API; false: RM_Call has to. */
static bool run_fast(struct request *r)
{
	if (!r->command)
		return false;
	r->call->ctx = r->ctx;
	r->call->s = r->s;
	r->call->id = r->id;
	r->call->resp3 = r->q.opt & KV_CALL_RESP3;
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
	int64_t found = 0;
	struct args a;
	int i;

	if (writes && delete_fast(r))
		return 0;
	if (!args_take(&a, r, 1))
		return -EPROTO;
	if (!writes && r->fast) {
		counters.fast++;
		for (i = 1; i < a.n; i++)
			found += RedisModule_KeyExists(r->ctx, a.v[i]);
		session_int(r->s, r->id, found);
	} else {
		a.v[0] = string_of(name, strlen(name));
		r->wrote |= writes;
		call_run(r->ctx, r->s, r->id, a.v, a.n, 0);
		free_strings(a.v, 1);
	}
	args_free(&a, 1);
	return 0;
}

/* A CALL that is as good as a verb is one from here on. */
static uint8_t look_closer(struct request *r)
{
	r->command = look_at_args(r, 0) ? fast_find(r->call->argv, r->call->argc) : NULL;
	return r->command && fast_verb(r->command) ? fast_verb(r->command) : KV_CALL;
}

/* GET or SET by CALL. */
static void run_as_verb(struct request *r, uint8_t verb)
{
	const struct fast_arg *a = r->call->argv;
	RedisModuleString *key = string_of(a[1].p, a[1].len);

	if (verb == KV_GET)
		get(r, key);
	else
		batch_set(r->ctx, r->s, r->id, key, a[2].p, a[2].len, &r->wrote);
}

static int run_call(struct request *r)
{
	struct args a;
	int rc = 0;

	if (run_fast(r))
		return 0;
	if (!args_take(&a, r, 0))
		return -EPROTO;
	if (!rights_command(r->s, identity_of(r->ctx, a.v[0]))) {
		session_error(r->s, r->id, rights_read_only);
	} else if (r->busy && call_alone(r->ctx, a.v[0])) {
		rc = -EAGAIN;
	} else if (r->in_ring && !r->oom && call_script(r->ctx, a.v[0]) &&
		guard_stale(r->ctx)) {
		rc = -EAGAIN;
	} else if (r->oom && call_grows(r->ctx, a.v[0])) {
		session_error(r->s, r->id, oom);
	} else {
		r->wrote = true;
		outbox_ring();
		call_run(r->ctx, r->s, r->id, a.v, a.n,
			CALL_RAW | (r->q.opt & KV_CALL_RESP3 ? CALL_RESP3 : 0));
	}
	args_free(&a, 0);
	return rc;
}

/* On a sealed channel the certificate names the users that one may be; kv:* is any, by its
 * password. True: it has been answered. */
static bool auth_by_certificate(struct request *r)
{
	const struct peer *p = r->s->peer;
	char name[PEER_NAME + 1];

	if (!p)
		return false;
	if (!peer_is_user(p, (const char *)r->q.key, r->q.key_len)) {
		if (!(p->roles & PEER_ANY_USER))
			session_error(r->s, r->id, "NOPERM the certificate names no such user");
		return !(p->roles & PEER_ANY_USER);
	}
	memcpy(name, r->q.key, r->q.key_len); /* a name of the certificate's: it fits */
	name[r->q.key_len] = 0;
	if (acl_certify(&r->s->acl, name))
		session_reply(r->s, KV_OK, r->id, NULL, 0);
	else
		session_error(r->s, r->id, "WRONGPASS there is no such user, or it is disabled.");
	return true;
}

static void run_auth(struct request *r)
{
	RedisModuleString *user = key_of(r);
	RedisModuleString *password = string_of(r->q.value, r->q.value_len);
	const char *u, *p;
	char why[256];
	size_t ulen, plen;

	u = RedisModule_StringPtrLen(user, &ulen);
	p = RedisModule_StringPtrLen(password, &plen);
	if (acl_authenticate(r->ctx, &r->s->acl, u, ulen, p, plen, why, sizeof why))
		session_reply(r->s, KV_OK, r->id, NULL, 0);
	else
		session_error(r->s, r->id, why);
	explicit_bzero((char *)(uintptr_t)p, plen);
	RedisModule_FreeString(NULL, user);
	RedisModule_FreeString(NULL, password);
}

static int dispatch(struct request *r, uint8_t verb)
{
	switch (verb) {
	case KV_PING:
		run_ping(r);
		return 0;
	case KV_GET:
		get(r, key_of(r));
		return 0;
	case KV_SET:
		run_set(r);
		return 0;
	case KV_INCRBY:
		run_incrby(r);
		return 0;
	case KV_AUTH:
		if (!auth_by_certificate(r))
			run_auth(r);
		return 0;
	case KV_DEL:
		return run_keys(r, "del", true);
	case KV_EXISTS:
		return run_keys(r, "exists", false);
	default:
		return run_call(r);
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
		.busy = *wrote || batch_kind() == KV_SET,
		.in_ring = data != s->in.buf,
		.call = &call};
	const char *refusal;
	enum acl_state who;
	uint8_t verb;
	int rc = kvrequest_read(&r.q, kind, data, len);

	if (rc)
		return rc;
	who = acl_look(&s->acl, turn);
	if (who == ACL_NOBODY && kind != KV_AUTH) {
		batch_flush(ctx, wrote);
		session_error(s, id, session_noauth);
		return 0;
	}
	refusal = kind == KV_AUTH ? NULL : select_db(ctx, r.q.db, wrote);
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
	r.fast = verdict == GUARD_FAST && who == ACL_ALL && config.fast_path &&
		(kind != KV_CALL || s->right == RIGHT_WRITE);
	verb = kind == KV_CALL && r.fast ? look_closer(&r) : kind;
	if (verb != batch_kind())
		batch_flush(ctx, &r.wrote);
	if (verb == kind)
		rc = dispatch(&r, kind);
	else
		run_as_verb(&r, verb);
	*wrote |= r.wrote;
	if (rc == -EAGAIN)
		return rc;
	counters.requests++;
	counters.bytes_in += len;
	return rc;
}
