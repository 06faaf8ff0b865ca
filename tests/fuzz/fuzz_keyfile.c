/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_keyfile.c - bytes as key files and as the keyring in one.
 *
 * The first byte chooses. Raw: the rest is a file, for one who expects a plain one.
 * Keyring: the rest is what was sealed, of version 1 or 2; what is taken for a keyring
 * must be written again as it was read, have one active key and answer for each id.
 * Changed: a good file with changes, which must be found.
 */
#include "keyfile.h"

#include "cursor.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct kek_spec plain = {.source = KEK_PLAIN};
static uint8_t good[4096], bytes[KEYRING_BYTES_MAX];
static size_t good_len;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void start(void)
{
	char path[] = "/tmp/fuzz_keyfile.XXXXXX/keys", *slash = strrchr(path, '/');
	struct kek *kek = kek_create(&plain);
	FILE *f;

	*slash = 0;
	if (!kek || !mkdtemp(path))
		abort();
	*slash = '/';
	if (keyfile_create(path, kek, NULL))
		abort();
	f = fopen(path, "r");
	good_len = f ? fread(good, 1, sizeof good, f) : 0;
	fclose(f);
	unlink(path);
	*slash = 0;
	rmdir(path);
	kek_destroy(kek);
}

static void count(void *arg, const struct key_info *key)
{
	unsigned *actives = arg; /* by domain */

	if (key->domain >= KEYRING_DOMAINS)
		abort();
	actives[key->domain] += key->state == KEY_ACTIVE;
	if (key->id == 0)
		abort();
}

static void keyring(int version, const uint8_t *data, size_t len)
{
	struct keyring *k = NULL;
	unsigned actives[KEYRING_DOMAINS] = {0}, id, d;

	if (keyring_decode(&k, version, data, len)) {
		if (k)
			abort();
		return;
	}
	keyring_list(k, count, actives);
	if (actives[0] != 1 || !keyring_data_key(k, keyring_active(k)))
		abort();
	for (d = 0; d < KEYRING_DOMAINS; d++) {
		if (actives[d] > (d < keyring_domains(k)) ||
			(actives[d] == 1) != (keyring_data_key(k, keyring_active_in(k, d)) != NULL))
			abort();
		if (d < keyring_domains(k) && keyring_domain(k, keyring_domain_name(k, d)) != d)
			abort();
	}
	for (id = 0; id < 100; id++)
		if ((keyring_data_key(k, (uint16_t)id) != NULL) !=
			(keyring_info(k, (uint16_t)id).state % KEY_DESTROYED != KEY_NONE))
			abort();
	if (version > 1 && (keyring_encode(k, bytes) != len || memcmp(bytes, data, len) != 0))
		abort();
	keyring_destroy(k);
}

static int decode(const uint8_t *data, size_t len)
{
	uint8_t *exact = malloc(len + !len);
	struct kek *kek = kek_create(&plain);
	struct keyring *k = NULL;
	struct err_text why = {""};
	int rc;

	if (!exact || !kek)
		abort();
	memcpy(exact, data, len);
	rc = keyfile_decode(&k, exact, len, kek, "it", &why);
	if ((rc == 0) != (k != NULL) || (rc != 0) != (why.s[0] != 0))
		abort();
	keyring_destroy(k);
	kek_destroy(kek);
	free(exact);
	return rc;
}

static void changed(struct cursor *c)
{
	uint8_t bad[sizeof good];
	size_t len = good_len;

	memcpy(bad, good, sizeof bad);
	while (c->left) {
		uint8_t what = cursor_u8(c);
		uint16_t at = cursor_u16(c);

		if (what & 1)
			bad[at % good_len] ^= (uint8_t)(1 << (what >> 1 & 7));
		else if (what & 2)
			bad[at % good_len] = what >> 2;
		else
			len = at % sizeof bad;
	}
	if ((decode(bad, len) == 0) != (len == good_len && sodium_memcmp(bad, good, len) == 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cursor c = cursor_of(data, len);
	uint8_t how = cursor_u8(&c);

	if (good_len == 0)
		start();
	switch (how & 3) {
	case 0:
		decode(c.p, c.left);
		break;
	case 1:
		changed(&c);
		break;
	default:
		keyring(how & 4 ? 3 : how & 1 ? 1 : 2, c.p, c.left);
	}
	return 0;
}
