/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire.h - a socket to a Redis server, and values of RESP as the bytes that they are.
 *
 * Not hiredis: what comes by socket and what comes by ring is compared byte for byte
 * first, and Debian's hiredis knows no RESP3. A server that does not answer for a minute
 * ends the program.
 */
#ifndef DIFFERENTIAL_WIRE_H
#define DIFFERENTIAL_WIRE_H

#include <stddef.h>

#include "cxlring.h"

/* Bytes of the one value at p; 0 when it is not there yet as a whole. */
size_t resp_length(const char *p, size_t len);

/* A value in memory of its own: `data` is owned, `index` whose reply it is. */
struct value {
	char *data;
	size_t len;
};

void value_free(struct value *v);
struct value value_of(const char *data, size_t len);
struct cxlring_reply *value_parse(const struct value *v); /* by cxlring_free() */

struct wire {
	int fd;
	char *buf; /* owned: used .. len has not been taken */
	size_t used, len, cap;
};

void wire_open(struct wire *w, const char *path);
void wire_close(struct wire *w);
void wire_send(struct wire *w, const char *p, size_t len);
struct value wire_take(struct wire *w);

/* One command of words, and its reply; and with an error's text as the end of all. */
struct cxlring_reply *wire_ask(struct wire *w, ...);
void wire_do(struct wire *w, ...);

#endif
