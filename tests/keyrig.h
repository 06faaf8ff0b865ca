/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keyrig.h - changes of key files, for tests.
 */
#ifndef TESTS_KEYRIG_H
#define TESTS_KEYRIG_H

#include "keyfile.h"

static inline int keyrig_change_rotate(void *arg, struct keyring *k, struct err_text *why)
{
	return keyring_rotate(k, NULL, arg, why);
}

/* A new active key in a plain file; id, which may be NULL, is set when that is done. */
static inline int keyrig_rotate(const char *path, uint16_t *id, struct err_text *why)
{
	uint16_t fresh = 0;
	int rc = keyfile_change(path, NULL, keyrig_change_rotate, &fresh, why);

	if (rc == 0 && id)
		*id = fresh;
	return rc;
}

static inline int keyrig_change_destroy(void *arg, struct keyring *k, struct err_text *why)
{
	return keyring_destroy_key(k, *(uint16_t *)arg, why);
}

static inline int keyrig_destroy(const char *path, uint16_t id, struct err_text *why)
{
	return keyfile_change(path, NULL, keyrig_change_destroy, &id, why);
}

#endif
