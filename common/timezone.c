/* SPDX-License-Identifier: BSD-3-Clause */
#include "timezone.h"

#include "calendar.h"
#include "cursor.h"

const struct timezone_rules timezone_utc = {.later = INT64_MAX};

/* Seconds are those of timestamps at most, and a day more to either side. */
enum { YEARS_MAX = 300000 };
#define SECONDS_MAX ((int64_t)YEARS_MAX * 366 * DAY_SECONDS)

static int64_t transition_at(const struct timezone_rules *z, uint32_t i)
{
	int64_t at;

	memcpy(&at, z->transitions + (size_t)i * ZONE_TRANSITION, sizeof at);
	return at;
}

static int32_t offset_after(const struct timezone_rules *z, uint32_t i)
{
	int32_t offset;

	memcpy(&offset, z->transitions + (size_t)i * ZONE_TRANSITION + 8, sizeof offset);
	return offset;
}

static void yearly(const struct timezone_rules *z, uint32_t kind, uint32_t i,
	int32_t *second, int32_t *offset)
{
	const uint8_t *p = z->yearly + ((size_t)kind * z->k + i) * ZONE_YEARLY;

	memcpy(second, p, 4);
	memcpy(offset, p + 4, 4);
}

bool timezone_parse(struct timezone_rules *z, const uint8_t *in, size_t len)
{
	struct cursor c = cursor_of(in, len);
	struct timezone_rules r;

	memset(&r, 0, sizeof r);
	r.before = (int32_t)cursor_u32(&c);
	r.n = cursor_u16(&c);
	r.k = cursor_u8(&c);
	r.m = cursor_u8(&c);
	if (r.k > ZONE_YEARLY_MAX)
		return false;
	r.later = (int64_t)cursor_u64(&c);
	if (!r.k)
		r.later = INT64_MAX;
	r.transitions = cursor_bytes(&c, (size_t)r.n * ZONE_TRANSITION);
	r.yearly = cursor_bytes(&c, (size_t)ZONE_KINDS * r.k * ZONE_YEARLY);
	if (r.m) {
		r.which = cursor_bytes(&c, 1 + (size_t)r.n + ZONE_KINDS * r.k);
		r.names = cursor_bytes(&c, (size_t)r.m * ZONE_NAME);
	}
	if (c.bad || c.left)
		return false;
	*z = r;
	return true;
}

uint32_t timezone_year_kind(int64_t year, int64_t *start)
{
	int64_t first = days_of(year, 1, 1);

	*start = (first + UNIX_DAYS_2000) * DAY_SECONDS;
	return (uint32_t)(month_days(year, 2) - 28) * 7 + (uint32_t)day_of_week(first);
}

/* What holds at t, and where it ends. */
struct stretch {
	uint32_t which; /* place of its name, see timezone.h */
	int32_t offset, next;
	int64_t end;
	bool ends;
};

static struct stretch later_stretch(const struct timezone_rules *z, int64_t t)
{
	struct moment m;
	struct stretch s = {.ends = true};
	int32_t second;
	uint32_t kind, i;
	int64_t start;

	moment_set_date(&m, floor_div(t, DAY_SECONDS) - UNIX_DAYS_2000);
	kind = timezone_year_kind(m.year, &start);
	yearly(z, kind, z->k - 1, &second, &s.offset); /* as the year before ended */
	s.which = 1 + z->n + kind * z->k + z->k - 1;
	for (i = 0; i < z->k; i++) {
		yearly(z, kind, i, &second, &s.next);
		s.end = start + second;
		if (t < s.end)
			return s;
		s.offset = s.next;
		s.which = 1 + z->n + kind * z->k + i;
	}
	kind = timezone_year_kind(m.year + 1, &start);
	yearly(z, kind, 0, &second, &s.next);
	s.end = start + second;
	return s;
}

/* The first transition after t; n when there is none. */
static uint32_t transition_after(const struct timezone_rules *z, int64_t t)
{
	uint32_t low = 0, high = z->n;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (transition_at(z, mid) <= t)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct stretch stretch_at(const struct timezone_rules *z, int64_t t)
{
	struct stretch s = {0};
	uint32_t i;

	if (t > SECONDS_MAX)
		t = SECONDS_MAX;
	if (t < -SECONDS_MAX)
		t = -SECONDS_MAX;
	if (t >= z->later)
		return later_stretch(z, t);
	i = transition_after(z, t);
	s.offset = i ? offset_after(z, i - 1) : z->before;
	s.which = i;
	s.ends = i < z->n || z->k;
	if (i < z->n) {
		s.end = transition_at(z, i);
		s.next = offset_after(z, i);
	} else if (z->k) {
		struct stretch first = later_stretch(z, z->later);

		s.end = first.end;
		s.next = first.next;
	}
	return s;
}

int32_t timezone_offset(const struct timezone_rules *z, int64_t t)
{
	return stretch_at(z, t).offset;
}

size_t timezone_name(const struct timezone_rules *z, int64_t t, const uint8_t **name)
{
	uint8_t which;

	if (!z->m)
		return 0;
	which = z->which[stretch_at(z, t).which];
	if (which >= z->m)
		return 0;
	*name = z->names + (size_t)which * ZONE_NAME;
	return strnlen((const char *)*name, ZONE_NAME);
}

int32_t timezone_offset_local(const struct timezone_rules *z, int64_t local)
{
	/* Clocks are less than a day off and change at most once in two days. */
	struct stretch s = stretch_at(z, local - DAY_SECONDS);
	int64_t before, after;

	if (!s.ends)
		return s.offset;
	before = local - s.offset;
	after = local - s.next;
	if (before < s.end && after < s.end)
		return s.offset;
	if (before > s.end && after >= s.end)
		return s.next;
	return before > after ? s.offset : s.next;
}
