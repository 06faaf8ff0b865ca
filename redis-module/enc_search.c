/* SPDX-License-Identifier: BSD-3-Clause */
#include "enc_search.h"

#include <string.h>

#include "enc_number.h"
#include "enc_value.h"

static void forget_seen(struct seen *s)
{
	zset_free(&s->score);
	zset_free(&s->member);
}

static void forget_pivots(struct probe *p)
{
	uint32_t i;

	for (i = 0; i < p->npivots; i++)
		forget_seen(&p->pivot[i]);
	p->npivots = 0;
}

static void forget_found(struct probe *p)
{
	forget_pivots(p);
	forget_seen(&p->left);
	forget_seen(&p->right);
	zset_free(&p->old_score);
}

static void search_free(struct search *s)
{
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		forget_found(&s->probe[i]);
		RedisModule_Free(s->probe[i].owned);
	}
	zone_job_free(s->seal);
	RedisModule_Free(s->probe);
	RedisModule_Free(s);
}

void search_forget(struct enc_op *op)
{
	search_free(op->state);
}

struct search *search_create(
	uint32_t room, void (*found)(RedisModuleCtx *ctx, struct enc_op *op))
{
	struct search *s = RedisModule_Calloc(1, sizeof *s);

	s->probe = RedisModule_Calloc(room, sizeof *s->probe);
	s->found = found;
	s->limit = -1;
	return s;
}

int search_refuse(RedisModuleCtx *ctx, struct search *s, const char *why)
{
	search_free(s);
	return RedisModule_ReplyWithError(ctx, why);
}

/* ---- the end of a search ---- */

static bool matches(const struct seen *s, const struct zset_entry *e)
{
	if (!s->member || !e)
		return !s->member && !e;
	return zset_compare(zset_bytes(s->member), e->member) == 0 &&
		   zset_compare(zset_bytes(s->score), e->score) == 0;
}

/* Are the entries on both sides of the place still neighbours there? */
static bool still_there(RedisModuleCtx *ctx, RedisModuleString *key, const struct probe *p)
{
	struct zset_view v;
	size_t at = p->low > 0; /* of the right one in `v` */
	bool good;

	if (zset_read(ctx, key, p->low - (long long)at, p->low, false, &v))
		return false;
	good = v.n >= at && matches(&p->left, at ? &v.entry[0] : NULL) &&
		   matches(&p->right, v.n > at ? &v.entry[at] : NULL);
	zset_done(&v);
	return good;
}

static bool all_still_there(RedisModuleCtx *ctx, struct enc_op *op)
{
	const struct search *s = op->state;
	uint32_t i;

	for (i = 0; i < s->n; i++)
		if (s->probe[i].type && !still_there(ctx, op->argv[1], &s->probe[i]))
			return false;
	return true;
}

static void finish(RedisModuleCtx *ctx, struct enc_op *op)
{
	const struct search *s = op->state;

	if (all_still_there(ctx, op))
		s->found(ctx, op);
	else
		enc_redo(ctx, op);
}

/* ---- searching ---- */

/* Compare a score with entries spread over its interval. */
static const char *ask(RedisModuleCtx *ctx, struct enc_op *op, struct probe *p)
{
	struct zone_bytes scores[PIVOTS];
	long long span = p->high - p->low;
	struct zone_job *job;
	const char *why;
	uint32_t i, n = span < PIVOTS ? (uint32_t)span : (uint32_t)PIVOTS;

	for (i = 0; i < n; i++) {
		struct zset_view v;

		p->rank[i] = span <= PIVOTS ? p->low + i : p->low + span * (i + 1) / (PIVOTS + 1);
		why = zset_read(ctx, op->argv[1], p->rank[i], p->rank[i], false, &v);
		if (why)
			return why;
		if (v.n == 0) { /* somebody removes others: it will begin anew in the end */
			n = i;
			break;
		}
		p->pivot[i].score = zset_copy(v.entry->score);
		p->pivot[i].member = zset_copy(v.entry->member);
		p->npivots = i + 1;
		scores[i] = zset_bytes(p->pivot[i].score);
		why = enc_value_type(v.entry->score, NULL) == p->type ? NULL
			: "ERR the score is not of the type of those in the set";
		zset_done(&v);
		if (why)
			return why;
	}
	if (n == 0) {
		p->high = p->low;
		return NULL;
	}
	job = enc_job(op, n);
	zone_push_same(job, p->type, p->score, n);
	zone_push(job, p->type, scores, n);
	zone_op(job, enc_cmp_op(p->type));
	enc_submit(op, job);
	return NULL;
}

