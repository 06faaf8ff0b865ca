/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sort.h - what the sorts of this backend know of their values.
 */
#ifndef HEDB_SORT_H
#define HEDB_SORT_H

#include "hedb.h"

#include "lib/ilist.h"

/*
 * A node that hands out sorted rows. Whoever reads them may compare neighbours, to group;
 * the first such comparison has the node tell memo.h the digests of the rows it comes to.
 *
 *   tell   false: nothing of that type, or all of it was told
 */
struct sort_source {
	dlist_node node;
	bool (*tell)(struct sort_source *s, uint8 type);
};

/* It is forgotten when `owner` is reset, in an error too; it has to lie there. */
void sort_source_add(struct sort_source *s, MemoryContext owner);

/* Is there a sort that knows what the memo does not? */
bool sort_is_ranked(void);

/* Have the sources tell the digests of their next rows; false when none did. */
bool sort_tell_digests(uint8 type);

/* Tell memo.h the ranks of such sorts of that type; false when there was none. */
bool sort_tell_places(uint8 type);

/* What a sort that merges runs knows of two values; false: nothing. */
bool sort_merged_equal(uint8 type, Datum x, Datum y, bool *equal);

#endif
