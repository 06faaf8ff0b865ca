/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * timezone.h - what clocks showed when: a time zone's rules as bytes.
 *
 * The session's zone is public. PostgreSQL has its rules; it sends them along with a
 * program that depends on them, so that the zone needs no files and both compute by the
 * same rules. Little-endian, no alignment:
 *
 *     0   i32  seconds east of Greenwich before the first transition
 *     4   u16  n, transitions given one by one
 *     6   u8   k, transitions of each later year, 0 .. ZONE_YEARLY_MAX
 *     7   u8   m, names of what clocks show; 0: unknown
 *     8   i64  k above 0: first second of the first later year
 *     16  n times { i64 at; i32 offset }: from then on that far east; ascending
 *         14 times k times { i32 second; i32 offset }: transitions in a later year, counted
 *         from its start in UTC; the years that start on a Sunday .. Saturday, then the
 *         same for leap years
 *         m above 0: 1 + n + 14 * k times { u8 }: which name holds before the first
 *         transition, after each, and after each of the later years' in that order
 *         m times { ZONE_NAME bytes }: "EST", with zeros behind it
 *
 * All times are seconds since 1970-01-01 00:00 UTC. Rules like "the last Sunday of
 * March" depend on a year's first day and on its being a leap year, hence 14 kinds.
 */
#ifndef COMMON_TIMEZONE_H
#define COMMON_TIMEZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ZONE_HEADER = 16,
	ZONE_TRANSITION = 12,
	ZONE_YEARLY = 8,
	ZONE_YEARLY_MAX = 4,
	ZONE_KINDS = 14,
	ZONE_NAME = 12,
	ZONE_NAMES_MAX = 255,
};

/* A parsed zone; the bytes have to stay, and nobody else may write them. */
struct timezone_rules {
	const uint8_t *transitions;
	const uint8_t *yearly;
	const uint8_t *which, *names;
	int64_t later; /* first second of the first later year */
	int32_t before;
	uint32_t n, k, m;
};

/* Greenwich: what timestamps without a zone are computed in. */
extern const struct timezone_rules timezone_utc;

/* Look at bytes as a zone; false, with z unchanged, when they are none. Costs the same
 * whatever its size: that offsets and times make sense is not checked, and no number
 * here can do harm. */
bool timezone_parse(struct timezone_rules *z, const uint8_t *in, size_t len);

/* Seconds east of Greenwich at the second t. */
int32_t timezone_offset(const struct timezone_rules *z, int64_t t);

/*
 * timezone_offset_local - the same for `local` seconds that clocks showed.
 *
 * A time that was skipped counts as if clocks had not been changed, one that came twice
 * is the later one: as PostgreSQL decides.
 */
int32_t timezone_offset_local(const struct timezone_rules *z, int64_t local);

/* What the zone's clocks are called at the second t, "EST"; its length, 0 when unknown. */
size_t timezone_name(const struct timezone_rules *z, int64_t t, const uint8_t **name);

/* Which of the 14 kinds a year is; its first second in UTC goes to *start. */
uint32_t timezone_year_kind(int64_t year, int64_t *start);

#endif
