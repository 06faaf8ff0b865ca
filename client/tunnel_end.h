/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tunnel_end.h - one socket of a tunnel, edge-triggered: what is known of it, and using it.
 */
#ifndef CLIENT_TUNNEL_END_H
#define CLIENT_TUNNEL_END_H

#include <stdbool.h>
#include <sys/types.h>

#include "buffer.h"

struct tunnel;

struct tunnel_end {
	struct tunnel *tunnel;
	int fd; /* -1: none; owned */
	bool readable, writable;
	bool hung;     /* the peer's end is to be read, though not perhaps at once */
	bool said_end; /* and was read */
	bool told_end; /* we shut down our direction */
	bool watched;  /* for room to write as well */
};

/* A connected socket of the caller's becomes this end; op: epoll_ctl()'s. False: errno. */
bool tunnel_end_take(struct tunnel_end *e, int fd, int op);

void tunnel_end_close(struct tunnel_end *e, bool reset);

/* Bytes read; 0: none for now, or e->said_end; -1 with errno. */
ssize_t tunnel_end_read(struct tunnel_end *e, void *p, size_t len);

/* As much of `b` as goes. False: errno. */
bool tunnel_end_write(struct tunnel_end *e, struct buffer *b);

/* Our direction is over. False: that was said before. */
bool tunnel_end_tell(struct tunnel_end *e);

#endif
