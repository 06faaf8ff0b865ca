/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format.h - templates: the 'YYYY-MM-DD HH24:MI' of to_char(), to_date(), to_timestamp()
 * and the 'FM9,999.00' of to_number().
 *
 * A template is read once into parts: fields, and what stands between them. What fields
 * mean is format_time.c's and format_number.c's business; texts are as PostgreSQL 15 makes
 * and reads them where lc_time, lc_numeric and lc_monetary are "C".
 *
 * Nothing here allocates or keeps state. A part of a template points into it.
 */
#ifndef COMMON_FORMAT_H
#define COMMON_FORMAT_H

#include "calendar.h"
#include "kernel.h"
#include "timezone.h"

/* Fields of date templates. AD stands for BC as well, AM for PM; those with dots have a
 * name of their own. */
enum time_field {
	TIME_AD_DOTS = 1,
	TIME_AM_DOTS,
	TIME_AD,
	TIME_AM,
	TIME_CC,
	TIME_DAY,
	TIME_DDD,
	TIME_DD,
	TIME_DY,
	TIME_D,
	TIME_FF1,
	TIME_FF2,
	TIME_FF3,
	TIME_FF4,
	TIME_FF5,
	TIME_FF6,
	TIME_FX,
	TIME_HH24,
	TIME_HH12,
	TIME_IDDD,
	TIME_ID,
	TIME_IW,
	TIME_IYYY,
	TIME_IYY,
	TIME_IY,
	TIME_I,
	TIME_J,
	TIME_MI,
	TIME_MM,
	TIME_MONTH,
	TIME_MON,
	TIME_MS,
	TIME_OF,
	TIME_Q,
	TIME_RM,
	TIME_SSSS,
	TIME_SS,
	TIME_TZH,
	TIME_TZM,
	TIME_TZ,
	TIME_US,
	TIME_WW,
	TIME_W,
	TIME_Y_YYY,
	TIME_YYYY,
	TIME_YYY,
	TIME_YY,
	TIME_Y,
};

/* And of number templates. */
enum number_field {
	NUMBER_COMMA = 1,
	NUMBER_POINT,
	NUMBER_0,
	NUMBER_9,
	NUMBER_B,
	NUMBER_D, /* a point of the locale's */
	NUMBER_EEEE,
	NUMBER_FM,
	NUMBER_G,
	NUMBER_L,
	NUMBER_MI,
	NUMBER_PL,
	NUMBER_PR,
	NUMBER_RN,
	NUMBER_SG,
	NUMBER_S,
	NUMBER_TH,
	NUMBER_V,
	NUMBER_NOTHING, /* C and SP */
};

enum part_kind { PART_END, PART_FIELD, PART_CHAR, PART_SEPARATOR, PART_SPACE };
enum part_letters { LETTERS_UPPER, LETTERS_LOWER, LETTERS_CAPITAL };
enum part_flags { PART_FM = 1, PART_TM = 2, PART_TH_UPPER = 4, PART_TH_LOWER = 8 };
enum { PART_TH = PART_TH_UPPER | PART_TH_LOWER };

struct format_part {
	uint8_t kind;
	uint8_t field;
	uint8_t letters; /* as the field's name was written */
	uint8_t flags;
	uint8_t width;   /* of the field's name */
	bool digits;     /* reads a number */
	uint8_t len;     /* of a character */
	const uint8_t *p;
};

enum { MONTHS = 12, DAY_HOURS = 24, NOON = 12 };

enum format_kind { FORMAT_TIME, FORMAT_NUMBER };

/* format_parse - the parts of a template, up to one PART_END; `part` has room for
 * t.len + 1. Any bytes are a template. */
void format_parse(struct format_part *part, enum format_kind kind, struct span t);

/* A text in the making; what does not fit is left out. */
struct format_out {
	uint8_t *at, *end;
};

void format_put(struct format_out *o, const void *p, size_t len);
void format_printf(struct format_out *o, const char *form, ...)
	__attribute__((format(printf, 2, 3)));

/* The ordinal ending of a number's digits, "st"; NULL when the last one is no digit. */
const char *format_ordinal(const uint8_t *digits, size_t len, bool upper);

/* Full names, whose first three letters are the short ones; Roman numbers of months. */
extern const char *const format_months[12], *const format_days[7], *const format_roman[12];

bool format_is_space(uint8_t c);
bool format_is_digit(uint8_t c);

/* ---- format_time.c ---- */

/* What a date template shows: a moment and where clocks showed it, or an interval, whose
 * parts have signs. */
struct format_clock {
	bool interval;
	int64_t hour;
	int32_t year, month, day, minute, second, us;
	int32_t year_day; /* from 1; of an interval its days, a month being 30 */
	int32_t week_day; /* 0: Sunday */
	int32_t offset;   /* seconds east */
	const uint8_t *zone; /* its name */
	size_t zone_len;
};

/* Bytes that a text by a template of `len` bytes may need. */
static inline uint64_t format_time_max(uint64_t len)
{
	return 12 * len + 16;
}

/* 0, or the row state of an error. */
uint8_t format_time(
	struct format_out *o, const struct format_part *part, const struct format_clock *c);

/* ---- format_read.c ---- */

/* What was read by a date template. */
struct format_read {
	struct moment m;
	bool zoned;      /* the text says how far east clocks were: */
	int32_t offset;
	int32_t precision; /* digits of the second that it asks for; 0: all */
};

/* 0, or the row state of an error. */
uint8_t format_read(struct format_read *r, const struct format_part *part, struct span s);

/* ---- format_number.c ---- */

enum number_flags {
	NUMBER_HAS_POINT = 1,
	NUMBER_HAS_ZERO = 2,
	NUMBER_FILL = 4, /* FM */
	NUMBER_LOCALE_SIGN = 8,
	NUMBER_BRACKET = 16,
	NUMBER_MINUS = 32,
	NUMBER_PLUS = 64,
	NUMBER_ROMAN = 128,
	NUMBER_SHIFTED = 256, /* V */
	NUMBER_EXPONENT = 512,
	NUMBER_BLANK = 1024,
};
enum number_sign { SIGN_NONE, SIGN_BEFORE, SIGN_BEHIND };

/* What a number template says as a whole. */
struct number_format {
	const struct format_part *part;
	uint32_t nparts;
	uint32_t flags;
	enum number_sign sign;  /* where the locale's stands */
	int32_t sign_at;        /* digits before it */
	int32_t pre, post;      /* digits before and behind the point */
	int32_t multi;          /* digits behind V */
	int32_t zero_start, zero_end; /* first and last 0, from 1 */
};

/* 0, or the row state of an error: fields that exclude each other. */
uint8_t format_number_parse(struct number_format *f, const struct format_part *part);

/* The text of a number by a template, without its sign: digits and perhaps a point. */
struct number_text {
	const uint8_t *p;
	size_t len;
	char sign;      /* + or -; 0: has none */
	int32_t spaces; /* digits that the template has more before the point */
};

/* Bytes that a text by a template of `len` bytes may need, and no more than one number. */
static inline uint64_t format_number_max(uint64_t len, uint64_t number)
{
	return 8 * len + number + 16;
}

/* 0, or the row state of an error. */
uint8_t format_number(
	struct format_out *o, const struct number_format *f, const struct number_text *t);

/* format_number_read - the number in a text, as text for numeric_read(): nparts + 2 bytes.
 * *digits: behind its point. Returns its length, 0 with *fail set on an error. */
size_t format_number_read(uint8_t *number, int32_t *digits, const struct number_format *f,
	struct span s, uint8_t *fail);

#endif
