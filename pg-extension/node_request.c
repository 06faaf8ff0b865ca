/* SPDX-License-Identifier: BSD-3-Clause */
#include "node_request.h"

#include "node_batch.h"

#include "cursor.h"
#include "memory.h"
#include "stat_programs.h"
#include "zone.h"

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

void program_prepare(
	struct zone_state *z, struct batch_program *p, const struct zone_request *r)
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
	p->stat = stat_program(NULL, p->head, p->head_len);
	stat_count(p->stat, &(struct stat_counts){.calls = 1});
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
		if (values_vary(&q->z->columns[q->p->args[i]]))
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
		if (values_vary(&q->z->columns[q->p->args[i]]))
			writer_bytes(&w, v->lens, 4ull * v->present);
		writer_bytes(&w, v->data, v->used);
	}
}

void request_send(struct zone_state *z, struct request *q)
{
	uint64_t len = request_len(q);

	zone_submit(z->spec.client ? ROLE_CLIENT : ROLE_DB, len, fill_request, q, !z->ended, &q->ticket);
	z->count.requests++;
	z->count.bytes_out += len;
	stat_count(q->p->stat,
		&(struct stat_counts){.requests = 1, .rows = q->b->rows, .bytes_sent = len});
}

void request_collect(struct zone_state *z, struct request *q)
{
	uint64 before = zone_waited();
	instr_time from, to;
	const uint8_t *reply;
	uint64_t len;

	INSTR_TIME_SET_CURRENT(from);
	reply = zone_collect(&q->ticket, &len);
	INSTR_TIME_SET_CURRENT(to);
	INSTR_TIME_ACCUM_DIFF(z->count.waited, to, from);
	if (len > q->reply_cap) {
		q->reply_cap = len;
		q->reply = memory_grown(z->memory, q->reply, len);
	}
	memcpy(q->reply, reply, len);
	q->reply_len = len;
	z->count.bytes_in += len;
	stat_count(q->p->stat,
		&(struct stat_counts){.bytes_received = len, .ticks = zone_waited_since(before)});
}

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
		else if (word & PROGRAM_GROUPED)
			appendStringInfo(&s, "%s/group", optable_op((uint32)word & ~PROGRAM_GROUPED)->name);
		else if (word & PROGRAM_COPY)
			appendStringInfo(&s, "=%d", (word & ~PROGRAM_COPY) + 1);
		else
			appendStringInfoString(&s, optable_op((uint32)word)->name);
	}
	return s.data;
}
