/* SPDX-License-Identifier: BSD-3-Clause */
#include "node_batch.h"
#include "node_match.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "memory.h"
#include "node_agg.h"
#include "node_number.h"

enum {
	CHUNK = 64 * 1024,      /* of the kept values */
	PIECE_MIN = 64 * 1024,  /* smaller ones do not count: all batches go in parts */
	BYTES_MIN = 256 * 1024,
	KEPT = 8 << 20,         /* of freed memory */
};

/* ---- memory ---- */

void *batch_alloc(struct zone_state *z, struct zone_batch *b, Size n)
{
	struct chunk *c = b->chunk;

	n = MAXALIGN(n);
	while (c && c->size - c->used < n && c->next) {
		c = c->next;
		c->used = 0;
	}
	if (!c || c->size - c->used < n) {
		Size size = Max(n, CHUNK);
		struct chunk *more = MemoryContextAllocHuge(z->memory, MAXALIGN(sizeof *c) + size);

		more->size = size;
		more->used = 0;
		more->next = NULL;
		if (c)
			c->next = more;
		else
			b->chunks = more;
		c = more;
	}
	b->chunk = c;
	c->used += n;
	return (char *)c + MAXALIGN(sizeof *c) + c->used - n;
}

static void batch_grow(struct zone_state *z, struct zone_batch *b, uint32_t rows)
{
	int i;

	b->cap = rows;
	for (i = 0; i < z->nargs; i++)
		if (!(z->columns[i].flags & ARG_ONE))
			values_grow(z->memory, &b->args[i], &z->columns[i], rows);
	b->kept = memory_grown(z->memory, b->kept, (Size)z->nkeep * rows * sizeof *b->kept);
	b->kept_null = memory_grown(z->memory, b->kept_null, (Size)z->nkeep * rows);
	b->fate = memory_grown(z->memory, b->fate, rows);
	for (i = 0; i < z->spec.ncolumns; i++) {
		b->columns[i].value = memory_grown(z->memory, b->columns[i].value, rows * sizeof(Datum));
		b->columns[i].state = memory_grown(z->memory, b->columns[i].state, rows);
		memset(b->columns[i].state, ROW_VALUE, rows); /* none answers for a number */
	}
}

static void batch_reset(struct zone_state *z, struct zone_batch *b)
{
	int i;

	b->rows = b->at = 0;
	b->bytes = 0;
	b->chunk = b->chunks;
	if (b->chunk)
		b->chunk->used = 0;
	for (i = 0; i < z->nargs; i++)
		values_reset(&b->args[i]);
	if (b->cap < z->rows)
		batch_grow(z, b, z->rows);
}

struct zone_batch *batch_create(struct zone_state *z)
{
	MemoryContext old = MemoryContextSwitchTo(z->memory);
	struct zone_batch *b = palloc0(sizeof *b);
	int i;

	b->args = palloc0((z->nargs + 1) * sizeof *b->args);
	b->columns = palloc0((z->spec.ncolumns + 1) * sizeof *b->columns);
	b->requests = palloc0((z->nrequests + 1) * sizeof *b->requests);
	for (i = 0; i < z->nrequests; i++) {
		b->requests[i].z = z;
		b->requests[i].b = b;
		b->requests[i].p = &z->programs[i];
		zone_ticket_init(&b->requests[i].ticket, z->memory);
	}
	b->one = z->batch[0] ? z->batch[0]->one
						 : palloc0((z->nargs + 1) * sizeof *b->one);
	MemoryContextSwitchTo(old);
	return b;
}

/* ---- arguments that are the same for all rows ---- */

void batch_restart(struct zone_state *z)
{
	int i;

	for (i = 0; i < z->nargs && z->batch[0]; i++)
		z->batch[0]->one[i].rows = 0;
}

/* The arguments that are the same for all rows, before the first row is sent. */
static void take_ones(struct zone_state *z, struct zone_batch *b)
{
	ExprContext *econtext = z->css.ss.ps.ps_ExprContext;
	int i;

	for (i = 0; i < z->nargs; i++) {
		const struct zone_column *c = &z->columns[i];
		struct values *v = &b->one[i];
		bool null;
		Datum d;

		if (!(c->flags & ARG_ONE) || v->rows)
			continue;
		values_grow(z->memory, v, c, 1);
		values_reset(v);
		if (c->type == T_PUB_ZONE) {
			values_put_zone(v);
			continue;
		}
		if (c->flags & ARG_CLEAR)
			hedb_need_client_mode(c->type);
		d = ExecEvalExprSwitchContext(c->expr, econtext, &null);
		values_put(v, c, d, null, 0);
	}
}

/* ---- filling ---- */

/* A copy of a value by reference that outlives the child's row. */
static Datum keep_copy(struct zone_state *z, struct zone_batch *b, Datum d, int len)
{
	Size n = datumGetSize(d, false, len);
	void *p;

	if (len == -1 && VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(d)))
		d = PointerGetDatum(PG_DETOAST_DATUM(d));
	n = datumGetSize(d, false, len);
	p = batch_alloc(z, b, n);
	memcpy(p, DatumGetPointer(d), n);
	b->bytes += n;
	return PointerGetDatum(p);
}

