/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mgrrig.h - views as bytes, made by hand or by a table, for tests.
 */
#ifndef TESTS_MGRRIG_H
#define TESTS_MGRRIG_H

#include <string.h>

#include "../ops-server/mgr_table.h"

/* A line of a table that has to be taken. */
static inline void rig_line(struct table *t, const char *line)
{
	struct err_text e = {""};

	if (table_apply(t, line, &e))
		fail_msg("%s: %s", line, e.s);
}

/* 64 hexadecimal digits, all the same. */
static inline const char *rig_hex(char digit)
{
	static char text[4][65];
	static int i;

	i = (i + 1) % 4;
	memset(text[i], digit, 64);
	return text[i];
}

static inline void rig_linef(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
static inline void rig_linef(struct table *t, const char *fmt, ...)
{
	char line[TABLE_LINE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	rig_line(t, line);
}

/* A peer whose certificate's fingerprint is that digit over and over. */
static inline struct peer rig_peer(char digit, unsigned roles)
{
	struct peer p = {.roles = roles};
	size_t got;

	assert_int_equal(sodium_hex2bin(p.print, PEER_PRINT, rig_hex(digit), 64, NULL, &got, NULL), 0);
	return p;
}

#endif
