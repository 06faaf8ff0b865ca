/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_rekey.c - ENC.REKEY and ENC.KEYID: the data key that a value is under.
 *
 * A value that the zone is only given comes back sealed under its active key. Which one
 * that is Redis does not know, so ENC.REKEY seals whatever it finds, and replies the id.
 */
#include "enc_commands.h"
#include "enc_value.h"
#include "value.h"

/* The type has been checked, so it has a header. */
static uint16_t key_id(struct zone_bytes v)
{
	struct value_header h;

	return value_header_parse(v.p, v.len, &h) == 0 ? h.key_id : 0;
}

/* ENC.REKEY key */
static void rekey_begin(RedisModuleCtx *ctx, struct enc_op *op)
{
	struct enc_read r;
	const char *why = enc_read(ctx, op->argv + 1, 1, &r);
	struct zone_job *job;

	if (why) {
		enc_fail(op, "%s", why);
		return;
	}
	if (r.v[0].p) {
		job = enc_job(op, 1);
		zone_push(job, enc_value_type(r.v[0], NULL), &r.v[0], 1);
		enc_submit(op, job);
	} else {
		enc_nil(op);
	}
	enc_read_done(&r);
}

static void rekey_answer(RedisModuleCtx *ctx, struct enc_op *op)
{
	const struct zone_job *job = op->job[0];
	struct zone_bytes v = job->row[0].value;
	struct enc_read r;
	const char *why = enc_read(ctx, op->argv + 1, 1, &r);
	bool same;

	if (why) {
		enc_fail(op, "%s", why);
		return;
	}
	same = r.v[0].p && enc_same(&r.v[0], &job->arg[0]);
	enc_read_done(&r);
	if (!same)
		enc_redo(ctx, op);
	else if (enc_row(op, &job->row[0]) &&
		enc_wrote(op, RedisModule_Call(ctx, "SET", enc_format("sbc"), op->argv[1], v.p,
						  v.len, "KEEPTTL")))
		enc_int(op, key_id(v));
}

const struct enc_kind enc_kind_rekey = {
	.order = ENC_WRITES, .keys = 1, .begin = rekey_begin, .answer = rekey_answer};

int enc_cmd_rekey(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	return argc == 2 ? enc_run(ctx, &enc_kind_rekey, argv, argc, NULL)
					 : RedisModule_WrongArity(ctx);
}

/* ENC.KEYID key */
int enc_cmd_keyid(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	struct enc_read r;
	const char *why;
	int rc;

	if (argc != 2)
		return RedisModule_WrongArity(ctx);
	why = enc_read(ctx, argv + 1, 1, &r);
	if (why)
		return RedisModule_ReplyWithError(ctx, why);
	rc = r.v[0].p ? RedisModule_ReplyWithLongLong(ctx, key_id(r.v[0]))
				  : RedisModule_ReplyWithNull(ctx);
	enc_read_done(&r);
	return rc;
}
