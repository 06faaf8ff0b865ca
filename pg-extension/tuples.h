/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tuples.h - rows kept in memory side by side, as minimal tuples.
 *
 * A tuple is known by its place, a number that takes half the room of a pointer:
 *
 *     place    number of the chunk, 15 bits | offset in it, 17 bits, in units of 8 bytes
 *
 * Chunks are small at first and up to CHUNK bytes later; a tuple that is larger than that
 * has one of its own. Places are in the order of the rows until somebody sorts them.
 */
#ifndef HEDB_TUPLES_H
#define HEDB_TUPLES_H

#include "hedb.h"

#include "access/htup_details.h"
#include "executor/tuptable.h"

enum {
	TUPLES_UNIT = 8,
	TUPLES_OFFSET_BITS = 17,
	TUPLES_CHUNK = TUPLES_UNIT << TUPLES_OFFSET_BITS,
	TUPLES_CHUNKS_MAX = 1 << (32 - TUPLES_OFFSET_BITS),
};
StaticAssertDecl(TUPLES_UNIT == MAXIMUM_ALIGNOF, "tuples are aligned by units");

struct tuples {
	MemoryContext context; /* of all that is here */
	TupleDesc desc;
	char **chunk;
	uint32 nchunks, cap_chunks;
	Size used, size;       /* of the last chunk */
	uint32 *place;
	uint32 n, cap;
	Size bytes;            /* of chunks and places */
};

/* A child of the current context holds it; tuples_reset() empties it. */
void tuples_init(struct tuples *t, TupleDesc desc);
void tuples_reset(struct tuples *t);

/* A copy of the slot's row. False when there are too many, and nothing has changed. */
bool tuples_add(struct tuples *t, TupleTableSlot *slot);

/* Room for a tuple of `len` bytes, which is a row now. Raises when there are too many. */
MinimalTuple tuples_room(struct tuples *t, uint32 len);

/* Keep rows `keep[0 .. n)`, ascending numbers, and forget the others. */
void tuples_keep(struct tuples *t, const uint32 *keep, uint32 n);

/* Row i is the next one that is read, then those after it: free what is not needed for
 * that. Not after the places were sorted. */
void tuples_free_before(struct tuples *t, uint32 i);

static inline MinimalTuple tuples_at(const struct tuples *t, uint32 place)
{
	return (MinimalTuple)(t->chunk[place >> TUPLES_OFFSET_BITS] +
		(Size)(place & ((1 << TUPLES_OFFSET_BITS) - 1)) * TUPLES_UNIT);
}

/* A column of it; of one by reference, where it lies. */
static inline Datum tuples_column(
	const struct tuples *t, uint32 place, AttrNumber column, bool *null)
{
	MinimalTuple m = tuples_at(t, place);
	HeapTupleData h;

	h.t_len = m->t_len + MINIMAL_TUPLE_OFFSET;
	h.t_data = (HeapTupleHeader)((char *)m - MINIMAL_TUPLE_OFFSET);
	return heap_getattr(&h, column, t->desc, null);
}

#endif
