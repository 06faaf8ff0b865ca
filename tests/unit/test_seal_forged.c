/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_seal_forged.c - scope: seal.h. Whoever changes, repeats, drops, swaps, reflects or transplants a
 * record ends the ring and gets no frame through.
 */
#include "../sealrig.h"

#include <pthread.h>

/* Every bit of a record, header and all. A changed generation is no frame at all. */
static void test_every_bit(void **state)
{
	uint32_t size = 16 + 48 + SEAL_TAG, bit;
	struct frame f;

	for (bit = 0; bit < size * 8; bit++) {
		struct line l;
		int rc;

		open_line(&l);
		say(&l, 1);
		l.mem[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rc = ring_peek(&l.rx, &f);
		if (bit >= 48 && bit < 64)
			assert_int_equal(rc, -EAGAIN);
		else
			breaks(&l, "");
		line_fini(&l);
	}
}

static void test_replay(void **state)
{
	struct line l;
	uint8_t record[16 + 48 + 16];

	open_line(&l);
	say(&l, 1);
	memcpy(record, l.mem, sizeof record);
	hears(&l, 1);
	memcpy(l.mem + sizeof record, record, sizeof record);
	breaks(&l, "order");
	line_fini(&l);
}

/* With the number that is due the tag is not the one. */
static void test_replay_with_another_number(void **state)
{
	struct line l;
	uint8_t record[16 + 48 + 16];
	uint64_t one = 1;

	open_line(&l);
	say(&l, 1);
	memcpy(record, l.mem, sizeof record);
	memcpy(record + 8, &one, sizeof one);
	hears(&l, 1);
	memcpy(l.mem + sizeof record, record, sizeof record);
	breaks(&l, "forged");
	line_fini(&l);
}

static void test_reorder(void **state)
{
	struct line l;
	enum { N = 16 + 48 + 16 };
	uint8_t record[N];

	open_line(&l);
	say(&l, 1);
	say(&l, 2);
	memcpy(record, l.mem, N);
	memmove(l.mem, l.mem + N, N);
	memcpy(l.mem + N, record, N);
	breaks(&l, "order");
	line_fini(&l);
}

static void test_left_out(void **state)
{
	struct line l;
	enum { N = 16 + 48 + 16 };

	open_line(&l);
	say(&l, 1);
	say(&l, 2);
	memmove(l.mem, l.mem + N, N);
	breaks(&l, "order");
	line_fini(&l);
}

static void test_truncated(void **state)
{
	struct line l;
	uint64_t word;

	open_line(&l);
	assert_int_equal(put(&l.tx, canary, sizeof canary, 5, 0, 1), 0);
	assert_int_equal(put(&l.tx, canary, sizeof canary, 5, 0, 2), 0);
	ring_publish(&l.tx);
	memcpy(&word, l.mem, sizeof word);
	word -= 48; /* its first frame alone */
	memcpy(l.mem, &word, sizeof word);
	breaks(&l, "forged");
	line_fini(&l);
}

static void test_plain_frame(void **state)
{
	struct line l;
	struct ring plain;

	open_line(&l);
	ring_produce(&plain, l.mem, CAP, &l.head, gen16(GEN), 0);
	assert_int_equal(put(&plain, canary, sizeof canary, 5, 0, 1), 0);
	ring_publish(&plain);
	breaks(&l, "not sealed");
	line_fini(&l);
}

/* A record of another line, where everything is the same but one thing. */
static void transplant(struct seal_place from, int direction)
{
	struct line a, b;

	open_line(&a);
	line_init(&b, NULL, from, direction);
	say(&b, 1);
	memcpy(a.mem, b.mem, LINE * 2);
	breaks(&a, "forged");
	line_fini(&a);
	line_fini(&b);
}

static void test_reflect(void **state)
{
	transplant(here, 1);
}

static void test_splice(void **state)
{
	struct seal_place channel = here, service = here, gen = here;

	channel.channel++;
	transplant(channel, 0);
	memcpy(service.service, "ops", 4);
	transplant(service, 0);
	gen.gen += 65535; /* the same 16 bits */
	transplant(gen, 0);
}

/* Who has the keys, and writes what no writer writes. */
static void test_frames_that_lie(void **state)
{
	static const uint64_t words[] = {
		17 | (uint64_t)GEN << 48,           /* of another generation */
		0xffffffffull | 8ull << 48,         /* longer than the record */
		33 | 8ull << 48,                    /* a little longer */
		16 | 1ull << 40 | 8ull << 48,       /* a filler */
		16 | 4ull << 40 | 8ull << 48,       /* an unknown flag */
	};
	size_t i;

	assert_int_equal(gen16(GEN), 8);
	for (i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct line l;

		open_line(&l);
		assert_int_equal(put(&l.tx, canary, sizeof canary, 5, 0, 1), 0);
		l.tx.word = words[i]; /* is stored before it is sealed */
		ring_publish(&l.tx);
		breaks(&l, "no frames");
		line_fini(&l);
	}
}

/* Whoever rewrites the bytes while they are read gets what was sent, or an end. */
struct scribbler {
	uint8_t *at;
	bool stop;
};

static void *scribble(void *arg)
{
	struct scribbler *s = arg;
	uint64_t seed = 1;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		uint64_t at = rig_below(&seed, 60 + 16);
		uint8_t was = s->at[at];

		s->at[at] = (uint8_t)(was ^ 1);
		s->at[at] = was;
	}
	return NULL;
}

