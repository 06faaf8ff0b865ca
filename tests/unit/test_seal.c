/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_seal.c - scope: seal.h. What goes in comes out, also in pieces and under one key after another,
 * and nothing readable is in the shared bytes. What ends a ring is test_seal_forged.c.
 */
#include "../sealrig.h"

#include <mbedtls/gcm.h>
#include <mbedtls/hkdf.h>

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

/* A key that is not used any more is nowhere: who finds the next one cannot read what was said before. */
static int wiped_keys;

static void watch_wipe(struct gcm_key *key)
{
	wiped_keys++;
	gcm_select(NULL)->key_wipe(key);
}

static void test_old_keys_wiped(void **state)
{
	struct gcm_backend watching = *gcm_select(NULL);
	struct line l;
	int i;

	watching.key_wipe = watch_wipe;
	open_line(&l);
	l.from->tx.gcm = l.to->rx.gcm = &watching;
	seal_limit(&l.tx, &(struct seal_limits){2, UINT64_MAX, UINT64_MAX});
	for (i = 0; i < 10; i++) {
		say(&l, (uint64_t)i);
		hears(&l, (uint64_t)i);
	}
	assert_int_equal(l.to->rx.epoch, 5);
	assert_int_equal(wiped_keys, 2 * 5);
	line_fini(&l);
	assert_int_equal(wiped_keys, 2 * 6);
}

/* Keys and plaintexts stay out of core dumps, and keys in memory as well. */
static void test_memory(void **state)
{
	static char limit[4096];
	struct line l;

	open_line(&l);
	assert_true(rig_mapping_is(&l.from->tx.secret, " dd"));
	assert_true(rig_mapping_is(l.to->rx.buf, " dd"));
	assert_true(rig_mapping_is(l.to->rx.copy, " dd"));
	assert_false(rig_mapping_is(limit, " dd"));
	if (mlock(limit, sizeof limit) == 0) {
		munlock(limit, sizeof limit);
		assert_true(rig_mapping_is(&l.from->tx.secret, " lo"));
		assert_true(rig_mapping_is((uint8_t *)l.to + sizeof *l.to - 1, " lo"));
	}
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
		cmocka_unit_test(test_rekey),
		cmocka_unit_test(test_old_keys_wiped),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_fork),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
