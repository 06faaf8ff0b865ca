/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rights.h - with cxlring.sec-mgr: which client may use which channel, as the manager (view.h) says.
 *
 * A thread of its own keeps the view (watcher.h) and touches nothing else; the main thread looks at every
 * client when that has changed. Who has lost its right, and everybody when the lease has ended, is refused at
 * once; whose range has another key opens its channel again, as if Redis had been replaced.
 *
 * A right to read is GET, EXISTS, and what Redis flags readonly: no other command, no stream.
 */
#ifndef CXLRING_RIGHTS_H
#define CXLRING_RIGHTS_H

#include "identity.h"
#include "session.h"
#include "trust.h"

/* Before the first handshake; does nothing without a manager. -EINVAL: its address, or the pool's
 * name, is none. */
MUST_CHECK int rights_open(const struct region *r, struct err_text *e);

/* Certificates that were loaded are to go by the manager as well, and are shown to it. */
MUST_CHECK int rights_use(struct trust *t, struct err_text *e);

void rights_close(void);

/* What a client with the right to read is told of all that does more; is a frame of this kind
 * such; may it run a command of that identity (identity.h)? */
extern const char rights_read_only[];

static inline bool rights_frame(const struct session *s, uint8_t kind)
{
	return s->right == RIGHT_WRITE || kind == KV_PING || kind == KV_GET || kind == KV_EXISTS ||
		kind == KV_CALL || kind == KV_AUTH;
}

static inline bool rights_command(const struct session *s, unsigned identity)
{
	return s->right == RIGHT_WRITE || identity & IDENTITY_READS;
}

#endif
