/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_collate.c - texts in the order of a language, as bytes.
 *
 * A result is ICU's sort key, which ends in its only zero byte, and behind it the text. So
 * bytes are in the order that PostgreSQL has under a deterministic ICU collation: by the
 * collation, and bytewise where that sees no difference; and they are equal for equal texts
 * only.
 */
#include "collate.h"
#include "kernel.h"

#include <string.h>

#include "eval.h"

/* Why there is no collation or no key, as a row's state. */
static uint8_t state_of(struct eval *ev, int rc)
{
	switch (rc) {
	case -EINVAL:
		return ROW_LOCALE;
	case -EMSGSIZE:
		return ROW_SORT_KEY;
	case -EOPNOTSUPP:
		return ROW_NO_ICU;
	default: /* the request fails as a whole */
		ev->no_memory = true;
		return ROW_GIVEN_UP;
	}
}

/* Units of UTF-16, reused by the texts of a column. */
struct units {
	uint16_t *at;
	uint32_t cap;
};

static bool units_reserve(struct eval *ev, struct units *u, uint32_t n)
{
	if (n < u->cap)
		return true;
	u->cap = 2 * n + 64;
	u->at = eval_alloc(ev, (size_t)u->cap * sizeof *u->at);
	return u->at;
}

/* Key and text. Most keys have room at once. */
static int sort_key(struct eval *ev, struct span *r, const struct UCollator *icu,
	struct span s, struct units *u)
{
	uint32_t cap = 3 * s.len + 32, need = 0;
	uint8_t *to;
	int rc;

	if (s.len > COLLATE_TEXT)
		return -EMSGSIZE;
	if (!units_reserve(ev, u, s.len))
		return -ENOMEM;
	for (;;) {
		to = eval_alloc(ev, (size_t)cap + s.len);
		if (!to)
			return -ENOMEM;
		rc = collate_key(to, cap, &need, icu, s.p, s.len, u->at);
		if (rc || need <= cap)
			break;
		cap = need;
	}
	if (rc)
		return rc;
	if (s.len)
		memcpy(to + need, s.p, s.len);
	*r = (struct span){to, need + s.len};
	return 0;
}

KERNEL(text_sort_key)
{
	struct units u = {NULL, 0};
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span name = in[1].s[ROW(&in[1], i)];
		struct UCollator *icu;
		int rc = collators_find(&ev->collators, name.p, name.len, &icu);

		if (!rc)
			rc = sort_key(ev, &out->s[i], icu, in[0].s[ROW(&in[0], i)], &u);
		if (rc)
			row_fail(out, i, state_of(ev, rc));
	}
}

/* Of the order that keys have, by the name of a locale. */
KERNEL(collation_version)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span name = in->s[ROW(in, i)];
		struct UCollator *icu;
		int rc = collators_find(&ev->collators, name.p, name.len, &icu);
		char *to = rc ? NULL : eval_alloc(ev, COLLATE_VERSION);

		if (rc)
			row_fail(out, i, state_of(ev, rc));
		if (!to)
			continue;
		collate_version(to, icu);
		out->s[i] = (struct span){(uint8_t *)to, (uint32_t)strlen(to)};
	}
}
