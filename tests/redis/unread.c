/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unread.c - a long SET behind GETs whose replies nobody has read.
 *
 * usage: unread REGION FROM TO
 *
 * For each number of GETs in FROM .. TO - 1 that fill the reply ring, by batches of 16 and
 * what is left over: the SET has to arrive whole, and every request be answered. Key `k`
 * has to hold 44 bytes. Prints how many rounds went well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cxlring.h"

enum { LONG = 100000, VALUE = 44 };

static int round_of(const char *region, int gets, const char *value)
{
	struct cxlring_options o = {.region = region};
	struct cxlring_view v;
	struct cxlring *c;
	char why[256];
	int i, rc = cxlring_open(&c, &o, why, sizeof why);

	if (rc) {
		fprintf(stderr, "%s\n", why);
		return rc;
	}
	for (i = 0; i < gets && !rc; i++)
		rc = cxlring_append_get(c, "k", 1);
	if (!rc)
		rc = cxlring_append_set(c, "long", 4, value, LONG, 0, 0);
	for (i = 0; i < 20 && !rc; i++) { /* its first parts go, and the rest has to wait */
		rc = cxlring_flush(c);
		usleep(100);
	}
	for (i = 0; i < gets && !rc; i++) {
		rc = cxlring_next(c, &v, -1);
		if (!rc && (v.type != CXLRING_STRING || v.len != VALUE))
			rc = -1;
	}
	if (!rc)
		rc = cxlring_next(c, &v, -1);
	if (!rc && v.type != CXLRING_STATUS)
		rc = -1;
	if (rc)
		fprintf(stderr, "%d GETs: %d %s\n", gets, rc, cxlring_why(c));
	cxlring_close(c);
	return rc;
}

int main(int argc, char **argv)
{
	int n, good = 0, from = argc == 4 ? atoi(argv[2]) : 0, to = argc == 4 ? atoi(argv[3]) : 0;
	char *value = malloc(LONG);

	memset(value, 'x', LONG);
	for (n = from; n < to; n++)
		good += round_of(argv[1], n, value) == 0;
	printf("%d\n", good);
	free(value);
	return 0;
}
