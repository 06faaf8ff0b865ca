/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * order.h - bring rows in memory (tuples.h) into the order of several sort keys.
 *
 * Each key gives each row a number by which rows are distributed, so that rows are never
 * compared: of an encrypted column the zone's rank, of any other one a rank by
 * PostgreSQL's comparison. The second key is asked of rows only that are equal in the
 * first one, and so on:
 *
 *     key 1       all rows            a a a b c c d
 *     key 2       rows in runs        x y y   z z        two runs, one request
 *     key 3       what is still equal   p q   r s
 *
 * Rows that are equal in all keys stay in the order they came in.
 */
#ifndef HEDB_ORDER_H
#define HEDB_ORDER_H

#include "hedb.h"

#include "utils/sortsupport.h"

#include "tuples.h"

struct order_key {
	struct SortSupportData plain; /* .ssup_attno and .ssup_nulls_first of all of them */
	uint8 type;                   /* the encrypted type, or 0 */
	bool descending;              /* of an encrypted one */
};

/* order_key_init - a key as a Sort has it; it lives in the current context. */
void order_key_init(struct order_key *k, TupleDesc desc, AttrNumber column, Oid operator,
	Oid collation, bool nulls_first);

/* Can the zone rank values of that sort operator? */
bool order_by_ranks(Oid operator);

/* Does that value of the key lie here as a whole? Else it cannot be ranked. */
static inline bool order_can_rank(const struct order_key *k, Datum d)
{
	Pointer p = DatumGetPointer(d);

	return !k->type || value_bytes(k->type) ||
		!(VARATT_IS_EXTERNAL(p) || VARATT_IS_COMPRESSED(p));
}

/*
 * order_rows - sort t->place.
 *
 *   rows that cannot be ranked (order_can_rank) are not among them
 *
 * Interruptible, one round trip for each encrypted key, and raises what the zone says of
 * values that cannot be opened: nothing has changed then. Takes order_bytes() for each
 * row in a context of its own.
 */
void order_rows(struct tuples *t, struct order_key *keys, int nkeys);

/* Forget all rows before which `most` others stand by the first key alone. */
void order_keep_first(struct tuples *t, struct order_key *key, uint32 most);

/* Bytes for each row while rows are sorted. */
static inline Size order_bytes(int nkeys)
{
	return nkeys > 1 ? 41 : 13;
}

#endif
