/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_seal.c - scope: seal.h. What goes in comes out, nothing readable is in the shared
 * bytes, and whoever changes, repeats, drops, swaps, reflects or transplants a record ends
 * the ring and gets no frame through.
 */
#include "seal.h"
#include "../rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <mbedtls/gcm.h>
#include <mbedtls/hkdf.h>
#include <sodium.h>

enum { CAP = 16384, GEN = 7, LINE = 64 };

static uint16_t gen16(uint32_t gen)
{
	return (uint16_t)(gen % 65535 + 1); /* as channel.h */
}

static const char canary[] = "plaintext canary";

/* One direction: both ends of a ring, in memory that stands for the shared one. */
struct line {
	uint8_t *mem;
	uint64_t head;
	struct ring tx, rx;
	struct seal *from, *to;
	struct seal_place place;
};

static uint8_t secret_of(int direction)
{
	return (uint8_t)(direction + 1);
}

static void line_between(struct line *l, size_t cap, const char *writer, const char *reader,
	struct seal_place place, int direction)
{
	const struct gcm_backend *gcm[2] = {gcm_select(writer), gcm_select(reader)};
	uint8_t secret[SEAL_SECRET];
	struct life life;

	assert_non_null(gcm[0]);
	assert_non_null(gcm[1]);
	life_read(&life);
	memset(l, 0, sizeof *l);
	memset(secret, secret_of(direction), sizeof secret);
	l->mem = aligned_alloc(4096, cap);
	memset(l->mem, 0, cap);
	l->place = place;
	l->from = seal_create(cap);
	l->to = seal_create(cap);
	ring_produce(&l->tx, l->mem, cap, &l->head, gen16(place.gen), 0);
	ring_consume(&l->rx, l->mem, cap, &l->head, gen16(place.gen), 0);
	assert_int_equal(seal_begin_tx(&l->from->tx, &l->tx, gcm[0], &place, secret, &life), 0);
	assert_int_equal(seal_begin_rx(&l->to->rx, &l->rx, gcm[1], &place, secret), 0);
}

static void line_init(struct line *l, const char *backend, struct seal_place place, int direction)
{
	line_between(l, CAP, backend, backend, place, direction);
}

static void line_fini(struct line *l)
{
	seal_destroy(l->from);
	seal_destroy(l->to);
	free(l->mem);
}

static const struct seal_place here = {"kv", 3, GEN};

static void open_line(struct line *l)
{
	line_init(l, NULL, here, 0);
}

static int put(struct ring *r, const void *p, uint32_t len, uint8_t kind, uint8_t flags, uint64_t id)
{
	uint8_t *at;
	int rc = ring_claim(r, len, &at);

	if (rc)
		return rc;
	if (len)
		memcpy(at, p, len);
	ring_commit(r, len, kind, flags, id);
	return 0;
}

static void say(struct line *l, uint64_t id)
{
	assert_int_equal(put(&l->tx, canary, sizeof canary, 5, 0, id), 0);
	ring_publish(&l->tx);
}

static void hears(struct line *l, uint64_t id)
{
	struct frame f;

	assert_true(ring_waiting(&l->rx));
	assert_int_equal(ring_peek(&l->rx, &f), 0);
	assert_int_equal(f.id, id);
	assert_int_equal(f.kind, 5);
	assert_int_equal(f.len, sizeof canary);
	assert_memory_equal(f.data, canary, sizeof canary);
	ring_next(&l->rx);
	ring_release(&l->rx);
}

static void breaks(struct line *l, const char *why)
{
	struct frame f;

	assert_int_equal(ring_peek(&l->rx, &f), -EPROTO);
	assert_non_null(seal_why(&l->rx));
	assert_non_null(strstr(seal_why(&l->rx), why));
	assert_int_equal(ring_peek(&l->rx, &f), -EPROTO); /* for good */
	assert_false(ring_waiting(&l->rx));
}

/* ---- what goes in comes out ---- */

static void test_one_frame(void **state)
{
	struct line l;
	struct frame f;

	open_line(&l);
	assert_false(ring_waiting(&l.rx));
	assert_int_equal(ring_peek(&l.rx, &f), -EAGAIN);
	say(&l, 77);
	hears(&l, 77);
	assert_false(ring_waiting(&l.rx));
	assert_int_equal(ring_peek(&l.rx, &f), -EAGAIN);
	assert_null(seal_why(&l.rx));
	line_fini(&l);
}

