/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_sealed_server.c - scope: sealed channels of a running ops_server: who is let in, what
 * a neighbour can read (nothing) and do (end a channel), a server's death and its successor,
 * revocation, certificates that end, of both ends, a client's files that are replaced while it
 * asks, many handshakes at once. Needs the program that was built beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../carig.h"
#include "../serverrig.h"

#include "ca.h"
#include "secure.h"
#include "watch.h"

static struct trust *node; /* db and client */
static const char canary[] = "what nobody else may read";

static int remove_dir(const char *dir)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

static struct trust *load(const char *name)
{
	struct trust_files files = files_of(name);
	struct trust *t;

	if (trust_load(&t, &files, &err))
		fail_msg("%s", err.s);
	return t;
}

static const char *mode = "sealed";

static int begin_as(const char *name)
{
	const struct trust_files own = files_of(name);
	const char *const more[] = {"--credential", f.credential, "--secure", mode, "--cert",
		own.cert, "--key", own.key, "--ca", in_ca("ca.pem"), "--crl",
		in_ca("crl.pem"), NULL};

	return begin_with(CHANNELS, more);
}

static int begin_sealed(void **state)
{
	return begin_as("zone");
}

static int begin_required(void **state)
{
	int rc;

	mode = "required";
	rc = begin_sealed(state);
	mode = "sealed";
	return rc;
}

static struct ops_client *client_with(enum role role, struct trust *t)
{
	struct ops_client *c = client_open(role, NULL);

	c->trust = t;
	return c;
}

/* Is that anywhere in the region? */
static bool readable(const void *what, size_t len)
{
	return memmem(f.r.base, f.r.size, what, len) != NULL;
}

static void test_answers(void **state)
{
	struct ops_client *c = client_with(ROLE_CLIENT, node);
	static uint8_t big[200000];

	assert_int_equal(ask(c, OPS_PING, canary, sizeof canary), 0);
	assert_memory_equal(reply.bytes, canary, sizeof canary);
	assert_true(chan_sealed(&c->chan));
	assert_int_equal(ask_lt(c), 0);
	randombytes_buf(big, sizeof big);
	assert_int_equal(ask(c, OPS_PING, big, sizeof big), 0); /* in parts */
	assert_memory_equal(reply.bytes, big, sizeof big);
	client_close(c);
}

/* With a plain one as the control: that one can be read. */
static void test_not_readable(void **state)
{
	struct ops_client *c = client_with(ROLE_DB, node), *plain = client_open(ROLE_DB, NULL);
	int i;

	for (i = 0; i < 100; i++)
		assert_int_equal(ask(c, OPS_PING, canary, sizeof canary), 0);
	assert_false(readable(canary, sizeof canary - 1));
	assert_int_equal(ask(plain, OPS_PING, canary, sizeof canary), 0);
	assert_true(readable(canary, sizeof canary - 1));
	client_close(plain);
	client_close(c);
}

static void test_roles(void **state)
{
	struct trust *db = load("dba"), *admin = load("admin");
	struct ops_client *c = client_with(ROLE_DB, db);

	assert_int_equal(ask_lt(c), 0);
	client_close(c);
	c = client_with(ROLE_CLIENT, db);
	assert_int_equal(ask_lt(c), -EACCES);
	client_close(c);
	c = client_with(ROLE_DB, admin);
	assert_int_equal(ask(c, OPS_STATUS, NULL, 0), 0);
	assert_int_equal(ask_lt(c), -EACCES);
	client_close(c);
	trust_drop(db);
	trust_drop(admin);
}

/* The credential is nothing on a sealed channel. */
static void test_credential_does_not_count(void **state)
{
	struct trust *db = load("dba");
	struct ops_client *c = client_with(ROLE_DB, db);
	uint8_t proof[1 + OPS_MAC] = {ROLE_CLIENT};

	assert_int_equal(ask(c, OPS_HELLO, NULL, 0), 0);
	ops_prove(proof + 1, reply.bytes, f.secret);
	assert_int_equal(ask(c, OPS_PROVE, proof, sizeof proof), -EACCES);
	assert_int_equal(ask(c, OPS_PROVE, proof, 1), -EACCES);
	client_close(c);
	trust_drop(db);
}

