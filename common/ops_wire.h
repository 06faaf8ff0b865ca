/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ops_wire.h - one channel's requests and replies, for ops_client.c alone.
 *
 * A request is a slot from when it is asked until its reply is taken. `asked` has those
 * without a reply, oldest first, the order in which they stand in the ring and in which
 * they go to a successor. Every place that waits may be left for good (idle() jumps), so
 * before each pause a slot is where the next call expects it: in `asked`, or answered.
 */
#ifndef COMMON_OPS_WIRE_H
#define COMMON_OPS_WIRE_H

#include "ops.h"

enum { OPS_KEEP_BYTES = 1 << 16 }; /* of a reply's memory */

enum ops_slot_state { OPS_FREE, OPS_ASKED, OPS_ANSWERED };

/* How long a function of ops.h may take. */
struct ops_limit {
	uint64_t timeout_ms; /* 0 = none */
	uint64_t deadline;   /* clock_ms; 0 until the first pause: most have none */
	struct err_text *e;
	bool again;          /* a refused channel has been attached anew */
	uint32_t refused_ms; /* the last pause after a refusal that passes; 0: none since a session */
};

/* Whose answer to wait for, and whether it may stay in the ring. */
struct ops_awaited {
	struct ops_slot *slot; /* NULL: nobody's in particular */
	bool in_place;
};

/* Put it behind those that were asked; it is not sent yet. */
void ops_slot_ask(struct ops_client *c, struct ops_slot *s, uint8_t kind, uint64_t len,
	ops_fill *fill, void *arg);

/* It has its reply, or nobody wants one any more. */
void ops_slot_unask(struct ops_client *c, struct ops_slot *s, uint8_t state);

/* Nobody waits for that answer any more: the server may stop working on it. */
void ops_slot_drop(struct ops_client *c, struct ops_slot *s);

/* A pause; the caller's interrupts may jump out of here. 0 or -ETIMEDOUT. */
int ops_pause(struct ops_client *c, struct ops_limit *l);

/* The same after a refusal that passes: with a sleep that is longer each time. */
int ops_back_off(struct ops_client *c, struct ops_limit *l);

/* Send it; on -EOWNERDEAD, -EPROTO and the like the channel's state decides. */
MUST_CHECK int ops_send_request(
	struct ops_client *c, struct ops_slot *s, struct ops_limit *l);

/* Wait for a reply; those of others are kept. */
MUST_CHECK int ops_await_reply(
	struct ops_client *c, struct ops_awaited a, struct ops_limit *l);

#endif
