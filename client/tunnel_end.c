/* SPDX-License-Identifier: BSD-3-Clause */
#include "tunnel_end.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "tunnel.h"

enum { SILENT_S = 60 };

static bool end_watch(struct tunnel_end *e, int op, bool writing)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = e};

	if (writing)
		ev.events |= EPOLLOUT;
	e->watched = writing;
	return epoll_ctl(e->tunnel->config->epoll, op, e->fd, &ev) == 0;
}

void tunnel_end_close(struct tunnel_end *e, bool reset)
{
	struct linger now = {1, 0};

	if (e->fd < 0)
		return;
	if (reset)
		setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(e->fd); /* leaves the epoll set with it */
	e->fd = -1;
}

ssize_t tunnel_end_read(struct tunnel_end *e, void *p, size_t len)
{
	ssize_t n = recv(e->fd, p, len, 0);

	if (n < 0 && errno != EAGAIN)
		return -1;
	if (n == 0)
		e->said_end = true;
	/* Less than asked for is all there is, but for an end that was told before. */
	if (n <= 0 || ((size_t)n < len && !e->hung))
		e->readable = false;
	return n < 0 ? 0 : n;
}

bool tunnel_end_write(struct tunnel_end *e, struct buffer *b)
{
	ssize_t n;

	if (!e->writable || !buffer_len(b))
		return true;
	n = send(e->fd, buffer_front(b), buffer_len(b), MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN)
		return false;
	if (n > 0)
		buffer_drop(b, (size_t)n);
	if (!buffer_len(b))
		return !e->watched || end_watch(e, EPOLL_CTL_MOD, false);
	e->writable = false;
	return e->watched || end_watch(e, EPOLL_CTL_MOD, true);
}

bool tunnel_end_take(struct tunnel_end *e, int fd, int op)
{
	e->fd = fd;
	e->readable = e->writable = true;
	e->hung = false; /* of an attempt before */
	address_keep_alive(fd, SILENT_S);
	return end_watch(e, op, false);
}

bool tunnel_end_tell(struct tunnel_end *e)
{
	if (e->told_end)
		return false;
	shutdown(e->fd, SHUT_WR);
	e->told_end = true;
	return true;
}
