/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pair.h - two servers, the same commands to both: to A by a socket, to B by the ring.
 *
 * Compared are replies, the order of keyspace events, what caches have to forget, DEBUG
 * DIGEST now and then, some of what INFO counts, and at the end what each server's AOF is
 * loaded to, and B's replica.
 */
#ifndef DIFFERENTIAL_PAIR_H
#define DIFFERENTIAL_PAIR_H

#include "command.h"
#include "verdict.h"

struct pair_names {
	const char *a, *b, *replica; /* sockets; replica may be NULL */
	const char *region;          /* of B */
};

struct pair_setting {
	bool fast_path;
	bool small;   /* limits of the compact encodings are low */
	bool limited; /* as a user who may not do everything */
};

void pair_open(const struct pair_names *n);
void pair_close(void);
struct wire *pair_a(void);

/* Both empty, anew: both AOFs, too. */
void pair_reset(const struct pair_setting *s);
void pair_new_aof(void);

/* The commands that are on their way, or were last; for the end of a run. */
void pair_current(const struct command **c, size_t *n);

/* deep: AOF and replica as well. */
struct verdict pair_run(const struct command *c, size_t n, bool deep);

#endif
