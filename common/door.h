/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * door.h - unix sockets of a server: the bell's, which hands out the eventfd that wakes its
 * loop, to whoever may open the region; and the one through which a stream becomes a client
 * of Redis, which only the server's user can reach.
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

/* Let in whoever may open the region's file: its group and mode. -1 with errno: it stays
 * the server's own, and other users' clients have to wait until they are looked at. A
 * region that has no name stays so, too. chown() is called only when the group differs, and
 * costs a child at most where it is deadly. */
int door_share(const struct sockaddr_un *at, const char *region_path);

/* To one visitor, who need not wait for it: a copy of descriptor `fd`, and goodbye. */
void door_give(int door, int fd);

/* Remove the doors of a server that is no more; `path` is its bell's, as somebody wrote
 * it: nothing but a socket beside this region is touched. */
void door_sweep(const char *region_path, const char *path);

#endif
