/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_policy_file.c - scope: policy_file.c, signkey.h: files of keys, signatures over policies, files
 * that are signed, and which version may follow which.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policy.h"
#include "signkey.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

static struct err_text err;

/* A directory with the keys of two owners, and the files of a policy that are not there yet. */
struct owned {
	char dir[24], owner[64], public[72], other[64], other_public[72], path[64], sig_path[72];
};

static const char signed_text[] = "[policy]\nname = x\nversion = 1\n";

static void owned_init(struct owned *o)
{
	strcpy(o->dir, "/tmp/policy.XXXXXX");
	assert_non_null(mkdtemp(o->dir));
	snprintf(o->owner, sizeof o->owner, "%s/owner", o->dir);
	snprintf(o->public, sizeof o->public, "%s.pub", o->owner);
	snprintf(o->other, sizeof o->other, "%s/other", o->dir);
	snprintf(o->other_public, sizeof o->other_public, "%s.pub", o->other);
	snprintf(o->path, sizeof o->path, "%s/policy", o->dir);
	snprintf(o->sig_path, sizeof o->sig_path, "%s.sig", o->path);
	assert_int_equal(signkey_create(o->owner, &err), 0);
	assert_int_equal(signkey_create(o->other, &err), 0);
}

static void owned_fini(const struct owned *o)
{
	unlink(o->path);
	unlink(o->sig_path);
	unlink(o->owner);
	unlink(o->public);
	unlink(o->other);
	unlink(o->other_public);
	assert_int_equal(rmdir(o->dir), 0);
}

static void owned_sign(uint8_t sig[SIGNKEY_SIGNATURE], const struct owned *o)
{
	uint8_t secret[SIGNKEY_SECRET];

	assert_int_equal(signkey_read_secret(secret, o->owner, &err), 0);
	policy_sign(sig, signed_text, sizeof signed_text - 1, secret);
	sodium_memzero(secret, sizeof secret);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_key_files(void **state)
{
	uint8_t secret[SIGNKEY_SECRET], key[SIGNKEY_PUBLIC];
	struct owned o;

	owned_init(&o);
	assert_int_equal(signkey_create(o.owner, &err), -EEXIST);
	assert_int_equal(signkey_read_secret(secret, o.owner, &err), 0);
	assert_int_equal(signkey_read_public(key, o.public, &err), 0);
	assert_int_equal(signkey_read_public(key, o.owner, &err), -EMEDIUMTYPE);
	assert_int_equal(signkey_read_secret(secret, o.public, &err), -EACCES);
	assert_int_equal(chmod(o.public, 0600), 0);
	assert_int_equal(signkey_read_secret(secret, o.public, &err), -EMEDIUMTYPE);
	assert_int_equal(chmod(o.owner, 0640), 0);
	assert_int_equal(signkey_read_secret(secret, o.owner, &err), -EACCES);
	assert_int_equal(chmod(o.owner, 0600), 0);
	assert_int_equal(signkey_read_secret(secret, o.owner, &err), 0);
	sodium_memzero(secret, sizeof secret);
	owned_fini(&o);
}

static void test_signature(void **state)
{
	enum { LEN = sizeof signed_text - 1 };
	uint8_t key[SIGNKEY_PUBLIC], sig[SIGNKEY_SIGNATURE];
	struct owned o;
	size_t i;

	owned_init(&o);
	assert_int_equal(signkey_read_public(key, o.public, &err), 0);
	owned_sign(sig, &o);
	assert_int_equal(policy_verify(sig, signed_text, LEN, key), 0);
	for (i = 0; i < LEN; i++) {
		char changed[LEN];

		memcpy(changed, signed_text, LEN);
		changed[i] ^= 1;
		assert_int_equal(policy_verify(sig, changed, LEN, key), -EBADMSG);
		assert_int_equal(policy_verify(sig, signed_text, i, key), -EBADMSG);
	}
	for (i = 0; i < sizeof sig; i++) {
		sig[i] ^= 4;
		assert_int_equal(policy_verify(sig, signed_text, LEN, key), -EBADMSG);
		sig[i] ^= 4;
	}
	owned_fini(&o);
}

static void test_signed_file(void **state)
{
	uint8_t sig[SIGNKEY_SIGNATURE];
	char hex[2 * SIGNKEY_SIGNATURE + 1];
	struct policy *p;
	struct owned o;

	owned_init(&o);
	owned_sign(sig, &o);
	write_text(o.path, signed_text);
	assert_int_equal(policy_load(&p, o.path, o.public, &err), -ENOENT); /* no signature */
	sodium_bin2hex(hex, sizeof hex, sig, sizeof sig);
	write_text(o.sig_path, hex);
	assert_int_equal(policy_load(&p, o.path, o.public, &err), 0);
	assert_string_equal(p->name, "x");
	policy_free(p);
	assert_int_equal(policy_load(&p, o.path, o.other_public, &err), -EBADMSG);
	write_text(o.sig_path, "none");
	assert_int_equal(policy_load(&p, o.path, o.public, &err), -EBADMSG);
	assert_int_equal(policy_load(&p, o.dir, o.public, &err), -EISDIR);
	owned_fini(&o);
}

static void test_versions(void **state)
{
	struct policy b = {.stamp = {2, {1}}};
	struct policy_stamp none = {0, {0}}, a = b.stamp;

	assert_int_equal(policy_follows(&b, &none, &err), 0);
	assert_int_equal(policy_follows(NULL, &none, &err), 0);
	assert_int_equal(policy_follows(&b, &a, &err), 0); /* the same */
	b.stamp.digest[0] = 2;
	assert_int_equal(policy_follows(&b, &a, &err), -ESTALE);
	b.stamp.version = 1;
	assert_int_equal(policy_follows(&b, &a, &err), -ESTALE);
	assert_non_null(strstr(err.s, "version 1 of the policy is older than version 2"));
	b.stamp.version = 3;
	assert_int_equal(policy_follows(&b, &a, &err), 0);
	assert_int_equal(policy_follows(NULL, &a, &err), -ESTALE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_files),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_signed_file),
		cmocka_unit_test(test_versions),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
