/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_open.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "plaintext.h"
#include "value.h"
#include "zone_column.h"

enum { FIELDS_MAX = 1664, CELLS_MAX = ZONE_COLUMN_ROWS, ARENA_BYTES = 1 << 20 };

/* A field that waits: its own bytes, or where its plaintext will be. */
struct cell {
	uint64_t line;
	uint32_t off, len, at; /* in the arena; in the type's column */
	uint8_t type;          /* 0: no ciphertext */
	bool null, last;
};

struct opener {
	struct rows *in;
	FILE *out;
	struct ops_client *c;
	uint64_t timeout_ms, opened;
	struct cell cell[CELLS_MAX + FIELDS_MAX];
	int ncells;
	char *arena;
	size_t arena_len, arena_cap;
	struct zone_column sealed[T_FIRST_PUBLIC], plain[T_FIRST_PUBLIC];
	size_t *offset[T_FIRST_PUBLIC]; /* of each plaintext */
	char *text;
	size_t text_cap;
};

/* What it leaves behind may be plaintext: realloc() would not wipe it. */
static bool grow(char **p, size_t *cap, size_t need)
{
	char *more;

	if (need <= *cap)
		return true;
	more = malloc(need * 2);
	if (!more)
		return false;
	if (*p) {
		memcpy(more, *p, *cap);
		sodium_memzero(*p, *cap);
	}
	free(*p);
	*p = more;
	*cap = need * 2;
	return true;
}

static bool ready_type(struct opener *o, uint8_t type)
{
	uint32_t each = optable_size(type);

	if (o->offset[type])
		return true;
	o->offset[type] = malloc(ZONE_COLUMN_ROWS * sizeof(size_t));
	return o->offset[type] && zone_column_init(&o->plain[type], each) &&
		zone_column_init(&o->sealed[type], each ? (uint32_t)value_size(each) : 0);
}

/* Whether a field is a value: base64 of something with the header of one. */
static int take_cipher(struct opener *o, const struct field *f, struct cell *cell)
{
	struct plaintext_type t;
	struct value_header h;
	uint8_t head[VALUE_HEAD_BYTES + 2], *to;
	size_t n;

	cell->type = 0;
	if (f->len % 4 || f->len < sizeof head / 3 * 4 || sodium_base642bin(head, sizeof head,
		f->p, sizeof head / 3 * 4, NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) ||
		value_header_parse(head, VALUE_OVERHEAD, &h) || !plaintext_of(&t, h.type))
		return 0;
	if (!ready_type(o, h.type))
		return -ENOMEM;
	to = zone_column_room(&o->sealed[h.type], f->len);
	if (!to)
		return -ENOMEM;
	if (sodium_base642bin(to, f->len, f->p, f->len, NULL, &n, NULL,
			sodium_base64_VARIANT_ORIGINAL) || n < VALUE_OVERHEAD ||
		(o->sealed[h.type].each && n != o->sealed[h.type].each))
		return 0;
	cell->type = h.type;
	cell->at = o->sealed[h.type].count;
	zone_column_added(&o->sealed[h.type], n);
	return 0;
}

static int take_row(struct opener *o, const struct field *f, int n)
{
	int i, rc;

	for (i = 0; i < n; i++) {
		struct cell *cell = &o->cell[o->ncells++];

		*cell = (struct cell){.line = o->in->line, .off = (uint32_t)o->arena_len,
			.len = (uint32_t)f[i].len, .null = f[i].null, .last = i == n - 1};
		rc = f[i].null ? 0 : take_cipher(o, &f[i], cell);
		if (rc)
			return rc;
		if (cell->type || f[i].null)
			continue;
		if (!grow(&o->arena, &o->arena_cap, o->arena_len + f[i].len))
			return -ENOMEM;
		memcpy(o->arena + o->arena_len, f[i].p, f[i].len);
		o->arena_len += f[i].len;
	}
	return 0;
}

/* ---- out ---- */

static void put_text_field(FILE *out, char delimiter, const char *p, size_t len)
{
	static const char from[] = "\\\n\r\t\b\f\v", to[] = "\\nrtbfv";
	const char *at;

	for (; len--; p++) {
		at = *p ? strchr(from, *p) : NULL;
		if (at || *p == delimiter)
			putc_unlocked('\\', out);
		putc_unlocked(at ? to[at - from] : *p, out);
	}
}

static void put_csv_field(FILE *out, const struct rows_format *f, const char *p, size_t len)
{
	bool quote = (len == strlen(f->null) && memcmp(p, f->null, len) == 0) ||
		(len == 2 && memcmp(p, "\\.", 2) == 0);
	size_t i;

	for (i = 0; i < len && !quote; i++)
		quote = p[i] == f->delimiter || p[i] == f->quote || p[i] == '\n' || p[i] == '\r';
	if (quote)
		putc_unlocked(f->quote, out);
	for (i = 0; i < len; i++) {
		if (quote && (p[i] == f->quote || p[i] == f->escape))
			putc_unlocked(f->escape, out);
		putc_unlocked(p[i], out);
	}
	if (quote)
		putc_unlocked(f->quote, out);
}

