/* SPDX-License-Identifier: BSD-3-Clause */
#include "enc_reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "enc_value.h"
#include "guard.h"

static uint64_t failures;

void enc_nil(struct enc_op *op)
{
	op->reply.kind = ENC_NIL;
}

void enc_int(struct enc_op *op, long long n)
{
	op->reply.kind = ENC_INT;
	op->reply.n = n;
}

void enc_value(struct enc_op *op, struct zone_bytes value)
{
	op->reply.kind = ENC_TEXT;
	op->reply.text = enc_value_text(value, &op->reply.len);
}

void enc_list(struct enc_op *op, RedisModuleString **list, size_t n)
{
	op->reply.kind = ENC_LIST;
	op->reply.list = list;
	op->reply.n = (long long)n;
}

void enc_fail(struct enc_op *op, const char *fmt, ...)
{
	char text[320];
	va_list ap;
	char *p;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (p = text; *p; p++) /* an error is a line */
		if (*p == '\r' || *p == '\n')
			*p = ' ';
	op->reply.kind = ENC_ERROR;
	op->reply.text = RedisModule_Strdup(text);
	op->reply.len = strlen(text);
	failures++;
}

bool enc_row(struct enc_op *op, const struct zone_row *row)
{
	struct op_error_info e;

	if (row->state == ROW_VALUE)
		return true;
	if (row->state == ROW_NULL) {
		enc_nil(op);
		return false;
	}
	e = optable_error(row->state);
	if (e.message)
		enc_fail(op, "ERR %s", e.message);
	else
		enc_fail(op, "ERR the zone answered with an unknown row state %u", row->state);
	return false;
}

int enc_reply_context(RedisModuleCtx *ctx, const struct enc_reply *r)
{
	long long i;

	switch (r->kind) {
	case ENC_INT:
		return RedisModule_ReplyWithLongLong(ctx, r->n);
	case ENC_TEXT:
		return RedisModule_ReplyWithStringBuffer(ctx, r->text, r->len);
	case ENC_ERROR:
		return RedisModule_ReplyWithError(ctx, r->text);
	case ENC_LIST:
		RedisModule_ReplyWithArray(ctx, (long)r->n);
		for (i = 0; i < r->n; i++)
			RedisModule_ReplyWithString(ctx, r->list[i]);
		return REDISMODULE_OK;
	default:
		return RedisModule_ReplyWithNull(ctx);
	}
}

static size_t put_bulk(char *at, const char *p, size_t len)
{
	size_t n = (size_t)sprintf(at, "$%zu\r\n", len);

	memcpy(at + n, p, len);
	memcpy(at + n + len, "\r\n", 2);
	return n + len + 2;
}

char *enc_reply_resp(const struct enc_reply *r, bool resp3, size_t *len)
{
	enum { FRAME = 32 }; /* a type, a number, line ends */
	size_t room = FRAME + r->len, n;
	long long i;
	char *at;

	for (i = 0; r->list && i < r->n; i++) {
		RedisModule_StringPtrLen(r->list[i], &n);
		room += FRAME + n;
	}
	at = RedisModule_Alloc(room);
	switch (r->kind) {
	case ENC_INT:
		*len = (size_t)sprintf(at, ":%lld\r\n", r->n);
		break;
	case ENC_TEXT:
		*len = put_bulk(at, r->text, r->len);
		break;
	case ENC_ERROR:
		*len = (size_t)sprintf(at, "-%s\r\n", r->text);
		break;
	case ENC_LIST:
		*len = (size_t)sprintf(at, "*%lld\r\n", r->n);
		for (i = 0; i < r->n; i++) {
			const char *p = RedisModule_StringPtrLen(r->list[i], &n);

			*len += put_bulk(at + *len, p, n);
		}
		break;
	default:
		*len = (size_t)sprintf(at, "%s\r\n", resp3 ? "_" : "$-1");
	}
	return at;
}

void enc_reply_free(struct enc_reply *r)
{
	long long i;

	for (i = 0; r->list && i < r->n; i++)
		RedisModule_FreeString(NULL, r->list[i]);
	RedisModule_Free(r->list);
	RedisModule_Free(r->text);
}

uint64_t enc_failures(void)
{
	return failures;
}

/* ---- writing ---- */

const char *enc_format(const char *fmt)
{
	static char format[32];

	snprintf(format, sizeof format, "E!%s%s%s", guard_careful() ? "S" : "",
		guard_over() ? "M" : "", fmt);
	return format;
}

bool enc_wrote(struct enc_op *op, RedisModuleCallReply *r)
{
	size_t len = 0;
	const char *p = r ? RedisModule_CallReplyProto(r, &len) : NULL;
	bool good = p && *p != '-';

	if (!p)
		enc_fail(op, "ERR Redis's own command for the result cannot be called");
	else if (!good)
		enc_fail(op, "%.*s", (int)strcspn(p + 1, "\r\n"), p + 1);
	if (r)
		RedisModule_FreeCallReply(r);
	return good;
}
