/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zone_column.h - a column of values through ops_server: encrypted, or decrypted.
 *
 * Values that are not NULL lie side by side; those of a variable size have their lengths in
 * an array of their own. It is encrypted in requests that fit the ring's frames.
 */
#ifndef CLIENT_ZONE_COLUMN_H
#define CLIENT_ZONE_COLUMN_H

#include "ops.h"

enum { ZONE_COLUMN_ROWS = 4096 };
_Static_assert((int)ZONE_COLUMN_ROWS <= (int)PROGRAM_ROWS_MAX, "a column is one request");

/* Some values, all of one type. All zero to begin with. */
struct zone_column {
	uint8_t *bytes; /* owned, as lens */
	uint32_t *lens; /* NULL when all are of the size `each` */
	size_t len, cap;
	uint32_t count, each;
};

/* Room for one more value of up to n bytes, NULL: no memory or too many; it is added by
 * zone_column_added(). */
uint8_t *zone_column_room(struct zone_column *c, size_t n);

static inline void zone_column_added(struct zone_column *c, size_t n)
{
	if (c->lens)
		c->lens[c->count] = (uint32_t)n;
	c->count++;
	c->len += n;
}

/* zone_column_init - an empty one; each: bytes of every value, 0: they differ. False: no
 * memory. */
bool zone_column_init(struct zone_column *c, uint32_t each);
void zone_column_fini(struct zone_column *c); /* and wipe it */

static inline void zone_column_clear(struct zone_column *c)
{
	c->len = c->count = 0;
}

/* Back to `count` values of `len` bytes. */
static inline void zone_column_cut(struct zone_column *c, uint32_t count, size_t len)
{
	c->count = count;
	c->len = len;
}

/*
 * zone_column_encrypt, zone_column_decrypt - `in` to `out`, which is of the other kind.
 *
 *   type   the encrypted type's code
 *   bad    out: with -EBADMSG, the number of the value that is none
 *
 * Return 0, what ops_call() returns, -EBADMSG, -EPROTO or -ENOMEM; `e` says why.
 */
MUST_CHECK int zone_column_encrypt(struct ops_client *c, uint8_t type,
	const struct zone_column *in, struct zone_column *out, uint64_t timeout_ms,
	struct err_text *e);
MUST_CHECK int zone_column_decrypt(struct ops_client *c, uint8_t type,
	const struct zone_column *in, struct zone_column *out, uint64_t timeout_ms,
	uint32_t *bad, struct err_text *e);

#endif
