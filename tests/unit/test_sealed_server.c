/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_sealed_server.c - scope: sealed channels of a running ops_server: who is let in, what
 * a neighbour can read (nothing) and do (end a channel), a server's death and its successor,
 * many handshakes at once. Needs the program that was built beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../sealedrig.h"

static int begin_required(void **state)
{
	int rc;

	mode = "required";
	rc = begin_sealed(state);
	mode = "sealed";
	return rc;
}

/* Is that anywhere in the region? */
static bool readable(const void *what, size_t len)
{
	return memmem(f.r.base, f.r.size, what, len) != NULL;
}

static void test_answers(void **state)
{
	struct ops_client *c = client_with(ROLE_CLIENT, node);
	static uint8_t big[200000];

	assert_int_equal(ask(c, OPS_PING, canary, sizeof canary), 0);
	assert_memory_equal(reply.bytes, canary, sizeof canary);
	assert_true(chan_sealed(&c->chan));
	assert_int_equal(ask_lt(c), 0);
	randombytes_buf(big, sizeof big);
	assert_int_equal(ask(c, OPS_PING, big, sizeof big), 0); /* in parts */
	assert_memory_equal(reply.bytes, big, sizeof big);
	client_close(c);
}

/* With a plain one as the control: that one can be read. */
static void test_not_readable(void **state)
{
	struct ops_client *c = client_with(ROLE_DB, node), *plain = client_open(ROLE_DB, NULL);
	int i;

	for (i = 0; i < 100; i++)
		assert_int_equal(ask(c, OPS_PING, canary, sizeof canary), 0);
	assert_false(readable(canary, sizeof canary - 1));
	assert_int_equal(ask(plain, OPS_PING, canary, sizeof canary), 0);
	assert_true(readable(canary, sizeof canary - 1));
	client_close(plain);
	client_close(c);
}

static void test_roles(void **state)
{
	struct trust *db = load("dba"), *admin = load("admin");
	struct ops_client *c = client_with(ROLE_DB, db);

	assert_int_equal(ask_lt(c), 0);
	client_close(c);
	c = client_with(ROLE_CLIENT, db);
	assert_int_equal(ask_lt(c), -EACCES);
	client_close(c);
	c = client_with(ROLE_DB, admin);
	assert_int_equal(ask(c, OPS_STATUS, NULL, 0), 0);
	assert_int_equal(ask_lt(c), -EACCES);
	client_close(c);
	trust_drop(db);
	trust_drop(admin);
}

/* The credential is nothing on a sealed channel. */
static void test_credential_does_not_count(void **state)
{
	struct trust *db = load("dba");
	struct ops_client *c = client_with(ROLE_DB, db);
	uint8_t proof[1 + OPS_MAC] = {ROLE_CLIENT};

	assert_int_equal(ask(c, OPS_HELLO, NULL, 0), 0);
	ops_prove(proof + 1, reply.bytes, f.secret);
	assert_int_equal(ask(c, OPS_PROVE, proof, sizeof proof), -EACCES);
	assert_int_equal(ask(c, OPS_PROVE, proof, 1), -EACCES);
	client_close(c);
	trust_drop(db);
}

static void test_required_refuses_plain(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);

	assert_int_equal(ask(c, OPS_PING, canary, sizeof canary), -EACCES);
	assert_non_null(strstr(err.s, "sealed channels only"));
	client_close(c);
	c = client_open(ROLE_CLIENT, f.secret);
	assert_int_equal(ask_lt(c), -EACCES);
	client_close(c);
	c = client_with(ROLE_CLIENT, node);
	assert_int_equal(ask_lt(c), 0);
	client_close(c);
}

/* A server without sealed channels is no server for who wants them. */
static void test_no_downgrade(void **state)
{
	struct ops_client *c = client_with(ROLE_DB, node);

	assert_int_equal(ask(c, OPS_PING, canary, sizeof canary), -ECONNREFUSED);
	assert_false(readable(canary, sizeof canary - 1));
	client_close(c);
}

