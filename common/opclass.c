/* SPDX-License-Identifier: BSD-3-Clause */
#include "opclass.h"

#include <stddef.h>
#include <string.h>

static const char *const names[OP_CLASSES] = {[CLASS_PUBLIC] = "", [CLASS_EQUALITY] = "equality",
	[CLASS_ORDER] = "order", [CLASS_MATCH] = "match", [CLASS_TRUTH] = "truth",
	[CLASS_HASH] = "hash", [CLASS_RANK] = "rank", [CLASS_GROUP] = "group",
	[CLASS_NULL] = "null", [CLASS_COUNT] = "count", [CLASS_SELECT] = "select",
	[CLASS_CONVERT] = "convert", [CLASS_COMPUTE] = "compute",
	[CLASS_AGGREGATE] = "aggregate", [CLASS_ENCRYPT] = "encrypt",
	[CLASS_DECRYPT] = "decrypt"};

enum { ASSIGNMENT, EXPLICIT, IMPLICIT };

/* Casts that SQL makes by itself. */
static const uint8_t casts[OPTABLE_CODES] = {
#define CAST(op, how) [OP_##op] = how,
#include "ops.def"
};

/* Its first argument that is secret, 0 when none is. */
static uint8_t secret_type(const struct op *op)
{
	int i;

	for (i = 0; i < op->nargs; i++)
		if (optable_is_secret(op->args[i]))
			return op->args[i];
	return 0;
}

static bool is(const struct op *op, uint8_t type, enum op_generic which)
{
	return op->code == optable_generic(type, which);
}

/* Those that answer in clear. */
static enum op_class release_of(const struct op *op, uint8_t type)
{
	if (op->code == optable_grouping(type, GROUPING_GROUP))
		return CLASS_GROUP;
	if (op->code == optable_grouping(type, GROUPING_COUNT))
		return CLASS_COUNT;
	if (is(op, type, GENERIC_RANK))
		return CLASS_RANK;
	if (is(op, type, GENERIC_IS_NULL))
		return CLASS_NULL;
	if (is(op, type, GENERIC_IS_DISTINCT))
		return CLASS_EQUALITY;
	if (op->result == T_PUB_BYTES16 || op->result == T_PUB_INT8)
		return CLASS_HASH;
	if ((op->flags & OP_PRED) == 2 || (op->flags & OP_PRED) == 5)
		return CLASS_EQUALITY;
	if (op->flags & OP_PRED || op->result == T_PUB_INT4)
		return CLASS_ORDER;
	return op->code == OP_enc_bool_is_true ? CLASS_TRUTH : CLASS_MATCH;
}

enum op_class opclass_of(const struct op *op)
{
	uint8_t type = secret_type(op);

	if (!type)
		return CLASS_PUBLIC;
	if (op->flags & OP_REVEAL)
		return CLASS_DECRYPT;
	if (!optable_is_secret(op->result))
		return release_of(op, type);
	if (is(op, type, GENERIC_NULLIF)) /* whether it is NULL is seen */
		return CLASS_EQUALITY;
	if (is(op, type, GENERIC_CASE) || is(op, type, GENERIC_COALESCE) ||
		op->code == optable_grouping(type, GROUPING_FIRST) ||
		op->code == optable_grouping(type, GROUPING_REENCRYPT) || (op->flags & OP_PRED))
		return CLASS_SELECT;
	if (casts[op->code] == IMPLICIT)
		return CLASS_CONVERT;
	return op->flags & OP_REDUCE ? CLASS_AGGREGATE : CLASS_COMPUTE;
}

bool opclass_passes_on(const struct op *op)
{
	enum op_class c = opclass_of(op);

	return c == CLASS_SELECT || c == CLASS_CONVERT || c == CLASS_DECRYPT ||
		(c == CLASS_EQUALITY && optable_is_secret(op->result));
}

bool opclass_blind(const struct op *op)
{
	enum op_class c = opclass_of(op);

	return c == CLASS_SELECT || c == CLASS_CONVERT;
}

const char *opclass_name(enum op_class c)
{
	return names[c];
}

enum op_class opclass_find(const char *name)
{
	int c;

	for (c = CLASS_EQUALITY; c < OP_CLASSES; c++)
		if (strcmp(names[c], name) == 0)
			break;
	return (enum op_class)c;
}
