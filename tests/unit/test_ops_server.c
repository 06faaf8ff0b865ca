/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ops_server.c - scope: the ops_server program that was built beside this test, as
 * its clients meet it: answers, roles, long messages, many clients, what it costs. Clients
 * that are hostile or greedy: test_ops_hostile.c; reload, replacement and end:
 * test_ops_life.c. Options and hedbctl are in tests/e2e/ops_server.sh.
 *
 * Each test has a region, keys and a server of its own in a temporary directory. Nothing
 * here takes a time for an answer; the limits only keep a hang from lasting.
 */
#include "servedrig.h"

static int begin_without_credential(void **state)
{
	return begin_with(4, NULL);
}

static const char *status_line(struct ops_client *c, const char *name)
{
	static char text[65536];
	char *at;

	assert_int_equal(ask(c, OPS_STATUS, NULL, 0), 0);
	assert_true(reply.len < sizeof text);
	memcpy(text, reply.bytes, reply.len);
	text[reply.len] = 0;
	at = strstr(text, name);
	return at ? at + strlen(name) : NULL;
}

static long proc_kib(const char *field)
{
	char path[64], line[256];
	long n = -1;
	FILE *p;

	snprintf(path, sizeof path, "/proc/%d/status", (int)f.pid);
	p = fopen(path, "r");
	assert_non_null(p);
	while (n < 0 && fgets(line, sizeof line, p))
		if (strncmp(line, field, strlen(field)) == 0)
			n = atol(line + strlen(field) + 1);
	fclose(p);
	return n;
}

/* ---- tests ---- */

static void test_answers(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	char hello[] = "hello";

	assert_int_equal(ask_lt(c), 0);
	assert_int_equal(ask(c, OPS_PING, hello, sizeof hello), 0);
	assert_int_equal(reply.len, sizeof hello);
	assert_memory_equal(reply.bytes, hello, sizeof hello);
	assert_int_equal(ask(c, OPS_PING, NULL, 0), 0);
	assert_int_equal(reply.len, 0);
	/* Refusals leave the session as it was. */
	assert_int_equal(ask(c, 77, NULL, 0), -EINVAL);
	assert_int_equal(ask(c, OPS_EVAL, hello, 3), -EPROTO);
	assert_int_equal(ask_lt(c), 0);
	assert_true(strtoull(status_line(c, "requests "), NULL, 10) >= 6);
	assert_int_equal(strtoull(status_line(c, "requests_failed "), NULL, 10), 2);
	assert_int_equal(strtoull(status_line(c, "channels_open "), NULL, 10), 1);
	assert_non_null(status_line(c, "label test"));
	client_close(c);
}

/* Eight bytes, no program: this one request used to kill the server. */
static void test_empty_program(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	uint8_t bytes[PROGRAM_HEADER] = {0, 0, 0, 0, 1};

	assert_int_equal(ask(c, OPS_EVAL, bytes, sizeof bytes), -EPROTO);
	assert_int_equal(ask_lt(c), 0);
	client_close(c);
}

static void test_roles(void **state)
{
	struct ops_client *db = client_open(ROLE_DB, NULL);
	struct ops_client *client = client_open(ROLE_CLIENT, f.secret);
	struct ops_client *liar = client_open(ROLE_CLIENT, NULL);
	struct ops_client *admin = client_open(ROLE_ADMIN, f.secret);
	uint8_t proof[1 + OPS_MAC] = {ROLE_CLIENT}, old[OPS_CHALLENGE];

	assert_int_equal(ask_decrypt(db), -EACCES);
	assert_non_null(strstr(err.s, "client credential"));
	assert_int_equal(ask_decrypt(client), 0);
	assert_int_equal(ask_lt(liar), -EACCES);
	assert_non_null(strstr(err.s, "the credential is not the server's"));
	assert_int_equal(ask_lt(admin), -EACCES);
	/* A proof without a challenge, and a challenge that served already. */
	assert_int_equal(ask(db, OPS_PROVE, proof, sizeof proof), -EACCES);
	assert_int_equal(ask(db, OPS_HELLO, NULL, 0), 0);
	assert_int_equal(reply.len, OPS_CHALLENGE);
	memcpy(old, reply.bytes, sizeof old);
	ops_prove(proof + 1, old, f.secret);
	assert_int_equal(ask(db, OPS_PROVE, proof, sizeof proof - 1), -EACCES);
	assert_int_equal(ask(db, OPS_PROVE, proof, sizeof proof), -EACCES);
	assert_int_equal(ask_decrypt(db), -EACCES);
	/* And one that is right. */
	assert_int_equal(ask(db, OPS_HELLO, NULL, 0), 0);
	assert_memory_not_equal(reply.bytes, old, sizeof old);
	ops_prove(proof + 1, reply.bytes, f.secret);
	assert_int_equal(ask(db, OPS_PROVE, proof, sizeof proof), 0);
	assert_int_equal(ask_decrypt(db), 0);
	client_close(db);
	client_close(client);
	client_close(liar);
	client_close(admin);
}

