/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * patient.c - one connection of libcxlring that asks on whatever happens.
 *
 * usage: patient REGION USER PASSWORD < lines of "get KEY" or "long KEY"
 *
 * One line for each: the value, "(nil)", or what went wrong. `long` sets a value of 1 MB.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxlring.h"

enum { LONG = 1000000, TIMEOUT_MS = 1000 };

static void ask(struct cxlring *c, const char *verb, const char *key, const char *value)
{
	struct cxlring_reply *r = NULL;
	int rc;

	if (strcmp(verb, "get") == 0)
		rc = cxlring_get(c, key, strlen(key), &r);
	else
		rc = cxlring_set(c, key, strlen(key), value, LONG, 0, 0, &r);
	if (rc)
		printf("%s\n", cxlring_why(c));
	else
		printf("%s\n", r->str ? r->str : "(nil)");
	cxlring_free(r);
}

int main(int argc, char **argv)
{
	struct cxlring_options o = {.timeout_ms = TIMEOUT_MS};
	char verb[16], key[64], why[256], *value = malloc(LONG);
	struct cxlring *c;

	if (argc != 4 || !value)
		return 2;
	memset(value, 'x', LONG);
	o.region = argv[1];
	o.user = argv[2];
	o.password = argv[3];
	if (cxlring_open(&c, &o, why, sizeof why)) {
		printf("not connected: %s\n", why);
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (scanf("%15s %63s", verb, key) == 2)
		ask(c, verb, key, value);
	cxlring_close(c);
	free(value);
	return 0;
}
