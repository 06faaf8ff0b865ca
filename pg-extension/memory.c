/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory.h"

#include "utils/memutils.h"

enum {
	TIMES = 2,          /* malloc keeps so many times the largest piece */
	PIECE_MAX = 32 << 20, /* its DEFAULT_MMAP_THRESHOLD_MAX; of larger ones it learns nothing */
};

void *memory_grown(MemoryContext memory, void *old, Size n)
{
	if (old)
		pfree(old);
	return MemoryContextAllocHuge(memory, Max(n, 1));
}

void memory_keep(Size n)
{
	static Size shown;
	Size piece = Min(n / TIMES, PIECE_MAX - 4096);

	if (piece <= shown)
		return;
	shown = piece;
	pfree(palloc(piece));
}
