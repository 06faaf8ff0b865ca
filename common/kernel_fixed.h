/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_fixed.h - kernels of types of fixed size, as macros: a loop around an expression.
 *
 *     T       C type of a value          f       member of struct vec that points to it
 *     order   a function of two values: below 0, 0, above 0
 *
 * In the body of UNARY and BINARY, a and b are the arguments, r becomes the result, and
 * `fail` the error that takes its place.
 */
#ifndef COMMON_KERNEL_FIXED_H
#define COMMON_KERNEL_FIXED_H

#include "kernel.h"

/* a + b of types TA, TB in members fa, fb, to one of TR in fr. */
#define BINARY_OF(name, TR, fr, TA, fa, TB, fb, body)                                  \
	KERNEL(name)                                                                       \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			TA a = in[0].fa[ROW(&in[0], i)];                                           \
			TB b = in[1].fb[ROW(&in[1], i)];                                           \
			TR r = {0};                                                                \
			uint8_t fail = 0;                                                          \
                                                                                       \
			body;                                                                      \
			if (__builtin_expect(fail, 0))                                             \
				row_fail(out, i, fail);                                                \
			out->fr[i] = r;                                                            \
		}                                                                              \
	}

#define UNARY_OF(name, TR, fr, TA, fa, body)                                           \
	KERNEL(name)                                                                       \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			TA a = in[0].fa[ROW(&in[0], i)];                                           \
			TR r = {0};                                                                \
			uint8_t fail = 0;                                                          \
                                                                                       \
			body;                                                                      \
			if (__builtin_expect(fail, 0))                                             \
				row_fail(out, i, fail);                                                \
			out->fr[i] = r;                                                            \
		}                                                                              \
	}

#define BINARY(name, T, f, body) BINARY_OF(name, T, f, T, f, T, f, body)
#define UNARY(name, T, f, body) UNARY_OF(name, T, f, T, f, body)

/* The comparisons of two types, whatever the operation wants to know. */
#define COMPARE_OF(name, TA, fa, TB, fb, order)                                        \
	KERNEL(name)                                                                       \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			int c = order(in[0].fa[ROW(&in[0], i)], in[1].fb[ROW(&in[1], i)]);         \
                                                                                       \
			row_ordered(op, out, i, (c > 0) - (c < 0));                                \
		}                                                                              \
	}

#define COMPARE(name, T, f, order) COMPARE_OF(cmp_##name, T, f, T, f, order)

/* min and max: of a column, and of two. */
#define EXTREMES_OF(name, T, f, order)                                                 \
	KERNEL(extreme_##name)                                                             \
	{                                                                                  \
		bool any = false;                                                              \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_VALUE(in, out, n, i)                                                      \
		{                                                                              \
			T v = in->f[i];                                                            \
			int c = any ? order(v, out->f[0]) : 0;                                     \
                                                                                       \
			if (!any || op_accepts(op, (c > 0) - (c < 0)))                             \
				out->f[0] = v;                                                         \
			any = true;                                                                \
		}                                                                              \
		if (!any && !out->state[0])                                                    \
			row_fail(out, 0, ROW_NULL);                                                \
	}                                                                                  \
	KERNEL(choose_##name)                                                              \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			T a = in[0].f[ROW(&in[0], i)], b = in[1].f[ROW(&in[1], i)];                \
			int c = order(a, b);                                                       \
                                                                                       \
			out->f[i] = op_accepts(op, (c > 0) - (c < 0)) ? a : b;                     \
		}                                                                              \
	}

#endif
