/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conn.h - a connection of libcxlring: channel, time-outs, the server's successors.
 * Internal; cxlring.h is the manual.
 *
 * Ids count up from 1, so replies come in order: `asked` is the last id sent, `answered`
 * the last one whose reply was taken or given up. A reply to a request that was given
 * up after a time-out is at most `dropped`, and skipped.
 */
#ifndef CLIENT_CONN_H
#define CLIENT_CONN_H

#include "cxlring.h"

#include "channel.h"
#include "kv.h"
#include "message.h"
#include "tenure.h"

struct cxlring {
	struct chan chan;
	struct region region;
	struct trust *trust; /* of options.secure */
	struct tenure tenure; /* of a sealed channel's server */
	struct message_in in;
	struct message_out out; /* a request longer than a frame, while out_buf is set */
	uint8_t *out_buf;       /* owned */
	uint64_t asked;
	uint64_t answered;
	uint64_t dropped;
	uint64_t lost;
	bool mapped;
	bool attached;
	bool streams; /* stream.c */
	bool stopped;
	bool taken; /* the view given out lies in the ring: step over it first */
	struct cxlring_options options;
	char *region_path, *user, *password, *label; /* owned; options point here */
	struct cxlring_cost cost;
	char why[256];
};

/* Claim a channel, or go on with the old one, within the time-out. */
MUST_CHECK int conn_ready(struct cxlring *c);

/* One request of these parts. -EAGAIN: no room, nothing changed. */
struct part {
	const void *p;
	size_t len;
};
MUST_CHECK int conn_put(struct cxlring *c, enum kv_request verb, struct kv_header h,
	const struct part *v, int n);

/* The next reply's frame or message; -EAGAIN as cxlring_next(). */
MUST_CHECK int conn_take(struct cxlring *c, uint8_t *kind, const uint8_t **data,
	uint64_t *len, int timeout_ms);

/* Nothing is outstanding and yet there is no room: what was given up is on its way. Wait a
 * moment for it. 0: try again; -EAGAIN: the connection's time-out since *since_ms (0 to
 * begin with) is over; or what ended the connection. */
MUST_CHECK int conn_drain(struct cxlring *c, uint64_t *since_ms);

int conn_fail(struct cxlring *c, int rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Is a sealed channel, if we have one, over: its server may no longer be it, or we are a copy of
 * who opened it? Then c->why says so. */
static inline bool conn_tenure_over(struct cxlring *c)
{
	struct err_text e;

	if (!c->trust || !c->attached)
		return false;
	if (seal_copied(&c->chan.tx))
		err_set(&e, "this process is a copy of another, which has the same keys");
	else if (!tenure_over(&c->tenure, c->trust, &e))
		return false;
	conn_fail(c, 0, "%s", e.s);
	return true;
}

#endif
