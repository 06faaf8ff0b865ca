/* SPDX-License-Identifier: BSD-3-Clause */
#include "node_batch.h"

#include "access/tupmacs.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "cursor.h"
#include "scalar.h"
#include "zone.h"
#include "zone_rules.h"

enum {
	BATCH_BYTES = 1 << 20,  /* of arguments and kept values; less when work_mem is small */
	CHUNK = 64 * 1024,      /* of the kept values */
};

/* An argument's values, as they cross: those that are not NULL side by side. */
struct values {
	uint8_t *data;
	uint64_t used, cap;
	uint32_t *lens; /* of a type of variable size */
	uint8_t *nulls; /* a byte for each row */
	uint32_t present, rows;
	bool any_null;
};

/* A program, as far as it is the same for all batches: its head and instructions. */
struct batch_program {
	uint8_t *head;
	uint32_t head_len;
	int *args;      /* numbers of the node's arguments */
	int nargs;
	int *results;   /* ZONE_FILTER, ZONE_TOP or a column */
	uint8_t *types;
	int nresults;
};

/* A program with a batch's arguments, and what the zone answered. It stays while the
 * request is under way, for it may have to be sent again. */
struct request {
	const struct zone_state *z;
	const struct zone_batch *b;
	const struct batch_program *p;
	struct zone_ticket ticket;
	uint8_t *reply;
	uint64_t reply_len, reply_cap;
};

/* A computed column. */
struct computed {
	Datum *value;
	uint8_t *state;
};

struct zone_batch {
	uint32_t rows, cap, at;
	uint64_t bytes;
	struct values *args;
	struct values *one;       /* shared by the batches: arguments with ARG_ONE */
	Datum *kept;              /* cap of them for each column that is kept */
	bool *kept_null;
	uint8_t *fate;            /* ROW_VALUE passes, ROW_NULL does not, else the error */
	struct computed *columns; /* spec.ncolumns */
	struct request *requests; /* one for each program */
	struct chunk {
		struct chunk *next;
		Size size, used;
	} *chunks, *chunk;        /* the first one, and the one in use */
	bool filtered;
};

/* ---- memory ---- */

/* `n` bytes that stay until the batch is filled anew. */
static void *chunk_alloc(struct zone_state *z, struct zone_batch *b, Size n)
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

static void *grown(struct zone_state *z, void *old, Size n)
{
	if (old)
		pfree(old);
	return MemoryContextAllocHuge(z->memory, Max(n, 1));
}

static bool varies(const struct zone_column *c)
{
	return c->bytes == 0;
}

static void values_grow(
	struct zone_state *z, struct values *v, const struct zone_column *c, uint32_t rows)
{
	v->rows = rows;
	v->nulls = grown(z, v->nulls, rows);
	if (varies(c))
		v->lens = grown(z, v->lens, rows * sizeof *v->lens);
	v->cap = varies(c) ? 1024 : (uint64_t)rows * c->bytes;
	v->data = grown(z, v->data, v->cap);
}

static void batch_grow(struct zone_state *z, struct zone_batch *b, uint32_t rows)
{
	int i;

	b->cap = rows;
	for (i = 0; i < z->nargs; i++)
		if (!(z->columns[i].flags & ARG_ONE))
			values_grow(z, &b->args[i], &z->columns[i], rows);
	b->kept = grown(z, b->kept, (Size)z->nkeep * rows * sizeof *b->kept);
	b->kept_null = grown(z, b->kept_null, (Size)z->nkeep * rows);
	b->fate = grown(z, b->fate, rows);
	for (i = 0; i < z->spec.ncolumns; i++) {
		b->columns[i].value = grown(z, b->columns[i].value, rows * sizeof(Datum));
		b->columns[i].state = grown(z, b->columns[i].state, rows);
	}
}

