/* SPDX-License-Identifier: BSD-3-Clause */
#include "dial.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"
#include "clock.h"
#include "lookup.h"

enum { SILENT_MS = 30000 }; /* sent and not acknowledged: the host is gone */

static void forget_addresses(struct dial *d)
{
	if (d->all)
		freeaddrinfo(d->all);
	d->all = d->at = NULL;
}

static void drop_socket(struct dial *d)
{
	if (d->fd >= 0)
		close(d->fd); /* leaves the epoll set with it */
	d->fd = -1;
}

static void forget_name(struct dial *d)
{
	lookup_drop(d->lookup); /* and its descriptor leaves the set */
	d->lookup = NULL;
}

void dial_close(struct dial *d)
{
	drop_socket(d);
	forget_name(d);
	forget_addresses(d);
}

static int fail(struct dial *d, const char *why)
{
	if (why)
		snprintf(d->why, sizeof d->why, "%s", why);
	dial_close(d);
	return -1;
}

static int try_socket(struct dial *d, int family, const struct sockaddr *sa, socklen_t len,
	int epoll, uint64_t tag)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u64 = tag};
	int one = 1, silent = SILENT_MS;

	d->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->fd < 0)
		return -1;
	if (family != AF_UNIX) {
		setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		setsockopt(d->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
		setsockopt(d->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent, sizeof silent);
	}
	/* A unix socket whose queue is full says EAGAIN, and would never tell more. */
	if ((connect(d->fd, sa, len) < 0 && errno != EINPROGRESS) ||
		epoll_ctl(epoll, EPOLL_CTL_ADD, d->fd, &ev) < 0) {
		int saved = errno;

		drop_socket(d);
		errno = saved;
		return -1;
	}
	return 0;
}

/* From the present address on, the first that can be tried. */
static int try_addresses(struct dial *d, int epoll, uint64_t tag)
{
	for (; d->at; d->at = d->at->ai_next) {
		if (try_socket(d, d->at->ai_family, d->at->ai_addr, d->at->ai_addrlen, epoll, tag) == 0)
			return 0;
		snprintf(d->why, sizeof d->why, "%s", strerror(errno));
	}
	return fail(d, NULL);
}

/* A name, which takes as long as it takes. */
static int start_lookup(struct dial *d, const char *host, const char *port, int epoll, uint64_t tag)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = tag};
	int rc = lookup_start(&d->lookup, host, port);

	if (rc)
		return fail(d, strerror(-rc));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, lookup_fd(d->lookup), &ev) < 0)
		return fail(d, strerror(errno));
	snprintf(d->why, sizeof d->why, "its name is being looked up");
	return 0;
}

int dial_start(struct dial *d, const char *spec, int epoll, uint64_t tag)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	const char *path = address_unix(spec), *port;
	char host[ADDRESS_HOST_MAX];
	int rc;

	d->since_ms = clock_ms();
	if (path) {
		strncpy(sa.sun_path, path, sizeof sa.sun_path - 1);
		if (try_socket(d, AF_UNIX, (struct sockaddr *)&sa, sizeof sa, epoll, tag) < 0)
			return fail(d, strerror(errno));
		return 0;
	}
	port = address_split(spec, host);
	if (!port)
		return fail(d, gai_strerror(EAI_NONAME));
	rc = getaddrinfo(host, port, &hints, &d->all);
	if (rc == EAI_NONAME)
		return start_lookup(d, host, port, epoll, tag);
	if (rc)
		return fail(d, gai_strerror(rc));
	d->at = d->all;
	return try_addresses(d, epoll, tag);
}

/* The name's addresses, if they have come: then the first of them is tried. */
static int looked_up(struct dial *d, int epoll, uint64_t tag)
{
	const char *why;
	int rc = lookup_take(d->lookup, &d->all, &why);

	if (rc == -EAGAIN)
		return rc;
	if (rc)
		return fail(d, why);
	forget_name(d);
	d->why[0] = 0;
	d->at = d->all;
	return try_addresses(d, epoll, tag) ? -1 : -EAGAIN;
}

/* Is the socket connected? 0, -EAGAIN, or -1 with the reason. */
static int connected(struct dial *d)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer, n = sizeof(int);
	int err = 0;

	getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &err, &n);
	if (err) {
		snprintf(d->why, sizeof d->why, "%s", strerror(err));
		return -1;
	}
	return getpeername(d->fd, (struct sockaddr *)&peer, &len) == 0 ? 0 : -EAGAIN;
}

int dial_step(struct dial *d, int epoll, uint64_t tag)
{
	int rc;

	if (d->lookup)
		return looked_up(d, epoll, tag);
	rc = connected(d);
	if (rc == -1 && d->at && d->at->ai_next) {
		drop_socket(d);
		d->at = d->at->ai_next;
		return try_addresses(d, epoll, tag) ? -1 : -EAGAIN;
	}
	if (rc == -1)
		return fail(d, NULL);
	if (rc == 0)
		forget_addresses(d);
	return rc;
}
