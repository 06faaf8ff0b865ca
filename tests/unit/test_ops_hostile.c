/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ops_hostile.c - scope: an ops_server (test_ops_server.c) and clients that want more than
 * their share: that never read, ask without end, write what cannot be into their ring or the
 * bell, die in the middle. The others are served, and the server comes to rest.
 */
#include "servedrig.h"

#include <dirent.h>
#include <sched.h>

static int begin_with_one_channel(void **state)
{
	return begin_with(1, NULL);
}

/* ---- tests ---- */

/*
 * Bug: LIKE may compare text times pattern bytes, and a request could not be given up: two
 * of these kept both workers from everybody for minutes. A client that stops waiting
 * frees its worker, and its channel goes on.
 */
static void test_like_that_nobody_waits_for(void **state)
{
	enum { TEXT = 4 << 20, PATTERN = 2 << 20 };
	struct ops_client *c = client_open(ROLE_DB, NULL);
	uint8_t *text = malloc(TEXT), *pattern = malloc(PATTERN), *req = malloc(8 << 20);
	struct cell cells[2] = {{.p = text, .len = TEXT}, {.p = pattern, .len = PATTERN}};
	struct rig_arg args[2] = {{&cells[0], T_TEXT, 0}, {&cells[1], T_TEXT, 0}};
	uint16_t code[] = {PUSH, PUSH | 1, OP_enc_text_like};
	const uint8_t *got;
	struct bytes b;
	uint64_t len;

	assert_true(text && pattern && req);
	memset(text, 'a', TEXT);
	memset(pattern, 'a', PATTERN);
	pattern[0] = '%';
	pattern[PATTERN - 2] = 'b';
	pattern[PATTERN - 1] = '%';
	b.p = req;
	b.len = rig_request(req, 8 << 20, f.s, args, 2, code, 3, 1);
	assert_int_equal(
		ops_call(c, OPS_EVAL, b.len, fill, &b, 1000, &got, &len, &err), -ETIMEDOUT);
	assert_int_equal(ask_lt(c), 0); /* within TIMEOUT_MS, behind the one given up */
	free(text);
	free(pattern);
	free(req);
	client_close(c);
}

/* Pings of 8 KiB until neither ring takes another byte, and not one reply read. */
static void flood(struct chan *c)
{
	int full = 0, rc;
	uint8_t *at;

	while (full < 200) {
		rc = ring_claim(&c->tx, 8192, &at);
		if (rc == -EAGAIN) {
			full++;
			usleep(1000);
			continue;
		}
		assert_int_equal(rc, 0);
		memset(at, 'x', 8192);
		ring_commit(&c->tx, 8192, OPS_PING, 0, ++c->next_id);
		chan_publish(c);
	}
}

static void test_client_that_never_reads(void **state)
{
	struct chan_config config = {.label = "deaf"};
	struct chan *deaf = aligned_alloc(128, sizeof *deaf);
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct frame frame;
	int i, answers = 0;

	assert_int_equal(chan_attach(deaf, &f.r, "ops", &config, &err), 0);
	flood(deaf);
	for (i = 0; i < 1000; i++)
		assert_int_equal(ask_lt(c), 0);
	/* It was only deaf: when it reads at last, all its answers are there. */
	while (answers < (int)deaf->next_id) {
		int rc = chan_await(deaf, 50);

		assert_true(rc == 0 || rc == -EAGAIN);
		while (ring_peek(&deaf->rx, &frame) == 0) {
			assert_int_equal(frame.id, ++answers);
			assert_int_equal(frame.len, 8192);
			ring_next(&deaf->rx);
		}
		ring_release(&deaf->rx);
	}
	chan_detach(deaf);
	free(deaf);
	client_close(c);
}

/* A reply waits for room, and the client says that it has read what was never sent.
 * The server used to come back to that channel for ever, and to no other. */
static void test_impossible_position_with_a_reply_waiting(void **state)
{
	struct chan_config config = {.label = "liar"};
	struct chan *liar = aligned_alloc(128, sizeof *liar);
	struct ops_client *c = client_open(ROLE_DB, NULL);
	uint64_t t0, busy;
	int i;

	assert_int_equal(ask_lt(c), 0);
	assert_int_equal(chan_attach(liar, &f.r, "ops", &config, &err), 0);
	flood(liar);
	shm_store64(&liar->shm->rsp_head, 1ull << 40);
	for (i = 0; i < 100; i++)
		assert_int_equal(ask_lt(c), 0);
	for (t0 = clock_ms(); chan_state(liar) == 0 && clock_ms() - t0 < TIMEOUT_MS;)
		usleep(1000);
	assert_int_equal(chan_state(liar), -EPROTO);
	busy = cpu_ms();
	sleep(1);
	assert_in_range(cpu_ms() - busy, 0, 500);
	chan_detach(liar);
	free(liar);
	client_close(c);
}

