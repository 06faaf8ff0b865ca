/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stress_ring.c - two processors on two rings: every byte of every frame, for as long as
 * asked.
 *
 *     stress_ring [seed [limit [threads]]]     limit: 20s or a number of messages
 *
 * Two processes over shared memory, or two threads (`threads`; always in a ThreadSanitizer
 * build, which sees nothing of a second process). Both send and both receive. Sizes,
 * batches, claims given up or used in part, pauses, releases and sleeps are random by
 * the seed; what a frame holds follows from its number, so the reader knows what to
 * expect. A round has ROUND messages each way; the next one goes on in the same memory
 * with the next generation, over the stale bytes of this one.
 *
 * Which check catches the loss of which edge is said at the checks; O1, G1, C1 and D1
 * are channels' and are named in stress_channel.c.
 */
#include "clock.h"
#include "ring.h"
#include "wait.h"
#include "../rig.h"

#include <pthread.h>

enum {
	CAP_MAX = 65536,
	ROUND = 200000,
	SLEEP_MS = 20000, /* a sleep that lasts so long was a lost wake-up */
	ROUND_S = 240,    /* a round that lasts so long hangs */
	HELD = 16,        /* frames read and not yet given back, checked once more */
};

struct shared {
	uint64_t head[2][16]; /* a pair of lines each */
	uint32_t bell[2][32];
	uint8_t data[2][CAP_MAX] __attribute__((aligned(128)));
};

struct end {
	struct shared *m;
	struct ring tx, rx;
	uint64_t seed; /* of this end's dice */
	uint64_t round, n;
	int me; /* 0 or 1: direction of tx, own bell */
};

static int broken(const struct end *e, const char *what, uint64_t id)
{
	fprintf(stderr, "not ok: %s (end %d, round %llu, frame %llu)\n", what, e->me,
		(unsigned long long)e->round, (unsigned long long)id);
	return 1;
}

/* What frame `id` of a direction is: its length, and a state that yields its bytes. */
static uint32_t frame_len(uint64_t round, int dir, uint64_t id, uint32_t max, uint64_t *s)
{
	uint64_t dice;

	*s = round << 40 ^ (uint64_t)dir << 39 ^ id;
	dice = rig_rand(s);
	if (dice % 64 == 0)
		return (uint32_t)(dice >> 8) % (max + 1);
	return (uint32_t)(dice >> 8) % (dice % 4 ? 80 : 300);
}

/* Every third frame is full of commit words of this very generation. */
static uint64_t frame_word(uint64_t id, uint16_t gen, uint64_t *s)
{
	return id % 3 ? rig_rand(s) : (uint64_t)gen << 48 | 16;
}

static void fill(uint8_t *at, uint32_t len, uint64_t id, uint16_t gen, uint64_t s)
{
	uint32_t i;

	for (i = 0; i < len; i += 8) {
		uint64_t w = frame_word(id, gen, &s);

		memcpy(at + i, &w, len - i < 8 ? len - i : 8);
	}
}

static bool filled(const uint8_t *at, uint32_t len, uint64_t id, uint16_t gen, uint64_t s)
{
	uint32_t i;

	for (i = 0; i < len; i += 8) {
		uint64_t w = frame_word(id, gen, &s);

		if (memcmp(at + i, &w, len - i < 8 ? len - i : 8))
			return false;
	}
	return true;
}

/* Send a random burst; *full says whether the ring was. */
static int send_some(struct end *e, uint64_t *sent, bool *full)
{
	uint32_t max = ring_frame_max(&e->tx) / 2, batch = (uint32_t)rig_below(&e->seed, 24);
	uint8_t *at;

	*full = false;
	while (batch-- > 0 && *sent < e->n) {
		uint64_t s, dice = rig_below(&e->seed, 40);
		uint32_t len = frame_len(e->round, e->me, *sent, max, &s);
		uint32_t more = dice == 0 ? (uint32_t)rig_below(&e->seed, max) : 0;
		int rc = ring_claim(&e->tx, len + more, &at);

		if (rc == -EAGAIN) {
			*full = true;
			break;
		}
		if (rc)
			return broken(e, "claim", *sent);
		if (more) /* write too far, commit less; or give it up and claim again */
			fill(at, len + more, 0, e->tx.gen, 1);
		if (more % 2)
			continue;
		fill(at, len, *sent, e->tx.gen, s);
		ring_commit(&e->tx, len, (uint8_t)*sent, 0, *sent);
		++*sent;
		if (dice == 1)
			ring_publish(&e->tx);
	}
	ring_publish(&e->tx);
	if (bell_heard(&e->m->bell[!e->me][0]) != BELL_AWAKE)
		bell_wake(&e->m->bell[!e->me][0]);
	return 0;
}

struct held {
	struct frame f;
	uint64_t s;
};

static int give_back(struct end *e, struct held *h, int *nheld)
{
	int i;

	/* R3: until the release the bytes are ours; if the producer's acquire of head or
	 * our release of it were lost, they would change under us. */
	for (i = 0; i < *nheld; i++)
		if (!filled(h[i].f.data, h[i].f.len, h[i].f.id, e->rx.gen, h[i].s))
			return broken(e, "R3: a frame changed before it was released",
				h[i].f.id);
	*nheld = 0;
	ring_release(&e->rx);
	return 0;
}