/* In the middle of a handshake: another generation, and a server that comes soon. */
static int promise_successor(void *arg)
{
	const struct service_geometry *g = region_service(&f.r, "ops");
	struct chan_shm *shm;
	uint32_t i;

	usleep(100000);
	shm_store32(&g->shm->serving, 0);
	for (i = 0; i < g->nchannels; i++) {
		shm = chan_control(g, i);
		shm_add32(&shm->gen, 1);
	}
	return 0;
}

/* Who gave up while it waited for a successor has no sealed channel. */
static void test_nothing_plain_after_giving_up(void **state)
{
	struct ops_client *c = client_with(ROLE_DB, node);
	struct bytes b = {"first", 5}, secret = {canary, sizeof canary};
	const uint8_t *got;
	uint64_t len;
	pid_t pid;

	kill(f.pid, SIGSTOP);
	pid = rig_spawn(promise_successor, NULL, LIMIT_S);
	assert_int_equal(ops_call(c, OPS_PING, b.len, fill, &b, 500, &got, &len, &err), -ETIMEDOUT);
	assert_int_equal(rig_join(pid), 0);
	assert_int_not_equal(
		ops_call(c, OPS_PING, secret.len, fill, &secret, 100, &got, &len, &err), 0);
	assert_false(readable(canary, sizeof canary - 1));
	kill(f.pid, SIGCONT);
	client_close(c);
}

/* Sealing comes first, or not at all. */
static void test_handshake_after_request(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct handshake *h = NULL;
	int rc;

	assert_int_equal(ask(c, OPS_PING, canary, sizeof canary), 0);
	ops_done(c);
	while ((rc = secure_connect(&h, &c->chan, node, NULL, &err)) == -EAGAIN) {
		rc = chan_await(&c->chan, 1000);
		assert_true(rc == 0 || rc == -EAGAIN);
	}
	assert_int_equal(rc, -ECONNREFUSED);
	client_close(c);
}

/* ---- strangers ---- */

enum { STRANGERS = 12, ROUNDS = 10 };

/* What a client says first, kept: who sends it again does not think, the server does. */
static size_t first_words(uint8_t *to, size_t size)
{
	static const struct seal_place here = {"ops", 0, 1};
	struct handshake *h = handshake_create(node, &here, false);
	const uint8_t *p;
	size_t len;

	assert_non_null(h);
	assert_int_equal(handshake_run(h), -EAGAIN);
	len = handshake_out(h, &p);
	assert_in_range(len, 1, size);
	memcpy(to, p, len);
	handshake_destroy(h);
	return len;
}

/* Handshakes take milliseconds each; who is in is answered before they are through. */
static void test_strangers_wait_alone(void **state)
{
	struct ops_client *c = client_with(ROLE_DB, node);
	static struct chan stranger[STRANGERS];
	uint8_t words[4096], *at;
	size_t len = first_words(words, sizeof words);
	int round, i, answered, soon = 0;

	assert_int_equal(ask_lt(c), 0);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < STRANGERS; i++)
			assert_int_equal(chan_attach(&stranger[i], &f.r, "ops",
				&(struct chan_config){.label = "stranger"}, &err), 0);
		for (i = 0; i < STRANGERS; i++) {
			assert_int_equal(ring_claim(&stranger[i].tx, (uint32_t)len, &at), 0);
			memcpy(at, words, len);
			ring_commit(&stranger[i].tx, (uint32_t)len, SEAL_HELLO, 0, 0);
		}
		for (i = 0; i < STRANGERS; i++)
			chan_publish(&stranger[i]);
		usleep(1000); /* they have begun */
		assert_int_equal(ask_lt(c), 0);
		for (i = 0, answered = 0; i < STRANGERS; i++)
			answered += ring_waiting(&stranger[i].rx);
		soon += answered <= 1;
		for (i = 0; i < STRANGERS; i++) /* in turn they are answered, all of them */
			while (!ring_waiting(&stranger[i].rx))
				assert_true(chan_await(&stranger[i], 1000) != -EPROTO);
		for (i = 0; i < STRANGERS; i++)
			chan_detach(&stranger[i]);
	}
	print_message("in %d of %d rounds with at most one of %d strangers done\n", soon, ROUNDS, STRANGERS);
	assert_true(soon > ROUNDS / 2);
	client_close(c);
}

