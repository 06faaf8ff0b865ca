/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena.h"

#include <sodium.h>

enum { CHUNK_HEADER = 16, CHUNK_MIN = 1 << 20, CHUNK_ROUND = 1 << 18 };

void arena_init(struct arena *a, void *first, size_t len, size_t max,
	void *(*grow)(size_t), void (*give_back)(void *))
{
	a->first = a->at = first;
	a->first_len = len;
	a->end = a->first + len;
	a->grown = a->kept = NULL;
	a->total = a->kept_total = a->keep = 0;
	a->max = max;
	a->grow = grow;
	a->give_back = give_back;
}

/* The smallest kept chunk of so many bytes, or a new one. */
static struct arena_chunk *chunk_take(struct arena *a, size_t n)
{
	struct arena_chunk **at, **best = NULL, *c;

	for (at = &a->kept; *at; at = &(*at)->next)
		if ((*at)->size >= n && (!best || (*at)->size < (*best)->size))
			best = at;
	if (best) {
		c = *best;
		*best = c->next;
		a->kept_total -= c->size;
		return c;
	}
	c = a->grow(CHUNK_HEADER + n);
	if (c)
		c->size = n;
	return c;
}

/* What was used of it, up to `end`, is wiped. */
static void chunk_leave(struct arena *a, struct arena_chunk *c, const uint8_t *end)
{
	sodium_memzero((uint8_t *)c + CHUNK_HEADER, (size_t)(end - (uint8_t *)c) - CHUNK_HEADER);
	if (a->kept_total + c->size > a->keep) {
		a->give_back(c);
		return;
	}
	a->kept_total += c->size;
	c->next = a->kept;
	a->kept = c;
}

/* n is a multiple of 16. What is left of the old chunk is not used again. */
void *arena_alloc_slow(struct arena *a, size_t n)
{
	size_t size = n < CHUNK_MIN ? CHUNK_MIN : n;
	struct arena_chunk *c;

	if (n > a->max || a->total > a->max - n)
		return NULL;
	if (a->keep) /* likely to serve another request as well */
		size = (size + CHUNK_ROUND - 1) & ~(size_t)(CHUNK_ROUND - 1);
	c = chunk_take(a, size);
	if (!c)
		return NULL;
	c->next = a->grown;
	a->grown = c;
	a->total += c->size;
	a->at = (uint8_t *)c + CHUNK_HEADER;
	a->end = a->at + c->size;
	a->at += n;
	return a->at - n;
}

void arena_reset(struct arena *a)
{
	size_t used = (size_t)(a->at - a->first);

	if (a->grown) {
		const uint8_t *end = a->at;

		used = a->first_len;
		while (a->grown) {
			struct arena_chunk *c = a->grown;

			a->grown = c->next;
			chunk_leave(a, c, end);
			end = a->grown ? (uint8_t *)a->grown + CHUNK_HEADER + a->grown->size : end;
		}
		a->end = a->first + a->first_len;
		a->total = 0;
	}
	sodium_memzero(a->first, used);
	a->at = a->first;
}

void arena_fini(struct arena *a)
{
	a->keep = 0;
	arena_reset(a);
	while (a->kept) {
		struct arena_chunk *c = a->kept;

		a->kept = c->next;
		a->kept_total -= c->size;
		a->give_back(c); /* it was wiped when it was kept */
	}
}
