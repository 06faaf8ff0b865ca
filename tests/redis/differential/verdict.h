/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verdict.h - where two servers differed, and in what.
 */
#ifndef DIFFERENTIAL_VERDICT_H
#define DIFFERENTIAL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "wire.h"

/* First after command `at`. `text` is owned. */
struct verdict {
	bool same;
	size_t at;
	char *text;
};

struct verdict verdict_differ(
	size_t at, const char *what, const struct value *a, const struct value *b);

/* Takes both values; *v is set when they are not the same, to the bytes around where they
 * differ. */
bool verdict_bytes(
	size_t at, const char *what, struct value *a, struct value *b, struct verdict *v);

#endif
