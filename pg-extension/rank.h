/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rank.h - order and equality of many encrypted values, asked of the zone at once.
 *
 * A rank is a value's place among the distinct values asked about: it says what comparing
 * all of them would say, and nothing of other values.
 */
#ifndef HEDB_RANK_H
#define HEDB_RANK_H

#include "hedb.h"

/* Are there ranks of that type? */
bool rank_has(uint8 type);

/*
 * rank_values - dense ranks from 0; equal values share one.
 *
 *   type    secret type of the values
 *   values  not NULL, not stored out of line, not compressed
 *   ranks   out: n of them
 *
 * One round trip up to RANK_ROWS values or RANK_BYTES; more are divided by a sample of
 * them into ranges which are ranked one after the other, so neither the zone nor this
 * process needs memory for all values at once. Returns the number of distinct values.
 * Interruptible; raises what the zone says of a value that cannot be opened.
 */
uint32 rank_values(uint8 type, const Datum *values, uint32 n, uint32 *ranks);

/*
 * digest_values - the 16-byte digests of up to PROGRAM_ROWS_MAX values; arguments as of
 * rank_values(). `out` is DIGEST_BYTES times n.
 */
void digest_values(uint8 type, const Datum *values, uint32 n, uint8 *out);

/* The bytes of a value that is not out of line. */
static inline const uint8 *value_inline(uint32 fixed, Datum d, uint32 *len)
{
	*len = fixed ? fixed : (uint32)VARSIZE_ANY_EXHDR(DatumGetPointer(d));
	return (const uint8 *)(fixed ? DatumGetPointer(d) : VARDATA_ANY(DatumGetPointer(d)));
}

#endif
