/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_trust_list.c - scope: a list of the revoked does not go back (trust_renew()) for who runs: not
 * to an earlier one, nor to none of that CA; for a client that follows its files, and for ops_server
 * at SIGHUP. Needs the programs that were built beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../carig.h"
#include "../serverrig.h"

#include "ca.h"

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

static char foreign[64]; /* another CA's directory */
static struct peer lost; /* on the list new.pem, not on old.pem, which is a second older at least */

static void run(const char *format, const char *a, const char *b)
{
	char command[600];

	snprintf(command, sizeof command, format, a, b);
	assert_int_equal(system(command), 0);
}

/* As a whole: it may be looked at meanwhile. */
static void put(const char *from, const char *to)
{
	run("cp %s %s.new", from, to);
	run("mv %s.new %s", to, to);
}

static const char *in_foreign(const char *name)
{
	static char text[160];

	snprintf(text, sizeof text, "%s/%s", foreign, name);
	return text;
}

/* The zone's own, by that list. */
static struct trust_files with_list(const char *list)
{
	struct trust_files files = files_of("zone");

	files.crl = list;
	return files;
}

static struct trust *renewed(const struct trust *was, const struct trust_files *files)
{
	struct trust *t;

	if (trust_renew(&t, was, files, &err))
		fail_msg("%s", err.s);
	return t;
}

static void refused(const struct trust *was, const struct trust_files *files)
{
	struct trust *t;

	err.s[0] = 0;
	assert_int_equal(trust_renew(&t, was, files, &err), -EINVAL);
	assert_null(t);
	assert_non_null(strstr(err.s, "older than the list that is in use"));
	assert_non_null(strstr(err.s, files->crl));
}

static bool objects(const struct trust *t)
{
	return trust_objects(t, &lost, time(NULL), &err);
}

/* ---- what is loaded anew ---- */

static void test_goes_on(void **state)
{
	const struct trust_files old = with_list(in_ca("old.pem")), new = with_list(in_ca("new.pem"));
	struct trust *first = renewed(NULL, &old), *second = renewed(first, &new), *third;

	assert_false(objects(first));
	assert_true(objects(second));
	third = renewed(second, &new); /* the same again */
	trust_drop(third);
	/* both in one file: the newer one of them counts */
	run("cat %s > %s", in_ca("old.pem"), in_ca("both.pem"));
	run("cat %s >> %s", in_ca("new.pem"), in_ca("both.pem"));
	third = renewed(second, &(struct trust_files){.cert = old.cert, .key = old.key, .ca = old.ca,
					.crl = in_ca("both.pem")});
	assert_true(objects(third));
	refused(third, &old);
	trust_drop(third);
	trust_drop(second);
	trust_drop(first);
}

static void test_older(void **state)
{
	const struct trust_files old = with_list(in_ca("old.pem")), new = with_list(in_ca("new.pem"));
	const struct trust_files none = with_list(NULL);
	struct trust *t = renewed(NULL, &new), *without;

	refused(t, &old);
	/* no list by configuration; then there is nothing that could go back */
	without = renewed(t, &none);
	trust_drop(t);
	t = renewed(without, &old);
	trust_drop(without);
	trust_drop(t);
}

/* Who may write the list could make a CA of his own, whose list is a good one. */
static void test_of_another(void **state)
{
	const struct trust_files new = with_list(in_ca("new.pem"));
	struct trust_files own = files_of("zone");
	struct trust *t = renewed(NULL, &new);

	own.crl = in_ca("renamed.pem");
	refused(t, &own);
	trust_drop(t);
}

/* A list of a CA that is not believed any more is of no use. */
static void test_ca_replaced(void **state)
{
	const struct trust_files new = with_list(in_ca("new.pem"));
	struct trust *t = renewed(NULL, &new), *other;
	char pem[160], key[160], cert[160];
	struct trust_files files = {.ca = pem, .key = key, .cert = cert};

	strcpy(pem, in_foreign("ca.pem"));
	strcpy(key, in_foreign("zone.key"));
	strcpy(cert, in_foreign("zone.pem"));
	files.crl = in_foreign("crl.pem"); /* which is older than new.pem */
	other = renewed(t, &files);
	trust_drop(other);
	trust_drop(t);
}

/* ---- files that are followed ---- */

static char said[TRUST_SENTENCE];

static void hear(const char *sentence)
{
	snprintf(said, sizeof said, "%s", sentence);
}

static void test_followed(void **state)
{
	struct trust_files files = with_list(in_ca("list.pem"));
	struct trust *t;

	put(in_ca("old.pem"), files.crl);
	if (trust_follow(&t, &files, &err))
		fail_msg("%s", err.s);
	t->say = hear;
	put(in_ca("new.pem"), files.crl);
	trust_refresh(t);
	assert_int_equal(t->news, 1);
	assert_true(objects(t));
	put(in_ca("old.pem"), files.crl);
	trust_refresh(t);
	assert_int_equal(t->news, 1);
	assert_true(objects(t));
	assert_non_null(strstr(said, "older than the list that is in use"));
	put(in_ca("renamed.pem"), files.crl);
	trust_refresh(t);
	assert_int_equal(t->news, 1);
	assert_true(objects(t));
	put(in_ca("new.pem"), files.crl);
	trust_refresh(t);
	assert_non_null(strstr(said, "were read anew"));
	assert_true(objects(t));
	trust_drop(t);
}

