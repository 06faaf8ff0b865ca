/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node_values.h - the values of one argument of a Zone's programs, as they cross.
 *
 * Those that are not NULL lie side by side, as a program wants them (program.h).
 */
#ifndef HEDB_NODE_VALUES_H
#define HEDB_NODE_VALUES_H

#include "node.h"

struct values {
	uint8_t *data;
	uint64_t used, cap;
	uint32_t *lens; /* of a type of variable size */
	uint8_t *nulls; /* a byte for each row */
	uint32_t present, rows;
	bool any_null;
};

static inline bool values_vary(const struct zone_column *c)
{
	return c->bytes == 0;
}

/* Room for so many rows; what was there is gone. */
void values_grow(
	MemoryContext memory, struct values *v, const struct zone_column *c, uint32_t rows);
void values_reset(struct values *v);

/* As values_put(): of a kind or size that is not worth a copy of the code everywhere. */
void values_put_any(
	struct values *v, const struct zone_column *c, Datum d, bool null, uint32_t row);

/* Copies of a size that the compiler knows are a few instructions: these are the sizes of
 * an encrypted integer or date, and of a bigint or timestamp. */
static inline void values_put(
	struct values *v, const struct zone_column *c, Datum d, bool null, uint32_t row)
{
	enum { SMALL = VALUE_OVERHEAD + 4, LARGE = VALUE_OVERHEAD + 8 };
	uint8_t *at = v->data + v->used;

	if (null || !c->plain || v->used + c->bytes > v->cap) {
		values_put_any(v, c, d, null, row);
		return;
	}
	if (c->bytes == SMALL)
		memcpy(at, DatumGetPointer(d), SMALL);
	else if (c->bytes == LARGE)
		memcpy(at, DatumGetPointer(d), LARGE);
	else
		memcpy(at, DatumGetPointer(d), c->bytes);
	v->used += c->bytes;
	v->present++;
}

/* The session's time zone, as the only value. */
void values_put_zone(struct values *v);

#endif
