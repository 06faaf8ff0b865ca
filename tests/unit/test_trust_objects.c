/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_trust_objects.c - scope: trust_objects(), and handshakes with such peers: who was let in and may not
 * stay, as his certificate has ended or is revoked, his CA is not believed or his key is another one.
 */
#include "../handshakerig.h"

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

static void join(const char *to, const char *first, const char *second)
{
	char *a = read_text(first), *b = read_text(second);
	FILE *out = fopen(to, "w");

	assert_non_null(out);
	fprintf(out, "%s%s", a, b);
	fclose(out);
	free(a);
	free(b);
}

/* While a CA is replaced both are believed, and the list of each counts for its own. */
static void test_two_cas_with_lists(void **state)
{
	const char *in[] = {dir, other};
	char cas[80], lists[80];
	struct trust_files f, c;
	struct pair p;
	int i;

	snprintf(cas, sizeof cas, "%s/cas.pem", dir);
	snprintf(lists, sizeof lists, "%s/lists.pem", dir);
	for (i = 0; i < 2; i++) {
		issue(in[i], "stolen", "db", 10);
		issue(in[i], "kept", "db", 10);
		assert_int_equal(ca_revoke(in[i], "stolen", &err), 0);
	}
	join(cas, path(dir, "ca.pem"), path(other, "ca.pem"));
	join(lists, path(dir, "crl.pem"), path(other, "crl.pem"));
	for (i = 0; i < 4; i++) {
		f = files_of(in[i >> 1], "zone");
		f.ca = cas;
		f.crl = lists;
		c = files_of(in[i & 1], "kept");
		c.ca = cas;
		c.crl = lists;
		meet(&p, load(&c), &ops, load(&f), &ops);
		if (p.s || p.c)
			fail_msg("%d: %s; %s", i, handshake_why(p.server), handshake_why(p.client));
		part(&p);
		c = files_of(in[i & 1], "stolen");
		c.ca = cas;
		refused(load(&c), load(&f), &ops, "refused", "revoked");
	}
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_other_ca),
		cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_revoked_in_second_list),
		cmocka_unit_test(test_two_cas_with_lists),
		cmocka_unit_test(test_keys),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
