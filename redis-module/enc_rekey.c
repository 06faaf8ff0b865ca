/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_rekey.c - ENC.REKEY and ENC.KEYID: the data key that a value is under.
 *
 * A value that the zone is only given comes back sealed under its active key. Which one
 * that is Redis does not know, so ENC.REKEY seals whatever it finds, and replies the id.
 * The same goes for another domain of keys: whether there is one of that name, and whether
 * values may be brought there, the zone says.
 */
#include "enc_commands.h"
#include "enc_value.h"
#include "value.h"

#include <string.h>
#include <strings.h>

enum { KEY = 1, OPTION, DOMAIN, ARGS }; /* of argv */

/* The type has been checked, so it has a header. */
static uint16_t key_id(struct zone_bytes v)
{
	struct value_header h;

	return value_header_parse(v.p, v.len, &h) == 0 ? h.key_id : 0;
}

/* The name of the domain that the command says, or none: whether it fits. */
static bool take_domain(const struct enc_op *op, char into[KEYRING_DOMAIN_NAME + 1])
{
	const char *p;
	size_t len;

	if (op->argc <= DOMAIN)
		return true;
	p = RedisModule_StringPtrLen(op->argv[DOMAIN], &len);
	if (len == 0 || len > KEYRING_DOMAIN_NAME || memchr(p, 0, len))
		return false;
	memcpy(into, p, len);
	into[len] = 0;
	return true;
}

/* ENC.REKEY key [DOMAIN name] */
static void rekey_begin(RedisModuleCtx *ctx, struct enc_op *op)
{
	char into[KEYRING_DOMAIN_NAME + 1] = "";
	struct enc_read r;
	struct zone_job *job;
	const char *why;

	if (!take_domain(op, into)) {
		enc_fail(op, "ERR that is no name of a domain of keys");
		return;
	}
	why = enc_read(ctx, op->argv + KEY, 1, &r);
	if (why) {
		enc_fail(op, "%s", why);
		return;
	}
	if (r.v[0].p) {
		job = enc_job(op, 1);
		zone_push(job, enc_value_type(r.v[0], NULL), &r.v[0], 1);
		memcpy(job->into, into, sizeof into);
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
	const char *why = enc_read(ctx, op->argv + KEY, 1, &r);
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
		enc_wrote(op, RedisModule_Call(ctx, "SET", enc_format("sbc"), op->argv[KEY], v.p,
						  v.len, "KEEPTTL")))
		enc_int(op, key_id(v));
}

const struct enc_kind enc_kind_rekey = {
	.order = ENC_WRITES, .keys = 1, .begin = rekey_begin, .answer = rekey_answer};

int enc_cmd_rekey(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	if (argc != OPTION && argc != ARGS)
		return RedisModule_WrongArity(ctx);
	if (argc == ARGS && strcasecmp(RedisModule_StringPtrLen(argv[OPTION], NULL), "domain") != 0)
		return RedisModule_ReplyWithError(ctx, "ERR syntax error");
	return enc_run(ctx, &enc_kind_rekey, argv, argc, NULL);
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
