/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ring.c - scope: common/ring.h in one thread, both ends in turn: frames at every
 * offset, batches, full and empty, claims that are given up, injected delay, and a random
 * comparison with a plain queue. What the other end may have written: test_ring_hostile.c.
 * Order between processors is stress_ring's.
 */
#include "ringrig.h"

static void expect_to(struct ends *e, uint64_t off)
{
	for (off %= CACHE_LINE; off; off -= RING_ALIGN)
		expect(e, 0, 6);
}

static void test_frame_and_fields(void **state)
{
	struct ends *e = ends_open(CAP);
	struct frame f, again;
	uint8_t *at;

	expect_none(e);
	assert_int_equal(ring_claim(&e->p, 3, &at), 0);
	memcpy(at, "abc", 3);
	expect_none(e);
	ring_commit(&e->p, 3, 9, FRAME_MORE, 77);
	expect_none(e); /* committed is not published */
	ring_publish(&e->p);
	assert_true(ring_waiting(&e->c));
	assert_int_equal(ring_peek(&e->c, &f), 0);
	assert_int_equal(ring_peek(&e->c, &again), 0);
	assert_ptr_equal(again.data, f.data);
	assert_int_equal(again.len, f.len);
	assert_int_equal(again.kind, f.kind);
	assert_int_equal(again.flags, f.flags);
	assert_int_equal(again.id, f.id);
	assert_int_equal(f.len, 3);
	assert_int_equal(f.kind, 9);
	assert_int_equal(f.flags, FRAME_MORE);
	assert_int_equal(f.id, 77);
	assert_memory_equal(f.data, "abc", 3);
	ring_next(&e->c);
	expect_none(e);
	assert_int_equal(*e->head, 0);
	ring_release(&e->c);
	assert_int_equal(*e->head, 32);
	ring_publish(&e->p); /* nothing committed: nothing happens */
	expect_none(e);
	ends_close(e);
}

static void test_batch_becomes_visible_at_once(void **state)
{
	struct ends *e = ends_open(CAP);
	uint64_t i, n = 9;

	for (i = 0; i < n; i++) {
		assert_int_equal(put(e, (uint32_t)i * 5, i), 0);
		expect_none(e);
	}
	ring_publish(&e->p);
	for (i = 0; i < n; i++)
		expect(e, (uint32_t)i * 5, i);
	expect_none(e);
	ends_close(e);
}

/* At every offset of the ring, frames of many lengths, with and without a pad. */
static void test_wrap_at_each_offset(void **state)
{
	static const uint32_t lens[] = {0, 1, 15, 16, 17, 48, 200, 1000, 1776};
	uint64_t off;
	size_t i;

	for (off = 0; off < CAP; off += RING_ALIGN) {
		for (i = 0; i < sizeof lens / sizeof *lens; i++) {
			struct ends *e = ends_open(CAP);

			go_to(e, off);
			assert_int_equal(put(e, lens[i], off), 0);
			expect_none(e);
			assert_int_equal(put(e, 20, 2), 0);
			ring_publish(&e->p);
			expect_to(e, off);
			expect(e, lens[i], off);
			expect(e, 20, 2);
			expect_none(e);
			ring_release(&e->c);
			send_one(e, 33, 3);
			expect(e, 33, 3);
			ends_close(e);
		}
	}
}

static void test_frame_max_fits_everywhere_and_more_is_emsgsize(void **state)
{
	uint64_t off;

	for (off = 0; off < CAP; off += RING_ALIGN) {
		struct ends *e = ends_open(CAP);
		struct ring before;
		uint32_t max = ring_frame_max(&e->p);
		uint8_t *at = NULL;

		go_to(e, off);
		before = e->p;
		assert_int_equal(ring_claim(&e->p, max + 1, &at), -EMSGSIZE);
		assert_int_equal(ring_claim(&e->p, UINT32_MAX, &at), -EMSGSIZE);
		assert_null(at);
		assert_memory_equal(&before, &e->p, sizeof before);
		send_one(e, max, 1);
		expect_to(e, off);
		expect(e, max, 1);
		ends_close(e);
	}
}

