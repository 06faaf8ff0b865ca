/* SPDX-License-Identifier: BSD-3-Clause */
#include "option.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "region.h"

static _Noreturn void refuse(
	const char *name, const char *what, int64_t min, int64_t max)
{
	fprintf(stderr, "%s: %s takes a %s from %lld to %lld\n",
		program_invocation_short_name, name, what, (long long)min, (long long)max);
	exit(2);
}

static bool to_number(const char *text, int64_t *v)
{
	bool minus = *text == '-';
	uint64_t n;

	if (region_parse_bytes(text + minus, &n) || n > INT64_MAX)
		return false;
	*v = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

int64_t option_number(const char *name, const char *text, int64_t min, int64_t max)
{
	int64_t v;

	if (!to_number(text, &v) || v < min || v > max)
		refuse(name, "whole number", min, max);
	return v;
}

double option_seconds(const char *name, const char *text, int max)
{
	char *end;
	double v = strtod(text, &end);

	/* strtod() also reads spaces, signs, hexadecimal, "nan" and "inf" */
	if (end == text || text[strspn(text, "0123456789.")] || *end || v > max)
		refuse(name, "number of seconds", 0, max);
	return v;
}

bool option_parse(const char *text, int64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoll(text, &end, 10);
	return errno == 0 && !*end && isdigit((unsigned char)text[text[0] == '-']);
}
