/* SPDX-License-Identifier: BSD-3-Clause */
/* Scope: lane.h: which lane is rung, what a wrong word does, threads that sleep in lanes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "lane.h"
#include "../rig.h"

enum { THREADS = 2, CLIENTS = 3, ROUNDS = 20000, LONG_US = 20000000 };

static struct service_shm *shm;

static uint32_t here(void)
{
	return (uint32_t)sched_getcpu();
}

static int fresh(void **state)
{
	shm = mmap(NULL, sizeof *shm, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shm == MAP_FAILED;
}

static int gone(void **state)
{
	return munmap(shm, sizeof *shm);
}

static void test_no_lanes(void **state)
{
	assert_false(lane_ring(shm, 0));
	shm->nlanes = SERVICE_LANES + 1;
	assert_false(lane_ring(shm, 0));
	assert_false(lane_polls_here(shm));
}

/* Ours first; who is busy is passed over; who is awake need not be rung. */
/* Work beside the caller's: the lane of this processor comes last, and not at all when
 * another's thread will look here once it is done. */
static void test_away(void **state)
{
	uint32_t me = here(), cpu[3] = {me, me + 1, me + 2};

	rig_pin((int)me);
	lanes_open(shm, cpu, 3);
	shm->lane[0].asleep = shm->lane[1].asleep = shm->lane[2].asleep = BELL_FUTEX;
	lane_ring_away(shm, 7);
	assert_int_equal(shm->lane[1].asleep, BELL_AWAKE);
	assert_int_equal(shm->lane[1].channel, 7);
	lane_ring_away(shm, 8); /* awake: it will look by itself */
	assert_int_equal(shm->lane[2].asleep, BELL_FUTEX);
	shm->lane[1].asleep = BELL_BUSY;
	lane_ring_away(shm, 9);
	assert_int_equal(shm->lane[2].asleep, BELL_AWAKE);
	shm->lane[2].asleep = BELL_BUSY;
	lane_ring_away(shm, 10);
	assert_int_equal(shm->lane[0].asleep, BELL_FUTEX);
	/* All threads are on this processor. */
	cpu[0] = cpu[1] = cpu[2] = me;
	lanes_open(shm, cpu, 3);
	shm->lane[0].asleep = BELL_FUTEX;
	lane_ring_away(shm, 11);
	assert_int_equal(shm->lane[0].asleep, BELL_AWAKE);
	assert_int_equal(shm->lane[0].channel, 11);
}

static void test_which_lane(void **state)
{
	uint32_t me = here(), cpu[3] = {me + 1, me, me};

	rig_pin((int)me);
	lanes_open(shm, cpu, 3);
	assert_false(lane_ring(shm, 7)); /* all start as busy */
	shm->lane[0].asleep = shm->lane[1].asleep = shm->lane[2].asleep = BELL_FUTEX;
	assert_true(lane_ring(shm, 7));
	assert_int_equal(shm->lane[1].asleep, BELL_AWAKE);
	assert_int_equal(shm->lane[1].channel, 7);
	assert_int_equal(shm->lane[0].asleep, BELL_FUTEX);
	assert_true(lane_ring(shm, 8)); /* awake: it will look by itself */
	assert_int_equal(shm->lane[2].asleep, BELL_FUTEX);
	shm->lane[1].asleep = BELL_BUSY;
	assert_true(lane_ring(shm, 9));
	assert_int_equal(shm->lane[2].channel, 9);
	shm->lane[2].asleep = BELL_BUSY;
	assert_false(lane_ring(shm, 10));
	assert_int_equal(shm->lane[0].asleep, BELL_AWAKE);
}

/* A processor that has no thread rings one of the others'. */
static void test_every_processor_has_a_lane(void **state)
{
	static const uint32_t cpu[3] = {5, 261, 90};
	uint32_t i;

	lanes_open(shm, cpu, 3);
	for (i = 0; i < LANE_CPUS; i++)
		assert_true(shm->lane_of[i] < 3);
	assert_int_equal(shm->lane_of[5], 0); /* 261 is 5 as well: the first of them */
	assert_int_equal(shm->lane_of[90], 2);
}

static void test_poller_here(void **state)
{
	rig_pin((int)here());
	shm->poller = here() + 1;
	assert_true(lane_polls_here(shm));
	shm->poller = here() + 2;
	assert_false(lane_polls_here(shm));
}

