/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keybytes.c - for canary.sh: the data keys of a key file in hexadecimal, one a line.
 */
#include "keyfile.h"

#include <stdio.h>

#include <sodium.h>

static void print_key(void *arg, const struct key_info *key)
{
	const uint8_t *bytes = keyring_data_key(arg, key->id);
	char hex[2 * KEYRING_KEY_BYTES + 1];

	if (bytes)
		puts(sodium_bin2hex(hex, sizeof hex, bytes, KEYRING_KEY_BYTES));
}

int main(int argc, char **argv)
{
	struct err_text e = {""};
	struct keyring *k;

	if (argc != 2 || sodium_init() < 0 || keyfile_load(&k, argv[1], NULL, &e)) {
		fprintf(stderr, "keybytes: %s\n", e.s);
		return 1;
	}
	keyring_list(k, print_key, k);
	keyring_destroy(k);
	return 0;
}
