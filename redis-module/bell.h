/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bell.h - the eventfd that wakes Redis's event loop, and who may have it.
 *
 * A client gets the eventfd from a unix socket (mode 0600) whose path stands in the
 * region: it connects, receives the descriptor, and is disconnected. While the eventfd
 * is readable the loop does not sleep; so it also keeps a hot loop turning.
 */
#ifndef CXLRING_BELL_H
#define CXLRING_BELL_H

#include <stdbool.h>

#include "rm.h"
#include "err.h"

/* door.h says where the socket is. `rung` is called by the event loop while the bell is
 * readable. */
MUST_CHECK int bell_open(
	const char *region_path, void (*rung)(void), struct err_text *e);
void bell_close(void);

/* The socket's path. */
const char *bell_path(void);

/* Make the eventfd readable, or not; is it, as far as we know? */
bool bell_rings(void);
void bell_arm(void);
void bell_disarm(void);

/* Wake the loop once in us microseconds. */
void bell_tick(unsigned us);

/* Is that still to come? */
bool bell_ticking(void);

#endif
