/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_zadd.c - ENC.ZADD key score member [score member ...]: where the scores belong is
 * known (enc_search.h); their entries get labels and are written, those that the members
 * had so far are removed.
 */
#include <stdlib.h>

#include "enc_commands.h"
#include "enc_label.h"
#include "enc_search.h"
#include "enc_value.h"

static bool is_ours(const struct search *s, struct zone_bytes member)
{
	uint32_t i;

	for (i = 0; i < s->n; i++)
		if (zset_compare(s->probe[i].member, member) == 0)
			return true;
	return false;
}

/* The next entry from `rank` on, in direction `step`, that is not about to move. */
static const char *neighbour(RedisModuleCtx *ctx, struct enc_op *op, long long rank,
	int step, RedisModuleString **member, uint64_t *label)
{
	const char *why = NULL;
	bool more = true;

	*label = 0;
	for (; more && !*member && rank >= 0; rank += step) {
		struct zset_view v;

		why = zset_read(ctx, op->argv[1], rank, rank, false, &v);
		more = !why && v.n;
		if (more && !is_ours(op->state, v.entry->member)) {
			*member = zset_copy(v.entry->member);
			*label = v.entry->label;
		}
		if (!why)
			zset_done(&v);
	}
	return why;
}

static const char *look_around(RedisModuleCtx *ctx, struct enc_op *op, struct probe *p)
{
	struct zset_view v;
	const char *why = neighbour(ctx, op, p->low - 1, -1, &p->left_stays, &p->left_label);

	if (!why)
		why = neighbour(ctx, op, p->low, 1, &p->right_stays, &p->right_label);
	if (!why)
		why = zset_find(ctx, op->argv[1], p->member, &v);
	if (why)
		return why;
	if (v.n)
		p->old_score = zset_copy(v.entry->score);
	zset_done(&v);
	return NULL;
}

static int by_place(const void *x, const void *y, void *search)
{
	const struct probe *a = *(const struct probe *const *)x;
	const struct probe *b = *(const struct probe *const *)y;
	const struct search *s = search;
	int c;

	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	c = s->order[a - s->probe][b - s->probe];
	return c ? c : zset_compare(a->member, b->member);
}

/* Remove the entries that get another place. False: refused. */
static bool remove_old(RedisModuleCtx *ctx, struct enc_op *op, uint32_t *removed)
{
	struct search *s = op->state;
	RedisModuleString *gone[2 * SCORES];
	uint32_t i, n = 0;
	bool good = true;

	for (i = 0; i < s->n; i++) {
		struct probe *p = &s->probe[i];

		if (!p->old_score)
			continue;
		gone[n++] = zset_element('c', zset_bytes(p->old_score));
		gone[n++] = zset_element('m', p->member);
	}
	*removed = n / 2;
	if (n)
		good = enc_wrote(op, RedisModule_Call(ctx, "ZREM", enc_format("sv"), op->argv[1],
								 gone, (size_t)n));
	for (i = 0; i < n; i++)
		RedisModule_FreeString(NULL, gone[i]);
	return good;
}

static uint64_t label_of(RedisModuleCtx *ctx, RedisModuleString *key, RedisModuleString *member)
{
	struct zset_view v;
	uint64_t label = 0;

	if (member && !zset_find(ctx, key, zset_bytes(member), &v)) {
		label = v.n ? v.entry->label : 0;
		zset_done(&v);
	}
	return label;
}

/* The labels of the entries around a place, 0: none. `last` was placed before, and is
 * none of those that were there. */
static void look_up_labels(RedisModuleCtx *ctx, RedisModuleString *key, struct probe *p,
	const struct probe *last)
{
	RedisModuleString *name = last ? zset_copy(last->member) : NULL;
	uint64_t before = label_of(ctx, key, name);

	zset_free(&name);
	p->left_label = label_of(ctx, key, p->left_stays);
	p->right_label = label_of(ctx, key, p->right_stays);
	if (p->left_label < before)
		p->left_label = before;
}

