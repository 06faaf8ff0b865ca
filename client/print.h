/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * print.h - replies on paper, as redis-cli prints them; and its way to split a line.
 */
#ifndef CLIENT_PRINT_H
#define CLIENT_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "cxlring.h"

/* For people: types, numbers of elements, quoted strings. */
void print_tty(FILE *f, const struct cxlring_reply *r);

/* For programs: bytes, a line end after the whole. */
void print_raw(FILE *f, const struct cxlring_reply *r);

/* As JSON, a line end after the whole; but an error is `error:"..."`, and bytes that are no
 * UTF-8 stay, as redis-cli has it. */
void print_json(FILE *f, const struct cxlring_reply *r);

/*
 * split_line - words of a line: "..." with escapes, '...' with \' only.
 *
 * Returns an array of *n words with their lengths in *lens (one allocation each for the
 * array, the lengths, and the bytes: free all by split_free), or NULL when a quote does
 * not end, or something follows it directly.
 */
char **split_line(const char *line, size_t *n, size_t **lens);
void split_free(char **words, size_t *lens);

#endif
