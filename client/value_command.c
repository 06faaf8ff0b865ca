/* SPDX-License-Identifier: BSD-3-Clause */
#include "value_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "value.h"
#include "zone_column.h"

enum { TIMEOUT_MS = 5000, BASE64 = sodium_base64_VARIANT_ORIGINAL };

/* Columns of one row. */
struct lines {
	struct ops_client *c;
	uint8_t type; /* of the columns; 0: there are none yet */
	struct zone_column plain, sealed;
	char *text; /* owned: plaintext to show */
	size_t text_room;
};

bool value_type(struct plaintext_type *t, const char *name)
{
	char full[64];

	if (plaintext_find(t, name) && t->secret)
		return true;
	return snprintf(full, sizeof full, "enc_%s", name) < (int)sizeof full &&
		plaintext_find(t, full);
}

static void drop_columns(struct lines *l)
{
	zone_column_fini(&l->plain);
	zone_column_fini(&l->sealed);
	l->type = 0;
}

/* Both columns, empty and for that type. */
static bool begin(struct lines *l, uint8_t type)
{
	uint32_t each = optable_size(type);

	zone_column_clear(&l->plain);
	zone_column_clear(&l->sealed);
	if (l->type == type)
		return true;
	drop_columns(l);
	l->type = type;
	return zone_column_init(&l->plain, each) &&
		zone_column_init(&l->sealed, each ? (uint32_t)value_size(each) : 0);
}

static int encrypt_line(struct lines *l, const struct plaintext_type *t, const char *line,
	size_t len, struct err_text *e)
{
	uint8_t *to = begin(l, t->secret) ? zone_column_room(&l->plain, plaintext_room(len)) : NULL;
	size_t n, room;
	char *text;
	int rc;

	if (!to)
		return -ENOMEM;
	rc = plaintext_parse(t, line, len, to, &n, e);
	if (rc)
		return rc;
	zone_column_added(&l->plain, n);
	rc = zone_column_encrypt(l->c, t->secret, &l->plain, &l->sealed, TIMEOUT_MS, e);
	if (rc)
		return rc;
	room = sodium_base64_encoded_len(l->sealed.len, BASE64);
	text = malloc(room);
	if (!text)
		return -ENOMEM;
	puts(sodium_bin2base64(text, room, l->sealed.bytes, l->sealed.len, BASE64));
	free(text);
	return 0;
}

static void drop_text(struct lines *l)
{
	if (l->text)
		sodium_memzero(l->text, l->text_room);
	free(l->text);
	l->text = NULL;
	l->text_room = 0;
}

static int show(struct lines *l, struct err_text *e)
{
	int64_t n;

	while ((n = plaintext_print(l->type, l->plain.bytes, l->plain.len, l->text, l->text_room)) >
		(int64_t)l->text_room) {
		drop_text(l);
		l->text = malloc((size_t)n);
		if (!l->text)
			return -ENOMEM;
		l->text_room = (size_t)n;
	}
	if (n < 0) {
		err_set(e, "the answer is no value of type %s", optable_type(l->type).name);
		return (int)n;
	}
	fwrite(l->text, 1, (size_t)n, stdout);
	putchar('\n');
	return 0;
}

static int decrypt_bytes(struct lines *l, const uint8_t *bytes, size_t len, struct err_text *e)
{
	struct value_header h;
	uint8_t *to;
	uint32_t bad;
	int rc;

	if (value_header_parse(bytes, len, &h) || h.type >= T_FIRST_PUBLIC ||
		(optable_size(h.type) && optable_size(h.type) != h.len)) {
		err_set(e, "not an encrypted value");
		return -EINVAL;
	}
	to = begin(l, h.type) ? zone_column_room(&l->sealed, len) : NULL;
	if (!to)
		return -ENOMEM;
	memcpy(to, bytes, len);
	zone_column_added(&l->sealed, len);
	rc = zone_column_decrypt(l->c, h.type, &l->sealed, &l->plain, TIMEOUT_MS, &bad, e);
	return rc ? rc : show(l, e);
}

static int decrypt_line(struct lines *l, const char *line, size_t len, struct err_text *e)
{
	uint8_t *bytes = malloc(len + 1);
	size_t n;
	int rc = -ENOMEM;

	if (bytes && sodium_base642bin(bytes, len + 1, line, len, NULL, &n, NULL, BASE64) == 0) {
		rc = decrypt_bytes(l, bytes, n, e);
	} else if (bytes) {
		err_set(e, "not base64");
		rc = -EINVAL;
	}
	free(bytes);
	return rc;
}

int value_lines(struct ops_client *c, const struct plaintext_type *t, struct err_text *e)
{
	struct lines l = {.c = c};
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int rc = 0;

	while (!rc && (n = getline(&line, &room, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[--n] = 0;
		rc = t ? encrypt_line(&l, t, line, (size_t)n, e)
			   : decrypt_line(&l, line, (size_t)n, e);
	}
	if (line)
		sodium_memzero(line, room);
	free(line);
	drop_text(&l);
	drop_columns(&l);
	return rc;
}
