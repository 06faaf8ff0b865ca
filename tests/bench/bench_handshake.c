/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_handshake.c - how long a client waits for a sealed channel: claiming it, four flights
 * of TLS, keys at both ends. One JSON line.
 *
 *     bench_handshake REGION SERVICE DIR TIMES
 *
 * DIR is a CA's (hedbctl ca) with client.pem and client.key. Each channel that comes of it is
 * sealed, and by a server of the CA: else there are no figures. The files are read once,
 * beforehand, and parsed each time (trust.h).
 */
#include "region.h"
#include "secure.h"

#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

enum { TIMES_MAX = 10000, SLICE_MS = 1000 };

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

/* Ticks from no channel to a sealed one. */
static uint64_t once(const struct region *r, const char *service, struct trust *t)
{
	static struct chan c;
	const struct chan_config config = {.spin_ns = 50000};
	struct handshake *h = NULL;
	struct err_text e = {""};
	uint64_t t0 = clock_ticks();
	int rc = chan_attach(&c, r, service, &config, &e);

	if (rc)
		die(e.s[0] ? e.s : err_name(rc));
	while ((rc = secure_connect(&h, &c, t, NULL, &e)) == -EAGAIN) {
		rc = chan_await(&c, SLICE_MS);
		if (rc && rc != -EAGAIN)
			die(err_name(rc));
	}
	if (rc || !chan_sealed(&c))
		die(e.s[0] ? e.s : err_name(rc));
	t0 = clock_ticks() - t0;
	chan_detach(&c);
	return t0;
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

int main(int argc, char **argv)
{
	static uint64_t ticks[TIMES_MAX];
	int n = argc == 5 ? atoi(argv[4]) : 0, i;
	struct err_text e = {""};
	struct region r;
	struct trust *t;

	if (n < 1 || n > TIMES_MAX)
		die("usage: bench_handshake REGION SERVICE DIR TIMES");
	if (sodium_init() < 0 || region_open(&r, argv[1], 0, 0, &e))
		die(e.s);
	t = load(argv[3]);
	for (i = 0; i < n; i++)
		ticks[i] = once(&r, argv[2], t);
	qsort(ticks, (size_t)n, sizeof *ticks, by_value);
	printf("{\"p50_ms\":%.3f,\"max_ms\":%.3f,\"times\":%d}\n", ms(ticks[n / 2]), ms(ticks[n - 1]), n);
	trust_drop(t);
	region_close(&r);
	return 0;
}
