/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mgr_ticket.h - tickets, by which the manager finds out that the memory of a node was copied.
 *
 * Each answer to a node carries a ticket, and its next question has to show it. A process's
 * tickets are a chain: shown once, it is used up. A copy has the ticket that its original has
 * had, so of the two the one that comes second shows one that is used up; it is told so, draws
 * everything anew (life_end()), and begins a chain of its own.
 *
 *     shown                                     answered
 *     none                                      a new chain
 *     the last one that was given               the next one
 *     the one before, again, by the same        the next one, and the last one is void: it asked
 *     connection                                before it had the answer
 *     by another one                            anew: a new chain. The answer was lost, or it is with
 *                                               a copy that ended since (loadvm), and asks no more
 *     any other of the chain                    anew: a new chain
 *     a chain that is not known here            the next one, when it was given within the last
 *                                               lease and by the manager that ran before; else anew
 *
 * What is not known is told to draw anew rather than believed, which costs a node a handshake for each open
 * channel. Chains are kept by node, so one that begins many forgets its own: first those of
 * connections that have ended.
 */
#ifndef OPS_SERVER_MGR_TICKET_H
#define OPS_SERVER_MGR_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "mgrlink.h"
#include "mgr_table.h"

enum { CHAINS = 1024 /* of a node */ };

struct chain;

struct tickets {
	uint8_t key[32];      /* of their MAC; from the master key, so a successor knows them */
	uint64_t lease_ms;
	uint64_t started_ms;  /* clock_ms() */
	struct chain *of[TABLE_NODES]; /* CHAINS, or NULL; owned */
};

void tickets_begin(struct tickets *t, const uint8_t master[TABLE_MASTER], uint64_t lease_ms,
	uint64_t now_ms);
void tickets_end(struct tickets *t);

/* The connection that was given it last has ended: its chain makes room before others do. */
void tickets_left(struct tickets *t, uint32_t node, const uint8_t given[MGR_TICKET]);

/*
 * tickets_take - what is shown for what is given.
 *
 *   node    its number in the table
 *   print   of its certificate
 *   link    a number of its connection, that no other has
 *   now_ms  clock_ms();  unix_ms: of the same moment
 *   given   out: to be shown next; unchanged on error
 *   anew    out: is it to be told to draw everything anew? Unchanged on error
 *
 * Returns 0 or -ENOMEM.
 */
MUST_CHECK int tickets_take(struct tickets *t, uint32_t node, const uint8_t print[PEER_PRINT],
	uint64_t link, const uint8_t shown[MGR_TICKET], uint64_t now_ms, uint64_t unix_ms, uint8_t given[MGR_TICKET],
	bool *anew);

#endif
