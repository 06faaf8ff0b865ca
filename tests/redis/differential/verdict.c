/* SPDX-License-Identifier: BSD-3-Clause */
#include "verdict.h"

#include <stdio.h>
#include <string.h>

#include "command.h"

struct verdict verdict_differ(
	size_t at, const char *what, const struct value *a, const struct value *b)
{
	struct verdict v = {.at = at};
	size_t len;
	FILE *f = open_memstream(&v.text, &len);

	fprintf(f, "%s\n  A: ", what);
	bytes_print(f, a->data, a->len, 1000);
	fprintf(f, "\n  B: ");
	bytes_print(f, b->data, b->len, 1000);
	fprintf(f, "\n");
	fclose(f);
	return v;
}

/* From a little before where they differ. */
static struct verdict differ_from(
	size_t at, const char *what, const struct value *a, const struct value *b)
{
	size_t i = 0, back;

	while (i < a->len && i < b->len && a->data[i] == b->data[i])
		i++;
	back = i < 300 ? i : 300;
	return verdict_differ(at, what, &(struct value){a->data + i - back, a->len - i + back},
		&(struct value){b->data + i - back, b->len - i + back});
}

bool verdict_bytes(
	size_t at, const char *what, struct value *a, struct value *b, struct verdict *v)
{
	bool same = a->len == b->len && memcmp(a->data, b->data, a->len) == 0;

	if (!same)
		*v = differ_from(at, what, a, b);
	value_free(a);
	value_free(b);
	return same;
}
