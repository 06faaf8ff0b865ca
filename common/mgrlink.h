/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mgrlink.h - one connection between the manager and a node or an administrator, either end:
 * messages in TLS over TCP. Nothing here waits; who owns it polls.
 *
 *     message    u32 length of what follows, u8 kind, the rest
 *
 *     MGR_ASK    node     u64 number, u64 version that it has taken (0: none), the ticket of
 *                         the last answer (zeroes: none). It is told news from now on
 *     MGR_VIEW   manager  head, a view (view.h): for an ASK of another version; and with each
 *                         change, under the head of the last answer
 *     MGR_SAME   manager  head, u64 version: nothing has changed
 *     MGR_DO     admin    text of a command (docs/manager.md)
 *     MGR_DONE   manager  u32 errno, text
 *
 * The head of both is u64 number of the last ASK, a ticket, u8 anew: MGR_ANSWER_HEAD bytes.
 *
 * A ticket is MGR_TICKET bytes that say nothing to a node. Each answer has a new one; `anew` is
 * 1 when the one that was shown had been shown before, by a copy of this process or by the one
 * that this is a copy of (ops-server/mgr_ticket.h).
 *
 * The handshake is handshake.h's, with certificates; the manager's has the role server:mgr.
 */
#ifndef COMMON_MGRLINK_H
#define COMMON_MGRLINK_H

#include <sys/socket.h>

#include "cursor.h"
#include "handshake.h"

enum mgr_kind { MGR_ASK = 1, MGR_VIEW, MGR_SAME, MGR_DO, MGR_DONE };

enum {
	MGR_HEAD = 5,
	MGR_TICKET = 48,
	MGR_ADDRESSES = 4,
	MGR_REQUEST_MAX = 1024,            /* what the manager takes */
	MGR_ANSWER_HEAD = 8 + MGR_TICKET + 1,
	MGR_ANSWER_MAX = VIEW_BYTES_MAX + MGR_ANSWER_HEAD + 8, /* what it sends */
	MGR_WAITING_MAX = 4 * MGR_ANSWER_MAX,
};

struct mgrlink {
	int fd; /* owned; -1: closed */
	bool open;  /* the handshake is done */
	bool overlong; /* what comes next; nothing is taken any more */
	bool server, thinks; /* thinks: handshake_run() is due */
	struct handshake *h;
	struct peer peer;    /* when it is open */
	uint8_t *in, *out;   /* decrypted; to be said. malloc, wiped */
	size_t in_len, in_cap, taken, out_len, out_at, out_cap;
	size_t max;          /* of a message that comes */
	char why[192];       /* it closed */
};

/* Takes `fd`, which is not blocking and may still be connecting. -ENOMEM: it is closed. */
MUST_CHECK int mgrlink_open(struct mgrlink *l, int fd, struct trust *t, bool server);
void mgrlink_close(struct mgrlink *l); /* all zero or closed is fine, but for fd -1 */

/* Where HOST:PORT is: how many addresses, or -EINVAL. Looks names up, and waits for that. */
int mgrlink_resolve(const char *address, struct sockaddr_storage at[MGR_ADDRESSES],
	socklen_t len[MGR_ADDRESSES], struct err_text *e);

/* The same, but for a name 0, without looking it up; and of what getaddrinfo() said of one. */
int mgrlink_numeric(const char *address, struct sockaddr_storage at[MGR_ADDRESSES],
	socklen_t len[MGR_ADDRESSES], struct err_text *e);
struct addrinfo;
int mgrlink_copy(struct sockaddr_storage at[MGR_ADDRESSES], socklen_t len[MGR_ADDRESSES],
	const struct addrinfo *all);

/* Begin to connect: a socket, or the kernel's errno, negated. */
int mgrlink_dial(const struct sockaddr_storage *sa, socklen_t len);

/*
 * mgrlink_carry - bytes from and to the socket, as far as it goes without waiting or thinking.
 * mgrlink_think - if it `thinks`: a step of the handshake, milliseconds.
 *
 * Return 0, or what ended it: -ECONNRESET, -EACCES, -EPROTO, -EMSGSIZE, -ENOMEM, the kernel's; l->why.
 */
MUST_CHECK int mgrlink_carry(struct mgrlink *l);
MUST_CHECK int mgrlink_think(struct mgrlink *l);

/* What to poll() for. */
short mgrlink_events(const struct mgrlink *l);

/* Add a message to what is to be said; say it by mgrlink_carry(). -ENOMEM, -EMSGSIZE: too much
 * waits already. */
MUST_CHECK int mgrlink_put(struct mgrlink *l, uint8_t kind, const void *p, size_t len);

/* Bytes that the other end has not taken yet. */
size_t mgrlink_waiting(const struct mgrlink *l);

/* The next message, whole and private, until the next call of a function here; false: none. */
bool mgrlink_take(struct mgrlink *l, uint8_t *kind, struct cursor *body);

/* Is there one? Ask before waiting: what has been read, the socket does not tell again. */
bool mgrlink_ready(const struct mgrlink *l);

#endif
