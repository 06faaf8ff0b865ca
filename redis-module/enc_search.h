/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_search.h - where encrypted scores belong in a sorted set (enc_zset.h).
 *
 * A search compares with PIVOTS entries at once, which leaves a part of 1 / (PIVOTS + 1):
 * two requests to the zone for 4,095 entries, four for 16 million. All the scores of a
 * command search together; those of ZADD are compared with each other as well, and sealed
 * anew, so that forged ones are found and equal ones do not show by their bytes.
 *
 * Between two requests the set may change. What was learnt of a score and an entry stays
 * true, so it suffices that the two entries between which it belongs are still side by
 * side in the end.
 */
#ifndef CXLRING_ENC_SEARCH_H
#define CXLRING_ENC_SEARCH_H

#include "enc.h"
#include "enc_zset.h"

enum { PIVOTS = 63, SCORES = 64 }; /* entries a score is compared with at once; scores */

/* Where a score stands that equals an entry's. */
enum tie { BY_MEMBER, BEFORE, BEHIND };

/* An entry that was compared with, kept. */
struct seen {
	RedisModuleString *score, *member; /* NULL: none */
};

struct probe {
	struct zone_bytes score; /* as given */
	uint8_t *owned;          /* its bytes, if they were text */
	uint8_t type;            /* 0: a bound that is beyond all scores */
	enum tie tie;
	struct zone_bytes member;
	long long low, high;     /* it belongs between entries low - 1 and high */
	struct seen left, right; /* these */
	struct seen pivot[PIVOTS];
	long long rank[PIVOTS];
	uint32_t npivots;        /* 0: it was not asked for in this round */
	/* ZADD, in the end */
	struct zone_bytes sealed;
	uint64_t left_label, right_label; /* of the neighbours that stay; 0: none */
	uint64_t label;          /* between these */
	RedisModuleString *old_score; /* of the member's entry so far, or NULL */
};

struct search {
	struct probe *probe;
	uint32_t n;
	bool adds;  /* ZADD: the scores are compared with each other, too, and sealed */
	bool first; /* round */
	/* They are found, and their neighbours are still neighbours. */
	void (*found)(RedisModuleCtx *ctx, struct enc_op *op);
	struct zone_job *seal; /* its answer is needed until the end; owned */
	int8_t order[SCORES][SCORES]; /* how scores of one command compare */
	/* of ZRANGEBYSCORE */
	bool scores;
	long long offset, limit;
};

/* Room for so many probes. */
struct search *search_create(
	uint32_t room, void (*found)(RedisModuleCtx *ctx, struct enc_op *op));

/* Refuse the command before it is an operation; frees the search. */
int search_refuse(RedisModuleCtx *ctx, struct search *s, const char *why);

/* Of an operation whose state is a search in the set argv[1]: enc_kind's functions. */
void search_begin(RedisModuleCtx *ctx, struct enc_op *op);
void search_answer(RedisModuleCtx *ctx, struct enc_op *op);
void search_forget(struct enc_op *op);

#endif
