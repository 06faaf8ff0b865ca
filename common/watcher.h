/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watcher.h - a thread of a server that keeps its view (watch.h).
 */
#ifndef COMMON_WATCHER_H
#define COMMON_WATCHER_H

#include "watch.h"

struct watcher_config {
	bool filtered;  /* names cannot be looked up once the thread runs: it is done before, once */
	int changed_fd; /* an eventfd, added to whenever view_seen() has moved; caller's */
	/* A sentence for the log, when the manager is lost or found. By the thread; may be NULL. */
	void (*say)(bool found, const char *text);
};

struct watcher;

/*
 * watcher_create - does not connect yet; watcher_start() starts the thread, signals blocked.
 *
 * Two steps, because a filter of system calls may come in between. Returns as watch_create() and
 * watch_resolve().
 */
MUST_CHECK int watcher_create(struct watcher **w, const char *address, struct trust *t,
	struct view *v, const struct watcher_config *config, struct err_text *e);
MUST_CHECK int watcher_start(struct watcher *w);

/* Wait until the view holds; false: it does not, and the time is up. For a server's start. */
bool watcher_await(struct watcher *w, uint64_t timeout_ms);

/* Other certificates, as for watch_use(). */
void watcher_use(struct watcher *w, struct trust *t);

/* Ends the thread if there is one. NULL is fine. */
void watcher_destroy(struct watcher *w);

#endif
