/* SPDX-License-Identifier: BSD-3-Clause */
#include "shrink.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct verdict run(
	const struct command *c, size_t n, const struct pair_setting *s, bool deep)
{
	pair_reset(s);
	if (deep)
		pair_new_aof();
	return pair_run(c, n, deep);
}

static void take(struct verdict *kept, struct verdict *v)
{
	free(kept->text);
	*kept = *v;
	v->text = NULL;
}

/* Without the len commands from `from` on, if they are not needed. */
static bool leave_out(struct command *c, size_t *n, size_t from, size_t len,
	const struct pair_setting *s, bool deep, struct verdict *verdict)
{
	struct command *rest = malloc((*n + 1) * sizeof *rest);
	struct verdict v;
	size_t i, left = *n - len;

	memcpy(rest, c, from * sizeof *c);
	memcpy(rest + from, c + from + len, (left - from) * sizeof *c);
	v = run(rest, left, s, deep);
	if (!v.same) {
		for (i = from; i < from + len; i++)
			command_free(&c[i]);
		/* What comes after the difference is not needed either. */
		*n = v.at + 1;
		for (i = *n; i < left; i++)
			command_free(&rest[i]);
		memcpy(c, rest, *n * sizeof *c);
		take(verdict, &v);
	}
	free(v.text);
	free(rest);
	return !v.same;
}

bool shrink(struct command *c, size_t *n, const struct pair_setting *s, bool deep,
	unsigned seconds, struct verdict *verdict)
{
	time_t end = time(NULL) + seconds;
	struct verdict v = run(c, *n, s, deep);
	size_t piece, from;

	if (v.same)
		return false;
	take(verdict, &v);
	for (piece = (*n + 1) / 2; piece >= 1; piece = piece == 1 ? 0 : (piece + 1) / 2)
		for (from = 0; from < *n && *n > 1 && time(NULL) < end;) {
			size_t len = piece < *n - from ? piece : *n - from;

			if (len == *n || !leave_out(c, n, from, len, s, deep, verdict))
				from += len;
		}
	return true;
}
