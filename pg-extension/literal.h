/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * literal.h - constants of one statement that say the same are one ciphertext.
 *
 * PostgreSQL finds the expression of a GROUP BY, DISTINCT or ORDER BY in the target list
 * by comparing their trees, constants bytewise; client mode would encrypt `'1'` of either
 * one anew, and they were not the same expression. So a literal that is read while a SELECT is
 * parsed, and a plain constant that is cast while it is planned, keep their ciphertext
 * until that is over. Not where it would be stored: rows of an INSERT show nothing of
 * what is equal.
 */
#ifndef HEDB_LITERAL_H
#define HEDB_LITERAL_H

#include "hedb.h"

#include "nodes/pathnodes.h"

struct literal_key {
	const void *scope;  /* what is parsed or planned; NULL: nothing that is to be kept */
	uint32 kind;        /* an encrypted type, or the function that casts */
	const void *bytes;  /* the constant; `len` of them */
	Size len;
};

/* The key of a text that an input function gets. */
struct literal_key literal_key_text(uint8 type, const char *text);

/* The key of a constant in that planner's statement, which may be NULL. */
struct literal_key literal_key_cast(PlannerInfo *root, Oid function, const Const *c);

/* A copy of its ciphertext; false: there is none. */
bool literal_find(const struct literal_key *k, Datum *value);

/* A ciphertext of `size` bytes for it. */
void literal_keep(const struct literal_key *k, Datum value, Size size);

/* A statement is parsed or planned: all constants are forgotten. */
void literal_forget(void);

/* Once per process. */
void literal_init(void);

#endif
