/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * collate_none.c - collate.h in a build without ICU: the Makefile takes this file or
 * collate.c.
 */
#include "collate.h"

int collators_find(struct collators *c, const void *name, uint32_t len, struct UCollator **icu)
{
	return -EOPNOTSUPP;
}

void collators_fini(struct collators *c)
{
}

int collate_key(uint8_t *key, uint32_t cap, uint32_t *need, const struct UCollator *icu,
	const uint8_t *text, uint32_t len, uint16_t *utf16)
{
	return -EOPNOTSUPP;
}

void collate_version(char version[COLLATE_VERSION], const struct UCollator *icu)
{
	version[0] = 0;
}
