/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libpq's message, less its line end. */
static int failed(struct load_table *t, int rc, struct err_text *e)
{
	const char *s = PQerrorMessage(t->conn);
	size_t n = strlen(s);

	while (n && s[n - 1] == '\n')
		n--;
	err_set(e, "%.*s", (int)(n < 250 ? n : 250), s);
	return rc;
}

int load_table_connect(struct load_table *t, const char *conninfo, struct err_text *e)
{
	static const char *const names[] = {"dbname", "fallback_application_name", NULL};
	const char *values[] = {conninfo, "hedb-load", NULL};

	*t = (struct load_table){.conn = PQconnectdbParams(names, values, 1)};
	if (t->conn && PQstatus(t->conn) == CONNECTION_OK &&
		PQsetClientEncoding(t->conn, "UTF8") == 0) {
		PQsetErrorContextVisibility(t->conn, PQSHOW_CONTEXT_NEVER);
		return 0;
	}
	failed(t, 0, e);
	load_table_close(t);
	return -ENOTCONN;
}

void load_table_close(struct load_table *t)
{
	int i;

	for (i = 0; i < t->ncolumns; i++)
		free(t->names[i]);
	free(t->names);
	free(t->columns);
	free(t->name);
	if (t->row)
		PQfreemem(t->row);
	if (t->conn)
		PQfinish(t->conn);
	*t = (struct load_table){0};
}

static PGresult *ask(struct load_table *t, const char *sql, int n, const char *const *values)
{
	PGresult *r = PQexecParams(t->conn, sql, n, NULL, values, NULL, NULL, 0);

	if (PQresultStatus(r) == PGRES_TUPLES_OK)
		return r;
	PQclear(r);
	return NULL;
}

static int add_column(
	struct load_table *t, const char *name, const char *type, struct err_text *e)
{
	struct load_column *c = realloc(t->columns, (size_t)(t->ncolumns + 1) * sizeof *c);
	char **names = realloc(t->names, (size_t)(t->ncolumns + 1) * sizeof *names);

	t->columns = c ? c : t->columns;
	t->names = names ? names : t->names;
	if (!c || !names || !(names[t->ncolumns] = strdup(name)))
		return -ENOMEM;
	c[t->ncolumns].name = names[t->ncolumns];
	if (!plaintext_find(&c[t->ncolumns].type, type)) {
		free(names[t->ncolumns]);
		err_set(e, "column %s: hedb-load does not know how to read %s", name, type);
		return -ENOTSUP;
	}
	t->ncolumns++;
	return 0;
}

/* The row of `known` that describes that column; -1: none. */
static int row_of(const PGresult *known, const char *name, size_t len)
{
	int i;

	for (i = 0; i < PQntuples(known); i++)
		if (strlen(PQgetvalue(known, i, 0)) == len &&
			strncmp(PQgetvalue(known, i, 0), name, len) == 0)
			return i;
	return -1;
}

static int choose_columns(
	struct load_table *t, const PGresult *known, const char *list, struct err_text *e)
{
	size_t len;
	int i, rc = 0;

	for (i = 0; !list && i < PQntuples(known) && !rc; i++)
		if (*PQgetvalue(known, i, 2) == 'f')
			rc = add_column(t, PQgetvalue(known, i, 0), PQgetvalue(known, i, 1), e);
	while (list && !rc) {
		len = strcspn(list, ",");
		i = row_of(known, list, len);
		if (i < 0) {
			err_set(e, "%s has no column %.*s", t->name, (int)len, list);
			return -ENOENT;
		}
		rc = add_column(t, PQgetvalue(known, i, 0), PQgetvalue(known, i, 1), e);
		list = list[len] ? list + len + 1 : NULL;
	}
	if (!rc && (!t->ncolumns || t->ncolumns > LOAD_COLUMNS_MAX)) {
		err_set(e, "%s has no column to load", t->name);
		rc = -ENOENT;
	}
	return rc;
}

int load_table_describe(
	struct load_table *t, const char *table, const char *columns, struct err_text *e)
{
	PGresult *r = ask(t, "SELECT $1::pg_catalog.regclass::pg_catalog.text", 1, &table);
	int rc;

	if (!r)
		return failed(t, -ENOENT, e);
	t->name = strdup(PQgetvalue(r, 0, 0));
	PQclear(r);
	r = ask(t,
		"SELECT a.attname, coalesce(b.typname, t.typname), a.attgenerated <> '' "
		"FROM pg_catalog.pg_attribute a "
		"JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
		"LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype "
		"WHERE a.attrelid = $1::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped "
		"ORDER BY a.attnum", 1, &table);
	if (!r || !t->name)
		return r ? -ENOMEM : failed(t, -ENOENT, e);
	rc = choose_columns(t, r, columns, e);
	PQclear(r);
	return rc;
}

