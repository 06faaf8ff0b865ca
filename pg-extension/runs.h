/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * runs.h - sorted runs of rows in a temporary file, and their merge by sorting.
 *
 * Rows that do not fit into memory are sorted as many as fit (order.h) and written, run
 * by run. Merging loads the next rows of all runs, a window of each, and sorts those
 * together; no two rows are compared here either. In that order the rows can be handed out
 * up to the last one of some window: what its run has next may come after it at once.
 *
 *     run 1   ######[=======|==]......       # handed out   [=] in memory   . in the file
 *     run 2   ##[===========]|........       | what is sorted up to the end of a window
 *
 * Then the next windows are loaded beside what is left. A run that others wait for gets a
 * larger window, so runs that follow each other do not cost a round for each few rows.
 */
#ifndef HEDB_RUNS_H
#define HEDB_RUNS_H

#include "hedb.h"

#include "storage/buffile.h"

#include "tuples.h"

struct run {
	uint64 start, at, end; /* in the file: its first row, the next to read, behind it */
	uint32 here, seen;     /* rows in memory, and how many of these were handed out */
	uint32 want;           /* rows to have in memory */
};

struct runs {
	MemoryContext context;
	BufFile *file;     /* NULL: there are no runs */
	uint64 bytes, rows; /* of all of them */
	struct run *run;
	uint32 n, cap;
};

void runs_init(struct runs *s, MemoryContext context);
void runs_close(struct runs *s);

/* runs_add - write rows, which are sorted, as a run, and forget them. */
void runs_add(struct runs *s, struct tuples *t);

/* Begin again with the first rows; `t` is emptied. */
void runs_rewind(struct runs *s, struct tuples *t);

/*
 * runs_load - the next windows.
 *
 *   left   rows of `t` from here on were not handed out: they stay
 *   most   bytes, with `each` for a row besides its own
 *
 * False when no row is left at all. Else `t` is to be sorted.
 */
bool runs_load(struct runs *s, struct tuples *t, uint32 left, Size most, Size each);

/* runs_pass - a row is handed out. True: the next one may be in the file. */
bool runs_pass(struct runs *s, MinimalTuple m);

/* All rows in memory were, and are gone. */
void runs_pass_all(struct runs *s);

#endif