static void test_required_refuses_plain(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);

	assert_int_equal(ask(c, OPS_PING, canary, sizeof canary), -EACCES);
	assert_non_null(strstr(err.s, "sealed channels only"));
	client_close(c);
	c = client_open(ROLE_CLIENT, f.secret);
	assert_int_equal(ask_lt(c), -EACCES);
	client_close(c);
	c = client_with(ROLE_CLIENT, node);
	assert_int_equal(ask_lt(c), 0);
	client_close(c);
}

/* A server without sealed channels is no server for who wants them. */
static void test_no_downgrade(void **state)
{
	struct ops_client *c = client_with(ROLE_DB, node);

	assert_int_equal(ask(c, OPS_PING, canary, sizeof canary), -ECONNREFUSED);
	assert_false(readable(canary, sizeof canary - 1));
	client_close(c);
}

/* In the middle of a handshake: another generation, and a server that comes soon. */
static int promise_successor(void *arg)
{
	const struct service_geometry *g = region_service(&f.r, "ops");
	struct chan_shm *shm;
	uint32_t i;

	usleep(100000);
	shm_store32(&g->shm->serving, 0);
	for (i = 0; i < g->nchannels; i++) {
		shm = chan_control(g, i);
		shm_add32(&shm->gen, 1);
	}
	return 0;
}

/* Who gave up while it waited for a successor has no sealed channel. */
static void test_nothing_plain_after_giving_up(void **state)
{
	struct ops_client *c = client_with(ROLE_DB, node);
	struct bytes b = {"first", 5}, secret = {canary, sizeof canary};
	const uint8_t *got;
	uint64_t len;
	pid_t pid;

	kill(f.pid, SIGSTOP);
	pid = rig_spawn(promise_successor, NULL, LIMIT_S);
	assert_int_equal(ops_call(c, OPS_PING, b.len, fill, &b, 500, &got, &len, &err), -ETIMEDOUT);
	assert_int_equal(rig_join(pid), 0);
	assert_int_not_equal(
		ops_call(c, OPS_PING, secret.len, fill, &secret, 100, &got, &len, &err), 0);
	assert_false(readable(canary, sizeof canary - 1));
	kill(f.pid, SIGCONT);
	client_close(c);
}

/* Sealing comes first, or not at all. */
static void test_handshake_after_request(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct handshake *h = NULL;
	int rc;

	assert_int_equal(ask(c, OPS_PING, canary, sizeof canary), 0);
	ops_done(c);
	while ((rc = secure_connect(&h, &c->chan, node, NULL, &err)) == -EAGAIN) {
		rc = chan_await(&c->chan, 1000);
		assert_true(rc == 0 || rc == -EAGAIN);
	}
	assert_int_equal(rc, -ECONNREFUSED);
	client_close(c);
}

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

