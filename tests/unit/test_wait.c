/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_wait.c - scope: common/wait.h and common/clock.h: the bell word by itself, sleep
 * and wake between two processes, no sleep without end, the spin budget's movements.
 * That no wake-up is lost is shown by tests/model as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "wait.h"
#include "../rig.h"

static uint32_t *shared_words(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

static void test_the_word(void **state)
{
	uint32_t word = BELL_AWAKE;

	assert_int_equal(bell_heard(&word), BELL_AWAKE);
	bell_set(&word, BELL_FD);
	assert_int_equal(bell_heard(&word), BELL_FD);
	bell_set(&word, BELL_FUTEX);
	assert_int_equal(bell_heard(&word), BELL_FUTEX);
	bell_wake(&word); /* nobody there: only clears */
	assert_int_equal(bell_heard(&word), BELL_AWAKE);
	bell_set(&word, BELL_FUTEX);
	bell_clear(&word);
	assert_int_equal(bell_heard(&word), BELL_AWAKE);
}

static void test_sleep_ends_by_itself_and_clears(void **state)
{
	uint32_t word;
	uint64_t t0 = clock_ms();

	bell_set(&word, BELL_FUTEX);
	bell_sleep(&word, 20000);
	assert_true(clock_ms() - t0 >= 19);
	assert_int_equal(word, BELL_AWAKE);
}

static void test_sleep_on_a_cleared_word_returns_at_once(void **state)
{
	uint32_t word = BELL_AWAKE;

	/* The waker came between the second look and the sleep: alarm() if it hangs. */
	bell_sleep(&word, 100000000);
	assert_int_equal(word, BELL_AWAKE);
}

static int sleep_on(void *word)
{
	uint64_t t0 = clock_ms();

	bell_set(word, BELL_FUTEX);
	bell_sleep(word, 20000000);
	return clock_ms() - t0 < 15000 ? 0 : 1;
}

static void test_wake_reaches_another_process(void **state)
{
	uint32_t *word = shared_words();
	pid_t pid = rig_spawn(sleep_on, word, 60);

	while (bell_heard(word) != BELL_FUTEX)
		usleep(1000);
	usleep(20000);
	bell_wake(word);
	assert_int_equal(rig_join(pid), 0);
	assert_int_equal(*word, BELL_AWAKE);
	munmap(word, 4096);
}

struct pingpong {
	uint32_t bell[2];
	uint32_t turn;
};

enum { TURNS = 20000 };

/* Wait for the turn with no spinning at all; 1 when a sleep ran into its time-out. */
static int play(struct pingpong *g, uint32_t me)
{
	uint32_t i;

	for (i = 0; i < TURNS; i++) {
		uint64_t t0 = clock_ms();

		while (shm_load_acquire32(&g->turn) % 2 != me) {
			bell_set(&g->bell[me], BELL_FUTEX);
			if (shm_load_acquire32(&g->turn) % 2 != me)
				bell_sleep(&g->bell[me], 10000000);
			bell_clear(&g->bell[me]);
		}
		if (clock_ms() - t0 >= 9000)
			return 1;
		shm_store_release32(&g->turn, g->turn + 1);
		if (bell_heard(&g->bell[!me]) != BELL_AWAKE)
			bell_wake(&g->bell[!me]);
	}
	return 0;
}

static int play_second(void *g)
{
	return play(g, 1);
}

/* W1, W2: without either fence a wake-up is lost now and then and costs ten seconds. */
static void test_no_wake_is_lost_between_two_sleepers(void **state)
{
	struct pingpong *g = (struct pingpong *)shared_words();
	pid_t pid = rig_spawn(play_second, g, 100);

	assert_int_equal(play(g, 0), 0);
	assert_int_equal(rig_join(pid), 0);
	assert_int_equal(g->turn, 2 * TURNS);
	munmap(g, 4096);
}

/* The handshake by itself, with both sides at it at the same moment. */
struct litmus {
	uint64_t go[16]; /* each on a pair of lines of its own */
	uint64_t frame[16];
	uint32_t bell[32];
	uint64_t saw[16]; /* round << 1 | the sleeper saw the frame */
};

enum { ROUNDS = 300000, AT_MOST_MS = 5000 };
#define STOP UINT64_MAX

static int announce_and_look(void *arg)
{
	struct litmus *m = arg;
	uint64_t i, go;

	rig_pin(1);
	for (i = 1;; i++) {
		while ((go = shm_load_acquire64(m->go)) != i)
			if (go == STOP)
				return 0;
		bell_set(m->bell, BELL_FUTEX);
		shm_store_release64(m->saw, i << 1 | (shm_load64(m->frame) == i));
	}
}

static void test_never_do_both_sides_miss(void **state)
{
	struct litmus *m = (struct litmus *)shared_words();
	pid_t pid = rig_spawn(announce_and_look, m, 100);
	uint64_t i, saw, missed = 0, met = 0, t0 = clock_ms();

	rig_pin(0);
	for (i = 1; i <= ROUNDS && clock_ms() - t0 < AT_MOST_MS; i++) {
		bool heard;

		bell_clear(m->bell);
		shm_store_release64(m->go, i);
		clock_burn(i % 512); /* meet somewhere in the flight of `go` */
		shm_store_release64(m->frame, i); /* as ring_publish does */
		heard = bell_heard(m->bell) != BELL_AWAKE;
		while ((saw = shm_load_acquire64(m->saw)) >> 1 != i)
			;
		missed += !heard && !(saw & 1);
		met += heard && (saw & 1);
	}
	shm_store_release64(m->go, STOP);
	assert_int_equal(rig_join(pid), 0);
	assert_int_equal(missed, 0); /* W1, W2: some hundreds without either fence */
	print_message("both saw each other %llu times of %llu\n", (unsigned long long)met,
		(unsigned long long)i - 1);
	munmap(m, 4096);
}

static void test_poll_sleeps_a_little(void **state)
{
	uint64_t t0 = clock_ticks();

	wait_poll(0);
	assert_true(clock_ticks() - t0 >= clock_from_ns(19000));
	wait_poll(UINT64_MAX); /* bounded: alarm() otherwise */
}

static void test_pauses_grow_up_to_a_limit(void **state)
{
	static const uint32_t wanted[] = {5, 10, 20, 40, 80, 160, 200, 200, 200};
	uint32_t ms = 0;
	size_t i;

	for (i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		assert_int_equal(ms = wait_refused_ms(ms), wanted[i]);
	assert_int_equal(wait_longer(UINT32_MAX / 2 + 1, 1, UINT32_MAX), UINT32_MAX);
}

static void test_spin_of_zero_never_spins(void **state)
{
	struct spin s;

	spin_init(&s, 0);
	spin_start(&s);
	assert_false(spin_again(&s));
	spin_met(&s);
	spin_idle(&s, 0);
	spin_blocked(&s, 1);
	spin_start(&s);
	assert_false(spin_again(&s));
	assert_int_equal(s.budget, 0);
}

static void test_spin_ends(void **state)
{
	struct spin s;
	uint64_t t0;

	spin_init(&s, 200000);
	t0 = clock_ticks();
	spin_start(&s);
	while (spin_again(&s))
		;
	assert_true(clock_ticks() - t0 >= s.budget);
}

/* What an offer of the last wait took was subtracted from the next one, which was over at
 * once: a server beside its only client, on one core, left its loop for each request. */
static void test_spin_anew_owes_nothing(void **state)
{
	struct spin s;

	spin_init(&s, 1000000000);
	s.taken = s.last = s.start + s.max;
	spin_anew(&s, clock_ticks());
	assert_true(spin_again(&s));
}

static void test_spin_that_keeps_its_core(void **state)
{
	struct spin s;

	spin_init(&s, 1000000000);
	s.yield = 1;
	s.keeps = true;
	assert_true(spin_again(&s));
	assert_int_equal(s.yield, 1);
	s.keeps = false;
	assert_true(spin_again(&s));
	assert_true(s.yield > 1);
}

static void test_budget_stays_in_its_bounds(void **state)
{
	struct spin s;
	uint64_t seed = 1, i;

	spin_init(&s, 50000);
	for (i = 0; i < 100000; i++) {
		uint64_t ticks = rig_below(&seed, 3 * s.max);

		s.preempted = rig_below(&seed, 4) == 0;
		switch (rig_below(&seed, 3)) {
		case 0: spin_met(&s); break;
		case 1: spin_idle(&s, ticks); break;
		default: spin_blocked(&s, ticks);
		}
		assert_true(s.budget >= s.max / 8);
		assert_true(s.budget <= s.max + s.max / 8);
		assert_false(s.preempted && s.budget == s.max);
	}
}

static void test_budget_moves(void **state)
{
	struct spin s;
	uint64_t before;
	int i;

	spin_init(&s, 100000);
	s.preempted = true; /* somebody wanted this core */
	spin_met(&s);
	assert_true(s.budget <= s.max / 2);
	before = s.budget;
	spin_idle(&s, s.max / 2); /* a little more spinning would have met it */
	assert_true(s.budget > before);
	for (i = 0; i < 100; i++)
		spin_blocked(&s, 1); /* it came at once when we slept: we were in its way */
	assert_true(s.budget == s.max / 8);
	for (i = 0; i < 1000; i++)
		spin_met(&s);
	assert_true(s.budget >= s.max);
	before = s.budget;
	spin_idle(&s, 10 * s.max); /* a long pause says nothing */
	assert_true(s.budget == before);
}

/* Answers that come just after a small budget has ended: found out in the end. */
static void test_budget_is_tried_anew(void **state)
{
	struct spin s;
	int i;

	spin_init(&s, 100000);
	for (i = 0; i < 100; i++)
		spin_blocked(&s, 1);
	assert_true(s.budget == s.max / 8);
	for (i = 0; i < 256 && s.budget < s.max; i++)
		spin_blocked(&s, 1);
	assert_true(s.budget == s.max);
	spin_met(&s);
	assert_true(s.budget == s.max);
}

static void test_clock_converts_both_ways(void **state)
{
	static const uint64_t ns[] = {1, 100, 1000, 1000000, 1000000000, 3600000000000};
	size_t i;

	assert_true(clock_from_ns(1000000000) >= 1000000);
	assert_int_equal(clock_from_ns(0), 0);
	for (i = 0; i < sizeof ns / sizeof *ns; i++) {
		uint64_t t = clock_from_ns(ns[i]), back = clock_to_ns(t);

		assert_true(t >= 1);
		assert_true(back <= ns[i] + ns[i] / 1000 + 1);
		assert_true(back + back / 1000 + clock_to_ns(1) + 2 >= ns[i]);
	}
}

/* Ticks against the system's clock, over long enough that a pause hardly matters. */
static void test_clock_rate_is_right(void **state)
{
	struct timespec a, b;
	uint64_t t0, t1;
	double ns, ticks_ns;
	int i;

	for (i = 0; i < 20; i++) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		t0 = clock_ticks();
		usleep(100000);
		clock_gettime(CLOCK_MONOTONIC, &b);
		t1 = clock_ticks();
		ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
		ticks_ns = (double)clock_to_ns(t1 - t0);
		if (ticks_ns > ns * 0.98 && ticks_ns < ns * 1.02)
			return;
	}
	fail_msg("%g ns by ticks, %g by the clock", ticks_ns, ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_word),
		cmocka_unit_test(test_sleep_ends_by_itself_and_clears),
		cmocka_unit_test(test_sleep_on_a_cleared_word_returns_at_once),
		cmocka_unit_test(test_wake_reaches_another_process),
		cmocka_unit_test(test_no_wake_is_lost_between_two_sleepers),
		cmocka_unit_test(test_poll_sleeps_a_little),
		cmocka_unit_test(test_pauses_grow_up_to_a_limit),
		cmocka_unit_test(test_spin_of_zero_never_spins),
		cmocka_unit_test(test_spin_ends),
		cmocka_unit_test(test_spin_anew_owes_nothing),
		cmocka_unit_test(test_spin_that_keeps_its_core),
		cmocka_unit_test(test_budget_stays_in_its_bounds),
		cmocka_unit_test(test_budget_moves),
		cmocka_unit_test(test_budget_is_tried_anew),
		cmocka_unit_test(test_clock_converts_both_ways),
		cmocka_unit_test(test_clock_rate_is_right),
		cmocka_unit_test(test_never_do_both_sides_miss), /* last: it pins */
	};

	alarm(200);
	return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
