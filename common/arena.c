/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena.h"

#include <sodium.h>

enum { CHUNK_HEADER = 16, CHUNK_MIN = 1 << 20 };

void arena_init(struct arena *a, void *first, size_t len, size_t max,
	void *(*grow)(size_t), void (*give_back)(void *))
{
	a->first = a->at = first;
	a->first_len = len;
	a->end = a->first + len;
	a->grown = NULL;
	a->total = 0;
	a->max = max;
	a->grow = grow;
	a->give_back = give_back;
}

/* n is a multiple of 16. What is left of the old chunk is not used again. */
void *arena_alloc_slow(struct arena *a, size_t n)
{
	size_t size = n < CHUNK_MIN ? CHUNK_MIN : n;
	struct arena_chunk *c;

	if (n > a->max || a->total > a->max - n)
		return NULL;
	c = a->grow(CHUNK_HEADER + size);
	if (!c)
		return NULL;
	c->next = a->grown;
	c->size = size;
	a->grown = c;
	a->total += size;
	a->at = (uint8_t *)c + CHUNK_HEADER;
	a->end = a->at + size;
	a->at += n;
	return a->at - n;
}

void arena_reset(struct arena *a)
{
	size_t used = (size_t)(a->at - a->first);

	if (a->grown) {
		used = a->first_len;
		while (a->grown) {
			struct arena_chunk *c = a->grown;

			a->grown = c->next;
			sodium_memzero(c, CHUNK_HEADER + c->size);
			a->give_back(c);
		}
		a->end = a->first + a->first_len;
		a->total = 0;
	}
	sodium_memzero(a->first, used);
	a->at = a->first;
}
