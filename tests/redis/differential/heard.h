/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heard.h - what a server tells those who listen: keyspace events in their order, and the
 * keys that client-side caches have to forget, which is what WATCH goes by as well.
 */
#ifndef DIFFERENTIAL_HEARD_H
#define DIFFERENTIAL_HEARD_H

#include "wire.h"

struct heard {
	struct wire events, caches;
};

void heard_open(struct heard *h, const char *socket);
void heard_close(struct heard *h);

/* All since the last time, as bytes of RESP; both by value_free(). Keys to forget are
 * sorted and each of them once, since Redis sends them once a turn of its loop. */
void heard_take(struct heard *h, struct value *events, struct value *keys);

/* In an order that does not depend on the one they came in. */
void heard_sort(struct value *events);

#endif
