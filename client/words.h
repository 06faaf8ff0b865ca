/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words.h - a command's words from a format such as "SET %s %b". Internal to libcxlring;
 * cxlring.h says what a format may hold.
 */
#ifndef CLIENT_WORDS_H
#define CLIENT_WORDS_H

#include <stdarg.h>
#include <stddef.h>

struct words {
	size_t n;
	const char **v; /* owned, as all of it: words_free() */
	size_t *lens;
	char *bytes;
};

/* Returns 0, -EINVAL (a format that cannot be, or no word at all), -ENOMEM; *w is empty on
 * an error. */
int words_format(struct words *w, const char *fmt, va_list ap);
void words_free(struct words *w);

#endif
