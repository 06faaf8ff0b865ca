/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_manager_tenure.c - scope: a manager whose certificate has been revoked or has ended since nodes
 * connected to it: clients and servers leave it, and take another certificate of it. Needs the
 * programs that were built beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../managedrig.h"

enum { SHORT_LIFE_S = 15 };

static int fetch(struct trust *t)
{
	const struct watch_patience p = {.timeout_ms = TIMEOUT_MS};

	usleep(2000); /* what was asked in this millisecond would do */
	return watch_fetch(t->watch, &p, &err);
}

/* a's, who follows the list of the revoked. */
static struct trust *load(void)
{
	struct trust_files files = files_of("a");
	struct trust *t;

	files.crl = in_ca("crl.pem");
	if (watch_load(&t, &files, called, NULL, NULL, &err))
		fail_msg("%s", err.s);
	return t;
}

/* It goes on by what it has heard, for a second at most that is longer here. */
static void wait_until_left(struct trust *t)
{
	uint64_t t0 = clock_ms();
	int rc;

	while ((rc = fetch(t)) == 0)
		assert_true(clock_ms() - t0 < TIMEOUT_MS);
	assert_int_equal(rc, -EACCES);
}

static void renew_manager(void)
{
	kill_manager();
	assert_int_equal(ca_issue(ca, "mgr", "server:mgr", 2, &err), 0);
	start_manager();
}

static int begin_renewed(void **state)
{
	if (ca_issue(ca, "mgr", "server:mgr", 2, &err))
		fail_msg("%s", err.s);
	return begin_managed(state);
}

/* ---- tests ---- */

static void test_client_leaves_a_revoked_one(void **state)
{
	struct trust *t = load(), *blind;

	assert_int_equal(fetch(t), 0);
	assert_int_equal(ca_revoke(ca, "mgr", &err), 0);
	wait_until_left(t);
	assert_non_null(strstr(err.s, "revoked"));
	assert_int_equal(load_rc("a", &blind), 0); /* who has not the list believes it */
	trust_drop(blind);
	renew_manager();
	if (fetch(t))
		fail_msg("%s", err.s);
	trust_drop(t);
}

static void test_client_leaves_one_that_has_ended(void **state)
{
	struct trust *t;

	kill_manager();
	assert_int_equal(ca_issue_for(ca, "mgr", "server:mgr", SHORT_LIFE_S, &err), 0);
	start_manager();
	t = load();
	assert_int_equal(fetch(t), 0);
	wait_until_left(t);
	assert_non_null(strstr(err.s, "expired"));
	mgrlink_close(&admin); /* its handshake would fail as well, from here on */
	renew_manager();
	if (fetch(t))
		fail_msg("%s", err.s);
	trust_drop(t);
}

/* With its next list, without the loss of anything that does not hang on the manager. */
static void test_server_leaves_a_revoked_one(void **state)
{
	struct ops_client *a = client_as("a", ROLE_CLIENT);
	uint64_t t0 = clock_ms();

	assert_int_equal(ask_lt(a), 0);
	assert_int_equal(ca_revoke(ca, "mgr", &err), 0);
	assert_int_equal(kill(f.pid, SIGHUP), 0);
	while (ask_soon(a) == 0) /* until its lease ends */
		assert_true(clock_ms() - t0 < TIMEOUT_MS);
	assert_int_equal(fetch(a->trust), 0); /* ours does not */
	assert_int_not_equal(ask_soon(a), 0);
	renew_manager();
	if (ask_lt(a))
		fail_msg("%s", err.s);
	leave(a);
}

#define RENEWED(t) cmocka_unit_test_setup_teardown(t, begin_renewed, end_managed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RENEWED(test_client_leaves_a_revoked_one),
		RENEWED(test_client_leaves_one_that_has_ended),
		RENEWED(test_server_leaves_a_revoked_one),
	};

	if (managed_find())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
