/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secure_option.h - the options of sealed channels, the same for every program:
 *
 *     --secure                         sealed, or not at all
 *     --cert FILE --key FILE --ca FILE certificate, its key, and the CA's certificate
 *     --crl FILE                       what the CA has revoked
 *     --psk FILE                       a pre-shared key instead (trust.h)
 *     --sec-mgr HOST:PORT              the manager, which says who may touch what (view.h)
 *     --sec-pool NAME                  what it calls the region's memory
 *
 * What is not named is the environment's: CXL_CERT, CXL_KEY, CXL_CA, CXL_CRL, CXL_PSK,
 * CXL_SEC_MGR, CXL_SEC_POOL. CXL_SECURE=1 is --secure.
 */
#ifndef CLIENT_SECURE_OPTION_H
#define CLIENT_SECURE_OPTION_H

#include "watch.h"

struct secure_option {
	bool secure;
	struct trust_files files;
	const char *sec_mgr, *sec_pool;
};

/* For usage texts. */
#define SECURE_OPTION_HELP                                                                  \
	"  --secure              sealed channels or none: with --cert FILE --key FILE\n"    \
	"                        --ca FILE [--crl FILE], or --psk FILE; with a manager\n"    \
	"                        --sec-mgr HOST:PORT [--sec-pool NAME]; or the environment's\n" \
	"                        CXL_SECURE=1, CXL_CERT, CXL_KEY, CXL_CA, CXL_CRL, CXL_PSK,\n" \
	"                        CXL_SEC_MGR, CXL_SEC_POOL\n"

/* Is argv[*i] one of these? Then it is taken, and *i is at its last word. Without its value it
 * is not. */
bool secure_option_take(struct secure_option *o, int argc, char *const argv[], int *i);

/* The same for getopt_long(): its list, and what it returned. */
enum { SECURE_OPTION = 0x5ec0 };
#define SECURE_OPTION_LONG                                                                    \
	{"secure", 0, NULL, SECURE_OPTION}, {"cert", 1, NULL, SECURE_OPTION + 1},             \
		{"key", 1, NULL, SECURE_OPTION + 2}, {"ca", 1, NULL, SECURE_OPTION + 3},      \
		{"crl", 1, NULL, SECURE_OPTION + 4}, {"psk", 1, NULL, SECURE_OPTION + 5},     \
		{"sec-mgr", 1, NULL, SECURE_OPTION + 6}, {"sec-pool", 1, NULL, SECURE_OPTION + 7}
bool secure_option_long(struct secure_option *o, int code, const char *value);

/* All options are read: take from the environment what is missing. -EINVAL: a certificate or
 * key without --secure. */
MUST_CHECK int secure_option_resolve(struct secure_option *o, struct err_text *e);

/* And what they come to: NULL when nobody asked for --secure. */
MUST_CHECK int secure_option_load(
	struct secure_option *o, struct trust **t, struct err_text *e);

#endif
