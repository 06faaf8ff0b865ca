/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_manager_away.c - scope: an ops_server that has no answer from the manager, which its clients
 * have: how often one of them tries, that it can be stopped meanwhile and is told why in the end, and
 * what the server's log has of it. What is counted has bounds that no machine is too slow or too fast for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../managedrig.h"

enum { WAIT_MS = 3000, CLIENTS = 12, EACH_MS = 250 };

/* The server is given an address that nobody listens at. */
static int begin_away(void **state)
{
	static char nowhere[32];

	snprintf(address, sizeof address, "127.0.0.1:%d", free_port());
	snprintf(nowhere, sizeof nowhere, "127.0.0.1:%d", free_port());
	snprintf(server_log, sizeof server_log, "%s/server.log", ca);
	(void)!unlink(server_log);
	if (begin_called(nowhere))
		return -1;
	called = address;
	return 0;
}

static int end_away(void **state)
{
	server_log[0] = 0;
	return end_managed(state);
}

/* Of all channels: each attempt ends one of them. */
static uint64_t generations(void)
{
	const struct service_geometry *g = region_service(&f.r, "ops");
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < g->nchannels; i++)
		sum += shm_load32(&chan_control(g, i)->gen);
	return sum;
}

static int ask_for(struct ops_client *c, uint64_t ms)
{
	struct bytes b = {"x", 1};
	const uint8_t *got;
	uint64_t len;

	return ops_call(c, OPS_PING, b.len, fill, &b, ms, &got, &len, &err);
}

/* Each pause is twice as long as the one before: after 5, 10, 20, 40, 80 and 160 ms it is 200. */
static void test_attempts_are_few(void **state)
{
	struct ops_client *c = client_as("a", ROLE_DB);
	uint64_t before = generations(), t0 = clock_ms(), tried;

	assert_int_equal(ask_for(c, WAIT_MS), -ETIMEDOUT);
	assert_true(clock_ms() - t0 >= WAIT_MS);
	assert_non_null(strstr(err.s, "no answer from the manager"));
	tried = generations() - before;
	print_message("%llu attempts in %d ms\n", (unsigned long long)tried, WAIT_MS);
	assert_in_range(tried, 2, 6 + (WAIT_MS - 315) / 200 + 2);
	leave(c);
}

static struct {
	uint64_t generation;
	int attempts, calls, most; /* calls in one attempt, and the pause after it */
	jmp_buf out;
} stop;

static void stop_later(void *unused)
{
	uint64_t now = generations();

	if (now != stop.generation) {
		stop.generation = now;
		stop.attempts++;
		stop.calls = 0;
	}
	stop.calls++;
	stop.most = stop.calls > stop.most ? stop.calls : stop.most;
	if (stop.attempts == 10)
		longjmp(stop.out, 1);
}

/* By idle(), as PostgreSQL's interrupts do: it is called in the middle of a pause as well. */
static void test_pause_can_be_left(void **state)
{
	struct ops_client *c = client_as("a", ROLE_DB);

	memset(&stop, 0, sizeof stop);
	c->idle = stop_later;
	if (setjmp(stop.out) == 0)
		fail_msg("%d", ask_for(c, TIMEOUT_MS));
	assert_true(stop.most >= 3);
	c->idle = NULL;
	assert_int_equal(ask_for(c, 300), -ETIMEDOUT);
	leave(c);
}

struct log_count {
	uint64_t lines, refusals, left_out;
};

static struct log_count read_log(void)
{
	struct log_count n = {0, 0, 0};
	FILE *l = fopen(server_log, "re");
	char line[1024], *p;

	assert_non_null(l);
	while (fgets(line, sizeof line, l)) {
		if (!strstr(line, "refused: "))
			continue;
		n.lines++;
		n.refusals += strstr(line, " more refused: ") == NULL;
		p = strstr(line, " (and ");
		n.left_out += p ? strtoull(p + 6, NULL, 10) : 0;
		p = strstr(line, " warning ");
		n.left_out += p && strstr(p, " more refused: ") ? strtoull(p + 9, NULL, 10) : 0;
	}
	fclose(l);
	return n;
}

/* Every attempt is accounted for. */
static void test_log_is_no_flood(void **state)
{
	uint64_t before = generations(), t0 = clock_ms(), tried;
	struct log_count n;
	int i;

	for (i = 0; i < CLIENTS; i++) {
		struct ops_client *c = client_as("a", ROLE_DB);

		assert_int_equal(ask_for(c, EACH_MS), -ETIMEDOUT);
		leave(c);
	}
	tried = generations() - before;
	kill(f.pid, SIGTERM);
	assert_int_equal(server_join(f.pid), 0);
	f.pid = 0;
	n = read_log();
	print_message("%llu attempts, %llu lines, %llu left out\n", (unsigned long long)tried,
		(unsigned long long)n.lines, (unsigned long long)n.left_out);
	assert_true(n.lines >= 1);
	assert_true(n.lines <= 2 + (clock_ms() - t0) / 1000);
	assert_int_equal(n.refusals + n.left_out, tried);
}

int main(void)
{
#define AWAY(t) cmocka_unit_test_setup_teardown(t, begin_away, end_away)
	const struct CMUnitTest tests[] = {
		AWAY(test_attempts_are_few),
		AWAY(test_pause_can_be_left),
		AWAY(test_log_is_no_flood),
	};

	return managed_find() ? 1 : cmocka_run_group_tests(tests, setup, teardown);
}