static void test_full_is_eagain_and_recovers(void **state)
{
	uint32_t len;

	for (len = 0; len <= 600; len += 37) {
		struct ends *e = ends_open(CAP);
		uint64_t first = 0, next = 0, round;
		uint8_t *at = NULL;

		for (round = 0; round < 50; round++) {
			struct ring before;

			while (put(e, len, next) == 0)
				next++;
			ring_publish(&e->p);
			before = e->p;
			assert_int_equal(ring_claim(&e->p, len, &at), -EAGAIN);
			assert_memory_equal(&before, &e->p, sizeof before);
			assert_true(next - first > 1);
			do
				expect(e, len, first++);
			while (first < next && round % 2);
			/* Not given back yet: still full. */
			assert_int_equal(ring_claim(&e->p, ring_frame_max(&e->p), &at),
				-EAGAIN);
			ring_release(&e->c);
		}
		ends_close(e);
	}
}

/* Bug: `dirty` was the last claim's end, not the furthest one's, so that a short frame
 * after a long claim that was given up showed the claim's bytes as a frame. */
static void test_bytes_of_an_abandoned_claim_are_never_a_frame(void **state)
{
	uint32_t big, small;
	uint64_t off;

	for (off = 0; off < CAP; off += 48)
		for (big = 32; big < 1700; big += 177)
			for (small = 0; small <= big; small += 16 + big / 4) {
				struct ends *e = ends_open(CAP);
				uint8_t *at;

				go_to(e, off);
				assert_int_equal(ring_claim(&e->p, big, &at), 0);
				fill_forged(at, big, GEN);
				expect_none(e);
				send_one(e, small, 1);
				expect_to(e, off);
				expect(e, small, 1);
				expect_none(e);
				send_one(e, 0, 2);
				expect(e, 0, 2);
				expect_none(e);
				ends_close(e);
			}
}

/* Same bug, other way in: committed shorter than claimed, then more in the batch. */
static void test_commit_shorter_than_the_claim(void **state)
{
	uint32_t used, more;

	for (used = 0; used < 300; used += 7)
		for (more = 0; more < 4; more++) {
			struct ends *e = ends_open(CAP);
			uint8_t *at;
			uint32_t i;

			assert_int_equal(ring_claim(&e->p, 700, &at), 0);
			fill_forged(at, 700, GEN);
			for (i = 0; i < used; i++)
				at[i] = byte_of(1, i);
			ring_commit(&e->p, used, 1, 0, 1);
			for (i = 0; i < more; i++)
				assert_int_equal(put(e, i, 2 + i), 0);
			ring_publish(&e->p);
			expect(e, used, 1);
			for (i = 0; i < more; i++)
				expect(e, i, 2 + i);
			expect_none(e);
			send_one(e, 8, 9);
			expect(e, 8, 9);
			expect_none(e);
			ends_close(e);
		}
}

/* A claim at the end leaves a pad behind; given up, the pad may be published alone. */
static void test_abandoned_claim_behind_a_pad(void **state)
{
	struct ends *e = ends_open(CAP);
	struct frame f;
	uint8_t *at;

	go_to(e, CAP - 64);
	assert_int_equal(ring_claim(&e->p, 500, &at), 0);
	fill_forged(at, 500, GEN);
	ring_publish(&e->p);
	assert_int_equal(ring_peek(&e->c, &f), -EAGAIN);
	expect_none(e);
	ring_release(&e->c);
	send_one(e, 1, 4);
	expect(e, 1, 4);
	expect_none(e);
	ends_close(e);
}

/* A frame at a time: each is waited for on both sides. */
static void test_delay_of_single_frames(void **state)
{
	struct ends *e = ends_open(CAP);
	uint64_t ticks = clock_from_ns(20000), t0 = clock_ticks(), shown, read;
	int i;

	e->p.delay = e->c.delay = ticks;
	for (i = 0, shown = read = 0; i < 10; i++) {
		t0 = clock_ticks();
		send_one(e, 4, 1);
		shown += clock_ticks() - t0;
		t0 = clock_ticks();
		expect(e, 4, 1);
		read += clock_ticks() - t0;
	}
	assert_true(shown >= 10 * ticks);
	assert_true(read >= 10 * ticks);
	ends_close(e);
}

