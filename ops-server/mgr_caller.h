/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mgr_caller.h - those who are connected to the manager: nodes, which are told their view and each
 * change of it, and administrators, who change the table.
 *
 * Nobody is waited for: who does not finish the handshake, does not take what it is sent, or
 * sends what is no request, is closed.
 *
 * Places are few, so none is for who came first. Who has shown no certificate yet has at least
 * STRANGERS of them, and when none is free the one that has been here longest goes: strangers
 * displace strangers alone. Of those with a certificate there are --connections. One more takes
 * the place of the longest silent one of the certificate that has the most, if that has more
 * than the newcomer's own; else the newcomer goes. So a certificate that holds all of them keeps
 * nobody out, and when it comes back for what it lost, it does not get that. An administrator that
 * waits for an answer keeps its place.
 *
 * An administrator is answered when every connected node has taken the change, or ACK_MS later with
 * the names of those that have not. A node's word for it is the version in its next MGR_ASK.
 */
#ifndef OPS_SERVER_MGR_CALLER_H
#define OPS_SERVER_MGR_CALLER_H

#include "mgr_config.h"
#include "mgr_journal.h"
#include "mgr_ticket.h"
#include "mgrlink.h"

enum {
	STRANGERS = 64,
	CALLERS = MGR_CONNECTIONS + STRANGERS,
	HELLO_MS = 5000, /* for the handshake */
	SLOW_MS = 5000,  /* without taking anything of what waits for it */
	ACK_MS = 1000,
	FROM = 64,
};

/* Who lost its place to another node has its chain still when it is back. */
_Static_assert((int)CHAINS >= 2 * (int)MGR_CONNECTIONS, "two chains for each connection");

struct caller {
	struct mgrlink link; /* .fd < 0: a free place */
	char from[FROM];     /* address */
	uint64_t nr;         /* no other connection has it */
	uint32_t party;      /* its certificate's, in mgr.held; 0: it has shown none */
	uint64_t since_ms, moved_ms;
	uint64_t heard_ms;   /* its last message */
	size_t waiting;      /* bytes, at moved_ms */
	bool watches;        /* it asked: a node */
	uint64_t number;     /* of its last question */
	uint8_t ticket[MGR_TICKET]; /* of the answer to it */
	bool anew;           /* told so with it */
	uint64_t taken, sent; /* versions: what it has, what it was sent last */
	uint64_t waits;      /* an administrator: until nodes have this version; 0: for nothing */
	uint64_t until_ms;
};

struct mgr {
	struct mgr_config config;
	struct trust *trust;
	struct table *table;
	struct journal journal;
	struct tickets tickets;
	uint64_t accepted;   /* connections */
	uint64_t copies;     /* nodes that were told to draw anew */
	struct caller caller[CALLERS];
	uint32_t held[CALLERS + 1]; /* connections of each party, from 1; 0: no party has this number */
	uint32_t parties_hold;      /* all of them */
	bool crowded;               /* and that was logged */
	uint8_t *view; /* MGR_ANSWER_HEAD + VIEW_BYTES_MAX, to make one in; sodium_malloc */
	uint64_t started_ms;
	uint32_t turn; /* who thinks next */
};

/* A connection that came. */
void caller_accept(struct mgr *m, int fd, const char *from);

/* Its socket has something, or may have: read, carry out, answer. */
void caller_serve(struct mgr *m, struct caller *c);

/* Let one handshake go a step. True: another waits. */
bool caller_think(struct mgr *m);

/* Everything that time or a change brings. Returns ms until it is to be called again. */
int caller_tick(struct mgr *m);

/* After SIGHUP, and now and then: those whose certificates are revoked or have ended go. */
void caller_review(struct mgr *m);

#endif
