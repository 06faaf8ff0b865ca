/* SPDX-License-Identifier: BSD-3-Clause */
#include "protect.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static bool is_loopback(struct in_addr a)
{
	return ntohl(a.s_addr) >> 24 == 127;
}

static bool is_of_this_host(int fd)
{
	union {
		struct sockaddr_storage any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} peer;
	socklen_t len = sizeof peer;
	struct in_addr mapped;

	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0)
		return false;
	if (peer.any.ss_family == AF_INET)
		return is_loopback(peer.v4.sin_addr);
	if (peer.any.ss_family != AF_INET6)
		return peer.any.ss_family == AF_UNIX;
	memcpy(&mapped, peer.v6.sin6_addr.s6_addr + 12, sizeof mapped);
	return IN6_IS_ADDR_LOOPBACK(&peer.v6.sin6_addr) ||
		(IN6_IS_ADDR_V4MAPPED(&peer.v6.sin6_addr) && is_loopback(mapped));
}

static bool begins(const struct cxlring_reply *r, const char *code)
{
	return r->type == CXLRING_ERROR && strncmp(r->str, code, strlen(code)) == 0;
}

static int judge(const struct cxlring_reply *r, char *why, size_t len)
{
	if (begins(r, "BUSY ") || begins(r, "LOADING ")) {
		snprintf(why, len, "%s", r->str);
		return 1;
	}
	/* Any other error: a password is asked for, or CONFIG is not there for strangers. */
	if (r->type != CXLRING_ARRAY || r->elements != 2 || !r->element[1]->str ||
		strcmp(r->element[1]->str, "yes") != 0)
		return 0;
	snprintf(why, len,
		"DENIED Redis is in protected mode and its default user has no password: give it "
		"one, or connect from the host of the proxy, or CONFIG SET protected-mode no");
	return 1;
}

int protect_check(struct cxlring *c, int fd, char *why, size_t len)
{
	struct cxlring_reply *r;
	int rc;

	if (is_of_this_host(fd))
		return 0;
	rc = cxlring_command(c, &r, "CONFIG GET protected-mode");
	if (rc) {
		snprintf(why, len, "%s", cxlring_why(c));
		return rc;
	}
	rc = judge(r, why, len);
	cxlring_free(r);
	return rc;
}
