/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node_page.h - telling the processor which page of a table is read.
 *
 * Rows of ciphertext are wide: reading their columns one after the other waits for memory
 * at each line, backwards through the page, for that is where PostgreSQL puts rows. Asked
 * for at once, a page's lines come side by side. The page after it is asked for as well
 * while pages follow each other in shared buffers, which is so for a table that was read
 * from its start to its end.
 */
#ifndef HEDB_NODE_PAGE_H
#define HEDB_NODE_PAGE_H

#include "hedb.h"

#include "executor/tuptable.h"
#include "storage/buf.h"

/* Zeroed before the first row. */
struct page_reader {
	Buffer last;
};

void page_turn(struct page_reader *r, Buffer buffer);

/* To be called for each row: `slot` is the scan's own, of the table. */
static inline void page_row(struct page_reader *r, TupleTableSlot *slot)
{
	Buffer buffer;

	if (!TTS_IS_BUFFERTUPLE(slot))
		return;
	buffer = ((BufferHeapTupleTableSlot *)slot)->buffer;
	if (buffer != r->last)
		page_turn(r, buffer);
}

#endif
