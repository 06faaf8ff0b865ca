/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_number.c - INCRBY, ADD, SUB, MUL, CMP: one operation on two values.
 */
#include "enc_number.h"

#include <string.h>

#include "enc_commands.h"
#include "enc_value.h"

enum verb { ADD, SUB, MUL, CMP, VERBS };

/* By type; 0: there is none. */
static const uint16_t operations[VERBS][T_FIRST_PUBLIC] = {
	[ADD] = {[T_INT4] = OP_enc_int4_add, [T_INT8] = OP_enc_int8_add,
		[T_NUMERIC] = OP_enc_numeric_add},
	[SUB] = {[T_INT4] = OP_enc_int4_sub, [T_INT8] = OP_enc_int8_sub,
		[T_NUMERIC] = OP_enc_numeric_sub},
	[MUL] = {[T_INT4] = OP_enc_int4_mult, [T_INT8] = OP_enc_int8_mult,
		[T_NUMERIC] = OP_enc_numeric_mult},
	[CMP] = {[T_INT4] = OP_enc_int4_cmp, [T_INT8] = OP_enc_int8_cmp,
		[T_TEXT] = OP_enc_text_cmp, [T_NUMERIC] = OP_enc_numeric_cmp},
};

static int width(uint8_t type)
{
	return type == T_INT4 ? 1 : type == T_INT8 ? 2 : type == T_NUMERIC ? 3 : 0;
}

/* The type in which values of these two meet, 0: none. */
static uint8_t meet(uint8_t a, uint8_t b)
{
	if (a == b)
		return a;
	if (!width(a) || !width(b))
		return 0;
	return width(a) > width(b) ? a : b;
}

/* Add what makes the value on top, of type `from`, one of type `to`. */
static void convert(struct zone_job *job, uint8_t from, uint8_t to)
{
	if (from == to)
		return;
	if (to == T_INT8)
		zone_op(job, OP_enc_int4_to_int8);
	else
		zone_op(job, from == T_INT4 ? OP_enc_int4_to_numeric : OP_enc_int8_to_numeric);
}

uint16_t enc_cmp_op(uint8_t type)
{
	return operations[CMP][type];
}

/* Ask for `a verb b`. `must`: the type that the result has to be of, 0: any. */
static void ask(struct enc_op *op, enum verb verb, struct zone_bytes a, struct zone_bytes b,
	uint8_t must)
{
	uint8_t ta = enc_value_type(a, NULL), tb = enc_value_type(b, NULL);
	uint8_t type = meet(ta, tb);
	struct zone_job *job;

	if (!type || (must && type != must)) {
		enc_fail(op, "ERR %s and %s do not go together here", optable_type(ta).name,
			optable_type(tb).name);
		return;
	}
	if (!operations[verb][type]) {
		enc_fail(op, "ERR there is no such operation of %s", optable_type(type).name);
		return;
	}
	job = enc_job(op, 1);
	zone_push(job, ta, &a, 1);
	convert(job, ta, type);
	zone_push(job, tb, &b, 1);
	convert(job, tb, type);
	zone_op(job, operations[verb][type]);
	enc_submit(op, job);
}

/* Write the result to the key and reply it. */
static void store(RedisModuleCtx *ctx, struct enc_op *op, RedisModuleString *key, bool keep)
{
	struct zone_bytes v = op->job[0]->row[0].value;

	if (enc_wrote(op, keep ? RedisModule_Call(ctx, "SET", enc_format("sbc"), key, v.p, v.len,
								 "KEEPTTL")
						   : RedisModule_Call(ctx, "SET", enc_format("sb"), key, v.p, v.len)))
		enc_value(op, v);
}

/* ---- INCRBY key value ---- */

static void incrby_begin(RedisModuleCtx *ctx, struct enc_op *op)
{
	struct enc_read r;
	struct zone_bytes by;
	struct zone_job *job;
	uint8_t *owned, type;
	const char *why;

	type = enc_value_take(op->argv[2], &by, &owned, &why);
	if (type)
		why = enc_read(ctx, op->argv + 1, 1, &r);
	if (why) {
		enc_fail(op, "%s", why);
		RedisModule_Free(owned);
		return;
	}
	if (r.v[0].p) {
		ask(op, ADD, r.v[0], by, enc_value_type(r.v[0], NULL));
	} else if (!operations[ADD][type]) {
		enc_fail(op, "ERR there is no such operation of %s", optable_type(type).name);
	} else { /* the first one: sealed anew, so that nobody sees that it is the same */
		job = enc_job(op, 1);
		zone_push(job, type, &by, 1);
		enc_submit(op, job);
	}
	enc_read_done(&r);
	RedisModule_Free(owned);
}

