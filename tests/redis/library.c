/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * library.c - libcxlring as its user writes it: cxlring_command() and its pipelined kin.
 *
 * usage: library REGION
 *        library REGION USER PASSWORD    a stream: says who it is
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "print.h"

static void show(struct cxlring *c, int rc, struct cxlring_reply *r)
{
	if (rc)
		printf("%d %s\n", rc, cxlring_why(c));
	else
		print_tty(stdout, r);
	cxlring_free(r);
}

static void pipelined(struct cxlring *c)
{
	struct cxlring_view v;
	int i;

	for (i = 0; i < 3; i++)
		if (cxlring_append_command(c, "RPUSH %s item%d", "a list", i))
			exit(1);
	if (cxlring_append_command(c, "LRANGE %s 0 -1", "a list") || cxlring_flush(c))
		exit(1);
	while (cxlring_outstanding(c)) {
		int rc = cxlring_next(c, &v, -1);

		show(c, rc, rc ? NULL : cxlring_copy(&v));
	}
}

/* When the connection has long been there: what it is answered before comes by itself. */
static void stream(struct cxlring *c)
{
	static const char whoami[] = "ACL WHOAMI\r\n";
	struct cxlring_view v;
	int i, rc = cxlring_stream(c);

	for (i = 0; i < 2 && rc == 0; i++) {
		usleep(200000);
		rc = cxlring_stream_write(c, whoami, sizeof whoami - 1, 5000);
		if (rc == 0)
			rc = cxlring_stream_next(c, &v, 5000);
		if (rc == 0)
			printf("%.*s", (int)v.len, (const char *)v.data);
	}
	if (rc)
		printf("%d\n", rc);
}

int main(int argc, char **argv)
{
	struct cxlring_options o = {.region = argc > 1 ? argv[1] : NULL,
		.user = argc > 3 ? argv[2] : NULL,
		.password = argc > 3 ? argv[3] : NULL};
	struct cxlring *c = (struct cxlring *)(void *)argv; /* no pointer to close */
	struct cxlring_reply *r;
	char why[256];
	int rc = cxlring_open(&c, &o, why, sizeof why);

	if (rc) {
		printf("%d, %s\n", rc, c ? "something" : "nothing");
		cxlring_close(c);
		return 0;
	}
	if (argc > 3) {
		stream(c);
		cxlring_close(c);
		return 0;
	}
	rc = cxlring_command(c, &r, "SET user:%d %b", 7, "a\0b", (size_t)3);
	show(c, rc, r);
	rc = cxlring_command(c, &r, "GET user:%s", "7");
	show(c, rc, r);
	rc = cxlring_command(c, &r, "INCRBY user:%lld %s", 7ll, "one");
	show(c, rc, r);
	rc = cxlring_command(c, &r, "GET %y", 1);
	show(c, rc, r);
	rc = cxlring_command(c, &r, "EXISTS %s %s", "user:7", "no one");
	show(c, rc, r);
	pipelined(c);
	cxlring_close(c);
	return 0;
}
