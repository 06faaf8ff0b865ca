/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_trust_files.c - scope: trust.h and the CA (client/ca.h) whose files it takes: files that are wrong,
 * files that are followed while they change, and what no certificate is issued for.
 */
#include "../handshakerig.h"

#include <sys/stat.h>

static void no_load(struct trust_files f, int rc, const char *says)
{
	struct trust *t;

	err.s[0] = 0;
	assert_int_equal(trust_load(&t, &f, &err), rc);
	assert_null(t);
	if (!strstr(err.s, says))
		fail_msg("it says: %s", err.s);
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

/* ---- files that are wrong ---- */

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
	if (geteuid() == 0) { /* root may read all */
		assert_int_equal(seteuid(65534), 0);
		no_load(f, -EACCES, "node.pem: Permission denied");
		assert_int_equal(seteuid(0), 0);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_followed_list),
		cmocka_unit_test(test_too_many_cas),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_ca_refuses),
		cmocka_unit_test(test_modes),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
