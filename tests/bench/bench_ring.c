/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_ring.c - what a ring and a channel cost, between two processes over a memfd.
 *
 * One JSON line for each figure. Runs are interleaved (floor, ring, channel, ...) and
 * the median of RUNS is given, with the spread (highest less lowest, over the median).
 *
 *     floor                two processes bounce two cache lines, polled as a ring polls;
 *                          the median run is the baseline of what follows
 *     ring_floor_best      the best stretch of all floor runs: now and then both polls
 *                          fall in step, and the same code takes half the time for some
 *                          milliseconds; rings have not been seen to do so
 *     ring_rtt_p50         48 bytes there and 48 back by ring_* calls, both ends spinning
 *     chan_rtt_p50         the same through chan_publish, chan_await, service_publish:
 *                          bell fences and the adaptive spin are in it
 *     ring_oneway_64       64-byte messages one way, each published by itself
 *     ring_oneway_64_b16   the same, published sixteen at a time
 *
 * One-way rates are of the median STRETCH of a run, as round trips are medians: a pause
 * of either process says something of the machine and not of the ring. Every answer and
 * every byte is verified. Processes are pinned to CPUs 0 and 1 where there are two; with
 * one, the figures mean nothing and are still printed.
 */
#include "channel.h"
#include "clock.h"
#include "service.h"
#include "../rig.h"

enum {
	RUNS = 5,
	CHUNKS = 4,
	TRIPS = 100000,
	WARM = 5000,
	MESSAGES = 3000000,
	STRETCH = 25000,
	RTT_BYTES = 48,
	ONEWAY_BYTES = 64,
	RING_BYTES = 65536,
	GEN = 9,
	LIMIT_S = 120,
};

static const struct service_format format[] = {{"ops", 1, RING_BYTES}};
static struct region region;
static const struct service_geometry *geometry;
static uint64_t *lines; /* scratch, shared; 128 bytes apart */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int by_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void die(const char *why)
{
	fprintf(stderr, "bench_ring: %s\n", why);
	exit(1);
}

static double p50_ns(uint64_t *ticks, uint64_t n)
{
	qsort(ticks, n, sizeof *ticks, by_value);
	return (double)clock_to_ns(ticks[n / 2] * 1000) / 1000;
}

static uint64_t *samples(void)
{
	static uint64_t ticks[TRIPS];

	return ticks;
}

static pid_t partner(int (*fn)(void *), void *arg)
{
	pid_t pid = rig_spawn(fn, arg, LIMIT_S);

	if (pid < 0)
		die("fork");
	return pid;
}

static void expect_end(pid_t pid)
{
	if (rig_join(pid) != 0)
		die("the other process saw something wrong");
}

/* ---- floor */

static int bounce_back(void *arg)
{
	uint64_t i;

	rig_pin(1);
	for (i = 1; i <= WARM + TRIPS; i++) {
		while (shm_load_acquire64(&lines[0]) != i)
			cpu_relax();
		shm_store_release64(&lines[16], i);
	}
	return 0;
}

static double run_floor(double *best)
{
	uint64_t *ticks = samples(), i, t0;
	pid_t pid;

	lines[0] = lines[16] = 0;
	pid = partner(bounce_back, NULL);
	for (i = 1; i <= WARM + TRIPS; i++) {
		t0 = clock_ticks();
		shm_store_release64(&lines[0], i);
		while (shm_load_acquire64(&lines[16]) != i)
			cpu_relax();
		if (i > WARM)
			ticks[i - WARM - 1] = clock_ticks() - t0;
	}
	expect_end(pid);
	for (i = 0; i < CHUNKS; i++) {
		double chunk = p50_ns(ticks + i * (TRIPS / CHUNKS), TRIPS / CHUNKS);

		*best = *best == 0 || chunk < *best ? chunk : *best;
	}
	return p50_ns(ticks, TRIPS);
}

/* ---- round trips */

/* 48 bytes that depend on the trip; the reply is each word plus one. */
static void fill(uint8_t *at, uint64_t trip, uint64_t plus)
{
	uint64_t w[RTT_BYTES / 8];
	int i;

	for (i = 0; i < RTT_BYTES / 8; i++)
		w[i] = trip * 0x9e3779b97f4a7c15u + (uint64_t)i + plus;
	memcpy(at, w, sizeof w);
}

static bool filled(const struct frame *f, uint64_t trip, uint64_t plus)
{
	uint8_t want[RTT_BYTES];

	fill(want, trip, plus);
	return f->len == RTT_BYTES && f->id == trip && memcmp(f->data, want, sizeof want) == 0;
}

static bool reply_to(struct ring *rx, struct ring *tx)
{
	struct frame f;
	uint64_t w[RTT_BYTES / 8];
	uint8_t *at;
	int i;

	if (ring_peek(rx, &f) || f.len != RTT_BYTES || ring_claim(tx, f.len, &at))
		return false;
	memcpy(w, f.data, sizeof w);
	for (i = 0; i < RTT_BYTES / 8; i++)
		w[i]++;
	memcpy(at, w, sizeof w);
	ring_commit(tx, f.len, 0, 0, f.id);
	ring_next(rx);
	return true;
}

