/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backend_take.h - a ring client's requests, from its ring to what is to be written to Redis.
 */
#ifndef CLIENT_BACKEND_TAKE_H
#define CLIENT_BACKEND_TAKE_H

#include "backend_session.h"

/* May one be taken now? */
bool take_may(const struct session *s);

/* Up to a burst of them. Returns how many; what makes no sense is in s->refuse. */
unsigned take_requests(struct session *s);

#endif
