/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * collate.h - the order of texts in a language: ICU's collations, as sort keys.
 *
 * A sort key is bytes whose order, bytewise, is that of the texts by that collation. Texts
 * that the collation takes for equal have the same key; who wants an order without ties puts
 * the text itself behind it. A key ends in its only zero byte, so what follows decides
 * nothing but ties.
 *
 * Names are ICU's, "de_DE@collation=phonebook", or language tags, "de-DE-u-co-phonebk"; and
 * as tags, what PostgreSQL calls its collations: "de-DE-x-icu". ICU itself takes any name
 * and goes on with the root collation when it does not know it, and keeps something of each.
 * Here only locales and collations that it has data for are taken: no typing error becomes a
 * wrong order, and all names that an attacker may say take some 1.5 MiB.
 *
 * Rules
 *   - struct collators belongs to one thread. What ICU keeps for all is guarded by itself.
 *   - No file is read: ICU's data is a library, mapped when the program starts.
 *   - ICU takes memory by malloc; it is wiped when ICU gives it back. What it keeps for the
 *     next text is wiped then only.
 *   - A key depends on the version of ICU's data, as PostgreSQL's order by ICU does.
 */
#ifndef COMMON_COLLATE_H
#define COMMON_COLLATE_H

#include <stdint.h>

#include "err.h"

struct UCollator;

enum {
	COLLATE_NAME = 127,       /* bytes of a name at most */
	COLLATE_OPEN = 8,         /* collations that a thread keeps open */
	COLLATE_TEXT = 16 << 20,  /* bytes of a text at most: a second, and keys below 2 GiB */
	COLLATE_MARKS = 256,      /* Unicode's stream-safe texts have 30 */
	COLLATE_VERSION = 32,     /* with its end */
};

struct collators {
	struct collator {
		struct UCollator *icu; /* NULL: none */
		uint32_t len;
		char name[COLLATE_NAME];
	} at[COLLATE_OPEN]; /* the one that was used last first */
};

/*
 * collators_find - the collation of that name.
 *
 *   c      all zero at first
 *   icu    out: until the next call, or collators_fini()
 *
 * Returns 0, -EINVAL when there is none of that name, -ENOMEM, -EOPNOTSUPP when this build
 * has no ICU.
 */
MUST_CHECK int collators_find(
	struct collators *c, const void *name, uint32_t len, struct UCollator **icu);
void collators_fini(struct collators *c);

/*
 * collate_key - the sort key of a text.
 *
 *   key, cap   out: the key, if it has room
 *   need       out: its bytes; more than `cap`: there was no room, nothing of it counts
 *   text, len  UTF-8; what is none counts as U+FFFD
 *   utf16      room for `len` units; holds plaintext then
 *
 * Returns 0, -EMSGSIZE when the text is longer than COLLATE_TEXT or has more than
 * COLLATE_MARKS combining marks in a row, -ENOMEM.
 */
MUST_CHECK int collate_key(uint8_t *key, uint32_t cap, uint32_t *need,
	const struct UCollator *icu, const uint8_t *text, uint32_t len, uint16_t *utf16);

/* The version of a collation, as PostgreSQL's pg_collation_actual_version() tells it. */
void collate_version(char version[COLLATE_VERSION], const struct UCollator *icu);

#endif
