/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backend_link.h - a ring client's connection to the Redis behind: it is made when a request
 * needs it, says what is ours to say first, and is lost.
 */
#ifndef CLIENT_BACKEND_LINK_H
#define CLIENT_BACKEND_LINK_H

#include "backend_reply.h"

#define BACKEND_GONE "ERR the Redis behind this ring is gone: "
#define BACKEND_NOAUTH "NOAUTH Authentication required."

/* Is there a connection that takes requests? 0; -EAGAIN: it is being made; -1: none, and
 * s->link.dial.why. */
MUST_CHECK int session_ready(struct session *s);

/* A question of our own. False: no memory, and the channel is refused. */
bool session_ask(struct session *s, enum due_what what, size_t n, const char *const words[],
	const size_t lens[]);

/* The first line of its answer. */
void session_told(struct session *s, enum due_what what, const char *line);

/* AUTH was accepted. */
void session_accepted(struct session *s, struct due *d);

/* The connection is over, or what comes through it makes no sense. */
void session_lose(struct session *s, const char *why);

#endif
