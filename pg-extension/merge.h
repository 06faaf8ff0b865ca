/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * merge.h - order of values that are merged from sorted runs on tape.
 *
 * A sort that does not fit its memory sorts runs by ranks, writes them to tape and then
 * compares only the first values of the runs, one pair at a time. So a second copy of each
 * run's values is kept in a temporary file, in their order: it says what comes next. The
 * next values of all runs, a window of each, are ranked together, and a comparison looks
 * two of them up; when a window has been used up, the next ones are fetched.
 *
 *     run 1   ######[==========]..........       # compared   [=] ranked   . in the file
 *     run 2   ##[=============]...........
 *
 * Memory: MERGE_VALUES values, whatever their number. Not covered are values that lie out
 * of line, and runs that are merged by another process: those are compared one by one.
 */
#ifndef HEDB_MERGE_H
#define HEDB_MERGE_H

#include "hedb.h"

struct merge;

/* Lives in the context. Close its file when that goes away, but not when the transaction
 * or subtransaction fails: then it is closed already. */
struct merge *merge_create(MemoryContext context, uint8 type);
void merge_close(struct merge *m);

/* A run is sorted: its values, and their ranks among them. */
void merge_add_run(struct merge *m, const Datum *values, const uint32 *ranks, uint32 n);

/* The order of two values, -1, 0 or 1; false when it does not follow from the runs.
 * `more`: fetch the next values if need be. */
bool merge_compare(struct merge *m, Datum x, Datum y, bool more, int *order);

#endif
