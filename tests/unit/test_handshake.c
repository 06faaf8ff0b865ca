/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_handshake.c - scope: handshake.h, trust.h, peer.h, and the CA (client/ca.h) whose
 * certificates they take: who is let in, who is not and what is said then, and that both
 * ends have the same secrets only when they mean the same channel.
 */
#include "ca.h"
#include "handshake.h"
#include "../rig.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sodium.h>
#include <time.h>

static char dir[64], other[64]; /* two CAs */
static struct err_text err;
static const struct seal_place ops = {"ops", 3, 9}, kv = {"kv", 3, 9};

static const char *path(const char *in, const char *name)
{
	static char text[32][256];
	static int i;

	i = (i + 1) % 32;
	snprintf(text[i], sizeof text[i], "%s/%s", in, name);
	return text[i];
}

static void issue(const char *in, const char *name, const char *roles, unsigned days)
{
	if (ca_issue(in, name, roles, days, &err))
		fail_msg("%s", err.s);
}

static struct trust_files files_of(const char *in, const char *name)
{
	char pem[80], key[80];

	snprintf(pem, sizeof pem, "%s.pem", name);
	snprintf(key, sizeof key, "%s.key", name);
	return (struct trust_files){
		.cert = path(in, pem), .key = path(in, key), .ca = path(in, "ca.pem")};
}

static struct trust *load(const struct trust_files *f)
{
	struct trust *t;

	if (trust_load(&t, f, &err))
		fail_msg("%s", err.s);
	return t;
}

static struct trust *load_name(const char *in, const char *name)
{
	struct trust_files f = files_of(in, name);

	return load(&f);
}

/* What one end has to say goes to the other. */
static void carry(struct handshake *from, struct handshake *to)
{
	const uint8_t *p;
	size_t len = handshake_out(from, &p);

	if (len && handshake_feed(to, p, len) == 0)
		handshake_sent(from, len);
	else
		handshake_sent(from, len);
}

struct pair {
	struct handshake *client, *server;
	int c, s; /* how it ended */
};

static void meet(struct pair *p, struct trust *client, const struct seal_place *cp,
	struct trust *server, const struct seal_place *sp)
{
	int turns;

	p->client = handshake_create(client, cp, false);
	p->server = handshake_create(server, sp, true);
	assert_non_null(p->client);
	assert_non_null(p->server);
	for (turns = 0; turns < 6; turns++) {
		p->c = handshake_run(p->client);
		carry(p->client, p->server);
		p->s = handshake_run(p->server);
		carry(p->server, p->client);
	}
	trust_drop(client);
	trust_drop(server);
}

static void part(struct pair *p)
{
	handshake_destroy(p->client);
	handshake_destroy(p->server);
}

static void same_secrets(const struct pair *p, bool same)
{
	uint8_t a[2][SEAL_SECRET], b[2][SEAL_SECRET];

	handshake_secrets(p->client, a[0], a[1]);
	handshake_secrets(p->server, b[0], b[1]);
	assert_int_equal(sodium_memcmp(a, b, sizeof a) == 0, same);
	assert_int_not_equal(sodium_memcmp(a[0], a[1], SEAL_SECRET), 0);
	assert_false(sodium_is_zero(a[0], SEAL_SECRET));
}

static char *read_text(const char *name)
{
	FILE *in = fopen(name, "r");
	char *text = calloc(1, 1 << 16);

	assert_non_null(in);
	assert_true(fread(text, 1, (1 << 16) - 1, in) > 0);
	fclose(in);
	return text;
}

static void no_load(struct trust_files f, int rc, const char *says)
{
	struct trust *t;

	err.s[0] = 0;
	assert_int_equal(trust_load(&t, &f, &err), rc);
	assert_null(t);
	if (!strstr(err.s, says))
		fail_msg("it says: %s", err.s);
}

/* ---- who is let in, and may stay ---- */

/* The client that the server let in, as things are in `t`, which is dropped. */
static void stays(struct trust *t, const struct pair *p)
{
	if (trust_objects(t, handshake_peer(p->server), time(NULL), &err))
		fail_msg("%s", err.s);
	trust_drop(t);
}

