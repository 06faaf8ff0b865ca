/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backend_reply.h - what is due to a ring client, into its ring.
 */
#ifndef CLIENT_BACKEND_REPLY_H
#define CLIENT_BACKEND_REPLY_H

#include "backend_session.h"

enum due_what {
	DUE_REPLY, /* the Redis's, to a request */
	DUE_TEXT,  /* ours */
	/* and what is asked on our own account: */
	DUE_LOGIN, /* AUTH as the options say */
	DUE_AGAIN, /* AUTH as the session had before the connection was lost */
	DUE_PROBE, /* PING: is that a Redis, and does it want a password? */
	DUE_SELECT,
	DUE_HELLO,
};

static inline struct due *due_at(const struct session *s, uint32_t i)
{
	return &s->due[(s->first + i) % s->due_cap];
}

/* Wipes it. */
void secret_free(struct secret **p);

/* A place behind the last; NULL: no memory. */
struct due *due_push(struct session *s, enum due_what what, uint8_t verb, uint64_t id);

/* An error of ours, in its turn. False: no memory. */
bool due_error(struct session *s, uint64_t id, const char *text);

/* The same of what the command would have said itself, of which CALL is told in RESP. */
bool due_refusal(struct session *s, uint8_t verb, uint64_t id, const char *text);

/* The same instead of what was to come from the Redis. The caller sees to s->barrier. */
bool due_fail(struct due *d, const char *text);

/* None is due any more. */
void due_clear(struct session *s);

/* Do requests have to wait for this one? */
static inline bool due_is_barrier(const struct due *d)
{
	return d->what > DUE_TEXT || (d->what == DUE_REPLY && d->verb == KV_AUTH);
}

/* As much as there is and has room. True when anything went. What the Redis answered to
 * our own questions is told to session_told() (backend_link.h). */
bool reply_pump(struct session *s);

#endif
