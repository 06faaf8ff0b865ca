/* SPDX-License-Identifier: BSD-3-Clause */
#include "enc.h"

#include <string.h>

#include "bell.h"
#include "config.h"
#include "defer.h"
#include "enc_commands.h"
#include "enc_ring.h"
#include "guard.h"
#include "info.h"

enum {
	TRIES = 64,       /* of an operation whose keys others keep changing */
	HELD_US = 5000,   /* look again at what must not write at the moment */
};

struct queue {
	struct enc_op *first, **last;
};

/* Who waits at a key. */
struct line {
	struct enc_wait *first, **last;
};

static struct {
	RedisModuleDict *keys;  /* database and key -> struct line */
	struct queue runnable;  /* first at their keys, not begun */
	struct queue answered;
	struct queue held;      /* answered, and must not end yet */
	uint32_t live;
	uint64_t begun, redone;
} enc;

/* ---- lists ---- */

static void append(struct queue *q, struct enc_op *op)
{
	op->next = NULL;
	*q->last = op;
	q->last = &op->next;
}

static struct enc_op *pop(struct queue *q)
{
	struct enc_op *op = q->first;

	if (!op)
		return NULL;
	q->first = op->next;
	if (!q->first)
		q->last = &q->first;
	return op;
}

/* ---- keys ---- */

static RedisModuleString *place(int db, RedisModuleString *key)
{
	size_t len;
	const char *p = RedisModule_StringPtrLen(key, &len);
	RedisModuleString *at =
		RedisModule_CreateString(NULL, (const char *)&db, sizeof db);

	RedisModule_StringAppendBuffer(NULL, at, p, len);
	return at;
}

static void wait_at(struct enc_op *op, RedisModuleString *key)
{
	struct enc_wait *w = &op->wait[op->nwait];
	struct line *line;
	int i;

	w->at = place(op->db, key);
	for (i = 0; i < op->nwait; i++)
		if (RedisModule_StringCompare(op->wait[i].at, w->at) == 0) {
			RedisModule_FreeString(NULL, w->at);
			return;
		}
	op->nwait++;
	w->op = op;
	line = RedisModule_DictGet(enc.keys, w->at, NULL);
	if (!line) {
		line = RedisModule_Calloc(1, sizeof *line);
		line->last = &line->first;
		RedisModule_DictSet(enc.keys, w->at, line);
	}
	op->behind += line->first != NULL;
	*line->last = w;
	line->last = &w->next;
}

static void leave_keys(struct enc_op *op)
{
	int i;

	for (i = 0; i < op->nwait; i++) {
		struct enc_wait *w = &op->wait[i];
		struct line *line = RedisModule_DictGet(enc.keys, w->at, NULL);

		line->first = w->next; /* it was first everywhere, or it would not have begun */
		if (!line->first) {
			RedisModule_DictDel(enc.keys, w->at, NULL);
			RedisModule_Free(line);
		} else if (--line->first->op->behind == 0) {
			append(&enc.runnable, line->first->op);
		}
		RedisModule_FreeString(NULL, w->at);
	}
	op->nwait = 0;
}

void enc_drop_answers(struct enc_op *op)
{
	uint32_t i;

	for (i = 0; i < op->njobs; i++)
		zone_job_free(op->job[i]);
	op->njobs = 0;
}

static void op_free(struct enc_op *op)
{
	int k;

	for (k = 0; k < op->argc; k++)
		RedisModule_FreeString(NULL, op->argv[k]);
	RedisModule_Free(op->argv);
	enc_drop_answers(op);
	RedisModule_Free(op->job);
	if (op->state && op->kind->forget)
		op->kind->forget(op);
	enc_reply_free(&op->reply);
	RedisModule_Free(op);
	enc.live--;
}

static int on_reply(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	struct enc_op *op = RedisModule_GetBlockedClientPrivateData(ctx);

	return enc_reply_context(ctx, &op->reply);
}

static void on_free(RedisModuleCtx *ctx, void *op)
{
	op_free(op);
}

