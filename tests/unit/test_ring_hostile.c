/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ring_hostile.c - scope: common/ring.h and what must not be believed: indices and frames
 * that cannot be, generations before this one, payloads that look like commit words.
 */
#include "ringrig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_impossible_head_is_eproto_for_good),
		cmocka_unit_test(test_impossible_frame_is_eproto_for_good),
		cmocka_unit_test(test_pad_behind_a_pad_is_eproto),
		cmocka_unit_test(test_hostile_ring_without_end_is_eproto),
		cmocka_unit_test(test_late_publish_of_an_old_generation_is_invisible),
		cmocka_unit_test(test_payload_full_of_commit_words),
	};

	alarm(300);
	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
