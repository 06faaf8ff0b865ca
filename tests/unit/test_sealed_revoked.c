/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_sealed_revoked.c - scope: sealed channels of a running ops_server: certificates that are revoked or
 * end while a channel is open, those of clients and the server's, and CAs that are no longer believed.
 * Needs the program that was built beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../sealedrig.h"

#include "watch.h"

/* Until the server has closed it; it asks nothing meanwhile. */
static bool closes(const struct ops_client *c)
{
	uint64_t t0 = clock_ms();

	while (chan_state(&c->chan) == 0 && clock_ms() - t0 < TIMEOUT_MS)
		usleep(10000);
	return chan_state(&c->chan) != 0;
}

/* ---- a client's certificate ---- */

static void test_revoked_while_open(void **state)
{
	struct trust *t;
	struct ops_client *c, *other = client_with(ROLE_DB, node);

	assert_int_equal(ca_issue(ca, "lost", "db", 2, &err), 0);
	t = load("lost");
	c = client_with(ROLE_DB, t);
	assert_int_equal(ask_lt(c), 0);
	assert_int_equal(ask_lt(other), 0);
	assert_int_equal(ca_revoke(ca, "lost", &err), 0);
	kill(f.pid, SIGHUP);
	assert_notified("READY=1");
	assert_int_not_equal(chan_state(&c->chan), 0); /* also when it asks nothing */
	assert_int_equal(ask_lt(c), -EACCES);
	assert_non_null(strstr(err.s, "revoked"));
	assert_int_equal(ask_lt(c), -EACCES); /* nor is there another channel */
	assert_non_null(strstr(err.s, "revoked"));
	assert_int_equal(ask_lt(other), 0);
	client_close(c);
	client_close(other);
	trust_drop(t);
}

static void test_ends_while_open(void **state)
{
	struct ops_client *idle, *busy, *other = client_with(ROLE_DB, node);
	struct trust *t;
	int rc;

	assert_int_equal(ca_issue_for(ca, "brief", "db", 8, &err), 0);
	t = load("brief");
	idle = client_with(ROLE_DB, t);
	busy = client_with(ROLE_DB, t);
	assert_int_equal(ask_lt(idle), 0);
	assert_int_equal(ask_lt(other), 0);
	while ((rc = ask_lt(busy)) == 0)
		;
	if (rc != -EACCES || !strstr(err.s, "expired"))
		fail_msg("%d: %s", rc, err.s);
	assert_true(closes(idle));
	assert_int_equal(ask_lt(idle), -EACCES);
	assert_non_null(strstr(err.s, "expired"));
	assert_int_equal(ask_lt(other), 0);
	client_close(idle);
	client_close(busy);
	client_close(other);
	trust_drop(t);
}

/* The server's files are another CA's from now on: whom the first one vouched for goes. */
static void test_other_ca(void **state)
{
	struct ops_client *c = client_with(ROLE_DB, node);
	char mine[80], other[80];

	snprintf(mine, sizeof mine, "%s.mine", ca);
	snprintf(other, sizeof other, "%s.other", ca);
	assert_int_equal(ca_init(other, 2, &err), 0);
	assert_int_equal(ca_issue(other, "zone", "server:ops", 2, &err), 0);
	assert_int_equal(ask_lt(c), 0);
	assert_int_equal(rename(ca, mine), 0);
	assert_int_equal(rename(other, ca), 0);
	kill(f.pid, SIGHUP);
	assert_notified("READY=1");
	assert_int_equal(rename(ca, other), 0);
	assert_int_equal(rename(mine, ca), 0);
	assert_true(closes(c));
	assert_int_equal(ask_lt(c), -EACCES);
	client_close(c);
	assert_int_equal(remove_dir(other), 0);
}

/* ---- the server's certificate, which a client looks at as well ---- */

/* A client whose list of the revoked is what mylist.pem says. */
static struct ops_client *client_with_list(void)
{
	struct trust_files files = files_of("node");
	struct trust *t;

	files.crl = in_ca("mylist.pem");
	if (watch_load(&t, &files, NULL, NULL, NULL, &err))
		fail_msg("%s", err.s);
	return client_with(ROLE_DB, t);
}

/* The list reaches the clients' machine, as it is now. */
static void copy_list(void)
{
	char command[400];

	snprintf(command, sizeof command, "cp %s %s.new && mv %s.new %s", in_ca("crl.pem"),
		in_ca("mylist.pem"), in_ca("mylist.pem"), in_ca("mylist.pem"));
	assert_int_equal(system(command), 0);
}

