/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_text.h - what kernels of text share: characters of UTF-8.
 */
#ifndef COMMON_KERNEL_TEXT_H
#define COMMON_KERNEL_TEXT_H

#include "kernel_span.h"

/* Bytes of the character at p; at least 1, never past end. */
static inline size_t char_len(const uint8_t *p, const uint8_t *end)
{
	size_t n = *p < 0xc0 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	return n > (size_t)(end - p) ? (size_t)(end - p) : n;
}

/* Characters in s. */
int32_t text_chars(struct span s);

/* Characters from .. to (counted from 1, `to` not included) of s, where they lie. */
struct span text_slice(struct span s, int64_t from, int64_t to);

#endif
