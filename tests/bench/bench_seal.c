/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_seal.c - what sealing costs: the same ring between two processes, plain and
 * sealed, in turns. One JSON line for each figure: the median of RUNS, the plain one's as
 * its baseline.
 *
 *     seal_rtt          48 bytes there and back, one record each way (ns)
 *     seal_oneway_b16   64-byte frames one way, sixteen a record (M/s)
 *     seal_oneway_64k   64 KiB messages one way, by message_send (MB/s)
 *
 * Every byte is verified but those of 64 KiB, which are read.
 */
#include "clock.h"
#include "message.h"
#include "seal.h"
#include "service.h"
#include "../rig.h"

#include <sodium.h>

enum {
	RUNS = 7,
	TRIPS = 100000,
	WARM = 5000,
	MESSAGES = 2000000,
	LONG_MESSAGES = 20000,
	LONG_BYTES = 64 << 10,
	RING_BYTES = 256 << 10,
	GEN = 9,
	LIMIT_S = 170,
};

static const struct service_format format[] = {{"kv", 1, RING_BYTES}};
static struct region region;
static const struct service_geometry *geometry;
static uint64_t *ready; /* shared */

static void die(const char *why)
{
	fprintf(stderr, "bench_seal: %s\n", why);
	exit(1);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void ends(struct ring *tx, struct ring *rx, bool client, bool sealed)
{
	static const struct seal_place place = {"kv", 0, GEN};
	static const uint8_t secret[2][SEAL_SECRET] = {{1}, {2}};
	struct chan_shm *shm = chan_control(geometry, 0);
	uint8_t *req = chan_req_ring(geometry, 0), *rsp = chan_rsp_ring(geometry, 0);
	struct life life;
	struct seal *s;

	life_read(&life);
	ring_produce(tx, client ? req : rsp, RING_BYTES,
		client ? &shm->req_head : &shm->rsp_head, GEN, 0);
	ring_consume(rx, client ? rsp : req, RING_BYTES,
		client ? &shm->rsp_head : &shm->req_head, GEN, 0);
	if (!sealed)
		return;
	s = seal_create(RING_BYTES);
	if (!s || seal_begin_tx(&s->tx, tx, gcm_select(NULL), &place, secret[client], &life) ||
		seal_begin_rx(&s->rx, rx, gcm_select(NULL), &place, secret[!client]))
		die("no memory");
}

struct work {
	bool sealed;
	int batch; /* 0: round trips; LONG_BYTES: long messages */
};

static bool is_word(const struct frame *f, uint64_t id, uint32_t len)
{
	uint64_t w;

	memcpy(&w, f->data + len - sizeof w, sizeof w);
	return f->len == len && f->id == id && w == id * 0x9e3779b97f4a7c15u;
}

static void put_word(uint8_t *at, uint64_t id, uint32_t len)
{
	uint64_t w = id * 0x9e3779b97f4a7c15u;

	memset(at, (int)id, len - sizeof w);
	memcpy(at + len - sizeof w, &w, sizeof w);
}

static int echo(struct ring *tx, struct ring *rx)
{
	uint64_t i;
	struct frame f;
	uint8_t *at;

	for (i = 1; i <= WARM + TRIPS; i++) {
		while (!ring_waiting(rx))
			cpu_relax();
		if (ring_peek(rx, &f) || !is_word(&f, i, 48) || ring_claim(tx, 48, &at))
			return 1;
		put_word(at, i, 48);
		ring_commit(tx, 48, 1, 0, i);
		ring_next(rx);
		ring_publish(tx);
		ring_release(rx);
	}
	return 0;
}

static int sink(struct ring *rx)
{
	uint64_t next = 0;
	struct frame f;

	while (next < MESSAGES) {
		if (!ring_waiting(rx)) {
			cpu_relax();
			continue;
		}
		while (ring_peek(rx, &f) == 0) {
			if (!is_word(&f, next++, 64))
				return 1;
			ring_next(rx);
			if (rx->pos - rx->released >= RING_BYTES / 8)
				ring_release(rx);
		}
		ring_release(rx);
	}
	return rx->broken;
}

static int long_sink(struct ring *rx)
{
	struct message_in in = {.grow = message_heap, .max = LONG_BYTES};
	const uint8_t *data;
	uint64_t len, n = 0;
	struct frame f;

	while (n < LONG_MESSAGES) {
		int rc = ring_peek(rx, &f);

		if (rc == -EAGAIN) {
			ring_release(rx);
			cpu_relax();
			continue;
		}
		if (rc)
			return 1;
		rc = message_take(&in, &f, &data, &len);
		n += rc == 0;
		if (rc && rc != -EAGAIN)
			return 1;
		ring_next(rx);
		if (rx->pos - rx->released >= RING_BYTES / 8)
			ring_release(rx);
	}
	return 0;
}

static int other_end(void *arg)
{
	const struct work *w = arg;
	struct ring tx, rx;

	rig_pin(1);
	ends(&tx, &rx, false, w->sealed);
	shm_store_release64(ready, 1);
	return w->batch == 0 ? echo(&tx, &rx) : w->batch == LONG_BYTES ? long_sink(&rx) : sink(&rx);
}

static double trips(struct ring *tx, struct ring *rx)
{
	static uint64_t ticks[TRIPS];
	uint64_t i, t0;
	struct frame f;
	uint8_t *at;

	for (i = 1; i <= WARM + TRIPS; i++) {
		t0 = clock_ticks();
		if (ring_claim(tx, 48, &at))
			die("no room");
		put_word(at, i, 48);
		ring_commit(tx, 48, 1, 0, i);
		ring_publish(tx);
		while (ring_peek(rx, &f) == -EAGAIN)
			cpu_relax();
		if (!is_word(&f, i, 48))
			die("wrong reply");
		ring_next(rx);
		ring_release(rx);
		if (i > WARM)
			ticks[i - WARM - 1] = clock_ticks() - t0;
	}
	qsort(ticks, TRIPS, sizeof *ticks, by_value);
	return (double)clock_to_ns(ticks[TRIPS / 2] * 1000) / 1000;
}

static double one_way(struct ring *tx, int batch)
{
	uint64_t i, t0 = clock_ticks();
	uint8_t *at;

	for (i = 0; i < MESSAGES; i++) {
		while (ring_claim(tx, 64, &at) == -EAGAIN) {
			ring_publish(tx);
			cpu_relax();
		}
		put_word(at, i, 64);
		ring_commit(tx, 64, 1, 0, i);
		if ((i + 1) % (uint64_t)batch == 0)
			ring_publish(tx);
	}
	ring_publish(tx);
	return MESSAGES * 1e3 / (double)clock_to_ns(clock_ticks() - t0);
}

static double long_way(struct ring *tx)
{
	static uint8_t bytes[LONG_BYTES];
	uint64_t i, t0 = clock_ticks();

	for (i = 0; i < LONG_MESSAGES; i++) {
		struct message_out m = {.data = bytes, .len = sizeof bytes, .id = i, .kind = 1};

		while (message_send(tx, &m) == -EAGAIN) {
			ring_publish(tx);
			cpu_relax();
		}
		ring_publish(tx);
	}
	return 1e3 * LONG_MESSAGES * LONG_BYTES / (double)clock_to_ns(clock_ticks() - t0);
}

static double run(int batch, bool sealed)
{
	struct work w = {sealed, batch};
	struct ring tx, rx;
	double v;
	pid_t pid;

	memset(chan_req_ring(geometry, 0), 0, 2 * RING_BYTES);
	chan_control(geometry, 0)->req_head = chan_control(geometry, 0)->rsp_head = 0;
	*ready = 0;
	ends(&tx, &rx, true, sealed);
	pid = rig_spawn(other_end, &w, LIMIT_S);
	while (!shm_load_acquire64(ready))
		cpu_relax();
	v = batch == 0 ? trips(&tx, &rx) : batch == LONG_BYTES ? long_way(&tx) : one_way(&tx, batch);
	if (rig_join(pid) != 0)
		die("the other process saw something wrong");
	if (tx.seal)
		seal_destroy((struct seal *)((uint8_t *)tx.seal - offsetof(struct seal, tx)));
	return v;
}

static int by_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *id, const char *what, const char *unit, int batch)
{
	double plain[RUNS], sealed[RUNS], ratio[RUNS];
	int i;

	for (i = 0; i < RUNS; i++) {
		plain[i] = run(batch, false);
		sealed[i] = run(batch, true);
		ratio[i] = sealed[i] / plain[i];
	}
	qsort(plain, RUNS, sizeof *plain, by_double);
	qsort(sealed, RUNS, sizeof *sealed, by_double);
	qsort(ratio, RUNS, sizeof *ratio, by_double);
	printf("{\"id\":\"%s\",\"what\":\"%s\",\"value\":%.1f,\"unit\":\"%s\",\"baseline\":%.1f,"
	       "\"ratio\":%.3f,\"must\":null,\"aim\":null,\"better\":\"%s\",\"runs\":%d,"
	       "\"spread\":%.3f}\n",
		id, what, sealed[RUNS / 2], unit, plain[RUNS / 2], ratio[RUNS / 2],
		batch ? "higher" : "lower", RUNS,
		(sealed[RUNS - 1] - sealed[0]) / sealed[RUNS / 2]);
	fflush(stdout);
}

int main(void)
{
	ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ready == MAP_FAILED || sodium_init() < 0 || rig_region(&region, format, 1))
		die("no memory");
	geometry = region_service(&region, "kv");
	alarm(LIMIT_S);
	rig_pin(0);
	clock_to_ns(0);
	report("seal_rtt", "48 bytes there and back, sealed; ratio to plain", "ns", 0);
	report("seal_oneway_b16", "64-byte frames one way, sixteen a record; ratio to plain", "M/s",
		16);
	report("seal_oneway_64k", "64 KiB messages one way, sealed; ratio to plain", "MB/s",
		LONG_BYTES);
	return 0;
}
