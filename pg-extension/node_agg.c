/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node_agg.c - the groups of a batch: numbers of rows from the zone, what it reduced, and
 * states of aggregates as they travel between PostgreSQL's two phases.
 *
 * The zone numbers the groups; how many rows each has, and which row is the first, is
 * counted here.
 */
#include "node_agg.h"

#include "utils/memutils.h"

#include "aggregate.h"
#include "memory.h"
#include "node_answer.h"

enum {
	FEW = 16, /* rows to a group: then it may be seen more often */
};

/* A batch that crosses in one piece is cheaper, a large one has fewer groups that others
 * have as well. */
static uint64_t groups_bytes(uint32_t rows, uint32_t groups)
{
	return groups > rows / FEW ? BATCH_BYTES : batch_bytes();
}

/* ---- receiving ---- */

static void groups_grow(struct zone_state *z, struct groups *g, uint32_t rows)
{
	int i;

	if (g->cap >= rows)
		return;
	g->cap = rows;
	g->first = memory_grown(z->memory, g->first, rows * sizeof *g->first);
	g->rows = memory_grown(z->memory, g->rows, rows * sizeof *g->rows);
	for (i = 0; i < z->spec.ncolumns; i++) {
		g->counts[i].value =
			memory_grown(z->memory, g->counts[i].value, rows * sizeof(Datum));
		g->counts[i].state = memory_grown(z->memory, g->counts[i].state, rows);
	}
}

static struct groups *groups_of(struct zone_state *z, struct zone_batch *b)
{
	if (!b->groups) {
		MemoryContext old = MemoryContextSwitchTo(z->memory);

		b->groups = palloc0(sizeof *b->groups);
		b->groups->counts = palloc0((z->spec.ncolumns + 1) * sizeof *b->groups->counts);
		MemoryContextSwitchTo(old);
	}
	groups_grow(z, b->groups, b->rows);
	return b->groups;
}

/* All rows are one group. */
static void one_group(struct zone_batch *b, struct groups *g)
{
	g->n = 1;
	g->first[0] = 0;
	g->rows[0] = b->rows;
}

static void count_row(struct groups *g, uint32_t row, uint32_t number)
{
	for (; g->n <= number; g->n++)
		g->rows[g->n] = 0;
	if (g->rows[number]++ == 0)
		g->first[number] = row;
}

/* Rows in order: so the error of the first one that has one is raised. */
static void take_numbers(struct zone_batch *b, struct answer *a, struct groups *g)
{
	uint32_t i, number;
	uint8_t state;

	if (a->rows != b->rows)
		zone_raise_reply(a->reply_len, a->type);
	g->n = 0;
	for (i = 0; i < b->rows; i++) {
		state = answer_state(a, i);
		number = state == ROW_VALUE ? cursor_u32(&a->c) : 0;
		if (b->filtered && b->fate[i] > ROW_NULL)
			zone_raise_state(b->fate[i]);
		if (state > ROW_NULL)
			zone_raise_state(state);
		if (a->c.bad || number >= b->rows)
			zone_raise_reply(a->reply_len, a->type);
		if (state == ROW_VALUE)
			count_row(g, i, number);
	}
}

static void take_result(struct zone_state *z, struct zone_batch *b, struct answer *a, int result)
{
	struct groups *g = b->groups;

	if (result == ZONE_FILTER) {
		memset(b->fate, ROW_VALUE, b->rows);
		b->filtered = true;
		answer_filter(b, a);
	} else if (result == ZONE_NUMBERS) {
		take_numbers(b, a, g);
	} else {
		answer_column(z, b, a, g->n,
			result >= 0 ? &b->columns[result] : &g->counts[ZONE_COUNT - result]);
	}
}

/* A value of an argument of variable size, as it is stored. */
static Datum stored(struct zone_state *z, struct zone_batch *b, const uint8_t *p, uint32_t len)
{
	struct varlena *v = batch_alloc(z, b, VARHDRSZ + len);

	SET_VARSIZE(v, VARHDRSZ + len);
	memcpy(VARDATA(v), p, len);
	return PointerGetDatum(v);
}

