/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outbox.h - when replies that lie in their rings are shown to their clients, and when a
 * client that sleeps is woken for them.
 *
 * Held: what was written under `appendfsync always` may be told only when the file is
 * written, which Redis does between before-sleep and after-sleep. Until outbox_release()
 * nothing is shown then, to anybody.
 *
 * Unrung: where others keep the server busy meanwhile, a sleeper is woken when nothing of
 * its requests is left, or when it has some work to wake for, and not for each burst: a
 * wake-up costs the server as much as ten requests. outbox_ring() leaves nobody asleep;
 * it is called before anything that may take long, and at the end of each turn.
 */
#ifndef CXLRING_OUTBOX_H
#define CXLRING_OUTBOX_H

#include "session.h"

/* From now on, show nothing. */
void outbox_hold(void);
bool outbox_holds(void);

/* The file is written: show what was held back. */
void outbox_release(void);

/* Show a session's replies and wake its client, unless all are held. */
void outbox_publish(struct session *s);

/* Likewise for all that have some. */
void outbox_publish_all(void);

/* After `n` requests of one client; `more`: more of them follow, and other clients have
 * some as well. */
void outbox_burst(struct session *s, unsigned n, bool more);

/* Wake those who were not. */
void outbox_ring(void);

/* As after load. */
void outbox_init(void);

#endif