static void incrby_answer(RedisModuleCtx *ctx, struct enc_op *op)
{
	const struct zone_job *job = op->job[0];
	struct enc_read r;
	const char *why = enc_read(ctx, op->argv + 1, 1, &r);
	bool same;

	if (why) {
		enc_fail(op, "%s", why);
		return;
	}
	same = job->nargs == 1 ? !r.v[0].p : enc_same(&r.v[0], &job->arg[0]);
	enc_read_done(&r);
	if (!same)
		enc_redo(ctx, op);
	else if (enc_row(op, &job->row[0]))
		store(ctx, op, op->argv[1], true);
}

const struct enc_kind enc_kind_incrby = {
	.order = ENC_WRITES, .keys = 1, .begin = incrby_begin, .answer = incrby_answer};

int enc_cmd_incrby(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	return argc == 3 ? enc_run(ctx, &enc_kind_incrby, argv, argc, NULL)
					 : RedisModule_WrongArity(ctx);
}

/* ---- ADD, SUB, MUL destination a b; CMP a b ---- */

static void pair_begin(RedisModuleCtx *ctx, struct enc_op *op, enum verb verb, int first)
{
	struct enc_read r;
	const char *why = enc_read(ctx, op->argv + first, 2, &r);

	if (why) {
		enc_fail(op, "%s", why);
		return;
	}
	if (r.v[0].p && r.v[1].p)
		ask(op, verb, r.v[0], r.v[1], 0);
	else if (verb == CMP)
		enc_nil(op);
	else
		enc_fail(op, "ERR no such key");
	enc_read_done(&r);
}

static void pair_answer(RedisModuleCtx *ctx, struct enc_op *op)
{
	const struct zone_job *job = op->job[0];
	struct enc_read r;
	const char *why = enc_read(ctx, op->argv + 2, 2, &r);
	bool same;

	if (why) {
		enc_fail(op, "%s", why);
		return;
	}
	same = enc_same(&r.v[0], &job->arg[0]) && enc_same(&r.v[1], &job->arg[1]);
	enc_read_done(&r);
	if (!same)
		enc_redo(ctx, op);
	else if (enc_row(op, &job->row[0]))
		store(ctx, op, op->argv[1], false);
}

#define PAIR(name, verb)                                                                  \
	static void name##_begin(RedisModuleCtx *ctx, struct enc_op *op)                      \
	{                                                                                     \
		pair_begin(ctx, op, verb, 2);                                                     \
	}                                                                                     \
	const struct enc_kind enc_kind_##name = {                                             \
		.order = ENC_WRITES, .keys = 3, .begin = name##_begin, .answer = pair_answer};    \
	int enc_cmd_##name(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)           \
	{                                                                                     \
		return argc == 4 ? enc_run(ctx, &enc_kind_##name, argv, argc, NULL)               \
						 : RedisModule_WrongArity(ctx);                                   \
	}

PAIR(add, ADD)
PAIR(sub, SUB)
PAIR(mul, MUL)

static void cmp_begin(RedisModuleCtx *ctx, struct enc_op *op)
{
	pair_begin(ctx, op, CMP, 1);
}

static void cmp_answer(RedisModuleCtx *ctx, struct enc_op *op)
{
	const struct zone_row *row = &op->job[0]->row[0];
	int32_t v;

	if (!enc_row(op, row))
		return;
	memcpy(&v, row->value.p, sizeof v);
	enc_int(op, v < 0 ? -1 : v > 0);
}

const struct enc_kind enc_kind_cmp = {
	.order = ENC_READS, .begin = cmp_begin, .answer = cmp_answer};

int enc_cmd_cmp(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	return argc == 3 ? enc_run(ctx, &enc_kind_cmp, argv, argc, NULL)
					 : RedisModule_WrongArity(ctx);
}
