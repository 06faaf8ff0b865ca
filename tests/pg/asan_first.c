/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * asan_first.c - preloaded with AddressSanitizer into a PostgreSQL that has none.
 *
 * The sanitizer starts with the first call that it intercepts. Without this file that is
 * a malloc within p11-kit's initializer, where bindtextdomain() holds glibc's lock: the
 * sanitizer then looks for a symbol that is not there, the message is translated, and
 * the lock is left broken: PostgreSQL hangs. Linked with -z initfirst, this comes first.
 */
#include <stdlib.h>

static void *volatile first;

__attribute__((constructor)) static void start_asan(void)
{
	first = malloc(1);
	free(first);
}