/* It has its reply, and waited for it. */
static void finish(struct enc_op *op)
{
	size_t len;
	char *resp;

	leave_keys(op);
	if (op->client) {
		RedisModule_UnblockClient(op->client, op);
		return;
	}
	resp = enc_reply_resp(&op->reply, op->resp3, &len);
	defer_reply(op->later, KV_RESP, resp, len);
	RedisModule_Free(resp);
	op_free(op);
}

/* ---- jobs ---- */

struct zone_job *enc_job(struct enc_op *op, uint32_t rows)
{
	return zone_job_create(rows, op->deadline_ms);
}

void enc_submit(struct enc_op *op, struct zone_job *job)
{
	if (op->njobs == op->job_room) {
		op->job_room = op->job_room ? 2 * op->job_room : 1;
		op->job = RedisModule_Realloc(op->job, op->job_room * sizeof *op->job);
	}
	op->job[op->njobs++] = job;
	op->outstanding++;
	job->owner = op;
	zone_submit(job);
}

static void begin(RedisModuleCtx *ctx, struct enc_op *op)
{
	enc_drop_answers(op);
	op->kind->begin(ctx, op);
}

void enc_redo(RedisModuleCtx *ctx, struct enc_op *op)
{
	enc.redone++;
	if (++op->tries < TRIES)
		begin(ctx, op);
	else
		enc_fail(op, "TRYAGAIN the keys are changed by others faster than the zone answers");
}

/* Is there a job without an answer? Then that is the reply. */
static bool unanswered(struct enc_op *op)
{
	uint32_t i;

	for (i = 0; i < op->njobs; i++) {
		const struct zone_job *job = op->job[i];
		const char *why = job->why.s[0] ? job->why.s : err_name(job->rc);

		if (job->rc == 0)
			continue;
		if (job->rc == -ENOMEM || job->rc == -EMSGSIZE || job->rc == -EPROTO ||
			job->rc == -EACCES || job->rc == -ENOKEY)
			enc_fail(op, "ERR %s", why);
		else
			enc_fail(op, "ZONEDOWN %s", why);
		return true;
	}
	return false;
}

/* May it end now? Sets what enc_format() says. */
static bool may_end(RedisModuleCtx *ctx, struct enc_op *op)
{
	if (op->later && !defer_is_first(op->later))
		return false;
	switch (guard_write(ctx)) {
	case GUARD_WAIT:
		op->held = true;
		bell_tick(HELD_US);
		return false;
	case GUARD_OOM:
		enc_fail(op, "OOM command not allowed when used memory > 'maxmemory'.");
		return true;
	default:
		return true;
	}
}

/* Go on with an operation; false: it has to wait. */
static bool go_on(RedisModuleCtx *ctx, struct enc_op *op, bool answered)
{
	RedisModule_SelectDb(ctx, op->db);
	if (!answered) {
		begin(ctx, op);
		return true;
	}
	if (op->kind->order == ENC_WRITES && !may_end(ctx, op))
		return false;
	if (op->held) /* it was not the zone that took so long */
		op->deadline_ms = clock_ms() + (uint64_t)config.zone_timeout_ms;
	op->held = false;
	if (op->reply.kind == ENC_NOTHING && !unanswered(op))
		op->kind->answer(ctx, op);
	return true;
}

static void take_answers(void)
{
	struct zone_job *job, *next;

	for (job = zone_take(); job; job = next) {
		struct enc_op *op = job->owner;

		next = job->next;
		if (--op->outstanding == 0)
			append(&enc.answered, op);
	}
}

bool enc_ready(void)
{
	return zone_ready() || enc.held.first;
}

bool enc_turn(RedisModuleCtx *ctx)
{
	bool wrote = false, freed = true;
	struct enc_op *op;

	take_answers();
	if (!enc.answered.first && !enc.runnable.first && !enc.held.first)
		return false;
	guard_turn();
	while (freed) { /* who ends may be who others waited for */
		freed = false;
		*enc.answered.last = enc.held.first;
		if (enc.held.first)
			enc.answered.last = enc.held.last;
		enc.held.first = NULL;
		enc.held.last = &enc.held.first;
		for (;;) {
			bool answered = (op = pop(&enc.answered)) != NULL;

			if (!op && !(op = pop(&enc.runnable)))
				break;
			if (!go_on(ctx, op, answered)) {
				append(&enc.held, op);
			} else if (op->reply.kind != ENC_NOTHING && !op->outstanding) {
				wrote |= op->kind->order == ENC_WRITES;
				freed |= enc.held.first != NULL && op->later;
				finish(op);
			}
		}
	}
	RedisModule_SelectDb(ctx, 0);
	return wrote;
}