/* A list counts by itself when the rest cannot be loaded; not an older one. */
static void test_followed_by_itself(void **state)
{
	struct trust_files files = with_list(in_ca("list.pem"));
	struct trust *t;

	put(in_ca("old.pem"), files.crl);
	put(in_ca("zone.pem"), in_ca("my.pem"));
	files.cert = in_ca("my.pem");
	if (trust_follow(&t, &files, &err))
		fail_msg("%s", err.s);
	assert_int_equal(truncate(files.cert, 300), 0);
	put(in_ca("new.pem"), files.crl);
	trust_refresh(t);
	assert_int_equal(t->news, 1);
	assert_true(objects(t));
	put(in_ca("old.pem"), files.crl);
	trust_refresh(t);
	put(in_ca("renamed.pem"), files.crl);
	trust_refresh(t);
	assert_int_equal(t->news, 1);
	assert_true(objects(t));
	trust_drop(t);
}

/* ---- a server ---- */

static int begin_sealed(void **state)
{
	const struct trust_files own = files_of("zone");
	const char *const more[] = {"--credential", f.credential, "--secure", "required", "--cert",
		own.cert, "--key", own.key, "--ca", own.ca, "--crl", in_ca("list.pem"), NULL};

	put(in_ca("old.pem"), in_ca("list.pem"));
	return begin_with(CHANNELS, more);
}

static int ask_as_lost(void)
{
	const struct trust_files files = files_of("lost");
	struct ops_client *c = client_open(ROLE_CLIENT, NULL);
	struct err_text why;
	int rc;

	if (trust_load(&c->trust, &files, &err))
		fail_msg("%s", err.s);
	rc = ask_lt(c);
	why = err;
	trust_drop(c->trust);
	client_close(c);
	err = why;
	return rc;
}

static void reload_with(const char *list)
{
	put(list, in_ca("list.pem"));
	assert_int_equal(kill(f.pid, SIGHUP), 0);
	assert_notified("READY=1");
}

static void test_server(void **state)
{
	assert_int_equal(ask_as_lost(), 0);
	reload_with(in_ca("new.pem"));
	assert_int_equal(ask_as_lost(), -EACCES);
	assert_non_null(strstr(err.s, "revoked"));
	reload_with(in_ca("old.pem"));
	assert_int_equal(ask_as_lost(), -EACCES);
	assert_non_null(strstr(err.s, "revoked"));
	reload_with(in_ca("renamed.pem"));
	assert_int_equal(ask_as_lost(), -EACCES);
}

/* ---- the lists ---- */

/* A good one, newer than all, of a CA of another name: what anybody can make. */
static void write_renamed(void)
{
	static char pem[4096];
	mbedtls_x509_crt crt;
	mbedtls_pk_context key;

	mbedtls_x509_crt_init(&crt);
	mbedtls_pk_init(&key);
	assert_int_equal(mbedtls_x509_crt_parse_file(&crt, in_foreign("zone.pem")), 0);
	assert_int_equal(mbedtls_pk_parse_keyfile(&key, in_foreign("zone.key"), NULL), 0);
	assert_int_equal(
		ca_crl_write(pem, sizeof pem, &crt, &key, NULL, 0, "20400101000000", "20460101000000"), 0);
	write_file(in_ca("renamed.pem"), pem, strlen(pem));
	mbedtls_x509_crt_free(&crt);
	mbedtls_pk_free(&key);
}

static int setup(void **state)
{
	struct trust_files files;
	struct trust *t;

	strcpy(ca, "/tmp/list-test.XXXXXX");
	strcpy(foreign, "/tmp/list-test.XXXXXX");
	assert_true(mkdtemp(ca) && mkdtemp(foreign));
	if (ca_init(foreign, 2, &err) || ca_issue(foreign, "zone", "server:ops", 2, &err) ||
		ca_init(ca, 2, &err) || ca_issue(ca, "zone", "server:ops", 2, &err) ||
		ca_issue(ca, "lost", "client", 2, &err))
		fail_msg("%s", err.s);
	files = files_of("lost");
	assert_int_equal(trust_load(&t, &files, &err), 0);
	lost = t->self;
	trust_drop(t);
	put(in_ca("crl.pem"), in_ca("old.pem"));
	usleep(1100000); /* a list's time is in seconds */
	assert_int_equal(ca_revoke(ca, "lost", &err), 0);
	put(in_ca("crl.pem"), in_ca("new.pem"));
	write_renamed();
	return 0;
}

static int teardown(void **state)
{
	run("rm -rf %s %s", ca, foreign);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_older),
		cmocka_unit_test(test_of_another),
		cmocka_unit_test(test_ca_replaced),
		cmocka_unit_test(test_followed),
		cmocka_unit_test(test_followed_by_itself),
		cmocka_unit_test_setup_teardown(test_server, begin_sealed, end),
	};

	if (server_find())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
