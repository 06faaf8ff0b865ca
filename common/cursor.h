/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cursor.h - bounded reading and writing of bytes.
 *
 * Whatever comes from a peer, a file or a user is parsed through a reader. It cannot
 * leave its bounds: a read past the end returns zero or NULL and sets `bad`, which
 * stays set, so a parser reads a whole header and checks once. Integers are
 * little-endian and need no alignment. A writer is the same the other way round.
 *
 * Neither owns memory. A pointer from cursor_bytes() points into the input, so the
 * input has to stay and, when a peer can write it, has to be a private copy wherever
 * a second look could differ from the first.
 */
#ifndef COMMON_CURSOR_H
#define COMMON_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static inline struct cursor cursor_of(const void *p, size_t len)
{
	struct cursor c = {p, len, false};

	return c;
}

/* The next `n` bytes in place, or NULL (and bad) when fewer are left. */
static inline const uint8_t *cursor_bytes(struct cursor *c, size_t n)
{
	const uint8_t *at = c->p;

	if (n > c->left) {
		c->bad = true;
		c->left = 0;
		return NULL;
	}
	c->p += n;
	c->left -= n;
	return at;
}

#define CURSOR_READ(name, type)                            \
	static inline type cursor_##name(struct cursor *c)     \
	{                                                      \
		type v = 0;                                        \
		const uint8_t *at = cursor_bytes(c, sizeof(type)); \
                                                           \
		if (at)                                            \
			memcpy(&v, at, sizeof v);                      \
		return v;                                          \
	}
CURSOR_READ(u8, uint8_t)
CURSOR_READ(u16, uint16_t)
CURSOR_READ(u32, uint32_t)
CURSOR_READ(u64, uint64_t)
#undef CURSOR_READ

struct writer {
	uint8_t *p;
	size_t left;
	bool bad;
};

static inline struct writer writer_of(void *p, size_t len)
{
	struct writer w = {p, len, false};

	return w;
}

/* Room for the next `n` bytes, or NULL (and bad) when there is less. */
static inline uint8_t *writer_room(struct writer *w, size_t n)
{
	uint8_t *at = w->p;

	if (n > w->left) {
		w->bad = true;
		w->left = 0;
		return NULL;
	}
	w->p += n;
	w->left -= n;
	return at;
}

static inline void writer_bytes(struct writer *w, const void *src, size_t n)
{
	uint8_t *at = writer_room(w, n);

	if (at && n)
		memcpy(at, src, n);
}

#define WRITER_PUT(name, type)                                 \
	static inline void writer_##name(struct writer *w, type v) \
	{                                                          \
		writer_bytes(w, &v, sizeof v);                         \
	}
WRITER_PUT(u8, uint8_t)
WRITER_PUT(u16, uint16_t)
WRITER_PUT(u32, uint32_t)
WRITER_PUT(u64, uint64_t)
#undef WRITER_PUT

#endif
