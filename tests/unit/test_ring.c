/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ring.c - scope: common/ring.h in one thread, both ends in turn: frames at every
 * offset, batches, full and empty, every error of the header, claims that are given up,
 * generations, hostile indices and frames, payloads that look like commit words, and a
 * random comparison with a plain queue. Order between processors is stress_ring's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "ring.h"
#include "../rig.h"

#include <stdlib.h>
#include <string.h>

enum { CAP = 4096, GEN = 7 };

struct ends {
	uint8_t *data;
	uint64_t *head;
	struct ring p, c;
};

static uint64_t commit_word(uint32_t len, uint8_t flags, uint16_t gen)
{
	return len | (uint64_t)flags << 40 | (uint64_t)gen << 48;
}

/* Bytes that would be a frame of this generation wherever anybody looked. */
static void fill_forged(void *at, size_t len, uint16_t gen)
{
	uint64_t w[2] = {commit_word(16, 0, gen), 0xdeadbeef};
	size_t i;

	for (i = 0; i < len; i++)
		((uint8_t *)at)[i] = ((uint8_t *)w)[i % sizeof w];
}

static struct ends *ends_open(uint64_t cap)
{
	struct ends *e = NULL;

	assert_int_equal(posix_memalign((void **)&e, 128, sizeof *e), 0);
	assert_int_equal(posix_memalign((void **)&e->data, 64, cap + 64), 0);
	e->head = (uint64_t *)(e->data + cap);
	*e->head = 0;
	fill_forged(e->data, cap, GEN); /* what somebody left behind, at its worst */
	ring_produce(&e->p, e->data, cap, e->head, GEN, 0);
	ring_consume(&e->c, e->data, cap, e->head, GEN, 0);
	return e;
}

static void ends_close(struct ends *e)
{
	free(e->data);
	free(e);
}

static uint8_t byte_of(uint64_t id, uint32_t i)
{
	return (uint8_t)(id * 31 + i * 7 + (i >> 8));
}

/* Claim, fill and commit one frame; what ring_claim says. */
static int put(struct ends *e, uint32_t len, uint64_t id)
{
	uint8_t *at;
	uint32_t i;
	int rc = ring_claim(&e->p, len, &at);

	if (rc)
		return rc;
	for (i = 0; i < len; i++)
		at[i] = byte_of(id, i);
	ring_commit(&e->p, len, (uint8_t)id, 0, id);
	return 0;
}

static void send_one(struct ends *e, uint32_t len, uint64_t id)
{
	assert_int_equal(put(e, len, id), 0);
	ring_publish(&e->p);
}

/* The next frame must be this one; step over it. */
static void expect(struct ends *e, uint32_t len, uint64_t id)
{
	struct frame f;
	uint32_t i;

	assert_int_equal(ring_peek(&e->c, &f), 0);
	assert_int_equal(f.len, len);
	assert_int_equal(f.id, id);
	assert_int_equal(f.kind, (uint8_t)id);
	assert_int_equal(f.flags, 0);
	for (i = 0; i < len; i++)
		if (f.data[i] != byte_of(id, i))
			fail_msg("byte %u of frame %llu", i, (unsigned long long)id);
	ring_next(&e->c);
}

static void expect_none(struct ends *e)
{
	struct frame f;

	assert_int_equal(ring_peek(&e->c, &f), -EAGAIN);
	assert_false(ring_waiting(&e->c));
}

/* Bring the producer to an offset (a multiple of 16) of an empty ring: to its line by
 * frames sent and read, within the line by frames that stay unpublished, which
 * expect_to() takes off the other end. */
static void go_to(struct ends *e, uint64_t off)
{
	while ((e->p.pos & (e->p.cap - 1)) != (off & ~(CACHE_LINE - 1ull))) {
		send_one(e, 0, 5);
		expect(e, 0, 5);
		ring_release(&e->c);
	}
	while ((e->p.pos & (e->p.cap - 1)) != off)
		assert_int_equal(put(e, 0, 6), 0);
}

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
	assert_memory_equal(&f, &again, sizeof f);
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

