/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keyapi.h - what the commands of fast.h have in common, and the commands themselves.
 *
 * A command returns false when RM_Call has to run it; nothing has been done then, and
 * nothing answered.
 */
#ifndef CXLRING_KEYAPI_H
#define CXLRING_KEYAPI_H

#include "fast.h"

/* An argument as a string of Redis's; the caller frees it. */
RedisModuleString *keyapi_string(const struct fast_call *f, int i);

/* All arguments but the command's name: what Replicate takes. */
struct words {
	RedisModuleString *v[FAST_ARGS];
	int n;
};

void words_take(struct words *w, const struct fast_call *f);
void words_free(struct words *w);

enum found { MISSING, FOUND, WRONG };

/* The key, which has to be of this type, or not to be there. WRONG: it was another one;
 * that is answered, and the key closed. */
enum found keyapi_open(const struct fast_call *f, RedisModuleString *name, int mode,
	int type, RedisModuleKey **k);

/* Opened for writing, since that counts neither as a hit nor as a miss and tells no
 * keymiss; nothing is signalled (module.c, options). */
bool keyapi_exists(RedisModuleCtx *ctx, RedisModuleString *key);

/* After a change: what a command does besides. The key is closed by then, since another
 * module may be told of it, and delete it. */
void keyapi_changed(
	struct fast_call *f, RedisModuleString *key, int class, const char *event);

/* How many elements the key of this type has. */
bool keyapi_length(struct fast_call *f, int type);

/* A number as Redis reads arguments: nothing before or after it. */
bool keyapi_number(const struct fast_call *f, int i, long long *v);

#define RUN(name) bool run_##name(struct fast_call *f)
RUN(del);
RUN(expire);
RUN(hdel);
RUN(hexists);
RUN(hget);
RUN(hgetall);
RUN(hincrby);
RUN(hlen);
RUN(hmget);
RUN(hset);
RUN(hsetnx);
RUN(persist);
RUN(pexpire);
RUN(pttl);
RUN(strlen);
RUN(ttl);
RUN(unlink);
#undef RUN

#endif