static void ring_ends(struct ring *tx, struct ring *rx, bool client)
{
	struct chan_shm *shm = chan_control(geometry, 0);
	uint8_t *req = chan_req_ring(geometry, 0), *rsp = chan_rsp_ring(geometry, 0);

	ring_produce(tx, client ? req : rsp, RING_BYTES,
		client ? &shm->req_head : &shm->rsp_head, GEN, 0);
	ring_consume(rx, client ? rsp : req, RING_BYTES,
		client ? &shm->rsp_head : &shm->req_head, GEN, 0);
}

static void wipe_rings(void)
{
	memset(chan_req_ring(geometry, 0), 0, 2 * RING_BYTES);
	chan_control(geometry, 0)->req_head = chan_control(geometry, 0)->rsp_head = 0;
	lines[32] = 0;
}

static int ring_responder(void *arg)
{
	struct ring tx, rx;
	uint64_t i;

	rig_pin(1);
	ring_ends(&tx, &rx, false);
	shm_store_release64(&lines[32], 1);
	for (i = 1; i <= WARM + TRIPS; i++) {
		while (!ring_waiting(&rx))
			cpu_relax();
		if (!reply_to(&rx, &tx))
			return 1;
		ring_publish(&tx);
		ring_release(&rx);
	}
	return 0;
}

static double run_ring(void)
{
	uint64_t *ticks = samples(), i, t0;
	struct ring tx, rx;
	struct frame f;
	uint8_t *at;
	pid_t pid;

	wipe_rings();
	ring_ends(&tx, &rx, true);
	pid = partner(ring_responder, NULL);
	while (!shm_load_acquire64(&lines[32]))
		cpu_relax();
	for (i = 1; i <= WARM + TRIPS; i++) {
		t0 = clock_ticks();
		if (ring_claim(&tx, RTT_BYTES, &at))
			die("no room");
		fill(at, i, 0);
		ring_commit(&tx, RTT_BYTES, 0, 0, i);
		ring_publish(&tx);
		while (ring_peek(&rx, &f) == -EAGAIN)
			cpu_relax();
		if (!filled(&f, i, 1))
			die("wrong reply");
		ring_next(&rx);
		ring_release(&rx);
		if (i > WARM)
			ticks[i - WARM - 1] = clock_ticks() - t0;
	}
	expect_end(pid);
	return p50_ns(ticks, TRIPS);
}

static int chan_responder(void *arg)
{
	static struct service_chan chans[1];
	struct service_config config = {0};
	struct service s;
	struct err_text e;
	uint64_t trips = 0;

	rig_pin(1);
	if (service_take(&s, &region, "ops", chans, &config, &e))
		return 1;
	service_ready(&s);
	while (trips < WARM + TRIPS) {
		if (service_changed(&s))
			service_control(&s);
		if (!chans[0].open || !ring_waiting(&chans[0].rx)) {
			cpu_relax();
			continue;
		}
		if (!reply_to(&chans[0].rx, &chans[0].tx))
			return 1;
		service_publish(&chans[0]);
		ring_release(&chans[0].rx);
		trips++;
	}
	return 0;
}

static double run_chan(void)
{
	const struct chan_config config = {.label = "bench", .spin_ns = 1000000};
	uint64_t *ticks = samples(), i, t0;
	struct err_text e;
	struct frame f;
	struct chan c;
	uint8_t *at;
	pid_t pid;
	int rc;

	if (region_format(&region, format, 1, true, &e))
		die(e.s);
	pid = partner(chan_responder, NULL);
	while ((rc = chan_attach(&c, &region, "ops", &config, &e)) == -EOWNERDEAD)
		usleep(1000);
	if (rc)
		die(e.s);
	for (i = 1; i <= WARM + TRIPS; i++) {
		t0 = clock_ticks();
		if (ring_claim(&c.tx, RTT_BYTES, &at))
			die("no room");
		fill(at, i, 0);
		ring_commit(&c.tx, RTT_BYTES, 0, 0, i);
		chan_publish(&c);
		while ((rc = chan_await(&c, 1000)) == -EAGAIN)
			;
		if (rc || ring_peek(&c.rx, &f) || !filled(&f, i, 1))
			die("wrong reply");
		ring_next(&c.rx);
		ring_release(&c.rx);
		if (i > WARM)
			ticks[i - WARM - 1] = clock_ticks() - t0;
	}
	expect_end(pid);
	chan_detach(&c);
	return p50_ns(ticks, TRIPS);
}

/* ---- one way */

static void words_of(uint64_t w[ONEWAY_BYTES / 8], uint64_t id)
{
	int i;

	for (i = 0; i < ONEWAY_BYTES / 8; i++)
		w[i] = id * 0x9e3779b97f4a7c15u + (uint64_t)i;
}