static void test_nothing_shows_before_publish(void **state)
{
	struct line l;
	struct frame f;

	open_line(&l);
	assert_false(ring_held(&l.tx));
	assert_int_equal(put(&l.tx, canary, sizeof canary, 5, 0, 1), 0);
	assert_true(ring_held(&l.tx));
	assert_int_equal(ring_peek(&l.rx, &f), -EAGAIN);
	ring_publish(&l.tx);
	assert_false(ring_held(&l.tx));
	hears(&l, 1);
	line_fini(&l);
}

static void test_batch_is_one_record(void **state)
{
	struct line l;
	uint64_t before, i;

	open_line(&l);
	before = l.from->tx.outer.pos;
	for (i = 0; i < 10; i++)
		assert_int_equal(put(&l.tx, canary, sizeof canary, 5, 0, i), 0);
	ring_publish(&l.tx);
	assert_int_equal(l.from->tx.outer.pos - before, 16 + 10 * 48 + 16);
	for (i = 0; i < 10; i++)
		hears(&l, i);
	line_fini(&l);
}

/* Any sizes, batches and laziness of the reader, against a model. */
static void run_model(const char *backend, uint64_t seed, int turns)
{
	static uint8_t bytes[CAP];
	struct line l;
	struct frame f;
	uint64_t sent = 0, got = 0, s = seed;
	int rc = 0;

	line_init(&l, backend, here, 0);
	while (turns-- > 0) {
		int n = (int)rig_below(&s, 12), k;

		for (k = 0; k < n; k++) {
			uint64_t one = sent;
			uint32_t len = (uint32_t)rig_below(&one, rig_below(&one, 4) ? 200 : l.tx.frame_max + 1);

			memset(bytes, (int)sent, len);
			rc = put(&l.tx, bytes, len, (uint8_t)sent, sent % 3 ? FRAME_MORE : 0, sent);
			if (rc == -EAGAIN)
				break;
			assert_int_equal(rc, 0);
			sent++;
		}
		ring_publish(&l.tx);
		n = (int)rig_below(&s, 14);
		for (k = 0; k < n && (rc = ring_peek(&l.rx, &f)) == 0; k++) {
			uint64_t one = got;
			uint32_t len = (uint32_t)rig_below(&one, rig_below(&one, 4) ? 200 : l.tx.frame_max + 1);

			assert_int_equal(f.id, got);
			assert_int_equal(f.len, len);
			assert_int_equal(f.kind, (uint8_t)got);
			assert_int_equal(f.flags, got % 3 ? FRAME_MORE : 0);
			memset(bytes, (int)got, len);
			assert_memory_equal(f.data, bytes, len);
			got++;
			ring_next(&l.rx);
		}
		assert_int_not_equal(rc, -EPROTO);
		if (rc == -EAGAIN || rig_below(&s, 2))
			ring_release(&l.rx);
	}
	assert_true(got > 1000);
	line_fini(&l);
}

static const char *const backends[] = {"ipsec-mb", "libsodium", "mbedtls"};

static void test_model(void **state)
{
	int i;

	for (i = 0; i < 3; i++)
		if (gcm_select(backends[i]))
			run_model(backends[i], 42 + (uint64_t)i, 20000);
}

static void test_full(void **state)
{
	struct line l;
	uint64_t n = 0, i;
	int rc;

	open_line(&l);
	while ((rc = put(&l.tx, canary, sizeof canary, 5, 0, n)) == 0) {
		n++;
		if (n % 3 == 0)
			ring_publish(&l.tx);
	}
	assert_int_equal(rc, -EAGAIN);
	assert_true(n > 100);
	ring_publish(&l.tx);
	assert_false(ring_drained(&l.tx));
	for (i = 0; i < n; i++)
		hears(&l, i);
	assert_true(ring_drained(&l.tx));
	say(&l, n);
	hears(&l, n);
	assert_int_equal(put(&l.tx, canary, l.tx.frame_max + 1, 5, 0, 0), -EMSGSIZE);
	line_fini(&l);
}

static bool contains(const uint8_t *p, size_t len, const void *what, size_t n)
{
	return memmem(p, len, what, n) != NULL;
}

static void test_nothing_readable(void **state)
{
	struct line l;
	uint64_t i;

	open_line(&l);
	for (i = 0; i < 2000; i++) {
		say(&l, i);
		assert_false(contains(l.mem, CAP, canary, sizeof canary - 1));
		hears(&l, i);
	}
	/* claimed and written, and not committed */
	assert_int_equal(put(&l.tx, canary, sizeof canary, 5, 0, 1), 0);
	assert_false(contains(l.mem, CAP, canary, sizeof canary - 1));
	line_fini(&l);
}

