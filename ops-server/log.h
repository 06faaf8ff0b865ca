/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.h - one line per event on standard error: `level message`. No secret, no plaintext.
 */
#ifndef OPS_SERVER_LOG_H
#define OPS_SERVER_LOG_H

#include "err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

void log_set_level(enum log_level level);

/* "debug" .. "error"; -EINVAL when it is none of them. */
MUST_CHECK int log_parse_level(const char *text, enum log_level *level);

void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