static void goes(struct trust *t, const struct pair *p, const char *why)
{
	assert_true(trust_objects(t, handshake_peer(p->server), time(NULL), &err));
	if (!strstr(err.s, why))
		fail_msg("it says: %s", err.s);
	trust_drop(t);
}

static void test_certificates(void **state)
{
	struct pair p;
	clock_t t0 = clock();

	meet(&p, load_name(dir, "node"), &ops, load_name(dir, "zone"), &ops);
	print_message("both ends together: %.1f ms of processor time\n",
		(double)(clock() - t0) * 1e3 / CLOCKS_PER_SEC);
	assert_int_equal(p.c, 0);
	assert_int_equal(p.s, 0);
	assert_string_equal(handshake_peer(p.client)->name, "zone");
	assert_string_equal(handshake_peer(p.server)->name, "node");
	assert_int_equal(handshake_peer(p.server)->roles, PEER_DB | PEER_CLIENT);
	assert_true(peer_is_user(handshake_peer(p.server), "alice", 5));
	assert_false(peer_is_user(handshake_peer(p.server), "alic", 4));
	same_secrets(&p, true);
	part(&p);
}

/* The two ends of a spliced handshake agree on nothing that they use. */
static void test_another_channel(void **state)
{
	struct seal_place there = ops;
	struct pair p;

	there.channel++;
	meet(&p, load_name(dir, "node"), &ops, load_name(dir, "zone"), &there);
	assert_int_equal(p.c, 0);
	same_secrets(&p, false);
	part(&p);
}

static void refused(struct trust *client, struct trust *server, const struct seal_place *where,
	const char *client_says, const char *server_says)
{
	struct pair p;

	meet(&p, client, where, server, where);
	if (p.c != -EACCES || p.s == 0)
		fail_msg("client %d, server %d", p.c, p.s);
	if (!strstr(handshake_why(p.client), client_says))
		fail_msg("the client says: %s", handshake_why(p.client));
	if (!strstr(handshake_why(p.server), server_says))
		fail_msg("the server says: %s", handshake_why(p.server));
	part(&p);
}

static void test_wrong_role(void **state)
{
	refused(load_name(dir, "redis"), load_name(dir, "zone"), &ops, "refused",
		"no role that goes with a client of \"ops\"");
	refused(load_name(dir, "dba"), load_name(dir, "keyspace"), &kv, "refused",
		"no role that goes with a client of \"kv\"");
}

/* A client that plays the server; the server of another service. */
static void test_impostor(void **state)
{
	refused(load_name(dir, "node"), load_name(dir, "dba"), &ops,
		"no role that goes with the server of \"ops\"", "refused");
	refused(load_name(dir, "node"), load_name(dir, "keyspace"), &ops,
		"no role that goes with the server of \"ops\"", "refused");
}

static void test_self_made(void **state)
{
	/* one that believes the right CA, and shows a certificate of the wrong one */
	struct trust_files f = files_of(other, "node");
	struct trust *t = load(&f), *right = load_name(dir, "node");
	struct trust_blob ca = t->ca;

	refused(load_name(other, "node"), load_name(dir, "zone"), &ops, "not correctly signed",
		"");
	t->ca = right->ca;
	right->ca = ca;
	trust_drop(right);
	refused(t, load_name(dir, "zone"), &ops, "refused", "not correctly signed");
}

/* Its CA's own end counts as well: that one lives for ten days, the certificate for 20. */
static void test_ends(void **state)
{
	struct trust *zone = load_name(dir, "zone");
	const struct peer *client;
	int64_t now_s = time(NULL);
	struct pair p;

	issue(dir, "long", "db", 20);
	meet(&p, load_name(dir, "node"), &ops, trust_hold(zone), &ops);
	client = handshake_peer(p.server);
	assert_in_range(client->ends_s - now_s, 9 * 86400, 10 * 86400 + 60);
	assert_false(trust_objects(zone, client, client->ends_s, &err));
	assert_true(trust_objects(zone, client, client->ends_s + 1, &err));
	assert_non_null(strstr(err.s, "certificate of \"node\" has expired"));
	part(&p);
	meet(&p, load_name(dir, "long"), &ops, trust_hold(zone), &ops);
	assert_in_range(handshake_peer(p.server)->ends_s - now_s, 9 * 86400, 10 * 86400 + 60);
	part(&p);
	trust_drop(zone);
}

