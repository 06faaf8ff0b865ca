/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * standstill.h - while Redis loads or runs a long script.
 *
 * There are no turns then, but Redis runs its event loop inside of what it does, and the
 * bell is heard there: requests are answered -LOADING or -BUSY. Streams go on, since what
 * their clients are told is Redis's affair.
 */
#ifndef CXLRING_STANDSTILL_H
#define CXLRING_STANDSTILL_H

#include "session.h"

void standstill_init(void);

/* The bell was heard after that turn began: does no other one follow? */
bool standstill(uint64_t turn);

/* Answer all that waits, but for the session whose request runs. */
void standstill_serve(void);

/* The same error for all that waits, `most` frames at most; a long message is answered at
 * its last part. */
void standstill_refuse(struct session *s, uint32_t most, const char *text);

#endif
