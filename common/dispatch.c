/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dispatch.c - which kernel computes an operation. Apart from optable.c, so that
 * programs which only name operations (hedb.so, tools) do not link the evaluator.
 */
#include "kernel.h"

op_kernel *const dispatch[OPTABLE_CODES] = {
#define OP(code, sql, symbol, result, args, kernel, flags) [code] = k_##kernel,
#include "ops.def"
};
