/* SPDX-License-Identifier: BSD-3-Clause */
#include "escape.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the UTF-8 sequence at s (RFC 3629, section 4); 0 when it is none. */
static size_t utf8_len(const unsigned char *s)
{
	static const struct {
		unsigned char first, last; /* of the first byte ... */
		unsigned char low, high;   /* ... and what then the second may be */
		size_t len;
	} forms[] = {{0x00, 0x7f, 0, 0, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4}};
	size_t i, k;

	for (i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (s[0] < forms[i].first || s[0] > forms[i].last)
			continue;
		if (forms[i].len > 1 && (s[1] < forms[i].low || s[1] > forms[i].high))
			return 0;
		for (k = 2; k < forms[i].len; k++) /* the closing zero byte ends it, too */
			if (s[k] >> 6 != 2)
				return 0;
		return forms[i].len;
	}
	return 0;
}

void escape_json(FILE *f, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', f);
	while (*s) {
		size_t n = utf8_len(s);

		if (n == 0)
			fputs("\\ufffd", f);
		else if (*s < 0x20)
			fprintf(f, "\\u%04x", *s);
		else
			fprintf(f, "%s%.*s", *s == '"' || *s == '\\' ? "\\" : "", (int)n, s);
		s += n ? n : 1;
	}
	fputc('"', f);
}

void escape_csv(FILE *f, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, f);
		return;
	}
	fputc('"', f);
	for (; *text; text++)
		fprintf(f, *text == '"' ? "\"\"" : "%c", *text);
	fputc('"', f);
}
