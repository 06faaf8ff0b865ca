/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_lookup.c - scope: a name that is looked up by a thread (lookup.h), by a resolver of our own that
 * waits until it is told: whoever waits hears of it, also when the process forked meanwhile. With real
 * resolvers: tests/redis/lookup.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../rig.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>

#include "lookup.h"

enum { LIMIT_MS = 20000, BLINK_MS = 50 };

static int told[2]; /* a pipe: a byte for each name that may be answered */

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **all)
{
	char c;

	while (read(told[0], &c, 1) < 0 && errno == EINTR)
		;
	return EAI_NONAME;
}

static void tell(void)
{
	assert_int_equal(write(told[1], "", 1), 1);
}

/* What nobody was told for: who is dropped in the queue is not looked up. */
static void untell(void)
{
	struct pollfd p = {.fd = told[0], .events = POLLIN};
	char c;

	while (!lookup_stop())
		usleep(1000);
	while (poll(&p, 1, 0) == 1)
		assert_int_equal(read(told[0], &c, 1), 1);
	lookup_resume();
}

static bool is_over(const struct lookup *l, int timeout_ms)
{
	struct pollfd p = {.fd = lookup_fd(l), .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

static void take(struct lookup *l)
{
	struct addrinfo *all;
	const char *why;

	assert_int_equal(lookup_take(l, &all, &why), -ENOENT);
	assert_null(all);
	lookup_drop(l);
}

static int sleep_on(void *unused)
{
	pause();
	return 0;
}

/* A child has the pipe's other end as well, and keeps it. */
static void test_fork_meanwhile(void **state)
{
	struct addrinfo *all;
	struct lookup *l;
	const char *why;
	pid_t child;

	assert_int_equal(lookup_start(&l, "name", "1"), 0);
	assert_false(is_over(l, BLINK_MS));
	assert_int_equal(lookup_take(l, &all, &why), -EAGAIN);
	child = rig_spawn(sleep_on, NULL, LIMIT_MS / 1000 + 5);
	assert_true(child > 0);
	tell();
	assert_true(is_over(l, LIMIT_MS));
	take(l);
	rig_kill(child);
}

/* More than there are threads, and half of them nobody waits for. */
static void test_queue(void **state)
{
	struct lookup *l[3 * LOOKUP_THREADS];
	int i, n = sizeof l / sizeof *l;

	for (i = 0; i < n; i++)
		assert_int_equal(lookup_start(&l[i], "name", "1"), 0);
	for (i = 0; i < n; i += 2)
		lookup_drop(l[i]);
	for (i = 0; i < n; i++)
		tell();
	for (i = 1; i < n; i += 2) {
		assert_true(is_over(l[i], LIMIT_MS));
		take(l[i]);
	}
	untell();
}

static void test_stop(void **state)
{
	struct lookup *l;

	assert_int_equal(lookup_start(&l, "name", "1"), 0);
	assert_false(lookup_stop());
	tell();
	assert_true(is_over(l, LIMIT_MS));
	take(l);
	while (!lookup_stop())
		usleep(1000);
	assert_int_equal(lookup_start(&l, "name", "1"), -ECANCELED);
	assert_null(l);
	lookup_resume();
	assert_int_equal(lookup_start(&l, "name", "1"), 0);
	tell();
	assert_true(is_over(l, LIMIT_MS));
	take(l);
	untell(); /* and so none is left at the end */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fork_meanwhile),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_stop),
	};

	if (pipe(told) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
