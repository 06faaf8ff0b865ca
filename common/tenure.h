/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tenure.h - how long the server of an open sealed channel may stay it, for clients. The
 * handshake asked that once; its certificate may have ended since, be revoked, or of a CA that
 * is not believed any more.
 *
 * A client asks before each request. Once a second the answer costs a look at the clock and
 * at its files (trust_refresh()), otherwise a comparison of ticks. Who is
 * told that it is over gives the channel back, and opens a new one if it likes: whose
 * certificate is then shown, the handshake judges.
 *
 * A node and its manager (watch.h) the same, at each step.
 *
 * One thread, the trust's.
 */
#ifndef COMMON_TENURE_H
#define COMMON_TENURE_H

#include "clock.h"
#include "trust.h"

struct tenure {
	struct peer server; /* out of secure_connect() */
	uint64_t looked;    /* ticks */
	uint64_t every;     /* ticks between two looks */
	uint64_t news;      /* of the trust, as of the last look */
};

/* n->server has just been let in by what `t` says. */
void tenure_begin(struct tenure *n, const struct trust *t);

/* Another trust than before: the next question is answered by what that one says. */
void tenure_doubt(struct tenure *n);

bool tenure_look(struct tenure *n, struct trust *t, struct err_text *e);

/* Is it over? `e` says why. */
static inline bool tenure_over(struct tenure *n, struct trust *t, struct err_text *e)
{
	/* Unsigned: after a suspension that reset the counter it is time as well. */
	return __builtin_expect(clock_ticks() - n->looked >= n->every, 0) &&
		tenure_look(n, t, e);
}

#endif
