/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * address.h - where something listens, as users write it, and listening there.
 *
 *     HOST:PORT   [V6]:PORT   unix:PATH
 *
 * An empty host is every address of this machine, and for listening only. dial.h connects.
 */
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

#include <stdbool.h>

#include "err.h"

enum { ADDRESS_HOST_MAX = 256, ADDRESS_BACKLOG = 511 };

/* The path of unix:PATH; NULL: it is something else. */
const char *address_unix(const char *spec);

/* Host and port of the other forms, brackets taken off. The port, which lies in `spec`; NULL:
 * it is none of them. */
const char *address_split(const char *spec, char host[ADDRESS_HOST_MAX]);

/* Can one connect to what is written so? */
bool address_valid(const char *spec);

/*
 * address_listen - a socket that listens there, close-on-exec and not blocking.
 *
 * A unix socket that is left there is replaced, no other file is. Returns the descriptor,
 * -EINVAL or the kernel's errno, with the reason in `e`.
 */
MUST_CHECK int address_listen(const char *spec, struct err_text *e);
MUST_CHECK int address_listen_unix(const char *path, struct err_text *e);

/* No Nagle, and a host that is gone is noticed: `silent_s` without a word, then three
 * questions. Does nothing to a unix socket. */
void address_keep_alive(int fd, int silent_s);

#endif
