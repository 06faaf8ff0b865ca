/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * admit.h - whether a channel may ask anything: plainly, sealed, or not at all.
 *
 * A new channel's first frame is a request, or begins a handshake (secure.h). What was
 * decided holds until the certificate ends, or the zone's secrets are read anew (SIGHUP): then
 * it is looked at again, so that a certificate that is revoked or of another CA, or a key that
 * was changed, ends its sessions, and `--secure required` the plain ones.
 *
 * With a manager (view.h) a channel holds while its client has a right to the range, under the
 * key that both began with, and the lease has not ended: when any of that changes, each channel
 * is looked at at once (admit_holds), and before its next frame in any case.
 */
#ifndef OPS_SERVER_ADMIT_H
#define OPS_SERVER_ADMIT_H

#include "secure.h"
#include "zone.h"

struct admission {
	uint64_t zone; /* number of the zone that let it in; 0: none has */
	bool plain;    /* its first request was, and it cannot be sealed any more */
	bool sealed;
	struct peer peer; /* of one that is not sealed: who it said that it is, for the log */
	int64_t until_s; /* Unix time: look again after it */
	enum view_right right; /* by the manager; without one RIGHT_WRITE */
	uint64_t key_id, seen; /* of the range's key; view_seen() when it was looked at */
	struct handshake *handshake; /* under way; owned */
};

/*
 * admit - look at a frame that was peeked at.
 *
 * Returns 0: let in, the frame is still there to be served; -EAGAIN: it was the handshake's
 * and has been taken, look for the next one; else refuse the channel, `e` says why, to the
 * client as well when it is -EACCES. Milliseconds of thinking when admit_shakes_hands().
 */
MUST_CHECK int admit(struct admission *a, const struct zone *z, struct service_chan *c,
	const struct frame *f, struct err_text *e);
bool admit_shakes_hands(const struct admission *a, const struct zone *z, const struct frame *f);
void admit_end(struct admission *a);

/* Has it to be looked at again? */
static inline bool admit_is_old(const struct admission *a, const struct zone *z, int64_t now_s)
{
	return a->zone != z->number || a->until_s < now_s;
}

/* Is there a reason why what was let in may not stay? `e` says which. */
bool admit_objects(const struct admission *a, const struct zone *z, int64_t now_s,
	struct err_text *e);

/*
 * admit_holds - by the manager alone: may that channel stay?
 *
 * Returns 0; -ESTALE: under the range's new key, service_renew() it; -EACCES, -ETIMEDOUT: refuse
 * it, `e` says why.
 */
MUST_CHECK int admit_holds(struct admission *a, const struct view *v, uint32_t channel,
	struct err_text *e);

/* May it run programs? */
bool admit_evaluates(const struct admission *a);

#endif
