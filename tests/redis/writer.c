/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * writer.c - writes until SIGTERM, and a ledger of what it sent and what was answered.
 *
 * usage: writer REGION TAG FIRST LEDGER
 *        writer socket:PATH TAG FIRST LEDGER    the same by a socket, for comparison
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

#include <hiredis/hiredis.h>

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

/* What the server refuses is an error, by whatever way it comes. */
struct answer {
	bool error;
	const char *text;
	size_t len;
};

/*
 * One way to the server. open: -1 when there is none at the moment. next: the answer to
 * the oldest, 0, or why there will be none: -ECONNRESET, and the fate of all is unknown.
 */
struct way {
	int (*open)(const char *where);
	int (*append)(const struct write *w); /* -EAGAIN: no room for this one */
	int (*flush)(void);
	int (*next)(struct answer *a);
	int (*failed)(int rc); /* 0: go on; else the exit status */
};

/* ---- by the ring ---- */

static struct cxlring *ring;

static int ring_open(const char *where)
{
	struct cxlring_options o = {.region = where, .timeout_ms = 30000};
	char why[256];

	if (ring)
		return 0;
	if (cxlring_open(&ring, &o, why, sizeof why) == 0)
		return 0;
	ring = NULL;
	return -1;
}

static int ring_append(const struct write *w)
{
	char key[64], number[24];
	const char *argv[] = {"rpush", key, number};
	size_t n = (size_t)sprintf(number, "%ld", w->number);

	switch (w->op) {
	case INCR:
		return cxlring_append_incrby(
			ring, key, (size_t)sprintf(key, "n:%s", tag), w->number);
	case SET:
		return cxlring_append_set(ring, key,
			(size_t)sprintf(key, "s:%s:%ld", tag, w->number), number, n, 0, 0);
	default:
		sprintf(key, "l:%s", tag);
		return cxlring_append_call(ring, 3, argv, NULL, 0);
	}
}

static int ring_flush(void)
{
	return cxlring_flush(ring);
}

static int ring_next(struct answer *a)
{
	struct cxlring_view v;
	int rc = cxlring_next(ring, &v, -1);

	if (rc)
		return rc;
	a->error = v.type == CXLRING_ERROR || (v.type == CXLRING_ARRAY && v.data[0] == '-');
	a->text = v.data;
	a->len = v.len;
	return 0;
}

/* The next call connects to the successor by itself. */
static int ring_failed(int rc)
{
	if (rc == -ECONNRESET)
		return 0;
	fprintf(stderr, "%s: %s\n", tag, cxlring_why(ring));
	if (rc != -EOWNERDEAD)
		return 1;
	cxlring_close(ring);
	ring = NULL;
	return 0;
}

/* ---- by a socket ---- */

static redisContext *sock;
static redisReply *reply;

static int sock_open(const char *where)
{
	if (sock)
		return 0;
	sock = redisConnectUnix(where);
	if (sock && !sock->err)
		return 0;
	if (sock)
		redisFree(sock);
	sock = NULL;
	return -1;
}

static int sock_append(const struct write *w)
{
	static const char *const formats[] = {
		[INCR] = "INCRBY n:%s %ld", [PUSH] = "RPUSH l:%s %ld"};

	if (w->op == SET)
		return redisAppendCommand(sock, "SET s:%s:%ld %ld", tag, w->number, w->number);
	return redisAppendCommand(sock, formats[w->op], tag, w->number);
}

static int sock_flush(void)
{
	return 0; /* with the first redisGetReply() */
}

static int sock_next(struct answer *a)
{
	freeReplyObject(reply);
	reply = NULL;
	if (redisGetReply(sock, (void **)&reply))
		return -ECONNRESET;
	a->error = reply->type == REDIS_REPLY_ERROR;
	a->text = reply->str;
	a->len = reply->len;
	return 0;
}

static int sock_failed(int rc)
{
	redisFree(sock);
	sock = NULL;
	return 0;
}

static const struct way by_ring = {ring_open, ring_append, ring_flush, ring_next, ring_failed};
static const struct way by_sock = {sock_open, sock_append, sock_flush, sock_next, sock_failed};

/* ---- either ---- */

static int burst(const struct way *way, size_t n)
{
	struct answer a;
	size_t i;
	int rc = 0;

	for (i = 0; i < n; i++) {
		todo[i].op = n > 8 && below(4) ? SET : (enum op)below(3);
		todo[i].number = todo[i].op == INCR ? 1 + (long)below(9) : next_number++;
		rc = way->append(&todo[i]);
		if (rc)
			break; /* this one was not appended */
	}
	n = i;
	note_sent(n);
	if (rc == 0 || rc == -EAGAIN)
		rc = way->flush();
	for (i = 0; rc == 0 && i < n; i++) {
		rc = way->next(&a);
		if (rc == 0)
			note_answer(&todo[i], a.error, a.text, a.len);
	}
	return rc;
}

int main(int argc, char **argv)
{
	const struct way *way = &by_ring;
	const char *where = argv[1];
	int rc;

	if (argc != 5)
		return 2;
	if (strncmp(where, "socket:", 7) == 0) {
		way = &by_sock;
		where += 7;
	}
	tag = argv[2];
	next_number = atol(argv[3]);
	rng = 0x9e3779b97f4a7c15ull * (uint64_t)(next_number + tag[0]);
	ledger = open(argv[4], O_WRONLY | O_CREAT | O_APPEND, 0600);
	signal(SIGTERM, on_term);
	signal(SIGPIPE, SIG_IGN);
	while (!stopped) {
		if (way->open(where)) {
			usleep(10000); /* no server at the moment */
			continue;
		}
		rc = burst(way, below(2) ? 1 : 1 + below(BURST));
		rc = rc ? way->failed(rc) : 0;
		if (rc)
			return rc;
	}
	if (ring)
		cxlring_close(ring);
	return 0;
}