/* Any bytes: an answer, no crash, no store outside of the lanes. */
static void test_hostile_words(void **state)
{
	uint64_t seed = 4711;
	int i;

	for (i = 0; i < 100000; i++) {
		uint8_t *at = (uint8_t *)shm + 512 + rig_below(&seed, sizeof *shm - 512);

		*at = (uint8_t)rig_rand(&seed);
		if (i % 3 == 0)
			shm->nlanes = (uint32_t)rig_below(&seed, SERVICE_LANES + 2);
		lane_ring(shm, (uint32_t)rig_rand(&seed));
		lane_polls_here(shm);
	}
	for (i = 0; i < 512; i++)
		assert_true(i / 4 == 196 / 4 || ((uint8_t *)shm)[i] == 0);
}

/* ---- threads in lanes ---- */

static uint64_t asked[CLIENTS * 8], answered[CLIENTS * 8]; /* a line each */
static uint32_t over, sleeps[THREADS], late;

static bool serve_all(void)
{
	bool any = false;
	int i;

	for (i = 0; i < CLIENTS; i++) {
		uint64_t n = shm_load_acquire64(&asked[i * 8]);

		if (n != shm_load64(&answered[i * 8])) {
			shm_store_release64(&answered[i * 8], n);
			any = true;
		}
	}
	return any;
}

static void *serve(void *arg)
{
	uint32_t k = (uint32_t)(uintptr_t)arg;
	uint32_t *bell = &shm->lane[k].asleep;
	uint64_t t0;

	rig_pin((int)shm->lane[k].cpu);
	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
		if (serve_all())
			continue;
		bell_set(bell, BELL_FUTEX);
		t0 = clock_ms();
		if (!serve_all() && !__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
			sleeps[k]++;
			bell_sleep(bell, LONG_US);
		}
		bell_clear(bell);
		if (clock_ms() - t0 >= LONG_US / 1000)
			__atomic_fetch_add(&late, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *ask(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;
	uint64_t n;

	for (n = 1; n <= ROUNDS; n++) {
		shm_store_release64(&asked[i * 8], n);
		shm_fence_full(); /* W2 */
		lane_ring(shm, i);
		while (shm_load_acquire64(&answered[i * 8]) != n)
			sched_yield(); /* rings no second time: a lost ring would end here */
	}
	return NULL;
}

/* Nobody's ring is lost: no server sleeps to its time-out while a client waits. */
static void test_no_ring_is_lost(void **state)
{
	pthread_t server[THREADS], client[CLIENTS];
	uint32_t cpu[THREADS], i, at = 0;
	cpu_set_t set;
	void *k;

	sched_getaffinity(0, sizeof set, &set);
	for (i = 0; i < THREADS; i++) {
		while (!CPU_ISSET(at, &set))
			at = (at + 1) % CPU_SETSIZE;
		cpu[i] = at;
		at = (at + 1) % CPU_SETSIZE;
	}
	lanes_open(shm, cpu, THREADS);
	for (i = 0; i < THREADS; i++) {
		k = (void *)(uintptr_t)i;
		assert_int_equal(pthread_create(&server[i], NULL, serve, k), 0);
	}
	for (i = 0; i < CLIENTS; i++) {
		k = (void *)(uintptr_t)i;
		assert_int_equal(pthread_create(&client[i], NULL, ask, k), 0);
	}
	for (i = 0; i < CLIENTS; i++)
		pthread_join(client[i], NULL);
	__atomic_store_n(&over, 1, __ATOMIC_RELEASE);
	for (i = 0; i < THREADS; i++)
		bell_wake(&shm->lane[i].asleep);
	for (i = 0; i < THREADS; i++)
		pthread_join(server[i], NULL);
	assert_int_equal(late, 0);
	assert_true(sleeps[0] + sleeps[1] > ROUNDS / 100);
}

#define FRESH(t) cmocka_unit_test_setup_teardown(t, fresh, gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(test_no_lanes),
		FRESH(test_no_ring_is_lost),
		FRESH(test_every_processor_has_a_lane),
		FRESH(test_hostile_words),
		FRESH(test_away),
		FRESH(test_which_lane),
		FRESH(test_poller_here),
	};

	return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
