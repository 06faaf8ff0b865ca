/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * carig.h - for tests: the files of a zone CA in a directory of its own.
 */
#ifndef TESTS_CARIG_H
#define TESTS_CARIG_H

#include <stdio.h>

#include "trust.h"

static char ca[64]; /* the directory */

/* A file of it; good until the sixteenth call from here. */
static inline const char *in_ca(const char *name)
{
	static char text[16][160];
	static int i;

	i = (i + 1) % 16;
	snprintf(text[i], sizeof text[i], "%s/%s", ca, name);
	return text[i];
}

static inline struct trust_files files_of(const char *name)
{
	char pem[80], key[80];

	snprintf(pem, sizeof pem, "%s.pem", name);
	snprintf(key, sizeof key, "%s.key", name);
	return (struct trust_files){.cert = in_ca(pem), .key = in_ca(key), .ca = in_ca("ca.pem")};
}

#endif
