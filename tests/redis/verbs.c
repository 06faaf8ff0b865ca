/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs.c - commands from standard input, GET SET DEL EXISTS INCRBY PING by their own
 * frames, all others by CALL; replies as `redis-cli --no-raw` prints them.
 *
 * usage: verbs REGION [--acked FILE | --pipelined]
 *
 * --acked: append each command to FILE once its reply has come, for tests that kill the
 * server. --pipelined: as many requests under way as there is room for, not one. Ends
 * with 3 when the server went away.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "print.h"

static int set_flags(size_t n, char **w, unsigned *flags, int64_t *time)
{
	static const char *const names[] = {
		"NX", "XX", "GET", "KEEPTTL", "EX", "PX", "EXAT", "PXAT"};
	size_t i, k;

	for (i = 3; i < n; i++) {
		for (k = 0; k < 8 && strcasecmp(names[k], w[i]) != 0; k++)
			;
		if (k == 8 || (k >= 4 && ++i == n))
			return -1;
		*flags |= 1u << k;
		if (k >= 4)
			*time = strtoll(w[i], NULL, 10);
	}
	return 0;
}

static int run(struct cxlring *c, size_t n, char **w, size_t *lens,
	struct cxlring_reply **r)
{
	const char *const *v = (const char *const *)w;
	unsigned flags = 0;
	int64_t time = 0;
	char *end;

	if (strcasecmp(w[0], "get") == 0 && n == 2)
		return cxlring_get(c, w[1], lens[1], r);
	if (strcasecmp(w[0], "set") == 0 && n >= 3 && set_flags(n, w, &flags, &time) == 0)
		return cxlring_set(c, w[1], lens[1], w[2], lens[2], flags, time, r);
	if (strcasecmp(w[0], "incrby") == 0 && n == 3) {
		time = strtoll(w[2], &end, 10);
		if (!*end)
			return cxlring_incrby(c, w[1], lens[1], time, r);
	}
	if (strcasecmp(w[0], "del") == 0 && n >= 2)
		return cxlring_del(c, n - 1, v + 1, lens + 1, r);
	if (strcasecmp(w[0], "exists") == 0 && n >= 2)
		return cxlring_exists(c, n - 1, v + 1, lens + 1, r);
	if (strcasecmp(w[0], "ping") == 0 && n == 1)
		return cxlring_ping(c, r);
	if (strcasecmp(w[0], "auth") == 0 && (n == 2 || n == 3))
		return cxlring_auth(c, n == 3 ? w[1] : NULL, w[n - 1], r);
	return cxlring_call(c, n, v, lens, 0, r);
}

/* "select N": each request behind it names database N. Not a request itself. */
static bool selects(struct cxlring *c, size_t n, char **w)
{
	if (strcasecmp(w[0], "select") != 0 || n != 2)
		return false;
	if (cxlring_select(c, atoi(w[1])))
		printf("failed: %s\n", cxlring_why(c));
	return true;
}

/* DEL and EXISTS of many keys have no call of their own here, and go as CALL. */
static int append(struct cxlring *c, size_t n, char **w, size_t *lens)
{
	unsigned flags = 0;
	int64_t time = 0;
	char *end;

	if (selects(c, n, w))
		return 0;
	if (strcasecmp(w[0], "get") == 0 && n == 2)
		return cxlring_append_get(c, w[1], lens[1]);
	if (strcasecmp(w[0], "set") == 0 && n >= 3 && set_flags(n, w, &flags, &time) == 0)
		return cxlring_append_set(c, w[1], lens[1], w[2], lens[2], flags, time);
	if (strcasecmp(w[0], "incrby") == 0 && n == 3) {
		time = strtoll(w[2], &end, 10);
		if (!*end)
			return cxlring_append_incrby(c, w[1], lens[1], time);
	}
	if (strcasecmp(w[0], "del") == 0 && n == 2)
		return cxlring_append_del(c, w[1], lens[1]);
	if (strcasecmp(w[0], "exists") == 0 && n == 2)
		return cxlring_append_exists(c, w[1], lens[1]);
	if (strcasecmp(w[0], "ping") == 0 && n == 1)
		return cxlring_append_ping(c);
	return cxlring_append_call(c, n, (const char *const *)w, lens, 0);
}

/* Replies: all that are there, and at least one when `wait`. */
static int take(struct cxlring *c, bool wait)
{
	struct cxlring_view v;
	struct cxlring_reply *r;
	int rc;

	while ((rc = cxlring_next(c, &v, wait ? -1 : 0)) == 0) {
		r = cxlring_copy(&v);
		if (!r)
			return -EPROTO;
		print_tty(stdout, r);
		cxlring_free(r);
		wait = false;
	}
	return rc == -EAGAIN || rc == -ENODATA ? 0 : rc;
}

static int pipelined(struct cxlring *c)
{
	char *line = NULL;
	size_t cap = 0, n, *lens;
	int rc = 0;

	while (rc == 0 && getline(&line, &cap, stdin) > 0) {
		char **w = split_line(line, &n, &lens);

		while (w && n && (rc = append(c, n, w, lens)) == -EAGAIN) {
			rc = cxlring_flush(c);
			if (rc == 0)
				rc = take(c, true);
			if (rc)
				break;
		}
		split_free(w, lens);
	}
	if (rc == 0)
		rc = cxlring_flush(c);
	while (rc == 0 && cxlring_outstanding(c))
		rc = take(c, true);
	free(line);
	if (rc)
		printf("failed: %s\n", cxlring_why(c));
	cxlring_close(c);
	return rc != 0;
}

int main(int argc, char **argv)
{
	struct cxlring_options o = {.region = argc > 1 ? argv[1] : NULL, .timeout_ms = 20000};
	FILE *acked = argc > 3 ? fopen(argv[3], "a") : NULL;
	struct cxlring_reply *r;
	struct cxlring *c;
	char why[256], *line = NULL;
	size_t cap = 0, n, *lens;
	int rc;

	rc = cxlring_open(&c, &o, why, sizeof why);
	if (rc) {
		printf("not connected: %s\n", why);
		return 2;
	}
	if (argc > 2 && strcmp(argv[2], "--pipelined") == 0)
		return pipelined(c);
	setvbuf(stdout, NULL, acked ? _IOFBF : _IOLBF, 1 << 16);
	while (getline(&line, &cap, stdin) > 0) {
		char **w = split_line(line, &n, &lens);

		if (!w || n == 0 || selects(c, n, w)) {
			split_free(w, lens);
			continue;
		}
		rc = run(c, n, w, lens, &r);
		split_free(w, lens);
		if (rc) {
			printf("failed: %s\n", cxlring_why(c));
			break;
		}
		print_tty(stdout, r);
		if (acked && r->type != CXLRING_ERROR) {
			fputs(line, acked);
			fflush(acked);
		}
		cxlring_free(r);
	}
	free(line);
	cxlring_close(c);
	return rc == -ECONNRESET || rc == -EOWNERDEAD ? 3 : rc != 0;
}
