/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ca.h - the zone's certificate authority: a directory.
 *
 *     ca.pem ca.key    its own certificate and key; the key is the zone's trust: keep the
 *                      directory off the machines that the certificates are for
 *     crl.pem          what is revoked; give it to servers and clients after each change
 *     index            a line for each certificate: serial, state, end, name, roles
 *     NAME.pem .key    what was issued last for that name
 *
 * ECDSA on P-384 with SHA-384. Name and roles (peer.h) are the subject's CN and OUs. Keys have
 * mode 0600, the directory 0700. A change holds the directory's lock, and each file is replaced
 * as a whole.
 */
#ifndef CLIENT_CA_H
#define CLIENT_CA_H

#include "err.h"

#include <stdint.h>
#include <stdio.h>

struct mbedtls_x509_crt;
struct mbedtls_pk_context;

enum { CA_DAYS = 3650, CA_ISSUE_DAYS = 365, CA_SERIAL = 16 };

/* All return 0; -EEXIST, -ENOENT, -EINVAL, -ENOMEM or what the kernel said, with `e`. */

/* Make the directory and the CA. */
MUST_CHECK int ca_init(const char *dir, unsigned days, struct err_text *e);

/* A new key and certificate; `roles` has commas in between. Replaces files of that name; the
 * certificate before stays valid until it ends or is revoked. */
MUST_CHECK int ca_issue(const char *dir, const char *name, const char *roles, unsigned days,
	struct err_text *e);
MUST_CHECK int ca_issue_for(const char *dir, const char *name, const char *roles,
	uint64_t lives_s, struct err_text *e);

/* All valid certificates of that name, or the one of that serial number. */
MUST_CHECK int ca_revoke(const char *dir, const char *which, struct err_text *e);

/* Print the index. */
MUST_CHECK int ca_list(const char *dir, FILE *out, struct err_text *e);

/* ---- ca_crl.c ---- */

struct ca_revoked {
	uint8_t serial[CA_SERIAL];
	char when[16]; /* YYYYMMDDhhmmss */
};

/* A list of revoked certificates, as PEM with its zero byte. Negative: mbedtls's error. */
MUST_CHECK int ca_crl_write(char *pem, size_t size, const struct mbedtls_x509_crt *ca,
	struct mbedtls_pk_context *key, const struct ca_revoked *v, size_t n, const char *from,
	const char *until);

int ca_rng(void *unused, unsigned char *p, size_t len);

#endif
