/* SPDX-License-Identifier: BSD-3-Clause */
#include "release.h"

#include <string.h>

#include "kernel.h"
#include "opclass.h"

const char *const release_names[RELEASES] = {"comparisons", "ranks", "hashes", "values", "errors"};

/* Rows of a result that are errors. */
static uint64_t count_errors(const struct vec *v)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; v->dirty && i < v->rows; i++)
		n += v->state[i] > ROW_NULL;
	return n;
}

static enum release release_of(uint8_t says)
{
	switch (says) {
	case CLASS_DECRYPT:
		return RELEASE_VALUES;
	case CLASS_HASH:
		return RELEASE_HASHES;
	case CLASS_RANK:
	case CLASS_GROUP:
		return RELEASE_RANKS;
	default:
		return RELEASE_COMPARISONS;
	}
}

bool release_count(uint64_t rows[RELEASES], const struct program *p, const struct vec *result,
	uint32_t request_rows)
{
	bool any = p->ngroups;
	int i;

	memset(rows, 0, RELEASES * sizeof *rows);
	rows[RELEASE_RANKS] = (uint64_t)p->ngroups * request_rows;
	for (i = 0; i < p->nresults; i++) {
		uint64_t errors = count_errors(&result[i]);

		if (p->result[i].says)
			rows[release_of(p->result[i].says)] += result[i].rows;
		rows[RELEASE_ERRORS] += errors;
		any |= p->result[i].says || errors;
	}
	return any;
}
