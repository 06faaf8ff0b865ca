/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secret.h - memory for plaintext while it is computed with: locked where the limit allows,
 * left out of core dumps, between pages that nobody may touch.
 *
 *     small   sodium_malloc(), which also fills all of it and finds writes before it
 *     large   a mapping of its own, in huge pages where there are any: what is not used costs
 *             nothing, and a page fault comes for each two megabytes. (Ranks of a million
 *             rows: a third of ops_server's time went into faults and filling.)
 *
 * The caller wipes what it used before it gives it back; the kernel clears what it takes.
 */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stddef.h>

/* secret_alloc - `size` bytes, aligned to 16; NULL: no memory. */
void *secret_alloc(size_t size);

/* secret_free - give them back; NULL is nothing. */
void secret_free(void *p);

#endif
