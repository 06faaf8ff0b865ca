/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval_op.h"

#include <string.h>

#include "eval.h"
#include "group.h"

/* ---- what kernels ask for (kernel.h) ---- */

void *eval_alloc(struct eval *ev, size_t n)
{
	void *p = arena_alloc(&ev->arena, n);

	if (!p)
		ev->no_memory = true;
	return p;
}

bool eval_wanted(struct eval *ev)
{
	return !ev->wanted || ev->wanted(ev->wanted_ctx);
}

/* The bytes that stand for a value, instead of their hash. */
static uint64_t keep_canonical(struct eval *ev, const void *in, size_t n)
{
	struct canonical *c = &ev->canonical;

	if (n > c->cap) {
		c->bytes = eval_alloc(ev, 2 * n);
		c->cap = c->bytes ? 2 * n : 0;
	}
	c->len = c->bytes ? n : 0;
	if (c->len)
		memcpy(c->bytes, in, n);
	return 0;
}

uint64_t eval_hash(struct eval *ev, const void *in, size_t n)
{
	uint64_t low;

	_Static_assert((int)DIGEST_BYTES == KEYRING_PRF_BYTES, "a digest is what the PRF gives");
	if (ev->canonical.wanted)
		return keep_canonical(ev, in, n);
	keyring_prf(ev->digest, ev->keys, in, n);
	memcpy(&low, ev->digest, sizeof low);
	return low;
}

const uint8_t *eval_digest(const struct eval *ev)
{
	return ev->digest;
}

/* ---- around a kernel ---- */

/* `out` was made of these. */
static inline void merge_origin(
	struct eval *ev, struct vec *out, const struct vec *in, int nargs, bool by_row)
{
	int a;

	out->computed = NULL;
	out->domain = NULL;
	for (a = 0; a < nargs; a++)
		if (__builtin_expect(in[a].computed || in[a].domain, 0)) {
			column_origin(ev, out, in, nargs, by_row);
			return;
		}
}

/* First error from left to right, then NULL; a value only where all are values. */
static void merge_states(struct vec *out, const struct vec *in, int nargs)
{
	uint32_t i;
	int a;

	for (a = nargs - 1; a >= 0; a--) {
		if (!in[a].dirty)
			continue;
		out->dirty = true;
		for (i = 0; i < out->rows; i++) {
			uint8_t s = in[a].state[ROW(&in[a], i)];

			if (s > ROW_NULL || (s == ROW_NULL && out->state[i] == ROW_VALUE))
				out->state[i] = s;
		}
	}
}

static void run_part(
	struct eval *ev, const struct op *op, struct vec *out, const struct vec *in, uint32_t from,
	uint32_t n)
{
	struct vec o = vec_part(out, from, n), arg[OP_ARGS_MAX];
	int a;

	for (a = 0; a < op->nargs; a++)
		arg[a] = vec_part(&in[a], from, n);
	dispatch[op->code](ev, op, &o, arg, n);
	out->dirty |= o.dirty;
}

/* Bytes of variable size that an operation looks at in row i; 0 for one that has failed. */
static uint64_t row_work(const struct op *op, const struct vec *out, const struct vec *in,
	uint32_t i)
{
	uint64_t n = 0;
	int a;

	for (a = 0; a < op->nargs && !out->state[i]; a++)
		if (!optable_size(in[a].type))
			n += in[a].s[ROW(&in[a], i)].len;
	return n;
}

/* A column in parts of about a MiB: one long text beside thousands of rows is work for
 * hours, so ask in between. */
static void run_parts(
	struct eval *ev, const struct op *op, struct vec *out, const struct vec *in)
{
	uint32_t i, from = 0;

	for (i = 0; i < out->rows && !ev->no_memory; i++) {
		ev->work += row_work(op, out, in, i);
		if (ev->work < EVAL_WORK && i + 1 < out->rows)
			continue;
		if (ev->work >= EVAL_WORK) {
			ev->work = 0;
			if (!eval_wanted(ev))
				break;
		}
		run_part(ev, op, out, in, from, i + 1 - from);
		from = i + 1;
	}
	for (; from < out->rows; from++)
		row_fail(out, from, ROW_GIVEN_UP);
}

static bool any_variable(const struct op *op)
{
	int a;

	for (a = 0; a < op->nargs; a++)
		if (!optable_size(op->args[a]))
			return true;
	return false;
}

/* The length of what comes of `n` columns: that of the full ones, which are all alike. */
static int common_rows(const struct vec *in, int n, uint32_t *rows, bool *one,
	struct err_text *e)
{
	int a;

	*rows = *one = 1;
	for (a = 0; a < n; a++) {
		if (!in[a].step)
			continue;
		if (!*one && in[a].rows != *rows) {
			err_set(e, "columns of %u and %u rows together", *rows, in[a].rows);
			return -EPROTO;
		}
		*rows = in[a].rows;
		*one = false;
	}
	return 0;
}

int eval_op(struct eval *ev, const struct op *op, struct vec *stack, int *depth,
	struct err_text *e)
{
	struct vec *in, out;
	uint32_t rows, n;
	bool one;
	int rc;

	*depth -= op->nargs;
	in = &stack[*depth];
	rc = common_rows(in, op->nargs, &rows, &one, e);
	if (rc)
		return rc;
	n = op->flags & OP_REDUCE ? in[0].rows : rows;
	if (op->flags & OP_REDUCE)
		one = true;
	if (!vec_init(ev, &out, op->result, rows, one))
		return -ENOMEM;
	if (!(op->flags & (OP_LAZY | OP_REDUCE)))
		merge_states(&out, in, op->nargs);
	/* A reducing kernel gets the rows of its argument, others those of the result. */
	if (any_variable(op) && !(op->flags & (OP_WHOLE | OP_REDUCE | OP_LAZY)))
		run_parts(ev, op, &out, in);
	else
		dispatch[op->code](ev, op, &out, in, n);
	merge_origin(ev, &out, in, op->nargs, !(op->flags & (OP_WHOLE | OP_REDUCE)));
	stack[(*depth)++] = out;
	return ev->no_memory ? -ENOMEM : 0;
}

int eval_op_by_group(struct eval *ev, const struct op *op, struct vec *stack, int *depth,
	struct err_text *e)
{
	struct vec in[OP_ARGS_MAX];
	int first = *depth - op->nargs - 1, rc;

	memcpy(in, &stack[first], op->nargs * sizeof *in);
	rc = run_grouped(ev, op, stack, depth, e);
	if (rc)
		return rc;
	merge_origin(ev, &stack[first], in, op->nargs, false);
	return ev->no_memory ? -ENOMEM : 0;
}