static int receive_some(struct end *e, uint64_t *got)
{
	uint32_t max = ring_frame_max(&e->rx) / 2, n = (uint32_t)rig_below(&e->seed, 40);
	struct held held[HELD];
	int nheld = 0, rc;

	while (n-- > 0) {
		struct frame f;
		uint64_t s;

		rc = ring_peek(&e->rx, &f);
		if (rc == -EAGAIN)
			break;
		if (rc)
			return broken(e, "R2: an impossible frame", *got);
		/* R2: had the zeroes not come before the commit word, bytes of the last lap,
		 * of a given-up claim or of a payload would show up as a frame. */
		if (*got >= e->n || f.id != *got || f.kind != (uint8_t)*got)
			return broken(e, "R2: a frame that was not sent", *got);
		/* R1: had the payload not come before the commit word, it would be torn; a
		 * batch's inner frames rely on the same release. */
		if (f.len != frame_len(e->round, !e->me, *got, max, &s) || f.flags)
			return broken(e, "R1: torn header", *got);
		if (!filled(f.data, f.len, *got, e->rx.gen, s))
			return broken(e, "R1: torn payload", *got);
		held[nheld].f = f;
		held[nheld++].s = s;
		ring_next(&e->rx);
		++*got;
		if (nheld == HELD && give_back(e, held, &nheld))
			return 1;
	}
	return give_back(e, held, &nheld);
}

static void pause_somehow(struct end *e)
{
	uint64_t dice = rig_below(&e->seed, 2000);

	if (dice == 0)
		usleep((useconds_t)rig_below(&e->seed, 300));
	else if (dice < 100)
		clock_burn(rig_below(&e->seed, 20000));
	else if (dice < 400)
		sched_yield();
}

/* Sleep until the peer publishes. Only the side that is ahead may: then both never
 * wait for each other. */
static int sleep_until_rung(struct end *e, uint64_t id)
{
	uint32_t *bell = &e->m->bell[e->me][0];
	uint64_t t0 = clock_ms();

	bell_set(bell, BELL_FUTEX);
	if (!ring_waiting(&e->rx))
		bell_sleep(bell, SLEEP_MS * 1000);
	bell_clear(bell);
	/* W1, W2: without either fence the peer's publication and our announcement can
	 * miss each other, and this sleep lasts until its end. */
	if (clock_ms() - t0 >= SLEEP_MS - 1000)
		return broken(e, "W1: a wake-up was lost", id);
	return 0;
}

static int play(struct end *e)
{
	uint64_t sent = 0, got = 0;

	while (sent < e->n || got < e->n) {
		bool full = false;

		if (sent < e->n && send_some(e, &sent, &full))
			return 1;
		if (receive_some(e, &got))
			return 1;
		pause_somehow(e);
		if (!full && got < sent && got < e->n && rig_below(&e->seed, 50) == 0 &&
			sleep_until_rung(e, got))
			return 1;
		if (sent == e->n && got < e->n && !ring_waiting(&e->rx))
			sched_yield();
	}
	return e->rx.broken || e->tx.broken ? broken(e, "broken at the end", got) : 0;
}

static int play_process(void *end)
{
	rig_pin(1);
	return play(end);
}

static void *play_thread(void *end)
{
	return play(end) ? end : NULL;
}

static int run_round(struct shared *m, uint64_t seed, uint64_t round, uint64_t n, bool threads)
{
	static struct end end[2];
	uint64_t dice = seed ^ round * 0x1234567;
	uint64_t cap = RING_CAP_MIN << rig_below(&dice, 5);
	uint16_t gen = (uint16_t)(round % 65535 + 1);
	int i, rc, peer;

	for (i = 0; i < 2; i++) {
		struct end *e = &end[i];

		m->head[i][0] = 0;
		m->bell[i][0] = BELL_AWAKE;
		e->m = m;
		e->me = i;
		e->seed = dice + (uint64_t)i;
		e->round = round;
		e->n = n;
		ring_produce(&e->tx, m->data[i], cap, &m->head[i][0], gen, 0);
		ring_consume(&e->rx, m->data[!i], cap, &m->head[!i][0], gen, 0);
	}
	alarm(ROUND_S);
	if (threads) {
		pthread_t t;
		void *bad = NULL;

		if (pthread_create(&t, NULL, play_thread, &end[1]))
			return 1;
		rc = play(&end[0]);
		if (rc)
			exit(1); /* the other one would wait for ever */
		pthread_join(t, &bad);
		peer = bad != NULL;
	} else {
		pid_t pid = rig_spawn(play_process, &end[1], ROUND_S);

		rc = play(&end[0]);
		peer = rc ? rig_kill(pid) : rig_join(pid);
	}
	return rc || peer;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, round = 0, left = 0, t0;
	const char *limit = argc > 2 ? argv[2] : "3s";
	bool threads = argc > 3 && strcmp(argv[3], "threads") == 0;
	uint64_t n = strtoull(limit, NULL, 10), sent = 0;
	struct shared *m;

#ifdef __SANITIZE_THREAD__
	threads = true;
#endif
	m = mmap(NULL, sizeof *m, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return 1;
	if (!strchr(limit, 's'))
		left = n;
	if (!threads)
		rig_pin(0);
	t0 = clock_ms();
	do {
		uint64_t now = left && left < ROUND ? left : ROUND;

		if (run_round(m, seed, round++, now, threads))
			return 1;
		sent += now;
		left -= left ? now : 0;
	} while (strchr(limit, 's') ? clock_ms() - t0 < n * 1000 : left > 0);
	printf("ok stress_ring: seed %llu, %llu rounds, %llu frames each way, %s\n",
		(unsigned long long)seed, (unsigned long long)round, (unsigned long long)sent,
		threads ? "threads" : "processes");
	return 0;
}
