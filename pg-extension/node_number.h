/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node_number.h - group numbers of a batch's rows by plain columns, which PostgreSQL
 * compares itself. The zone goes on from there with encrypted ones.
 */
#ifndef HEDB_NODE_NUMBER_H
#define HEDB_NODE_NUMBER_H

#include "node_batch.h"

/* Once the node's columns are known: argument `arg` has the numbers. */
void number_begin(struct zone_state *z, int arg);

/* A new batch, of up to `rows`. */
void number_restart(struct zone_state *z, uint32_t rows);

/* The number of the batch's last row, as that argument's value. */
void number_row(struct zone_state *z, struct zone_batch *b);

#endif
