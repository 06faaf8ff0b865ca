/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zone_rules.c - the session's time zone as the bytes of common/timezone.h, made when it is
 * first needed and kept until the zone is another one.
 *
 * PostgreSQL's rules come as a walk from one transition to the next, whatever they were
 * made from: a file, or a POSIX string. Up to LATER_YEAR they are given one by one. From
 * then on the zones that change their clocks do so by a rule; whether the table of the
 * kinds of years says the same as the walk is checked for all 400 years after which the
 * calendar repeats. A zone for which it does not is given one by one to the end. One whose
 * rule holds from FIRST_YEAR on always had it: POSIX strings know no history.
 */
#include "hedb.h"

#include "utils/memutils.h"

#include "calendar.h"
#include "kept.h"
#include "timezone.h"
#include "zone_rules.h"

enum { KEEP_MIN = 256 }; /* what is shorter is sent each time */
enum { ALWAYS = -5000, FIRST_YEAR = 1800, LATER_YEAR = 2038, REPEAT_YEARS = 400 };

struct transition {
	int64 at;
	int32 offset;
	uint32 name; /* its number among the zone's */
};

struct walk {
	struct transition *list;
	int n, cap;
	int32 before;
	uint32 before_name;
	uint32 nnames;
	char names[ZONE_NAMES_MAX][ZONE_NAME];
};

/* The number of the name of what clocks show at t; a zone with more names has the last
 * one stand for all others. */
static uint32 name_at(struct walk *w, int64 t, pg_tz *tz)
{
	pg_time_t at = t;
	const struct pg_tm *tm = pg_localtime(&at, tz);
	char name[ZONE_NAME] = {0};
	uint32 i;

	if (tm && tm->tm_zone)
		memcpy(name, tm->tm_zone, strnlen(tm->tm_zone, ZONE_NAME));
	for (i = 0; i < w->nnames; i++)
		if (memcmp(w->names[i], name, ZONE_NAME) == 0)
			return i;
	if (i == ZONE_NAMES_MAX)
		return i - 1;
	memcpy(w->names[i], name, ZONE_NAME);
	w->nnames++;
	return i;
}

static int64 year_start(int64 year)
{
	int64_t start;

	timezone_year_kind(year, &start);
	return start;
}

static void walk_zone(struct walk *w, pg_tz *tz)
{
	pg_time_t t = year_start(FIRST_YEAR), end = year_start(LATER_YEAR + REPEAT_YEARS), at;
	long before, after;
	int dst_before, dst_after;

	w->n = 0;
	w->nnames = 0;
	w->before_name = name_at(w, t, tz);
	w->cap = 256;
	w->list = palloc(w->cap * sizeof *w->list);
	while (pg_next_dst_boundary(&t, &before, &dst_before, &at, &after, &dst_after, tz) > 0 &&
		at < end) {
		if (w->n == 0)
			w->before = (int32)before;
		if (w->n == w->cap) {
			w->cap *= 2;
			w->list = repalloc(w->list, w->cap * sizeof *w->list);
		}
		w->list[w->n++] = (struct transition){at, (int32)after, name_at(w, at, tz)};
		t = at;
	}
	if (w->n == 0)
		w->before = (int32)before;
}

/* Transitions of one year by kind, in seconds from its start. */
struct kinds {
	struct transition yearly[ZONE_KINDS][ZONE_YEARLY_MAX];
	int count; /* of each year; -1: not known yet */
	bool seen[ZONE_KINDS];
};

/* Does the year say of its kind what the years before it said? */
static bool year_agrees(struct kinds *k, int64 year, const struct transition *list, int n)
{
	struct transition these[ZONE_YEARLY_MAX];
	int64_t start;
	uint32 kind = timezone_year_kind(year, &start);
	int i;

	if (k->count < 0)
		k->count = n;
	if (n != k->count || n > ZONE_YEARLY_MAX)
		return false;
	memset(these, 0, sizeof these);
	for (i = 0; i < n; i++) {
		these[i].at = list[i].at - start;
		these[i].offset = list[i].offset;
		these[i].name = list[i].name;
	}
	if (!k->seen[kind])
		memcpy(k->yearly[kind], these, sizeof these);
	k->seen[kind] = true;
	return memcmp(k->yearly[kind], these, sizeof these) == 0;
}

