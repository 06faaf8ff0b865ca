/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_eval_memory.c - scope: common/eval.h: memory that runs out, requests that outgrow the
 * arena, and where the cipher reads and writes.
 */
#include "model.h"

/* ---- memory ---- */

static uint8_t *no_room(void *ctx, uint64_t len)
{
	return NULL;
}

static void *no_grow(size_t n)
{
	return NULL;
}

/* Every place where memory can run out: a longer arena each time, until it suffices. */
static void test_out_of_memory(void **state)
{
	struct arena whole = ev->arena;
	struct cell t[3] = {S("abc"), NIL, S("12")}, n[3], i4[3] = {I(1), I(2), I(3)};
	struct rig_arg arg[3] = {{t, T_TEXT, ARG_NULLS}, {n, T_NUMERIC, 0}, {i4, T_INT4, 0}};
	static const uint16_t programs[][8] = {
		{PUSH, PUSH, OP_enc_text_concatenate, OP_enc_text_upper, OP_enc_text_lower},
		{PUSH, OP_enc_text_hash64},
		{PUSH, OP_enc_text_to_int4, OP_enc_int4_to_text, OP_enc_text_length},
		{PUSH | 1, OP_enc_numeric_sum_bulk},
		{PUSH | 1, PUSH | 1, OP_enc_numeric_add, OP_enc_numeric_hash64},
		{PUSH | 1, PUSH | 1, OP_enc_numeric_max},
		{PUSH | 2, OP_enc_int4_sum_bulk},
		{PUSH | 2, OP_enc_int4_to_numeric},
	};
	size_t k, cap, len;
	int ncode, rc;

	heap_used = 0;
	n[0] = decimal("1.5");
	n[1] = decimal("99999999.99");
	n[2] = decimal("-7");
	for (k = 0; k < sizeof programs / sizeof programs[0]; k++) {
		for (ncode = 0; ncode < 8 && programs[k][ncode]; ncode++)
			;
		len = request(arg, 3, programs[k], ncode, 3);
		for (cap = 0, rc = -ENOMEM; rc; cap += 16) {
			arena_init(&ev->arena, ev->first, cap, 0, no_grow, free);
			rc = run(ROLE_DB, req, len);
			if (rc)
				assert_int_equal(rc, -ENOMEM);
			assert_true(cap < 1 << 16);
		}
		assert_true(cap > 64);
		ev->arena = whole;
		assert_int_equal(run(ROLE_DB, req, len), 0);
	}
	assert_int_equal(eval_run(ev, ROLE_DB, req, len, false, no_room, NULL, &err), -ENOMEM);
	assert_int_equal(run(ROLE_DB, req, len), 0);
}

/* A request that outgrows the first chunk, and one that outgrows the limit. */
static void test_large_text(void **state)
{
	enum { LEN = 1 << 20 };
	struct cell c = {.p = heap, .len = LEN};
	size_t len;

	memset(heap, 'x', LEN);
	len = request(ARGS({&c, T_TEXT, 0}),
		CODE(PUSH, PUSH, OP_enc_text_concatenate, PUSH, OP_enc_text_concatenate), 1);
	assert_int_equal(run(ROLE_DB, req, len), 0);
	assert_int_equal(reply.cell[0].len, 3 * LEN);
	assert_true(reply.cell[0].p[3 * LEN - 1] == 'x');
	ev->arena.max = 2 * LEN;
	assert_int_equal(run(ROLE_DB, req, len), -ENOMEM);
	ev->arena.max = EVAL_MEMORY_MAX;
	assert_int_equal(run(ROLE_DB, req, len), 0);
}

/* A cipher that looks where it is made to read and write. */
static struct gcm_backend spy;
static const uint8_t *peers[2]; /* request and reply: a peer could write both */
static size_t peers_len[2];
static int in_place;

static void spy_look(const uint8_t *p)
{
	int i;

	for (i = 0; i < 2; i++)
		in_place += p >= peers[i] && p < peers[i] + peers_len[i];
}

static int spy_seal(const struct gcm_key *key, uint8_t *dst, uint8_t *tag,
	const uint8_t *src, size_t len, const uint8_t *aad, size_t aad_len, const uint8_t *nonce)
{
	spy_look(dst);
	spy_look(tag);
	return gcm->seal(key, dst, tag, src, len, aad, aad_len, nonce);
}

static int spy_open(const struct gcm_key *key, uint8_t *dst, const uint8_t *src, size_t len,
	const uint8_t *tag, const uint8_t *aad, size_t aad_len, const uint8_t *nonce)
{
	spy_look(src);
	spy_look(tag);
	spy_look(aad);
	return gcm->open(key, dst, src, len, tag, aad, aad_len, nonce);
}

/* Texts above VALUE_COPY_MAX were once sealed right in the reply's memory, the ring: a
 * peer that changed the ciphertext before the tag was computed had it authenticated. */
static void test_cipher_stays_out_of_shared_memory(void **state)
{
	static const size_t lens[] = {4, VALUE_COPY_MAX, VALUE_COPY_MAX + 1, 5000, 100000};
	struct eval *watched;
	size_t i, len;

	spy = *gcm;
	spy.seal = spy_seal;
	spy.open = spy_open;
	watched = eval_create(&spy, keys);
	assert_non_null(watched);
	for (i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		struct cell c[2] = {{.p = heap, .len = (uint32_t)lens[i]}, S("short")};

		memset(heap, 'y', lens[i]);
		len = request(ARGS({c, T_TEXT, 0}, {CELLS(I(1), I(2)), T_INT4, 0}),
			CODE(PUSH, OP_enc_text_upper), 2);
		rig_room(&reply, 1 << 18);
		peers[0] = req;
		peers_len[0] = len;
		peers[1] = reply.bytes;
		peers_len[1] = reply.cap;
		in_place = 0;
		assert_int_equal(
			eval_run(watched, ROLE_DB, req, len, true, rig_room, &reply, &err), 0);
		assert_int_equal(in_place, 0);
		assert_true(rig_reply_read(&reply, &mine->o));
		assert_int_equal(reply.cell[0].len, lens[i]);
		assert_true(reply.cell[0].p[lens[i] - 1] == 'Y');
		assert_memory_equal(reply.cell[1].p, "SHORT", 5);
	}
	eval_destroy(watched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_large_text),
		cmocka_unit_test(test_cipher_stays_out_of_shared_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
