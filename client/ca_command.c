/* SPDX-License-Identifier: BSD-3-Clause */
#include "ca_command.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ca.h"
#include "hedbctl.h"
#include "option.h"

struct words {
	const char *word[3];
	int n;
	const char *roles;
	unsigned days; /* 0: as usual */
	unsigned seconds; /* 0: in days */
};

static bool parse(struct words *w, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0) {
			if (w->n == 3)
				return false;
			w->word[w->n++] = argv[i];
		} else if (strcmp(argv[i], "--role") == 0 && i + 1 < argc) {
			w->roles = argv[++i];
		} else if (strcmp(argv[i], "--days") == 0 && i + 1 < argc) {
			w->days = (unsigned)option_number("--days", argv[++i], 1, 36500);
		} else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
			w->seconds = (unsigned)option_number("--seconds", argv[++i], 1, 86400);
		} else {
			return false;
		}
	}
	return w->n >= 2;
}

static int init(const struct words *w)
{
	struct err_text e = {""};
	int rc = ca_init(w->word[1], w->days ? w->days : CA_DAYS, &e);

	if (!rc)
		printf("%s: ca.pem for everybody, ca.key for nobody else; keep this directory off "
		       "the machines of the zone\n", w->word[1]);
	return hedbctl_end(rc, &e);
}

static int issue(const struct words *w)
{
	struct err_text e = {""};
	unsigned days = w->days ? w->days : CA_ISSUE_DAYS;
	int rc = w->seconds
		? ca_issue_for(w->word[1], w->word[2], w->roles, w->seconds, &e)
		: ca_issue(w->word[1], w->word[2], w->roles, days, &e);

	if (!rc)
		printf("%s/%s.pem and .key: %s\n", w->word[1], w->word[2], w->roles);
	return hedbctl_end(rc, &e);
}

static int revoke(const struct words *w)
{
	struct err_text e = {""};
	int rc = ca_revoke(w->word[1], w->word[2], &e);

	if (!rc)
		printf("%s/crl.pem: give it to servers and clients, and SIGHUP ops_server\n",
			w->word[1]);
	return hedbctl_end(rc, &e);
}

int ca_command(int argc, char **argv)
{
	struct words w = {.n = 0};
	struct err_text e = {""};

	if (!parse(&w, argc, argv))
		return 2;
	if (strcmp(w.word[0], "init") == 0 && w.n == 2 && !w.roles && !w.seconds)
		return init(&w);
	if (strcmp(w.word[0], "issue") == 0 && w.n == 3 && w.roles && !(w.days && w.seconds))
		return issue(&w);
	if (strcmp(w.word[0], "revoke") == 0 && w.n == 3 && !w.roles && !w.days && !w.seconds)
		return revoke(&w);
	if (strcmp(w.word[0], "list") == 0 && w.n == 2 && !w.roles && !w.days && !w.seconds)
		return hedbctl_end(ca_list(w.word[1], stdout, &e), &e);
	return 2;
}
