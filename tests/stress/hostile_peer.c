/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hostile_peer.c - a process that scribbles over what it can reach, beside a server and
 * an honest client on another channel.
 *
 *     hostile_peer [seed [seconds]]
 *
 * Each round starts afresh, with one thing to scribble on:
 *
 *     own channel     its control block and both rings, at random and plausibly, while
 *                     it also claims, opens, closes and rings; the claim it leaves alone
 *     own claim       that as well
 *     superblock      magic, version, size, format id
 *     geometry        line 0 of the service: offset, number and size of channels
 *     bells           the service's control and asleep words, its lanes
 *     everything      the service's lease, serving, incarnation, bell path as well
 *
 * In all but the last the honest client gets every answer, and the right one: geometry
 * and superblock are read once, at open; a word in a bell costs a look or a system call.
 * In the last it may fail: a lease that is gone means no server (-EAGAIN, and the server
 * stops when it sees it), nobody can attach, an overwritten superblock turns new openers
 * away (-EMEDIUMTYPE, -EFBIG, -EPROTO). A wrong answer, a crash or a hang is never right.
 * What is not tested, because it cannot hold: writes into the honest client's own rings,
 * and a client that attaches to the very channel that the hostile one goes on to write
 * (whoever maps a region can write all of it; region.h says what to do about that).
 *
 * The server runs in the parent's image, so a build with SAN=address,undefined checks it.
 */
#include "echo.h"

enum { NCHAN = 4, ROUND_MS = 400, PATIENCE_MS = 20000 };

enum target { CHANNEL, CLAIM, SUPERBLOCK, GEOMETRY, BELLS, EVERYTHING, TARGETS };

static const char *const names[TARGETS] = {
	"own channel", "own claim", "superblock", "geometry", "bells", "everything"};
static const struct service_format format[] = {{"ops", NCHAN, 4096}};

struct score {
	uint64_t answers, refused, lost;
	uint32_t stop, honest_ready, bad;
};
static struct score *score;
static struct region region;
static enum target target;
static uint64_t round_seed;

static bool stopping(void)
{
	return __atomic_load_n(&score->stop, __ATOMIC_RELAXED) != 0;
}

static void violation(const char *what, int64_t a)
{
	fprintf(stderr, "not ok: %s (%lld) while hostile to %s\n", what, (long long)a,
		names[target]);
	__atomic_store_n(&score->bad, 1, __ATOMIC_RELAXED);
}

/* ---- server */

static bool anything(const struct service *s, const struct service_chan *chans)
{
	int i;

	for (i = 0; i < NCHAN; i++)
		if (chans[i].open && ring_waiting(&chans[i].rx))
			return true;
	return service_changed(s);
}

static int serve(void *arg)
{
	static struct service_chan chans[NCHAN];
	struct service_config config = {.lease_ms = 60};
	struct service s;
	struct err_text e;
	uint64_t beat = 0;
	int i;

	if (service_take(&s, &region, "ops", chans, &config, &e))
		return 2;
	service_ready(&s);
	while (!stopping() && service_held(&s)) {
		if (service_changed(&s))
			service_control(&s);
		if (clock_ms() - beat > 10) {
			beat = clock_ms();
			service_beat(&s);
			service_reap(&s, beat);
		}
		for (i = 0; i < NCHAN; i++) {
			if (!chans[i].open || !ring_waiting(&chans[i].rx) ||
				!service_lock(&chans[i]))
				continue;
			if (!echo_answer(&chans[i], false)) {
				service_refuse(&s, &chans[i]);
				score->refused++;
			}
			service_unlock(&chans[i]);
		}
		bell_set(&s.shm->asleep, BELL_FUTEX);
		if (!anything(&s, chans))
			bell_sleep(&s.shm->asleep, 10000);
		bell_clear(&s.shm->asleep);
	}
	service_drop(&s);
	return 0;
}

/* ---- honest client */

static int be_honest(void *arg)
{
	const struct chan_config config = {.label = "honest", .spin_ns = 20000};
	uint64_t token = ident_self().token, id, t0;
	static struct chan c;
	struct err_text e;
	struct frame f;
	int rc;

	while (chan_attach(&c, &region, "ops", &config, &e))
		usleep(1000);
	__atomic_store_n(&score->honest_ready, 1, __ATOMIC_RELEASE);
	for (id = 1; !stopping(); id++) {
		rc = echo_ask(&c, token, id);
		chan_publish(&c);
		t0 = clock_ms();
		while (rc == 0 && !stopping() && (rc = chan_await(&c, 20)) == -EAGAIN) {
			rc = 0;
			if (target == EVERYTHING && clock_ms() - t0 > 200)
				rc = -ETIMEDOUT; /* no server any more: that may be */
			else if (clock_ms() - t0 > PATIENCE_MS)
				rc = -ETIME;
			if (ring_waiting(&c.rx))
				rc = 0;
		}
		if (stopping())
			break;
		if (rc == 0)
			rc = ring_peek(&c.rx, &f);
		if (rc == 0 && !echo_right(&f, token, id)) {
			violation("a wrong answer", (int64_t)id);
			return 1;
		}
		if (rc && target != EVERYTHING) {
			violation("the honest client failed", rc);
			return 1;
		}
		if (rc) {
			score->lost++;
			break;
		}
		ring_next(&c.rx);
		ring_release(&c.rx);
		score->answers++;
	}
	chan_detach(&c);
	return 0;
}

/* ---- hostile client */

