/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_props.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum type { COUNT, SHARE, BOOL, REQUEST, LENGTH, ORDER, TEXT, CORE, IGNORED };

#define MILLIONS 1000000ull
#define AT(member) offsetof(struct props, member)

/* `max` of a text: its bytes, with the zero at the end. */
static const struct property {
	const char *name;
	enum type type;
	size_t at;
	uint64_t min, max;
} table[] = {
	{"recordcount", COUNT, AT(records), 1, 1000000 * MILLIONS},
	{"operationcount", COUNT, AT(operations), 1, 1000000 * MILLIONS},
	{"insertstart", COUNT, AT(insert_start), 0, 1000000 * MILLIONS},
	{"insertcount", COUNT, AT(insert_count), 1, 1000000 * MILLIONS},
	{"fieldcount", COUNT, AT(fields), 1, 1000},
	{"fieldlength", COUNT, AT(field_max), 1, 64 * MILLIONS},
	{"minfieldlength", COUNT, AT(field_min), 1, 64 * MILLIONS},
	{"minscanlength", COUNT, AT(scan_min), 1, MILLIONS},
	{"maxscanlength", COUNT, AT(scan_max), 1, MILLIONS},
	{"zeropadding", COUNT, AT(zero_padding), 0, 20},
	{"threadcount", COUNT, AT(threads), 1, 1024},
	{"target", COUNT, AT(target), 0, 1000 * MILLIONS},
	{"maxexecutiontime", COUNT, AT(seconds), 0, MILLIONS},
	{"readproportion", SHARE, AT(share[YCSB_READ]), 0, 1},
	{"updateproportion", SHARE, AT(share[YCSB_UPDATE]), 0, 1},
	{"insertproportion", SHARE, AT(share[YCSB_INSERT]), 0, 1},
	{"scanproportion", SHARE, AT(share[YCSB_SCAN]), 0, 1},
	{"readmodifywriteproportion", SHARE, AT(share[YCSB_RMW]), 0, 1},
	{"deleteproportion", SHARE, AT(share[YCSB_DELETE]), 0, 1},
	{"readallfields", BOOL, AT(read_all), 0, 0},
	{"writeallfields", BOOL, AT(write_all), 0, 0},
	{"requestdistribution", REQUEST, AT(request), 0, 0},
	{"fieldlengthdistribution", LENGTH, AT(field_length), 0, 0},
	{"scanlengthdistribution", LENGTH, AT(scan_length), 0, 0},
	{"insertorder", ORDER, AT(hashed), 0, 0},
	{"fieldnameprefix", TEXT, AT(field_prefix), 0, sizeof ((struct props *)0)->field_prefix},
	{"workload", CORE, 0, 0, 0},
	{"table", IGNORED, 0, 0, 0}, /* Redis has none, YCSB's binding ignores it as well */
	{"dataintegrity", IGNORED, 0, 0, 0}, /* every reply is checked anyway */
	{"measurementtype", IGNORED, 0, 0, 0},
	{"exporter", IGNORED, 0, 0, 0},
	{"exportfile", IGNORED, 0, 0, 0},
	{"db", IGNORED, 0, 0, 0},
};

void props_init(struct props *p)
{
	*p = (struct props){.share = {[YCSB_READ] = 0.95, [YCSB_UPDATE] = 0.05},
		.records = 1000, .operations = 1000, .fields = 10, .field_min = 1, .field_max = 100,
		.scan_min = 1, .scan_max = 1000, .zero_padding = 1, .request = DIST_UNIFORM,
		.field_length = LENGTH_CONSTANT, .scan_length = LENGTH_UNIFORM, .read_all = true,
		.hashed = true, .field_prefix = "field", .name = "core"};
}

/* ---- values ---- */

static bool take_count(const struct property *x, struct props *p, const char *v)
{
	uint64_t n = 0;
	size_t digits = strspn(v, "0123456789");

	if (digits == 0 || digits > 18 || v[digits])
		return false;
	n = strtoull(v, NULL, 10);
	if (n < x->min || n > x->max)
		return false;
	*(uint64_t *)((char *)p + x->at) = n;
	return true;
}

static bool take_share(const struct property *x, struct props *p, const char *v)
{
	char *end;
	double d = strtod(v, &end);

	/* strtod() also reads signs, exponents, hexadecimal, "nan" and "inf" */
	if (end == v || *end || v[strspn(v, "0123456789.")] || d > 1)
		return false;
	*(double *)((char *)p + x->at) = d;
	return true;
}

/* Which of the names; -1: none. */
static int choose(const char *v, const char *const *names, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (strcmp(v, names[i]) == 0)
			return i;
	return -1;
}

static bool take_word(const struct property *x, struct props *p, const char *v)
{
	static const char *const lengths[] = {"constant", "uniform", "zipfian"};
	static const char *const bools[] = {"false", "true"}, *const orders[] = {"ordered", "hashed"};
	void *at = (char *)p + x->at;
	int i;

	switch (x->type) {
	case REQUEST:
		return dist_parse(v, at) && p->request != DIST_SEQUENTIAL;
	case LENGTH:
		i = choose(v, lengths, 3);
		*(enum props_length *)at = i < 0 ? LENGTH_CONSTANT : (enum props_length)i;
		return i >= (at == &p->scan_length); /* a scan's length is not constant */
	default:
		i = choose(v, x->type == BOOL ? bools : orders, 2);
		*(bool *)at = i > 0;
		return i >= 0;
	}
}

