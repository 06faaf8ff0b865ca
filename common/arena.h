/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arena.h - memory of one request: given out in order, taken back at once, wiped.
 *
 * Holds plaintext, so arena_reset() wipes what was used. The first chunk is the
 * caller's (locked) memory and serves nearly every request; larger ones are asked from
 * `grow` (secret_alloc: locked, not dumped) and given back at the reset, but for
 * `keep` bytes of them: making such memory costs more than computing in it.
 * Alignment is 16 bytes.
 */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_chunk {
	struct arena_chunk *next; /* older */
	size_t size;              /* of bytes that follow the 16-byte header */
};

struct arena {
	uint8_t *at;
	uint8_t *end;
	uint8_t *first; /* caller's memory */
	size_t first_len;
	struct arena_chunk *grown; /* newest first */
	struct arena_chunk *kept;  /* wiped, for later */
	size_t total, max;         /* of those in use */
	size_t kept_total, keep;   /* `keep` may be set after arena_init(), which says 0 */
	void *(*grow)(size_t n); /* NULL when there is no more */
	void (*give_back)(void *p);
};

void arena_init(struct arena *a, void *first, size_t len, size_t max,
	void *(*grow)(size_t), void (*give_back)(void *));
void *arena_alloc_slow(struct arena *a, size_t n);
void arena_reset(struct arena *a);

/* Give back what is kept as well. */
void arena_fini(struct arena *a);

/* n bytes, not zeroed; NULL when the request has used its `max`. */
static inline void *arena_alloc(struct arena *a, size_t n)
{
	uint8_t *p = a->at;

	n = (n + 15) & ~(size_t)15;
	if (n > (size_t)(a->end - a->at))
		return arena_alloc_slow(a, n);
	a->at += n;
	return p;
}

#endif