static void test_no_credential(void **state)
{
	struct ops_client *c = client_open(ROLE_CLIENT, f.secret);
	struct ops_client *db = client_open(ROLE_DB, NULL);

	assert_int_equal(ask_lt(c), -EACCES);
	assert_non_null(strstr(err.s, "started without --credential"));
	assert_int_equal(ask_lt(db), 0);
	client_close(c);
	client_close(db);
}

/* A text of tens of megabytes, there and back through rings of 32 KiB. */
static void test_long_messages(void **state)
{
	enum { LEN = 24 << 20 };
	struct ops_client *c = client_open(ROLE_DB, NULL);
	uint8_t *text = malloc(LEN), *req = malloc(LEN + 4096);
	struct cell cell = {.p = text, .len = LEN};
	struct rig_arg arg = {&cell, T_TEXT, 0};
	uint16_t code[] = {PUSH, OP_enc_text_upper};
	size_t len, i;

	assert_true(text && req);
	for (i = 0; i < LEN; i++)
		text[i] = (uint8_t)('a' + i % 23);
	len = rig_request(req, LEN + 4096, f.s, &arg, 1, code, 2, 1);
	assert_int_equal(ask(c, OPS_EVAL, req, len), 0);
	assert_true(rig_reply_read(&reply, f.o));
	assert_int_equal(reply.cell[0].len, LEN);
	for (i = 0; i < LEN; i++)
		if (reply.cell[0].p[i] != text[i] - 32)
			fail_msg("byte %zu is wrong", i);
	assert_int_equal(ask_lt(c), 0);
	free(text);
	free(req);
	client_close(c);
}

static int many_calls(void *arg)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	int i;

	/* The sealer notices the fork and draws an incarnation of its own. */
	for (i = 0; i < 50; i++)
		if (ask_lt(c))
			return 1;
	client_close(c);
	return 0;
}

static void test_128_clients_at_once(void **state)
{
	pid_t child[CHANNELS];
	int i;

	for (i = 0; i < CHANNELS; i++)
		child[i] = rig_spawn(many_calls, NULL, LIMIT_S);
	for (i = 0; i < CHANNELS; i++)
		assert_int_equal(rig_join(child[i]), 0);
}

/* 128 open channels, all of which have spoken: what that costs, awake and asleep. */
static void test_footprint(void **state)
{
	struct ops_client *c[CHANNELS];
	uint64_t busy;
	char path[64], text[4096] = "";
	int i, fd;

#ifdef __SANITIZE_THREAD__
	print_message("the sanitizer's shadow is in every figure\n");
	skip();
#endif
	for (i = 0; i < CHANNELS; i++) {
		c[i] = client_open(ROLE_DB, NULL);
		assert_int_equal(ask_lt(c[i]), 0);
	}
	assert_int_equal(strtoull(status_line(c[0], "channels_open "), NULL, 10), CHANNELS);
	assert_in_range(proc_kib("VmRSS:"), 1, 64 << 10);
	/* Idle for three seconds: less than 5 % of a core. */
	usleep(200000);
	busy = cpu_ms();
	sleep(3);
	assert_in_range(cpu_ms() - busy, 0, 150);
	/* Nothing of it goes into a core, and nobody looks in. */
	assert_int_equal(proc_kib("NoNewPrivs:"), 1);
	snprintf(path, sizeof path, "/proc/%d/limits", (int)f.pid);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
	close(fd);
	assert_non_null(strstr(text, "Max core file size        0                    0 "));
	if (geteuid() != 0) { /* root may look at anybody */
		snprintf(path, sizeof path, "/proc/%d/mem", (int)f.pid);
		assert_true(open(path, O_RDONLY) < 0);
	}
	for (i = 0; i < CHANNELS; i++)
		client_close(c[i]);
}

static void test_memory_is_locked(void **state)
{
	if (proc_kib("VmLck:") == 0) {
		print_message("RLIMIT_MEMLOCK is too low to lock memory\n");
		skip();
	}
	assert_true(proc_kib("VmLck:") >= proc_kib("RssAnon:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_answers),
		SERVED(test_empty_program),
		SERVED(test_roles),
		cmocka_unit_test_setup_teardown(test_no_credential, begin_without_credential, end),
		SERVED(test_long_messages),
		SERVED(test_128_clients_at_once),
		SERVED(test_footprint),
		SERVED(test_memory_is_locked),
	};

	if (server_find())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