/* Keys that were not kept with their rows: those of first rows, from the argument. */
static void make_keys(struct zone_state *z, struct zone_batch *b, int k)
{
	const struct values *v = &b->args[z->keep_late[k]];
	Datum *kept = b->kept + (Size)k * b->cap;
	const bool *null = b->kept_null + (Size)k * b->cap;
	uint32_t i, row, at = 0;
	uint64_t offset = 0;

	for (row = 0; row < b->rows; row++) { /* place and length, for the moment */
		if (null[row])
			continue;
		kept[row] = (Datum)(offset << 32 | v->lens[at]);
		offset += v->lens[at++];
	}
	for (i = 0; i < b->groups->n; i++) {
		row = b->groups->first[i];
		if (b->groups->rows[i] && !null[row])
			kept[row] = stored(z, b, v->data + (kept[row] >> 32), (uint32_t)kept[row]);
	}
}

void groups_receive(struct zone_state *z, struct zone_batch *b)
{
	struct request *q = &b->requests[0];
	struct groups *g = groups_of(z, b);
	struct answer a = {.reply_len = 0};
	int k;

	b->filtered = false;
	one_group(b, g);
	request_collect(z, q);
	a.reply_len = q->reply_len;
	a.c = cursor_of(q->reply, q->reply_len);
	for (k = 0; k < q->p->nresults; k++) {
		int result = q->p->results[k];
		bool of_rows = result == ZONE_FILTER || result == ZONE_NUMBERS;

		answer_open(&a, q->p->types[k], of_rows ? b->rows : g->n);
		take_result(z, b, &a, result);
	}
	if (a.c.left)
		zone_raise_reply(q->reply_len, q->p->types[0]);
	for (k = 0; k < z->nkeep; k++)
		if (z->keep_late[k] >= 0)
			make_keys(z, b, k);
	z->bytes = groups_bytes(b->rows, g->n);
}

/* ---- group by group ---- */

/* The state of an aggregate; NULL when it has seen no value. */
static Datum state_of(struct zone_state *z, struct zone_batch *b, int column, uint32_t group,
	int kind)
{
	const struct op *reduce = aggregate_reduce(kind);
	const struct computed *counts = &b->groups->counts[column];
	Datum d = b->columns[column].value[group];
	uint32_t len = value_bytes(reduce->result);
	const uint8_t *partial = (const uint8_t *)DatumGetPointer(d);
	int64 count = z->counted[column] ? DatumGetInt64(counts->value[group]) : 1;
	bytea *state;

	if (len == 0) {
		len = VARSIZE_ANY_EXHDR(partial);
		partial = (const uint8_t *)VARDATA_ANY(partial);
	}
	state = batch_alloc(z, b, VARHDRSZ + AGGREGATE_HEAD + len);
	SET_VARSIZE(state, VARHDRSZ + AGGREGATE_HEAD + len);
	aggregate_write((uint8_t *)VARDATA(state), kind, count, partial, len);
	return PointerGetDatum(state);
}

static void load_column(struct zone_state *z, struct zone_batch *b, int column, uint32_t group,
	TupleTableSlot *slot)
{
	struct computed *c = &b->columns[column];
	int at = z->nchild + column, measure = z->measures[column];

	if (measure == MEASURE_ROWS || measure == MEASURE_NONE) {
		c->state[group] = measure == MEASURE_ROWS ? ROW_VALUE : ROW_NULL;
		c->value[group] = measure == MEASURE_ROWS ? Int64GetDatum(b->groups->rows[group]) : 0;
	}
	if (measure <= MEASURE_SHARED) {
		c->state[group] = ROW_VALUE; /* or else that column says it */
		slot->tts_values[at] = slot->tts_values[z->nchild + MEASURE_SHARED - measure];
		slot->tts_isnull[at] = slot->tts_isnull[z->nchild + MEASURE_SHARED - measure];
		return;
	}
	slot->tts_isnull[at] = c->state[group] != ROW_VALUE;
	if (c->state[group] == ROW_VALUE)
		slot->tts_values[at] =
			measure >= 0 ? state_of(z, b, column, group, measure) : c->value[group];
}

bool groups_next(struct zone_state *z, struct zone_batch *b, TupleTableSlot *slot)
{
	struct groups *g = b->groups;
	int i;

	while (b->at < g->n) {
		uint32_t group = b->at++;

		if (g->rows[group] == 0)
			continue;
		z->count.passed += g->rows[group];
		z->count.groups++;
		ExecClearTuple(slot);
		batch_load_kept(z, b, g->first[group], slot);
		for (i = 0; i < z->spec.ncolumns; i++)
			load_column(z, b, i, group, slot);
		ExecStoreVirtualTuple(slot);
		return true;
	}
	return false;
}
