/* SPDX-License-Identifier: BSD-3-Clause */
#include "wiped.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sodium.h>

enum { MAPPED_MIN = 1 << 20 };

/* Before the bytes. */
struct head {
	size_t size; /* of all, this too */
	size_t mapped;
} __attribute__((aligned(64)));

static struct head *head_of(uint8_t *buf)
{
	return (struct head *)(buf - sizeof(struct head));
}

static uint8_t *start(struct head *h, size_t size, bool mapped)
{
	h->size = size;
	h->mapped = mapped;
	return (uint8_t *)(h + 1);
}

static void give_back(struct head *h)
{
	size_t size = h->size;

	if (h->mapped) {
		munmap(h, size);
		return;
	}
	sodium_memzero(h, size);
	free(h);
}

/* In huge pages where there are any: a fault for each page was an eighth of the time of a
 * long request. */
static struct head *map(struct head *old, size_t size)
{
	void *p = old ? mremap(old, old->size, size, MREMAP_MAYMOVE)
		      : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)!madvise(p, size, MADV_HUGEPAGE);
	return p;
}

uint8_t *wiped_grow(uint8_t *buf, uint64_t cap)
{
	struct head *old = buf ? head_of(buf) : NULL, *h;
	size_t size = sizeof *h + cap;
	bool mapped = size >= MAPPED_MIN;

	if (cap == 0) {
		if (old)
			give_back(old);
		return NULL;
	}
	if (mapped && old && old->mapped) {
		h = map(old, size);
		return h ? start(h, size, true) : NULL;
	}
	h = mapped ? map(NULL, size) : aligned_alloc(64, (size + 63) & ~(size_t)63);
	if (!h)
		return NULL;
	buf = start(h, size, mapped);
	if (old) {
		memcpy(buf, old + 1, (old->size < size ? old->size : size) - sizeof *h);
		give_back(old);
	}
	return buf;
}
