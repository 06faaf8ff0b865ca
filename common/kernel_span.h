/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_span.h - what kernels of text and of bytea share, both being bytes of any number.
 */
#ifndef COMMON_KERNEL_SPAN_H
#define COMMON_KERNEL_SPAN_H

#include <string.h>

#include "kernel.h"

enum {
	VARLENA_MAX = 0x3fffffff - 4, /* bytes that PostgreSQL can hold of one */
	WORK_BYTES = 1 << 20, /* compared between two questions whether it is still wanted */
};

static inline int span_order(struct span a, struct span b)
{
	uint32_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	if (c == 0)
		c = (a.len > b.len) - (a.len < b.len);
	return (c > 0) - (c < 0);
}

/* Its keyed hash; 0 without memory. */
static inline int64_t span_hash(struct eval *ev, enum hash_family family, struct span s)
{
	uint8_t *p = eval_alloc(ev, (size_t)s.len + 1);

	if (!p)
		return 0;
	p[0] = (uint8_t)family;
	if (s.len)
		memcpy(p + 1, s.p, s.len);
	return (int64_t)eval_hash(ev, p, (size_t)s.len + 1);
}

/* in[0] || in[1]; too_long: the row's state when that is so. */
static inline void span_concat(uint8_t too_long, KERNEL_ARGS)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span a = in[0].s[ROW(&in[0], i)], b = in[1].s[ROW(&in[1], i)];
		uint64_t len = (uint64_t)a.len + b.len;
		uint8_t *p;

		if (len > VARLENA_MAX) {
			row_fail(out, i, too_long);
			continue;
		}
		p = eval_alloc(ev, len);
		if (!p)
			return;
		if (a.len)
			memcpy(p, a.p, a.len);
		if (b.len)
			memcpy(p + a.len, b.p, b.len);
		out->s[i] = (struct span){p, (uint32_t)len};
	}
}

/* Units from .. to (counted from 1, `to` not included) of s, where they lie. */
typedef struct span span_slice(struct span s, int64_t from, int64_t to);

/* substring(s, from, length) and substring(s, from), in the units of `slice`. */
static inline void span_substring(span_slice *slice, KERNEL_ARGS)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		int64_t from = in[1].i4[ROW(&in[1], i)], len = in[2].i4[ROW(&in[2], i)];

		if (len < 0)
			row_fail(out, i, ROW_SUBSTRING);
		else
			out->s[i] = slice(in[0].s[ROW(&in[0], i)], from, from + len);
	}
}

static inline void span_substring_from(span_slice *slice, KERNEL_ARGS)
{
	uint32_t i;

	EACH_ROW(out, n, i)
		out->s[i] = slice(in[0].s[ROW(&in[0], i)], in[1].i4[ROW(&in[1], i)], INT64_MAX);
}

#endif
