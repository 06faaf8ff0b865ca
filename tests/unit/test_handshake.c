/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_handshake.c - scope: handshake.h, peer.h: who is let in, who is not and what is said then, that
 * both ends have the same secrets only when they mean the same channel, and bytes that are wrong.
 */
#include "../handshakerig.h"

static void test_certificates(void **state)
{
	struct pair p;
	clock_t t0 = clock();

	meet(&p, load_name(dir, "node"), &ops, load_name(dir, "zone"), &ops);
	print_message("both ends together: %.1f ms of processor time\n",
		(double)(clock() - t0) * 1e3 / CLOCKS_PER_SEC);
	assert_int_equal(p.c, 0);
	assert_int_equal(p.s, 0);
	assert_string_equal(handshake_peer(p.client)->name, "zone");
	assert_string_equal(handshake_peer(p.server)->name, "node");
	assert_int_equal(handshake_peer(p.server)->roles, PEER_DB | PEER_CLIENT);
	assert_true(peer_is_user(handshake_peer(p.server), "alice", 5));
	assert_false(peer_is_user(handshake_peer(p.server), "alic", 4));
	same_secrets(&p, true);
	part(&p);
}

/* The two ends of a spliced handshake agree on nothing that they use. */
static void test_another_channel(void **state)
{
	struct seal_place there = ops;
	struct pair p;

	there.channel++;
	meet(&p, load_name(dir, "node"), &ops, load_name(dir, "zone"), &there);
	assert_int_equal(p.c, 0);
	same_secrets(&p, false);
	part(&p);
}

static void test_wrong_role(void **state)
{
	refused(load_name(dir, "redis"), load_name(dir, "zone"), &ops, "refused",
		"no role that goes with a client of \"ops\"");
	refused(load_name(dir, "dba"), load_name(dir, "keyspace"), &kv, "refused",
		"no role that goes with a client of \"kv\"");
}

/* A client that plays the server; the server of another service. */
static void test_impostor(void **state)
{
	refused(load_name(dir, "node"), load_name(dir, "dba"), &ops,
		"no role that goes with the server of \"ops\"", "refused");
	refused(load_name(dir, "node"), load_name(dir, "keyspace"), &ops,
		"no role that goes with the server of \"ops\"", "refused");
}

static void test_self_made(void **state)
{
	/* one that believes the right CA, and shows a certificate of the wrong one */
	struct trust_files f = files_of(other, "node");
	struct trust *t = load(&f), *right = load_name(dir, "node");
	struct trust_blob ca = t->ca;

	refused(load_name(other, "node"), load_name(dir, "zone"), &ops, "not correctly signed",
		"");
	t->ca = right->ca;
	right->ca = ca;
	trust_drop(right);
	refused(t, load_name(dir, "zone"), &ops, "refused", "not correctly signed");
}

/* Fresh keys each time: no secret comes twice. */
static void test_fresh(void **state)
{
	struct pair a, b;
	uint8_t x[2][SEAL_SECRET], y[2][SEAL_SECRET];

	meet(&a, load_name(dir, "node"), &ops, load_name(dir, "zone"), &ops);
	meet(&b, load_name(dir, "node"), &ops, load_name(dir, "zone"), &ops);
	handshake_secrets(a.client, x[0], x[1]);
	handshake_secrets(b.client, y[0], y[1]);
	assert_int_not_equal(sodium_memcmp(x[0], y[0], SEAL_SECRET), 0);
	part(&a);
	part(&b);
}

/* ---- bytes that are wrong ---- */

/* One bit of the first three flights, each in turn: never a handshake that both ends take
 * for done with other secrets, never a crash. */
static void test_flipped(void **state)
{
	uint64_t seed = 7;
	int i, turns;

	for (i = 0; i < 40; i++) {
		struct trust *ct = load_name(dir, "node"), *st = load_name(dir, "zone");
		struct pair p = {handshake_create(ct, &ops, false), handshake_create(st, &ops, true), 0, 0};
		int flight = (int)rig_below(&seed, 4);

		for (turns = 0; turns < 4; turns++) {
			struct handshake *from = turns % 2 ? p.server : p.client;
			struct handshake *to = turns % 2 ? p.client : p.server;
			uint8_t copy[16384];
			const uint8_t *at;
			size_t len;
			int rc = handshake_run(from);

			len = handshake_out(from, &at);
			assert_true(len <= sizeof copy);
			memcpy(copy, at, len);
			if (turns == flight && len)
				copy[rig_below(&seed, len)] ^= (uint8_t)(1u << rig_below(&seed, 8));
			handshake_sent(from, len);
			if (len && handshake_feed(to, copy, len))
				break;
			if (rc == -EACCES)
				break;
		}
		p.c = handshake_run(p.client);
		p.s = handshake_run(p.server);
		/* Header bytes of a record that TLS does not authenticate may pass: then all is equal. */
		if (p.c == 0 && p.s == 0)
			same_secrets(&p, true);
		part(&p);
		trust_drop(ct);
		trust_drop(st);
	}
}