/* Fill until the producer has to look at the head, with this value in it. */
static void head_breaks(uint64_t (*value)(const struct ends *), bool held)
{
	struct ends *e = ends_open(CAP);
	uint64_t good;
	uint8_t *at;
	int i, rc;

	for (i = 0; i < 100; i++) { /* some laps, so that the limit has moved */
		send_one(e, 100, 1);
		expect(e, 100, 1);
		ring_release(&e->c);
	}
	if (held)
		assert_int_equal(put(e, 100, 1), 0);
	good = *e->head;
	*e->head = value(e);
	while ((rc = put(e, 100, 1)) == 0)
		if (!held)
			ring_publish(&e->p);
	assert_int_equal(rc, -EPROTO);
	*e->head = good;
	assert_int_equal(ring_claim(&e->p, 1000, &at), -EPROTO);
	/* Bug: what still fitted under the old limit was granted. */
	assert_int_equal(ring_claim(&e->p, 0, &at), -EPROTO);
	ends_close(e);
}

static uint64_t head_ahead(const struct ends *e)
{
	return e->p.pos + 2 * CAP;
}

static uint64_t head_far_ahead(const struct ends *e)
{
	return UINT64_MAX - 15;
}

static uint64_t head_back(const struct ends *e)
{
	return *e->head - 2 * CAP;
}

static uint64_t head_zero(const struct ends *e)
{
	return 0;
}

static uint64_t head_odd(const struct ends *e)
{
	return *e->head + 8;
}

/* Past what was published, but not past what was committed. */
static uint64_t head_in_batch(const struct ends *e)
{
	return e->p.batch + 16;
}

static void test_impossible_head_is_eproto_for_good(void **state)
{
	head_breaks(head_ahead, false);
	head_breaks(head_far_ahead, false);
	head_breaks(head_back, false);
	head_breaks(head_zero, false);
	head_breaks(head_odd, false);
	head_breaks(head_in_batch, true);
}

/* A commit word at the consumer's position that cannot be. */
static void frame_breaks(uint64_t off, uint64_t word)
{
	struct ends *e = ends_open(CAP);
	struct frame f;
	uint64_t *h;

	go_to(e, off & ~(CACHE_LINE - 1ull));
	e->c.pos += off % CACHE_LINE; /* as if within a batch */
	h = (uint64_t *)(e->data + off);
	*h = word;
	assert_true(ring_waiting(&e->c));
	assert_int_equal(ring_peek(&e->c, &f), -EPROTO);
	assert_false(ring_waiting(&e->c));
	*h = commit_word(16, 0, GEN);
	assert_int_equal(ring_peek(&e->c, &f), -EPROTO);
	*h = 0;
	assert_int_equal(ring_peek(&e->c, &f), -EPROTO);
	ends_close(e);
}

static void test_impossible_frame_is_eproto_for_good(void **state)
{
	uint8_t bit;

	for (bit = FRAME_MORE << 1; bit; bit <<= 1)
		frame_breaks(64, commit_word(0, bit, GEN));
	frame_breaks(0, commit_word(CAP, 0, GEN));
	frame_breaks(0, commit_word(CAP - 15, 0, GEN));
	frame_breaks(0, commit_word(CAP / 2, 0, GEN)); /* longer than frame_max */
	frame_breaks(CAP - 64, commit_word(49, 0, GEN));
	frame_breaks(CAP - 16, commit_word(1, 0, GEN));
	frame_breaks(64, commit_word(UINT32_MAX, 0, GEN));
	frame_breaks(64, commit_word(UINT32_MAX - 15, 0, GEN));
	frame_breaks(64, commit_word(32, FRAME_PAD, GEN)); /* does not end the ring */
	frame_breaks(0, commit_word(CAP - 16, FRAME_PAD, GEN)); /* all of it is a pad */
	frame_breaks(64, commit_word(CAP - 64, FRAME_PAD, GEN));
}

