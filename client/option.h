/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * option.h - numbers in a program's options.
 *
 *   name   the option as the user wrote it: "--port"
 *   text   what came after it
 *
 * What is no number of the range ends the program with status 2, and a sentence on
 * standard error that names program, option and range.
 */
#ifndef CLIENT_OPTION_H
#define CLIENT_OPTION_H

#include <stdbool.h>
#include <stdint.h>

/* A whole number from min to max; K, M or G after it multiply, as in every size. */
int64_t option_number(const char *name, const char *text, int64_t min, int64_t max);

/* Decimal digits, with or without a minus, and nothing else. False: something else, or
 * more than 64 bits. */
bool option_parse(const char *text, int64_t *v);

/* Seconds from 0 to max, fractions allowed. */
double option_seconds(const char *name, const char *text, int max);

#endif
