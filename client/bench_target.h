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

/* What the ring has verbs for; anything else is a call. */
enum verb { VERB_PING, VERB_SET, VERB_GET, VERB_INCR, VERB_DEL, VERB_EXISTS, VERBS };

enum target_kind { TARGET_RING, TARGET_UNIX, TARGET_TCP, TARGETS };

struct target_options {
	enum target_kind kind;
	struct cxlring_options ring;
	const char *socket;
	const char *host;
	int port;
};

struct target; /* one connection; a thread at a time */

/* False: no such target. */
bool target_parse(const char *name, enum target_kind *kind);
const char *target_name(enum target_kind kind);

/* NULL: `why` says why. *full: every channel is taken. */
struct target *target_open(
	const struct target_options *o, char *why, size_t len, bool *full);
void target_close(struct target *t);

/* 0, -EAGAIN when the ring is full (take replies first), or an error. */
int target_append(struct target *t, enum verb verb, const char *key, size_t key_len,
	const char *value, size_t value_len);
int target_call(struct target *t, size_t argc, const char *const argv[], const size_t lens[]);
int target_flush(struct target *t);

enum target_wait {
	WAIT_NOT,   /* what has come to this process; no system call */
	WAIT_LOOK,  /* what has come at all */
	WAIT_REPLY, /* until there is one */
};

/* The next reply, in place until the next call: never RESP, but what it says; of an array
 * the type alone. -EAGAIN when there is none, and that was not to be waited for. */
int target_next(struct target *t, struct cxlring_view *v, enum target_wait wait);

/* Of the last reply, when it was an array. *s is NULL if that element is no string. */
size_t target_elements(const struct target *t);
void target_element(const struct target *t, size_t i, const char **s, size_t *len);

/* To wait with poll(2) for something to read; -1: the ring, which has none. */
int target_fd(const struct target *t);

const char *target_why(const struct target *t);
void target_cost(const struct target *t, struct cxlring_cost *cost);

#endif
