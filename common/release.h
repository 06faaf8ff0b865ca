/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * release.h - what leaves the zone in clear, counted by row: leakage, for accounts, rates and the
 * audit log.
 */
#ifndef COMMON_RELEASE_H
#define COMMON_RELEASE_H

#include "program.h"

enum release {
	RELEASE_COMPARISONS, /* and matches, conditions, counts */
	RELEASE_RANKS,       /* and group numbers */
	RELEASE_HASHES,
	RELEASE_VALUES,      /* decrypted */
	RELEASE_ERRORS,      /* a row's error says something as well */
	RELEASES
};

extern const char *const release_names[RELEASES];

struct vec;

/* release_count - what the results of a program that ran over `request_rows` say. False: nothing. */
bool release_count(uint64_t rows[RELEASES], const struct program *p, const struct vec *result,
	uint32_t request_rows);

#endif
