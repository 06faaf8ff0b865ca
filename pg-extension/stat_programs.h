/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stat_programs.h - what each program cost: view hedb_stat_programs.
 *
 * A program is what a request's head says: argument types and instructions, by user and
 * database. No argument is in it, so no constant either, in whatever form.
 *
 *     this process    counters that requests add to; they go to
 *     shared memory   at the end of a transaction, if hedb is in shared_preload_libraries:
 *                     hedb.stat_programs_max of them, the least used goes first
 *
 * Without that the view shows this process's own.
 */
#ifndef HEDB_STAT_PROGRAMS_H
#define HEDB_STAT_PROGRAMS_H

#include "hedb.h"

enum { STAT_PROGRAM_MAX = 2 + 2 * PROGRAM_ARGS_MAX + 2 * PROGRAM_CODE_MAX };

struct stat_counts {
	uint64 calls, requests, rows, bytes_sent, bytes_received, ticks;
};

/* A program of this process; it stays for good. */
struct program_stat {
	struct stat_key {
		Oid user, database;
		uint64 digest[2];
	} key;
	struct stat_counts count; /* of what is not in shared memory yet */
	struct program_stat *next; /* of those that have such */
	bool pending;
	uint16 len;
	uint8 program[STAT_PROGRAM_MAX]; /* u8 arguments, u8 instructions, then as in a request */
};

/* The current user's counters of the program in a request's head (program.h), whose last
 * ones were `last`, or NULL. */
struct program_stat *stat_program(
	struct program_stat *last, const uint8_t *head, uint32_t head_len);

void stat_count(struct program_stat *s, const struct stat_counts *more);

/* One request and its reply, where each is a call of its own; `before` is what zone_waited() said then. */
void stat_count_call(
	struct program_stat *s, uint64 rows, uint64 sent, uint64 received, uint64 before);

/* Once per process. */
void stat_programs_init(void);

#endif