static void test_server_dies(void **state)
{
	struct ops_client *c = client_with(ROLE_CLIENT, node);
	const char *const more[] = {"--secure", "required", "--cert", in_ca("zone.pem"), "--key",
		in_ca("zone.key"), "--ca", in_ca("ca.pem"), NULL};
	int i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(ask_lt(c), 0);
		rig_kill(f.pid);
		server_start(more);
		assert_int_equal(ask_lt(c), 0);
		assert_true(chan_sealed(&c->chan));
	}
	client_close(c);
}

/* A client that is killed leaves nothing that the next one on its channel stumbles over. */
static int die_in_the_middle(void *arg)
{
	struct ops_client *c = client_with(ROLE_CLIENT, node);

	if (ask_lt(c))
		return 1;
	raise(SIGKILL);
	return 2;
}

static void test_clients_die(void **state)
{
	int i;

	for (i = 0; i < 20; i++)
		assert_int_equal(rig_join(rig_spawn(die_in_the_middle, NULL, LIMIT_S)),
			1000 + SIGKILL);
	test_answers(state);
}

/* ---- a neighbour who writes ---- */

/* One bit of what is about to be read, of requests or replies. */
static int flip(void *arg)
{
	uint32_t index = *(const uint32_t *)arg;
	const struct service_geometry *g = region_service(&f.r, "ops");
	struct chan_shm *shm = chan_control(g, index);
	uint64_t seed = index + 1, at;

	for (;;) {
		bool requests = rig_below(&seed, 2);
		uint8_t *ring = requests ? chan_req_ring(g, index) : chan_rsp_ring(g, index);

		at = shm_load64(requests ? &shm->req_head : &shm->rsp_head) + rig_below(&seed, 80);
		ring[at % RING] ^= (uint8_t)(1u << rig_below(&seed, 8));
		usleep((unsigned)rig_below(&seed, 50));
	}
	return 0;
}

/* Right, or an end, or (a frame that is none any more) no answer. */
static int ask_soon(struct ops_client *c)
{
	struct bytes b = {canary, sizeof canary};
	const uint8_t *got;
	uint64_t len;
	int rc = ops_call(c, OPS_PING, b.len, fill, &b, 200, &got, &len, &err);

	if (rc == 0) {
		assert_int_equal(len, sizeof canary);
		assert_memory_equal(got, canary, sizeof canary);
	}
	return rc;
}

/* The other client and the server do not notice. */
static void test_flipped_in_flight(void **state)
{
	struct ops_client *victim = client_with(ROLE_CLIENT, node);
	struct ops_client *other = client_with(ROLE_CLIENT, node);
	int broke = 0, silent = 0, i;

	for (i = 0; i < 12; i++) {
		uint32_t index;
		pid_t pid;
		int n, rc;

		assert_int_equal(ask_lt(victim), 0);
		index = victim->chan.index;
		pid = rig_spawn(flip, &index, LIMIT_S);
		for (n = 0, rc = 0; n < 100000 && rc == 0; n++)
			rc = ask_soon(victim);
		broke += rc == -EPROTO;
		silent += rc == -ETIMEDOUT;
		rig_kill(pid);
		assert_int_equal(ask_lt(other), 0);
		ops_release(victim);
	}
	print_message("%d channels ended, %d fell silent, of 12\n", broke, silent);
	assert_true(broke > 0);
	assert_int_equal(ask_lt(victim), 0);
	client_close(victim);
	client_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEALED(test_answers),
		SEALED(test_not_readable),
		SEALED(test_roles),
		SEALED(test_credential_does_not_count),
		cmocka_unit_test_setup_teardown(test_required_refuses_plain, begin_required, end),
		cmocka_unit_test_setup_teardown(test_no_downgrade, begin, end),
		SEALED(test_nothing_plain_after_giving_up),
		SEALED(test_handshake_after_request),
		SEALED(test_strangers_wait_alone),
		SEALED(test_server_dies),
		SEALED(test_clients_die),
		SEALED(test_flipped_in_flight),
	};

	if (server_find())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
