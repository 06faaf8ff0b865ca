/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * known.h - what the catalogue's functions and types are to the zone.
 *
 * A function is an operation when its C function is one of those that scalar.c made of
 * ops.def, whatever its name in SQL. Looked up once, until pg_proc changes.
 */
#ifndef HEDB_KNOWN_H
#define HEDB_KNOWN_H

#include "hedb.h"

struct known {
	Oid oid;
	uint16_t code; /* 0: no operation */
	uint8_t plain; /* mask of arguments that are plain and cross in clear */
};

struct known known_function(Oid oid);

/* Arguments of an operation in SQL: the session's time zone is none. */
static inline int known_nargs(const struct op *op)
{
	return op->nargs - (op->args[op->nargs - 1] == T_PUB_ZONE);
}

/* The generic operation of that name on a type: enc_int4_case. 0: it has none. */
uint16_t known_generic(uint8_t type, const char *what);

/* The encrypted type of that Oid, or 0. */
uint8_t code_secret_type(Oid type);

#endif
