/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lanes.h - the connections to B by the ring: several channels, which are served in the
 * same turns. Commands of different lanes run in any order, so that those of a batch may
 * only share a lane or have databases of their own.
 */
#ifndef DIFFERENTIAL_LANES_H
#define DIFFERENTIAL_LANES_H

#include "command.h"
#include "wire.h"

enum { LANES = 4 };

void lanes_open(const char *region);
void lanes_close(void);
void lanes_log_in(const char *user, const char *password);

/* Each command by its own lane; its reply into out[its index]. A ring that fails ends the
 * program. */
void lanes_run(const struct command *c, size_t n, struct value *out);

#endif
