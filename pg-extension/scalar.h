/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scalar.h - one operation of ops.def on one row.
 */
#ifndef HEDB_SCALAR_H
#define HEDB_SCALAR_H

#include "hedb.h"

/* Once per process, before the first call. */
void scalar_init(void);

/* Run operation `code` on the arguments of a strict SQL function; sets fcinfo->isnull
 * when the result is NULL, which whoever broke into the region can have for any. */
Datum scalar_call(FunctionCallInfo fcinfo, uint16_t code);

/* Comparison of two values of a secret type that are not NULL, as its btree support
 * function. */
int scalar_compare(uint8_t type, Datum a, Datum b);

/* A stored value's bytes, copied into a new datum of that secret type. */
Datum value_datum(uint8_t type, const uint8_t *p, uint32_t len);

/* The bytes of a stored value where they lie; `fixed` is value_bytes() of its type. What
 * lay out of line was copied to be read: then *copy is that, else NULL, for who cannot
 * leave it to the memory context. */
static inline const uint8_t *value_stored(
	uint32_t fixed, Datum d, uint32_t *len, void **copy)
{
	struct varlena *v;

	*copy = NULL;
	*len = fixed;
	if (fixed)
		return (const uint8_t *)DatumGetPointer(d);
	v = PG_DETOAST_DATUM_PACKED(d);
	if ((Pointer)v != DatumGetPointer(d))
		*copy = v;
	*len = VARSIZE_ANY_EXHDR(v);
	return (const uint8_t *)VARDATA_ANY(v);
}

#endif
