/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keybytes.c - for canary.sh: the data keys of a key file in hexadecimal, one a line.
 */
#include "keyring.h"

#include <stdio.h>

#include <sodium.h>

static void print_key(void *arg, uint16_t id, uint64_t created_s, bool current)
{
	char hex[2 * KEYRING_KEY_BYTES + 1];

	puts(sodium_bin2hex(hex, sizeof hex, keyring_data_key(arg, id), KEYRING_KEY_BYTES));
}

int main(int argc, char **argv)
{
	struct err_text e = {""};
	struct keyring *k;

	if (argc != 2 || sodium_init() < 0 || keyring_load(&k, argv[1], &e)) {
		fprintf(stderr, "keybytes: %s\n", e.s);
		return 1;
	}
	keyring_list(k, print_key, k);
	keyring_destroy(k);
	return 0;
}
