/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * key.h - what a ciphertext is known by in this backend's tables.
 *
 *     a   type and key id, 24 bits of the tag mixed in, and 5 bytes of the incarnation
 *     b   the rest of the incarnation, and the counter (value.h)
 *
 * No two values share incarnation and counter. The tag's bits are there for those that
 * are no values: one forged around another's header is most likely not taken for it. With
 * the other's tag as well it is, which whoever can write to the table could have put
 * there anyway.
 */
#ifndef HEDB_KEY_H
#define HEDB_KEY_H

#include "hedb.h"

#include "rank.h"

struct value_key {
	uint64 a, b; /* a is never 0, so that an empty slot is not found */
};

/* False when the value does not lie here as a whole, or cannot be one. `fixed` as in
 * value_inline(). */
static inline bool value_key(uint32 fixed, Datum d, struct value_key *k)
{
	const uint8 *p;
	uint32 len, tag;

	if (!fixed && VARATT_IS_EXTENDED(DatumGetPointer(d)) &&
		!VARATT_IS_SHORT(DatumGetPointer(d)))
		return false;
	p = value_inline(fixed, d, &len);
	if (len < VALUE_OVERHEAD)
		return false;
	memcpy(k, p, sizeof *k);
	memcpy(&tag, p + len - GCM_TAG_BYTES, sizeof tag);
	k->a ^= tag & 0xffffff;
	k->a += k->a == 0;
	return true;
}

static inline bool value_key_equal(const struct value_key *x, const struct value_key *y)
{
	return x->a == y->a && x->b == y->b;
}

/* Counters follow each other, so this spreads. */
static inline uint32 value_key_hash(const struct value_key *k)
{
	uint64 h = (k->a ^ (k->b << 21 | k->b >> 43)) * UINT64CONST(0x9e3779b97f4a7c15);

	return (uint32)(h >> 32);
}

#endif