static int begin_vault(void **state)
{
	if (ca_issue(ca, "vault", "server:ops", 2, &err))
		fail_msg("%s", err.s);
	copy_list();
	return begin_as("vault");
}

static int begin_brief_vault(void **state)
{
	if (ca_issue_for(ca, "briefvault", "server:ops", 8, &err))
		fail_msg("%s", err.s);
	copy_list();
	return begin_as("briefvault");
}

static void test_server_revoked(void **state)
{
	struct ops_client *c = client_with_list();
	uint32_t gen;

	assert_int_equal(ask_lt(c), 0);
	gen = c->chan.gen;
	/* what is no list, or not whole, is none: the one before counts */
	assert_int_equal(truncate(in_ca("mylist.pem"), 100), 0);
	assert_int_equal(ask_for_ms(c, 2500), 0);
	assert_int_equal(c->chan.gen, gen);
	assert_int_equal(c->retries, 0);
	/* the server is not told: it stays, and would serve on */
	assert_int_equal(ca_revoke(ca, "vault", &err), 0);
	copy_list();
	assert_int_equal(ask_for_ms(c, TIMEOUT_MS), -EACCES);
	assert_non_null(strstr(err.s, "revoked"));
	assert_int_equal(ask_lt(c), -EACCES); /* nor is there another channel */
	client_and_trust_close(c);
}

/* What another CA has revoked is nothing to us. */
static void test_list_of_another(void **state)
{
	struct ops_client *c = client_with_list();
	char other[80], command[300];
	uint64_t t0;

	snprintf(other, sizeof other, "%s.other", ca);
	assert_int_equal(ca_init(other, 2, &err), 0);
	/* of the same name, or nobody would look at its signature */
	snprintf(command, sizeof command, "cp %s/crl.pem %s", other, in_ca("mylist.pem"));
	copy_list();
	for (t0 = clock_ms(); !c->trust->news; assert_int_equal(ask_lt(c), 0))
		assert_true(clock_ms() - t0 < TIMEOUT_MS);
	assert_int_equal(c->trust->news, 1); /* it looked */
	assert_int_equal(system(command), 0);
	assert_int_equal(ask_for_ms(c, 2500), 0);
	assert_int_equal(c->trust->news, 1);
	assert_int_equal(remove_dir(other), 0);
	client_and_trust_close(c);
}

static void test_server_expires(void **state)
{
	struct ops_client *c = client_with_list();

	assert_int_equal(ask_lt(c), 0);
	assert_int_equal(ask_for_ms(c, 12000), -EACCES);
	assert_non_null(strstr(err.s, "expired"));
	client_and_trust_close(c);
}

/* The server has another certificate by the time that its first one is revoked: who asks does
 * not notice, nor is a request lost that was on its way. */
static void test_server_renewed(void **state)
{
	struct ops_client *c = client_with_list();
	struct bytes b = {canary, sizeof canary};
	struct ops_ticket ticket;
	const uint8_t *got;
	uint64_t len, t0;

	assert_int_equal(ask_lt(c), 0);
	assert_int_equal(ca_revoke(ca, "vault", &err), 0);
	assert_int_equal(ca_issue(ca, "vault", "server:ops", 2, &err), 0);
	kill(f.pid, SIGHUP);
	assert_notified("READY=1");
	assert_int_equal(ask_for_ms(c, 1500), 0);
	kill(f.pid, SIGSTOP); /* so that it is not answered before */
	assert_int_equal(ops_submit(c, OPS_PING, b.len, fill, &b, true, TIMEOUT_MS, &ticket, &err), 0);
	copy_list();
	usleep(1200000);
	kill(f.pid, SIGCONT);
	for (t0 = clock_ms(); c->trust->news < 1 && clock_ms() - t0 < TIMEOUT_MS; usleep(20000))
		assert_int_equal(ask_lt(c), 0);
	assert_int_equal(c->trust->news, 1);
	assert_int_equal(ops_collect(c, &ticket, TIMEOUT_MS, &got, &len, &err), 0);
	assert_int_equal(len, sizeof canary);
	assert_memory_equal(got, canary, sizeof canary);
	assert_int_equal(ask_lt(c), 0);
	client_and_trust_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEALED(test_revoked_while_open),
		SEALED(test_ends_while_open),
		SEALED(test_other_ca),
		cmocka_unit_test_setup_teardown(test_server_revoked, begin_vault, end),
		cmocka_unit_test_setup_teardown(test_list_of_another, begin_vault, end),
		cmocka_unit_test_setup_teardown(test_server_expires, begin_brief_vault, end),
		cmocka_unit_test_setup_teardown(test_server_renewed, begin_vault, end),
	};

	if (server_find())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
