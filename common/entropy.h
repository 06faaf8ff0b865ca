/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * entropy.h - random bytes that copies of one machine do not share.
 *
 * All keys, nonces and secrets that this project draws itself come from here. Not what
 * libraries draw inside: OpenSSL for cxl-proxy's TLS, libsodium for the public header of a
 * secretstream. The generation id is in it from life_watch() on. The kernel's generator alone is not
 * enough: it is in the memory that a clone has as well, and says the same to both until the
 * kernel has noticed, which may be a moment or a minute after the first instruction. So with
 * each draw are hashed: what the processor draws itself (RDRAND), the generation id, which is
 * another one in a clone from the beginning, the processor's clock, and what entropy_add()
 * was told. Each of them can only add: who knows or chooses all of the others learns nothing.
 *
 * Any thread.
 */
#ifndef COMMON_ENTROPY_H
#define COMMON_ENTROPY_H

#include <stddef.h>

/* entropy_fill - as good as keys have to be; sodium_init() first. Ends the process where the kernel has none. */
void entropy_fill(void *p, size_t len);

/* Something that a copy of ours is not told, too. */
void entropy_add(const void *p, size_t len);

#endif