/* Reads all there is, gives it back, as a server does in one turn. */
static int sink(void *arg)
{
	struct ring tx, rx;
	struct frame f;
	uint64_t next = 0, w[ONEWAY_BYTES / 8];

	rig_pin(1);
	ring_ends(&tx, &rx, false);
	shm_store_release64(&lines[32], 1);
	while (next < MESSAGES) {
		if (!ring_waiting(&rx)) {
			cpu_relax();
			continue;
		}
		while (ring_peek(&rx, &f) == 0) {
			words_of(w, next);
			if (f.id != next || f.len != sizeof w || memcmp(f.data, w, sizeof w))
				return 1;
			next++;
			ring_next(&rx);
			if (rx.pos - rx.released >= RING_BYTES / 8)
				ring_release(&rx);
		}
		ring_release(&rx);
	}
	return rx.broken;
}

static double run_oneway(int batch)
{
	static uint64_t stretch[MESSAGES / STRETCH];
	struct ring tx, rx;
	uint64_t i, t0, t1, w[ONEWAY_BYTES / 8];
	pid_t pid;

	wipe_rings();
	ring_ends(&tx, &rx, true);
	pid = partner(sink, NULL);
	while (!shm_load_acquire64(&lines[32]))
		cpu_relax();
	t0 = clock_ticks();
	for (i = 0; i < MESSAGES; i++) {
		uint8_t *at;
		int rc;

		while ((rc = ring_claim(&tx, sizeof w, &at)) == -EAGAIN) {
			ring_publish(&tx);
			cpu_relax();
		}
		if (rc)
			die("the ring broke");
		words_of(w, i);
		memcpy(at, w, sizeof w);
		ring_commit(&tx, sizeof w, 0, 0, i);
		if ((i + 1) % (uint64_t)batch == 0)
			ring_publish(&tx);
		if ((i + 1) % STRETCH == 0) {
			/* Sent is as good as received, but for the ring's capacity. */
			t1 = clock_ticks();
			stretch[i / STRETCH] = t1 - t0;
			t0 = t1;
		}
	}
	ring_publish(&tx);
	expect_end(pid);
	qsort(stretch, MESSAGES / STRETCH, sizeof stretch[0], by_value);
	return STRETCH / ((double)clock_to_ns(stretch[MESSAGES / STRETCH / 2]) / 1e3);
}

/* ---- report */

struct figure {
	const char *id, *what, *unit, *better;
	double must, aim; /* 0: informational */
	double run[RUNS];
};

static void report(struct figure *f, double baseline)
{
	double mid, spread;

	qsort(f->run, RUNS, sizeof f->run[0], by_double);
	mid = f->run[RUNS / 2];
	spread = (f->run[RUNS - 1] - f->run[0]) / mid;
	printf("{\"id\":\"%s\",\"what\":\"%s\",\"value\":%.1f,\"unit\":\"%s\",", f->id, f->what,
		mid, f->unit);
	if (baseline > 0)
		printf("\"baseline\":%.1f,\"ratio\":%.3f,", baseline, mid / baseline);
	else
		printf("\"baseline\":null,\"ratio\":null,");
	if (f->must > 0)
		printf("\"must\":%g,\"aim\":%g,", f->must, f->aim);
	else
		printf("\"must\":null,\"aim\":null,");
	printf("\"better\":\"%s\",\"runs\":%d,\"spread\":%.3f}\n", f->better, RUNS, spread);
	fflush(stdout);
}

int main(void)
{
	static struct figure floor = {"ring_floor",
		"two processes bounce two cache lines", "ns", "lower", 0, 0, {0}};
	static struct figure best = {"ring_floor_best",
		"the best stretch of all those runs", "ns", "lower", 0, 0, {0}};
	static struct figure rtt = {"ring_rtt_p50",
		"48 bytes there and back by ring calls; ratio to the floor counts", "ns", "lower",
		1.7, 1.25, {0}};
	static struct figure chan = {"chan_rtt_p50",
		"48 bytes there and back through a channel, with bell fences", "ns", "lower", 0, 0,
		{0}};
	static struct figure one = {"ring_oneway_64",
		"64-byte messages one way, one publication each", "M/s", "higher", 10, 30, {0}};
	static struct figure b16 = {"ring_oneway_64_b16",
		"64-byte messages one way, sixteen a publication", "M/s", "higher", 0, 0, {0}};
	double lowest = 0;
	int i;

	lines = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (lines == MAP_FAILED || rig_region(&region, format, 1))
		die("no memory");
	geometry = region_service(&region, "ops");
	alarm(LIMIT_S);
	rig_pin(0);
	clock_to_ns(0); /* measures the rate, once */
	for (i = 0; i < RUNS; i++) {
		floor.run[i] = run_floor(&lowest);
		rtt.run[i] = run_ring();
		one.run[i] = run_oneway(1);
		chan.run[i] = run_chan();
		b16.run[i] = run_oneway(16);
	}
	for (i = 0; i < RUNS; i++)
		best.run[i] = lowest;
	report(&floor, 0);
	report(&best, 0);
	report(&rtt, floor.run[RUNS / 2]);
	report(&chan, floor.run[RUNS / 2]);
	report(&one, 0);
	report(&b16, 0);
	return 0;
}
