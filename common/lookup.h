/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lookup.h - a host's addresses, found by a thread, so that an event loop goes on meanwhile.
 *
 * getaddrinfo() waits for as long as the resolver does, and cannot be told to stop: who loses
 * interest leaves it to its thread, which throws away what comes. So there is a limit of
 * threads; who asks while all of them wait is in a queue.
 *
 * The threads hear no signals and hold what they work on, so that a longjmp away from whoever asked
 * harms nothing. A child of fork() has none of them: what its parent asked for never comes there.
 */
#ifndef COMMON_LOOKUP_H
#define COMMON_LOOKUP_H

#include <stdbool.h>

#include "err.h"

enum { LOOKUP_THREADS = 32 };

struct addrinfo;
struct lookup;

/* lookup_start - of a stream socket's host and port. Returns 0, -ENOMEM, or what the kernel
 * said. */
MUST_CHECK int lookup_start(struct lookup **l, const char *host, const char *port);

/* Readable when it is over. */
int lookup_fd(const struct lookup *l);

/* What came of it, once: 0 and *all, for freeaddrinfo(); -EAGAIN: nothing yet; and with *why -ENOENT:
 * no such name or no address of it, -ETIMEDOUT: that cannot be told now. Otherwise *all is NULL. */
MUST_CHECK int lookup_take(struct lookup *l, struct addrinfo **all, const char **why);

/* Nobody asks for it any more, or it has been taken. NULL is fine. */
void lookup_drop(struct lookup *l);

/* Before this code is unloaded: none of its threads is left, and none begins until it is resumed
 * (lookup_start() returns -ECANCELED). False: there is one, and all is as it was. */
bool lookup_stop(void);
void lookup_resume(void);

#endif
