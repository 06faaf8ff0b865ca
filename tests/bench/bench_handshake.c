/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_handshake.c - how long a client waits for a sealed channel: claiming it, four flights
 * of TLS, keys at both ends; and then for its first reply. One JSON line.
 *
 *     bench_handshake REGION kv|ops DIR TIMES
 *
 * DIR is a CA's (hedbctl ca) with client.pem and client.key. Each channel that comes of it is
 * sealed, by a server of the CA, which answers the first request on it, a PING, with what was
 * in it: else there are no figures. The files are read once, beforehand, and parsed each time
 * (trust.h).
 */
#include "kv.h"
#include "message.h"
#include "ops.h"
#include "region.h"
#include "secure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum { TIMES_MAX = 10000, SLICE_MS = 1000, TEXT = 16 };

/* In ticks since there was no channel. */
struct waited {
	uint64_t sealed, reply;
};

/* Its PING, and the reply: the same bytes. */
static const struct door {
	const char *service;
	uint8_t ping, reply;
	bool header;
} doors[] = {{KV_SERVICE, KV_PING, KV_VALUE, true}, {"ops", OPS_PING, OPS_PING | OPS_REPLY, false}};

static void die(const char *why)
{
	fprintf(stderr, "bench_handshake: %s\n", why);
	exit(1);
}

static struct trust *load(const char *dir)
{
	char cert[256], key[256], ca[256];
	const struct trust_files f = {.cert = cert, .key = key, .ca = ca};
	struct err_text e = {""};
	struct trust *t;

	snprintf(cert, sizeof cert, "%s/client.pem", dir);
	snprintf(key, sizeof key, "%s/client.key", dir);
	snprintf(ca, sizeof ca, "%s/ca.pem", dir);
	if (trust_load(&t, &f, &e))
		die(e.s);
	return t;
}

static const struct door *door_of(const char *service)
{
	size_t i;

	for (i = 0; i < sizeof doors / sizeof *doors; i++)
		if (strcmp(doors[i].service, service) == 0)
			return &doors[i];
	die("no such service");
	return NULL;
}

static void await(struct chan *c)
{
	int rc = chan_await(c, SLICE_MS);

	if (rc && rc != -EAGAIN)
		die(err_name(rc));
}

/* The first request on that channel. */
static void ping(struct chan *c, const struct door *d)
{
	uint8_t bytes[KV_HEADER + TEXT], *text = d->header ? bytes + KV_HEADER : bytes;
	struct kv_header head = {.n = TEXT};
	struct message_out m = {.data = bytes, .len = (uint64_t)(text - bytes) + TEXT, .id = 1, .kind = d->ping};
	struct frame f;

	memcpy(bytes, &head, sizeof head);
	randombytes_buf(text, TEXT);
	if (message_send(&c->tx, &m))
		die("the PING does not fit");
	chan_publish(c);
	while (ring_peek(&c->rx, &f))
		await(c);
	if (f.kind != d->reply || f.id != 1 || f.len != TEXT || memcmp(f.data, text, TEXT) != 0)
		die("the first reply is another one");
	ring_next(&c->rx);
}

static struct waited once(const struct region *r, const struct door *d, struct trust *t)
{
	static struct chan c;
	const struct chan_config config = {.spin_ns = 50000};
	struct handshake *h = NULL;
	struct err_text e = {""};
	uint64_t t0 = clock_ticks();
	struct waited w;
	int rc = chan_attach(&c, r, d->service, &config, &e);

	if (rc)
		die(e.s[0] ? e.s : err_name(rc));
	while ((rc = secure_connect(&h, &c, t, NULL, &e)) == -EAGAIN)
		await(&c);
	if (rc || !chan_sealed(&c))
		die(e.s[0] ? e.s : err_name(rc));
	w.sealed = clock_ticks() - t0;
	ping(&c, d);
	w.reply = clock_ticks() - t0;
	chan_detach(&c);
	return w;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double ms(uint64_t ticks)
{
	return (double)clock_to_ns(ticks) / 1e6;
}

static void print(const char *prefix, uint64_t *ticks, int n)
{
	qsort(ticks, (size_t)n, sizeof *ticks, by_value);
	printf("\"%sp50_ms\":%.3f,\"%smax_ms\":%.3f,", prefix, ms(ticks[n / 2]), prefix, ms(ticks[n - 1]));
}

int main(int argc, char **argv)
{
	static uint64_t sealed[TIMES_MAX], reply[TIMES_MAX];
	int n = argc == 5 ? atoi(argv[4]) : 0, i;
	const struct door *d;
	struct err_text e = {""};
	struct waited w;
	struct region r;
	struct trust *t;

	if (n < 1 || n > TIMES_MAX)
		die("usage: bench_handshake REGION kv|ops DIR TIMES");
	d = door_of(argv[2]);
	if (sodium_init() < 0 || region_open(&r, argv[1], 0, 0, &e))
		die(e.s);
	t = load(argv[3]);
	for (i = 0; i < n; i++) {
		w = once(&r, d, t);
		sealed[i] = w.sealed;
		reply[i] = w.reply;
	}
	putchar('{');
	print("", sealed, n);
	print("reply_", reply, n);
	printf("\"times\":%d}\n", n);
	trust_drop(t);
	region_close(&r);
	return 0;
}
