/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mget.h - the values of MGET's reply, one after the other.
 *
 * They are read from its text, where Redis would make an object for each of them. MGET
 * says nil of what is no string, too: keyapi_exists() tells.
 */
#ifndef CXLRING_MGET_H
#define CXLRING_MGET_H

#include <stddef.h>

struct mget {
	const char *p;
};

/* `resp` begins with '*', and stays the caller's. */
struct mget mget_begin(const char *resp);

/* The next one's bytes, in `resp`; NULL: nil. Not to be asked for more than there are. */
const char *mget_next(struct mget *m, size_t *len);

#endif
