/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * placeholder.h - settings that were made before this library was loaded.
 *
 * PostgreSQL keeps them as strings and applies them when the setting is defined; but not
 * during a parallel operation, where settings must not change. A session without preloading
 * whose first use of the library is a parallel CREATE INDEX would compute by defaults, in
 * leader and workers alike. So then the defaults are what was set. What somebody set who may
 * not set it hides the configuration file's value from workers, which then have none.
 */
#ifndef HEDB_PLACEHOLDER_H
#define HEDB_PLACEHOLDER_H

#include "hedb.h"

#include "utils/guc.h"

/*
 * The value to define a setting with: `boot`, or what was set by somebody who may set it,
 * if PostgreSQL would not apply it. `context` as that of the setting. What cannot be read
 * as such a value is left out.
 */
const char *placeholder_string(const char *name, GucContext context, const char *boot);
int placeholder_int(const char *name, GucContext context, int boot, int flags);
bool placeholder_bool(const char *name, GucContext context, bool boot);
int placeholder_enum(const char *name, GucContext context, int boot,
	const struct config_enum_entry *options);

#endif
