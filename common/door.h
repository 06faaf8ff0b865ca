/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * door.h - unix sockets of a server that only its user can reach: the bell's, which hands
 * out the eventfd that wakes its loop, and the one through which a stream becomes a client
 * of Redis.
 *
 * The path stands beside the region, "<region>.<pid>.<what>", or lies in the working
 * directory when the region is a device.
 */
#ifndef COMMON_DOOR_H
#define COMMON_DOOR_H

#include <sys/un.h>

#include "err.h"

/* Listens, mode 0600, does not block. Returns the descriptor, or -1 with errno; `at` is
 * where. */
int door_open(struct sockaddr_un *at, const char *region_path, const char *what);

/* To one visitor, who need not wait for it: a copy of descriptor `fd`, and goodbye. */
void door_give(int door, int fd);

/* Remove the doors of a server that is no more; `path` is its bell's, as somebody wrote
 * it: nothing but a socket beside this region is touched. */
void door_sweep(const char *region_path, const char *path);

#endif