static void test_rewritten_while_read(void **state)
{
	int good = 0, bad = 0, i;

	for (i = 0; i < 300; i++) {
		struct scribbler s = {.stop = false};
		struct line l;
		struct frame f;
		pthread_t t;
		int rc;

		open_line(&l);
		say(&l, 1);
		s.at = l.mem;
		assert_int_equal(pthread_create(&t, NULL, scribble, &s), 0);
		while ((rc = ring_peek(&l.rx, &f)) == -EAGAIN)
			;
		if (rc == 0) {
			assert_int_equal(f.len, sizeof canary);
			assert_memory_equal(f.data, canary, sizeof canary);
			good++;
		} else {
			bad++;
		}
		__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
		pthread_join(t, NULL);
		if (rc)
			breaks(&l, "");
		line_fini(&l);
	}
	print_message("rewritten: %d came through unharmed, %d ended\n", good, bad);
	assert_int_equal(good + bad, 300);
}

/* Whether a scribbler hits the moment is chance, so that what is opened lies elsewhere is looked at as well:
 * of records that are read and of those that are written. */
static const struct line *watched;
static int opened, sealed;

static bool is_shared(const void *p)
{
	return (const uint8_t *)p >= watched->mem && (const uint8_t *)p < watched->mem + CAP;
}

static int watch_open(const struct gcm_key *key, uint8_t *dst, const uint8_t *src, size_t len,
	const uint8_t tag[GCM_TAG_BYTES], const uint8_t *aad, size_t aad_len, const uint8_t nonce[GCM_NONCE_BYTES])
{
	assert_false(is_shared(src) || is_shared(dst) || is_shared(tag) || is_shared(aad));
	opened++;
	return gcm_select(NULL)->open(key, dst, src, len, tag, aad, aad_len, nonce);
}

static int watch_seal(const struct gcm_key *key, uint8_t *dst, uint8_t tag[GCM_TAG_BYTES], const uint8_t *src,
	size_t len, const uint8_t *aad, size_t aad_len, const uint8_t nonce[GCM_NONCE_BYTES])
{
	assert_false(is_shared(src) || is_shared(dst) || is_shared(tag) || is_shared(aad));
	sealed++;
	return gcm_select(NULL)->seal(key, dst, tag, src, len, aad, aad_len, nonce);
}

static void test_opened_elsewhere(void **state)
{
	struct gcm_backend watching = *gcm_select(NULL);
	struct line l;
	int i;

	watching.open = watch_open;
	watching.seal = watch_seal;
	open_line(&l);
	watched = &l;
	l.from->tx.gcm = l.to->rx.gcm = &watching;
	for (i = 0; i < 1000; i++) { /* round the ring some times */
		say(&l, (uint64_t)i);
		hears(&l, (uint64_t)i);
	}
	assert_int_equal(sealed, 1000);
	assert_int_equal(opened, 1000);
	line_fini(&l);
}

/* The consumer's head is the peer's as well. */
static void test_impossible_head(void **state)
{
	struct line l;
	int rc;

	open_line(&l);
	while ((rc = put(&l.tx, canary, sizeof canary, 5, 0, 1)) == 0)
		;
	assert_int_equal(rc, -EAGAIN);
	l.head = UINT64_MAX - 15;
	assert_int_equal(put(&l.tx, canary, sizeof canary, 5, 0, 1), -EPROTO);
	assert_int_equal(put(&l.tx, canary, 0, 5, 0, 1), -EPROTO);
	line_fini(&l);
}

/* After the next key, a record under the one before. */
static void test_old_key(void **state)
{
	struct line l;
	struct gcm_key old;
	uint32_t epoch;

	open_line(&l);
	seal_limit(&l.tx, &(struct seal_limits){2, UINT64_MAX, UINT64_MAX});
	say(&l, 1);
	old = l.from->tx.key;
	say(&l, 2);
	hears(&l, 1);
	hears(&l, 2);
	l.from->tx.key = old;
	epoch = l.from->tx.epoch--;
	say(&l, 3);
	assert_int_equal(epoch, 1);
	breaks(&l, "forged");
	line_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_replay_with_another_number),
		cmocka_unit_test(test_reorder),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_plain_frame),
		cmocka_unit_test(test_reflect),
		cmocka_unit_test(test_splice),
		cmocka_unit_test(test_frames_that_lie),
		cmocka_unit_test(test_rewritten_while_read),
		cmocka_unit_test(test_opened_elsewhere),
		cmocka_unit_test(test_impossible_head),
		cmocka_unit_test(test_old_key),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
