/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secure_option.h - the options of sealed channels, the same for every program:
 *
 *     --secure                         sealed, or not at all
 *     --cert FILE --key FILE --ca FILE certificate, its key, and the CA's certificate
 *     --crl FILE                       what the CA has revoked
 *     --psk FILE                       a pre-shared key instead (trust.h)
 *
 * Files that are not named are the environment's: CXL_CERT, CXL_KEY, CXL_CA, CXL_CRL,
 * CXL_PSK. CXL_SECURE=1 is --secure.
 */
#ifndef CLIENT_SECURE_OPTION_H
#define CLIENT_SECURE_OPTION_H

#include "trust.h"

struct secure_option {
	bool secure;
	struct trust_files files;
};

/* For usage texts. */
#define SECURE_OPTION_HELP                                                                  \
	"  --secure              sealed channels or none: with --cert FILE --key FILE\n"    \
	"                        --ca FILE [--crl FILE], or --psk FILE; or the environment's\n" \
	"                        CXL_SECURE=1, CXL_CERT, CXL_KEY, CXL_CA, CXL_CRL, CXL_PSK\n"

/* Is argv[*i] one of these? Then it is taken, and *i is at its last word. Without its value it
 * is not. */
bool secure_option_take(struct secure_option *o, int argc, char *const argv[], int *i);

/* What they come to, when all are read: NULL when nobody asked for --secure. */
MUST_CHECK int secure_option_load(
	struct secure_option *o, struct trust **t, struct err_text *e);

#endif