/* Scores of one command with each other: entry (a, b) with a < b, row by row. */
static void ask_order(struct enc_op *op, const struct search *s)
{
	struct zone_bytes a[SCORES * (SCORES - 1) / 2], b[SCORES * (SCORES - 1) / 2];
	uint32_t i, k, n = 0;
	struct zone_job *job;

	for (i = 0; i < s->n; i++)
		for (k = i + 1; k < s->n; k++, n++) {
			a[n] = s->probe[i].score;
			b[n] = s->probe[k].score;
		}
	job = enc_job(op, n);
	zone_push(job, s->probe->type, a, n);
	zone_push(job, s->probe->type, b, n);
	zone_op(job, enc_cmp_op(s->probe->type));
	enc_submit(op, job);
}

static void ask_seal(struct enc_op *op, const struct search *s)
{
	struct zone_bytes v[SCORES];
	struct zone_job *job = enc_job(op, s->n);
	uint32_t i;

	for (i = 0; i < s->n; i++)
		v[i] = s->probe[i].score;
	zone_push(job, s->probe->type, v, s->n);
	enc_submit(op, job);
}

/* The next round. NULL, or what is wrong. */
static const char *ask_all(RedisModuleCtx *ctx, struct enc_op *op)
{
	struct search *s = op->state;
	const char *why = NULL;
	uint32_t i;

	for (i = 0; i < s->n && !why; i++) {
		struct probe *p = &s->probe[i];

		forget_pivots(p);
		if (p->low == p->high)
			continue;
		why = ask(ctx, op, p);
	}
	return why;
}

static void next_round(RedisModuleCtx *ctx, struct enc_op *op)
{
	const char *why = ask_all(ctx, op);

	if (why)
		enc_fail(op, "%s", why);
	else if (!op->outstanding)
		finish(ctx, op);
}

void search_begin(RedisModuleCtx *ctx, struct enc_op *op)
{
	struct search *s = op->state;
	long long n;
	const char *why = zset_card(ctx, op->argv[1], &n);
	uint32_t i;

	if (why) {
		enc_fail(op, "%s", why);
		return;
	}
	s->first = true;
	zone_job_free(s->seal);
	s->seal = NULL;
	for (i = 0; i < s->n; i++) {
		struct probe *p = &s->probe[i];

		forget_found(p);
		p->low = 0;
		p->high = n;
		if (!p->type)
			p->low = p->high = p->tie == BEHIND ? ZSET_END : 0;
	}
	if (s->adds)
		ask_seal(op, s);
	if (s->adds && s->n > 1)
		ask_order(op, s);
	next_round(ctx, op);
}

static bool is_before(const struct probe *p, int cmp, const struct seen *pivot)
{
	if (cmp)
		return cmp < 0;
	if (p->tie == BY_MEMBER)
		return zset_compare(p->member, zset_bytes(pivot->member)) < 0;
	return p->tie == BEFORE;
}

static int row_int(const struct zone_row *row)
{
	int32_t v;

	memcpy(&v, row->value.p, sizeof v);
	return v;
}

/* Narrow the interval by what the zone said. False: it said an error. */
static bool narrow(struct enc_op *op, struct probe *p, const struct zone_job *job)
{
	uint32_t i, before = p->npivots; /* the first pivot that it belongs before */

	for (i = 0; i < p->npivots; i++) {
		if (!enc_row(op, &job->row[i]))
			return false;
		if (before == p->npivots && is_before(p, row_int(&job->row[i]), &p->pivot[i]))
			before = i;
	}
	if (before < p->npivots) {
		p->high = p->rank[before];
		forget_seen(&p->right);
		p->right = p->pivot[before];
		p->pivot[before] = (struct seen){NULL, NULL};
	}
	if (before > 0) {
		p->low = p->rank[before - 1] + 1;
		forget_seen(&p->left);
		p->left = p->pivot[before - 1];
		p->pivot[before - 1] = (struct seen){NULL, NULL};
	}
	return true;
}

static bool take_seals(struct enc_op *op, struct search *s)
{
	uint32_t i, k, n = 0;

	s->seal = op->job[0];
	op->job[0] = NULL; /* not enc.c's to free any more */
	for (i = 0; i < s->n; i++) {
		if (!enc_row(op, &s->seal->row[i]))
			return false;
		s->probe[i].sealed = s->seal->row[i].value;
	}
	for (i = 0; s->n > 1 && i < s->n; i++)
		for (k = i + 1; k < s->n; k++, n++) {
			int c;

			if (!enc_row(op, &op->job[1]->row[n]))
				return false;
			c = row_int(&op->job[1]->row[n]);
			s->order[i][k] = (int8_t)(c < 0 ? -1 : c > 0);
			s->order[k][i] = (int8_t)-s->order[i][k];
		}
	return true;
}

void search_answer(RedisModuleCtx *ctx, struct enc_op *op)
{
	struct search *s = op->state;
	uint32_t i, at = 0;

	if (s->adds && s->first) {
		if (!take_seals(op, s))
			return;
		at = s->n > 1 ? 2 : 1;
	}
	s->first = false;
	for (i = 0; i < s->n; i++)
		if (s->probe[i].npivots && !narrow(op, &s->probe[i], op->job[at++]))
			return;
	enc_drop_answers(op);
	next_round(ctx, op);
}