/* Of a CA that the server believed then, and does not now; or of none of them. */
static void test_other_ca(void **state)
{
	struct trust_files f = files_of(other, "zone");
	struct pair p;
	char *mine = read_text(path(dir, "ca.pem")), *others = read_text(path(other, "ca.pem"));
	FILE *out = fopen(path(dir, "both.pem"), "w");

	assert_non_null(out);
	fprintf(out, "%s%s", others, mine);
	fclose(out);
	free(mine);
	free(others);
	f.ca = path(dir, "both.pem");
	meet(&p, load_name(dir, "node"), &ops, load_name(dir, "zone"), &ops);
	assert_int_equal(p.s, 0);
	stays(load_name(dir, "zone"), &p);
	stays(load(&f), &p);
	goes(load_name(other, "zone"), &p, "is of a CA that is not believed any more");
	goes(NULL, &p, "no sealed channels any more");
	part(&p);
}

static void test_too_many_cas(void **state)
{
	struct trust_files f = files_of(dir, "node");
	char *one = read_text(path(dir, "ca.pem"));
	FILE *out = fopen(path(dir, "many.pem"), "w");
	int i;

	assert_non_null(out);
	for (i = 0; i <= TRUST_ROOTS; i++)
		fputs(one, out);
	fclose(out);
	free(one);
	f.ca = path(dir, "many.pem");
	no_load(f, -EINVAL, "more than 8 CAs");
}

static void test_revoked(void **state)
{
	struct trust_files f = files_of(dir, "zone");
	struct trust *t;
	struct pair p;

	issue(dir, "lost", "db", 10);
	f.crl = path(dir, "crl.pem");
	t = load(&f);
	meet(&p, load_name(dir, "lost"), &ops, t, &ops);
	assert_int_equal(p.s, 0);
	stays(load(&f), &p);
	assert_int_equal(ca_revoke(dir, "lost", &err), 0);
	t = load(&f);
	goes(trust_hold(t), &p, "certificate of \"lost\" is revoked");
	part(&p);
	refused(load_name(dir, "lost"), t, &ops, "refused", "revoked");
	f = files_of(dir, "lost");
	f.crl = path(dir, "crl.pem");
	assert_int_equal(trust_load(&t, &f, &err), -EINVAL);
	assert_non_null(strstr(err.s, "revoked"));
	assert_int_equal(ca_revoke(dir, "lost", &err), -ENOENT);
}

/* A file of two lists, to which one was added: both of them count, as in a handshake. */
static void test_revoked_in_second_list(void **state)
{
	struct trust_files f = files_of(dir, "zone");
	char *first = read_text(path(dir, "crl.pem")), *second;
	struct pair p;
	FILE *out;

	issue(dir, "mislaid", "db", 10);
	meet(&p, load_name(dir, "mislaid"), &ops, load(&f), &ops);
	assert_int_equal(p.s, 0);
	assert_int_equal(ca_revoke(dir, "mislaid", &err), 0);
	second = read_text(path(dir, "crl.pem"));
	out = fopen(path(dir, "two.pem"), "w");
	assert_non_null(out);
	fprintf(out, "%s%s", first, second);
	fclose(out);
	f.crl = path(dir, "two.pem");
	goes(load(&f), &p, "revoked");
	part(&p);
	free(first);
	free(second);
}

/* Fresh keys each time: no secret comes twice. */
static void test_fresh(void **state)
{
	struct pair a, b;
	uint8_t x[2][SEAL_SECRET], y[2][SEAL_SECRET];

	meet(&a, load_name(dir, "node"), &ops, load_name(dir, "zone"), &ops);
	meet(&b, load_name(dir, "node"), &ops, load_name(dir, "zone"), &ops);
	handshake_secrets(a.client, x[0], x[1]);
	handshake_secrets(b.client, y[0], y[1]);
	assert_int_not_equal(sodium_memcmp(x[0], y[0], SEAL_SECRET), 0);
	part(&a);
	part(&b);
}

/* ---- files that are followed ---- */

