/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node_agg.h - a batch of a Zone Aggregate: its rows are groups.
 */
#ifndef HEDB_NODE_AGG_H
#define HEDB_NODE_AGG_H

#include "node_batch.h"

/* As batch_receive() and batch_next(). Who is the first row of a group lends it the
 * child's columns. */
void groups_receive(struct zone_state *z, struct zone_batch *b);
bool groups_next(struct zone_state *z, struct zone_batch *b, TupleTableSlot *slot);

#endif
