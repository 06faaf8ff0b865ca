/* SPDX-License-Identifier: BSD-3-Clause */
#include "data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

long long info_number(struct wire *w, const char *section, const char *field)
{
	struct cxlring_reply *r = wire_ask(w, "info", section, NULL);
	const char *at = strstr(r->str, field);
	long long n = at ? atoll(at + strlen(field)) : -1;

	cxlring_free(r);
	return n;
}

struct value data_digest(struct wire *w)
{
	struct cxlring_reply *r = wire_ask(w, "debug", "digest", NULL);
	struct value v = value_of(r->str, r->len);

	cxlring_free(r);
	return v;
}

/* Which keys of one database are not the same, into `f`. */
static void name_keys(FILE *f, struct wire *a, struct wire *b, int number)
{
	char db[] = {(char)('0' + number), 0};
	struct cxlring_reply *keys[2], *da, *dbb;
	struct wire *w[2] = {a, b};
	size_t i, side;

	for (side = 0; side < 2; side++) {
		wire_do(w[side], "select", db, NULL);
		keys[side] = wire_ask(w[side], "keys", "*", NULL);
	}
	for (side = 0; side < 2; side++)
		for (i = 0; i < keys[side]->elements; i++) {
			const struct cxlring_reply *k = keys[side]->element[i];
			struct command c = {0};
			struct value va, vb;
			char *buf = NULL;
			size_t len = 0, cap = 0;

			command_text(&c, "debug");
			command_text(&c, "digest-value");
			command_add(&c, k->str, k->len);
			command_resp(&c, &buf, &len, &cap);
			command_free(&c);
			wire_send(a, buf, len);
			wire_send(b, buf, len);
			free(buf);
			va = wire_take(a);
			vb = wire_take(b);
			da = value_parse(&va);
			dbb = value_parse(&vb);
			if (strcmp(va.data, vb.data) != 0) {
				fprintf(f, "  database %s, key ", db);
				bytes_print(f, k->str, k->len, 200);
				fprintf(f, ": %s, %s\n", da->element[0]->str, dbb->element[0]->str);
			}
			cxlring_free(da);
			cxlring_free(dbb);
			value_free(&va);
			value_free(&vb);
		}
	for (side = 0; side < 2; side++) {
		cxlring_free(keys[side]);
		wire_do(w[side], "select", "0", NULL);
	}
}

bool data_same(const char *what, struct value a, struct value b, struct wire *wa,
	struct wire *wb, size_t at, struct verdict *v)
{
	bool same = strcmp(a.data, b.data) == 0;
	char *old;
	size_t len;
	FILE *f;
	int db;

	if (!same) {
		*v = verdict_differ(at, what, &a, &b);
		old = v->text;
		f = open_memstream(&v->text, &len);
		fputs(old, f);
		for (db = 0; db < 4; db++)
			name_keys(f, wa, wb, db);
		fclose(f);
		free(old);
	}
	value_free(&a);
	value_free(&b);
	return same;
}
