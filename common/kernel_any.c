/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_any.c - CASE, COALESCE, NULLIF, IS NULL and IS DISTINCT FROM of every type.
 *
 * They look at states themselves: what a branch that is not taken holds, an error too, is
 * not seen.
 */
#include "kernel.h"

#include <string.h>

/* Row i becomes what `from` has there: value, NULL or error. */
static inline void take(struct vec *out, uint32_t i, const struct vec *from)
{
	uint32_t at = ROW(from, i);

	if (from->state[at]) {
		row_fail(out, i, from->state[at]);
		return;
	}
	switch (optable_size(out->type)) {
	case 0:
		out->s[i] = from->s[at];
		break;
	case 1:
		out->b[i] = from->b[at];
		break;
	case 4:
		out->i4[i] = from->i4[at];
		break;
	case 8:
		out->i8[i] = from->i8[at];
		break;
	default:
		memcpy(out->b + (size_t)i * optable_size(out->type),
			from->b + (size_t)at * optable_size(out->type), optable_size(out->type));
	}
}

static inline uint8_t state_at(const struct vec *v, uint32_t i)
{
	return v->state[ROW(v, i)];
}

KERNEL(case)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint8_t s = state_at(&in[0], i);

		if (s > ROW_NULL)
			row_fail(out, i, s);
		else
			take(out, i, s == ROW_VALUE && in[0].b[ROW(&in[0], i)] ? &in[1] : &in[2]);
	}
}

KERNEL(coalesce)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		take(out, i, state_at(&in[0], i) == ROW_NULL ? &in[1] : &in[0]);
}

KERNEL(is_null)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint8_t s = state_at(in, i);

		out->b[i] = s == ROW_NULL;
		if (s > ROW_NULL)
			row_fail(out, i, s);
	}
}

/* Of rows that both are values: are they equal? An error of the comparison is the row's. */
static bool equal(struct eval *ev, struct vec *out, uint32_t i, const struct vec *in)
{
	struct vec arg[2] = {vec_row(&in[0], i), vec_row(&in[1], i)}, one;
	const struct op *eq = optable_secret(in[0].type, SECRET_EQ);
	uint8_t state = ROW_VALUE, same = 0;

	if (!eq) /* bool */
		return !arg[0].b[0] == !arg[1].b[0];
	one = (struct vec){.b = &same, .state = &state, .rows = 1, .type = T_PUB_BOOL};
	dispatch[eq->code](ev, eq, &one, arg, 1);
	if (state)
		row_fail(out, i, state);
	return same;
}

KERNEL(nullif)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint8_t a = state_at(&in[0], i), b = state_at(&in[1], i);

		if (a > ROW_NULL || b <= ROW_NULL)
			take(out, i, &in[0]);
		else
			row_fail(out, i, b);
		if (a == ROW_VALUE && b == ROW_VALUE && equal(ev, out, i, in))
			row_fail(out, i, ROW_NULL);
	}
}

KERNEL(is_distinct)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint8_t a = state_at(&in[0], i), b = state_at(&in[1], i);

		out->b[i] = a != b;
		if (a > ROW_NULL || b > ROW_NULL)
			row_fail(out, i, a > ROW_NULL ? a : b);
		else if (a == ROW_VALUE && b == ROW_VALUE)
			out->b[i] = !equal(ev, out, i, in);
	}
}

static void is(struct vec *out, const struct vec *in, uint32_t n, bool what)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint8_t s = state_at(in, i);

		out->b[i] = s == ROW_VALUE && !in->b[ROW(in, i)] == !what;
		if (s > ROW_NULL)
			row_fail(out, i, s);
	}
}

KERNEL(is_true)
{
	is(out, in, n, true);
}

KERNEL(is_false)
{
	is(out, in, n, false);
}
