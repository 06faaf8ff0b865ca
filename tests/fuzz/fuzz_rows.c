/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_rows.c - any bytes into rows_next() and plaintext_parse(). Rows do not depend on the
 * pieces in which bytes come. What a type takes is printed, and what is printed is taken
 * for the same value.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "optable.h"
#include "plaintext.h"
#include "rows.h"

enum { FIELDS = 16 };

struct source {
	const uint8_t *p;
	size_t left, piece;
};

static ssize_t give(void *ctx, char *to, size_t room)
{
	struct source *s = ctx;
	size_t n = s->left < s->piece ? s->left : s->piece;

	n = n < room ? n : room;
	memcpy(to, s->p, n);
	s->p += n;
	s->left -= n;
	return (ssize_t)n;
}

static uint64_t mix(uint64_t h, const void *p, size_t len)
{
	const uint8_t *b = p;

	while (len--)
		h = (h ^ *b++) * 0x100000001b3u;
	return h;
}

static void there_and_back(uint8_t code, const struct field *f)
{
	struct plaintext_type t;
	struct err_text e;
	uint8_t *bytes = malloc(plaintext_room(f->len)), *again;
	size_t len, len2;
	char text[8192];
	int64_t n;

	if (bytes && plaintext_of(&t, code) && plaintext_parse(&t, f->p, f->len, bytes, &len, &e) == 0) {
		n = plaintext_print(code, bytes, len, text, sizeof text);
		if (n < 0)
			abort();
		again = n <= (int64_t)sizeof text ? malloc(plaintext_room((size_t)n)) : NULL;
		if (again && (plaintext_parse(&t, text, (size_t)n, again, &len2, &e) || len != len2 ||
			(memcmp(bytes, again, len) && code != T_FLOAT4 && code != T_FLOAT8)))
			abort();
		free(again);
	}
	free(bytes);
}

/* All rows; a digest of them. */
static uint64_t read_all(const struct rows_format *f, const uint8_t *data, size_t size,
	size_t piece, bool parse)
{
	struct source s = {data, size, piece};
	struct field field[FIELDS];
	struct err_text e;
	struct rows r;
	uint64_t h = 0xcbf29ce484222325u, taken = 0;
	int n, i, rc;
	uint8_t code;

	if (rows_init(&r, f, give, &s, &e))
		return 0;
	while ((rc = rows_next(&r, field, FIELDS, &n, &e)) == 0 || rc == -EILSEQ) {
		taken += r.raw_len;
		h = mix(mix(h, &rc, sizeof rc), &n, sizeof n);
		h = mix(h, &r.line, sizeof r.line);
		for (i = 0; !rc && i < n && i < FIELDS; i++) {
			h = mix(mix(h, field[i].p, field[i].len), &field[i].null, 1);
			for (code = 1; parse && code < T_FIRST_PUBLIC; code++)
				there_and_back(code, &field[i]);
		}
	}
	if (rc != -ENODATA || taken > size)
		abort();
	rows_fini(&r);
	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rows_format f = {0};

	if (size < 2)
		return 0;
	f.csv = data[0] & 1;
	f.delimiter = data[0] & 2 ? '|' : 0;
	f.escape = data[0] & 4 ? '\\' : 0;
	if (read_all(&f, data + 2, size - 2, 1 + data[1] % 7, true) !=
		read_all(&f, data + 2, size - 2, size, false))
		abort();
	return 0;
}
