/* SPDX-License-Identifier: BSD-3-Clause */
/* memory.h - large pieces of memory of nodes, between PostgreSQL's contexts and malloc. */
#ifndef HEDB_MEMORY_H
#define HEDB_MEMORY_H

#include "hedb.h"

/* `n` bytes in place of `old`, whose contents are gone. */
void *memory_grown(MemoryContext memory, void *old, Size n);

/*
 * memory_keep - of what is freed, malloc keeps about `n` bytes for this process, 64 MB at
 * most.
 *
 * A node's memory comes and goes with every statement. Left alone, malloc gives it back each
 * time and faults it in again: 230 page faults, which cost a filter of 100,000 rows a fifth
 * of its time in a virtual machine, 15,000 for a sort in 64 MB. malloc keeps more once it has
 * seen a large piece come back (mallopt(3), M_MMAP_THRESHOLD: dynamic), as it does of
 * PostgreSQL's own sorts; so show it one. mallopt() itself would end that learning.
 */
void memory_keep(Size n);

#endif