static const char anew[] = "certificates and keys were read anew";
static char said[TRUST_SENTENCE];
static int sayings;

static void hear(const char *sentence)
{
	snprintf(said, sizeof said, "%s", sentence);
	sayings++;
}

/* A list with our own certificate on it cannot be loaded with it, and counts all the same: it may
 * have the server's as well. */
static void test_followed_list(void **state)
{
	struct trust_files f = files_of(dir, "victim");
	struct trust *t;
	int i;

	issue(dir, "victim", "db", 2);
	f.crl = path(dir, "crl.pem");
	if (trust_follow(&t, &f, &err))
		fail_msg("%s", err.s);
	t->say = hear;
	trust_refresh(t);
	assert_int_equal(t->news, 0); /* as they were */
	assert_int_equal(sayings, 0);
	assert_int_equal(ca_revoke(dir, "victim", &err), 0);
	for (i = 0; i < 3; i++) {
		trust_refresh(t);
		assert_int_equal(t->news, 1);
		assert_int_equal(sayings, 1);
	}
	assert_non_null(strstr(said, "certificates and keys are as they were: "));
	assert_non_null(strstr(said, "revoked"));
	assert_true(trust_objects(t, &t->self, time(NULL), &err));
	issue(dir, "victim", "db,client", 2);
	trust_refresh(t);
	assert_int_equal(t->news, 2);
	assert_int_equal(sayings, 2);
	assert_string_equal(said, anew);
	assert_int_equal(t->self.roles, PEER_DB | PEER_CLIENT);
	assert_false(trust_objects(t, &t->self, time(NULL), &err));
	/* a FIFO in the place of a file keeps nobody waiting */
	f.crl = path(dir, "crl.pem");
	assert_int_equal(rename(f.crl, path(dir, "was.pem")), 0);
	assert_int_equal(mkfifo(path(dir, "crl.pem"), 0600), 0);
	trust_refresh(t);
	assert_int_equal(t->news, 2);
	assert_non_null(strstr(said, "not a file of this kind"));
	assert_int_equal(rename(path(dir, "was.pem"), path(dir, "crl.pem")), 0);
	trust_refresh(t);
	assert_string_equal(said, anew);
	assert_int_equal(t->news, 3);
	sayings = 2;
	/* what is not there now is as it was */
	assert_int_equal(unlink(f.cert), 0);
	trust_refresh(t);
	assert_int_equal(t->news, 3);
	assert_int_equal(sayings, 2);
	trust_drop(t);
}

/* ---- pre-shared keys ---- */

static struct trust_files keys(const char *name, const char *text)
{
	const char *file = path(dir, name);
	FILE *f;

