/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sort.h - what the sorts of this backend know of their values.
 */
#ifndef HEDB_SORT_H
#define HEDB_SORT_H

#include "hedb.h"

/* Is there a sort that knows what the memo does not? */
bool sort_is_ranked(void);

/* Tell memo.h the ranks of such sorts of that type; false when there was none. */
bool sort_tell_places(uint8 type);

/* What a sort that merges runs knows of two values; false: nothing. */
bool sort_merged_equal(uint8 type, Datum x, Datum y, bool *equal);

#endif
