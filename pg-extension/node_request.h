/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node_request.h - a Zone's programs, and their requests with a batch's arguments.
 *
 *     program_prepare   once: head and instructions
 *     request_send      what all batches share, and the arguments of this one
 *     request_collect   the answer
 */
#ifndef HEDB_NODE_REQUEST_H
#define HEDB_NODE_REQUEST_H

#include "node.h"
#include "zone.h"

/* A program, as far as it is the same for all batches. */
struct batch_program {
	uint8_t *head;
	uint32_t head_len;
	int *args;      /* numbers of the node's arguments */
	int nargs;
	int *results;   /* ZONE_FILTER, ZONE_TOP or a column */
	uint8_t *types;
	int nresults;
	struct program_stat *stat;
};

/* A program with a batch's arguments, and what the zone answered. It stays while the
 * request is under way, for it may have to be sent again. */
struct request {
	const struct zone_state *z;
	const struct zone_batch *b;
	const struct batch_program *p;
	struct zone_ticket ticket;
	uint8_t *reply;
	uint64_t reply_len, reply_cap;
};

void program_prepare(
	struct zone_state *z, struct batch_program *p, const struct zone_request *r);

void request_send(struct zone_state *z, struct request *q);

/* Wait for the answer and copy it: a reply lies in shared memory, and only until the next
 * call. */
void request_collect(struct zone_state *z, struct request *q);

#endif
