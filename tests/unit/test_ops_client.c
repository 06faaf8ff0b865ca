/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ops_client.c - scope: requests in flight of common/ops.h against the real
 * ops_server: order, calls in between, more than fit the rings, a killed server, tickets
 * that are dropped, and interrupts that leave in the middle. Calls one at a time are in
 * test_ops_server.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../serverrig.h"

enum { ROWS = 700, BATCHES = 40, LONG = 300 << 10 };

/* A batch: a + b of ROWS rows, 45 KiB over rings of 32. */
struct batch {
	struct cell a[ROWS], b[ROWS];
	uint8_t req[64 << 10];
	struct bytes bytes;
	struct ops_ticket t;
};

static void batch_make(struct batch *b, int32_t salt)
{
	struct rig_arg arg[2] = {{b->a, T_INT4, 0}, {b->b, T_INT4, 0}};
	uint16_t code[] = {PUSH, PUSH | 1, OP_enc_int4_add};
	int i;

	memset(b, 0, sizeof *b);
	for (i = 0; i < ROWS; i++) {
		b->a[i].i = salt * 1000;
		b->b[i].i = i;
	}
	b->bytes.p = b->req;
	b->bytes.len = rig_request(b->req, sizeof b->req, f.s, arg, 2, code, 3, ROWS);
	assert_true(b->bytes.len > RING);
}

static struct batch *batches(int n)
{
	struct batch *b = malloc((size_t)n * sizeof *b);
	int i;

	assert_non_null(b);
	for (i = 0; i < n; i++)
		batch_make(&b[i], i + 1);
	return b;
}

static int submit(struct ops_client *c, struct batch *b)
{
	return ops_submit(c, OPS_EVAL, b->bytes.len, fill, &b->bytes, true, TIMEOUT_MS, &b->t, &err);
}

/* The reply is that batch's. */
static void assert_sums(const uint8_t *got, uint64_t len, const struct batch *b)
{
	int i;

	rig_room(&reply, len);
	memcpy(reply.bytes, got, len);
	assert_true(rig_reply_read(&reply, f.o));
	assert_int_equal(reply.rows, ROWS);
	for (i = 0; i < ROWS; i++)
		assert_true(reply.cell[i].state == 0 && reply.cell[i].i == b->a[i].i + b->b[i].i);
}

static void assert_collects(struct ops_client *c, struct batch *b)
{
	const uint8_t *got;
	uint64_t len;

	assert_int_equal(ops_collect(c, &b->t, TIMEOUT_MS, &got, &len, &err), 0);
	assert_int_equal(b->t.number, 0);
	assert_sums(got, len, b);
}

/* Two in flight all the time, as a scan has them. */
static void test_two_in_flight(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct batch *b = batches(BATCHES);
	int i;

	for (i = 0; i < BATCHES; i++) {
		assert_int_equal(submit(c, &b[i]), 0);
		if (i > 0)
			assert_collects(c, &b[i - 1]);
	}
	assert_collects(c, &b[BATCHES - 1]);
	assert_int_equal(c->nasked, 0);
	free(b);
	client_close(c);
}

/* More than may be under way: the oldest replies are kept. In any order, with calls in
 * between. */
static void test_any_order(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct batch *b = batches(BATCHES);
	int i;

	for (i = 0; i < BATCHES; i++) {
		assert_int_equal(submit(c, &b[i]), 0);
		assert_in_range(c->nasked, 1, OPS_IN_FLIGHT);
		if (i % 5 == 0)
			assert_int_equal(ask_lt(c), 0);
	}
	for (i = BATCHES - 1; i >= 0; i -= 2)
		assert_collects(c, &b[i]);
	assert_int_equal(ask_lt(c), 0);
	for (i = 0; i < BATCHES; i += 2)
		assert_collects(c, &b[i]);
	free(b);
	client_close(c);
}

static int submit_ping(struct ops_client *c, struct bytes *b, struct ops_ticket *t)
{
	return ops_submit(c, OPS_PING, b->len, fill, b, true, TIMEOUT_MS, t, &err);
}

/* Requests and replies ten times as long as the rings: who waits for room in one of them
 * empties the other. */
