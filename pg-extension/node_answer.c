/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node_answer.c - what the zone answered: the fate of each row, and computed columns.
 */
#include "node_answer.h"

#include "access/tupmacs.h"

#include "node_agg.h"

void answer_open(struct answer *a, uint8_t want, uint32_t rows)
{
	uint8_t flags = cursor_u8(&a->c), type = cursor_u8(&a->c);

	cursor_u16(&a->c);
	a->rows = cursor_u32(&a->c);
	a->type = want;
	a->states = flags & REPLY_STATES ? cursor_bytes(&a->c, a->rows) : NULL;
	if (a->c.bad || type != want || (a->rows != rows && a->rows != 1) ||
		!(flags & REPLY_SECRET) != !optable_is_secret(type))
		zone_raise_reply(a->reply_len, want);
}

void answer_filter(struct zone_batch *b, struct answer *a)
{
	const uint8_t *value = a->c.p;
	uint32_t i, present = 0;

	for (i = 0; i < a->rows; i++)
		present += answer_state(a, i) == ROW_VALUE;
	if (!cursor_bytes(&a->c, present))
		zone_raise_reply(a->reply_len, a->type);
	for (i = 0; i < b->rows; i++) {
		uint8_t state = answer_state(a, i);

		if (b->fate[i] == ROW_VALUE) /* an error behind a false says nothing */
			b->fate[i] = state != ROW_VALUE ? state : *value & 1 ? ROW_VALUE : ROW_NULL;
		if (state == ROW_VALUE && a->rows > 1)
			value++;
	}
}

/* The last rank, from the smallest or from the largest on, that fewer rows than are wanted
 * stand before: rows beyond it are not wanted. */
static uint32 top_rank(const uint32 *rows_of, uint32 ranks, uint32 top, bool last)
{
	uint32 i, before = 0;

	for (i = 0; i < ranks; i++) {
		before += rows_of[last ? ranks - 1 - i : i];
		if (before >= top)
			break;
	}
	return i;
}

/* Whoever has as many rows with smaller values beside him as are wanted is not among them.
 * NULLs may come first or last: they pass. */
static void take_top(struct zone_state *z, struct zone_batch *b, struct answer *a)
{
	uint32 rows_of[PROGRAM_ROWS_MAX] = {0};
	uint32 i, n = 0, at = 0, ranks = 0, rank, most;
	const uint8_t *bytes;

	for (i = 0; i < a->rows; i++) {
		if (answer_state(a, i) > ROW_NULL)
			zone_raise_state(answer_state(a, i));
		n += answer_state(a, i) == ROW_VALUE;
	}
	bytes = cursor_bytes(&a->c, 4ull * n);
	if (!bytes || a->rows != b->rows)
		zone_raise_reply(a->reply_len, a->type);
	for (i = 0; i < n; i++) {
		memcpy(&rank, bytes + 4 * i, 4);
		if (rank >= n || rank >= PROGRAM_ROWS_MAX)
			zone_raise_reply(a->reply_len, a->type);
		rows_of[rank]++;
		ranks = Max(ranks, rank + 1);
	}
	most = top_rank(rows_of, ranks, (uint32)z->spec.top, z->spec.top_last);
	for (i = 0; i < a->rows; i++) {
		if (answer_state(a, i) != ROW_VALUE)
			continue;
		memcpy(&rank, bytes + 4 * at++, 4);
		if (rank < ranks && (z->spec.top_last ? ranks - 1 - rank : rank) > most)
			b->fate[i] = ROW_NULL;
	}
}

/* The bytes of one value as a Datum. */
static Datum value_of(struct zone_state *z, struct zone_batch *b, uint8_t type,
	const uint8_t *p, uint32_t len, bool variable)
{
	Datum d = 0;

	if (variable) {
		struct varlena *v = batch_alloc(z, b, VARHDRSZ + len);

		SET_VARSIZE(v, VARHDRSZ + len);
		memcpy(VARDATA(v), p, len);
		return PointerGetDatum(v);
	}
	if (optable_is_secret(type) || len > sizeof d)
		return PointerGetDatum(p); /* in the batch's copy of the reply */
	memcpy(&d, p, len);
	return type == T_PUB_BOOL ? BoolGetDatum(d & 1) : fetch_att(&d, true, (int)len);
}

void answer_column(struct zone_state *z, struct zone_batch *b, struct answer *a,
	uint32_t rows, struct computed *out)
{
	uint32_t size = optable_is_secret(a->type) ? value_bytes(a->type)
											   : optable_type(a->type).size;
	struct cursor lens = a->c;
	uint32_t i, present = 0;

	for (i = 0; i < a->rows; i++)
		present += answer_state(a, i) == ROW_VALUE;
	if (size == 0)
		cursor_bytes(&a->c, 4ull * present);
	for (i = 0; i < a->rows; i++) {
		uint32_t len = size;
		const uint8_t *p;

		out->state[i] = answer_state(a, i);
		if (out->state[i] != ROW_VALUE)
			continue;
		if (size == 0)
			len = cursor_u32(&lens);
		p = cursor_bytes(&a->c, len);
		if (!p || (optable_is_secret(a->type) && len < VALUE_OVERHEAD))
			zone_raise_reply(a->reply_len, a->type);
		out->value[i] = value_of(z, b, a->type, p, len, size == 0);
	}
	for (i = a->rows; i < rows; i++) {
		out->state[i] = out->state[0];
		out->value[i] = out->value[0];
	}
}

static void take_answer(struct zone_state *z, struct zone_batch *b, struct answer *a, int result)
{
	if (result >= 0) {
		answer_column(z, b, a, b->rows, &b->columns[result]);
		return;
	}
	if (!b->filtered)
		memset(b->fate, ROW_VALUE, b->rows);
	b->filtered = true;
	if (result == ZONE_TOP)
		take_top(z, b, a);
	else
		answer_filter(b, a);
}

void batch_receive(struct zone_state *z, struct zone_batch *b)
{
	int i, k;

	if (z->spec.grouped) {
		groups_receive(z, b);
		return;
	}
	b->filtered = false;
	for (i = 0; i < z->nrequests; i++) {
		struct request *q = &b->requests[i];
		struct answer a = {.reply_len = 0};

		request_collect(z, q);
		a.reply_len = q->reply_len;
		a.c = cursor_of(q->reply, q->reply_len);
		for (k = 0; k < q->p->nresults; k++) {
			answer_open(&a, q->p->types[k], b->rows);
			take_answer(z, b, &a, q->p->results[k]);
		}
		if (a.c.left)
			zone_raise_reply(q->reply_len, q->p->types[0]);
	}
}