/* Does the server come to rest? Others may run on this machine, so there is no hurry. */
static void assert_rests(void)
{
	uint64_t t0 = clock_ms(), busy;

	do {
		assert_true(clock_ms() - t0 < TIMEOUT_MS);
		busy = cpu_ms();
		usleep(500000);
	} while (cpu_ms() - busy > 100);
}

/* Bug: right behind the last request of a turn it was seen and forgotten, and all threads
 * went on looking for what was waiting there. */
static void test_impossible_frame_at_any_place(void **state)
{
	static const int behind[] = {0, 1, 63, 64, 65, 127, 128, 200};
	struct chan_config config = {.label = "liar"};
	struct chan *liar = aligned_alloc(128, sizeof *liar);
	struct ops_client *c = client_open(ROLE_DB, NULL);
	uint64_t t0;
	uint8_t *at;
	size_t k;
	int i;

	for (k = 0; k < sizeof behind / sizeof *behind; k++) {
		assert_int_equal(chan_attach(liar, &f.r, "ops", &config, &err), 0);
		for (i = 0; i <= behind[k]; i++) {
			assert_int_equal(ring_claim(&liar->tx, 8, &at), 0);
			ring_commit(&liar->tx, 8, OPS_PING, i == behind[k] ? 0x80 : 0, 1);
		}
		chan_publish(liar);
		for (t0 = clock_ms(); chan_state(liar) == 0; usleep(1000))
			assert_true(clock_ms() - t0 < TIMEOUT_MS);
		assert_int_equal(chan_state(liar), -EPROTO);
		chan_detach(liar);
		assert_int_equal(ask_lt(c), 0);
	}
	assert_rests();
	free(liar);
	client_close(c);
}

/* Bug: requests behind a reply that had no room counted as work, so nobody slept. */
static void test_rests_beside_a_client_that_never_reads(void **state)
{
	struct chan_config config = {.label = "deaf"};
	struct chan *deaf = aligned_alloc(128, sizeof *deaf);
	struct ops_client *c = client_open(ROLE_DB, NULL);

	assert_int_equal(chan_attach(deaf, &f.r, "ops", &config, &err), 0);
	flood(deaf);
	assert_int_equal(ask_lt(c), 0);
	assert_rests();
	chan_detach(deaf);
	free(deaf);
	client_close(c);
}

/* length(max(one long text, each of many)) + ... : four minutes of counting in one request. */
static struct bytes endless_request(void)
{
	enum { TEXT = 4 << 20, CAP = TEXT + (1 << 20), TIMES = 24 };
	static struct cell rows[PROGRAM_ROWS_MAX];
	uint8_t *text = malloc(TEXT), *req = malloc(CAP);
	struct cell one = {.p = text, .len = TEXT};
	struct rig_arg args[2] = {{&one, T_TEXT, ARG_ONE}, {rows, T_TEXT, 0}};
	uint16_t code[5 * TIMES], n = 0;
	struct bytes b = {req, 0};
	int i;

	assert_true(text && req);
	for (i = 0; i < TIMES; i++) {
		code[n++] = PUSH;
		code[n++] = PUSH | 1;
		code[n++] = OP_enc_text_max;
		code[n++] = OP_enc_text_length;
		if (i > 0)
			code[n++] = OP_enc_int4_add;
	}
	memset(text, 'a', TEXT);
	b.len = rig_request(req, CAP, f.s, args, 2, code, n, PROGRAM_ROWS_MAX);
	assert_true(b.len > TEXT);
	free(text);
	return b;
}

static void test_long_work_that_nobody_waits_for(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct bytes b = endless_request();
	const uint8_t *got;
	uint64_t len;

	assert_int_equal(
		ops_call(c, OPS_EVAL, b.len, fill, &b, 300, &got, &len, &err), -ETIMEDOUT);
	assert_int_equal(ask_lt(c), 0); /* behind the one given up */
	assert_rests();
	assert_int_equal(
		ops_call(c, OPS_EVAL, b.len, fill, &b, 300, &got, &len, &err), -ETIMEDOUT);
	shm_store64(&c->chan.shm->given_up, 0); /* as if it had forgotten to say so */
	kill(f.pid, SIGTERM);
	assert_int_equal(server_join(f.pid), 0);
	f.pid = 0;
	free((void *)(uintptr_t)b.p);
	client_close(c);
}

static int ask_and_wait(void *arg)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	const uint8_t *got;
	uint64_t len;

	return ops_call(c, OPS_EVAL, ((struct bytes *)arg)->len, fill, arg, TIMEOUT_MS, &got,
		&len, &err);
}

