/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * protect.h - Redis's protected mode, for connections that Redis takes for its own host's.
 */
#ifndef CLIENT_PROTECT_H
#define CLIENT_PROTECT_H

#include <stddef.h>

#include "cxlring.h"
#include "err.h"

/*
 * protect_check - may the other side of socket `fd` be served?
 *
 *   c     a new connection to the Redis that is to serve it
 *   why   out, when it may not: an error as Redis has them, its code first
 *
 * Who is on this host always may. Others may not while Redis is in protected mode and asks
 * the default user for no password, or is not able to say so. Returns 0, 1 when it may not,
 * or what cxlring_command() says.
 */
MUST_CHECK int protect_check(struct cxlring *c, int fd, char *why, size_t len);

#endif
