/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * buffer.h - bytes in a row: put on at the end, taken off at the front.
 */
#ifndef CLIENT_BUFFER_H
#define CLIENT_BUFFER_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* All zero to begin with. */
struct buffer {
	char *p; /* owned */
	size_t at, end, cap;
};

static inline size_t buffer_len(const struct buffer *b)
{
	return b->end - b->at;
}

static inline char *buffer_front(const struct buffer *b)
{
	return b->p + b->at;
}

static inline void buffer_free(struct buffer *b)
{
	free(b->p);
	*b = (struct buffer){0};
}

/* Zeroes over all that was ever in it. */
static inline void buffer_wipe(struct buffer *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
}

/* Room for n bytes behind the last one: fill it, then add to b->end. NULL: no memory. */
static inline char *buffer_room(struct buffer *b, size_t n)
{
	size_t len = buffer_len(b), cap = b->cap ? b->cap : 16384;
	char *p;

	if (b->cap - b->end >= n && b->p)
		return b->p + b->end;
	if (b->at) {
		memmove(b->p, b->p + b->at, len);
		b->at = 0;
		b->end = len;
	}
	while (cap - len < n)
		cap *= 2;
	if (cap != b->cap) {
		p = realloc(b->p, cap);
		if (!p)
			return NULL;
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->end;
}

static inline bool buffer_add(struct buffer *b, const void *p, size_t n)
{
	char *to = buffer_room(b, n);

	if (!to)
		return false;
	if (n)
		memcpy(to, p, n);
	b->end += n;
	return true;
}

static inline void buffer_drop(struct buffer *b, size_t n)
{
	b->at += n;
	if (b->at == b->end)
		b->at = b->end = 0;
}

/* Back to `len` bytes: what was added after them is taken off again. */
static inline void buffer_cut(struct buffer *b, size_t len)
{
	b->end = b->at + len;
}

#endif
