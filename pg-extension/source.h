/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * source.h - nodes that hand out sorted rows, and what memo.h is told of those.
 *
 * Whoever reads them may compare neighbours, to group, or rows of two such nodes, to merge
 * them: a round trip each. The first comparison that the memo cannot answer has the
 * sources tell it of many rows at once, around the one that each handed out last: digests
 * of their values, or places of the values of all sources in one order.
 *
 *     source 1   . . [. . x . . . . .] . . .      x  handed out last
 *     source 2   [. x . . . . . . .] . . .        [] told
 *
 * Rows beyond are told when a reader comes to them, more at a time then. Not more than the
 * memo keeps.
 *
 * A merge join goes back over rows that are equal, which may be many and far behind, in a
 * Material. So the places of what comes next go on from those told before, where they can:
 * from the row that lies first in the order of those handed out last, of which every source
 * is known to have told all that comes after it.
 */
#ifndef HEDB_SOURCE_H
#define HEDB_SOURCE_H

#include "hedb.h"

#include "lib/ilist.h"

struct told {
	uint64 from, to; /* rows */
	uint32 ahead;    /* so many next time */
};

struct looked {
	uint64 from, to;
	Datum *values;
	uint32 n, out;   /* how many, and in rows that were handed out */
};

struct source {
	dlist_node node;
	bool has[T_FIRST_PUBLIC];    /* types that it sorts by */
	int8 leads[T_FIRST_PUBLIC];  /* the first key, and no other one, is of that type: 1, or
	                                -1 if that descends */
	struct told digests[T_FIRST_PUBLIC], places[T_FIRST_PUBLIC];

	/* The number of rows up to the one handed out last; 0: nothing is known of them. */
	uint64 (*at)(struct source *s);

	/* Values in the rows [from, to), or fewer, which it says then. The array and what lies
	 * nowhere else are in the current context. */
	void (*look)(struct source *s, uint8 type, struct looked *l);
};

/* It is forgotten when `owner` is reset, in an error too; it has to lie there. */
void source_add(struct source *s, MemoryContext owner);

/* Its rows are others now, or come in another order. */
void source_changed(struct source *s);

/* Is there one? */
bool source_any(void);

/* Have memo.h told; false: nothing is to be told that was not. */
bool source_tell_digests(uint8 type);
bool source_tell_places(uint8 type);

#endif