/* ---- long ones, which go in pieces ---- */

enum { LONG_CAP = 1 << 20, LONGEST = 300000 };

static uint8_t *long_bytes(void)
{
	static uint8_t bytes[LONGEST];
	size_t i;

	for (i = 0; i + sizeof canary <= sizeof bytes; i += sizeof canary) {
		memcpy(bytes + i, canary, sizeof canary - 1);
		bytes[i + sizeof canary - 1] = (uint8_t)(i / sizeof canary);
	}
	return bytes;
}

static void hears_long(struct line *l, uint64_t id, uint32_t len)
{
	struct frame f;

	assert_int_equal(ring_peek(&l->rx, &f), 0);
	assert_int_equal(f.id, id);
	assert_int_equal(f.flags, FRAME_MORE);
	assert_int_equal(f.len, len);
	assert_memory_equal(f.data, long_bytes(), len);
	ring_next(&l->rx);
	ring_release(&l->rx);
}

static void between(const char *writer, const char *reader)
{
	static const uint32_t lens[] = {0, 1, RECORD_SOFT, RECORD_SOFT + 1, SEAL_PIECE, SEAL_PIECE + 1,
		SEAL_PIECE + 16, 3 * SEAL_PIECE - 16, 65536, 65543, 100000, LONGEST};
	struct line l;
	uint64_t id = 0;
	size_t i, laps;

	line_between(&l, LONG_CAP, writer, reader, here, 0);
	for (laps = 0; laps < 5; laps++)
		for (i = 0; i < sizeof lens / sizeof *lens; i++, id += 3) {
			assert_int_equal(put(&l.tx, canary, sizeof canary, 5, 0, id), 0);
			assert_int_equal(ring_put(&l.tx, long_bytes(), lens[i], 6, FRAME_MORE, id + 1), 0);
			assert_true(ring_held(&l.tx));
			assert_false(ring_waiting(&l.rx));
			say(&l, id + 2);
			assert_false(contains(l.mem, LONG_CAP, canary, sizeof canary - 1));
			hears(&l, id);
			hears_long(&l, id + 1, lens[i]);
			hears(&l, id + 2);
		}
	assert_int_equal(ring_put(&l.tx, canary, l.tx.frame_max + 1, 5, 0, 0), -EMSGSIZE);
	for (i = 0; ring_put(&l.tx, long_bytes(), LONGEST, 6, FRAME_MORE, id + i) == 0;)
		i++;
	assert_in_range(i, 1, LONG_CAP / LONGEST);
	assert_int_equal(ring_put(&l.tx, long_bytes(), LONGEST, 6, FRAME_MORE, id), -EAGAIN);
	ring_publish(&l.tx);
	for (; i > 0; i--)
		hears_long(&l, id++, LONGEST);
	assert_false(ring_waiting(&l.rx));
	line_fini(&l);
}

static void test_long(void **state)
{
	int i, k;

	for (i = 0; i < 3; i++)
		for (k = 0; k < 3; k++)
			if (gcm_select(backends[i]) && gcm_select(backends[k]))
				between(backends[i], backends[k]);
}

/* In none of the pieces, and of those that were opened by then nothing is left. */
static void test_long_forged(void **state)
{
	enum { N = 3 * SEAL_PIECE, FROM = 2 * RING_HEADER };
	static const size_t at[] = {RING_HEADER, FROM, FROM + SEAL_PIECE, FROM + 2 * SEAL_PIECE + 5,
		FROM + N - 1, FROM + N, FROM + N + SEAL_TAG - 1};
	struct line l;
	size_t i;
	int b;

	for (b = 0; b < 3; b++)
		for (i = 0; i < sizeof at / sizeof *at && gcm_select(backends[b]); i++) {
			line_between(&l, LONG_CAP, backends[b], backends[b], here, 0);
			assert_int_equal(ring_put(&l.tx, long_bytes(), N, 6, FRAME_MORE, 0), 0);
			ring_publish(&l.tx);
			l.mem[at[i]] ^= 4;
			breaks(&l, "forged");
			assert_true(sodium_is_zero(l.to->rx.buf, N + 4096));
			line_fini(&l);
		}
}

