/* SPDX-License-Identifier: BSD-3-Clause */
#include "kept.h"

#include <string.h>

#include <sodium.h>

void kept_digest(uint8_t digest[KEPT_DIGEST], const uint8_t *bytes, uint32_t len)
{
	crypto_generichash(digest, KEPT_DIGEST, bytes, len, NULL, 0);
}

const struct kept_value *kept_find(const struct kept *k, const uint8_t *digest)
{
	int i;

	for (i = 0; i < KEPT_VALUES; i++)
		if (k->value[i].len && memcmp(k->value[i].digest, digest, KEPT_DIGEST) == 0)
			return &k->value[i];
	return NULL;
}

void kept_add(struct kept *k, const uint8_t *bytes, uint64_t len)
{
	struct kept_value *v = &k->value[k->next];
	uint8_t digest[KEPT_DIGEST];

	if (len == 0 || len > KEPT_MAX)
		return;
	kept_digest(digest, bytes, (uint32_t)len);
	if (kept_find(k, digest))
		return;
	memcpy(v->digest, digest, sizeof digest);
	memcpy(v->bytes, bytes, len);
	v->len = (uint32_t)len;
	k->next = (k->next + 1) % KEPT_VALUES;
}
