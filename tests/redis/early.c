/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * early.c - a sealed connection that becomes a stream and says at once what to do.
 *
 * usage: early REGION CERT KEY CA
 *
 * Opens it, says so, waits for a line of standard input, and sends SET x:early by a stream,
 * without waiting for anything. Prints what came back until the stream ended, or for a second.
 */
#include <stdio.h>
#include <string.h>

#include "cxlring.h"

int main(int argc, char **argv)
{
	static const char set[] = "SET x:early 1\r\n";
	struct cxlring_options o = {.region = argv[1], .secure = 1, .cert = argv[2], .key = argv[3],
		.ca = argv[4]};
	struct cxlring_view v;
	struct cxlring *c;
	char why[256], line[16];
	int rc = argc == 5 ? cxlring_open(&c, &o, why, sizeof why) : -1;

	if (rc) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	puts("open");
	fflush(stdout);
	if (!fgets(line, sizeof line, stdin))
		return 1;
	rc = cxlring_stream(c);
	if (!rc)
		rc = cxlring_stream_write(c, set, sizeof set - 1, 1000);
	while (!rc && (rc = cxlring_stream_next(c, &v, 1000)) == 0)
		printf("%.*s", (int)v.len, v.data);
	cxlring_close(c);
	return 0;
}
