/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel.h - what an operation's kernel sees: columns of plaintext.
 *
 * A kernel reads its argument columns and writes its result column, row by row, and
 * knows nothing of ciphertext, wire or SQL. The evaluator has merged the arguments'
 * states into out->state before (first error wins, left to right, then NULL), so a
 * kernel computes the rows whose state is ROW_VALUE and may turn such a row into an
 * error. LAZY kernels get an unmerged state and do all of that themselves.
 *
 * Because an error is a row's value that spreads through operations, SQL's short-circuit
 * needs no control flow: AND answers false for a row whose left side is false whatever
 * the state of its right side.
 */
#ifndef COMMON_KERNEL_H
#define COMMON_KERNEL_H

#include <stddef.h>

#include "optable.h"

struct eval;
struct interval;
struct vec;

/* A variable-size plaintext; lies in the request's arena. */
struct span {
	const uint8_t *p;
	uint32_t len;
};

struct bytes16 {
	uint8_t b[16];
};

struct vec {
	union {
		int32_t *i4;
		int64_t *i8;
		float *f4;
		double *f8;
		struct bytes16 *b16;
		uint8_t *b;
		struct span *s;
		struct interval *iv;
		void *any;
	};
	uint8_t *state;
	const uint8_t *computed; /* a byte per row: VALUE_COMPUTED (value.h); NULL: none is */
	const uint16_t *domain;  /* one per row: whose key it came under (eval.h); NULL: domain 0 */
	uint32_t rows;
	uint8_t step; /* 0: one row for all, 1: one each */
	uint8_t type;
	bool dirty; /* some state is not ROW_VALUE */
};

/* Memory until the end of the request; NULL when there is no more, and then the
 * evaluator fails the request whatever the kernel does with the row. */
void *eval_alloc(struct eval *ev, size_t n);

/* Is the result still wanted? Work that may take seconds for a row (LIKE) asks now and
 * then, and on false fails its row with ROW_GIVEN_UP; between rows the evaluator asks. */
bool eval_wanted(struct eval *ev);

/* The keyed hash of canonical bytes, first byte the family: the first half of their
 * digest, which eval_digest() has until the next one. */
uint64_t eval_hash(struct eval *ev, const void *in, size_t n);
const uint8_t *eval_digest(const struct eval *ev);

/* A column at a time: `in` are op->nargs columns, `out` has room for `n` rows of a fixed
 * type; rows whose out->state is not ROW_VALUE are left alone. */
#define KERNEL_ARGS                                                                    \
	struct eval *ev, const struct op *op, struct vec *out, const struct vec *in, uint32_t n
#define KERNEL(name) void k_##name(KERNEL_ARGS)
typedef void op_kernel(KERNEL_ARGS);

/* The kernel of each operation code; NULL where there is none. */
extern op_kernel *const dispatch[OPTABLE_CODES];

/* Every kernel that ops.def names. */
#define OP(code, sql, symbol, result, args, kernel, flags) op_kernel k_##kernel;
#include "ops.def"

/* Value families for hashing: integers of all widths and numerics hash alike, and floats of
 * both. Types of time have their own codes for families. */
enum hash_family {
	HASH_NUMBER = 1,
	HASH_TEXT = 2,
	HASH_FLOAT = 3,
	HASH_BOOL = 4,
	HASH_BYTES = 5,
	HASH_UUID = 6,
};

#define ROW(v, i) ((i) * (v)->step)

/* One row of a column as a column of its own. */
static inline struct vec vec_row(const struct vec *v, uint32_t i)
{
	uint32_t size = optable_size(v->type), at = ROW(v, i);
	struct vec one = *v;

	one.state += at;
	one.b += (size_t)at * (size ? size : sizeof(struct span));
	one.rows = 1;
	one.step = 0;
	return one;
}

/* A loop over the rows to compute; `i` is the row. */
#define EACH_ROW(out, n, i)                                                            \
	for (i = 0; i < (n); i++)                                                          \
		if (!(out)->state[i])

/* A loop over a column that becomes one row: NULLs are left out, the first error is the
 * result and ends it. */
#define EACH_VALUE(in, out, n, i)                                                      \
	for (i = 0; i < (n) && (out)->state[0] <= ROW_NULL; i++)                           \
		if ((in)->state[i] > ROW_NULL)                                                 \
			row_fail(out, 0, (in)->state[i]);                                          \
		else if ((in)->state[i] == ROW_VALUE)

static inline void row_fail(struct vec *out, uint32_t i, uint8_t state)
{
	out->state[i] = state;
	out->dirty = true;
}

/* Does the operation say yes to a three-way result `c` (-1, 0, 1)? */
static inline bool op_accepts(const struct op *op, int c)
{
	return ((op->flags & OP_PRED) >> (c + 1)) & 1;
}

/* Such a result as the operation wants it: predicate or order. */
static inline void row_ordered(const struct op *op, struct vec *out, uint32_t i, int c)
{
	if (op->flags & OP_PRED)
		out->b[i] = op_accepts(op, c);
	else
		out->i4[i] = c;
}

/* min and max of spans, of a column and of two. `compare` says -1, 0 or 1; NOT_ORDERED
 * when one of them is none of its type. */
enum { NOT_ORDERED = 2 };
typedef int span_compare(struct span a, struct span b);

static inline void span_extreme(span_compare *compare, KERNEL_ARGS)
{
	bool any = false;
	uint32_t i;

	EACH_VALUE(in, out, n, i)
	{
		/* the first one with itself, which checks it */
		int c = compare(in->s[i], any ? out->s[0] : in->s[i]);

		if (c == NOT_ORDERED)
			row_fail(out, 0, ROW_MALFORMED);
		else if (!any || op_accepts(op, c))
			out->s[0] = in->s[i];
		any = true;
	}
	if (!any && !out->state[0])
		row_fail(out, 0, ROW_NULL);
}

static inline void span_choose(span_compare *compare, KERNEL_ARGS)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span a = in[0].s[ROW(&in[0], i)], b = in[1].s[ROW(&in[1], i)];
		int c = compare(a, b);

		if (c == NOT_ORDERED)
			row_fail(out, i, ROW_MALFORMED);
		else
			out->s[i] = op_accepts(op, c) ? a : b;
	}
}

#endif
