/* SPDX-License-Identifier: BSD-3-Clause */
#include "audit_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "audit.h"
#include "hedbctl.h"
#include "hex.h"

struct words {
	const char *word[2];
	int n;
	const char *key, *head;
};

static bool parse(struct words *w, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--key") == 0 && i + 1 < argc)
			w->key = argv[++i];
		else if (strcmp(argv[i], "--head") == 0 && i + 1 < argc)
			w->head = argv[++i];
		else if (strncmp(argv[i], "--", 2) != 0 && w->n < 2)
			w->word[w->n++] = argv[i];
		else
			return false;
	}
	return w->n == 2;
}

static int keygen(const char *path)
{
	struct err_text e = {""};
	int rc = signkey_create(path, &e);

	if (rc)
		return hedbctl_end(rc, &e);
	printf("%s for ops_server's --audit-key; %s.pub for whoever verifies\n", path, path);
	return 0;
}

/* "NUMBER:HASH" */
static bool parse_head(struct audit_chain *want, const char *text)
{
	char *at;

	want->number = strtoull(text, &at, 10);
	return want->number && *at == ':' &&
		hex_read(want->hash, AUDIT_HASH, at + 1, strlen(at + 1));
}

static void print_check(const struct audit_check *c)
{
	char hex[2 * AUDIT_HASH + 1];

	sodium_bin2hex(hex, sizeof hex, c->chain.hash, AUDIT_HASH);
	printf("segments %llu\nlines up to %llu\nsigned up to %llu\nhead %llu:%s\n",
		(unsigned long long)c->segments, (unsigned long long)c->chain.number,
		(unsigned long long)c->signed_to, (unsigned long long)c->chain.number, hex);
	if (c->torn)
		printf("half a line of %zu bytes at the end\n", c->torn);
}

static int verify(const struct words *w)
{
	struct audit_check c = {.begun = false};
	struct err_text e = {""};
	uint64_t segment;
	int rc;

	if (w->head && !parse_head(&c.want, w->head))
		return 2;
	rc = signkey_read_public(c.key, w->key, &e);
	if (!rc)
		rc = audit_check_dir(&c, w->word[1], false, &segment, &e);
	if (!rc && !segment) {
		err_set(&e, "%s: no audit log", w->word[1]);
		rc = -ENOENT;
	}
	if (!rc)
		rc = audit_check_head(&c, &e);
	if (!rc && !c.signed_to) {
		err_set(&e, "%s: no line of it is signed", w->word[1]);
		rc = -EBADMSG;
	}
	if (rc)
		return hedbctl_end(rc, &e);
	print_check(&c);
	return 0;
}

int audit_command(int argc, char **argv)
{
	struct words w = {.n = 0};

	if (!parse(&w, argc, argv))
		return 2;
	if (strcmp(w.word[0], "keygen") == 0 && !w.key && !w.head)
		return keygen(w.word[1]);
	if (strcmp(w.word[0], "verify") == 0 && w.key)
		return verify(&w);
	return 2;
}
