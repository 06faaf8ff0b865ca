/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scan.h - where a RESP value ends, as its bytes come in pieces of any length.
 *
 * RESP writes how many parts a value has in front of them, so all that has to be kept is
 * how many values are due: no depth, no memory.
 */
#ifndef CLIENT_SCAN_H
#define CLIENT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero to begin with, and for the next value. */
struct scan {
	uint64_t due;    /* values, less the first one */
	uint64_t skip;   /* bytes of a string still to come, its line end included */
	int64_t number;  /* of the line that is being read */
	uint8_t digits;
	uint8_t type;    /* of it; 0: between two values */
	bool minus;
	bool cr;         /* its '\r' was read */
	bool done;
	bool bad;        /* this is no RESP */
};

/* Takes bytes in, up to the end of the value. Returns how many; s->done: it ended with
 * these; s->bad: nothing can be told any more. */
size_t scan_feed(struct scan *s, const char *p, size_t len);

#endif