/* The record as docs/protocol.md has it, opened by other means. */
static void test_bytes(void **state)
{
	struct line l;
	mbedtls_gcm_context gcm;
	uint8_t key[32], secret[SEAL_SECRET], nonce[12] = {0}, aad[32] = "kv", plain[48];
	uint32_t channel = 3, gen = GEN;
	uint64_t word = 48 + 12 + (0xf1ull << 32) + ((uint64_t)gen16(GEN) << 48), id = 0;
	uint64_t head[2];

	open_line(&l);
	memset(secret, secret_of(0), sizeof secret);
	assert_int_equal(mbedtls_hkdf_expand(mbedtls_md_info_from_type(MBEDTLS_MD_SHA384), secret,
		sizeof secret, (const uint8_t *)"cxl record key", 14, key, sizeof key), 0);
	memcpy(aad + 8, &channel, 4);
	memcpy(aad + 12, &gen, 4);
	memcpy(aad + 16, &word, 8);
	memcpy(aad + 24, &id, 8);
	say(&l, 77);
	assert_memory_equal(l.mem, &word, 8);
	assert_memory_equal(l.mem + 8, &id, 8);
	mbedtls_gcm_init(&gcm);
	assert_int_equal(mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, 256), 0);
	assert_int_equal(mbedtls_gcm_auth_decrypt(&gcm, 48, nonce, 12, aad, 32, l.mem + 64, 12,
		l.mem + 16, plain), 0);
	mbedtls_gcm_free(&gcm);
	memcpy(head, plain, sizeof head);
	assert_int_equal(head[0], sizeof canary + (5ull << 32) + ((uint64_t)gen16(GEN) << 48));
	assert_int_equal(head[1], 77);
	assert_memory_equal(plain + 16, canary, sizeof canary);
	line_fini(&l);
}

/* ---- what ends it ---- */

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

/* ---- keys ---- */

static void rekeys(const struct seal_limits *limits, uint64_t n, uint32_t least)
{
	uint8_t first[GCM_KEY_BYTES];
	struct line l;
	uint64_t i;

	open_line(&l);
	memcpy(first, &l.from->tx.key, sizeof first);
	seal_limit(&l.tx, limits);
	for (i = 0; i < n; i++) {
		say(&l, i);
		hears(&l, i);
	}
	assert_true(l.from->tx.epoch >= least);
	assert_int_equal(l.to->rx.epoch, l.from->tx.epoch);
	assert_memory_not_equal(first, &l.from->tx.key, sizeof first);
	line_fini(&l);
}

static void test_rekey(void **state)
{
	rekeys(&(struct seal_limits){4, UINT64_MAX, UINT64_MAX}, 100, 25);
	rekeys(&(struct seal_limits){UINT64_MAX, 480, UINT64_MAX}, 100, 10);
	rekeys(&(struct seal_limits){UINT64_MAX, UINT64_MAX, 0}, 100, 6);
	rekeys(&(struct seal_limits){1, UINT64_MAX, UINT64_MAX}, 100, 100);
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

static void test_wiped(void **state)
{
	struct line l;
	uint8_t *buf;

	open_line(&l);
	say(&l, 1);
	hears(&l, 1);
	buf = l.to->rx.buf;
	assert_true(contains(buf, 4 * CAP, canary, sizeof canary - 1));
	seal_wipe(l.to);
	assert_false(contains(buf, 4 * CAP, canary, sizeof canary - 1));
	assert_ptr_equal(l.to->rx.buf, buf);
	assert_true(sodium_is_zero(l.to->rx.secret, SEAL_SECRET));
	line_fini(&l);
}

/* A child of fork() has no keys: what it said would be under nonces of its parent's. */
static int child(void *arg)
{
	const struct line *l = arg;

	return sodium_is_zero((const uint8_t *)l->from, sizeof *l->from) ? 0 : 1;
}

static void test_fork(void **state)
{
	struct line l;

	open_line(&l);
	assert_int_equal(rig_join(rig_spawn(child, &l, 20)), 0);
	say(&l, 1);
	hears(&l, 1);
	line_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_frame),
		cmocka_unit_test(test_nothing_shows_before_publish),
		cmocka_unit_test(test_batch_is_one_record),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_nothing_readable),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_long_forged),
		cmocka_unit_test(test_bytes),
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
		cmocka_unit_test(test_impossible_head),
		cmocka_unit_test(test_rekey),
		cmocka_unit_test(test_old_key),
		cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_fork),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
