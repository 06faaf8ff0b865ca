/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_ring.h - ENC.* commands of ring sessions.
 *
 * They come by RM_Call like any other command, which checks arity, users and keys. So that
 * the handler knows whose reply it is that comes later, call.c says whose command it
 * calls. What stands behind such a request in the ring waits there, but for other ENC.*
 * commands where the order of their effects is kept anyway.
 */
#ifndef CXLRING_ENC_RING_H
#define CXLRING_ENC_RING_H

#include "session.h"

/* Is it the name of one of these commands? */
bool enc_named(RedisModuleString *name);

/* This session's ENC command is about to be called, and was; true: its reply comes later. */
void enc_enter(struct session *s, uint64_t id, bool resp3);
bool enc_leave(void);

/* May the session's next request be run, although earlier ones are not answered? */
bool enc_lets(struct session *s);

/* For the handler: is it called for a session? Then the place of its reply. */
bool enc_by_ring(void);
struct deferred *enc_answer_later(uint8_t order, bool *resp3);

#endif
