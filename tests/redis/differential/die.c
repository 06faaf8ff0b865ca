/* SPDX-License-Identifier: BSD-3-Clause */
#include "die.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void (*die_tell)(void);

void die(int status, const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	if (die_tell)
		die_tell();
	fflush(stdout);
	exit(status);
}
