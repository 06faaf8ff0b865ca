/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eval_op.h - one operation of a program: its kernel, and all that kernels need not know.
 *
 * States and marks of the arguments become those of the result, and long columns of text
 * are done in parts, between which somebody may have stopped waiting. What kernels may ask
 * for (eval_alloc() and so on, in kernel.h) is here as well.
 */
#ifndef COMMON_EVAL_OP_H
#define COMMON_EVAL_OP_H

#include "column.h"

/*
 * eval_op, eval_op_by_group - take the arguments of `op` off the stack, by group the numbers
 * above them as well (group.h), and put the result there.
 *
 * Return 0, -EPROTO (columns of different lengths; `e` says it) or -ENOMEM.
 */
MUST_CHECK int eval_op(struct eval *ev, const struct op *op, struct vec *stack, int *depth,
	struct err_text *e);
MUST_CHECK int eval_op_by_group(struct eval *ev, const struct op *op, struct vec *stack,
	int *depth, struct err_text *e);

#endif
