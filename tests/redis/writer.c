/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * writer.c - writes until SIGTERM, and a ledger of what it sent and what was answered.
 *
 * usage: writer REGION TAG FIRST LEDGER
 *
 * INCRBY of n:TAG by 1 to 9, SET of s:TAG:I to I, RPUSH of I to l:TAG by CALL, one at a
 * time or in bursts; I counts up from FIRST and is never used twice. A write whose fate is
 * unknown is not repeated; the writer goes on with the server's successor, or waits for one.
 *
 * The ledger has a line for each before it can be seen by the server, and one for its
 * answer, so that it is right whenever the writer or the server is killed:
 *
 *     > set 17         sent, perhaps
 *     < set 17         acknowledged
 *     ! set 17 LOADING ...   refused
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cxlring.h"

enum { BURST = 40 };

enum op { INCR, SET, PUSH };

static const char *const names[] = {"incr", "set", "push"};
static const char *tag;
static int ledger;
static uint64_t rng = 1;
static long next_number;
static volatile sig_atomic_t stopped;

static struct write {
	enum op op;
	long number;
} todo[BURST];

static void on_term(int sig)
{
	stopped = 1;
}

static unsigned below(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)(rng >> 16) % n;
}

/* One write(2): whole or not at all. */
static void put(const char *text, size_t len)
{
	if (len && write(ledger, text, len) != (ssize_t)len) {
		perror("ledger");
		exit(2);
	}
}

static void note_sent(size_t n)
{
	char text[BURST * 40];
	size_t i, len = 0;

	for (i = 0; i < n; i++)
		len += (size_t)sprintf(text + len, "> %s %ld\n", names[todo[i].op], todo[i].number);
	put(text, len);
}

static void note_answer(const struct write *w, bool error, const char *why, size_t why_len)
{
	char text[400];
	int len = snprintf(text, sizeof text, "%c %s %ld%s%.*s\n", error ? '!' : '<', names[w->op],
		w->number, error ? " " : "", error ? (int)(why_len < 300 ? why_len : 300) : 0, why);

	put(text, (size_t)len);
}

static int append(struct cxlring *c, const struct write *w)
{
	char key[64], number[24];
	const char *argv[] = {"rpush", key, number};
	size_t n = (size_t)sprintf(number, "%ld", w->number);

	switch (w->op) {
	case INCR:
		return cxlring_append_incrby(c, key, (size_t)sprintf(key, "n:%s", tag), w->number);
	case SET:
		return cxlring_append_set(c, key, (size_t)sprintf(key, "s:%s:%ld", tag, w->number),
			number, n, 0, 0);
	default:
		sprintf(key, "l:%s", tag);
		return cxlring_append_call(c, 3, argv, NULL, 0);
	}
}

/* What the server refuses is an error, by whatever way it comes. */
static bool is_error(const struct cxlring_view *v)
{
	return v->type == CXLRING_ERROR || (v->type == CXLRING_ARRAY && v->data[0] == '-');
}

static int burst(struct cxlring *c, size_t n)
{
	struct cxlring_view v;
	size_t i;
	int rc = 0;

	for (i = 0; i < n; i++) {
		todo[i].op = n > 8 && below(4) ? SET : (enum op)below(3);
		todo[i].number = todo[i].op == INCR ? 1 + (long)below(9) : next_number++;
		rc = append(c, &todo[i]);
		if (rc)
			break; /* this one was not appended */
	}
	n = i;
	note_sent(n);
	if (rc == 0 || rc == -EAGAIN)
		rc = cxlring_flush(c);
	for (i = 0; rc == 0 && i < n; i++) {
		rc = cxlring_next(c, &v, -1);
		if (rc == 0)
			note_answer(&todo[i], is_error(&v), v.data, v.len);
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct cxlring_options o = {.region = argv[1], .timeout_ms = 30000};
	struct cxlring *c = NULL;
	char why[256];
	int rc;

	if (argc != 5)
		return 2;
	tag = argv[2];
	next_number = atol(argv[3]);
	rng = 0x9e3779b97f4a7c15ull * (uint64_t)(next_number + tag[0]);
	ledger = open(argv[4], O_WRONLY | O_CREAT | O_APPEND, 0600);
	signal(SIGTERM, on_term);
	while (!stopped) {
		if (!c && cxlring_open(&c, &o, why, sizeof why)) {
			c = NULL;
			usleep(10000); /* no server at the moment */
			continue;
		}
		rc = burst(c, below(2) ? 1 : 1 + below(BURST));
		if (rc == -ECONNRESET)
			continue; /* the next call connects to the successor */
		if (rc) {
			fprintf(stderr, "%s: %s\n", tag, cxlring_why(c));
			if (rc != -EOWNERDEAD)
				return 1;
			cxlring_close(c);
			c = NULL;
		}
	}
	if (c)
		cxlring_close(c);
	return 0;
}
