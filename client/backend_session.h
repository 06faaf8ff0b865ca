/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backend_session.h - one ring client, and its connection to the Redis behind.
 *
 *     request ring --kvrequest--> out --socket--> Redis
 *     reply ring   <--in parts--  back <--socket--
 *
 * Requests go out as they come, without waiting for replies; `due` says what each reply
 * will be for. A reply goes into the ring piece by piece, as its bytes come, so its length
 * costs no memory. Whoever is slow is waited for: no room in the ring, and neither the
 * socket nor further requests are read; a full socket, and requests stay in their ring.
 *
 * What is ours and not the client's travels the same way: AUTH and PING when a connection
 * is new, SELECT and HELLO when a request asks for another database or protocol than the
 * one before. Requests wait for the answer to these.
 *
 * The connection is made when a request needs it, and again when it was lost. What was
 * under way then is answered by an error.
 */
#ifndef CLIENT_BACKEND_SESSION_H
#define CLIENT_BACKEND_SESSION_H

#include "buffer.h"
#include "kv.h"
#include "link.h"
#include "message.h"
#include "scan.h"
#include "service.h"

enum {
	SESSION_BURST = 256,            /* requests of one client before the next one's */
	SESSION_KEEP_BYTES = 256 << 10, /* of a long request's memory, for the next one */
};

/* What all sessions share. */
struct backend_shared {
	const struct link_target *target;
	const char *user, *password; /* to log in with; the password may be NULL */
	uint64_t max_request;
	int epoll;
};

/* A user and his password, as AUTH had them. */
struct secret {
	size_t user_len, password_len;
	char bytes[]; /* user, password */
};

/* A reply that is due: whose, and if it is not the Redis's, what it says. */
struct due {
	uint64_t id;
	char *text;            /* owned: the reply itself, an error, of this kind */
	struct secret *secret; /* owned: of AUTH */
	uint8_t kind;
	uint8_t verb;
	uint8_t what; /* enum due_what */
};

struct session {
	const struct backend_shared *shared;
	struct service_chan *chan;
	uint32_t slot; /* in the loop's list */

	struct link link;
	bool readable, writable; /* as far as is known */
	uint64_t failed_ms;      /* the last attempt to connect; 0: it did not fail */

	struct message_in in;
	struct { /* a message in parts that is whole, and has to wait */
		const uint8_t *data;
		uint64_t len, id;
		uint8_t kind;
	} held;
	struct buffer out, back;

	struct due *due; /* owned; a ring of ndue from `first` on */
	uint32_t first, ndue, due_cap;
	unsigned barrier;    /* of them: ours, and AUTH. Nothing is taken meanwhile */
	char *answer;        /* owned: what the request that waited gets instead, an error */

	/* The first reply, as far as it is known. */
	struct scan scan;
	size_t scanned; /* bytes at the front of `back` that the scan has seen */
	size_t sent;    /* of the piece that goes into the ring now */
	uint64_t left;  /* of a VALUE that has begun */
	uint8_t tail;   /* bytes of line end still to come */
	bool in_value;  /* `left` counts */
	bool begun;     /* some of it is in the ring */

	struct secret *secret; /* owned: of the last AUTH that was accepted */
	uint16_t db, db_before;
	bool resp3;
	bool stranger; /* the Redis wants a password first */
	bool nobody;   /* it does not take this session's any more */
	bool wants_stream; /* and waits for what is due before that */
	bool stream, ended;
	bool half;        /* it sends no more: to be told when all is written */
	bool stalled;     /* the ring has no room for what is to go into it */
	bool unpublished; /* something is in it that the client has not been told */
	const char *refuse; /* set: refuse the channel, for this reason */
};

/* NULL: no memory. */
struct session *session_create(const struct backend_shared *shared, struct service_chan *c);
void session_destroy(struct session *s);

/* Is there something to do at once? */
bool session_waiting(const struct session *s);

/* Is an answer due from the Redis? Then sleeping is better than spinning. */
static inline bool session_busy(const struct session *s)
{
	return s->ndue || s->stream || s->link.state == LINK_CONNECTING ||
		s->link.state == LINK_GREETING;
}

/* Do all that can be done without waiting, up to a burst. Returns how much was done: 0,
 * nothing. The caller looks at s->refuse, and publishes. */
unsigned session_serve(struct session *s);

/* The descriptor had an event. */
void session_event(struct session *s);

/* Once in a while: give up attempts that take too long. */
void session_tick(struct session *s, uint64_t now_ms);

#endif
