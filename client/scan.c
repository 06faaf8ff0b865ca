/* SPDX-License-Identifier: BSD-3-Clause */
#include "scan.h"

#include <string.h>

enum {
	DIGITS_MAX = 18, /* fit 63 bits */
	CRLF = 2,
};

#define DUE_MAX (1ull << 40)

/* A string, or a value that has parts: a number is on its line. */
static bool is_counted(uint8_t type)
{
	return type && strchr("$=!*%~>|", type);
}

/* A line has ended: what comes of it? */
static void end_line(struct scan *s)
{
	uint8_t type = s->type;
	uint64_t n = s->minus ? 0 : (uint64_t)s->number;

	s->type = 0;
	s->cr = false;
	if (is_counted(type) && (s->digits == 0 || (s->minus && s->number != 1))) {
		s->bad = true;
		return;
	}
	switch (type) {
	case '$':
	case '=':
	case '!':
		if (!s->minus)
			s->skip = n + CRLF;
		break;
	case '|': /* and then the value that it describes */
		s->due += 2 * n + 1;
		break;
	case '%':
		s->due += 2 * n;
		break;
	case '*':
	case '~':
	case '>':
		s->due += n;
		break;
	}
	s->bad = s->due > DUE_MAX;
}

static void take_digit(struct scan *s, char c)
{
	if (c == '-' && !s->minus && s->digits == 0) {
		s->minus = true;
	} else if (c >= '0' && c <= '9' && s->digits < DIGITS_MAX) {
		s->number = s->number * 10 + (c - '0');
		s->digits++;
	} else {
		s->bad = true;
	}
}

/* The rest of a line whose bytes mean nothing here: up to its '\r'. */
static size_t skip_text(const char *p, size_t len)
{
	const char *end = memchr(p, '\r', len);

	return end ? (size_t)(end - p) : len;
}

static void begin(struct scan *s, char type)
{
	s->bad = !type || !strchr("+-:$*_,#(!=%~>|", type);
	s->type = (uint8_t)type;
	s->number = 0;
	s->digits = 0;
	s->minus = false;
}

/* One step; returns the bytes that it took. */
static size_t step(struct scan *s, const char *p, size_t len)
{
	size_t n = 1;

	if (s->skip) {
		n = len < s->skip ? len : s->skip;
		s->skip -= n;
	} else if (!s->type) {
		begin(s, *p);
	} else if (s->cr) {
		s->bad = *p != '\n';
		if (!s->bad)
			end_line(s);
	} else if (*p == '\r') {
		s->cr = true;
	} else if (is_counted(s->type)) {
		take_digit(s, *p);
	} else {
		n = skip_text(p, len);
	}
	return n;
}

size_t scan_feed(struct scan *s, const char *p, size_t len)
{
	size_t at = 0;

	while (at < len && !s->done && !s->bad) {
		bool was_inside = s->skip || s->type;

		at += step(s, p + at, len - at);
		if (!was_inside || s->skip || s->type || s->bad)
			continue;
		if (s->due)
			s->due--; /* on to the next one */
		else
			s->done = true;
	}
	return at;
}
