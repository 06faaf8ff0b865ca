/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * door.h - unix sockets that only this user can reach: the bell's, and the one through
 * which a stream becomes a client of this server.
 *
 * The path stands beside the region, "<region>.<pid>.<what>", or lies in Redis's
 * directory when the region is a device.
 */
#ifndef CXLRING_DOOR_H
#define CXLRING_DOOR_H

#include <sys/un.h>

#include "rm.h"
#include "err.h"

/* Listens, mode 0600, does not block. Returns the descriptor, or -1 with errno; `at` is
 * where. */
int door_open(struct sockaddr_un *at, const char *region_path, const char *what);

/* Remove the doors of a server that is no more; `path` is its bell's, as somebody wrote
 * it: nothing but a socket beside this region is touched. */
void door_sweep(const char *region_path, const char *path);

#endif