/* Bug: while a thread had the channel of a dead client, all others spun. */
static void test_killed_while_its_long_work_goes_on(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct bytes b = endless_request();
	pid_t pid = rig_spawn(ask_and_wait, &b, LIMIT_S);
	uint64_t busy = cpu_ms(), t0 = clock_ms();

	while (cpu_ms() - busy < 200) {
		assert_true(clock_ms() - t0 < TIMEOUT_MS);
		usleep(10000);
	}
	rig_kill(pid);
	assert_int_equal(ask_lt(c), 0);
	assert_rests();
	free((void *)(uintptr_t)b.p);
	client_close(c);
}

static int pipeline(void *arg)
{
	struct chan_config config = {.label = "greedy", .spin_ns = 20000};
	struct chan *c = aligned_alloc(128, sizeof *c);
	struct frame frame;
	uint8_t *at;

	if (chan_attach(c, &f.r, "ops", &config, &err))
		return 1;
	for (;;) { /* until killed: never an empty ring */
		while (ring_claim(&c->tx, 8, &at) == 0)
			ring_commit(&c->tx, 8, OPS_PING, 0, ++c->next_id);
		chan_publish(c);
		while (ring_peek(&c->rx, &frame) == 0)
			ring_next(&c->rx);
		ring_release(&c->rx);
	}
}

/* Clients that always have more to ask leave the others their turn. */
static void test_greedy_clients(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL), *late;
	pid_t greedy[3];
	int i;

	for (i = 0; i < 3; i++)
		greedy[i] = rig_spawn(pipeline, NULL, LIMIT_S);
	for (i = 0; i < 200; i++)
		assert_int_equal(ask_lt(c), 0);
	late = client_open(ROLE_DB, NULL);
	assert_int_equal(ask_lt(late), 0);
	for (i = 0; i < 3; i++)
		rig_kill(greedy[i]);
	client_close(late);
	client_close(c);
}

/* Half of a long request, then gone. */
/* Bug: a reply ring that somebody filled once with frames of the right generation, none
 * of them the reply, was read round and round: no timeout, no interrupt ended the call. */
static void test_reply_ring_full_of_other_replies(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	uint64_t frame[2] = {0, UINT64_MAX};
	uint8_t *data;
	uint32_t i;

	assert_int_equal(ask(c, OPS_PING, "x", 1), 0);
	kill(f.pid, SIGSTOP); /* else its reply would replace some of them */
	assert_int_equal(waitpid(f.pid, NULL, WUNTRACED), f.pid);
	frame[0] = (uint64_t)(OPS_PING | OPS_REPLY) << 32 |
		(uint64_t)chan_gen16(c->chan.gen) << 48;
	data = chan_rsp_ring(c->chan.service, c->chan.index);
	for (i = 0; i < c->chan.service->ring_bytes; i += sizeof frame)
		memcpy(data + i, frame, sizeof frame);
	alarm(LIMIT_S);
	assert_int_equal(ask(c, OPS_PING, "x", 1), -EPROTO);
	alarm(0);
	kill(f.pid, SIGCONT);
	assert_int_equal(ask(c, OPS_PING, "x", 1), 0); /* on another channel, or a clean one */
	client_close(c);
}

/* Bug: parts of a reply without end, the same ring of them again and again, were taken
 * for longer than the time-out and with no look at interrupts. */
static void test_reply_without_end(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct bytes b = {"x", 1};
	uint64_t frame[4] = {0}, len;
	const uint8_t *got;
	uint8_t *data;
	uint32_t i;

	assert_int_equal(ask(c, OPS_PING, "x", 1), 0);
	kill(f.pid, SIGSTOP);
	assert_int_equal(waitpid(f.pid, NULL, WUNTRACED), f.pid);
	frame[0] = 1 | (uint64_t)(OPS_PING | OPS_REPLY) << 32 | (uint64_t)FRAME_MORE << 40 |
		(uint64_t)chan_gen16(c->chan.gen) << 48;
	frame[1] = c->chan.next_id + 1;
	data = chan_rsp_ring(c->chan.service, c->chan.index);
	for (i = 0; i < c->chan.service->ring_bytes; i += sizeof frame)
		memcpy(data + i, frame, sizeof frame);
	assert_int_equal(
		ops_call(c, OPS_PING, 1, fill, &b, 200, &got, &len, &err), -ETIMEDOUT);
	kill(f.pid, SIGCONT);
	client_close(c);
}

