/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_reply.h - what an ENC.* operation ends with: its reply, and the result's writing.
 */
#ifndef CXLRING_ENC_REPLY_H
#define CXLRING_ENC_REPLY_H

#include "zone.h"

struct enc_op;

enum enc_reply_kind { ENC_NOTHING, ENC_NIL, ENC_INT, ENC_TEXT, ENC_ERROR, ENC_LIST };

struct enc_reply {
	enum enc_reply_kind kind;
	long long n;              /* ENC_INT; how many strings of ENC_LIST */
	char *text;               /* ENC_TEXT, ENC_ERROR; owned */
	size_t len;
	RedisModuleString **list; /* owned */
};

/* The end: the reply, sent when no job is outstanding. A value's is its text form. */
void enc_nil(struct enc_op *op);
void enc_int(struct enc_op *op, long long n);
void enc_value(struct enc_op *op, struct zone_bytes value);
void enc_list(struct enc_op *op, RedisModuleString **list, size_t n);
void enc_fail(struct enc_op *op, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The value of an answer's row. False: it is an error or none, and that is the reply. */
bool enc_row(struct enc_op *op, const struct zone_row *row);

/* Format of a write by RM_Call: `fmt` behind what guard.h asks for; until the next call. */
const char *enc_format(const char *fmt);

/* A write's reply is an error: then that is the operation's, too. Frees the reply. */
bool enc_wrote(struct enc_op *op, RedisModuleCallReply *r);

/* Send it in a context of Redis's; or as RESP, freed by the caller. */
int enc_reply_context(RedisModuleCtx *ctx, const struct enc_reply *r);
char *enc_reply_resp(const struct enc_reply *r, bool resp3, size_t *len);
void enc_reply_free(struct enc_reply *r);

/* Error replies so far. */
uint64_t enc_failures(void);

#endif
