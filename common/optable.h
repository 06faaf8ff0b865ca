/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * optable.h - types, errors and operations as data, made from ops.def. The kernels that
 * compute them are in dispatch.c.
 */
#ifndef COMMON_OPTABLE_H
#define COMMON_OPTABLE_H

#include <stdbool.h>
#include <stdint.h>

enum op_type {
#define TYPE(name, code, sql, size, plain) T_##name = code,
#include "ops.def"
	T_MAX = 64,
	T_FIRST_PUBLIC = 32,
};

/* What a row of a column is: a value, NULL, or one of the errors. */
enum row_state {
	ROW_VALUE = 0,
	ROW_NULL = 1,
#define ERROR(name, code, sqlstate, message) ROW_##name = code,
#include "ops.def"
};

/* Operation codes, by SQL name: OP_enc_int4_add. */
enum op_code {
	OP_none = 0,
#define OP(code, sql, symbol, result, args, kernel, flags) OP_##sql = code,
#include "ops.def"
};

enum op_flags {
	OP_REDUCE = 8,
	OP_LAZY = 16,
	OP_REVEAL = 32,
	OP_INTERNAL = 64,
	OP_STABLE = 128,
	OP_WHOLE = 256,
	OP_PRED = 7, /* mask: bit 0 less, 1 equal, 2 greater */
};

/* What every secret type has, optable_generic(type, which). CASE is (bool, T, T): a
 * condition that is NULL counts as false; IS_NULL and IS_DISTINCT are never NULL. */
enum op_generic {
	GENERIC_DIGEST,
	GENERIC_CASE,
	GENERIC_COALESCE,
	GENERIC_NULLIF,
	GENERIC_IS_NULL,
	GENERIC_IS_DISTINCT,
	GENERIC_RANK,
};

/* What grouping takes of a secret type, optable_grouping(type, which). */
enum op_grouping { GROUPING_GROUP, GROUPING_COUNT, GROUPING_FIRST, GROUPING_REENCRYPT };

/* And where its other operations begin, as SECRET of ops.def counts them. */
enum op_secret { SECRET_EQ = 0, SECRET_CMP = 6, SECRET_HASH64 = 7 };

enum { OP_ARGS_MAX = 4, OPTABLE_CODES = 2048, DIGEST_BYTES = 16 };

struct op {
	uint16_t code;
	uint16_t flags;
	uint8_t nargs;
	uint8_t result;
	uint8_t args[OP_ARGS_MAX];
	const char *name;
	const char *symbol;
};

struct op_type_info {
	const char *name;
	const char *plain;
	uint32_t size;
};

struct op_error_info {
	const char *sqlstate;
	const char *message;
};

/* The operation of that code, or NULL. */
const struct op *optable_op(uint32_t code);

/* The code of what every secret type has; PUB_BOOL has the first ones but a digest. */
static inline uint16_t optable_generic(uint8_t type, enum op_generic which)
{
	return (uint16_t)(type == T_PUB_BOOL ? 0x700 + which : 0x400 + 8 * type + which);
}

/* The code of what grouping takes of a secret type. */
static inline uint16_t optable_grouping(uint8_t type, enum op_grouping which)
{
	return (uint16_t)(0x300 + 8 * type + which);
}

/* The operation of a secret type, NULL when it is none. */
const struct op *optable_secret(uint8_t type, enum op_secret which);

/* The type of that code; .name is NULL when there is none. */
struct op_type_info optable_type(uint32_t code);

/* Bytes of a type's plaintext, 0 for variable and unknown ones; type below T_MAX. */
extern const uint8_t optable_sizes[T_MAX];
static inline uint32_t optable_size(uint32_t type)
{
	return optable_sizes[type];
}

/* The error of that row state; .message is NULL when it is none. */
struct op_error_info optable_error(uint32_t state);

static inline bool optable_is_secret(uint32_t type)
{
	return type > 0 && type < T_FIRST_PUBLIC;
}

#endif