static void test_longer_than_the_rings(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct ops_ticket t[8];
	struct bytes b[8];
	const uint8_t *got;
	uint64_t len;
	int i;

	for (i = 0; i < 8; i++) {
		uint8_t *p = malloc(LONG);

		memset(p, 'a' + i, LONG);
		b[i] = (struct bytes){p, LONG - (uint64_t)i};
		assert_int_equal(submit_ping(c, &b[i], &t[i]), 0);
	}
	for (i = 0; i < 8; i++) {
		assert_int_equal(ops_collect(c, &t[i], TIMEOUT_MS, &got, &len, &err), 0);
		assert_int_equal(len, b[i].len);
		assert_memory_equal(got, b[i].p, len);
		free((void *)(uintptr_t)b[i].p);
	}
	client_close(c);
}

static void server_kill(void)
{
	pid_t dead = f.pid;

	kill(f.pid, SIGKILL);
	f.pid = 0;
	server_join(dead);
}

/* kill -9 with requests under way, at any point: the successor answers them. */
static void test_killed_server(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct batch *b = batches(OPS_IN_FLIGHT);
	uint64_t seed = 7;
	int i, round, n;

	for (round = 0; round < 12; round++) {
		n = 1 + (int)rig_below(&seed, OPS_IN_FLIGHT);
		for (i = 0; i < n; i++)
			assert_int_equal(submit(c, &b[i]), 0);
		usleep((useconds_t)rig_below(&seed, 300));
		if (round % 3 == 0)
			assert_collects(c, &b[0]);
		server_kill();
		server_start(NULL);
		if (round % 4 == 1)
			assert_int_equal(ask_lt(c), 0);
		for (i = round % 3 == 0; i < n; i++)
			assert_collects(c, &b[i]);
	}
	assert_true(c->retries > 0);
	free(b);
	client_close(c);
}

static void server_stop(void)
{
	kill(f.pid, SIGSTOP);
	assert_int_equal(waitpid(f.pid, NULL, WUNTRACED), f.pid);
}

static void assert_pong(struct ops_client *c, const struct bytes *b, struct ops_ticket *t)
{
	const uint8_t *got;
	uint64_t len;

	assert_int_equal(ops_collect(c, t, TIMEOUT_MS, &got, &len, &err), 0);
	assert_int_equal(len, b->len);
	assert_memory_equal(got, b->p, len);
}

/* The role is gained again before what was under way is sent again. */
static void test_killed_server_and_a_role(void **state)
{
	const char *const more[] = {"--credential", f.credential, NULL};
	struct ops_client *c = client_open(ROLE_CLIENT, f.secret);
	struct bytes b[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}};
	struct ops_ticket t[3];
	int i;

	assert_int_equal(ask_lt(c), 0);
	server_stop();
	for (i = 0; i < 3; i++)
		assert_int_equal(submit_ping(c, &b[i], &t[i]), 0);
	server_kill();
	server_start(more);
	for (i = 0; i < 3; i++)
		assert_pong(c, &b[i], &t[i]);
	assert_int_equal(c->retries, 1);
	client_close(c);
}

/* The channel is given back with requests under way: they go to the next one. */
static void test_released_channel(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct batch *b = batches(2);

	assert_int_equal(submit(c, &b[0]), 0);
	assert_int_equal(submit(c, &b[1]), 0);
	ops_release(c);
	assert_collects(c, &b[1]);
	ops_release(c);
	assert_collects(c, &b[0]);
	free(b);
	client_close(c);
}

static void test_dropped(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct batch *b = batches(4);
	struct ops_ticket old;
	const uint8_t *got;
	uint64_t len;
	int i;

	for (i = 0; i < 4; i++)
		assert_int_equal(submit(c, &b[i]), 0);
	old = b[1].t;
	ops_drop(c, &b[1].t);
	assert_int_equal(b[1].t.number, 0);
	ops_drop(c, &b[1].t); /* harmless */
	assert_collects(c, &b[3]);
	assert_collects(c, &b[0]);
	assert_int_equal(ops_collect(c, &old, TIMEOUT_MS, &got, &len, &err), -EINVAL);
	assert_collects(c, &b[2]);
	/* All of them, and the one after them is answered. */
	for (i = 0; i < 4; i++)
		assert_int_equal(submit(c, &b[i]), 0);
	ops_give_up(c);
	assert_int_equal(c->nasked, 0);
	assert_int_equal(ops_collect(c, &b[0].t, TIMEOUT_MS, &got, &len, &err), -EINVAL);
	assert_int_equal(submit(c, &b[2]), 0);
	assert_collects(c, &b[2]);
	free(b);
	client_close(c);
}

