/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * copied.c - a sealed connection whose process is copied while a request is on its way.
 *
 * usage: copied REGION CERT KEY CA FILE
 *
 * FILE has the generation id, as CXL_GENERATION says as well. Counts up x:copied: by a request that
 * is answered, by one that is appended when the id changes, by one afterwards. Prints what became of
 * each and whether that took less than the timeout.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cxlring.h"

enum { TIMEOUT_MS = 20000 };

static void other_id(const char *file)
{
	unsigned long long id[2] = {(unsigned long long)time(NULL), (unsigned long long)getpid()};
	int fd = open(file, O_WRONLY);

	if (fd < 0 || pwrite(fd, id, sizeof id, 0) != sizeof id)
		exit(2);
	close(fd);
}

static void say(const char *what, int rc, const struct cxlring_view *v, time_t since)
{
	if (rc == 0)
		printf("%s %lld", what, (long long)v->integer);
	else
		printf("%s %s", what, rc == -ECONNRESET ? "lost" : rc == -ETIMEDOUT ? "timeout" : "?");
	puts(time(NULL) - since < TIMEOUT_MS / 1000 / 2 ? "" : " late");
}

static int count(struct cxlring *c)
{
	return cxlring_append_incrby(c, "x:copied", 8, 1);
}

int main(int argc, char **argv)
{
	struct cxlring_options o = {.region = argv[1], .secure = 1, .cert = argv[2], .key = argv[3],
		.ca = argv[4], .timeout_ms = TIMEOUT_MS};
	struct cxlring_view v = {0};
	struct cxlring *c;
	time_t since = time(NULL);
	char why[256];
	int rc = argc == 6 ? cxlring_open(&c, &o, why, sizeof why) : -1;

	if (rc) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	rc = count(c);
	say("before", rc ? rc : cxlring_next(c, &v, -1), &v, since);
	rc = count(c);
	other_id(argv[5]);
	say("meanwhile", rc ? rc : cxlring_next(c, &v, -1), &v, since);
	printf("of %zu nothing is known\n", cxlring_lost(c));
	rc = count(c);
	say("after", rc ? rc : cxlring_next(c, &v, -1), &v, since);
	cxlring_close(c);
	return 0;
}
