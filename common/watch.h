/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watch.h - a node's standing connection to the manager, which keeps its view (view.h) up to
 * date: connects, asks, takes what it is told, asks again a few times in each lease, and
 * connects anew when that ends.
 *
 * The manager's name is looked up by a thread (lookup.h), and again once all of its addresses
 * have failed: it may have moved. Until there are others the old ones are tried.
 *
 * Nothing here waits, but watch_fetch(), watch_load() and watch_resolve(). Two ways to use it:
 *
 *   - a server has a thread that polls (watcher.h)
 *   - a client has none: it fetches a view when it starts, and secure_connect() steps the watch
 *     that hangs on its trust, before each handshake. What changed meanwhile has waited in the
 *     socket; what it may not do any more the server stops
 *
 * One thread at a time.
 */
#ifndef COMMON_WATCH_H
#define COMMON_WATCH_H

#include <poll.h>

#include "mgrlink.h"

enum {
	WATCH_FETCH_MS = 5000, /* longest wait of who has to have a view to begin */
	WATCH_SLICE_MS = 50,   /* longest sleep between two calls of idle() */
	WATCH_FDS = 2,         /* a connection and a lookup */
};

/* How somebody waits for a view. */
struct watch_patience {
	uint64_t timeout_ms;
	/* Called between slices; may longjmp away (PostgreSQL's interrupts). NULL: nothing is. */
	void (*idle)(void *ctx);
	void *idle_ctx;
};

struct watch;

/*
 * watch_create - does not connect yet.
 *
 *   address   HOST:PORT
 *   t         whose certificate it shows; held. With a view of its own it is not used
 *   v         to keep; held
 *
 * Returns 0, -EINVAL (not of that form), -ENOMEM.
 */
MUST_CHECK int watch_create(struct watch **w, const char *address, struct trust *t, struct view *v,
	struct err_text *e);
void watch_destroy(struct watch *w); /* NULL is fine */

/* Look the name up now, and never again: before a filter that lets nobody do that. Waits for as
 * long as the resolver does. Returns 0, -EINVAL (no such name). */
MUST_CHECK int watch_resolve(struct watch *w, struct err_text *e);

/* Other certificates: for the next connection, and the present one ends at the next step when they
 * object to the manager's. */
void watch_use(struct watch *w, struct trust *t);

/* All that can be done now. */
void watch_step(struct watch *w);

/* What to wait for before the next step; descriptors may come out negative. Returns milliseconds. */
int watch_wait(const struct watch *w, struct pollfd p[WATCH_FDS]);

/* Why there is no connection; "": there is one. */
const char *watch_why(const struct watch *w);

/* Step and wait until an answer has come to what was asked from now on. Returns 0, -ETIMEDOUT,
 * -EACCES when the manager does not let us in, or -EINVAL when its name is none. */
MUST_CHECK int watch_fetch(struct watch *w, const struct watch_patience *p, struct err_text *e);

/*
 * watch_load - trust_follow(), and with an address a manager's view, fetched, that is stepped as
 * told above and goes with the trust.
 *
 *   t               out; NULL when this fails. When idle() jumps out of here it is there all the
 *                   same, of no use, and for the caller to drop
 *   address, pool   HOST:PORT, NULL or "": no manager; NULL or "": VIEW_POOL
 *   p               NULL: up to WATCH_FETCH_MS
 *
 * What tells a copy of this machine (life_watch_env()) is found as well.
 */
MUST_CHECK int watch_load(struct trust **t, const struct trust_files *f, const char *address,
	const char *pool, const struct watch_patience *p, struct err_text *e);

#endif
