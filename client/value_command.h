/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * value_command.h - hedbctl encrypt and decrypt: values by hand, a line each.
 *
 * Standard input to standard output. What is read and shown is what hedb-load and
 * PostgreSQL read and show (plaintext.h); an encrypted value is base64, as in SQL.
 */
#ifndef CLIENT_VALUE_COMMAND_H
#define CLIENT_VALUE_COMMAND_H

#include "ops.h"
#include "plaintext.h"

/* The encrypted type of that name, with or without "enc_". False: none. */
bool value_type(struct plaintext_type *t, const char *name);

/*
 * value_lines - all lines, up to the first that goes wrong.
 *
 *   c   a session that may encrypt and decrypt
 *   t   of the values to encrypt; NULL: decrypt, each says its own
 *
 * Returns 0 or a negative errno; `e` says why.
 */
MUST_CHECK int value_lines(
	struct ops_client *c, const struct plaintext_type *t, struct err_text *e);

#endif
