/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plaintext.h - SQL types as a bulk loader meets them: text to bytes and back.
 *
 * For an encrypted type the bytes are what the value holds (docs/protocol.md, section 8);
 * for a plain one PostgreSQL's binary form, as COPY BINARY wants it. Text is read as
 * PostgreSQL's input functions read it, with its messages; of dates and times the ISO form
 * alone, which is what PostgreSQL writes by default.
 *
 * Made for millions of values: nothing allocates.
 */
#ifndef CLIENT_PLAINTEXT_H
#define CLIENT_PLAINTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct plaintext;

/* A column's type. */
struct plaintext_type {
	const struct plaintext *how;
	uint8_t secret; /* code of the encrypted type; 0: a plain one */
};

/* plaintext_find - the type of that name ("enc_int4", "varchar"). False: none that can be
 * read here. */
bool plaintext_find(struct plaintext_type *t, const char *name);

/* The same by the code of an encrypted type, for plaintext_print(). */
bool plaintext_of(struct plaintext_type *t, uint8_t code);

/* Bytes of each value, 0: they vary. */
uint32_t plaintext_bytes(const struct plaintext_type *t);

/* Bytes that plaintext_parse() may need for a text of that length. */
static inline size_t plaintext_room(size_t text_len)
{
	return 2 * text_len + 80;
}

/* plaintext_parse - 0, or -EINVAL: `e` says why, as PostgreSQL does. */
MUST_CHECK int plaintext_parse(const struct plaintext_type *t, const char *text, size_t len,
	uint8_t *out, size_t *out_len, struct err_text *e);

/*
 * plaintext_print - the text of an encrypted type's plaintext.
 *
 *   out, room   where it goes
 *
 * Returns its length, 0 <= n; more than room: nothing useful was written, call again with
 * that much; or -EPROTO: these bytes are none of that type.
 */
MUST_CHECK int64_t plaintext_print(
	uint8_t code, const uint8_t *p, size_t len, char *out, size_t room);

#endif
