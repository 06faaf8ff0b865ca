/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heard.c - a client that sleeps hears of its replies while another one's command takes
 * long. The server does not wake it for each burst as long as others keep it busy.
 *
 * usage: heard REGION ROUNDS. Rings of 1 MiB. Prints the most milliseconds that a reply was
 * there, and its reader asleep.
 *
 * Each round the server is stalled until all requests are there: PINGs of the reader, and of
 * its neighbour a burst that takes milliseconds, in which the reader falls asleep, and then
 * a command that takes SLOW_MS. Which of the two comes first differs from round to round.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "kv.h"

enum { PINGS = 320, BURST = 64, KEYS = 1000, STALLED_US = 15000 };

#define STALL_MS "50"
#define SLOW_MS "200"

static struct region region;
static struct chan staller, reader, neighbour;
static struct ring look; /* the watcher's own view of the reader's replies */
static uint64_t seen[PINGS], heard[PINGS], latest; /* ticks */

static void attach_or_exit(struct chan *c)
{
	struct chan_config config = {.spin_ns = 0};
	struct err_text e;

	if (chan_attach(c, &region, KV_SERVICE, &config, &e)) {
		printf("not connected: %s\n", e.s);
		exit(2);
	}
}

static void put(struct chan *c, uint8_t kind, uint32_t nstrings, const char *const *s)
{
	struct kv_header h = {.n = nstrings};
	uint32_t len = sizeof h, i;
	uint8_t *at;

	for (i = 0; i < nstrings; i++)
		len += 4 + (uint32_t)strlen(s[i]);
	if (ring_claim(&c->tx, len, &at))
		exit(3);
	memcpy(at, &h, sizeof h);
	at += sizeof h;
	for (i = 0; i < nstrings; i++) {
		uint32_t n = (uint32_t)strlen(s[i]);

		memcpy(at, &n, 4);
		memcpy(at + 4, s[i], n);
		at += 4 + n;
	}
	ring_commit(&c->tx, len, kind, 0, 1);
}

/* A script that takes so long. */
static void put_slow(struct chan *c, const char *ms)
{
	static const char script[] = "local function now() local t = redis.call('time') "
		"return t[1] * 1000 + t[2] / 1000 end "
		"local e = now() + ARGV[1] while now() < e do end return 1";
	const char *argv[] = {"eval", script, "0", ms};

	put(c, KV_CALL, 4, argv);
}

/* The next reply; returns when it was heard of. */
static uint64_t take(struct chan *c)
{
	struct frame f;
	uint64_t now;
	int rc;

	while ((rc = ring_peek(&c->rx, &f)) == -EAGAIN)
		if (chan_await(c, 5000))
			rc = -EPROTO;
	now = clock_ticks();
	if (rc || f.kind == KV_ERROR || (f.kind == KV_RESP && f.data[0] == '-')) {
		printf("no reply but an error\n");
		exit(4);
	}
	ring_next(&c->rx);
	ring_release(&c->rx);
	return now;
}

static void *watch(void *unused)
{
	struct frame f;
	int n = 0;

	while (n < PINGS)
		if (ring_peek(&look, &f) == 0) {
			seen[n++] = clock_ticks();
			look.pos = look.released = look.next;
		} else {
			usleep(500);
		}
	return unused;
}

static void play(const char *const *keys)
{
	pthread_t t;
	int i;

	look = reader.rx;
	put_slow(&staller, STALL_MS);
	chan_publish(&staller);
	usleep(STALLED_US);
	for (i = 0; i < PINGS; i++)
		put(&reader, KV_PING, 0, NULL);
	for (i = 0; i < BURST; i++)
		put(&neighbour, KV_EXISTS, KEYS, keys);
	put_slow(&neighbour, SLOW_MS);
	chan_publish(&reader);
	chan_publish(&neighbour);
	pthread_create(&t, NULL, watch, NULL);
	for (i = 0; i < PINGS; i++)
		heard[i] = take(&reader);
	pthread_join(t, NULL);
	for (i = 0; i < PINGS; i++)
		if (heard[i] > seen[i] && heard[i] - seen[i] > latest)
			latest = heard[i] - seen[i];
	for (i = 0; i < BURST + 1; i++)
		take(&neighbour);
	take(&staller);
}

int main(int argc, char **argv)
{
	const char *keys[KEYS];
	struct err_text e;
	int i, rounds = argc > 2 ? atoi(argv[2]) : 0;

	if (rounds <= 0 || region_open(&region, argv[1], 0, 0, &e))
		return 2;
	attach_or_exit(&staller);
	attach_or_exit(&reader);
	attach_or_exit(&neighbour);
	for (i = 0; i < KEYS; i++)
		keys[i] = "k";
	for (i = 0; i < rounds; i++)
		play(keys);
	printf("%llu\n", (unsigned long long)clock_to_ns(latest) / 1000000);
	return 0;
}
