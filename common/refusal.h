/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * refusal.h - which refusals a server's log tells of. Who is refused may ask again at once, and as
 * often as it likes: of one kind, which is a reason and a certificate, there is a line a second, and
 * how many more there were.
 *
 *     channel 3 of pid 812 refused: no sealed channel: no answer from the manager
 *     channel 3 of pid 812 refused: no sealed channel: no answer from the manager (and 41 more of this kind)
 *     9 more refused: no sealed channel: no answer from the manager
 *
 * The last one when no other has come for a second. More than REFUSAL_KINDS in a second are counted
 * together.
 *
 * Any thread.
 */
#ifndef COMMON_REFUSAL_H
#define COMMON_REFUSAL_H

#include <pthread.h>

#include "err.h"
#include "peer.h"

enum {
	REFUSAL_KINDS = 32,
	REFUSAL_MS = 1000,
	REFUSAL_MORE = 48,
	REFUSAL_TEXT = sizeof((struct err_text *)0)->s + 48,
};

struct refusal {
	uint8_t print[PEER_PRINT]; /* of the certificate; zeroes: not seen */
	struct err_text why;
	uint64_t said_ms;          /* clock_ms(); 0: there is none */
	uint64_t left_out;         /* since then */
};

struct refusals {
	pthread_mutex_t lock;
	struct refusal kind[REFUSAL_KINDS];
	struct refusal others;
};

void refusals_init(struct refusals *r);

/*
 * refusals_say - one more: is it to be in the log?
 *
 *   print   of its certificate, or NULL
 *   more    out: to be put behind the reason
 */
bool refusals_say(struct refusals *r, const uint8_t *print, const char *why, uint64_t now_ms,
	char more[REFUSAL_MORE]);

/* Ask once in a while until it is false: a line about some that were left out. */
bool refusals_left(struct refusals *r, uint64_t now_ms, char text[REFUSAL_TEXT]);

#endif