static void values_reset(struct values *v)
{
	v->used = 0;
	v->present = 0;
	v->any_null = false;
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

/* ---- argument values ---- */

static void put_bytes(struct zone_state *z, struct values *v, const void *p, uint32_t len)
{
	if (unlikely(v->used + len > v->cap)) {
		v->cap = Max(v->cap * 2, v->used + len);
		v->data = repalloc_huge(v->data, v->cap);
	}
	memcpy(v->data + v->used, p, len);
	v->used += len;
}

static void put_null(struct values *v, uint32_t row)
{
	if (!v->any_null)
		memset(v->nulls, 0, v->rows);
	v->any_null = true;
	v->nulls[row] = 1;
}

/* A plain integer that stands for an encrypted one of either width. */
static void put_clear(struct zone_state *z, struct values *v, const struct zone_column *c,
	Datum d)
{
	put_bytes(z, v, &d, c->bytes); /* little-endian, and a Datum is sign-extended */
}

static void put_value(struct zone_state *z, struct values *v, const struct zone_column *c,
	Datum d, bool null, uint32_t row)
{
	const uint8_t *p;
	uint32_t len;
	void *copy;

	if (null) {
		put_null(v, row);
		return;
	}
	if (c->flags & ARG_CLEAR) {
		put_clear(z, v, c, d);
	} else if (c->by_value) {
		put_bytes(z, v, &d, c->bytes);
	} else {
		p = value_stored(c->bytes, d, &len, &copy);
		put_bytes(z, v, p, len);
		if (varies(c))
			v->lens[v->present] = len;
		if (unlikely(copy != NULL))
			pfree(copy);
	}
	v->present++;
}

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
		values_grow(z, v, c, 1);
		values_reset(v);
		if (c->type == T_PUB_ZONE) {
			uint32_t len;
			const uint8_t *rules = zone_rules(&len);

			put_bytes(z, v, rules, len);
			v->lens[0] = len;
			v->present = 1;
			continue;
		}
		if (c->flags & ARG_CLEAR)
			hedb_need_client_mode(c->type);
		d = ExecEvalExprSwitchContext(c->expr, econtext, &null);
		put_value(z, v, c, d, null, 0);
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
	p = chunk_alloc(z, b, n);
	memcpy(p, DatumGetPointer(d), n);
	b->bytes += n;
	return PointerGetDatum(p);
}

/* Where an argument has that column's value of this row already; NULL when none has. */
static uint8_t *kept_by_argument(struct zone_state *z, struct zone_batch *b, AttrNumber a)
{
	int i;

	for (i = 0; i < z->nargs; i++)
		if (z->columns[i].attno == a && z->columns[i].bytes && !z->columns[i].by_value)
			return b->args[i].data + b->args[i].used - z->columns[i].bytes;
	return NULL;
}

static void keep_row(struct zone_state *z, struct zone_batch *b, TupleTableSlot *slot)
{
	int k;

	for (k = 0; k < z->nkeep; k++) {
		AttrNumber a = z->keep[k];
		Form_pg_attribute attr = TupleDescAttr(slot->tts_tupleDescriptor, a - 1);
		Datum d = slot->tts_values[a - 1];
		bool null = slot->tts_isnull[a - 1];
		uint8_t *there = NULL;

		if (!null && !attr->attbyval) {
			if (attr->attlen > 0)
				there = kept_by_argument(z, b, a);
			d = there ? PointerGetDatum(there) : keep_copy(z, b, d, attr->attlen);
		}
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

		if (c->flags & ARG_ONE)
			continue;
		if (c->attno) {
			d = slot->tts_values[c->attno - 1];
			null = slot->tts_isnull[c->attno - 1];
		} else {
			d = ExecEvalExprSwitchContext(c->expr, econtext, &null);
		}
		put_value(z, &b->args[i], c, d, null, row);
		b->bytes += b->args[i].used - before;
	}
	keep_row(z, b, slot);
	b->rows++;
}

bool batch_fill(struct zone_state *z, struct zone_batch *b)
{
	PlanState *child = outerPlanState(&z->css);
	uint64_t limit = Min(BATCH_BYTES, (uint64_t)work_mem * 1024 / (2 * ZONE_BATCHES));
	TupleTableSlot *slot;

	batch_reset(z, b);
	while (b->rows < z->rows && b->bytes < limit) {
		slot = ExecProcNode(child);
		if (TupIsNull(slot)) {
			z->ended = true;
			break;
		}
		take_row(z, b, slot);
	}
	if (b->rows == 0)
		return false;
	take_ones(z, b);
	z->count.rows += b->rows;
	z->count.batches++;
	return true;
}

/* ---- requests ---- */

static void prepare_results(struct batch_program *p, const struct zone_request *r)
{
	int i;

	p->nresults = list_length(r->results);
	p->results = palloc(p->nresults * sizeof *p->results);
	p->types = palloc(p->nresults);
	for (i = 0; i < p->nresults; i++) {
		p->results[i] = list_nth_int(r->results, i);
		p->types[i] = (uint8_t)list_nth_int(r->types, i);
	}
}