/* Until the server has closed it; it asks nothing meanwhile. */
static bool closes(const struct ops_client *c)
{
	uint64_t t0 = clock_ms();

	while (chan_state(&c->chan) == 0 && clock_ms() - t0 < TIMEOUT_MS)
		usleep(10000);
	return chan_state(&c->chan) != 0;
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

static void client_and_trust_close(struct ops_client *c)
{
	struct trust *t = c->trust;

	client_close(c);
	trust_drop(t);
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

/* Ask now and then for so long; what came of it, until it fails. */
static int ask_for_ms(struct ops_client *c, uint64_t ms)
{
	uint64_t t0 = clock_ms();
	int rc = 0;

	while (rc == 0 && clock_ms() - t0 < ms) {
		rc = ask_lt(c);
		usleep(20000);
	}
	return rc;
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

/* ---- a client's own files, replaced ---- */

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

/* ---- strangers ---- */

enum { STRANGERS = 12, ROUNDS = 10 };

/* What a client says first, kept: who sends it again does not think, the server does. */
static size_t first_words(uint8_t *to, size_t size)
{
	static const struct seal_place here = {"ops", 0, 1};
	struct handshake *h = handshake_create(node, &here, false);
	const uint8_t *p;
	size_t len;

	assert_non_null(h);
	assert_int_equal(handshake_run(h), -EAGAIN);
	len = handshake_out(h, &p);
	assert_in_range(len, 1, size);
	memcpy(to, p, len);
	handshake_destroy(h);
	return len;
}

/* Handshakes take milliseconds each; who is in is answered before they are through. */
static void test_strangers_wait_alone(void **state)
{
	struct ops_client *c = client_with(ROLE_DB, node);
	static struct chan stranger[STRANGERS];
	uint8_t words[4096], *at;
	size_t len = first_words(words, sizeof words);
	int round, i, answered, soon = 0;

	assert_int_equal(ask_lt(c), 0);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < STRANGERS; i++)
			assert_int_equal(chan_attach(&stranger[i], &f.r, "ops",
				&(struct chan_config){.label = "stranger"}, &err), 0);
		for (i = 0; i < STRANGERS; i++) {
			assert_int_equal(ring_claim(&stranger[i].tx, (uint32_t)len, &at), 0);
			memcpy(at, words, len);
			ring_commit(&stranger[i].tx, (uint32_t)len, SEAL_HELLO, 0, 0);
		}
		for (i = 0; i < STRANGERS; i++)
			chan_publish(&stranger[i]);
		usleep(1000); /* they have begun */
		assert_int_equal(ask_lt(c), 0);
		for (i = 0, answered = 0; i < STRANGERS; i++)
			answered += ring_waiting(&stranger[i].rx);
		soon += answered <= 1;
		for (i = 0; i < STRANGERS; i++) /* in turn they are answered, all of them */
			while (!ring_waiting(&stranger[i].rx))
				assert_true(chan_await(&stranger[i], 1000) != -EPROTO);
		for (i = 0; i < STRANGERS; i++)
			chan_detach(&stranger[i]);
	}
	print_message("in %d of %d rounds with at most one of %d strangers done\n", soon, ROUNDS, STRANGERS);
	assert_true(soon > ROUNDS / 2);
	client_close(c);
}

static void test_server_dies(void **state)
{
	struct ops_client *c = client_with(ROLE_CLIENT, node);
	const char *const more[] = {"--secure", "required", "--cert", in_ca("zone.pem"), "--key",
		in_ca("zone.key"), "--ca", in_ca("ca.pem"), NULL};
	int i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(ask_lt(c), 0);
		rig_kill(f.pid);
		server_start(more);
		assert_int_equal(ask_lt(c), 0);
		assert_true(chan_sealed(&c->chan));
	}
	client_close(c);
}

/* A client that is killed leaves nothing that the next one on its channel stumbles over. */
static int die_in_the_middle(void *arg)
{
	struct ops_client *c = client_with(ROLE_CLIENT, node);

	if (ask_lt(c))
		return 1;
	raise(SIGKILL);
	return 2;
}

static void test_clients_die(void **state)
{
	int i;

	for (i = 0; i < 20; i++)
		assert_int_equal(rig_join(rig_spawn(die_in_the_middle, NULL, LIMIT_S)),
			1000 + SIGKILL);
	test_answers(state);
}

/* ---- a neighbour who writes ---- */

/* One bit of what is about to be read, of requests or replies. */
static int flip(void *arg)
{
	uint32_t index = *(const uint32_t *)arg;
	const struct service_geometry *g = region_service(&f.r, "ops");
	struct chan_shm *shm = chan_control(g, index);
	uint64_t seed = index + 1, at;

	for (;;) {
		bool requests = rig_below(&seed, 2);
		uint8_t *ring = requests ? chan_req_ring(g, index) : chan_rsp_ring(g, index);

		at = shm_load64(requests ? &shm->req_head : &shm->rsp_head) + rig_below(&seed, 80);
		ring[at % RING] ^= (uint8_t)(1u << rig_below(&seed, 8));
		usleep((unsigned)rig_below(&seed, 50));
	}
	return 0;
}