static void put_field(struct opener *o, const char *p, size_t len)
{
	if (o->in->format.csv)
		put_csv_field(o->out, &o->in->format, p, len);
	else
		put_text_field(o->out, o->in->format.delimiter, p, len);
}

static int put_plaintext(struct opener *o, const struct cell *cell)
{
	const struct zone_column *c = &o->plain[cell->type];
	const uint8_t *p = c->bytes + o->offset[cell->type][cell->at];
	size_t len = c->each ? c->each : c->lens[cell->at];
	int64_t n;

	while ((n = plaintext_print(cell->type, p, len, o->text, o->text_cap)) >
		(int64_t)o->text_cap)
		if (!grow(&o->text, &o->text_cap, (size_t)n))
			return -ENOMEM;
	if (n < 0)
		return (int)n;
	put_field(o, o->text, (size_t)n);
	o->opened++;
	return 0;
}

static int put_cells(struct opener *o)
{
	int i, rc;

	for (i = 0; i < o->ncells; i++) {
		const struct cell *cell = &o->cell[i];

		if (cell->null)
			fputs(o->in->format.null, o->out);
		else if (!cell->type)
			put_field(o, o->arena + cell->off, cell->len);
		else if ((rc = put_plaintext(o, cell)) != 0)
			return rc;
		putc_unlocked(cell->last ? '\n' : o->in->format.delimiter, o->out);
	}
	return ferror(o->out) ? -errno : 0;
}

/* ---- a batch ---- */

static uint64_t line_of(const struct opener *o, uint8_t type, uint32_t at)
{
	int i;

	for (i = 0; i < o->ncells; i++)
		if (o->cell[i].type == type && o->cell[i].at == at)
			return o->cell[i].line;
	return 0;
}

static int open_type(struct opener *o, uint8_t type, struct err_text *e)
{
	struct zone_column *plain = &o->plain[type];
	struct err_text why = {""};
	uint32_t i, bad = 0;
	size_t off = 0;
	int rc = zone_column_decrypt(
		o->c, type, &o->sealed[type], plain, o->timeout_ms, &bad, &why);

	if (rc == -EBADMSG)
		err_set(e, "line %llu: %s", (unsigned long long)line_of(o, type, bad), why.s);
	else
		*e = why;
	for (i = 0; !rc && i < plain->count; i++) {
		o->offset[type][i] = off;
		off += plain->each ? plain->each : plain->lens[i];
	}
	return rc;
}

static int flush(struct opener *o, struct err_text *e)
{
	uint8_t type;
	int rc = 0;

	for (type = 1; type < T_FIRST_PUBLIC && !rc; type++)
		if (o->sealed[type].count)
			rc = open_type(o, type, e);
	if (!rc)
		rc = put_cells(o);
	for (type = 1; type < T_FIRST_PUBLIC; type++)
		zone_column_clear(&o->sealed[type]);
	o->ncells = 0;
	o->arena_len = 0;
	return rc;
}

static int run(struct opener *o, struct err_text *e)
{
	struct field f[FIELDS_MAX];
	struct err_text why = {""};
	int n, rc, rc2;

	while ((rc = rows_next(o->in, f, FIELDS_MAX, &n, &why)) == 0) {
		if (n > FIELDS_MAX) {
			err_set(e, "line %llu has %d columns", (unsigned long long)o->in->line, n);
			return -EMSGSIZE;
		}
		if (o->ncells + n > CELLS_MAX || o->arena_len > ARENA_BYTES) {
			rc = flush(o, e);
			if (rc)
				return rc;
		}
		rc = take_row(o, f, n);
		if (rc)
			return rc;
	}
	if (rc == -EILSEQ)
		err_set(e, "line %llu, column %d: %s", (unsigned long long)o->in->line, n + 1, why.s);
	rc2 = flush(o, rc == -ENODATA ? e : &why);
	return rc == -ENODATA ? rc2 : rc;
}

int load_open(struct rows *in, FILE *out, struct ops_client *c, uint64_t timeout_ms,
	uint64_t *opened, struct err_text *e)
{
	struct opener *o = calloc(1, sizeof *o);
	int rc, type;

	if (!o)
		return -ENOMEM;
	o->in = in;
	o->out = out;
	o->c = c;
	o->timeout_ms = timeout_ms;
	rc = run(o, e);
	if (!rc && fflush(out))
		rc = -errno;
	*opened = o->opened;
	for (type = 0; type < T_FIRST_PUBLIC; type++) {
		zone_column_fini(&o->sealed[type]);
		zone_column_fini(&o->plain[type]);
		free(o->offset[type]);
	}
	if (o->text)
		sodium_memzero(o->text, o->text_cap);
	free(o->text);
	free(o->arena);
	free(o);
	return rc;
}
