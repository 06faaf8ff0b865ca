/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backend.h - cxl-proxy's other end: a region's service "kv", served by a Redis that has
 * no module.
 *
 * Each channel has a connection of its own to that Redis (backend_session.h), so that
 * user, database and order are what they are on any connection. One thread carries all of
 * it: it sleeps in epoll, where the sockets are and the bell that ring clients ring.
 */
#ifndef CLIENT_BACKEND_H
#define CLIENT_BACKEND_H

#include "layout.h"
#include "link.h"

struct backend_config {
	struct layout_wish region;
	struct link_target target;
	const char *user;          /* to be on every connection; NULL: the default user */
	const char *password_file; /* NULL: none */
	uint64_t max_request;      /* bytes; 0: BACKEND_REQUEST_MAX */
	uint32_t spin_us;
	const char *program; /* whose messages these are */
};

#define BACKEND_REQUEST_MAX ((512ull << 20) + 65536)

/* Serves until SIGTERM or SIGINT, which the caller has blocked. Returns the exit status;
 * what went wrong stands on standard error. */
int backend_run(struct backend_config *config);

#endif
