/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * encrypt_on.c - for tests/e2e/clone*.sh: one session that encrypts on and on. A line
 * a value on standard output: zone, plaintext, the value in base64 or `refused`.
 *
 * usage: encrypt_on ZONE REGION CREDENTIAL SALT-FILE [PAUSE-MS]
 *
 * PAUSE-MS, 20, is between two. A plaintext is SALT * 1000000 + n; the salt is read anew for each. With CXL_SECURE=1 the
 * channel is sealed (secure_option.h), and the credential is not read.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "ops.h"
#include "secure_option.h"
#include "value.h"
#include "zone_column.h"

enum { TIMEOUT_MS = 30000, PAUSE_MS = 20, BASE64 = sodium_base64_VARIANT_ORIGINAL };

static int32_t salt_now(int fd)
{
	char text[16] = {0};

	return pread(fd, text, sizeof text - 1, 0) > 0 ? atoi(text) : 0;
}

static void encrypt_one(struct ops_client *c, const char *zone, int32_t plain,
	struct zone_column *in, struct zone_column *out)
{
	char text[64] = "refused";
	struct err_text e = {""};
	uint8_t *at;

	zone_column_clear(in);
	zone_column_clear(out);
	at = zone_column_room(in, sizeof plain);
	if (!at)
		exit(1);
	memcpy(at, &plain, sizeof plain);
	zone_column_added(in, sizeof plain);
	if (zone_column_encrypt(c, T_INT4, in, out, TIMEOUT_MS, &e))
		fprintf(stderr, "encrypt_on: %s: %s\n", zone, e.s);
	else
		sodium_bin2base64(text, sizeof text, out->bytes, out->len, BASE64);
	printf("%s %d %s\n", zone, plain, text);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct ops_client c;
	struct chan_config config = {.label = "encrypt_on"};
	struct secure_option secure = {.secure = false};
	struct zone_column in = {0}, out = {0};
	struct err_text e = {""};
	struct region r;
	uint8_t chance;
	int32_t n;
	int salt;

	if (argc < 5 || argc > 6 || sodium_init() < 0 || region_open(&r, argv[2], 0, 0, &e)) {
		fprintf(stderr, "encrypt_on: %s\n", e.s);
		return 1;
	}
	ops_client_init(&c, &r, &config, message_heap, 1 << 20);
	c.role = ROLE_CLIENT;
	if (secure_option_load(&secure, &c.trust, &e)) {
		fprintf(stderr, "encrypt_on: %s\n", e.s);
		return 1;
	}
	salt = open(argv[4], O_RDONLY | O_CLOEXEC);
	if (salt < 0 || (!c.trust && ops_credential_read(c.credential, argv[3], &e)) ||
		!zone_column_init(&in, sizeof n) ||
		!zone_column_init(&out, (uint32_t)value_size(sizeof n))) {
		fprintf(stderr, "encrypt_on: %s\n", salt < 0 ? argv[4] : e.s);
		return 1;
	}
	for (n = 1;; n++) {
		/* On a machine there is always somebody who draws. So the kernel's generator
		 * was seeded shortly before the machine is copied, is not due again soon, and
		 * gives the copies the same numbers: who draws an incarnation from it alone is
		 * found. */
		randombytes_buf(&chance, sizeof chance);
		encrypt_one(&c, argv[1], salt_now(salt) * 1000000 + n, &in, &out);
		usleep(1000 * (argc == 6 ? (unsigned)atoi(argv[5]) : PAUSE_MS));
	}
}
