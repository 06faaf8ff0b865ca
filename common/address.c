/* SPDX-License-Identifier: BSD-3-Clause */
#include "address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char unix_prefix[] = "unix:";

const char *address_unix(const char *spec)
{
	size_t n = sizeof unix_prefix - 1;

	return strncmp(spec, unix_prefix, n) == 0 ? spec + n : NULL;
}

const char *address_split(const char *spec, char host[ADDRESS_HOST_MAX])
{
	const char *colon = strrchr(spec, ':');
	bool bracket = spec[0] == '[' && colon && colon > spec + 1 && colon[-1] == ']';
	size_t n = colon ? (size_t)(colon - spec) - 2 * bracket : 0;

	if (!colon || n >= ADDRESS_HOST_MAX || !colon[1] ||
		colon[1 + strspn(colon + 1, "0123456789")])
		return NULL;
	memcpy(host, spec + bracket, n);
	host[n] = 0;
	return colon + 1;
}

static bool path_fits(const char *path)
{
	return path[0] && strlen(path) < sizeof((struct sockaddr_un *)0)->sun_path;
}

bool address_valid(const char *spec)
{
	char host[ADDRESS_HOST_MAX];
	const char *path = address_unix(spec);

	return path ? path_fits(path) : address_split(spec, host) && host[0];
}

static int refuse(struct err_text *e, const char *spec, int rc)
{
	err_set(e, "%s: %s", spec, strerror(-rc));
	return rc;
}

/* Bound and listening, or closed again with errno's negative. */
static int open_at(int family, const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, rc;

	if (fd < 0)
		return -errno;
	if (family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, sa, len) == 0 && listen(fd, ADDRESS_BACKLOG) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int address_listen_unix(const char *path, struct err_text *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct stat st;
	int fd;

	if (!path_fits(path)) {
		err_set(e, "%s: too long for a socket", path);
		return -EINVAL;
	}
	strcpy(sa.sun_path, path);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	fd = open_at(AF_UNIX, (struct sockaddr *)&sa, sizeof sa);
	return fd < 0 ? refuse(e, path, fd) : fd;
}

int address_listen(const char *spec, struct err_text *e)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE}, *found = NULL, *a;
	char host[ADDRESS_HOST_MAX];
	const char *path = address_unix(spec), *port;
	int fd = -EADDRNOTAVAIL, rc;

	if (path)
		return address_listen_unix(path, e);
	port = address_split(spec, host);
	if (!port) {
		err_set(e, "%s: is not HOST:PORT", spec);
		return -EINVAL;
	}
	rc = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
	if (rc) {
		err_set(e, "%s: %s", spec, gai_strerror(rc));
		return -EINVAL;
	}
	for (a = found; a && fd < 0; a = a->ai_next)
		fd = open_at(a->ai_family, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(found);
	return fd < 0 ? refuse(e, spec, fd) : fd;
}

void address_keep_alive(int fd, int silent_s)
{
	int one = 1, between = silent_s / 3, probes = 3;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &silent_s, sizeof silent_s);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}
