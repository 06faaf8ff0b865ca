/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_batch.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

static bool values_init(struct load_values *v, const struct plaintext_type *t)
{
	uint32_t each = plaintext_bytes(t);

	v->nulls = malloc(ZONE_COLUMN_ROWS);
	return v->nulls && zone_column_init(&v->plain, each) &&
		(!t->secret || zone_column_init(&v->sealed, each ? (uint32_t)value_size(each) : 0));
}

bool load_batch_init(struct load_batch *b, const struct load_column *columns, int n)
{
	int i;

	*b = (struct load_batch){.columns = columns, .ncolumns = n};
	b->values = calloc((size_t)n, sizeof *b->values);
	for (i = 0; b->values && i < n; i++)
		if (!values_init(&b->values[i], &columns[i].type)) {
			load_batch_fini(b);
			return false;
		}
	return b->values != NULL;
}

void load_batch_fini(struct load_batch *b)
{
	int i;

	for (i = 0; b->values && i < b->ncolumns; i++) {
		zone_column_fini(&b->values[i].plain);
		zone_column_fini(&b->values[i].sealed);
		free(b->values[i].nulls);
	}
	free(b->values);
	*b = (struct load_batch){0};
}

void load_batch_clear(struct load_batch *b)
{
	int i;

	for (i = 0; i < b->ncolumns; i++)
		zone_column_clear(&b->values[i].plain);
	b->rows = 0;
	b->bytes = 0;
}

/* The last value of a column goes again. */
static void undo(struct load_batch *b, int column)
{
	struct load_values *v = &b->values[column];
	uint32_t len;

	if (v->nulls[b->rows])
		return;
	len = v->plain.each ? v->plain.each : v->plain.lens[v->plain.count - 1];
	zone_column_cut(&v->plain, v->plain.count - 1, v->plain.len - len);
	b->bytes -= len;
}

static int add_value(
	struct load_batch *b, int column, const struct field *f, struct err_text *e)
{
	struct load_values *v = &b->values[column];
	uint8_t *to;
	size_t n;
	int rc;

	v->nulls[b->rows] = f->null;
	if (f->null)
		return 0;
	to = zone_column_room(&v->plain, plaintext_room(f->len));
	if (!to)
		return -ENOMEM;
	rc = plaintext_parse(&b->columns[column].type, f->p, f->len, to, &n, e);
	if (rc)
		return rc;
	zone_column_added(&v->plain, n);
	b->bytes += n;
	return 0;
}

int load_batch_add(
	struct load_batch *b, const struct field *f, int n, int *column, struct err_text *e)
{
	int i, rc = 0;

	*column = -1;
	if (n > b->ncolumns) {
		err_set(e, "extra data after last expected column");
		return -EINVAL;
	}
	if (n < b->ncolumns) {
		*column = n;
		err_set(e, "missing data");
		return -EINVAL;
	}
	for (i = 0; i < n && !rc; i++)
		rc = add_value(b, i, &f[i], e);
	if (!rc) {
		b->rows++;
		return 0;
	}
	*column = --i;
	while (i--)
		undo(b, i);
	return rc;
}

int load_batch_seal(
	struct load_batch *b, struct ops_client *c, uint64_t timeout_ms, struct err_text *e)
{
	int i, rc = 0;

	for (i = 0; i < b->ncolumns && !rc; i++)
		if (b->columns[i].type.secret)
			rc = zone_column_encrypt(c, b->columns[i].type.secret, &b->values[i].plain,
				&b->values[i].sealed, timeout_ms, e);
	return rc;
}

/* What goes out of a column. */
static const struct zone_column *outgoing(const struct load_batch *b, int column)
{
	const struct load_values *v = &b->values[column];

	return b->columns[column].type.secret ? &v->sealed : &v->plain;
}

size_t load_batch_size(const struct load_batch *b)
{
	size_t n = (size_t)b->rows * (2 + 4 * (size_t)b->ncolumns);
	int i;

	for (i = 0; i < b->ncolumns; i++)
		n += outgoing(b, i)->len;
	return n;
}

/* Where the next value of a column is. */
struct place {
	const struct zone_column *from;
	const uint8_t *p, *null;
	uint32_t i;
};

static uint8_t *write_value(struct place *at, uint32_t row, uint8_t *out)
{
	uint32_t len, word = UINT32_MAX; /* -1: NULL */

	if (at->null[row]) {
		memcpy(out, &word, 4);
		return out + 4;
	}
	len = at->from->each ? at->from->each : at->from->lens[at->i];
	word = htobe32(len);
	memcpy(out, &word, 4);
	memcpy(out + 4, at->p, len);
	at->p += len;
	at->i++;
	return out + 4 + len;
}

void load_batch_write(const struct load_batch *b, uint8_t *out)
{
	struct place at[LOAD_COLUMNS_MAX];
	uint16_t n = htobe16((uint16_t)b->ncolumns);
	uint32_t row;
	int i;

	for (i = 0; i < b->ncolumns; i++) {
		const struct zone_column *c = outgoing(b, i);

		at[i] = (struct place){.from = c, .p = c->bytes, .null = b->values[i].nulls};
	}
	for (row = 0; row < b->rows; row++) {
		memcpy(out, &n, 2);
		out += 2;
		for (i = 0; i < b->ncolumns; i++)
			out = write_value(&at[i], row, out);
	}
}