/* The server's refusal of one is its own, and the others are answered. */
static void test_refused(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct batch *b = batches(3);
	const uint8_t *got;
	uint64_t len;
	int i;

	b[1].req[0] = 77; /* arguments */
	for (i = 0; i < 3; i++)
		assert_int_equal(submit(c, &b[i]), 0);
	assert_collects(c, &b[0]);
	assert_int_equal(ops_collect(c, &b[1].t, TIMEOUT_MS, &got, &len, &err), -EPROTO);
	assert_non_null(strstr(err.s, "77 arguments"));
	assert_collects(c, &b[2]);
	free(b);
	client_close(c);
}

static void test_too_many(void **state)
{
	static struct ops_ticket t[OPS_TICKETS + 1];
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct bytes b = {"hello", 5};
	int i;

	for (i = 0; i < OPS_TICKETS; i++)
		assert_int_equal(submit_ping(c, &b, &t[i]), 0);
	assert_int_equal(submit_ping(c, &b, &t[i]), -EUSERS);
	assert_int_equal(ask_lt(c), 0);
	for (i = 0; i < OPS_TICKETS; i++)
		assert_pong(c, &b, &t[i]);
	assert_int_equal(submit_ping(c, &b, &t[0]), 0);
	client_close(c); /* with one under way */
}

static jmp_buf out;
static int pauses; /* until idle() jumps */

static void jump(void *ctx)
{
	if (pauses-- == 0)
		longjmp(out, 1);
}

/* Interrupts leave submit, collect and call at any pause. What was under way is still
 * collected, what was being submitted is gone with its memory. */
static void test_interrupts(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct batch *b = batches(1), *doomed;
	struct bytes ping = {"hello", 5};
	struct ops_ticket t;
	volatile int round, left = 0;

	for (round = 0; round < 12; round++) {
		c->idle = NULL;
		assert_int_equal(ask_lt(c), 0);
		doomed = batches(1);
		server_stop();
		assert_int_equal(submit_ping(c, &ping, &t), 0);
		c->idle = jump;
		pauses = round / 3;
		if (setjmp(out) == 0) {
			const uint8_t *got;
			uint64_t len;
			int rc = round % 3 == 0 ? submit(c, doomed)
				: round % 3 == 1 ? ops_collect(c, &t, TIMEOUT_MS, &got, &len, &err)
				: ops_call(c, OPS_EVAL, doomed->bytes.len, fill, &doomed->bytes,
					TIMEOUT_MS, &got, &len, &err);

			fail_msg("it returned %d", rc);
		} else {
			left++;
		}
		memset(doomed, 0xee, sizeof *doomed);
		free(doomed);
		c->idle = NULL;
		if (round % 2) {
			server_kill();
			server_start(NULL);
		} else {
			kill(f.pid, SIGCONT);
		}
		assert_int_equal(submit(c, &b[0]), 0);
		assert_pong(c, &ping, &t);
		assert_collects(c, &b[0]);
	}
	assert_int_equal(left, 12);
	free(b);
	client_close(c);
}

static void test_timeout(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct batch *b = batches(1);
	struct bytes ping = {"hello", 5};
	struct ops_ticket t;
	const uint8_t *got;
	uint64_t len;

	assert_int_equal(ask_lt(c), 0);
	server_stop();
	assert_int_equal(submit_ping(c, &ping, &t), 0);
	assert_int_equal(ops_submit(c, OPS_EVAL, b->bytes.len, fill, &b->bytes, true, 100, &b->t,
				 &err), -ETIMEDOUT);
	assert_int_equal(ops_collect(c, &t, 100, &got, &len, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.s, "100 ms"));
	kill(f.pid, SIGCONT);
	assert_int_equal(submit(c, b), 0);
	assert_collects(c, b);
	free(b);
	client_close(c);
}

#define SERVED(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_two_in_flight),
		SERVED(test_any_order),
		SERVED(test_longer_than_the_rings),
		SERVED(test_killed_server),
		SERVED(test_killed_server_and_a_role),
		SERVED(test_released_channel),
		SERVED(test_dropped),
		SERVED(test_refused),
		SERVED(test_too_many),
		SERVED(test_interrupts),
		SERVED(test_timeout),
	};

	if (server_find())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
