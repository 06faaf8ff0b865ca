/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zone.h - this backend's session with ops_server.
 *
 * One channel for each process, parallel workers included. It is attached by the first
 * call, kept across statements, given back at the end of a transaction when channels
 * are scarce, and at exit. Waiting is interruptible: a call may leave by ereport, and
 * the next one still works.
 *
 * No function here returns an error: all of them raise.
 */
#ifndef HEDB_ZONE_H
#define HEDB_ZONE_H

#include "hedb.h"

/*
 * zone_call - one OPS_EVAL request.
 *
 *   role    ROLE_CLIENT where plaintext crosses, else ROLE_DB
 *   fill    as in ops.h: it must not raise, and may be called again
 *   reply   out: readable until the next call; in shared memory, so read it once
 */
const uint8_t *zone_call(
	enum role role, uint64_t len, ops_fill *fill, void *arg, uint64_t *reply_len);

/* What ops_server says of itself (docs/operations.md), in memory of the caller's context. */
char *zone_status(void);

/* Clock ticks that this session has waited for replies; and since it said that. */
uint64 zone_waited(void);
uint64 zone_waited_since(uint64 before);

/* zone_ask - the same; NULL when the request names a value that ops_server does not have
 * (ARG_KEPT): call again with the value. */
const uint8_t *zone_ask(
	enum role role, uint64_t len, ops_fill *fill, void *arg, uint64_t *reply_len);

/*
 * A request whose reply is collected later, so that the zone works meanwhile. Calls, and
 * other tickets, may come in between; up to OPS_IN_FLIGHT requests are under way at once,
 * and submitting one more waits for the oldest.
 *
 * The ticket lies in `owner` or in memory that lives as long. When that memory context is
 * reset or deleted, in an error too, the ticket is dropped: so nothing outlives what its
 * request is filled from, which has to stay until then or until it is collected.
 */
struct zone_ticket {
	struct ops_ticket ticket; /* number 0: nothing to collect */
	MemoryContextCallback dropped;
};

void zone_ticket_init(struct zone_ticket *t, MemoryContext owner);

/* zone_submit - as zone_call(), up to its reply. One that was not collected is dropped.
 *
 *   goes_on   the backend has something to do until it collects: so elsewhere, if possible */
void zone_submit(
	enum role role, uint64_t len, ops_fill *fill, void *arg, bool goes_on,
	struct zone_ticket *t);

/* zone_collect - the reply, as of zone_call(). Each ticket once, in any order. */
const uint8_t *zone_collect(struct zone_ticket *t, uint64_t *len);

/* zone_drop - nobody will collect it (rescan, end). Harmless for one that has nothing. */
void zone_drop(struct zone_ticket *t);

static inline bool zone_pending(const struct zone_ticket *t)
{
	return t->ticket.number != 0;
}

/* zone_abandon - nobody waits for anything that is under way. At the end of a transaction
 * this happens by itself. */
void zone_abandon(void);

/*
 * zone_try - do something for which the zone is asked, but without which one can do.
 *
 * It waits for the zone a second at most. False: it raised an error, *why; or another one
 * did in the same statement, and this was not tried: then *why is NULL. Whatever `work`
 * holds while it asks has to be memory.
 */
bool zone_try(void (*work)(void *arg), void *arg, ErrorData **why);

/* Raise the error that a row's state stands for, and: a reply is none of that type. */
void zone_raise_state(uint32 state) pg_attribute_noreturn();
void zone_raise_reply(uint64_t len, uint8_t type) pg_attribute_noreturn();

/* ops_server says that it does not have a value which the request brought. */
void zone_raise_unknown(void) pg_attribute_noreturn();

/*
 * Bytes of requests that follow each other without waiting: a third of the ring. A frame never
 * wraps, so of larger ones the third does not fit before the second was answered, and there is
 * nothing that the zone could do in the meantime; one of more than half the ring goes in parts,
 * for which both sides wait. 0: there is no channel yet.
 */
uint64_t zone_piece(void);

/*
 * zone_tell - a short request of another kind, kept on the session's channel (prove.c).
 *
 * Until zone_tell() is called with another kind than OPS_HELLO the channel is not given back
 * at the end of a transaction: the challenge belongs to it.
 */
const uint8_t *zone_tell(uint8_t kind, const void *bytes, uint64_t len, uint64_t *reply_len);

/* The session has that pass from now on; NULL: none. It goes with each channel. */
void zone_take_pass(const uint8_t *pass);

/* The settings changed: begin anew with the next call. */
void zone_reset(void);

#endif
