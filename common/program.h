/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * program.h - what crosses the `ops` service: an expression over a batch of rows.
 *
 * request (docs/protocol.md), little-endian, no alignment:
 *     0   u8   arguments, 0 .. PROGRAM_ARGS_MAX
 *     1   u8   results beyond the first, 0 .. PROGRAM_STACK - 1; with PROGRAM_FILTERED and
 *              PROGRAM_INTO
 *     2   u16  instructions, 1 .. PROGRAM_CODE_MAX
 *     4   u32  rows, 1 .. PROGRAM_ROWS_MAX (or PROGRAM_WHOLE_ROWS_MAX)
 *     8   PROGRAM_INTO: u8 length, and the name of a domain of keys
 *         per argument: u8 type, u8 flags (ARG_*)
 *         instructions, u16 each: an operation's code, PUSH | argument, COPY | place on
 *         the stack, or GROUPED | the code of a REDUCE operation
 *         per argument, its column:
 *             ARG_NULLS: u8 per row, 0 value, 1 NULL
 *             fixed size: the values that are not NULL, side by side
 *             variable size: u32 length of each such value, then the values
 *             ARG_KEPT: 16 bytes, whatever the size
 *
 * reply:
 *     0   u8   REPLY_STATES: not every row is a value;  REPLY_SECRET: encrypted
 *     1   u8   type
 *     2   u16  zero
 *     4   u32  rows
 *     8   REPLY_STATES: u8 per row (enum row_state)
 *         the values, as in a request
 *
 * A program is postfix: PUSH puts an argument on the stack, COPY what lies there already
 * (0 is the bottom), an operation takes its arguments off and puts its result there; what
 * is left are the results, the first one at the bottom. Their replies come one behind the other. Each column has one row
 * (ARG_ONE, or the result of a REDUCE) or all of them; one row goes with all by
 * repetition. A batch of one row is the scalar operator.
 *
 * GROUPED takes one argument more, on top: a PUB_INT4 that numbers each row's group, from
 * 0, below the number of rows. It reduces each group and gives a row for each number up to
 * the highest; a row whose number is NULL or an error is left out. Columns of groups go
 * with those of the same number of groups. The zone can number the groups itself: T_group
 * takes the numbers so far (one 0 for all rows to begin with) and a column, rows with
 * equal values (NULLs are equal) get the same number, in order of appearance. group_where
 * leaves out the rows that a filter does not let through.
 *
 * PROGRAM_FILTERED: the first result is a boolean, and where it is not true the rows of
 * the others are NULL: they are not sealed, errors in them are not seen (WHERE comes
 * before the output columns), and arguments that only the others need are not opened.
 *
 * PROGRAM_INTO: all results are sealed under the active key of that domain (keyring.h), wherever
 * their arguments come from.
 *
 * The compiler checks everything that does not depend on rows - types, stack, role - so
 * that running cannot go wrong: what may differ by row is in the row's state.
 */
#ifndef COMMON_PROGRAM_H
#define COMMON_PROGRAM_H

#include "err.h"
#include "optable.h"

enum {
	PROGRAM_ARGS_MAX = 48,
	PROGRAM_CODE_MAX = 250,
	PROGRAM_ROWS_MAX = 4096,
	PROGRAM_WHOLE_ROWS_MAX = 1 << 22, /* of one that has WHOLE, REDUCE or GROUPED in it */
	PROGRAM_STACK = 32,
	PROGRAM_HEADER = 8,
	PROGRAM_PUSH = 0x8000,
	PROGRAM_GROUPED = 0x4000,
	PROGRAM_COPY = 0x2000,
	PROGRAM_FILTERED = 0x80, /* in byte 1 of a request */
	PROGRAM_INTO = 0x40,     /* the same */
};

enum arg_flags {
	ARG_ONE = 1,   /* one row for all */
	ARG_NULLS = 2, /* a byte per row says which are NULL */
	ARG_CLEAR = 4, /* a secret type's plaintext: role `client` only */
	ARG_KEEP = 8,  /* a time zone for all rows: have it kept (kept.h) */
	ARG_KEPT = 16, /* the column is the digest of one that was kept: KEPT_DIGEST bytes */
	ARG_FLAGS = 31,
};

enum reply_flags {
	REPLY_STATES = 1,
	REPLY_SECRET = 2,
};

/* Who asks; what a session may do grows with it. */
enum role {
	ROLE_DB,     /* evaluate */
	ROLE_CLIENT, /* encrypt and decrypt as well */
	ROLE_ADMIN,
};

struct program {
	struct {
		uint8_t type;
		uint8_t flags;
		bool late; /* not needed for the first result */
		uint8_t guard; /* not needed before that instruction, the first of the right side
		                  of an AND or OR, and then only where the left side leaves it
		                  open; 0: none */
		bool guard_is; /* the left side that settles it: false for AND, true for OR */
	} arg[PROGRAM_ARGS_MAX];
	struct program_code {
		const struct op *op; /* NULL: push `arg` */
		uint8_t arg;         /* or, with `copy`, what lies at that place */
		bool grouped;
		bool copy;
	} code[PROGRAM_CODE_MAX];
	struct {
		uint64_t from; /* secret arguments that are in it, when it is secret */
		uint8_t type;
		bool reveal;   /* it leaves in clear although its type is secret */
		bool made;     /* it was computed, not passed on */
		uint8_t says;  /* enum op_class: in clear, of what was secret; 0: nothing */
	} result[PROGRAM_STACK];
	uint8_t ngroups; /* operations that say which rows are equal */
	uint8_t nargs;
	uint8_t ncode;
	uint8_t nresults;
	uint8_t first;  /* instructions until the first result is done */
	bool guarded;   /* some argument has a guard */
	bool lasts;     /* the time of a row is not bounded by the bytes of its arguments */
	enum role role; /* the least that may run it */
	uint32_t rows_max;
	/* What each operation sees of which argument, a bit each: as it came, and what was made
	 * of it before. Clear ones are no arguments in that sense. */
	struct program_flow {
		uint64_t direct, made;
	} flow[PROGRAM_CODE_MAX];
};

/*
 * program_compile - check argument types and instructions and look the operations up.
 *
 *   bytes   nargs * 2 + ncode * 2 bytes, private
 *
 * Returns 0; -EPROTO with a reason in `e`: unknown type or operation, argument out of
 * range, wrong argument type, stack empty or too deep, REVEAL of what is used further, no
 * result.
 */
MUST_CHECK int program_compile(struct program *p, uint8_t nargs, uint16_t ncode,
	const uint8_t *bytes, struct err_text *e);

#endif
