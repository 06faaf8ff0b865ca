/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * load_open.h - rows with ciphertext in, the same rows with plaintext out.
 *
 * A field that is base64 of an encrypted value, which is what hedb's types show in server
 * mode, is replaced by the value's text; every other field stays as it is.
 */
#ifndef CLIENT_LOAD_OPEN_H
#define CLIENT_LOAD_OPEN_H

#include <stdio.h>

#include "ops.h"
#include "rows.h"

/* load_open - until the rows end. Returns 0 or a negative errno; `e` says what happened and
 * where. */
MUST_CHECK int load_open(struct rows *in, FILE *out, struct ops_client *c,
	uint64_t timeout_ms, uint64_t *opened, struct err_text *e);

#endif