int load_table_types(struct load_table *t, const char *types, struct err_text *e)
{
	char name[16], type[64];
	size_t len;
	int rc = 0;

	while (types && !rc) {
		len = strcspn(types, ",");
		snprintf(name, sizeof name, "%d", t->ncolumns + 1);
		snprintf(type, sizeof type, "%.*s", (int)len, types);
		rc = t->ncolumns < LOAD_COLUMNS_MAX ? add_column(t, name, type, e) : -ENOTSUP;
		types = types[len] ? types + len + 1 : NULL;
	}
	return rc;
}

/* "COPY t (a, b) FROM STDIN ...", to be free()d. */
static char *copy_statement(struct load_table *t)
{
	size_t room = strlen(t->name) + 64, len;
	char *sql, *quoted;
	int i;

	for (i = 0; i < t->ncolumns; i++)
		room += 2 * strlen(t->names[i]) + 4;
	sql = malloc(room);
	len = sql ? (size_t)sprintf(sql, "COPY %s (", t->name) : 0;
	for (i = 0; sql && i < t->ncolumns; i++) {
		quoted = PQescapeIdentifier(t->conn, t->names[i], strlen(t->names[i]));
		len += (size_t)sprintf(sql + len, "%s%s", i ? ", " : "", quoted ? quoted : "");
		PQfreemem(quoted);
	}
	if (sql)
		sprintf(sql + len, ") FROM STDIN (FORMAT binary)");
	return sql;
}

int load_table_begin(struct load_table *t, struct err_text *e)
{
	char *sql = copy_statement(t);
	PGresult *r = sql ? PQexec(t->conn, sql) : NULL;
	int rc;

	PQsetErrorContextVisibility(t->conn, PQSHOW_CONTEXT_ERRORS); /* "COPY t, line 5" */
	rc = PQresultStatus(r) == PGRES_COPY_IN ? 0 : failed(t, -EIO, e);

	PQclear(r);
	free(sql);
	return rc;
}

/* What the server said to the COPY. */
static int finish(struct load_table *t, struct err_text *e)
{
	PGresult *r;
	int rc = 0;

	while ((r = PQgetResult(t->conn)) != NULL) {
		if (PQresultStatus(r) != PGRES_COMMAND_OK)
			rc = failed(t, -EIO, e);
		PQclear(r);
	}
	return rc;
}

int load_table_write(struct load_table *t, const uint8_t *p, size_t len, struct err_text *e)
{
	size_t part;

	for (; len; p += part, len -= part) {
		part = len < 1 << 20 ? len : 1 << 20;
		if (PQputCopyData(t->conn, (const char *)p, (int)part) == 1)
			continue;
		return finish(t, e) ? -EIO : failed(t, -EIO, e);
	}
	return 0;
}

int load_table_end(struct load_table *t, struct err_text *e)
{
	if (PQputCopyEnd(t->conn, NULL) != 1)
		return failed(t, -EIO, e);
	return finish(t, e);
}

void load_table_abort(struct load_table *t)
{
	struct err_text ignored;

	if (PQputCopyEnd(t->conn, "hedb-load gave up") == 1 && finish(t, &ignored) != 0)
		return;
}

int load_table_query(
	struct load_table *t, const char *query, bool csv, struct err_text *e)
{
	size_t room = strlen(query) + 64, n = strlen(query);
	char *sql = malloc(room);
	PGresult *r;
	int rc = -ENOMEM;

	if (!sql)
		return rc;
	while (n && (query[n - 1] == ';' || query[n - 1] == '\n' || query[n - 1] == ' '))
		n--;
	snprintf(sql, room, "COPY (%.*s) TO STDOUT (FORMAT %s)", (int)n, query,
		csv ? "csv, HEADER" : "text");
	/* the text form has to be ciphertext, whatever the user's default is */
	PQclear(PQexec(t->conn, "SET hedb.mode = server"));
	r = PQexec(t->conn, sql);
	rc = PQresultStatus(r) == PGRES_COPY_OUT ? 0 : failed(t, -EIO, e);
	PQclear(r);
	free(sql);
	return rc;
}

ssize_t load_table_read(void *table, char *to, size_t room)
{
	struct load_table *t = table;
	struct err_text e;
	size_t n;

	if (!t->row) {
		t->row_at = 0;
		t->row_len = PQgetCopyData(t->conn, &t->row, 0);
		if (t->row_len < 0) {
			t->row = NULL;
			return t->row_len == -1 && finish(t, &e) == 0 ? 0 : -EIO;
		}
	}
	n = (size_t)(t->row_len - t->row_at);
	n = n < room ? n : room;
	memcpy(to, t->row + t->row_at, n);
	t->row_at += (int)n;
	if (t->row_at == t->row_len) {
		PQfreemem(t->row);
		t->row = NULL;
	}
	return (ssize_t)n;
}