static bool take(const struct property *x, struct props *p, const char *v)
{
	switch (x->type) {
	case COUNT:
		return take_count(x, p, v);
	case SHARE:
		return take_share(x, p, v);
	case TEXT:
		if (strlen(v) >= x->max)
			return false;
		strcpy((char *)p + x->at, v);
		return true;
	case CORE:
		return strcmp(v, "site.ycsb.workloads.CoreWorkload") == 0 ||
			   strcmp(v, "com.yahoo.ycsb.workloads.CoreWorkload") == 0;
	case IGNORED:
		return true;
	default:
		return take_word(x, p, v);
	}
}

/* What it takes, for people. */
static void explain(const struct property *x, char *out, size_t len)
{
	switch (x->type) {
	case COUNT:
		snprintf(out, len, "a whole number from %llu to %llu", (unsigned long long)x->min,
			(unsigned long long)x->max);
		break;
	case SHARE:
		snprintf(out, len, "a number from 0 to 1");
		break;
	case BOOL:
		snprintf(out, len, "true or false");
		break;
	case REQUEST:
		snprintf(out, len, "uniform, zipfian or latest");
		break;
	case LENGTH:
		snprintf(out, len, "%suniform or zipfian",
			x->at == AT(scan_length) ? "" : "constant, ");
		break;
	case ORDER:
		snprintf(out, len, "hashed or ordered");
		break;
	case CORE:
		snprintf(out, len, "site.ycsb.workloads.CoreWorkload");
		break;
	default:
		snprintf(out, len, "up to %llu bytes", (unsigned long long)x->max - 1);
	}
}

static bool set(struct props *p, const char *name, const char *value, const char *where,
	char *why, size_t len)
{
	const struct property *x;
	char wanted[80];

	for (x = table; x < table + sizeof table / sizeof *table; x++) {
		if (strcmp(x->name, name) != 0)
			continue;
		if (take(x, p, value))
			return true;
		explain(x, wanted, sizeof wanted);
		snprintf(why, len, "%s: %s takes %s, not \"%.60s\"", where, name, wanted, value);
		return false;
	}
	if (strchr(name, '.'))
		return true;
	snprintf(why, len, "%s: no property \"%.60s\"", where, name);
	return false;
}

/* ---- lines ---- */

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		*--end = 0;
	return s + strspn(s, " \t\f");
}

/* name=value, name:value or name value, as Java reads it; a name alone is empty. Into the
 * line itself. */
static bool assign(struct props *p, char *line, const char *where, char *why, size_t len)
{
	char *name = trim(line), *end = name + strcspn(name, "=: \t\f"), *value = end;

	if (*name == 0 || *name == '#' || *name == '!')
		return true;
	value += strspn(value, " \t\f");
	if (*value == '=' || *value == ':')
		value++;
	value += strspn(value, " \t\f");
	*end = 0;
	if (strchr(name, '\\') || strchr(value, '\\')) {
		snprintf(why, len, "%s: a backslash: escapes and continued lines are not read", where);
		return false;
	}
	return set(p, name, value, where, why, len);
}

bool props_set(struct props *p, const char *assignment, char *why, size_t len)
{
	char *line = strdup(assignment), where[] = "-p";
	bool ok;

	if (!strchr(assignment, '=') || *assignment == '=') {
		free(line);
		snprintf(why, len, "-p takes name=value, not \"%.60s\"", assignment);
		return false;
	}
	ok = line && assign(p, line, where, why, len);
	free(line);
	return ok;
}

bool props_load(struct props *p, const char *path, char *why, size_t len)
{
	const char *base = strrchr(path, '/');
	FILE *f = fopen(path, "re");
	char *line = NULL, where[200];
	size_t size = 0;
	unsigned n = 0;
	bool ok = true;

	errno = f ? 0 : errno;
	while (f && ok && getline(&line, &size, f) >= 0) {
		snprintf(where, sizeof where, "%.150s, line %u", path, ++n);
		ok = assign(p, line, where, why, len);
	}
	if (ok && (!f || ferror(f))) {
		snprintf(why, len, "%s: %s", path, strerror(errno));
		ok = false;
	}
	snprintf(p->name, sizeof p->name, "%s", base ? base + 1 : path);
	free(line);
	if (f)
		fclose(f);
	return ok;
}

bool props_check(struct props *p, char *why, size_t len)
{
	double sum = 0;
	int i;

	for (i = 0; i < YCSB_KINDS; i++)
		sum += p->share[i];
	if (!p->insert_count && p->insert_start < p->records)
		p->insert_count = p->records - p->insert_start;
	if (sum <= 0)
		snprintf(why, len, "no operation has a proportion above 0");
	else if (p->scan_min > p->scan_max)
		snprintf(why, len, "minscanlength is above maxscanlength");
	else if (p->field_length != LENGTH_CONSTANT && p->field_min > p->field_max)
		snprintf(why, len, "minfieldlength is above fieldlength");
	else if (!p->insert_count || p->insert_start + p->insert_count > p->records)
		snprintf(why, len, "insertstart and insertcount go beyond recordcount");
	else
		return true;
	return false;
}
