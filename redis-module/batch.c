/* SPDX-License-Identifier: BSD-3-Clause */
#include "batch.h"

#include <stdio.h>
#include <string.h>

#include "counters.h"
#include "keyapi.h"
#include "mget.h"

/* More would hardly be faster, and of GETs each may turn out to be of a long value. */
enum { MANY = 16, BYTES = 16 << 10 };

static struct {
	struct session *s;
	uint8_t kind;
	int n;
	uint64_t id[MANY];
	RedisModuleString *key[MANY]; /* owned */
	const char *value[MANY];      /* of SETs: in bytes[], or where the caller has it */
	size_t len[MANY];
	size_t used;
	char bytes[BYTES];
} batch;

uint8_t batch_kind(void)
{
	return batch.n ? batch.kind : 0;
}

void batch_forget(struct session *s)
{
	int i;

	if (batch.s != s)
		return;
	for (i = 0; i < batch.n; i++)
		RedisModule_FreeString(NULL, batch.key[i]);
	batch.n = 0;
	batch.used = 0;
	batch.s = NULL;
}

#define SET_OF(i) batch.key[i], batch.value[i], batch.len[i]

/*
 * Values as bytes, not as strings of ours: with a second owner Redis would keep them as
 * they are, and not turn numbers into encoding int. RM_Call takes as many arguments as
 * the format has; the rest is passed in vain.
 */
static RedisModuleCallReply *call_mset(RedisModuleCtx *ctx)
{
	char fmt[] = "E!sbsbsbsbsbsbsbsbsbsbsbsbsbsbsbsb";

	_Static_assert(sizeof fmt == 2 + 2 * MANY + 1, "a pair for each of them");
	fmt[2 + 2 * batch.n] = 0;
	return RedisModule_Call(ctx, "MSET", fmt, SET_OF(0), SET_OF(1), SET_OF(2), SET_OF(3),
		SET_OF(4), SET_OF(5), SET_OF(6), SET_OF(7), SET_OF(8), SET_OF(9), SET_OF(10),
		SET_OF(11), SET_OF(12), SET_OF(13), SET_OF(14), SET_OF(15));
}

static RedisModuleCallReply *call_all(RedisModuleCtx *ctx)
{
	if (batch.kind == KV_SET)
		return call_mset(ctx);
	return RedisModule_Call(ctx, "MGET", "Ev", batch.key, (size_t)batch.n);
}

static RedisModuleCallReply *call_one(RedisModuleCtx *ctx, int i)
{
	if (batch.kind == KV_SET)
		return RedisModule_Call(ctx, "SET", "E!sb", SET_OF(i));
	return RedisModule_Call(ctx, "GET", "Es", batch.key[i]);
}

static void answer_value(int i, const char *p, size_t len)
{
	struct session *s = batch.s;

	if (len > BATCH_SHORT)
		s->short_values = false; /* the next ones by the key API */
	session_reply(s, KV_VALUE, batch.id[i], p, len);
}

/* The reply of a command for this request alone. */
static void answer_one(RedisModuleCtx *ctx, int i)
{
	RedisModuleCallReply *r = call_one(ctx, i);
	size_t len;
	const char *resp = r ? RedisModule_CallReplyProto(r, &len) : "-ERR cannot be called\r\n";
	const char *p;
	char text[256];

	if (resp[0] == '-') {
		snprintf(text, sizeof text, "%.*s", (int)strcspn(resp + 1, "\r\n"), resp + 1);
		session_error(batch.s, batch.id[i], text);
	} else if (batch.kind == KV_SET) {
		session_reply(batch.s, KV_OK, batch.id[i], NULL, 0);
	} else {
		p = RedisModule_CallReplyStringPtr(r, &len);
		if (p)
			answer_value(i, p, len);
		else
			session_reply(batch.s, KV_NIL, batch.id[i], NULL, 0);
	}
	if (r)
		RedisModule_FreeCallReply(r);
}

/* MGET's, which has an element for each request. */
static void answer_values(RedisModuleCtx *ctx, const char *resp)
{
	struct mget m = mget_begin(resp);
	size_t len;
	int i;

	for (i = 0; i < batch.n; i++) {
		const char *p = mget_next(&m, &len);

		if (p)
			answer_value(i, p, len);
		else if (keyapi_exists(ctx, batch.key[i]))
			session_error(batch.s, batch.id[i], session_wrong_type);
		else
			session_reply(batch.s, KV_NIL, batch.id[i], NULL, 0);
	}
}

static void run(RedisModuleCtx *ctx)
{
	RedisModuleCallReply *r = batch.n > 1 ? call_all(ctx) : NULL;
	size_t len;
	const char *resp = r ? RedisModule_CallReplyProto(r, &len) : "-";
	int i;

	if (resp[0] == '*')
		answer_values(ctx, resp);
	for (i = 0; resp[0] == '+' && i < batch.n; i++)
		session_reply(batch.s, KV_OK, batch.id[i], NULL, 0);
	/* Refused as a whole (MSET may be renamed), and so nothing was done. */
	for (i = 0; resp[0] == '-' && i < batch.n; i++)
		answer_one(ctx, i);
	if (r)
		RedisModule_FreeCallReply(r);
}

void batch_flush(RedisModuleCtx *ctx, bool *wrote)
{
	if (batch.n == 0)
		return;
	run(ctx);
	*wrote |= batch.kind == KV_SET;
	counters.fast += (uint64_t)batch.n;
	batch_forget(batch.s);
}

static void add(RedisModuleCtx *ctx, struct session *s, uint8_t kind, uint64_t id,
	RedisModuleString *key, bool *wrote)
{
	if (batch.n && (batch.s != s || batch.kind != kind))
		batch_flush(ctx, wrote);
	batch.s = s;
	batch.kind = kind;
	batch.id[batch.n] = id;
	batch.key[batch.n++] = key;
}

void batch_set(RedisModuleCtx *ctx, struct session *s, uint64_t id, RedisModuleString *key,
	const void *value, size_t len, bool *wrote)
{
	int i;

	if (len > sizeof batch.bytes - batch.used)
		batch_flush(ctx, wrote);
	add(ctx, s, KV_SET, id, key, wrote);
	i = batch.n - 1;
	batch.len[i] = len;
	if (len > sizeof batch.bytes) { /* alone, and read where it is */
		batch.value[i] = value;
		batch_flush(ctx, wrote);
		return;
	}
	batch.value[i] = memcpy(batch.bytes + batch.used, value, len);
	batch.used += len;
	if (batch.n == MANY)
		batch_flush(ctx, wrote);
}

void batch_get(RedisModuleCtx *ctx, struct session *s, uint64_t id, RedisModuleString *key,
	bool *wrote)
{
	add(ctx, s, KV_GET, id, key, wrote);
	if (batch.n == MANY)
		batch_flush(ctx, wrote);
}
