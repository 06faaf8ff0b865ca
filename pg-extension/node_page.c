/* SPDX-License-Identifier: BSD-3-Clause */
#include "node_page.h"

#include "storage/bufmgr.h"

enum { LINE = 64 };

/* Nothing is read: a page that is none of ours, or changes meanwhile, does no harm.
 * Inline, for gcc takes a function that does nothing else for one without effects. */
static pg_attribute_always_inline void prefetch(Buffer buffer)
{
	const char *page = BufferGetPage(buffer);
	int at;

	for (at = BLCKSZ - LINE; at >= 0; at -= LINE)
		__builtin_prefetch(page + at, 0, 2);
}

void page_turn(struct page_reader *r, Buffer buffer)
{
	bool follows = buffer == r->last + 1;

	r->last = buffer;
	if (buffer <= 0) /* a temporary table's, in the process's own memory */
		return;
	if (!follows)
		prefetch(buffer);
	if (buffer < NBuffers)
		prefetch(buffer + 1);
}
