/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * setting.h - the settings of a server: a file of `name = value` lines that --config names, then the
 * command line, which wins. --help and --version are answered.
 */
#ifndef OPS_SERVER_SETTING_H
#define OPS_SERVER_SETTING_H

#include <limits.h>
#include <stdbool.h>

#include "err.h"

struct settings {
	const char *program;
	const char *help; /* the manual */
	bool (*set)(void *arg, const char *name, const char *value); /* false: unknown, or a bad value */
};

/*
 * setting_read - all of them, each to set(arg).
 *
 *   file   out: what --config named; not changed without it
 *
 * Returns 0; 1 when --help or --version was answered; -EINVAL or the kernel's errno with the
 * reason in `e`.
 */
MUST_CHECK int setting_read(const struct settings *s, void *arg, char file[PATH_MAX], int argc,
	char **argv, struct err_text *e);

/* Values of settings: a text that fits; decimal digits within min and max; yes or no. */
bool set_string(char *to, size_t len, const char *value);
bool set_number(unsigned *to, const char *value, unsigned min, unsigned max);
bool set_bool(bool *to, const char *value);

#endif