static int die_in_the_middle(void *arg)
{
	struct chan_config config = {.label = "doomed"};
	struct chan *c = aligned_alloc(128, sizeof *c);
	uint8_t *at;

	while (chan_attach(c, &f.r, "ops", &config, &err)) /* the one before is being freed */
		usleep(1000);
	if (ring_claim(&c->tx, 1000, &at))
		return 1;
	memset(at, 0, 1000);
	ring_commit(&c->tx, 1000, OPS_EVAL, FRAME_MORE, 1);
	chan_publish(c);
	usleep(100000);
	raise(SIGKILL);
	return 1;
}

static void test_killed_in_the_middle_of_a_request(void **state)
{
	struct ops_client *c;
	int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(
			rig_join(rig_spawn(die_in_the_middle, NULL, LIMIT_S)), 1000 + SIGKILL);
	/* There is but one channel: an answer means that it was freed, and is clean. */
	c = client_open(ROLE_DB, NULL);
	c->wait_channel_ms = TIMEOUT_MS;
	assert_int_equal(ask_lt(c), 0);
	client_close(c);
	/* And the end is not put off for the half request of one who is gone. */
	kill(f.pid, SIGTERM);
	assert_int_equal(server_join(f.pid), 0);
	f.pid = 0;
}

/* Bug: a neighbour who wrote "awake" there made every client look for a poller in vain,
 * until somebody polled. */
static void test_bell_written_by_a_neighbour(void **state)
{
	uint32_t *asleep = &region_service(&f.r, "ops")->shm->asleep;
	struct ops_client *c = client_open(ROLE_DB, NULL);
	uint64_t t0 = clock_ms();

	assert_int_equal(ask_lt(c), 0);
	shm_store32(asleep, BELL_AWAKE);
	assert_int_equal(ask_lt(c), 0);
	while (shm_load32(asleep) != BELL_LANES) {
		assert_true(clock_ms() - t0 < TIMEOUT_MS);
		usleep(1000);
	}
	assert_int_equal(ask_lt(c), 0);
	client_close(c);
}

/* Threads of the server that go before all that is not real-time. */
static int first_threads(void)
{
	struct dirent *e;
	char path[64];
	int n = 0;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/task", (int)f.pid);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.' && sched_getscheduler(atoi(e->d_name)) == SCHED_FIFO;
	closedir(d);
	return n;
}

static bool may_go_first(void)
{
	const struct sched_param first = {.sched_priority = 1}, usual = {0};

	return sched_setscheduler(0, SCHED_FIFO, &first) == 0 &&
		sched_setscheduler(0, SCHED_OTHER, &usual) == 0;
}

static void until_first_threads(bool any)
{
	uint64_t t0 = clock_ms();

	while ((first_threads() > 0) != any) {
		assert_true(clock_ms() - t0 < TIMEOUT_MS);
		usleep(1000);
	}
}

/* Bug: any user could have a processor for a second at a time by 100 bytes. */
static void test_short_request_that_lasts(void **state)
{
	static const uint16_t code[] = {PUSH, OP_enc_int8_factorial};
	struct cell number = {.i = 30000};
	struct rig_arg arg = {&number, T_INT8, 0};
	struct ops_client *c;
	struct ops_ticket t;
	const uint8_t *got;
	uint8_t req[256];
	struct bytes b = {req, 0};
	uint64_t len;
	int all, least;

	if (!may_go_first())
		skip();
	c = client_open(ROLE_DB, NULL);
	assert_int_equal(ask_lt(c), 0);
	until_first_threads(true);
	usleep(10000);
	all = least = first_threads();
	b.len = rig_request(req, sizeof req, f.s, &arg, 1, code, 2, 1);
	assert_int_equal(ops_submit(c, OPS_EVAL, b.len, fill, &b, true, TIMEOUT_MS, &t, &err), 0);
	while (least == all && !ring_waiting(&c->chan.rx)) {
		least = first_threads();
		all = least > all ? least : all; /* one more that had not come to rest */
	}
	assert_in_range(least, 0, all - 1);
	assert_int_equal(ops_collect(c, &t, TIMEOUT_MS, &got, &len, &err), 0);
	client_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_like_that_nobody_waits_for),
		SERVED(test_client_that_never_reads),
		SERVED(test_impossible_position_with_a_reply_waiting),
		SERVED(test_impossible_frame_at_any_place),
		SERVED(test_rests_beside_a_client_that_never_reads),
		SERVED(test_long_work_that_nobody_waits_for),
		SERVED(test_killed_while_its_long_work_goes_on),
		SERVED(test_reply_without_end),
		SERVED(test_greedy_clients),
		SERVED(test_reply_ring_full_of_other_replies),
		cmocka_unit_test_setup_teardown(
			test_killed_in_the_middle_of_a_request, begin_with_one_channel, end),
		SERVED(test_bell_written_by_a_neighbour),
		SERVED(test_short_request_that_lasts),
	};

	if (server_find())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
