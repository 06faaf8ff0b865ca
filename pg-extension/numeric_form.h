/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * numeric_form.h - the two forms of a number: PostgreSQL's binary one (numeric_send,
 * numeric_recv), and the shorter one inside enc_numeric. A file of its own, because
 * common/numeric.h has functions of the same names as PostgreSQL's utils/fmgrprotos.h.
 */
#ifndef HEDB_NUMERIC_FORM_H
#define HEDB_NUMERIC_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More bytes than n that the other form may have. */
enum { NUMERIC_FORM_MORE = 40 };

/* Each writes up to n + NUMERIC_FORM_MORE bytes and sets *len; false: it is none. */
bool numeric_form_pack(uint8_t *out, size_t *len, const void *in, size_t n);
bool numeric_form_unpack(uint8_t *out, size_t *len, const void *in, size_t n);

#endif
