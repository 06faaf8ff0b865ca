/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_zadd.c - ENC.ZADD key score member [score member ...]: where the scores belong is
 * known (enc_search.h). All their entries get labels, one ZADD writes them, and one ZREM
 * removes the scores that their members had so far.
 *
 * ZADD comes first, for it is what Redis may refuse (OOM): then nothing has changed. And
 * the key is never empty in between, so that it keeps its time to live.
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

/* The label of the next entry from `rank` on, in direction `step`, that is not about to
 * move; 0: there is none. */
static const char *neighbour(
	RedisModuleCtx *ctx, struct enc_op *op, long long rank, int step, uint64_t *label)
{
	const char *why = NULL;
	bool more = true;

	*label = 0;
	for (; more && !*label && rank >= 0; rank += step) {
		struct zset_view v;

		why = zset_read(ctx, op->argv[1], rank, rank, false, &v);
		more = !why && v.n;
		if (more && !is_ours(op->state, v.entry->member))
			*label = v.entry->label;
		if (!why)
			zset_done(&v);
	}
	return why;
}

static const char *look_around(RedisModuleCtx *ctx, struct enc_op *op, struct probe *p)
{
	const char *why = neighbour(ctx, op, p->low - 1, -1, &p->left_label);

	return why ? why : neighbour(ctx, op, p->low, 1, &p->right_label);
}

static const char *find_old(RedisModuleCtx *ctx, struct enc_op *op, struct probe *p)
{
	struct zset_view v;
	const char *why = zset_find(ctx, op->argv[1], p->member, &v);

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

/* How many of them, the first included, go between the same two neighbours. */
static uint32_t together(struct probe *const *sorted, uint32_t n)
{
	uint32_t k = 1;

	while (k < n && sorted[k]->left_label == sorted[0]->left_label &&
		   sorted[k]->right_label == sorted[0]->right_label)
		k++;
	return k;
}

/* NULL, or one for whom there is no room. */
static const struct probe *give_labels(struct probe *const *sorted, uint32_t n)
{
	uint32_t i, j, k;

	for (i = 0; i < n; i += k) {
		k = together(sorted + i, n - i);
		for (j = 0; j < k; j++) {
			struct probe *p = sorted[i + j];

			p->label = label_between(p->left_label, p->right_label, j, k);
			if (!p->label)
				return p;
		}
	}
	return NULL;
}

/* Labels for all of them. Others may get new ones for it, and keep their order. False:
 * refused, which is the reply. */
static bool find_room(RedisModuleCtx *ctx, struct enc_op *op, struct probe *const *sorted)
{
	const struct search *s = op->state;
	const struct probe *crowded;
	const char *why = NULL;
	uint32_t i, tries;

	for (tries = 0; tries <= s->n; tries++) { /* each place is spread once at most */
		for (i = 0; i < s->n && !why; i++)
			why = look_around(ctx, op, &s->probe[i]);
		if (why)
			break;
		crowded = give_labels(sorted, s->n);
		if (!crowded)
			return true;
		if (!label_spread(ctx, op, op->argv[1],
				crowded->left_label ? crowded->left_label : crowded->right_label, s->n))
			return false;
	}
	enc_fail(op, "%s", why ? why : label_no_room);
	return false;
}

/* False: refused. */
static bool write_new(RedisModuleCtx *ctx, struct enc_op *op)
{
	const struct search *s = op->state;
	RedisModuleString *v[4 * SCORES];
	uint32_t i, n = 0;
	bool good;

	for (i = 0; i < s->n; i++) {
		const struct probe *p = &s->probe[i];

		v[n++] = RedisModule_CreateStringFromLongLong(NULL, (long long)p->label);
		v[n++] = zset_element('c', p->sealed);
		v[n++] = RedisModule_CreateStringFromLongLong(NULL, (long long)p->label);
		v[n++] = zset_element('m', p->member);
	}
	good = enc_wrote(op,
		RedisModule_Call(ctx, "ZADD", enc_format("sv"), op->argv[1], v, (size_t)n));
	for (i = 0; i < n; i++)
		RedisModule_FreeString(NULL, v[i]);
	return good;
}

/* Remove the scores that members had so far, or those that they are to get: there are
 * none of these yet, so it only tells whether ZREM can be called here. False: refused. */
static bool remove_scores(RedisModuleCtx *ctx, struct enc_op *op, bool old, uint32_t *removed)
{
	const struct search *s = op->state;
	RedisModuleString *gone[SCORES];
	uint32_t i, n = 0;
	bool good = true;

	for (i = 0; i < s->n; i++) {
		const struct probe *p = &s->probe[i];

		if (p->old_score)
			gone[n++] = zset_element('c', old ? zset_bytes(p->old_score) : p->sealed);
	}
	*removed = n;
	if (n)
		good = enc_wrote(op, RedisModule_Call(ctx, "ZREM", enc_format("sv"), op->argv[1],
								 gone, (size_t)n));
	for (i = 0; i < n; i++)
		RedisModule_FreeString(NULL, gone[i]);
	return good;
}

static void add_all(RedisModuleCtx *ctx, struct enc_op *op)
{
	struct search *s = op->state;
	struct probe *sorted[SCORES];
	const char *why = NULL;
	uint32_t i, removed;

	for (i = 0; i < s->n && !why; i++)
		why = find_old(ctx, op, &s->probe[i]);
	if (why) {
		enc_fail(op, "%s", why);
		return;
	}
	for (i = 0; i < s->n; i++)
		sorted[i] = &s->probe[i];
	qsort_r(sorted, s->n, sizeof *sorted, by_place, s);
	if (remove_scores(ctx, op, false, &removed) && find_room(ctx, op, sorted) &&
		write_new(ctx, op) && remove_scores(ctx, op, true, &removed))
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

const struct enc_kind enc_kind_zadd = {.order = ENC_WRITES, .keys = 1,
	.begin = search_begin, .answer = search_answer, .forget = search_forget};

int enc_cmd_zadd(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
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
	return why ? search_refuse(ctx, s, why)
			   : enc_run(ctx, &enc_kind_zadd, argv, argc, s);
}
