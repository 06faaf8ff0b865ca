/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signkey.h - ed25519 keys in files: the data owner's, which signs policies; an application's,
 * which proves who a session is for; ops_server's, which signs its audit log.
 *
 * Two lines of text, in two files, so that nobody takes one for the other:
 *
 *     NAME       hedb-secret:  and 64 hexadecimal digits, the seed (RFC 8032); mode 0600
 *     NAME.pub   hedb-public:  and 64 hexadecimal digits
 */
#ifndef COMMON_SIGNKEY_H
#define COMMON_SIGNKEY_H

#include <stdint.h>

#include "err.h"

enum { SIGNKEY_PUBLIC = 32, SIGNKEY_SECRET = 64, SIGNKEY_SIGNATURE = 64 };

/* signkey_create - a new pair. Never overwrites: -EEXIST; or what the kernel said, and then
 * neither file is left. */
MUST_CHECK int signkey_create(const char *path, struct err_text *e);

/* signkey_read_secret - libsodium's form of it, to be wiped. 0, -EACCES when others may read the
 * file, -EMEDIUMTYPE when it is none, or what the kernel said. */
MUST_CHECK int signkey_read_secret(
	uint8_t secret[SIGNKEY_SECRET], const char *path, struct err_text *e);

/* signkey_read_public - the same of the other file, which everybody may read. */
MUST_CHECK int signkey_read_public(
	uint8_t key[SIGNKEY_PUBLIC], const char *path, struct err_text *e);

#endif
