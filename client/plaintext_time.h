/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plaintext_time.h - dates and times in ISO form, for plaintext.c.
 *
 * Days and microseconds count from 2000-01-01, as in PostgreSQL. Read are
 *
 *     YYYY-MM-DD [BC]    YYYY-MM-DD HH:MM[:SS[.ffffff]][+HH[:MM[:SS]]] [BC]    infinity
 *
 *     N years N mons N days [-]HH:MM:SS[.ffffff]        each of them may be missing
 *
 * also with T between date and time, and Z for +00: what PostgreSQL writes with the
 * default DateStyle and IntervalStyle. -EINVAL: none of these; -ERANGE: a field or the whole is out of range.
 */
#ifndef CLIENT_PLAINTEXT_TIME_H
#define CLIENT_PLAINTEXT_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calendar.h"
#include "err.h"

MUST_CHECK int plaintext_date(const char *s, size_t len, int32_t *days);

/* zoned: an offset is required; without, one is refused. */
MUST_CHECK int plaintext_timestamp(const char *s, size_t len, bool zoned, int64_t *us);

MUST_CHECK int plaintext_interval(const char *s, size_t len, struct interval *v);

/* The message for -ERANGE; returns -EINVAL. */
int plaintext_time_range(const char *s, size_t len, struct err_text *e);

/* As the print functions of plaintext.c. */
int64_t plaintext_print_date(const uint8_t *p, size_t len, char *out, size_t room);
int64_t plaintext_print_timestamp(const uint8_t *p, size_t len, char *out, size_t room);
int64_t plaintext_print_interval(const uint8_t *p, size_t len, char *out, size_t room);
int64_t plaintext_print_timestamptz(const uint8_t *p, size_t len, char *out, size_t room);

#endif
