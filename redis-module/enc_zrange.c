/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_zrange.c - members in their order: ENC.ZRANGE by rank, without the zone, and
 * ENC.ZRANGEBYSCORE, a search for both bounds and the entries in between.
 */
#include <string.h>
#include <strings.h>

#include "enc_commands.h"
#include "enc_search.h"
#include "enc_value.h"

/* ---- ZRANGE key start stop [REV] [WITHSCORES] ---- */

static int reply_list(RedisModuleCtx *ctx, struct zset_view *v, bool scores)
{
	size_t i, n;
	RedisModuleString **list = zset_list(v, scores, &n);

	RedisModule_ReplyWithArray(ctx, (long)n);
	for (i = 0; i < n; i++) {
		RedisModule_ReplyWithString(ctx, list[i]);
		RedisModule_FreeString(NULL, list[i]);
	}
	RedisModule_Free(list);
	zset_done(v);
	return REDISMODULE_OK;
}

int enc_cmd_zrange(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	long long first, last;
	bool reversed = false, scores = false;
	struct zset_view v;
	const char *why;
	int i;

	if (argc < 4)
		return RedisModule_WrongArity(ctx);
	if (RedisModule_StringToLongLong(argv[2], &first) != REDISMODULE_OK ||
		RedisModule_StringToLongLong(argv[3], &last) != REDISMODULE_OK)
		return RedisModule_ReplyWithError(ctx, "ERR value is not an integer or out of range");
	for (i = 4; i < argc; i++) {
		const char *word = RedisModule_StringPtrLen(argv[i], NULL);

		if (strcasecmp(word, "rev") == 0)
			reversed = true;
		else if (strcasecmp(word, "withscores") == 0)
			scores = true;
		else
			return RedisModule_ReplyWithError(ctx, "ERR syntax error");
	}
	why = zset_read(ctx, argv[1], first, last, reversed, &v);
	return why ? RedisModule_ReplyWithError(ctx, why) : reply_list(ctx, &v, scores);
}

/* ---- ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count] ---- */

static void list_range(RedisModuleCtx *ctx, struct enc_op *op)
{
	const struct search *s = op->state;
	long long first = s->probe[0].low, last = s->probe[1].low - 1;
	struct zset_view v = {NULL, NULL, 0};
	RedisModuleString **list;
	const char *why = NULL;
	size_t n;

	if (s->offset > last - first)
		first = last + 1;
	else
		first += s->offset;
	if (s->limit >= 0 && last - first >= s->limit)
		last = first + s->limit - 1;
	if (first <= last)
		why = zset_read(ctx, op->argv[1], first, last, false, &v);
	if (why) {
		enc_fail(op, "%s", why);
		return;
	}
	list = zset_list(&v, s->scores, &n);
	enc_list(op, list, n);
	zset_done(&v);
}

/* "-inf" or "-", "+inf" or "+", a score, "(" and a score in text form. */
static const char *take_bound(struct search *s, RedisModuleString *arg, bool upper)
{
	struct probe *p = &s->probe[s->n++];
	size_t len;
	const char *text = RedisModule_StringPtrLen(arg, &len), *why = NULL;
	bool open = len > 1 && text[0] == '(';
	RedisModuleString *inner;

	p->tie = upper ? BEHIND : BEFORE;
	if (strcasecmp(text, "-inf") == 0 || strcmp(text, "-") == 0) {
		p->tie = BEFORE;
		return NULL;
	}
	if (strcasecmp(text, "+inf") == 0 || strcmp(text, "+") == 0) {
		p->tie = BEHIND;
		return NULL;
	}
	if (!open) {
		p->type = enc_value_take(arg, &p->score, &p->owned, &why);
		return p->type ? NULL : why;
	}
	p->tie = upper ? BEFORE : BEHIND;
	inner = RedisModule_CreateString(NULL, text + 1, len - 1);
	p->type = enc_value_take(inner, &p->score, &p->owned, &why);
	RedisModule_FreeString(NULL, inner);
	if (p->type && !p->owned)
		return "ERR a score behind ( has to be in text form";
	return p->type ? NULL : why;
}

static const char *take_option(
	struct search *s, RedisModuleString **argv, int argc, int *at)
{
	const char *word = RedisModule_StringPtrLen(argv[*at], NULL);

	if (strcasecmp(word, "withscores") == 0) {
		s->scores = true;
		return NULL;
	}
	if (strcasecmp(word, "limit") != 0 || *at + 2 >= argc)
		return "ERR syntax error";
	if (RedisModule_StringToLongLong(argv[*at + 1], &s->offset) != REDISMODULE_OK ||
		RedisModule_StringToLongLong(argv[*at + 2], &s->limit) != REDISMODULE_OK ||
		s->offset < 0)
		return "ERR value is not an integer or out of range";
	*at += 2;
	return NULL;
}

const struct enc_kind enc_kind_zrangebyscore = {.order = ENC_ALONE, .begin = search_begin,
	.answer = search_answer, .forget = search_forget};

int enc_cmd_zrangebyscore(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	const char *why;
	struct search *s;
	int i;

	if (argc < 4)
		return RedisModule_WrongArity(ctx);
	s = search_create(2, list_range);
	why = take_bound(s, argv[2], false);
	if (!why)
		why = take_bound(s, argv[3], true);
	for (i = 4; i < argc && !why; i++)
		why = take_option(s, argv, argc, &i);
	return why ? search_refuse(ctx, s, why)
			   : enc_run(ctx, &enc_kind_zrangebyscore, argv, argc, s);
}
