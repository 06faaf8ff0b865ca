/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * group.h - reductions by group (GROUPED in program.h), for eval.c.
 *
 * The rows are gathered by group, and the operation's own kernel reduces each run of
 * them: so whatever reduces a column does so by groups as well.
 */
#ifndef COMMON_GROUP_H
#define COMMON_GROUP_H

#include "column.h"

/*
 * run_grouped - take the arguments of `op` and the group numbers above them off the
 * stack, and put a row for each group there.
 *
 * Returns 0, -EPROTO (a group's number is negative or not below the number of rows;
 * columns of different lengths), -ENOMEM.
 */
MUST_CHECK int run_grouped(struct eval *ev, const struct op *op, struct vec *stack,
	int *depth, struct err_text *e);

#endif