/* The first transition from that year on. */
static int first_from(const struct walk *w, int64 year)
{
	int64 start = year_start(year);
	int i = 0;

	while (i < w->n && w->list[i].at < start)
		i++;
	return i;
}

/* Does a table of the kinds of years say what happened from that year on? */
static bool by_kinds(struct kinds *k, const struct walk *w, int64 year)
{
	int at = first_from(w, year), n;

	memset(k, 0, sizeof *k);
	k->count = -1;
	for (; year < LATER_YEAR + REPEAT_YEARS; year++) {
		int64 end = year_start(year + 1);

		for (n = 0; at + n < w->n && w->list[at + n].at < end; n++)
			;
		if (!year_agrees(k, year, w->list + at, n))
			return false;
		at += n;
	}
	return true;
}

static void put(StringInfo s, const void *p, int n)
{
	appendBinaryStringInfo(s, p, n);
}

static void write_names(StringInfo s, const struct walk *w, int n, const struct kinds *k,
	int yearly)
{
	int kind, i;

	if (w->nnames)
		appendStringInfoChar(s, (char)w->before_name);
	for (i = 0; i < n && w->nnames; i++)
		appendStringInfoChar(s, (char)w->list[i].name);
	for (kind = 0; kind < ZONE_KINDS && w->nnames; kind++)
		for (i = 0; i < yearly; i++)
			appendStringInfoChar(s, (char)k->yearly[kind][i].name);
	put(s, w->names, (int)w->nnames * ZONE_NAME);
}

static void write_zone(StringInfo s, const struct walk *w)
{
	struct kinds k;
	bool always = by_kinds(&k, w, FIRST_YEAR);
	bool repeats = always || by_kinds(&k, w, LATER_YEAR);
	uint8 yearly = repeats ? (uint8)k.count : 0, nnames = (uint8)w->nnames;
	uint16 n = (uint16)(always ? 0 : repeats ? first_from(w, LATER_YEAR) : w->n);
	int64 later = year_start(always ? ALWAYS : LATER_YEAR);
	int kind, i;

	put(s, &w->before, 4);
	put(s, &n, 2);
	put(s, &yearly, 1);
	put(s, &nnames, 1);
	put(s, &later, 8);
	for (i = 0; i < n; i++) {
		put(s, &w->list[i].at, 8);
		put(s, &w->list[i].offset, 4);
	}
	for (kind = 0; kind < ZONE_KINDS; kind++)
		for (i = 0; i < yearly; i++) {
			int32 second = (int32)k.yearly[kind][i].at;

			put(s, &second, 4);
			put(s, &k.yearly[kind][i].offset, 4);
		}
	write_names(s, w, n, &k, yearly);
}

void zone_rules_of(StringInfo to, pg_tz *tz)
{
	struct walk w;

	walk_zone(&w, tz);
	write_zone(to, &w);
	pfree(w.list);
}

void zone_rules_fixed(StringInfo to, int32 east)
{
	struct walk w = {.before = east};

	write_zone(to, &w);
}

static struct {
	pg_tz *of;
	StringInfoData bytes;
	uint8_t digest[KEPT_DIGEST];
	bool sent; /* ops_server should have them */
} session;

const uint8_t *zone_rules(uint32_t *len)
{
	StringInfo bytes = &session.bytes;
	MemoryContext old;

	if (session.of != session_timezone) {
		old = MemoryContextSwitchTo(TopMemoryContext);
		session.of = NULL;
		if (!bytes->data)
			initStringInfo(bytes);
		resetStringInfo(bytes);
		zone_rules_of(bytes, session_timezone);
		MemoryContextSwitchTo(old);
		kept_digest(session.digest, (const uint8_t *)bytes->data, (uint32_t)bytes->len);
		session.sent = false;
		session.of = session_timezone;
	}
	*len = (uint32_t)bytes->len;
	return (const uint8_t *)bytes->data;
}

uint8_t zone_rules_cross(const void **data, uint32_t *len)
{
	*data = zone_rules(len);
	if (*len < KEEP_MIN || *len > KEPT_MAX)
		return 0;
	if (!session.sent) {
		session.sent = true;
		return ARG_ONE | ARG_KEEP;
	}
	*data = session.digest;
	*len = KEPT_DIGEST;
	return ARG_ONE | ARG_KEPT;
}

void zone_rules_unknown(void)
{
	session.sent = false;
}