static void prepare(struct zone_state *z, struct batch_program *p, const struct zone_request *r)
{
	struct writer w;
	ListCell *lc;
	int n = list_length(r->args), words = list_length(r->words);

	p->nargs = n;
	p->args = palloc((n + 1) * sizeof *p->args);
	prepare_results(p, r);
	p->head_len = PROGRAM_HEADER + 2 * n + 2 * words;
	p->head = palloc0(p->head_len);
	w = writer_of(p->head, p->head_len);
	writer_u8(&w, (uint8_t)n);
	writer_u8(&w, (uint8_t)(p->nresults - 1) |
		(p->nresults > 1 && p->results[0] == ZONE_FILTER ? PROGRAM_FILTERED : 0));
	writer_u16(&w, (uint16_t)words);
	writer_u32(&w, 0);
	n = 0;
	foreach (lc, r->args) {
		const struct zone_column *c = &z->columns[lfirst_int(lc)];

		p->args[n++] = lfirst_int(lc);
		writer_u8(&w, c->type);
		writer_u8(&w, c->flags);
	}
	foreach (lc, r->words)
		writer_u16(&w, (uint16_t)lfirst_int(lc));
}

void batch_prepare(struct zone_state *z)
{
	ListCell *lc;
	int i = 0;

	z->programs = palloc0((z->nrequests + 1) * sizeof *z->programs);
	foreach (lc, z->spec.requests)
		prepare(z, &z->programs[i++], lfirst(lc));
}

static const struct values *values_of(const struct request *q, int i)
{
	int arg = q->p->args[i];

	return q->z->columns[arg].flags & ARG_ONE ? &q->b->one[arg] : &q->b->args[arg];
}

static uint32_t values_rows(const struct request *q, int i)
{
	return q->z->columns[q->p->args[i]].flags & ARG_ONE ? 1 : q->b->rows;
}

static uint64_t request_len(const struct request *q)
{
	uint64_t len = q->p->head_len;
	int i;

	for (i = 0; i < q->p->nargs; i++) {
		const struct values *v = values_of(q, i);

		len += v->used + (v->any_null ? values_rows(q, i) : 0);
		if (varies(&q->z->columns[q->p->args[i]]))
			len += 4ull * v->present;
	}
	return len;
}

static void fill_request(void *arg, uint8_t *at, uint64_t len)
{
	const struct request *q = arg;
	struct writer w = writer_of(at, len);
	int i;

	writer_bytes(&w, q->p->head, q->p->head_len);
	memcpy(at + 4, &q->b->rows, 4);
	for (i = 0; i < q->p->nargs; i++) {
		const struct values *v = values_of(q, i);

		if (v->any_null) {
			at[PROGRAM_HEADER + 2 * i + 1] |= ARG_NULLS;
			writer_bytes(&w, v->nulls, values_rows(q, i));
		}
		if (varies(&q->z->columns[q->p->args[i]]))
			writer_bytes(&w, v->lens, 4ull * v->present);
		writer_bytes(&w, v->data, v->used);
	}
}

void batch_send(struct zone_state *z, struct zone_batch *b)
{
	int i;

	for (i = 0; i < z->nrequests; i++) {
		struct request *q = &b->requests[i];
		uint64_t len = request_len(q);

		zone_submit(z->spec.client ? ROLE_CLIENT : ROLE_DB, len, fill_request, q, &q->ticket);
		z->count.requests++;
		z->count.bytes_out += len;
	}
}

/* Wait for the answer and copy it: a reply lies in shared memory, and only until the next
 * call. */
static void collect(struct zone_state *z, struct request *q)
{
	instr_time from, to;
	const uint8_t *reply;
	uint64_t len;

	INSTR_TIME_SET_CURRENT(from);
	reply = zone_collect(&q->ticket, &len);
	INSTR_TIME_SET_CURRENT(to);
	INSTR_TIME_ACCUM_DIFF(z->count.waited, to, from);
	if (len > q->reply_cap) {
		q->reply_cap = len;
		q->reply = grown(z, q->reply, len);
	}
	memcpy(q->reply, reply, len);
	q->reply_len = len;
	z->count.bytes_in += len;
}

/* ---- replies ---- */

/* One of the results of a reply: a row for each row of the batch, or one for all. */
struct answer {
	struct cursor c;       /* what follows, and at last behind its values */
	const uint8_t *states; /* NULL: all are values */
	uint32_t rows;
	uint8_t type;
	uint64_t reply_len;    /* for the error */
};

static uint8_t state_of(const struct answer *a, uint32_t row)
{
	return a->states ? a->states[a->rows == 1 ? 0 : row] : ROW_VALUE;
}

/* The next result. */
static void answer_open(struct answer *a, uint8_t want, uint32_t rows)
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

