/* SPDX-License-Identifier: BSD-3-Clause */
#include "secret.h"

#include <stdint.h>
#include <sys/mman.h>

#include <sodium.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define GUARD ((size_t)4096)

/* Before the bytes. */
struct head {
	void *map;    /* of all, the guards too; NULL: sodium_malloc'ed */
	size_t size;
	size_t rsv[6];
};

_Static_assert(sizeof(struct head) == 64, "the bytes keep their alignment");

/* GUARD, `inner` bytes that begin with a huge page, GUARD; nothing accessible. What is
 * mapped too much goes back, for it would count as locked (mlockall). */
static uint8_t *reserve(size_t inner)
{
	size_t all = inner + HUGE_PAGE + 2 * GUARD;
	uint8_t *p = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before, after;

	if (p == MAP_FAILED)
		return NULL;
	before = (HUGE_PAGE - ((uintptr_t)p + GUARD) % HUGE_PAGE) % HUGE_PAGE;
	after = HUGE_PAGE - before;
	if (before > 0)
		munmap(p, before);
	if (after > 0)
		munmap(p + all - after, after);
	return p + before;
}

static struct head *map(size_t size)
{
	size_t inner = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	uint8_t *p = reserve(inner);
	struct head *h = (struct head *)(p + GUARD);

	if (!p)
		return NULL;
	if (mprotect(h, inner, PROT_READ | PROT_WRITE) < 0) {
		munmap(p, inner + 2 * GUARD);
		return NULL;
	}
	/* Each of these may be refused, and then the memory is slower, or not locked. */
	(void)!madvise(h, inner, MADV_HUGEPAGE);
	(void)!madvise(h, inner, MADV_DONTDUMP);
	(void)!mlock2(h, inner, MLOCK_ONFAULT);
	h->map = p;
	h->size = inner + 2 * GUARD;
	return h;
}

void *secret_alloc(size_t size)
{
	struct head *h;

	if (size > SIZE_MAX - 4 * HUGE_PAGE)
		return NULL;
	size += sizeof *h;
	if (size >= HUGE_PAGE)
		return (h = map(size)) ? h + 1 : NULL;
	h = sodium_malloc((size + 15) & ~(size_t)15);
	if (!h)
		return NULL;
	h->map = NULL;
	return h + 1;
}

void secret_free(void *p)
{
	struct head *h = p ? (struct head *)p - 1 : NULL;

	if (!h)
		return;
	if (h->map)
		munmap(h->map, h->size);
	else
		sodium_free(h);
}