/* Of a batch, those within RING_AHEAD come with the first; those shown later do not. */
static void test_delay_of_a_batch(void **state)
{
	enum { FRAMES = 40, SIZE = 32 };
	struct ends *e = ends_open(CAP);
	struct frame f;
	uint8_t *at;
	int i;

	e->c.delay = 1;
	for (i = 0; i < FRAMES; i++) {
		assert_int_equal(ring_claim(&e->p, SIZE - RING_HEADER, &at), 0);
		ring_commit(&e->p, SIZE - RING_HEADER, 4, 0, 1);
	}
	ring_publish(&e->p);
	for (i = 0; i < FRAMES; i++) {
		uint64_t before = e->c.fetched;

		assert_int_equal(ring_peek(&e->c, &f), 0);
		assert_int_equal(e->c.fetched == before, i * SIZE % RING_AHEAD != 0);
		ring_next(&e->c);
	}
	assert_int_equal(e->c.fetched, FRAMES * SIZE);
	expect_none(e);
	send_one(e, 4, 1);
	assert_int_equal(ring_peek(&e->c, &f), 0);
	assert_true(e->c.fetched > FRAMES * SIZE);
	ends_close(e);
}

/* Random use against a plain queue of (id, length). */
static void differential(uint64_t seed, uint64_t cap)
{
	enum { QUEUE = 4096 };
	static uint64_t ids[QUEUE];
	static uint32_t lens[QUEUE];
	struct ends *e = ends_open(cap);
	uint64_t made = 0, shown = 0, read = 0, given = 0, step;
	uint32_t span = cap > 8192 ? 3000 : 700;
	uint64_t used[2] = {0, 0}; /* bytes in flight by the model: least possible, head */

	for (step = 0; step < 60000; step++) {
		uint64_t dice = rig_below(&seed, 100);
		uint32_t len = (uint32_t)rig_below(&seed, dice % 7 ? 90 : span);
		uint8_t *at;

		if (dice < 45) {
			int rc = made - given < QUEUE ? ring_claim(&e->p, len, &at) : -EAGAIN;

			if (rc) {
				assert_int_equal(rc, -EAGAIN);
				/* An empty ring takes anything. */
				assert_true(made > given || e->p.word);
			} else {
				uint32_t keep = (uint32_t)rig_below(&seed, len + 1);
				uint32_t i;

				fill_forged(at, len, GEN);
				if (dice < 5)
					continue; /* given up */
				if (dice < 35)
					keep = len;
				for (i = 0; i < keep; i++)
					at[i] = byte_of(made, i);
				ring_commit(&e->p, keep, (uint8_t)made, 0, made);
				ids[made % QUEUE] = made;
				lens[made % QUEUE] = keep;
				made++;
			}
		} else if (dice < 60) {
			ring_publish(&e->p);
			shown = made;
		} else if (dice < 92) {
			if (read < shown) {
				expect(e, lens[read % QUEUE], ids[read % QUEUE]);
				read++;
			} else {
				struct frame f;

				assert_int_equal(ring_peek(&e->c, &f), -EAGAIN);
			}
		} else {
			ring_release(&e->c);
			given = read;
		}
		used[0] = made - given;
	}
	assert_true(made > 1000 && used[0] <= QUEUE);
	ring_publish(&e->p);
	while (read < made) {
		expect(e, lens[read % QUEUE], ids[read % QUEUE]);
		read++;
	}
	{
		struct frame f;

		assert_int_equal(ring_peek(&e->c, &f), -EAGAIN);
	}
	ends_close(e);
}

static void test_random_against_a_queue(void **state)
{
	uint64_t seed;

	for (seed = 1; seed <= 12; seed++) {
		differential(seed, 4096);
		differential(seed + 100, 8192);
		differential(seed + 200, 32768);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_and_fields),
		cmocka_unit_test(test_batch_becomes_visible_at_once),
		cmocka_unit_test(test_wrap_at_each_offset),
		cmocka_unit_test(test_frame_max_fits_everywhere_and_more_is_emsgsize),
		cmocka_unit_test(test_full_is_eagain_and_recovers),
		cmocka_unit_test(test_bytes_of_an_abandoned_claim_are_never_a_frame),
		cmocka_unit_test(test_commit_shorter_than_the_claim),
		cmocka_unit_test(test_abandoned_claim_behind_a_pad),
		cmocka_unit_test(test_delay_of_single_frames),
		cmocka_unit_test(test_delay_of_a_batch),
		cmocka_unit_test(test_random_against_a_queue),
	};

	alarm(300);
	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
