/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ops_life.c - scope: an ops_server (test_ops_server.c) that ends, is killed and replaced,
 * and takes new keys up: what its clients notice.
 */
#include "servedrig.h"

#include <sched.h>

#include "../keyrig.h"

/* ---- tests ---- */

static int wait_for_long_answer(void *arg)
{
	enum { LEN = 8 << 20 };
	struct ops_client *c = client_open(ROLE_DB, NULL);
	uint8_t *req = malloc(LEN);
	int rc;

	memset(req, 7, LEN);
	rc = ask(c, OPS_PING, req, LEN); /* in the middle of this comes the signal */
	if (rc || reply.len != LEN || memcmp(reply.bytes, req, LEN) || c->retries)
		return 2;
	return 0;
}

/* How many bytes of requests the server has taken off the only channel that is used. */
static uint64_t taken(void)
{
	const struct service_geometry *g = region_service(&f.r, "ops");
	uint64_t most = 0, head;
	uint32_t i;

	for (i = 0; i < g->nchannels; i++) {
		head = shm_load64(&chan_control(g, i)->req_head);
		most = head > most ? head : most;
	}
	return most;
}

static void test_sigterm_answers_what_was_asked(void **state)
{
	struct chan_config config = {0};
	struct chan *c = aligned_alloc(128, sizeof *c);
	uint64_t t0 = clock_ms();
	pid_t child;

	child = rig_spawn(wait_for_long_answer, NULL, LIMIT_S);
	while (taken() < 2 * RING && clock_ms() - t0 < TIMEOUT_MS)
		sched_yield();
	assert_true(taken() < 6 << 20);
	kill(f.pid, SIGTERM);
	assert_notified("STOPPING=1");
	/* No new ones meanwhile, nor afterwards. */
	assert_int_equal(chan_attach(c, &f.r, "ops", &config, &err), -EOWNERDEAD);
	assert_int_equal(server_join(f.pid), 0);
	f.pid = 0;
	assert_int_equal(rig_join(child), 0);
	assert_int_equal(shm_load64(&region_service(&f.r, "ops")->shm->lease), 0);
	free(c);
}

static void test_one_server_at_a_time(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	pid_t second, dead;
	int i;

	assert_int_equal(ask_lt(c), 0);
	second = server_exec(NULL);
	assert_int_equal(server_join(second), 1);
	assert_int_equal(ask_lt(c), 0);
	/* Killed: the next one takes over at once, and the client goes on. */
	for (i = 0; i < 3; i++) {
		dead = f.pid;
		kill(f.pid, SIGKILL);
		f.pid = 0;
		server_join(dead);
		server_start(NULL);
		assert_int_equal(ask_lt(c), 0);
		assert_int_equal(c->retries, i + 1);
	}
	client_close(c);
}

/* A full ring of a client that slept through the change: its producer's idea of the
 * head is of another generation, which is no reason to give up. */
static void test_replaced_between_two_calls(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	static uint8_t big[12000];
	int i;

	for (i = 0; i < 7; i++) /* anywhere in the ring */
		assert_int_equal(ask(c, OPS_PING, big, sizeof big), 0);
	kill(f.pid, SIGTERM);
	assert_int_equal(server_join(f.pid), 0);
	f.pid = 0;
	server_start(NULL);
	for (i = 0; i < 7; i++)
		assert_int_equal(ask(c, OPS_PING, big, sizeof big), 0);
	assert_int_equal(c->retries, 1);
	client_close(c);
}

/* The key id that a value made now carries. */
static int key_id(struct ops_client *c)
{
	struct cell one = {.i = 1};
	struct rig_arg arg = {&one, T_INT4, 0};
	uint16_t code[] = {PUSH};
	uint8_t req[128];
	size_t len = rig_request(req, sizeof req, f.s, &arg, 1, code, 1, 1);

	assert_int_equal(ask(c, OPS_EVAL, req, len), 0);
	assert_int_equal(reply.len, 8 + value_size(4));
	return reply.bytes[9] | reply.bytes[10] << 8;
}

static void test_reload(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL), *client;
	uint8_t old[8 + 4 + VALUE_OVERHEAD], req[128];
	uint16_t id = 0;

	assert_int_equal(key_id(c), 1);
	memcpy(old, reply.bytes, sizeof old);
	assert_int_equal(keyrig_rotate(f.keys, &id, &err), 0);
	assert_int_equal(key_id(c), 1); /* not before it is told */
	kill(f.pid, SIGHUP);
	assert_notified("RELOADING=1");
	assert_notified("READY=1");
	assert_int_equal(key_id(c), id);
	/* What was made under the old key still opens: an argument of one row, as it is. */
	memcpy(req, (uint8_t[]){1, 0, 1, 0, 1, 0, 0, 0, T_INT4, 0, 0, PUSH >> 8}, 12);
	memcpy(req + 12, old + 8, value_size(4));
	assert_int_equal(ask(c, OPS_EVAL, req, 12 + value_size(4)), 0);
	forget_keys();
	read_keys();
	assert_true(rig_reply_read(&reply, f.o));
	assert_true(reply.cell[0].state == ROW_VALUE && reply.cell[0].i == 1);
	/* A file that others may read: refused, and everything as before. */
	assert_int_equal(chmod(f.keys, 0644), 0);
	kill(f.pid, SIGHUP);
	assert_notified("READY=1");
	assert_int_equal(key_id(c), id);
	/* Another credential: sessions keep what they have, new ones need the new one. */
	assert_int_equal(chmod(f.keys, 0600), 0);
	client = client_open(ROLE_CLIENT, f.secret);
	assert_int_equal(ask_decrypt(client), 0);
	write_file(f.credential, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		64);
	kill(f.pid, SIGHUP);
	assert_notified("READY=1");
	assert_int_equal(ask_decrypt(client), 0);
	ops_release(client);
	assert_int_equal(ask_decrypt(client), -EACCES);
	client_close(client);
	client_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_sigterm_answers_what_was_asked),
		SERVED(test_one_server_at_a_time),
		SERVED(test_replaced_between_two_calls),
		SERVED(test_reload),
	};

	if (server_find())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