static void keep_row(struct zone_state *z, struct zone_batch *b, TupleTableSlot *slot)
{
	int k;

	for (k = 0; k < z->nkeep; k++) {
		AttrNumber a = z->keep[k];
		Form_pg_attribute attr = TupleDescAttr(slot->tts_tupleDescriptor, a - 1);
		Datum d = slot->tts_values[a - 1];
		bool null = slot->tts_isnull[a - 1];
		int arg = z->keep_arg[k];

		if (null || attr->attbyval || z->keep_late[k] >= 0)
			;
		else if (arg >= 0)
			d = PointerGetDatum(
				b->args[arg].data + b->args[arg].used - z->columns[arg].bytes);
		else
			d = keep_copy(z, b, d, attr->attlen);
		b->kept[k * b->cap + b->rows] = d;
		b->kept_null[k * b->cap + b->rows] = null;
	}
}

static void take_row(struct zone_state *z, struct zone_batch *b, TupleTableSlot *slot)
{
	ExprContext *econtext = z->css.ss.ps.ps_ExprContext;
	uint32_t row = b->rows;
	int i;

	if (z->last_child > 0)
		slot_getsomeattrs(slot, z->last_child);
	if (z->local_args)
		ResetExprContext(econtext);
	econtext->ecxt_outertuple = slot;
	for (i = 0; i < z->nargs; i++) {
		const struct zone_column *c = &z->columns[i];
		uint64_t before = b->args[i].used;
		bool null;
		Datum d;

		if ((c->flags & ARG_ONE) || c->numbers)
			continue;
		if (c->attno) {
			d = slot->tts_values[c->attno - 1];
			null = slot->tts_isnull[c->attno - 1];
		} else {
			d = ExecEvalExprSwitchContext(c->expr, econtext, &null);
		}
		values_put(&b->args[i], c, d, null, row);
		b->bytes += b->args[i].used - before;
	}
	keep_row(z, b, slot);
	b->rows++;
}

/* Lengths and NULLs take up to a fifth more. */
uint64_t batch_bytes(void)
{
	uint64_t piece = zone_piece();

	return piece < PIECE_MIN ? BYTES_MIN : Min(piece - piece / 5, BATCH_BYTES);
}

bool batch_fill(struct zone_state *z, struct zone_batch *b)
{
	PlanState *child = outerPlanState(&z->css);
	uint64_t limit = Min(z->bytes, (uint64_t)work_mem * 1024 / (2 * ZONE_BATCHES));
	TupleTableSlot *slot;

	batch_reset(z, b);
	if (z->numberer)
		number_restart(z, z->rows);
	while (b->rows < z->rows && b->bytes < limit) {
		slot = ExecProcNode(child);
		if (TupIsNull(slot)) {
			z->ended = true;
			break;
		}
		if (z->scanned)
			page_row(&z->page, z->scanned);
		take_row(z, b, slot);
		if (z->numberer)
			number_row(z, b);
	}
	if (b->rows == 0)
		return false;
	take_ones(z, b);
	z->count.rows += b->rows;
	z->count.batches++;
	return true;
}

/* ---- under way ---- */

void batch_prepare(struct zone_state *z)
{
	ListCell *lc;
	int i = 0;

	memory_keep(KEPT);
	z->programs = palloc0((z->nrequests + 1) * sizeof *z->programs);
	foreach (lc, z->spec.requests)
		program_prepare(z, &z->programs[i++], lfirst(lc));
}

void batch_send(struct zone_state *z, struct zone_batch *b)
{
	int i;

	for (i = 0; i < z->nrequests; i++)
		request_send(z, &b->requests[i]);
}

void batch_forget(struct zone_state *z, struct zone_batch *b)
{
	int i;

	for (i = 0; i < z->nrequests; i++)
		zone_drop(&b->requests[i].ticket);
	b->rows = b->at = 0;
}

/* ---- row by row ---- */

void batch_load_kept(
	struct zone_state *z, struct zone_batch *b, uint32_t row, TupleTableSlot *slot)
{
	int k;

	for (k = 0; k < z->nkeep; k++) {
		slot->tts_values[z->keep[k] - 1] = b->kept[k * b->cap + row];
		slot->tts_isnull[z->keep[k] - 1] = b->kept_null[k * b->cap + row];
	}
}

void batch_load(struct zone_state *z, struct zone_batch *b, uint32_t row, TupleTableSlot *slot)
{
	int k;

	ExecClearTuple(slot);
	batch_load_kept(z, b, row, slot);
	for (k = 0; k < z->spec.ncolumns; k++) {
		slot->tts_values[z->nchild + k] = b->columns[k].value[row];
		slot->tts_isnull[z->nchild + k] = b->columns[k].state[row] != ROW_VALUE;
	}
	if (z->spec.number >= 0) {
		slot->tts_values[z->nchild + z->spec.number] = Int64GetDatum(++z->numbered);
		slot->tts_isnull[z->nchild + z->spec.number] = false;
	}
	ExecStoreVirtualTuple(slot);
}

bool batch_next(struct zone_state *z, struct zone_batch *b, TupleTableSlot *slot)
{
	if (z->spec.match)
		return match_next(z, b, slot);
	if (z->spec.grouped)
		return groups_next(z, b, slot);
	while (b->at < b->rows) {
		uint32_t row = b->at++;

		if (b->filtered && b->fate[row] != ROW_VALUE) {
			if (b->fate[row] > ROW_NULL)
				zone_raise_state(b->fate[row]);
			continue;
		}
		z->count.passed++;
		batch_load(z, b, row, slot);
		return true;
	}
	return false;
}

void batch_check(struct zone_state *z, struct zone_batch *b)
{
	int k;

	for (k = 0; k < z->spec.ncolumns; k++)
		if (b->columns[k].state[b->at - 1] > ROW_NULL)
			zone_raise_state(b->columns[k].state[b->at - 1]);
}
