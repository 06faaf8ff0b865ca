/* SPDX-License-Identifier: BSD-3-Clause */
#include "ops.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "hex.h"

void ops_prove(uint8_t mac[OPS_MAC], const uint8_t challenge[OPS_CHALLENGE],
	const uint8_t credential[OPS_CREDENTIAL])
{
	crypto_auth(mac, challenge, OPS_CHALLENGE, credential);
}

int ops_credential_read(
	uint8_t credential[OPS_CREDENTIAL], const char *path, struct err_text *e)
{
	char hex[2 * OPS_CREDENTIAL + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = -errno;
		err_set(e, "credential %s: %s; make one with: hedbctl key credential %s", path,
			strerror(errno), path);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	n = read(fd, hex, sizeof hex);
	close(fd);
	if (!S_ISREG(st.st_mode)) {
		err_set(e, "%s is no regular file", path);
		rc = -EMEDIUMTYPE;
	} else if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		err_set(e, "credential %s can be read by others; chmod 600 it", path);
		rc = -EACCES;
	} else if (n < 2 * OPS_CREDENTIAL ||
		   !hex_read(credential, OPS_CREDENTIAL, hex, 2 * OPS_CREDENTIAL)) {
		err_set(e, "%s is not a credential: 64 hexadecimal digits expected", path);
		rc = -EMEDIUMTYPE;
	}
	sodium_memzero(hex, sizeof hex);
	return rc;
}
