/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * column.h - a program's columns between the wire and plaintext; eval.c's other half.
 *
 * A column is found first and opened later, or never: where its bytes lie follows from
 * the request alone (program.h), what is in them costs a decryption for each row.
 */
#ifndef COMMON_COLUMN_H
#define COMMON_COLUMN_H

#include "cursor.h"
#include "eval.h"
#include "kernel.h"

/* An argument's bytes in the request, which is private memory. */
struct column {
	const uint8_t *nulls;  /* a byte per row, or NULL */
	const uint8_t *lens;   /* of each value that is there, u32; NULL for a fixed size */
	const uint8_t *values;
	uint64_t bytes; /* of the values */
	uint32_t rows;
	uint8_t type;
	bool one;
	bool clear; /* plaintext */
};

/* column_find - the next column. What is missing makes the cursor bad. */
struct column column_find(struct cursor *c, uint8_t type, uint8_t flags, uint32_t rows);

/*
 * column_open - its plaintext, in memory of the request.
 *
 *   want   a byte per row, 0: leave it, NULL is its state; or NULL: all
 *
 * What cannot be opened is its row's error; where the others come from is added to
 * ev->origin. False: no memory.
 */
MUST_CHECK bool column_open(
	struct eval *ev, const struct column *col, struct vec *v, const uint8_t *want);

/* column_origin - where `out` comes from, which was made of `in`: marks and domains spread, by_row
 * each by itself, else over all of it. */
void column_origin(
	struct eval *ev, struct vec *out, const struct vec *in, int nargs, bool by_row);

/* Bytes that a row of a type takes in a struct vec. */
static inline size_t vec_row_bytes(uint32_t type)
{
	uint32_t size = optable_size(type);

	return size ? size : sizeof(struct span);
}

/* Rows from .. from + n - 1 of a column. */
static inline struct vec vec_part(const struct vec *v, uint32_t from, uint32_t n)
{
	struct vec p = *v;

	from *= v->step;
	p.state += from;
	p.any = (uint8_t *)v->any + from * vec_row_bytes(v->type);
	p.rows = v->step ? n : 1;
	return p;
}

/* vec_init - a column of `rows`, all ROW_VALUE. False: no memory. */
MUST_CHECK bool vec_init(
	struct eval *ev, struct vec *v, uint8_t type, uint32_t rows, bool one);

/*
 * results_write - the replies of `n` results one behind the other, into the room that
 * eval_run() was given.
 *
 *   reveal     for each result: it leaves in clear though its type is secret
 *   computed   it is sealed as VALUE_COMPUTED, and not only where v->computed says so
 */
struct result {
	struct vec *v;
	bool reveal;
	bool computed;
};
MUST_CHECK int results_write(struct eval *ev, const struct result *r, int n,
	uint8_t *(*room)(void *, uint64_t), void *ctx);

#endif
