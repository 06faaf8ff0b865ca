/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * compile.h - PostgreSQL's expressions to programs of the zone (program.h).
 *
 * An expression compiles when its functions are operations of ops.def, reached by the C
 * functions that scalar.c made of them; so an alias (substring) compiles, and a function
 * that somebody put under the same name does not. AND, OR, NOT, IN (constants) and, where
 * the type has the generic operations, CASE, COALESCE, NULLIF and IS DISTINCT FROM compile
 * as well. All else below an operation is an argument: a column, a constant, or an
 * expression that PostgreSQL evaluates before the row is sent.
 *
 * What PostgreSQL would evaluate for some rows only (the right side of AND, a branch of
 * CASE) must not raise for the others. The zone keeps errors with their rows, so an
 * operation may stand there; a local expression only when it cannot raise.
 */
#ifndef HEDB_COMPILE_H
#define HEDB_COMPILE_H

#include "hedb.h"
#include "known.h"

#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

/* An expression that an argument column holds, and how it crosses. */
struct code_arg {
	Expr *expr;
	uint8_t type;
	uint8_t flags; /* ARG_ONE: does not depend on the row; ARG_CLEAR: client mode */
};

/* Arguments and instructions in the making. More than one expression can share the
 * arguments; each of them leaves one result. */
struct code {
	struct code_arg arg[PROGRAM_ARGS_MAX];
	uint16_t word[PROGRAM_CODE_MAX];
	int nargs, nwords;
	int depth;     /* of the stack, after the last word */
	int operations;
	List *functions; /* Oids, whose EXECUTE privilege execution has to check */
};

/*
 * code_add - append an expression.
 *
 *   certain   PostgreSQL would evaluate it for each row
 *   type      out: type of its result
 *
 * Returns false, and `c` is as before, when it does not compile, contains no operation,
 * or does not fit any more.
 */
bool code_add(struct code *c, Expr *e, bool certain, uint8_t *type);

/* Append an operation on the last two results (AND of two filters). */
bool code_and(struct code *c);

/* Append the digest of a value: equal digests mean equal values. False where the type has
 * none. */
bool code_add_digest(struct code *c, Expr *value);

/* Append the rank of a value among those of its batch. */
bool code_add_rank(struct code *c, Expr *value);

/* Append a value of an encrypted type, computed or not. */
bool code_add_value(struct code *c, Expr *value, uint8_t *type);

/* Append group numbers: by these plain columns, or 0 for all rows without any. */
bool code_add_numbers(struct code *c, List *columns);

/* Append what lies on the stack at that place already. */
bool code_copy(struct code *c, int place);

/* Append an operation on what was appended last. */
bool code_operation(struct code *c, uint16_t code);

/* Append a reduction of the last value: by the group numbers at that place of the stack,
 * of all rows when it is negative. */
bool code_reduce(struct code *c, uint16_t code, int numbers);

/* Might the expression contain an operation? Cheap: looks no function up twice. */
bool code_has_operation(Node *n);

#endif
