/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * load_table.h - the PostgreSQL side of hedb-load, by libpq: a table's columns, COPY into
 * it, and the rows of a query.
 *
 * A COPY is one statement, so all of it is there at its end or nothing is.
 */
#ifndef CLIENT_LOAD_TABLE_H
#define CLIENT_LOAD_TABLE_H

#include <libpq-fe.h>

#include "load_batch.h"

struct load_table {
	PGconn *conn;
	char *name; /* quoted; owned, as what follows */
	struct load_column *columns;
	char **names;
	int ncolumns;
	/* of a query's rows */
	char *row;
	int row_len, row_at;
};

/* load_table_connect - 0 or -ENOTCONN; `e` has libpq's sentence. conninfo may be NULL. */
MUST_CHECK int load_table_connect(
	struct load_table *t, const char *conninfo, struct err_text *e);
void load_table_close(struct load_table *t);

/*
 * load_table_describe - the columns of a table.
 *
 *   table    as in SQL, with or without schema
 *   columns  names with commas in between, which is their order in the data; NULL: all
 *            that are not generated
 *
 * Returns 0, -ENOENT (no such table or column), -ENOTSUP (a type that cannot be read here),
 * -ENOMEM.
 */
MUST_CHECK int load_table_describe(
	struct load_table *t, const char *table, const char *columns, struct err_text *e);

/* load_table_types - the same by a list of types, without a table. */
MUST_CHECK int load_table_types(struct load_table *t, const char *types, struct err_text *e);

/* COPY BINARY into the table. All return 0 or -EIO: `e` has PostgreSQL's sentence. */
MUST_CHECK int load_table_begin(struct load_table *t, struct err_text *e);
MUST_CHECK int load_table_write(
	struct load_table *t, const uint8_t *p, size_t len, struct err_text *e);
MUST_CHECK int load_table_end(struct load_table *t, struct err_text *e);

/* Take all of it back. */
void load_table_abort(struct load_table *t);

/* load_table_query - COPY text or CSV out of a query; then load_table_read(), as rows.h
 * has it, with the table as context. */
MUST_CHECK int load_table_query(
	struct load_table *t, const char *query, bool csv, struct err_text *e);
ssize_t load_table_read(void *table, char *to, size_t room);

#endif