/* Right, or an end, or (a frame that is none any more) no answer. */
static int ask_soon(struct ops_client *c)
{
	struct bytes b = {canary, sizeof canary};
	const uint8_t *got;
	uint64_t len;
	int rc = ops_call(c, OPS_PING, b.len, fill, &b, 200, &got, &len, &err);

	if (rc == 0) {
		assert_int_equal(len, sizeof canary);
		assert_memory_equal(got, canary, sizeof canary);
	}
	return rc;
}

/* The other client and the server do not notice. */
static void test_flipped_in_flight(void **state)
{
	struct ops_client *victim = client_with(ROLE_CLIENT, node);
	struct ops_client *other = client_with(ROLE_CLIENT, node);
	int broke = 0, silent = 0, i;

	for (i = 0; i < 12; i++) {
		uint32_t index;
		pid_t pid;
		int n, rc;

		assert_int_equal(ask_lt(victim), 0);
		index = victim->chan.index;
		pid = rig_spawn(flip, &index, LIMIT_S);
		for (n = 0, rc = 0; n < 100000 && rc == 0; n++)
			rc = ask_soon(victim);
		broke += rc == -EPROTO;
		silent += rc == -ETIMEDOUT;
		rig_kill(pid);
		assert_int_equal(ask_lt(other), 0);
		ops_release(victim);
	}
	print_message("%d channels ended, %d fell silent, of 12\n", broke, silent);
	assert_true(broke > 0);
	assert_int_equal(ask_lt(victim), 0);
	client_close(victim);
	client_close(other);
}

/* ---- */

static int setup(void **state)
{
	strcpy(ca, "/tmp/ops-ca.XXXXXX");
	assert_non_null(mkdtemp(ca));
	if (ca_init(ca, 2, &err) || ca_issue(ca, "zone", "server:ops", 2, &err) ||
		ca_issue(ca, "node", "db,client", 2, &err) || ca_issue(ca, "dba", "db", 2, &err) ||
		ca_issue(ca, "admin", "admin", 2, &err))
		fail_msg("%s", err.s);
	node = load("node");
	return 0;
}

static int teardown(void **state)
{
	trust_drop(node);
	return remove_dir(ca);
}

#define SEALED(t) cmocka_unit_test_setup_teardown(t, begin_sealed, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEALED(test_answers),
		SEALED(test_not_readable),
		SEALED(test_roles),
		SEALED(test_credential_does_not_count),
		cmocka_unit_test_setup_teardown(test_required_refuses_plain, begin_required, end),
		cmocka_unit_test_setup_teardown(test_no_downgrade, begin, end),
		SEALED(test_nothing_plain_after_giving_up),
		SEALED(test_handshake_after_request),
		SEALED(test_revoked_while_open),
		SEALED(test_ends_while_open),
		SEALED(test_other_ca),
		cmocka_unit_test_setup_teardown(test_server_revoked, begin_vault, end),
		cmocka_unit_test_setup_teardown(test_list_of_another, begin_vault, end),
		cmocka_unit_test_setup_teardown(test_server_expires, begin_brief_vault, end),
		cmocka_unit_test_setup_teardown(test_server_renewed, begin_vault, end),
		SEALED(test_certificate_replaced),
		SEALED(test_certificate_of_now),
		SEALED(test_ca_replaced),
		cmocka_unit_test_setup_teardown(test_key_replaced, begin_keys, end),
		SEALED(test_strangers_wait_alone),
		SEALED(test_server_dies),
		SEALED(test_clients_die),
		SEALED(test_flipped_in_flight),
	};

	if (server_find())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
