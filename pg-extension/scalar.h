/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scalar.h - one operation of ops.def on one row.
 */
#ifndef HEDB_SCALAR_H
#define HEDB_SCALAR_H

#include "hedb.h"

/* Once per process, before the first call. */
void scalar_init(void);

/* Run operation `code` on the arguments of a strict SQL function. */
Datum scalar_call(FunctionCallInfo fcinfo, uint16_t code);

/* A stored value's bytes, copied into a new datum of that secret type. */
Datum value_datum(uint8_t type, const uint8_t *p, uint32_t len);

#endif
