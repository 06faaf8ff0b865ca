/* SPDX-License-Identifier: BSD-3-Clause */
#include "group.h"

#include <string.h>

enum { ASK_EVERY = 1 << 12 }; /* groups between two questions whether to go on */

/* How many groups there are, or why that cannot be said. */
static int groups_count(const struct vec *number, uint32_t *n, struct err_text *e)
{
	uint32_t i;

	*n = 0;
	for (i = 0; i < number->rows; i++) {
		if (number->state[i])
			continue;
		if ((uint32_t)number->i4[i] >= number->rows) {
			err_set(e, "row %u of %u has no group number below that", i, number->rows);
			return -EPROTO;
		}
		if ((uint32_t)number->i4[i] >= *n)
			*n = (uint32_t)number->i4[i] + 1;
	}
	return 0;
}

/* Counting sort: rows of group g are order[start[g]] .. order[start[g + 1] - 1]. All
 * reductions by the same numbers share it. */
static int groups_find(
	struct eval *ev, struct grouping *g, const struct vec *number, struct err_text *e)
{
	uint32_t i, *at;
	int rc;

	if (g->of == number->any && g->rows == number->rows)
		return 0;
	g->of = NULL;
	rc = groups_count(number, &g->n, e);
	if (rc)
		return rc;
	g->start = eval_alloc(ev, (g->n + 2ull) * sizeof *g->start);
	g->order = eval_alloc(ev, (number->rows + 1ull) * sizeof *g->order);
	if (!g->start || !g->order)
		return -ENOMEM;
	memset(g->start, 0, (g->n + 2ull) * sizeof *g->start);
	at = g->start + 1; /* moves to the group's end, which is where the next one starts */
	for (i = 0; i < number->rows; i++)
		if (!number->state[i])
			at[number->i4[i] + 1]++;
	for (i = 1; i <= g->n; i++)
		at[i] += at[i - 1];
	for (i = 0; i < number->rows; i++)
		if (!number->state[i])
			g->order[at[number->i4[i]]++] = i;
	g->of = number->any;
	g->rows = number->rows;
	g->identity = g->n == 1 && g->start[1] == number->rows;
	return 0;
}

/* The column in that order. */
static bool gather(
	struct eval *ev, const struct grouping *g, const struct vec *in, struct vec *out)
{
	size_t size = vec_row_bytes(in->type);
	uint32_t n = g->start[g->n], i;

	if (g->identity) {
		*out = *in;
		return true;
	}
	if (!vec_init(ev, out, in->type, n, false))
		return false;
	out->dirty = in->dirty;
	for (i = 0; in->dirty && i < n; i++)
		out->state[i] = in->state[g->order[i]];
	switch (size) {
	case 4:
		for (i = 0; i < n; i++)
			out->i4[i] = in->i4[g->order[i]];
		break;
	case 8:
		for (i = 0; i < n; i++)
			out->i8[i] = in->i8[g->order[i]];
		break;
	default:
		for (i = 0; i < n; i++)
			memcpy(out->b + i * size, in->b + g->order[i] * size, size);
	}
	return true;
}

/* Values of each group: they need not be brought together for that. */
static void count_all(const struct grouping *g, const struct vec *in, struct vec *out)
{
	uint32_t i, k;

	for (i = 0; i < g->n; i++) {
		out->i8[i] = g->start[i + 1] - g->start[i];
		for (k = g->start[i]; in->dirty && k < g->start[i + 1]; k++) {
			uint8_t state = in->state[g->order[k]];

			out->i8[i] -= state != ROW_VALUE;
			if (state > ROW_NULL && !out->state[i])
				row_fail(out, i, state);
		}
	}
}

/* The first row of each group, as a column. */
static bool first_all(
	struct eval *ev, const struct grouping *g, const struct vec *in, struct vec *out)
{
	struct grouping firsts = *g;
	uint32_t i;

	firsts.identity = false;
	firsts.order = eval_alloc(ev, (g->n + 1ull) * sizeof *firsts.order);
	firsts.start = eval_alloc(ev, (g->n + 1ull) * sizeof *firsts.start);
	if (!firsts.order || !firsts.start)
		return false;
	for (i = 0; i < g->n; i++)
		firsts.order[i] = g->start[i] < g->start[i + 1] ? g->order[g->start[i]] : 0;
	firsts.start[g->n] = g->n;
	if (!gather(ev, &firsts, in, out))
		return false;
	for (i = 0; i < g->n; i++)
		if (g->start[i] == g->start[i + 1])
			row_fail(out, i, ROW_NULL);
	return true;
}

static void reduce_all(struct eval *ev, const struct op *op, const struct grouping *g,
	const struct vec *in, struct vec *out)
{
	uint32_t i;
	int a;

	for (i = 0; i < g->n && !ev->no_memory; i++) {
		uint32_t from = g->start[i], n = g->start[i + 1] - from;
		struct vec part[OP_ARGS_MAX], one = vec_part(out, i, 1);

		if (i % ASK_EVERY == ASK_EVERY - 1 && !eval_wanted(ev))
			break;
		for (a = 0; a < op->nargs; a++)
			part[a] = vec_part(&in[a], from, n);
		dispatch[op->code](ev, op, &one, part, n);
		out->dirty |= one.dirty;
	}
	for (; i < g->n; i++)
		row_fail(out, i, ROW_GIVEN_UP);
}

int run_grouped(struct eval *ev, const struct op *op, struct vec *stack, int *depth,
	struct err_text *e)
{
	struct vec *in, gathered[OP_ARGS_MAX], out;
	struct grouping *g = &ev->grouping;
	const struct vec *number;
	int a, rc;

	*depth -= op->nargs + 1;
	in = &stack[*depth];
	number = &in[op->nargs];
	for (a = 0; a < op->nargs; a++)
		if (!number->step || !in[0].step || (in[a].step && in[a].rows != number->rows)) {
			err_set(e, "%s by group needs full columns of one length", op->name);
			return -EPROTO;
		}
	rc = groups_find(ev, g, number, e);
	if (rc)
		return rc;
	if (dispatch[op->code] == k_first) {
		if (!first_all(ev, g, in, &out))
			return -ENOMEM;
		stack[(*depth)++] = out;
		return 0;
	}
	if (!vec_init(ev, &out, op->result, g->n, false))
		return -ENOMEM;
	if (dispatch[op->code] == k_count) {
		count_all(g, in, &out);
		stack[(*depth)++] = out;
		return 0;
	}
	for (a = 0; a < op->nargs; a++) {
		gathered[a] = in[a];
		if (in[a].step && !gather(ev, g, &in[a], &gathered[a]))
			return -ENOMEM;
	}
	reduce_all(ev, op, g, gathered, &out);
	stack[(*depth)++] = out;
	return ev->no_memory ? -ENOMEM : 0;
}
