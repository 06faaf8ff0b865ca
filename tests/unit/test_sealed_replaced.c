/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_sealed_replaced.c - scope: sealed channels of a running ops_server: a client's own files, which are
 * replaced while it asks. Needs the program that was built beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../sealedrig.h"

#include "watch.h"

static struct {
	int refused, taken;
	char why[TRUST_SENTENCE];
} heard;

static void hear(const char *sentence)
{
	if (strstr(sentence, "as they were"))
		heard.refused++;
	else
		heard.taken++;
	snprintf(heard.why, sizeof heard.why, "%s", sentence);
}

/* One after the other: for a moment they do not go together. */
static void put(const char *from, const char *name, const char *cas)
{
	char command[800];

	snprintf(command, sizeof command,
		"cd %s && umask 077 && cat %s/%s.pem >my.pem && cat %s/%s.key >my.key", ca, from, name, from,
		name);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof command, "cd %s && cat %s >myca.new && mv myca.new myca.pem", ca, cas);
	assert_int_equal(system(command), 0);
}

static struct ops_client *client_of(const struct trust_files *files)
{
	struct trust *t;

	if (watch_load(&t, files, NULL, NULL, NULL, &err))
		fail_msg("%s", err.s);
	memset(&heard, 0, sizeof heard);
	t->say = hear;
	return client_with(ROLE_DB, t);
}

static struct ops_client *client_with_files(void)
{
	const struct trust_files files = {
		.cert = in_ca("my.pem"), .key = in_ca("my.key"), .ca = in_ca("myca.pem")};

	return client_of(&files);
}

static void test_certificate_replaced(void **state)
{
	struct ops_client *c;
	uint32_t gen;

	put(ca, "dba", "ca.pem");
	c = client_with_files();
	assert_int_equal(ask_lt(c), 0);
	gen = c->chan.gen;
	/* half of it: the old one stays, and that is said once, however often one looks */
	assert_int_equal(truncate(in_ca("my.pem"), 300), 0);
	assert_int_equal(ask_for_ms(c, 3500), 0);
	assert_int_equal(heard.refused, 1);
	assert_non_null(strstr(heard.why, "my.pem"));
	assert_int_equal(heard.taken, 0);
	put(ca, "node", "ca.pem");
	assert_int_equal(ask_for_ms(c, 2500), 0);
	assert_int_equal(heard.taken, 1);
	assert_int_equal(c->chan.gen, gen); /* the channel is as good as before */
	assert_int_equal(c->retries, 0);
	ops_release(c);
	c->role = ROLE_CLIENT; /* which node may be, and dba may not */
	assert_int_equal(ask_lt(c), 0);
	client_and_trust_close(c);
}

/* Who shows it at once, without a look at the clock: what is there when a handshake begins. */
static void test_certificate_of_now(void **state)
{
	struct ops_client *c;

	put(ca, "dba", "ca.pem");
	c = client_with_files();
	put(ca, "node", "ca.pem");
	c->role = ROLE_CLIENT;
	assert_int_equal(ask_lt(c), 0);
	client_and_trust_close(c);
}

static void test_ca_replaced(void **state)
{
	struct ops_client *c;
	char other[80], both[160];
	uint32_t gen;

	snprintf(other, sizeof other, "%s.other", ca);
	snprintf(both, sizeof both, "ca.pem %s/ca.pem", other);
	assert_int_equal(ca_init(other, 2, &err), 0);
	assert_int_equal(ca_issue(other, "node", "db", 2, &err), 0);
	put(ca, "node", "ca.pem");
	c = client_with_files();
	assert_int_equal(ask_lt(c), 0);
	gen = c->chan.gen;
	put(ca, "node", both);
	assert_int_equal(ask_for_ms(c, 2500), 0);
	assert_int_equal(c->trust->news, 1);
	assert_int_equal(c->chan.gen, gen);
	/* The server's CA is none any more. It is not told, and would serve on. */
	snprintf(both, sizeof both, "%s/ca.pem", other);
	put(other, "node", both);
	assert_int_equal(ask_for_ms(c, TIMEOUT_MS), -EACCES);
	assert_int_equal(ask_lt(c), -EACCES);
	put(ca, "node", "ca.pem");
	assert_int_equal(ask_lt(c), 0);
	client_and_trust_close(c);
	assert_int_equal(remove_dir(other), 0);
}

#define ONE "one db 4d5c3f0e9a7b61528394a5b6c7d8e9f00112233445566778899aabbccddeeff0\n"
#define TWO "two db,client 00112233445566778899aabbccddeeff4d5c3f0e9a7b61528394a5b6c7d8e9f0\n"

static void write_keys(const char *name, const char *text)
{
	char next[200];

	snprintf(next, sizeof next, "%s.new", in_ca(name));
	write_file(next, text, strlen(text));
	assert_int_equal(rename(next, in_ca(name)), 0);
}

static int begin_keys(void **state)
{
	const char *const more[] = {"--credential", f.credential, "--secure", "required", "--psk",
		in_ca("all.psk"), NULL};

	write_keys("all.psk", ONE TWO);
	return begin_with(CHANNELS, more);
}

/* A pre-shared key is both ends' certificate: without it the server is a stranger. */
static void test_key_replaced(void **state)
{
	const struct trust_files files = {.psk = in_ca("my.psk")};
	struct ops_client *c;
	uint32_t gen, index;

	write_keys("my.psk", ONE);
	c = client_of(&files);
	assert_int_equal(ask_lt(c), 0);
	gen = c->chan.gen;
	index = c->chan.index;
	write_keys("my.psk", "one db");
	assert_int_equal(ask_for_ms(c, 2500), 0);
	assert_int_equal(heard.refused, 1);
	write_keys("my.psk", "# as before\n" ONE);
	assert_int_equal(ask_for_ms(c, 2500), 0);
	assert_int_equal(heard.taken, 1);
	assert_int_equal(c->chan.gen, gen);
	write_keys("my.psk", TWO);
	assert_int_equal(ask_for_ms(c, 2500), 0);
	assert_int_equal(c->trust->news, 2);
	assert_true(c->chan.gen != gen || c->chan.index != index);
	ops_release(c);
	c->role = ROLE_CLIENT;
	assert_int_equal(ask_lt(c), 0);
	client_and_trust_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEALED(test_certificate_replaced),
		SEALED(test_certificate_of_now),
		SEALED(test_ca_replaced),
		cmocka_unit_test_setup_teardown(test_key_replaced, begin_keys, end),
	};

	if (server_find())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
