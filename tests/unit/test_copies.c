/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_copies.c - scope: what goes on when an end of an open sealed channel finds that it is a copy
 * (life.h), by an id in a file that the test writes: the server, the client, with a request on its
 * way; nothing is lost, and nothing is said under the old keys. The manager's word for it:
 * test_manager.c. Machines that are copied: tests/e2e/clone_sealed.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../carig.h"
#include "../serverrig.h"

#include "ca.h"
#include "life.h"

static char id_file[80];
static struct trust *node;
static const char canary[] = "asked before, answered by the copy";

/* The hypervisor's part. In place: a file that is mapped must not be shorter for a moment. */
static void put_id(uint64_t id)
{
	uint64_t both[2] = {id, ~id};
	int fd = open(id_file, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, both, sizeof both, 0), sizeof both);
	close(fd);
}

static int begin_copied(void **state)
{
	const struct trust_files own = files_of("zone");
	const char *const more[] = {"--secure", "sealed", "--cert", own.cert, "--key", own.key, "--ca",
		in_ca("ca.pem"), "--generation", id_file, NULL};

	put_id(1);
	return begin_with(8, more);
}

static struct ops_client *sealed_client(void)
{
	struct ops_client *c = client_open(ROLE_CLIENT, NULL);

	c->trust = node;
	assert_int_equal(ask_lt(c), 0);
	assert_true(chan_sealed(&c->chan));
	return c;
}

/* Whatever comes after a handshake is on another channel, or of a later generation of it. */
static uint64_t handshake_of(const struct ops_client *c)
{
	return (uint64_t)c->chan.index << 32 | c->chan.gen;
}

static void test_server_copied(void **state)
{
	struct ops_client *c = sealed_client();
	uint64_t before = handshake_of(c), id;

	for (id = 2; id < 6; id++) {
		put_id(id);
		assert_int_equal(ask_lt(c), 0);
		assert_true(chan_sealed(&c->chan));
		assert_true(handshake_of(c) != before);
		before = handshake_of(c);
		assert_int_equal(ask_lt(c), 0);
		assert_true(handshake_of(c) == before);
	}
	client_close(c);
}

enum { COPIES = 40 };

static int asks_status(void *unused)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	int rc = 0;

	while (!rc)
		rc = ask(c, OPS_STATUS, NULL, 0);
	return 1;
}

/* By another worker than the one that finds it out. For sanitizers. */
static void test_status_meanwhile(void **state)
{
	pid_t child = rig_spawn(asks_status, NULL, LIMIT_S);
	struct ops_client *c = sealed_client();
	uint64_t id;

	for (id = 2; id < COPIES; id++) {
		put_id(id);
		assert_int_equal(ask_lt(c), 0);
	}
	client_close(c);
	assert_int_equal(rig_kill(child), 1000 + SIGKILL);
}

/* Asked before the copy was made. Stopped, so that it is not answered before. */
static void test_request_on_its_way(void **state)
{
	struct ops_client *c = sealed_client();
	struct bytes b = {canary, sizeof canary};
	struct ops_ticket ticket;
	const uint8_t *got;
	uint64_t len;

	kill(f.pid, SIGSTOP);
	assert_int_equal(ops_submit(c, OPS_PING, b.len, fill, &b, true, TIMEOUT_MS, &ticket, &err), 0);
	put_id(2);
	kill(f.pid, SIGCONT);
	assert_int_equal(ops_collect(c, &ticket, TIMEOUT_MS, &got, &len, &err), 0);
	assert_int_equal(len, sizeof canary);
	assert_memory_equal(got, canary, sizeof canary);
	ops_done(c);
	assert_int_equal(ask_lt(c), 0);
	client_close(c);
}

static void test_client_copied(void **state)
{
	struct ops_client *c;
	uint64_t before;

	assert_int_equal(life_watch(id_file, &err), 1);
	c = sealed_client();
	before = handshake_of(c);
	put_id(2); /* both ends' */
	assert_int_equal(ask_lt(c), 0);
	assert_true(handshake_of(c) != before);
	before = handshake_of(c);
	life_end(); /* this end's alone */
	assert_int_equal(ask_lt(c), 0);
	assert_true(handshake_of(c) != before);
	client_close(c);
	assert_int_equal(life_watch("none", &err), 0);
}

/* What is asked, and how many copies are made while it is put together: after the look at the
 * channel, and before anything is sealed. */
struct late {
	struct bytes b;
	int copies;
};

static void fill_late(void *arg, uint8_t *at, uint64_t len)
{
	struct late *l = arg;

	if (l->copies-- > 0)
		life_end();
	fill(&l->b, at, len);
}

/* It is asked again, whatever part of it could not be sealed any more. Lengths of one record, of
 * one that is sealed from where it lies, of several frames. */
static void test_copied_while_asking(void **state)
{
	static const uint64_t lens[] = {1, 4000, 20000, 100000, 300000};
	static char text[300000];
	struct ops_client *c = sealed_client();
	struct ops_ticket ticket;
	const uint8_t *got;
	uint64_t len, before;
	size_t i;
	int way;

	memset(text, 'x', sizeof text);
	for (i = 0; i < sizeof lens / sizeof *lens; i++)
		for (way = 0; way < 2; way++) {
			struct late l = {{text, lens[i]}, 1};

			before = handshake_of(c);
			if (way == 0) {
				assert_int_equal(ops_call(c, OPS_PING, l.b.len, fill_late, &l, TIMEOUT_MS, &got, &len,
							 &err), 0);
			} else {
				assert_int_equal(ops_submit(c, OPS_PING, l.b.len, fill_late, &l, false, TIMEOUT_MS,
							 &ticket, &err), 0);
				assert_int_equal(ops_collect(c, &ticket, TIMEOUT_MS, &got, &len, &err), 0);
			}
			assert_int_equal(len, lens[i]);
			assert_memory_equal(got, text, len);
			ops_done(c);
			assert_true(handshake_of(c) != before);
		}
	client_close(c);
}

static int setup(void **state)
{
	struct trust_files files;

	strcpy(ca, "/tmp/copies-ca.XXXXXX");
	assert_non_null(mkdtemp(ca));
	snprintf(id_file, sizeof id_file, "%s/id", ca);
	if (ca_init(ca, 2, &err) || ca_issue(ca, "zone", "server:ops", 2, &err) ||
		ca_issue(ca, "node", "db,client", 2, &err))
		fail_msg("%s", err.s);
	files = files_of("node");
	return trust_load(&node, &files, &err);
}

static int teardown(void **state)
{
	char command[128];

	trust_drop(node);
	snprintf(command, sizeof command, "rm -rf %s", ca);
	return system(command);
}

#define COPIED(t) cmocka_unit_test_setup_teardown(t, begin_copied, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		COPIED(test_server_copied),
		COPIED(test_status_meanwhile),
		COPIED(test_request_on_its_way),
		COPIED(test_client_copied),
		COPIED(test_copied_while_asking),
	};

	if (server_find())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
