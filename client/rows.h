/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rows.h - rows of COPY text or CSV, one after the other, out of any stream of bytes.
 *
 * The quoting rules are those of PostgreSQL's COPY: in text, a backslash escapes, \N alone
 * is NULL, \. alone ends the data; in CSV, quotes may begin and end anywhere in a field,
 * and only a field without any can be NULL. Line ends are \n or \r\n, whichever the first
 * line has.
 *
 * Fields point into the reader's memory and stay until the next call. Rows are taken apart
 * in place: only fields with escapes or quotes are copied.
 */
#ifndef CLIENT_ROWS_H
#define CLIENT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct rows_format {
	const char *null; /* NULL: that of text or CSV */
	bool csv;
	char delimiter, quote, escape; /* 0: that of text or CSV */
};

struct field {
	const char *p;
	size_t len;
	bool null;
};

struct rows {
	struct rows_format format;
	size_t null_len;
	ssize_t (*read)(void *ctx, char *to, size_t room); /* bytes, 0 at the end, -errno */
	void *ctx;
	char *buf, *scratch; /* owned */
	size_t cap, at, end, scratch_cap;
	const char *raw; /* the row as it stood, with its line end */
	size_t raw_len;
	uint64_t line, next_line; /* where the row began; from 1 */
	uint64_t bytes;           /* read so far */
	uint8_t special[256];     /* bytes that mean something outside quotes */
	int line_end;             /* 0: not known yet; 1: \n, 2: \r\n */
	bool eof;
};

/* rows_init - 0, or -EINVAL: `e` says what in the format cannot be. */
MUST_CHECK int rows_init(struct rows *r, const struct rows_format *f,
	ssize_t (*read)(void *ctx, char *to, size_t room), void *ctx, struct err_text *e);
void rows_fini(struct rows *r);

/*
 * rows_next - the next row.
 *
 *   f, max   out: the fields, at most max of them
 *   n        out: how many there are, which may be more than max
 *
 * Returns 0, -ENODATA at the end of the data, -EILSEQ when this row breaks the format (`e`
 * says how, *n is the field's number from 0; the next call goes on behind it), -ENOMEM, or
 * what read() said.
 */
MUST_CHECK int rows_next(
	struct rows *r, struct field *f, int max, int *n, struct err_text *e);

#endif