static void test_pad_behind_a_pad_is_eproto(void **state)
{
	struct ends *e = ends_open(CAP);
	struct frame f;

	go_to(e, CAP - 64);
	*(uint64_t *)(e->data + CAP - 64) = commit_word(48, FRAME_PAD, GEN);
	*(uint64_t *)e->data = commit_word(CAP - 16, FRAME_PAD, GEN);
	assert_int_equal(ring_peek(&e->c, &f), -EPROTO);
	assert_int_equal(ring_peek(&e->c, &f), -EPROTO);
	ends_close(e);
}

/* Bug: a ring full of forged frames was an endless batch: the reader, who gives bytes
 * back only at the end of what it finds, went round for ever. */
static void test_hostile_ring_without_end_is_eproto(void **state)
{
	struct ends *e = ends_open(CAP);
	struct frame f;
	int n = 0, rc;

	fill_forged(e->data, CAP, GEN);
	while ((rc = ring_peek(&e->c, &f)) == 0 && n < 1000) {
		ring_next(&e->c);
		n++;
	}
	assert_int_equal(rc, -EPROTO);
	assert_true(n <= CAP / 32);
	ends_close(e);
}

static void test_late_publish_of_an_old_generation_is_invisible(void **state)
{
	struct ends *e = ends_open(CAP);
	struct ring old;
	uint8_t *at;

	send_one(e, 40, 1);
	expect(e, 40, 1);
	ring_release(&e->c);
	assert_int_equal(put(e, 64, 2), 0); /* held back: its owner is stopped here */
	old = e->p;
	*e->head = 0;
	ring_produce(&e->p, e->data, CAP, e->head, GEN + 1, 0);
	ring_consume(&e->c, e->data, CAP, e->head, GEN + 1, 0);
	expect_none(e);
	assert_int_equal(ring_claim(&e->p, 24, &at), 0);
	memset(at, 0, 24);
	ring_commit(&e->p, 24, 3, 0, 3);
	ring_publish(&e->p);
	assert_true(ring_waiting(&e->c));
	ring_publish(&old); /* and goes on here */
	{
		struct frame f;

		assert_int_equal(ring_peek(&e->c, &f), 0);
		assert_int_equal(f.id, 3);
		ring_next(&e->c);
		assert_int_equal(ring_peek(&e->c, &f), -EAGAIN);
	}
	ends_close(e);
}

static void test_payload_full_of_commit_words(void **state)
{
	struct ends *e = ends_open(CAP);
	uint64_t seed = 3, i;
	uint32_t k;

	for (i = 0; i < 20000; i++) {
		uint32_t n = 1 + (uint32_t)rig_below(&seed, 3), len[3];
		struct frame f;
		uint8_t *at;

		for (k = 0; k < n; k++) {
			len[k] = (uint32_t)rig_below(&seed, 500);
			assert_int_equal(ring_claim(&e->p, len[k], &at), 0);
			fill_forged(at, len[k], GEN);
			ring_commit(&e->p, len[k], 0, 0, commit_word(0, 0, GEN));
		}
		ring_publish(&e->p);
		for (k = 0; k < n; k++) {
			assert_int_equal(ring_peek(&e->c, &f), 0);
			assert_int_equal(f.len, len[k]);
			assert_int_equal(f.id, commit_word(0, 0, GEN));
			ring_next(&e->c);
		}
		expect_none(e);
		ring_release(&e->c);
	}
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
		cmocka_unit_test(test_impossible_head_is_eproto_for_good),
		cmocka_unit_test(test_impossible_frame_is_eproto_for_good),
		cmocka_unit_test(test_pad_behind_a_pad_is_eproto),
		cmocka_unit_test(test_hostile_ring_without_end_is_eproto),
		cmocka_unit_test(test_late_publish_of_an_old_generation_is_invisible),
		cmocka_unit_test(test_payload_full_of_commit_words),
		cmocka_unit_test(test_delay_of_single_frames),
		cmocka_unit_test(test_delay_of_a_batch),
		cmocka_unit_test(test_random_against_a_queue),
	};

	alarm(300);
	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
