/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * loop.h - the ring's turns in Redis's event loop.
 *
 *     before sleep   serve requests; while they keep coming, spin, for at most budget-us
 *     (Redis)        write the AOF, answer TCP clients
 *     epoll          returns at once while hot: the bell is kept readable
 *     after sleep    publish the replies that waited for the AOF
 *     (Redis)        TCP clients' commands
 *
 * Hot or asleep. Hot: no request needs a system call, from the client or from us. After
 * spin-us without a request the bell's word in the region says how to wake us, and epoll
 * sleeps. A request that comes meanwhile rings.
 *
 * Writes run only here, before sleep: one turn's writes form one MULTI/EXEC for the AOF
 * and the replicas. If there is an AOF, replies to writes, and all that comes after
 * them, are published only when Redis has written it, which it does between before sleep
 * and after sleep.
 *
 * While Redis loads or runs a long script, the turns stand still but descriptors are
 * still served; then standstill.h answers.
 *
 * Everything here runs on Redis's main thread.
 */
#ifndef CXLRING_LOOP_H
#define CXLRING_LOOP_H

#include "rm.h"

#include "region.h"
#include "session.h"

/* Take service kv of the region and begin to serve. The region must outlive the loop.
 * Returns 0 or what service_take() said. */
MUST_CHECK int loop_open(RedisModuleCtx *ctx, const struct region *r, struct err_text *e);

/* Close every channel and let go of everything. */
void loop_close(void);

/* Before loop_close(), when Redis goes on: answer everyone. False: replies are under way
 * for which their clients make no room; the loop goes on. */
MUST_CHECK bool loop_drain(void);

struct loop_view {
	uint64_t region_bytes;
	uint32_t channels;
	uint32_t open;
	uint32_t ring_bytes;
	bool hot;
};

struct loop_view loop_view(void);

#endif
