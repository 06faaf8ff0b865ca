/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zone_program.h - programs of a few columns, and what the replies of any program say.
 *
 * For what is not on the hot path: scalar.c and the nodes fill their requests themselves.
 * As in zone.h, whatever goes wrong is raised.
 */
#ifndef HEDB_ZONE_PROGRAM_H
#define HEDB_ZONE_PROGRAM_H

#include "zone.h"

/* One argument column of a program. */
struct zone_arg {
	const void *data;       /* values side by side */
	uint64_t bytes;
	const uint32_t *lens;   /* of each value, for types of variable size */
	uint32_t len;           /* where lens may point for a single one */
	uint32_t rows;          /* 1 with ARG_ONE */
	uint8_t type;
	uint8_t flags;
};

enum { ZONE_ARGS = 4, ZONE_CODE = 8 };

struct zone_program {
	struct zone_arg arg[ZONE_ARGS];
	uint16_t code[ZONE_CODE];
	uint8_t nargs;
	uint8_t ncode;
	uint32_t rows;
	const char *into; /* the domain of keys that results go to (PROGRAM_INTO), or NULL */
};

void zone_push(struct zone_program *p, const struct zone_arg *a);
void zone_op(struct zone_program *p, uint16_t code);

/* Run it: the reply, as of zone_call(). */
const uint8_t *zone_run_rows(
	enum role role, const struct zone_program *p, uint64_t *reply_len);

/* What came back for the one row of the result. */
struct zone_result {
	const uint8_t *data; /* as zone_call's reply */
	uint32_t len;
};

/* Run a program whose result has one row, which is no NULL. */
struct zone_result zone_run(enum role role, const struct zone_program *p);

/* The same where it may be NULL: then .data is. */
struct zone_result zone_run_null(enum role role, const struct zone_program *p);

/*
 * zone_row - take a reply of one row apart.
 *
 *   type     what the result must be
 *   secret   whether it must be encrypted
 *
 * Raises what the row's state says when it is an error, and 08P01 when the reply is not
 * that: the region may have been written by anybody. Of NULL, .data is NULL.
 */
struct zone_result zone_row(
	const uint8_t *reply, uint64_t len, uint8_t type, bool secret);

/*
 * zone_column - the values of a reply of many rows, side by side.
 *
 *   type   what they must be: public, of a fixed size
 *   rows   how many
 *
 * Raises the error of the first row that is one, and 08P01 as zone_row() does. What is
 * returned is where the reply is: in shared memory perhaps, so read it once.
 */
const uint8_t *zone_column(const uint8_t *reply, uint64_t len, uint8_t type, uint32 rows);

#endif
