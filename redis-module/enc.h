/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc.h - ENC.* commands that need the zone: from the request to its reply.
 *
 *     command  ->  an operation waits until it is first at each of its keys
 *              ->  begin()   reads the values and submits jobs (zone.h)
 *              ->  answer()  looks whether the values are still those; then writes the
 *                            result, or submits more jobs, or begins anew (enc_redo)
 *              ->  reply     to the blocked client, or into the session's ring
 *
 * The event loop waits for nothing of that. Nothing is written before answer() writes
 * all of it, in one go and by Redis's own commands, which is what replicas and the AOF
 * get: so a zone that is down, or a key that changed, changes nothing.
 *
 * Order. Operations that write wait for each other at their keys, first come first
 * served, so that many clients can count in one key without redoing each other's work;
 * what plain commands change meanwhile is found by looking once more. Of one ring session
 * those that write take effect in the order of their requests, as do replies.
 *
 * Where a command cannot wait (MULTI, scripts, functions, RM_Call of other modules) it is
 * refused.
 */
#ifndef CXLRING_ENC_H
#define CXLRING_ENC_H

#include "enc_reply.h"

/* What may run behind an operation of the same session, before it is answered. */
enum enc_order {
	ENC_READS,  /* it has read what it needs: whatever waits for the zone */
	ENC_WRITES, /* what writes as well, for that waits at its keys */
	ENC_ALONE,  /* nothing, nor does it run behind others */
};

enum { ENC_KEYS = 3 };

struct enc_op;
struct info_rows;

struct enc_kind {
	enum enc_order order;
	uint8_t keys; /* to wait for, from argv[1] on */
	void (*begin)(RedisModuleCtx *ctx, struct enc_op *op);
	void (*answer)(RedisModuleCtx *ctx, struct enc_op *op);
	void (*forget)(struct enc_op *op); /* frees op->state; NULL: there is none */
};

struct enc_op {
	const struct enc_kind *kind;
	RedisModuleString **argv; /* held */
	int argc;
	int db;
	void *state;              /* the kind's own */
	struct zone_job **job;    /* answered, in the order of submission; freed by enc.c */
	uint32_t njobs;
	uint32_t outstanding;     /* jobs without an answer yet */
	/* enc.c's own */
	struct enc_op *next;
	struct enc_wait {
		struct enc_wait *next;
		struct enc_op *op;
		RedisModuleString *at; /* database and key */
	} wait[ENC_KEYS];
	uint64_t deadline_ms;
	struct enc_reply reply;
	RedisModuleBlockedClient *client;
	struct deferred *later;
	uint32_t job_room;
	uint16_t tries;
	uint8_t nwait, behind; /* keys it waits for; those of them where it is not first */
	bool resp3;
	bool held; /* its end had to wait, so that its time is not up */
};

/* ---- for commands ---- */

/* Run argv as an operation of that kind, which gets `state`. Returns what a command
 * handler returns. */
int enc_run(RedisModuleCtx *ctx, const struct enc_kind *kind, RedisModuleString **argv,
	int argc, void *state);

/* A job for this operation; the caller fills it in and submits it. */
struct zone_job *enc_job(struct enc_op *op, uint32_t rows);
void enc_submit(struct enc_op *op, struct zone_job *job);

/* The answers have been read; more jobs follow. */
void enc_drop_answers(struct enc_op *op);

/* Something changed meanwhile: drop the answers and begin anew. */
void enc_redo(RedisModuleCtx *ctx, struct enc_op *op);

/* ---- for the loop ---- */

/* Is there something that enc_turn() may go on with? */
bool enc_ready(void);

/* In before sleep: go on with whatever can. True when something was written. */
bool enc_turn(RedisModuleCtx *ctx);

/* Operations are under way. */
bool enc_busy(void);

/* ---- life ---- */

MUST_CHECK int enc_init(RedisModuleCtx *ctx, struct err_text *e);
void enc_fini(void);
void enc_info(struct info_rows *rows);

#endif
