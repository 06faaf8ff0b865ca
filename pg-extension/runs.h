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
 *
 * There are no more windows than fit into memory with a fair number of rows each. While
 * there are more runs than that, the oldest of them become one run, at the end of the file.
 */
#ifndef HEDB_RUNS_H
#define HEDB_RUNS_H

#include "hedb.h"

#include "storage/buffile.h"

#include "order.h"
#include "tuples.h"

struct run {
	uint64 start, at, end; /* in the file: its first row, the next to read, behind it */
	uint32 here, seen;     /* rows in memory, and how many of these can be handed out */
	uint32 want;           /* rows to have in memory */
};

struct runs {
	MemoryContext context;
	struct tuples *t;      /* the sort's rows; while runs are merged, their windows */
	struct order_key *keys;
	int nkeys;
	BufFile *file;         /* NULL: there are no runs */
	uint64 bytes, rows;    /* written to it */
	struct run *run;
	uint32 n, cap;
	Size most;             /* bytes that merging may take */
	uint32 merging;        /* the first so many of them are being merged */
	uint32 at, ready;      /* the next row of .t, and behind those that can be handed out */
	uint64 handed;         /* rows handed out, the first .at of .t among them */
	uint32 added;          /* runs that came from .t */
	Size peak;
};

void runs_init(struct runs *s, MemoryContext context, struct tuples *t,
	struct order_key *keys, int nkeys);

/* Forget all runs, and the rows of .t; what EXPLAIN shows stays. */
void runs_close(struct runs *s);

/* Write the rows of .t, which are sorted, as a run, and forget them. */
void runs_add(struct runs *s);

/* No more will come: merge until what is left can be merged in `most` bytes. */
void runs_merge(struct runs *s, Size most);

/* The next row of all, valid until the next call; NULL: there is none. */
MinimalTuple runs_next(struct runs *s);

/* Begin again with the first row. */
void runs_rewind(struct runs *s);

/* Instead of merging: rows in any order, about `most` bytes of them, become those of .t.
 * False: there are no more. */
bool runs_read(struct runs *s, Size most);

#endif