static uint64_t nasty(uint64_t *s, const struct chan *c)
{
	uint32_t gen = shm_load32(&c->shm->gen);

	switch (rig_below(s, 8)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return gen;
	case 3:
		return 16 * rig_below(s, 600);
	case 4: /* a frame, nearly */
		return rig_below(s, 200) | rig_below(s, 5) << 40 |
			(uint64_t)chan_gen16(gen) << 48;
	case 5:
		return ident_self().token ^ rig_below(s, 3);
	default:
		return rig_rand(s) >> rig_below(s, 64);
	}
}

static void scribble(void *base, size_t len, uint64_t v, uint64_t *s)
{
	size_t at = rig_below(s, len);

	if (rig_below(s, 2))
		shm_store64((uint64_t *)((uint8_t *)base + (at & ~7ul)), v);
	else
		*((volatile uint8_t *)base + at) = (uint8_t)v;
}

static void scribble_channel(struct chan *c, uint64_t *s)
{
	uint8_t *control = (uint8_t *)c->shm;
	uint64_t v = nasty(s, c);

	switch (rig_below(s, 6)) {
	case 0: /* the words that matter, one at a time */
		shm_store32(&c->shm->open, (uint32_t)v);
		break;
	case 1:
		if (rig_below(s, 20) == 0)
			shm_store32(&c->shm->closing, (uint32_t)v);
		break;
	case 2:
		shm_store64(rig_below(s, 2) ? &c->shm->req_head : &c->shm->rsp_head, v);
		break;
	case 3:
		scribble(control + CHAN_CONTROL, 2 * c->service->ring_bytes, v, s);
		break;
	case 4: /* where the server is likely to look */
		scribble(chan_req_ring(c->service, c->index), 128, v, s);
		break;
	default:
		if (target == CLAIM || target == EVERYTHING)
			scribble(control, CHAN_CONTROL, v, s);
		else
			scribble(control + 128, CHAN_CONTROL - 128, v, s);
	}
}

static int be_hostile(void *arg)
{
	const struct chan_config config = {.label = "hostile", .spin_ns = 1000};
	struct service_shm *shm = region_service(&region, "ops")->shm;
	uint64_t s = round_seed, n;
	static struct chan c, fresh;
	struct err_text e;

	while (chan_attach(&c, &region, "ops", &config, &e))
		usleep(1000);
	for (n = 0; !stopping(); n++) {
		uint64_t v = nasty(&s, &c);

		scribble_channel(&c, &s);
		switch (target) {
		case SUPERBLOCK:
			scribble(region.base, SERVICE_OFF, v, &s);
			break;
		case GEOMETRY:
			scribble(shm, 64, v, &s);
			break;
		case BELLS:
			if (rig_below(&s, 2))
				shm_store32(rig_below(&s, 2) ? &shm->control : &shm->asleep, (uint32_t)v);
			else
				scribble((uint8_t *)&shm->nlanes, SERVICE_SIZE - 512, v, &s);
			break;
		case EVERYTHING:
			if (rig_below(&s, 50) == 0)
				scribble(region.base, REGION_HEAD_BYTES, v, &s);
			break;
		default:
			break;
		}
		if (n % 64 == 0) { /* come back as a good client, now and then */
			shm_add32(&shm->control, 1);
			bell_wake(&shm->asleep);
			if (chan_reopen(&c) == 0 && echo_ask(&c, c.self.token, n) == 0)
				chan_publish(&c);
		}
		if (n % 1024 == 0 && chan_attach(&fresh, &region, "ops", &config, &e) == 0) {
			chan_detach(&c); /* refused by now: start with a clean channel */
			c = fresh;
		}
		if (n % 256 == 0)
			sched_yield();
	}
	return 0;
}

/* ---- rounds */

static int ended(const char *who, int status)
{
	if (status == 0)
		return 0;
	violation(who, status);
	return 1;
}

static void one_round(void)
{
	pid_t server, honest, hostile;
	uint64_t t0;

	score->stop = score->honest_ready = 0;
	if (rig_region(&region, format, 1)) {
		violation("no region", 0);
		return;
	}
	server = rig_spawn(serve, NULL, 60);
	honest = rig_spawn(be_honest, NULL, 60);
	t0 = clock_ms();
	while (!__atomic_load_n(&score->honest_ready, __ATOMIC_ACQUIRE) &&
		clock_ms() - t0 < PATIENCE_MS)
		usleep(500);
	hostile = rig_spawn(be_hostile, NULL, 60);
	usleep(ROUND_MS * 1000);
	__atomic_store_n(&score->stop, 1, __ATOMIC_RELAXED);
	ended("the hostile client ended", rig_join(hostile));
	ended("the honest client ended", rig_join(honest));
	ended("the server ended", rig_join(server));
	region_close(&region);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, t0, rounds = 0, before;
	uint64_t seconds = argc > 2 ? strtoull(argv[2], NULL, 10) : 5;

	score = mmap(NULL, sizeof *score, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	if (score == MAP_FAILED)
		return 1;
	alarm((unsigned)seconds + 180);
	t0 = clock_ms();
	do {
		target = (enum target)(rounds++ % TARGETS);
		round_seed = rig_rand(&seed);
		before = score->answers;
		one_round();
		if (score->answers == before && target != EVERYTHING)
			violation("no answer at all", 0);
	} while (!score->bad && (rounds < TARGETS || clock_ms() - t0 < seconds * 1000));
	printf("%s hostile_peer: %llu rounds, %llu right answers, %llu channels refused, "
		"%llu clients gave up\n",
		score->bad ? "not ok" : "ok", (unsigned long long)rounds,
		(unsigned long long)score->answers, (unsigned long long)score->refused,
		(unsigned long long)score->lost);
	return score->bad != 0;
}
