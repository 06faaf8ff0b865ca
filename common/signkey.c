/* SPDX-License-Identifier: BSD-3-Clause */
#include "signkey.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "entropy.h"
#include "file.h"
#include "hex.h"

enum { PREFIX = 12, DIGITS = 64, TEXT = PREFIX + DIGITS + 1 };

_Static_assert(SIGNKEY_SECRET == crypto_sign_SECRETKEYBYTES, "ed25519");
_Static_assert(SIGNKEY_PUBLIC == crypto_sign_PUBLICKEYBYTES, "ed25519");
_Static_assert(SIGNKEY_SIGNATURE == crypto_sign_BYTES, "ed25519");
_Static_assert(DIGITS == 2 * crypto_sign_SEEDBYTES, "seed");

static const char secret_prefix[PREFIX + 1] = "hedb-secret:";
static const char public_prefix[PREFIX + 1] = "hedb-public:";

static int write_new(const char *path, mode_t mode, const char *prefix,
	const uint8_t bytes[32], struct err_text *e)
{
	char text[TEXT + 1];
	int rc;

	memcpy(text, prefix, PREFIX);
	sodium_bin2hex(text + PREFIX, sizeof text - PREFIX, bytes, 32);
	text[TEXT - 1] = '\n';
	rc = file_create(path, mode, text, TEXT, e);
	sodium_memzero(text, sizeof text);
	return rc;
}

int signkey_create(const char *path, struct err_text *e)
{
	uint8_t seed[crypto_sign_SEEDBYTES], key[SIGNKEY_PUBLIC], secret[SIGNKEY_SECRET];
	char name[PATH_MAX];
	int rc;

	if (snprintf(name, sizeof name, "%s.pub", path) >= (int)sizeof name) {
		err_set(e, "the name is too long");
		return -ENAMETOOLONG;
	}
	entropy_fill(seed, sizeof seed);
	crypto_sign_seed_keypair(key, secret, seed);
	rc = write_new(path, 0600, secret_prefix, seed, e);
	if (!rc) {
		rc = write_new(name, 0644, public_prefix, key, e);
		if (rc)
			unlink(path);
	}
	sodium_memzero(seed, sizeof seed);
	sodium_memzero(secret, sizeof secret);
	return rc;
}

static int read_key(uint8_t bytes[32], const char *path, const char *prefix, bool secret,
	struct err_text *e)
{
	char text[TEXT + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = -errno;
		err_set(e, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	n = read(fd, text, sizeof text);
	close(fd);
	if (secret && (st.st_mode & (S_IRWXG | S_IRWXO))) {
		err_set(e, "%s can be read by others; chmod 600 it", path);
		rc = -EACCES;
	} else if (n < PREFIX + DIGITS || n > TEXT || memcmp(text, prefix, PREFIX) != 0 ||
		!hex_read(bytes, 32, text + PREFIX, DIGITS)) {
		err_set(e, "%s is not a line of %.12s and 64 hexadecimal digits", path, prefix);
		rc = -EMEDIUMTYPE;
	}
	sodium_memzero(text, sizeof text);
	return rc;
}

int signkey_read_secret(uint8_t secret[SIGNKEY_SECRET], const char *path, struct err_text *e)
{
	uint8_t seed[crypto_sign_SEEDBYTES], key[SIGNKEY_PUBLIC];
	int rc = read_key(seed, path, secret_prefix, true, e);

	if (!rc)
		crypto_sign_seed_keypair(key, secret, seed);
	sodium_memzero(seed, sizeof seed);
	return rc;
}

int signkey_read_public(uint8_t key[SIGNKEY_PUBLIC], const char *path, struct err_text *e)
{
	return read_key(key, path, public_prefix, false, e);
}
