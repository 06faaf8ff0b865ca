/* SPDX-License-Identifier: BSD-3-Clause */
#include "datefield.h"

#include <string.h>

enum { NAME_MAX = 10 };

struct name {
	char text[NAME_MAX + 1];
	uint8_t field;
};

/* Units of time; two words of intervals hide what stands for them below. */
static const struct name units[] = {
	{"@", FIELD_UNKNOWN}, {"ago", FIELD_UNKNOWN},
	{"c", FIELD_CENTURY}, {"cent", FIELD_CENTURY}, {"centuries", FIELD_CENTURY},
	{"century", FIELD_CENTURY}, {"d", FIELD_DAY}, {"day", FIELD_DAY}, {"days", FIELD_DAY},
	{"dec", FIELD_DECADE}, {"decade", FIELD_DECADE}, {"decades", FIELD_DECADE},
	{"decs", FIELD_DECADE}, {"h", FIELD_HOUR}, {"hour", FIELD_HOUR}, {"hours", FIELD_HOUR},
	{"hr", FIELD_HOUR}, {"hrs", FIELD_HOUR}, {"m", FIELD_MINUTE},
	{"microsecon", FIELD_MICROSECONDS}, {"mil", FIELD_MILLENNIUM},
	{"millennia", FIELD_MILLENNIUM}, {"millennium", FIELD_MILLENNIUM},
	{"millisecon", FIELD_MILLISECONDS}, {"mils", FIELD_MILLENNIUM}, {"min", FIELD_MINUTE},
	{"mins", FIELD_MINUTE}, {"minute", FIELD_MINUTE}, {"minutes", FIELD_MINUTE},
	{"mon", FIELD_MONTH}, {"mons", FIELD_MONTH}, {"month", FIELD_MONTH},
	{"months", FIELD_MONTH}, {"ms", FIELD_MILLISECONDS}, {"msec", FIELD_MILLISECONDS},
	{"msecond", FIELD_MILLISECONDS}, {"mseconds", FIELD_MILLISECONDS},
	{"msecs", FIELD_MILLISECONDS}, {"qtr", FIELD_QUARTER}, {"quarter", FIELD_QUARTER},
	{"s", FIELD_SECOND}, {"sec", FIELD_SECOND}, {"second", FIELD_SECOND},
	{"seconds", FIELD_SECOND}, {"secs", FIELD_SECOND}, {"timezone", FIELD_ZONE},
	{"timezone_h", FIELD_ZONE_HOUR}, {"timezone_m", FIELD_ZONE_MINUTE},
	{"us", FIELD_MICROSECONDS}, {"usec", FIELD_MICROSECONDS},
	{"usecond", FIELD_MICROSECONDS}, {"useconds", FIELD_MICROSECONDS},
	{"usecs", FIELD_MICROSECONDS}, {"w", FIELD_WEEK}, {"week", FIELD_WEEK},
	{"weeks", FIELD_WEEK}, {"y", FIELD_YEAR}, {"year", FIELD_YEAR}, {"years", FIELD_YEAR},
	{"yr", FIELD_YEAR}, {"yrs", FIELD_YEAR},
};

static const struct name others[] = {
	{"dow", FIELD_DOW}, {"doy", FIELD_DOY}, {"epoch", FIELD_EPOCH},
	{"isodow", FIELD_ISODOW}, {"isoyear", FIELD_ISOYEAR}, {"j", FIELD_JULIAN},
	{"jd", FIELD_JULIAN}, {"julian", FIELD_JULIAN}, {"mm", FIELD_MINUTE},
	{"-infinity", FIELD_RESERVED}, {"allballs", FIELD_RESERVED},
	{"infinity", FIELD_RESERVED}, {"now", FIELD_RESERVED}, {"today", FIELD_RESERVED},
	{"tomorrow", FIELD_RESERVED}, {"yesterday", FIELD_RESERVED},
};

static const struct name *find(const struct name *in, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(in[i].text, name) == 0)
			return &in[i];
	return NULL;
}

enum datefield datefield_of(const uint8_t *name, uint32_t len, bool extract)
{
	char low[NAME_MAX + 1];
	const struct name *found;
	uint32_t i;

	for (i = 0; i < len && i < NAME_MAX; i++)
		low[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
	low[i] = 0;
	found = find(units, sizeof units / sizeof units[0], low);
	if (!found && extract)
		found = find(others, sizeof others / sizeof others[0], low);
	return found ? found->field : FIELD_UNKNOWN;
}