/* ---- commands come in ---- */

static bool can_wait(RedisModuleCtx *ctx)
{
	enum { NEVER = REDISMODULE_CTX_FLAGS_DENY_BLOCKING | REDISMODULE_CTX_FLAGS_LUA |
				   REDISMODULE_CTX_FLAGS_MULTI };

	return enc_by_ring() || !(RedisModule_GetContextFlags(ctx) & NEVER);
}

static struct enc_op *op_create(RedisModuleCtx *ctx, const struct enc_kind *kind,
	RedisModuleString **argv, int argc, void *state)
{
	struct enc_op *op = RedisModule_Calloc(1, sizeof *op);
	int i;

	enc.live++;
	enc.begun++;
	op->kind = kind;
	op->state = state;
	op->db = RedisModule_GetSelectedDb(ctx);
	op->deadline_ms = clock_ms() + (uint64_t)config.zone_timeout_ms;
	op->argc = argc;
	op->argv = RedisModule_Alloc((size_t)argc * sizeof *op->argv);
	for (i = 0; i < argc; i++)
		op->argv[i] = RedisModule_HoldString(NULL, argv[i]);
	return op;
}

int enc_run(RedisModuleCtx *ctx, const struct enc_kind *kind, RedisModuleString **argv,
	int argc, void *state)
{
	struct enc_op *op = op_create(ctx, kind, argv, argc, state);
	int i, rc;

	if (!config.zone_path[0])
		enc_fail(op, "ERR no zone is configured: set cxlring.zone-path");
	else if (!can_wait(ctx))
		enc_fail(op, "ERR this command waits for the zone, which MULTI, scripts and "
			"functions cannot do");
	for (i = 0; i < kind->keys && op->reply.kind == ENC_NOTHING; i++)
		wait_at(op, argv[1 + i]);
	if (op->reply.kind == ENC_NOTHING && !op->behind)
		begin(ctx, op);
	if (op->reply.kind != ENC_NOTHING && !op->outstanding) {
		leave_keys(op);
		rc = enc_reply_context(ctx, &op->reply);
		op_free(op);
		return rc;
	}
	if (!enc_by_ring()) {
		op->client = RedisModule_BlockClient(ctx, on_reply, NULL, on_free, 0);
		return REDISMODULE_OK;
	}
	op->later = enc_answer_later((uint8_t)kind->order, &op->resp3);
	return RedisModule_ReplyWithSimpleString(ctx, "LATER"); /* for RM_Call alone */
}

/* ---- life ---- */

bool enc_busy(void)
{
	return enc.live != 0;
}

int enc_init(RedisModuleCtx *ctx, struct err_text *e)
{
	int rc = enc_commands(ctx, e);

	if (rc)
		return rc;
	enc.keys = RedisModule_CreateDict(NULL);
	enc.runnable.last = &enc.runnable.first;
	enc.answered.last = &enc.answered.first;
	enc.held.last = &enc.held.first;
	return 0;
}

void enc_fini(void)
{
	zone_close();
	RedisModule_FreeDict(NULL, enc.keys);
	enc.keys = NULL;
}

void enc_info(struct info_rows *rows)
{
	struct zone_view v = zone_view();

	info_now(rows, "zone_thread", v.running);
	info_count(rows, "zone_requests", v.requests);
	info_count(rows, "zone_rows", v.rows);
	info_count(rows, "zone_retries", v.retries);
	info_count(rows, "zone_failures", v.failures);
	info_count(rows, "enc_operations", enc.begun);
	info_now(rows, "enc_under_way", enc.live);
	info_count(rows, "enc_errors", enc_failures());
	info_count(rows, "enc_redone", enc.redone);
}
