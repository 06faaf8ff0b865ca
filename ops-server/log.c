/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {"debug", "info", "warning", "error"};
static enum log_level lowest = LOG_INFO;

void log_set_level(enum log_level level)
{
	__atomic_store_n(&lowest, level, __ATOMIC_RELAXED);
}

int log_parse_level(const char *text, enum log_level *level)
{
	int i;

	for (i = 0; i < 4; i++) {
		if (strcmp(text, names[i]) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* One write per line, so that lines of several threads do not mix. */
void log_line(enum log_level level, const char *fmt, ...)
{
	char line[600], when[32];
	struct timespec t;
	struct tm tm;
	va_list ap;
	int n;

	if (level < __atomic_load_n(&lowest, __ATOMIC_RELAXED))
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(line, sizeof line, "%s.%03ldZ %s ", when, t.tv_nsec / 1000000,
		names[level]);
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof line - 2)
		n = sizeof line - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nowhere left to say so */
}
