/* SPDX-License-Identifier: BSD-3-Clause */
#include "setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "region.h"

enum { LINE_MOST = 190 }; /* libinih takes what is behind 199 bytes for a line of its own */

struct reading {
	const struct settings *s;
	void *arg;
	const char *file;
	struct err_text *e;
};

bool set_string(char *to, size_t len, const char *value)
{
	if (strlen(value) >= len)
		return false;
	strcpy(to, value);
	return true;
}

bool set_number(unsigned *to, const char *value, unsigned min, unsigned max)
{
	char *end;
	unsigned long v = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || v < min || v > max)
		return false;
	*to = (unsigned)v;
	return true;
}

bool set_bool(bool *to, const char *value)
{
	*to = strcmp(value, "yes") == 0;
	return *to || strcmp(value, "no") == 0;
}

static int ini_line(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;

	if (r->s->set(r->arg, name, value))
		return 1;
	err_set(r->e, "%s: unknown setting or bad value: %s = %s", r->file, name, value);
	return 0;
}

/* Lines of a file, which may be a pipe: it is read once. */
struct lines {
	FILE *f;
	unsigned line, too_long; /* numbers; 0: none is */
};

/* A comment is not to be too long either: its end would count. */
static char *next_line(char *to, int size, void *arg)
{
	struct lines *l = arg;
	size_t len;

	if (!fgets(to, size, l->f))
		return NULL;
	l->line++;
	len = strcspn(to, "\n");
	if (len <= LINE_MOST && (to[len] || feof(l->f)))
		return to;
	l->too_long = l->line;
	return NULL;
}

static int parse_file(struct reading *r)
{
	struct lines l = {.f = fopen(r->file, "re")};
	int rc;

	if (!l.f)
		return -1;
	rc = ini_parse_stream(next_line, &l, ini_line, r);
	fclose(l.f);
	if (!l.too_long)
		return rc;
	err_set(r->e, "%s: line %u is longer than %d bytes", r->file, l.too_long, LINE_MOST);
	return (int)l.too_long;
}

static int read_file(struct reading *r)
{
	int rc;

	r->e->s[0] = 0;
	errno = 0;
	rc = parse_file(r);
	if (rc == 0)
		return 0;
	if (rc > 0) {
		if (!r->e->s[0])
			err_set(r->e, "%s: line %d is not `name = value`", r->file, rc);
		return -EINVAL;
	}
	rc = errno ? -errno : -EIO;
	err_set(r->e, "%s: %s", r->file, strerror(-rc));
	return rc;
}

/* --help, --version, and the file: before the options, which win. */
static int read_first(struct reading *r, char file[PATH_MAX], int argc, char **argv)
{
	int i, rc = 0;

	for (i = 1; i < argc && !rc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(r->s->help, stdout);
			return 1;
		}
		if (strcmp(argv[i], "--version") == 0) {
			printf("%s 1.0, region version %d\n", r->s->program, REGION_VERSION);
			return 1;
		}
		if (strcmp(argv[i], "--config") != 0 || i + 1 == argc)
			continue;
		if (!set_string(file, PATH_MAX, argv[i + 1])) {
			err_set(r->e, "--config: the name is too long");
			return -EINVAL;
		}
		rc = read_file(r);
	}
	return rc;
}

int setting_read(const struct settings *s, void *arg, char file[PATH_MAX], int argc, char **argv,
	struct err_text *e)
{
	struct reading r = {s, arg, file, e};
	int i, rc = read_first(&r, file, argc, argv);

	for (i = 1; i < argc && !rc; i += 2) {
		if (strncmp(argv[i], "--", 2) != 0 || i + 1 == argc) {
			err_set(e, "%s: not an option, or without its value; see --help", argv[i]);
			return -EINVAL;
		}
		if (strcmp(argv[i], "--config") == 0)
			continue;
		if (!s->set(arg, argv[i] + 2, argv[i + 1])) {
			err_set(e, "%s %s: unknown option or bad value; see --help", argv[i],
				argv[i + 1]);
			return -EINVAL;
		}
	}
	return rc;
}
