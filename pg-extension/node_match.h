/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node_match.h - a Zone over a join that asks for each row of its outer side whether
 * there is a row of the inner side that passes the filters (plan_inner.c).
 *
 * Rows of one outer row come one after the other and have the same number. MATCH_FIRST
 * hands on the first of them that passes; MATCH_NONE one of those of which none does,
 * which is known when the next number comes, or the end.
 */
#ifndef HEDB_NODE_MATCH_H
#define HEDB_NODE_MATCH_H

#include "node_batch.h"

/* As batch_next(). */
bool match_next(struct zone_state *z, struct zone_batch *b, TupleTableSlot *slot);

/* After the last batch: the row that was waited with. */
bool match_last(struct zone_state *z, TupleTableSlot *slot);

void match_begin(struct zone_state *z);
void match_restart(struct zone_state *z);

#endif
