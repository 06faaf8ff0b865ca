/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_value.h - encrypted values as Redis holds them: the bytes that hedb stores
 * (docs/values.md), in an ordinary string.
 *
 * A command takes them as they are (hedb's binary form), or as base64 (its text form);
 * no value is both, since base64 of one begins with Q to f and raw bytes begin with the
 * type. Replies are text. What a value says about itself is checked here; whether that is
 * true the zone finds out when it computes.
 */
#ifndef CXLRING_ENC_VALUE_H
#define CXLRING_ENC_VALUE_H

#include "enc.h"

/* Type of these bytes as a value, 0: they are none, and *why says so if not NULL. */
uint8_t enc_value_type(struct zone_bytes v, const char **why);

/* A command's argument as bytes. *owned is what the caller frees, or NULL. Returns the
 * type, or 0 with *why. */
uint8_t enc_value_take(
	RedisModuleString *arg, struct zone_bytes *v, uint8_t **owned, const char **why);

/* base64, freed by the caller; also zero-terminated. */
char *enc_value_text(struct zone_bytes v, size_t *len);

/* Values of some keys, as of now. */
struct enc_read {
	RedisModuleCallReply *reply; /* keeps the bytes */
	struct zone_bytes *v;        /* .p NULL: no such key */
	size_t n;
};

/*
 * enc_read - the values of keys; NULL, or the error's text.
 *
 * By MGET, and not by RM_StringDMA(), which changes short values when it reads them
 * (batch.h).
 */
const char *enc_read(RedisModuleCtx *ctx, RedisModuleString **keys, size_t n,
	struct enc_read *r);
void enc_read_done(struct enc_read *r);

/* Is the key's value still what a job's column has? */
bool enc_same(const struct zone_bytes *v, const struct zone_column *c);

#endif
