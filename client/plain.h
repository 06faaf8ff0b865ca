/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plain.h - the plaintext of encrypted values, as text and as bytes.
 *
 * What a user types, and what an enc_* value holds: integers little-endian, text as it
 * is, decimals in PostgreSQL's binary form (common/numeric.h). Text of numbers is what
 * PostgreSQL reads and prints, without exponents.
 */
#ifndef CLIENT_PLAIN_H
#define CLIENT_PLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* The encrypted type of that name, with or without "enc_"; 0: none. */
uint8_t plain_type(const char *name);

/* Bytes that plain_parse() may need for a text of that length. */
size_t plain_room(size_t text_len);

/*
 * plain_parse - text to bytes.
 *
 * Returns 0, or -EINVAL: no such number, or out of range; `e` says it as PostgreSQL does.
 */
MUST_CHECK int plain_parse(uint8_t type, const char *text, size_t len, uint8_t *out,
	size_t *out_len, struct err_text *e);

/* plain_print - bytes to text: malloc()ed and zero-terminated, or NULL: they are none of
 * that type, or there is no memory. */
char *plain_print(uint8_t type, const uint8_t *p, size_t len, size_t *text_len);

#endif
