/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * data.h - whether two servers hold the same data, and which keys are not the same.
 */
#ifndef DIFFERENTIAL_DATA_H
#define DIFFERENTIAL_DATA_H

#include "verdict.h"
#include "wire.h"

struct value data_digest(struct wire *w);

/* Of digests that were taken of `wa` and `wb`; takes both. */
bool data_same(const char *what, struct value a, struct value b, struct wire *wa,
	struct wire *wb, size_t at, struct verdict *v);

long long info_number(struct wire *w, const char *section, const char *field);

#endif
