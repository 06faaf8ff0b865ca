/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * passphrase.h - a passphrase from where others do not see it: never an argument of a
 * program, never its environment.
 *
 *     prompt             asked on the terminal (/dev/tty), not shown
 *     fd:N               what can be read from an open file descriptor
 *     credential:NAME    a systemd credential: $CREDENTIALS_DIRECTORY/NAME
 *     anything else      a file, which group and others must not be able to use
 *
 * One line feed at the end does not belong to it. Whatever else is in it does.
 */
#ifndef COMMON_PASSPHRASE_H
#define COMMON_PASSPHRASE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum { PASSPHRASE_MAX = 1024, PASSPHRASE_NEW_MIN = 12 };

/*
 * passphrase_read - into `out`, which the caller wipes.
 *
 *   what   the passphrase of what, for the prompt
 *   fresh  it is a new one: ask twice, refuse one shorter than PASSPHRASE_NEW_MIN
 *
 * Returns 0; -EINVAL when it is empty, too short, or not the same twice; -EMSGSIZE when
 * it is too long; -EACCES when others may read the file; -ENOTTY when there is no
 * terminal to ask on; or what the kernel said. On an error `out` holds zeroes.
 */
MUST_CHECK int passphrase_read(char out[PASSPHRASE_MAX], size_t *len, const char *from,
	const char *what, bool fresh, struct err_text *why);

#endif
