/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * greet.h - whether a new client may ask: plainly, by a sealed channel, or not at all; and
 * whom it is then.
 *
 * A handshake is 15 ms of P-384, which Redis's main thread has not: a thread of our own
 * thinks (handshake_run), one handshake after the other in the order that they came, and
 * touches no Redis and no ring. The main thread carries the bytes between it and the rings.
 * So a stranger who begins handshakes again and again costs that thread's time, and other
 * strangers' patience, and nothing of those who are in.
 *
 * The files (config.h: cert ca key crl psk) are looked at once a second, and read anew when
 * one is another than before (time, size, inode). Whose certificate is revoked then, or has
 * ended, or is of a CA that is not believed any more, or whose key was changed, is killed at
 * once (roster.h), and so is who is there plainly when `required` is set.
 */
#ifndef CXLRING_GREET_H
#define CXLRING_GREET_H

#include "session.h"
#include "trust.h"

/* Start the thread; at the end, stop it. The sessions are gone by then. */
MUST_CHECK int greet_open(struct err_text *e);
void greet_close(void);

/* After a change of the configuration. -EINVAL and the like: all is as it was. */
MUST_CHECK int greet_configure(struct err_text *e);
void greet_look_at_files(void);

/* Is there something to be done for a session that has not been let in? */
bool greet_waits(const struct session *s);

/* A frame waits of one that has not been let in. True: serve it, it is in now. */
bool greet(struct session *s);

/* The session ends. */
void greet_end(struct session *s);

/* Channels that are sealed, and handshakes so far: how many came to nothing. */
extern struct greet_view {
	uint64_t sealed, handshakes, failed;
} greet_view;

#endif
