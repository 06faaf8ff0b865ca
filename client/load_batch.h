/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * load_batch.h - rows on their way from text to COPY BINARY.
 *
 * load_batch_add() takes a row's fields as text and puts each value to its column, or
 * none of them: a bad row leaves no trace. load_batch_seal() has the encrypted columns
 * encrypted, and load_batch_write() turns it all into tuples.
 */
#ifndef CLIENT_LOAD_BATCH_H
#define CLIENT_LOAD_BATCH_H

#include "plaintext.h"
#include "rows.h"
#include "zone_column.h"

enum { LOAD_COLUMNS_MAX = 1600 /* PostgreSQL's limit */, LOAD_BATCH_BYTES = 4 << 20 };

struct load_column {
	const char *name;
	struct plaintext_type type;
};

struct load_batch {
	const struct load_column *columns; /* the caller's; stay */
	struct load_values {
		struct zone_column plain, sealed;
		uint8_t *nulls; /* of ZONE_COLUMN_ROWS rows */
	} *values;
	int ncolumns;
	uint32_t rows;
	size_t bytes; /* of all plain columns */
};

/* load_batch_init - an empty one. False: no memory. */
bool load_batch_init(struct load_batch *b, const struct load_column *columns, int n);
void load_batch_fini(struct load_batch *b);
void load_batch_clear(struct load_batch *b);

static inline bool load_batch_full(const struct load_batch *b)
{
	return b->rows == ZONE_COLUMN_ROWS || b->bytes >= LOAD_BATCH_BYTES;
}

/*
 * load_batch_add - one row; the batch is not full.
 *
 *   n        fields of the row; f has as many, or as many as there are columns
 *   column   out: with -EINVAL, number of the column in question, or -1
 *
 * Returns 0, -EINVAL (`e` says what is wrong with that column) or -ENOMEM.
 */
MUST_CHECK int load_batch_add(
	struct load_batch *b, const struct field *f, int n, int *column, struct err_text *e);

/* load_batch_seal - as zone_column_encrypt(). */
MUST_CHECK int load_batch_seal(
	struct load_batch *b, struct ops_client *c, uint64_t timeout_ms, struct err_text *e);

/* load_batch_size - bytes that load_batch_write() will write. */
size_t load_batch_size(const struct load_batch *b);
void load_batch_write(const struct load_batch *b, uint8_t *out);

#endif
