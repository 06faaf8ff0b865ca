/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session.h - one client: its channel, the message coming in, the reply going out.
 *
 * A session lives as long as its channel is open (roster.c makes and ends it). Requests
 * are read in place, one at a time; a reply goes into the ring at once. What does not
 * fit is copied and goes out part by part later; until then nothing more is read from
 * that client, so a reader that stops costs a burst's replies and no other client.
 */
#ifndef CXLRING_SESSION_H
#define CXLRING_SESSION_H

#include "rm.h"

#include "acl.h"
#include "kv.h"
#include "message.h"
#include "peer.h"
#include "service.h"
#include "view.h"

/* A reply, or the rest of one, until the client makes room. */
struct pending {
	struct pending *next;
	struct message_out m;
	uint8_t bytes[];
};

/* What CXLRING.CLIENTS tells. Times in ticks (clock.h). */
struct tally {
	uint64_t id;
	uint64_t since;
	uint64_t seen; /* when it was served last */
	uint64_t requests;
	uint64_t held; /* times that its next request had to wait */
	uint16_t db;
	uint8_t kind; /* of its last request */
	bool holds;   /* its next request waits now */
	bool killed;  /* as soon as it is not being served */
};

struct session {
	struct service_chan *chan;
	struct message_in in;
	uint64_t max_message;
	bool skips; /* parts of a request of which the first ones were dropped */
	struct pending *out;       /* replies that did not fit, oldest first; owned */
	struct pending **out_last; /* where the next one goes */
	struct acl acl;
	bool let_in;            /* greet.h: its requests may be served */
	struct greeting *greeting; /* its handshake; greet.c's */
	struct peer *peer;      /* who it is, on a sealed channel; owned */
	enum view_right right;  /* by the manager (rights.h); without one RIGHT_WRITE */
	uint64_t key_id;        /* of its range's key */
	struct stream *stream;  /* once it is one: stream.h */
	struct deferred *deferred; /* replies that are to come, oldest first: defer.h */
	uint32_t slot;          /* in the loop's list */
	bool unpublished;       /* replies are committed and held back */
	unsigned unrung;        /* replies that are published, and the client not woken */
	uint64_t turn;          /* the loop's, in which it was served last */
	int looked;             /* requests whose keys are being prefetched: prefetch.h */
	bool short_values;      /* its last GET's was: batch.h */
	struct tally tally;
};

/* NULL when there is no memory. max: longest message to accept. */
struct session *session_create(struct service_chan *c, uint64_t max);
void session_destroy(struct session *s);

/* Its client's label with what may not stand in a line of text, or in quotes, replaced. */
void session_label(const struct session *s, char out[CHAN_LABEL + 1]);

/* Send a reply, or keep what does not fit, or what comes behind replies that are still to
 * come (defer.h). The bytes are copied. */
void session_reply(
	struct session *s, enum kv_reply kind, uint64_t id, const void *data, uint64_t len);
void session_send( /* now */
	struct session *s, enum kv_reply kind, uint64_t id, const void *data, uint64_t len);
void session_error(struct session *s, uint64_t id, const char *text);
extern const char session_wrong_type[]; /* that GET gets */
extern const char session_noauth[];     /* that strangers get */
void session_int(struct session *s, uint64_t id, int64_t v);

/* Take a frame of a request that is not executed: this error answers the request at its
 * last part. */
void session_refuse(struct session *s, const struct frame *f, const char *text);

/* Go on with replies that did not fit; true when nothing is left to send. */
bool session_flush(struct session *s);

#endif
