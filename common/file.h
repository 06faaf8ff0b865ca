/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.h - small files that are there as a whole or not at all, also when the machine stops.
 */
#ifndef COMMON_FILE_H
#define COMMON_FILE_H

#include <sys/types.h>

#include "err.h"

/* All return 0 or the kernel's errno, negated; -EIO. Those with a path say which in `e`. */

/* All of these bytes. */
MUST_CHECK int file_write(int fd, const void *p, size_t len);

/* A new file, which may be a secret's; -EEXIST: what is there stays. On errors there is none. */
MUST_CHECK int file_create(
	const char *path, mode_t mode, const void *p, size_t len, struct err_text *e);

/* Beside, by the name `path`.new, and then in its place. */
MUST_CHECK int file_replace(
	const char *path, mode_t mode, const void *p, size_t len, struct err_text *e);

#endif
