/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memo.h - what this backend knows of ciphertexts: digests, which say whether two values
 * are equal, and places in the order of values that were ranked together.
 *
 * Executor nodes hash and compare a row at a time. Who has a batch of rows in hand fills
 * the memo for all of them in one round trip; the support functions of the operator
 * classes, which PostgreSQL calls later, then find what they need here, and ask the zone
 * only for what is missing. So the memo may forget at any time, and does: it holds as much
 * as a hash table may (work_mem * hash_mem_multiplier), and between transactions next to
 * nothing.
 *
 * Everything in it is true for ever: a ciphertext holds one value. key.h says by what it is
 * looked up.
 */
#ifndef HEDB_MEMO_H
#define HEDB_MEMO_H

#include "hedb.h"

/*
 * memo_digest_many - know the digests of these values from now on.
 *
 *   type    secret type of the values
 *   values  not NULL; what lies out of line or is compressed is left out
 *
 * A round trip for each PROGRAM_ROWS_MAX of them. Raises as rank.h says.
 */
void memo_digest_many(uint8 type, const Datum *values, uint32 n);

/* The digest, known or asked for now. */
void memo_digest_ask(uint8 type, Datum value, uint8 digest[DIGEST_BYTES]);

/* Are they equal, as far as is known? False: it is not. */
bool memo_equal(uint8 type, Datum a, Datum b, bool *equal);

/*
 * memo_places - values were ranked together, from 0 to places - 1.
 *
 * From now on memo_equal() and memo_order() know about any two of them.
 */
void memo_places(uint8 type, const Datum *values, const uint32 *ranks, uint32 n);

/* An order that grows: its number, places in it of more values, and that of one. Who adds
 * to it knows that all of it is in order. */
uint64 memo_new_order(void);
void memo_places_in(
	uint8 type, const Datum *values, const uint64 *places, uint32 n, uint64 order);
bool memo_place(uint8 type, Datum value, uint64 order, uint64 *place);

/* Which comes first, as far as is known: order is below, at or above 0. False: it is not. */
bool memo_order(uint8 type, Datum a, Datum b, int *order);

/* So many values can be entered and be found after that. */
uint32 memo_most(void);

/* Forget everything: the settings changed. */
void memo_reset(void);

#endif