static void take_filter(struct zone_batch *b, struct answer *a)
{
	const uint8_t *value = a->c.p;
	uint32_t i, present = 0;

	for (i = 0; i < a->rows; i++)
		present += state_of(a, i) == ROW_VALUE;
	if (!cursor_bytes(&a->c, present))
		zone_raise_reply(a->reply_len, a->type);
	for (i = 0; i < b->rows; i++) {
		uint8_t state = state_of(a, i);

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
		if (state_of(a, i) > ROW_NULL)
			zone_raise_state(state_of(a, i));
		n += state_of(a, i) == ROW_VALUE;
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
		if (state_of(a, i) != ROW_VALUE)
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
		struct varlena *v = chunk_alloc(z, b, VARHDRSZ + len);

		SET_VARSIZE(v, VARHDRSZ + len);
		memcpy(VARDATA(v), p, len);
		return PointerGetDatum(v);
	}
	if (optable_is_secret(type) || len > sizeof d)
		return PointerGetDatum(p); /* in the batch's copy of the reply */
	memcpy(&d, p, len);
	return type == T_PUB_BOOL ? BoolGetDatum(d & 1) : fetch_att(&d, true, (int)len);
}

static void take_column(struct zone_state *z, struct zone_batch *b, struct answer *a,
	struct computed *out)
{
	uint32_t size = optable_is_secret(a->type) ? value_bytes(a->type)
											   : optable_type(a->type).size;
	struct cursor lens = a->c;
	uint32_t i, present = 0;

	for (i = 0; i < a->rows; i++)
		present += state_of(a, i) == ROW_VALUE;
	if (size == 0)
		cursor_bytes(&a->c, 4ull * present);
	for (i = 0; i < a->rows; i++) {
		uint32_t len = size;
		const uint8_t *p;

		out->state[i] = state_of(a, i);
		if (out->state[i] != ROW_VALUE)
			continue;
		if (size == 0)
			len = cursor_u32(&lens);
		p = cursor_bytes(&a->c, len);
		if (!p || (optable_is_secret(a->type) && len < VALUE_OVERHEAD))
			zone_raise_reply(a->reply_len, a->type);
		out->value[i] = value_of(z, b, a->type, p, len, size == 0);
	}
	for (i = a->rows; i < b->rows; i++) {
		out->state[i] = out->state[0];
		out->value[i] = out->value[0];
	}
}

static void take_answer(struct zone_state *z, struct zone_batch *b, struct answer *a, int result)
{
	if (result >= 0) {
		take_column(z, b, a, &b->columns[result]);
		return;
	}
	if (!b->filtered)
		memset(b->fate, ROW_VALUE, b->rows);
	b->filtered = true;
	if (result == ZONE_TOP)
		take_top(z, b, a);
	else
		take_filter(b, a);
}

void batch_receive(struct zone_state *z, struct zone_batch *b)
{
	int i, k;

	b->filtered = false;
	for (i = 0; i < z->nrequests; i++) {
		struct request *q = &b->requests[i];
		struct answer a = {.reply_len = 0};

		collect(z, q);
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

void batch_forget(struct zone_state *z, struct zone_batch *b)
{
	int i;

	for (i = 0; i < z->nrequests; i++)
		zone_drop(&b->requests[i].ticket);
	b->rows = b->at = 0;
}

/* ---- row by row ---- */

static void load(struct zone_state *z, struct zone_batch *b, uint32_t row, TupleTableSlot *slot)
{
	int k;

	ExecClearTuple(slot);
	for (k = 0; k < z->nkeep; k++) {
		slot->tts_values[z->keep[k] - 1] = b->kept[k * b->cap + row];
		slot->tts_isnull[z->keep[k] - 1] = b->kept_null[k * b->cap + row];
	}
	for (k = 0; k < z->spec.ncolumns; k++) {
		slot->tts_values[z->nchild + k] = b->columns[k].value[row];
		slot->tts_isnull[z->nchild + k] = b->columns[k].state[row] != ROW_VALUE;
	}
	ExecStoreVirtualTuple(slot);
}

bool batch_next(struct zone_state *z, struct zone_batch *b, TupleTableSlot *slot)
{
	while (b->at < b->rows) {
		uint32_t row = b->at++;

		if (b->filtered && b->fate[row] != ROW_VALUE) {
			if (b->fate[row] > ROW_NULL)
				zone_raise_state(b->fate[row]);
			continue;
		}
		z->count.passed++;
		load(z, b, row, slot);
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

/* ---- text ---- */

char *batch_program_text(const struct zone_spec *spec, const struct zone_request *r)
{
	StringInfoData s;
	ListCell *lc;

	initStringInfo(&s);
	foreach (lc, r->words) {
		int word = lfirst_int(lc);

		if (s.len)
			appendStringInfoChar(&s, ' ');
		if (word & PROGRAM_PUSH)
			appendStringInfo(&s, "$%d", list_nth_int(r->args, word & ~PROGRAM_PUSH) + 1);
		else
			appendStringInfoString(&s, optable_op((uint32)word)->name);
	}
	return s.data;
}