/* A copy that is in the middle of one says nothing more: an alert about what it is sent would be
 * under the nonce of its other's first question. */
static void test_stream_copied(void **state)
{
	/* Change Cipher Spec as it is, and a Finished that is none. */
	static const uint8_t junk[51] = {20, 3, 3, 0, 1, 1, 22, 3, 3, 0, 40};
	int turns, copied;

	for (copied = 0; copied < 2; copied++) {
		struct trust *ct = load_name(dir, "node"), *st = load_name(dir, "mgr");
		struct pair p = {handshake_create_stream(ct, false), handshake_create_stream(st, true), 0, 0};
		const uint8_t *at;

		for (turns = 0; turns < 2; turns++) {
			p.c = handshake_run(p.client);
			carry(p.client, p.server);
			p.s = handshake_run(p.server);
			if (turns == 0)
				carry(p.server, p.client);
		}
		assert_int_equal(p.c, -EAGAIN); /* the server's end of it is on its way */
		assert_int_equal(p.s, 0);
		if (copied)
			life_end();
		assert_int_equal(handshake_feed(p.client, junk, sizeof junk), 0);
		assert_int_equal(handshake_run(p.client), -EACCES);
		if (copied)
			assert_int_equal(handshake_out(p.client, &at), 0);
		else
			assert_true(handshake_out(p.client, &at) > 0);
		assert_int_equal(strstr(handshake_why(p.client), "copy") != NULL, copied);
		part(&p);
		trust_drop(ct);
		trust_drop(st);
	}
}

/* Two of a stream that have met; after a copy neither says a word, nor what is left of it. */
static void test_stream_says_nothing(void **state)
{
	struct trust *ct = load_name(dir, "node"), *st = load_name(dir, "mgr");
	struct pair p = {handshake_create_stream(ct, false), handshake_create_stream(st, true), 0, 0};
	uint8_t said[8];
	const uint8_t *at;
	size_t got = 0;
	int turns;

	for (turns = 0; turns < 4; turns++) {
		p.c = handshake_run(p.client);
		carry(p.client, p.server);
		p.s = handshake_run(p.server);
		carry(p.server, p.client);
	}
	assert_int_equal(p.c, 0);
	assert_int_equal(p.s, 0);
	assert_int_equal(handshake_say(p.client, "hello", 5), 0);
	carry(p.client, p.server);
	assert_int_equal(handshake_hear(p.server, said, sizeof said, &got), 0);
	assert_int_equal(got, 5);
	assert_memory_equal(said, "hello", 5);
	life_end();
	assert_int_equal(handshake_say(p.client, "hello", 5), -EPROTO);
	assert_int_equal(handshake_out(p.client, &at), 0);
	assert_non_null(strstr(handshake_why(p.client), "copy"));
	assert_int_equal(handshake_say(p.server, "hello", 5), -EPROTO);
	assert_int_equal(handshake_out(p.server, &at), 0);
	part(&p);
	trust_drop(ct);
	trust_drop(st);
}

/* Behind its last word the client says something that is under no key yet that seals: no handshake. */
static void test_more_than_a_handshake(void **state)
{
	struct trust *ct = load_name(dir, "node"), *st = load_name(dir, "zone");
	struct pair p = {handshake_create(ct, &ops, false), handshake_create(st, &ops, true), 0, 0};

	p.c = handshake_run(p.client);
	carry(p.client, p.server);
	p.s = handshake_run(p.server);
	carry(p.server, p.client);
	p.c = handshake_run(p.client);
	carry(p.client, p.server);
	assert_int_equal(handshake_feed(p.server, "\x17\x03\x03\x00\x01x", 6), 0);
	assert_int_equal(handshake_run(p.server), -EACCES);
	assert_int_equal(handshake_run(p.server), -EACCES);
	part(&p);
	trust_drop(ct);
	trust_drop(st);
}

static void test_too_much(void **state)
{
	static uint8_t junk[40000];
	struct trust *t = load_name(dir, "zone");
	struct handshake *h = handshake_create(t, &ops, true);

	assert_int_equal(handshake_feed(h, junk, sizeof junk), -EPROTO);
	assert_int_equal(handshake_feed(h, junk, 10), 0);
	assert_int_equal(handshake_run(h), -EACCES);
	assert_int_equal(handshake_run(h), -EACCES);
	assert_int_equal(handshake_feed(h, junk, 10), -EPROTO);
	handshake_destroy(h);
	trust_drop(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_another_channel),
		cmocka_unit_test(test_wrong_role),
		cmocka_unit_test(test_impostor),
		cmocka_unit_test(test_self_made),
		cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_stream_copied),
		cmocka_unit_test(test_stream_says_nothing),
		cmocka_unit_test(test_more_than_a_handshake),
		cmocka_unit_test(test_too_much),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
