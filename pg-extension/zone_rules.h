/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zone_rules.h - the session's time zone for programs with an argument of type PUB_ZONE.
 */
#ifndef HEDB_ZONE_RULES_H
#define HEDB_ZONE_RULES_H

#include "hedb.h"

#include "lib/stringinfo.h"
#include "pgtime.h"

/* The rules of TimeZone as in common/timezone.h; valid until the setting changes. */
const uint8_t *zone_rules(uint32_t *len);

/*
 * zone_rules_cross - what crosses in an argument for them.
 *
 * The rules, to be kept where they are long, and from then on their digest (kept.h).
 * Returns the argument's flags.
 */
uint8_t zone_rules_cross(const void **data, uint32_t *len);

/* ops_server does not know the digest: cross the rules next time. */
void zone_rules_unknown(void);

/* Append the rules of any zone, and of an offset that never changes. */
void zone_rules_of(StringInfo to, pg_tz *tz);
void zone_rules_fixed(StringInfo to, int32 east);

#endif
