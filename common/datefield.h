/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * datefield.h - the names of fields of dates and times, as extract and date_trunc take
 * them. Names count up to their tenth letter, as PostgreSQL's do.
 */
#ifndef COMMON_DATEFIELD_H
#define COMMON_DATEFIELD_H

#include <stdbool.h>
#include <stdint.h>

enum datefield {
	FIELD_UNKNOWN,	/* no field at all */
	FIELD_RESERVED, /* a word of dates that names no field */
	FIELD_MICROSECONDS,
	FIELD_MILLISECONDS,
	FIELD_SECOND,
	FIELD_MINUTE,
	FIELD_HOUR,
	FIELD_DAY,
	FIELD_WEEK,
	FIELD_MONTH,
	FIELD_QUARTER,
	FIELD_YEAR,
	FIELD_DECADE,
	FIELD_CENTURY,
	FIELD_MILLENNIUM,
	FIELD_ZONE,
	FIELD_ZONE_HOUR,
	FIELD_ZONE_MINUTE,
	/* of extract only */
	FIELD_DOW,
	FIELD_DOY,
	FIELD_ISODOW,
	FIELD_ISOYEAR,
	FIELD_JULIAN,
	FIELD_EPOCH,
};

/* The field of that name in any case; `extract`: with those that only extract knows. */
enum datefield datefield_of(const uint8_t *name, uint32_t len, bool extract);

#endif