/* Put a score where it belongs. False: refused. */
static bool place(RedisModuleCtx *ctx, struct enc_op *op, struct probe *p,
	const struct probe *last)
{
	RedisModuleString *key = op->argv[1], *c, *m;
	uint64_t label;
	bool good;

	if (last) /* else they have just been read */
		look_up_labels(ctx, key, p, last);
	label = label_between(p->left_label, p->right_label);
	if (!label && label_spread(ctx, key, p->left_label ? p->left_label : p->right_label)) {
		look_up_labels(ctx, key, p, last);
		label = label_between(p->left_label, p->right_label);
	}
	if (!label) {
		enc_fail(op, "ERR there is no room for another member");
		return false;
	}
	c = zset_element('c', p->sealed);
	m = zset_element('m', p->member);
	good = enc_wrote(op, RedisModule_Call(ctx, "ZADD", enc_format("slsls"), key,
							 (long long)label, c, (long long)label, m));
	RedisModule_FreeString(NULL, c);
	RedisModule_FreeString(NULL, m);
	return good;
}

/* The key went with the last entry, and its time to live with it. */
static void restore_expiry(RedisModuleCtx *ctx, struct enc_op *op, long long at)
{
	RedisModuleCallReply *r;

	if (at < 0)
		return;
	r = RedisModule_Call(ctx, "PEXPIREAT", enc_format("sl"), op->argv[1], at);
	if (r)
		RedisModule_FreeCallReply(r);
}

static long long expiry_of(RedisModuleCtx *ctx, RedisModuleString *key)
{
	RedisModuleCallReply *r = RedisModule_Call(ctx, "PEXPIRETIME", "Es", key);
	long long at = r ? RedisModule_CallReplyInteger(r) : -1;

	if (r)
		RedisModule_FreeCallReply(r);
	return at;
}

static void add_all(RedisModuleCtx *ctx, struct enc_op *op)
{
	struct search *s = op->state;
	const struct probe *last = NULL;
	struct probe *sorted[SCORES];
	const char *why = NULL;
	uint32_t i, removed;
	long long entries, expiry;

	for (i = 0; i < s->n && !why; i++)
		why = look_around(ctx, op, &s->probe[i]);
	if (!why)
		why = zset_card(ctx, op->argv[1], &entries);
	if (why) {
		enc_fail(op, "%s", why);
		return;
	}
	expiry = expiry_of(ctx, op->argv[1]);
	if (!remove_old(ctx, op, &removed))
		return;
	for (i = 0; i < s->n; i++)
		sorted[i] = &s->probe[i];
	qsort_r(sorted, s->n, sizeof *sorted, by_place, s);
	for (i = 0; i < s->n; i++, last = sorted[i - 1])
		if (!place(ctx, op, sorted[i], last))
			return;
	if (removed && (long long)removed == entries)
		restore_expiry(ctx, op, expiry);
	enc_int(op, s->n - removed);
}

/* A score and its member; of a member that comes twice the last one counts. */
static const char *take_score(
	struct search *s, RedisModuleString *score, RedisModuleString *member)
{
	struct probe *p = s->probe;
	const char *why;

	while (p < s->probe + s->n && zset_compare(p->member, zset_bytes(member)) != 0)
		p++;
	if (p == s->probe + s->n)
		s->n++;
	RedisModule_Free(p->owned);
	p->type = enc_value_take(score, &p->score, &p->owned, &why);
	p->member = zset_bytes(member);
	if (!p->type)
		return why;
	return p->type == s->probe->type ? NULL : "ERR the scores are of different types";
}

int enc_cmd_zadd(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	static const struct enc_kind kind = {.order = ENC_WRITES, .wrong_in_oom = true,
		.first = 1, .keys = 1, .begin = search_begin, .answer = search_answer,
		.forget = search_forget};
	const char *why = NULL;
	struct search *s;
	int i;

	if (argc < 4)
		return RedisModule_WrongArity(ctx);
	if (argc % 2)
		return RedisModule_ReplyWithError(ctx, "ERR syntax error");
	if (argc > 2 + 2 * SCORES)
		return RedisModule_ReplyWithError(ctx, "ERR at most 64 members at a time");
	s = search_create((uint32_t)(argc - 2) / 2, add_all);
	s->adds = true;
	for (i = 2; i < argc && !why; i += 2)
		why = take_score(s, argv[i], argv[i + 1]);
	return why ? search_refuse(ctx, s, why) : enc_run(ctx, &kind, argv, argc, s);
}