	unlink(file);
	f = fdopen(open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return (struct trust_files){.psk = file};
}

#define KEY1 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY2 "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void test_keys(void **state)
{
	struct trust_files server = keys("all.psk",
		"# node, roles, key\n\nnode1 db,kv:bob " KEY1 "\nnode2 admin " KEY2 "\n");
	struct trust_files one = keys("one.psk", "node1 db,kv:bob " KEY1 "\n");
	struct trust_files two = keys("two.psk", "node2 admin " KEY2 "\n");
	struct trust_files wrong = keys("wrong.psk", "node1 db " KEY2 "\n");
	struct trust_files nobody = keys("nobody.psk", "node3 db " KEY1 "\n");
	struct trust_files without = keys("without.psk", "node2 admin " KEY2 "\n");
	struct trust_files less = keys("less.psk", "node1 db " KEY1 "\n");
	struct trust_files changed = keys("changed.psk", "node1 db,kv:bob " KEY2 "\n");
	struct pair p;

	meet(&p, load(&one), &ops, load(&server), &ops);
	assert_int_equal(p.c, 0);
	assert_int_equal(p.s, 0);
	assert_string_equal(handshake_peer(p.server)->name, "node1");
	assert_true(peer_is_user(handshake_peer(p.server), "bob", 3));
	same_secrets(&p, true);
	/* who is there when the file changes */
	stays(load(&server), &p);
	goes(load(&without), &p, "key of \"node1\" is no longer there");
	goes(load(&less), &p, "has other roles now");
	goes(load(&changed), &p, "is another one now");
	goes(load_name(dir, "zone"), &p, "is no longer there"); /* certificates only */
	part(&p);
	refused(load(&two), load(&server), &kv, "refused", "no role");
	refused(load(&wrong), load(&server), &ops, "refused", "");
	refused(load(&nobody), load(&server), &ops, "refused", "");
	/* a server with both takes either */
	server.cert = path(dir, "zone.pem");
	server.key = path(dir, "zone.key");
	server.ca = path(dir, "ca.pem");
	meet(&p, load(&one), &ops, load(&server), &ops);
	assert_int_equal(p.c, 0);
	part(&p);
	meet(&p, load_name(dir, "node"), &ops, load(&server), &ops);
	assert_int_equal(p.c, 0);
	part(&p);
	refused(load_name(dir, "node"), load(&one), &ops, "refused", "");
	refused(load(&one), load_name(dir, "zone"), &ops, "refused", "");
}

/* ---- files ---- */

static void test_files(void **state)
{
	struct trust_files f = files_of(dir, "node"), g;

	no_load((struct trust_files){NULL}, -EINVAL, "need a certificate");
	g = f;
	g.ca = NULL;
	no_load(g, -EINVAL, "needs its key");
	g = f;
	g.key = path(dir, "dba.key");
	no_load(g, -EINVAL, "not the key of");
	g = f;
	g.ca = path(other, "ca.pem");
	no_load(g, -EINVAL, "node.pem");
	g = f;
	g.cert = path(dir, "nobody.pem");
	no_load(g, -ENOENT, "nobody.pem");
	g = f;
	g.cert = path(dir, "index");
	no_load(g, -EINVAL, "PEM");
	assert_int_equal(chmod(f.key, 0640), 0);
	no_load(f, -EACCES, "others may read");
	assert_int_equal(chmod(f.key, 0600), 0);
	g = keys("bad.psk", "node1 db\n");
	no_load(g, -EINVAL, "line 1");
	g = keys("bad.psk", "node1 queen " KEY1 "\n");
	no_load(g, -EINVAL, "line 1");
	g = keys("bad.psk", "# none\n");
	no_load(g, -EINVAL, "no key");
}

static void test_ca_refuses(void **state)
{
	assert_int_equal(ca_init(dir, 10, &err), -EEXIST);
	assert_int_equal(ca_issue(dir, "a/b", "db", 10, &err), -EINVAL);
	assert_int_equal(ca_issue(dir, "ca", "db", 10, &err), -EINVAL);
	assert_int_equal(ca_issue(dir, "", "db", 10, &err), -EINVAL);
	assert_int_equal(ca_issue(dir, "x", "queen", 10, &err), -EINVAL);
	assert_int_equal(ca_issue(dir, "x", "db,kv:a b", 10, &err), -EINVAL);
	assert_int_equal(ca_issue(dir, "x", "", 10, &err), -EINVAL);
	assert_int_equal(ca_issue("/nonexistent", "x", "db", 10, &err), -ENOENT);
	assert_int_equal(ca_revoke(dir, "stranger", &err), -ENOENT);
}

static void test_modes(void **state)
{
	enum trust_mode m;

	assert_int_equal(trust_parse_mode("required", &m), 0);
	assert_int_equal(m, TRUST_REQUIRED);
	assert_int_equal(trust_parse_mode("Required", &m), -EINVAL);
}

/* ---- bytes that are wrong ---- */

/* One bit of the first three flights, each in turn: never a handshake that both ends take
 * for done with other secrets, never a crash. */
static void test_flipped(void **state)
{
	uint64_t seed = 7;
	int i, turns;

	for (i = 0; i < 40; i++) {
		struct trust *ct = load_name(dir, "node"), *st = load_name(dir, "zone");
		struct pair p = {handshake_create(ct, &ops, false), handshake_create(st, &ops, true), 0, 0};
		int flight = (int)rig_below(&seed, 4);

		for (turns = 0; turns < 4; turns++) {
			struct handshake *from = turns % 2 ? p.server : p.client;
			struct handshake *to = turns % 2 ? p.client : p.server;
			uint8_t copy[16384];
			const uint8_t *at;
			size_t len;
			int rc = handshake_run(from);

			len = handshake_out(from, &at);
			assert_true(len <= sizeof copy);
			memcpy(copy, at, len);
			if (turns == flight && len)
				copy[rig_below(&seed, len)] ^= (uint8_t)(1u << rig_below(&seed, 8));
			handshake_sent(from, len);
			if (len && handshake_feed(to, copy, len))
				break;
			if (rc == -EACCES)
				break;
		}
		p.c = handshake_run(p.client);
		p.s = handshake_run(p.server);
		/* Header bytes of a record that TLS does not authenticate may pass: then all is equal. */
		if (p.c == 0 && p.s == 0)
			same_secrets(&p, true);
		part(&p);
		trust_drop(ct);
		trust_drop(st);
	}
}

/* A copy that is in the middle of one says nothing more: an alert about what it is sent would be
 * under the nonce of its other's first question. */
static void test_stream_copied(void **state)
{
	/* Change Cipher Spec as it is, and a Finished that is none. */
	static const uint8_t junk[51] = {20, 3, 3, 0, 1, 1, 22, 3, 3, 0, 40};
	int turns, copied;

	for (copied = 0; copied < 2; copied++) {
		struct trust *ct = load_name(dir, "node"), *st = load_name(dir, "mgr");
		struct pair p = {handshake_create_stream(ct, false), handshake_create_stream(st, true), 0, 0};
		const uint8_t *at;

		for (turns = 0; turns < 2; turns++) {
			p.c = handshake_run(p.client);
			carry(p.client, p.server);
			p.s = handshake_run(p.server);
			if (turns == 0)
				carry(p.server, p.client);
		}
		assert_int_equal(p.c, -EAGAIN); /* the server's end of it is on its way */
		assert_int_equal(p.s, 0);
		if (copied)
			life_end();
		assert_int_equal(handshake_feed(p.client, junk, sizeof junk), 0);
		assert_int_equal(handshake_run(p.client), -EACCES);
		if (copied)
			assert_int_equal(handshake_out(p.client, &at), 0);
		else
			assert_true(handshake_out(p.client, &at) > 0);
		assert_int_equal(strstr(handshake_why(p.client), "copy") != NULL, copied);
		part(&p);
		trust_drop(ct);
		trust_drop(st);
	}
}

static void test_too_much(void **state)
{
	static uint8_t junk[40000];
	struct trust *t = load_name(dir, "zone");
	struct handshake *h = handshake_create(t, &ops, true);

	assert_int_equal(handshake_feed(h, junk, sizeof junk), -EPROTO);
	assert_int_equal(handshake_feed(h, junk, 10), 0);
	assert_int_equal(handshake_run(h), -EACCES);
	assert_int_equal(handshake_run(h), -EACCES);
	assert_int_equal(handshake_feed(h, junk, 10), -EPROTO);
	handshake_destroy(h);
	trust_drop(t);
}

/* ---- */

static int setup(void **state)
{
	strcpy(dir, "/tmp/handshake.XXXXXX");
	strcpy(other, "/tmp/handshake.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_non_null(mkdtemp(other));
	if (ca_init(dir, 10, &err) || ca_init(other, 10, &err))
		fail_msg("%s", err.s);
	issue(dir, "zone", "server:ops", 10);
	issue(dir, "keyspace", "server:kv", 10);
	issue(dir, "mgr", "server:mgr", 10);
	issue(dir, "node", "db,client,kv:alice", 10);
	issue(dir, "redis", "kv:alice", 10);
	issue(dir, "dba", "db", 10);
	issue(other, "node", "db,client", 10);
	issue(other, "zone", "server:ops", 10);
	return 0;
}

static int teardown(void **state)
{
	char command[256];

	snprintf(command, sizeof command, "rm -rf %s %s", dir, other);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_followed_list),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_another_channel),
		cmocka_unit_test(test_wrong_role),
		cmocka_unit_test(test_impostor),
		cmocka_unit_test(test_self_made),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_other_ca),
		cmocka_unit_test(test_too_many_cas),
		cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_revoked_in_second_list),
		cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_ca_refuses),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_stream_copied),
		cmocka_unit_test(test_too_much),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
