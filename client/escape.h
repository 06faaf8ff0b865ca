/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * escape.h - a text into a file of records, so that it comes out of it as it was.
 */
#ifndef CLIENT_ESCAPE_H
#define CLIENT_ESCAPE_H

#include <stdio.h>

/* As a JSON string, quotes included (RFC 8259, section 7). A byte that is not part of
 * UTF-8, which JSON cannot hold, becomes U+FFFD. */
void escape_json(FILE *f, const char *text);

/* As a field of CSV, quoted where it has to be (RFC 4180, section 2). */
void escape_csv(FILE *f, const char *text);

#endif
