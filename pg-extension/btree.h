/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * btree.h - comparisons that PostgreSQL's B-tree makes, many in one round trip.
 *
 * nbtree calls a comparison function for each tuple that a search visits or a scan reads,
 * with the value where it lies in a page of the index. The first such call asks the zone
 * for those of its neighbours as well that nbtree is about to come to; their answers wait
 * here. A descent takes one or two round trips a level instead of eight, a range scan one
 * a page instead of one for each tuple and bound.
 *
 * The zone says nothing that PostgreSQL could not have asked for one by one.
 */
#ifndef HEDB_BTREE_H
#define HEDB_BTREE_H

#include "hedb.h"

/* What for: to find the place in a page by bisection; to read on as long as values are
 * equal; to read on. */
enum btree_reader { BTREE_SEARCH, BTREE_EQUALS, BTREE_RANGE };

/*
 * btree_compare - the order of `item` and `key`, if the item lies in a B-tree's page.
 *
 *   op      code of the three-way comparison of their types
 *   order   out: negative, 0, positive
 *
 * False: it lies elsewhere, or cannot be compared; ask for it alone, to hear why. Raises
 * what zone_call() raises.
 */
bool btree_compare(
	uint16 op, enum btree_reader reader, Datum item, Datum key, int *order);

/*
 * btree_orders - the same for values of one page, wherever they lie; 0 for what cannot be
 * compared. Comparing them by btree_compare() needs no round trip then.
 */
void btree_orders(uint16 op, const Datum *values, uint32 n, Datum key, int *orders);

/* Forget everything: the settings changed. */
void btree_reset(void);

#endif
