/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prefetch.h - have the keys of the requests to come in the cache when their turn
 * comes.
 *
 * A GET in a keyspace larger than the caches spends five sixths of its time waiting for
 * memory: bucket, entry, key, object, value, each address read from the one before.
 * Redis looks up one key at a time and waits for each. Requests of a ring are there
 * before they are served, so the waits of sixteen of them can go on at the same time.
 *
 * It is done along Redis's own tables (keyspace.h). The strings of a hash that will be read
 * as a whole are asked for as well: ten fields are thirty more places.
 *
 * What is found is never used, so a client that changes its request meanwhile changes
 * what is in the cache.
 */
#ifndef CXLRING_PREFETCH_H
#define CXLRING_PREFETCH_H

#include "session.h"

enum {
	PREFETCH = 16,      /* keys at a time: as many as a core can wait for */
	PREFETCH_FIELDS = 64, /* of a hash that is read as a whole */
	PREFETCH_LOOK = 64, /* requests of a client for these: what it is served of in a turn */
};

struct prefetch {
	int n;
	struct {
		const uint8_t *p; /* in the ring */
		uint32_t len;
		uint16_t db;
		bool whole; /* the request reads all of it: HGETALL */
	} key[PREFETCH];
	int whole; /* how many of them */
};

/* Add the keys of the requests that wait in the session's ring, as many as there is
 * room for. Returns how many requests were looked at, PREFETCH_LOOK at most: a ring full
 * of those that have no key would be read through again in every turn. */
int prefetch_collect(struct prefetch *p, const struct session *s);

/* Begin to read what was collected. */
void prefetch_run(const struct prefetch *p);

#endif
