/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_commands.h - the ENC.* commands, by file. What each does is in docs/enc.md.
 */
#ifndef CXLRING_ENC_COMMANDS_H
#define CXLRING_ENC_COMMANDS_H

#include "rm.h"

#include "err.h"

struct enc_kind;

/* enc_string.c */
int enc_cmd_set(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
int enc_cmd_get(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);

/* enc_number.c */
int enc_cmd_incrby(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
int enc_cmd_add(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
int enc_cmd_sub(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
int enc_cmd_mul(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
int enc_cmd_cmp(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);

/* enc_reduce.c */
int enc_cmd_min(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
int enc_cmd_max(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
int enc_cmd_sum(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
int enc_cmd_avg(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);

/* enc_zadd.c */
int enc_cmd_zadd(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);

/* enc_zrange.c */
int enc_cmd_zrange(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
int enc_cmd_zrangebyscore(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);

/* enc_zmember.c */
int enc_cmd_zrem(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
int enc_cmd_zcard(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
int enc_cmd_zscore(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);

/* enc_rekey.c */
int enc_cmd_rekey(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
int enc_cmd_keyid(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);

/* What those that wait for the zone are as operations (enc.h), in the same files. */
extern const struct enc_kind enc_kind_incrby, enc_kind_add, enc_kind_sub, enc_kind_mul,
	enc_kind_cmp, enc_kind_reduce, enc_kind_zadd, enc_kind_zrangebyscore, enc_kind_rekey;

/* By the command's name; NULL: none, or it needs no zone. */
const struct enc_kind *enc_kind_of(const char *name);

/* Register them all: enc_commands.c. */
MUST_CHECK int enc_commands(RedisModuleCtx *ctx, struct err_text *e);

#endif
