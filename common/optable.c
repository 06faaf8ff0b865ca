/* SPDX-License-Identifier: BSD-3-Clause */
#include "optable.h"

#include <stddef.h>

#define A1(a) 1, {T_##a, 0, 0}
#define A2(a, b) 2, {T_##a, T_##b, 0}
#define A3(a, b, c) 3, {T_##a, T_##b, T_##c}
#define A4(a, b, c, d) 4, {T_##a, T_##b, T_##c, T_##d}
#define PRED(mask) (mask)
#define REDUCE OP_REDUCE
#define LAZY OP_LAZY
#define REVEAL OP_REVEAL
#define INTERNAL OP_INTERNAL
#define STABLE OP_STABLE
#define WHOLE OP_WHOLE

/* By code; they are dense enough. Where there is none, the name is NULL. */
static const struct op ops[OPTABLE_CODES] = {
#define OP(c, sql, sym, res, a, k, fl)                                                  \
	OP_ROW(c, #sql, sym, T_##res, fl, a)
#define OP_ROW(c, n, sym, res, fl, ...) OP_ROW_(c, n, sym, res, fl, __VA_ARGS__)
#define OP_ROW_(c, n, sym, res, fl, count, ...)                                         \
	[c] = {.code = (c), .name = n, .symbol = sym, .result = res, .flags = (fl),         \
		.nargs = count, .args = __VA_ARGS__},
#include "ops.def"
};

const struct op *optable_op(uint32_t code)
{
	return code < OPTABLE_CODES && ops[code].name ? &ops[code] : NULL;
}

static const uint16_t secret_base[T_MAX] = {
#define SECRET(base, T, name) [T_##T] = base,
#include "ops.def"
};

const struct op *optable_secret(uint8_t type, enum op_secret which)
{
	return type < T_MAX && secret_base[type] ? optable_op(secret_base[type] + which) : NULL;
}

const uint8_t optable_sizes[T_MAX] = {
#define TYPE(name, code, sql, size, plain) [code] = size,
#include "ops.def"
};

struct op_type_info optable_type(uint32_t code)
{
	switch (code) {
#define TYPE(name, code, sql, size, plain)                                              \
	case code:                                                                          \
		return (struct op_type_info){#sql, #plain, size};
#include "ops.def"
	default:
		return (struct op_type_info){NULL, NULL, 0};
	}
}

struct op_error_info optable_error(uint32_t state)
{
	switch (state) {
#define ERROR(name, code, sqlstate, message)                                            \
	case code:                                                                          \
		return (struct op_error_info){sqlstate, message};
#include "ops.def"
	default:
		return (struct op_error_info){NULL, NULL};
	}
}
