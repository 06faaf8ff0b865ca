/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * opclass.h - what an operation does with secrets, as policies name it (docs/policy.md).
 *
 * Every operation of ops.def is in one class, which follows from its line there: an operation
 * that is added later is in the class of its kind, and a policy that was signed before holds
 * for it.
 *
 *     release, an answer in clear about what is encrypted:
 *         equality   =, <>, IS DISTINCT FROM, NULLIF       match   LIKE, starts_with, isfinite
 *         order      <, <=, >, >=, the three-way one       truth   an enc_bool as a condition
 *         hash       hashes and digests                    rank    order of a whole column
 *         group      which rows are equal                  null    IS NULL
 *         count      how many values there are
 *     pass on, a value that was there before:
 *         select     CASE, COALESCE, min, max, first,      convert implicit casts, which are exact
 *                    the same under another key
 *     make a new one:
 *         compute    arithmetic, text, dates, other casts  aggregate  sum, avg and the like
 *     and what only roles get that have proved who they are:
 *         encrypt, decrypt
 */
#ifndef COMMON_OPCLASS_H
#define COMMON_OPCLASS_H

#include "optable.h"

enum op_class {
	CLASS_PUBLIC, /* nothing secret goes in */
	CLASS_EQUALITY,
	CLASS_ORDER,
	CLASS_MATCH,
	CLASS_TRUTH,
	CLASS_HASH,
	CLASS_RANK,
	CLASS_GROUP,
	CLASS_NULL,
	CLASS_COUNT,
	CLASS_SELECT,
	CLASS_CONVERT,
	CLASS_COMPUTE,
	CLASS_AGGREGATE,
	CLASS_ENCRYPT, /* not an operation: a program's argument in clear */
	CLASS_DECRYPT,
	OP_CLASSES
};

enum op_class opclass_of(const struct op *op);

/* What comes of it is one of its arguments, or exactly that in another type. */
bool opclass_passes_on(const struct op *op);

/* It says nothing, by an answer or an error, of what its arguments are: it does but pass one on. */
bool opclass_blind(const struct op *op);

/* The class's name in policies; and back, OP_CLASSES when there is none of that name. */
const char *opclass_name(enum op_class c);
enum op_class opclass_find(const char *name);

#endif
