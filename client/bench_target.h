/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_target.h - what cxl-bench measures: the ring, or Redis over a socket by hiredis.
 * One shape for both, so that the same loop drives and checks all of them.
 */
#ifndef CLIENT_BENCH_TARGET_H
#define CLIENT_BENCH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cxlring.h"

enum op { OP_PING, OP_SET, OP_GET, OP_INCR, OP_DEL, OP_EXISTS, OPS };

struct target_options {
	enum { TARGET_RING, TARGET_UNIX, TARGET_TCP } kind;
	struct cxlring_options ring;
	const char *socket;
	const char *host;
	int port;
};

struct target; /* one connection; a thread at a time */

/* NULL: `why` says why. *full: every channel is taken. */
struct target *target_open(
	const struct target_options *o, char *why, size_t len, bool *full);
void target_close(struct target *t);

/* 0, -EAGAIN when the ring is full (take replies first), or an error. */
int target_append(struct target *t, enum op op, const char *key, size_t key_len,
	const char *value, size_t value_len);
int target_flush(struct target *t);

/* The next reply, in place until the next call; with wait 0, -EAGAIN when none is there.
 * A socket always waits. */
int target_next(struct target *t, struct cxlring_view *v, bool wait);

const char *target_why(const struct target *t);
void target_cost(const struct target *t, struct cxlring_cost *cost);

#endif
