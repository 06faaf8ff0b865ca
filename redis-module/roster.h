/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * roster.h - who is connected: the service, its channels, a session for each open one.
 *
 * The loop walks the list, admin commands look at it. A session is ended by its owner's
 * going, by a request that makes no sense (roster_refuse), or by an administrator
 * (roster_kill); ending one moves the last of the list into its place.
 *
 * A killed client's session is gone at once, with all it held here. Its channel is not
 * given away at once: that may be done only when its owner will not write there any
 * more. An owner that waits or asks hears of it then and lets go; one that does neither
 * loses it after a while (service_kill).
 */
#ifndef CXLRING_ROSTER_H
#define CXLRING_ROSTER_H

#include "refusal.h"
#include "session.h"

extern struct roster {
	struct service service;
	struct service_chan *chans; /* owned */
	struct session **open;      /* owned; nopen of them */
	uint32_t nopen;
	struct session *serving; /* its request is being run; may run nested loops */
	bool kills;              /* one that was served when it was to be killed waits for it */
	uint64_t max_message;
	uint64_t last_id;
	struct refusals refusals;   /* in the log */
	RedisModuleCtx *ctx; /* outside of events: to ask for flags, to log */
} roster;

/* Take service kv of the region. 0, or what service_take() said. */
MUST_CHECK int roster_open(RedisModuleCtx *ctx, const struct region *r,
	const struct service_config *c, struct err_text *e);
void roster_close(void);

/* proto-max-bulk-len is another one. */
void roster_limits(RedisModuleCtx *ctx);

/* Each of them, of which f may end its own. */
void roster_each(void (*f)(struct session *s));

/* `peer`: who was to be let in, when a handshake came to nothing. */
void roster_refuse(struct session *s, const char *why);
void roster_refuse_peer(struct session *s, const struct peer *peer, const char *why);

/* Refusals that the log has left out, as of now. Once in a while. */
void roster_tell(uint64_t now_ms);

/* The same from outside of serving: one that is being served is killed soon (roster_sweep). */
void roster_end(struct session *s, const char *why);

/* As if Redis had been replaced: its owner opens the channel again. */
void roster_renew(struct session *s);

/* That for all whose keys a copy of us has as well. Who asks is found when it asks; who waits for an
 * answer, or for news, may not ask again. */
void roster_renew_copied(void);

/* Ends it, unless it is being served: then roster_sweep() does, as it does to the doomed. */
void roster_kill(struct session *s);
void roster_doom(struct session *s);
void roster_sweep(void);

#endif
