/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format_reader.h - what format_read.c reads of a text, and format_moment.c makes a moment
 * of. 0 means that a field was not read.
 */
#ifndef COMMON_FORMAT_READER_H
#define COMMON_FORMAT_READER_H

#include "format.h"

enum calendar { CALENDAR_NONE, CALENDAR_GREGORIAN, CALENDAR_ISO };

/* A text being read, and what the template makes of it. */
struct reader {
	struct span s;
	uint8_t before;   /* the byte before it */
	const struct format_part *part;
	bool fixed;       /* FX was seen */
	int32_t skipped;  /* more than the template has */
	uint8_t calendar; /* enum calendar */
	bool clock12;
	int32_t hour, pm, minute, second, day_seconds, ms, us, precision;
	int32_t week_day; /* from 1, Sunday */
	int32_t day, year_day, month, year, bc, week, month_week, century, julian;
	int32_t year_digits;
	int32_t zone_sign, zone_hour, zone_minute;
};

/* The moment, as far as it was read; 0, or the row state of an error. */
uint8_t reader_moment(struct format_read *to, struct reader *r);

#endif
