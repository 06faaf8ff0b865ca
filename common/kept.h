/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kept.h - public values that a request can name instead of bringing them.
 *
 * The rules of a session's time zone are 3 KB, and all that is long in a request for one
 * row. So an argument with ARG_KEEP is kept under the digest of its bytes, and one with
 * ARG_KEPT is that digest. The digest is computed here, so what is found under it is what
 * whoever names it has in mind, whoever brought it: the store is shared by all sessions
 * that a worker serves. It is small and forgets the oldest; and a server that was just
 * started knows nothing. Who asks is told -ESTALE then and brings the value.
 *
 * One struct kept per worker thread. No secrets are in it.
 */
#ifndef COMMON_KEPT_H
#define COMMON_KEPT_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	KEPT_DIGEST = 16,
	KEPT_MAX = 8192, /* bytes of a value; longer ones are not kept */
	KEPT_VALUES = 8,
};

struct kept {
	struct kept_value {
		uint8_t digest[KEPT_DIGEST];
		uint32_t len; /* 0: nothing here */
		uint8_t bytes[KEPT_MAX];
	} value[KEPT_VALUES];
	uint32_t next; /* the oldest */
};

/* BLAKE2b, 16 bytes. */
void kept_digest(uint8_t digest[KEPT_DIGEST], const uint8_t *bytes, uint32_t len);

/* Keep it, in place of the oldest. No effect when it is empty, too long or there. */
void kept_add(struct kept *k, const uint8_t *bytes, uint64_t len);

/* NULL: unknown. It stays until the next kept_add(). */
const struct kept_value *kept_find(const struct kept *k, const uint8_t *digest);

#endif
