/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wiped.h - memory for messages, which may be plaintext of a client: nothing of it stays
 * behind when it goes back.
 *
 * Small ones are wiped. Large ones are mapped each by itself: they grow by moving pages,
 * not bytes, pages that were never written cost nothing, and the kernel clears what it
 * gets back before anybody else has it. So a request of a whole column needs its own size
 * and not that of two copies of it.
 */
#ifndef OPS_SERVER_WIPED_H
#define OPS_SERVER_WIPED_H

#include <stdbool.h>
#include <stdint.h>

/* wiped_grow - a `grow` of message.h: `cap` bytes that begin with those at `buf`, or, with
 * cap 0, give it back. NULL: no memory; buf is then still there. */
uint8_t *wiped_grow(uint8_t *buf, uint64_t cap);

#endif
