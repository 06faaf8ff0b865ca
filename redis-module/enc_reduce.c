/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_reduce.c - MIN, MAX, SUM, AVG of many keys.
 *
 * Up to PROGRAM_ROWS_MAX values, if they are not long, are one job with one result. More of them are several,
 * whose partial results are reduced in turn. A partial sum is numeric, so it is exact and
 * cannot overflow; the last step makes the type that PostgreSQL's sum() has: int8 of int4,
 * numeric of int8. Keys that are not there are left out, as NULLs are; nil if all are.
 */
#include "enc_commands.h"
#include "enc_value.h"

enum verb { MIN, MAX, SUM, AVG, VERBS };

enum { JOB_BYTES = 4 << 20 };

/* items -> one */
static const uint16_t reduce[VERBS][T_FIRST_PUBLIC] = {
	[MIN] = {[T_INT4] = OP_enc_int4_min_bulk, [T_INT8] = OP_enc_int8_min_bulk,
		[T_TEXT] = OP_enc_text_min_bulk, [T_NUMERIC] = OP_enc_numeric_min_bulk},
	[MAX] = {[T_INT4] = OP_enc_int4_max_bulk, [T_INT8] = OP_enc_int8_max_bulk,
		[T_TEXT] = OP_enc_text_max_bulk, [T_NUMERIC] = OP_enc_numeric_max_bulk},
	[SUM] = {[T_INT4] = OP_enc_int4_sum_bulk, [T_INT8] = OP_enc_int8_sum_bulk,
		[T_NUMERIC] = OP_enc_numeric_sum_bulk},
	[AVG] = {[T_INT4] = OP_enc_int4_sum_bulk, [T_INT8] = OP_enc_int8_sum_bulk,
		[T_NUMERIC] = OP_enc_numeric_sum_bulk},
};

struct state {
	enum verb verb;
	uint8_t type;   /* of the keys' values */
	int64_t values; /* of the keys that are there */
};

/* The job that makes the result, out of values of `type`: not only a part of it. */
static void finish(struct zone_job *job, const struct state *s)
{
	if (s->verb == SUM && s->type == T_INT4)
		zone_op(job, OP_enc_numeric_sum_int8);
	if (s->verb != AVG)
		return;
	zone_push_int8(job, s->values);
	zone_op(job, OP_enc_numeric_avg_final);
}

/* How many of n values one job takes: not too long a request, which others wait for. */
static uint32_t rows_of(const struct zone_bytes *v, uint32_t n)
{
	size_t bytes = 0;
	uint32_t rows;

	for (rows = 0; rows < n && rows < PROGRAM_ROWS_MAX; rows++) {
		bytes += v[rows].len;
		if (rows > 1 && bytes > JOB_BYTES) /* two make progress, whatever their length */
			break;
	}
	return rows;
}

/* Reduce values of `type`, by as many jobs as it takes. */
static void ask(struct enc_op *op, uint8_t type, const struct zone_bytes *v, uint32_t n)
{
	const struct state *s = op->state;
	uint32_t at, rows;

	for (at = 0; at < n; at += rows) {
		struct zone_job *job;

		rows = rows_of(v + at, n - at);
		job = enc_job(op, rows);
		zone_push(job, type, v + at, rows);
		zone_op(job, reduce[s->verb][type]);
		if (rows == n)
			finish(job, s);
		enc_submit(op, job);
	}
}

/* All of one type, and those that are there first. NULL, or what is wrong. */
static const char *gather(struct state *s, struct zone_bytes *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		uint8_t type;

		if (!v[i].p)
			continue;
		type = enc_value_type(v[i], NULL);
		if (s->values && type != s->type)
			return "ERR the keys' values are of different types";
		s->type = type;
		v[s->values++] = v[i];
	}
	return NULL;
}

static void begin(RedisModuleCtx *ctx, struct enc_op *op)
{
	struct state *s = op->state;
	struct enc_read r;
	const char *why = enc_read(ctx, op->argv + 1, (size_t)op->argc - 1, &r);

	if (why) {
		enc_fail(op, "%s", why);
		return;
	}
	s->values = 0;
	why = gather(s, r.v, r.n);
	if (why)
		enc_fail(op, "%s", why);
	else if (!s->values)
		enc_nil(op);
	else if (!reduce[s->verb][s->type])
		enc_fail(op, "ERR there is no such operation of %s", optable_type(s->type).name);
	else
		ask(op, s->type, r.v, (uint32_t)s->values);
	enc_read_done(&r);
}

/* Parts of it: on with them. */
static void combine(struct enc_op *op)
{
	struct zone_job **parts = op->job;
	uint32_t i, n = op->njobs;
	struct zone_bytes *v = RedisModule_Alloc(n * sizeof *v);

	for (i = 0; i < n && enc_row(op, &parts[i]->row[0]); i++)
		v[i] = parts[i]->row[0].value;
	if (i == n) {
		op->job = NULL;
		op->njobs = op->job_room = 0;
		ask(op, parts[0]->type, v, n);
		for (i = 0; i < n; i++)
			zone_job_free(parts[i]);
		RedisModule_Free(parts);
	}
	RedisModule_Free(v);
}

static void answer(RedisModuleCtx *ctx, struct enc_op *op)
{
	const struct zone_row *row = &op->job[0]->row[0];

	if (op->njobs > 1)
		combine(op);
	else if (enc_row(op, row))
		enc_value(op, row->value);
}

static void forget(struct enc_op *op)
{
	RedisModule_Free(op->state);
}

const struct enc_kind enc_kind_reduce = {
	.order = ENC_READS, .begin = begin, .answer = answer, .forget = forget};

static int run(RedisModuleCtx *ctx, enum verb verb, RedisModuleString **argv, int argc)
{
	struct state *s;

	if (argc < 2)
		return RedisModule_WrongArity(ctx);
	s = RedisModule_Calloc(1, sizeof *s);
	s->verb = verb;
	return enc_run(ctx, &enc_kind_reduce, argv, argc, s);
}

int enc_cmd_min(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	return run(ctx, MIN, argv, argc);
}

int enc_cmd_max(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	return run(ctx, MAX, argv, argc);
}

int enc_cmd_sum(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	return run(ctx, SUM, argv, argc);
}

int enc_cmd_avg(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	return run(ctx, AVG, argv, argc);
}
