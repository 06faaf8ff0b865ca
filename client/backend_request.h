/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backend_request.h - a request of docs/protocol-kv.md as Redis reads it over a socket.
 */
#ifndef CLIENT_BACKEND_REQUEST_H
#define CLIENT_BACKEND_REQUEST_H

#include "buffer.h"
#include "kvrequest.h"

/*
 * request_format - append the command.
 *
 *   q     from kvrequest_read(); its strings are taken
 *   name  out, with -EPERM: the command's name, for people, a line's worth
 *
 * Returns 0; -EPROTO when the strings do not add up; -EPERM when the command needs a
 * connection of its own, which a request cannot have; -ENOMEM. On an error `out` is as it
 * was. What is checked is the copy: the client may be changing its bytes.
 */
MUST_CHECK int request_format(struct buffer *out, struct kvrequest *q, char name[33]);

/* A command of n words, each with its length. */
bool request_words(struct buffer *out, size_t n, const char *const words[],
	const size_t lens[]);

#endif
