/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_keyring.c - scope: common/keyring.h: the file's life, its permissions, damage
 * at every byte and every length, a full disk, interrupted and concurrent changes, and
 * what the functions say to the user. Values across a rotation are in test_value.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "keyring.h"

#include <sodium.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char dir[64], path[80], temp[80];

static int setup(void **state)
{
	strcpy(dir, "/tmp/test_keyring.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/keys", dir);
	snprintf(temp, sizeof temp, "%s/keys.new", dir);
	return 0;
}

/* The directory must hold nothing that a test did not ask for. */
static int teardown(void **state)
{
	unlink(path);
	return rmdir(dir);
}

static size_t slurp(uint8_t *buf, size_t cap)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, cap);

	close(fd);
	assert_true(n >= 0);
	return (size_t)n;
}

static void spill(const uint8_t *buf, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, buf, n), n);
	close(fd);
}

struct listed {
	size_t n;
	uint16_t last, current;
};

static void count_key(void *arg, uint16_t id, uint64_t created_s, bool current)
{
	struct listed *l = arg;

	assert_true(id > l->last);
	assert_in_range(created_s, time(NULL) - 100, time(NULL));
	l->n++;
	l->last = id;
	if (current)
		l->current = id;
}

static void test_life(void **state)
{
	uint8_t prf[KEYRING_PRF_BYTES], old_prf[KEYRING_PRF_BYTES];
	struct keyring *k, *old;
	struct listed l = {0};
	struct err_text why;
	struct stat st;
	uint8_t key1[32];
	uint16_t id = 0;

	assert_int_equal(keyring_create_file(path, &why), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 40 + 48 + 32);
	assert_int_equal(keyring_load(&old, path, &why), 0);
	assert_int_equal(keyring_current(old), 1);
	assert_non_null(keyring_data_key(old, 1));
	assert_null(keyring_data_key(old, 0));
	assert_null(keyring_data_key(old, 2));
	memcpy(key1, keyring_data_key(old, 1), 32);
	assert_false(sodium_is_zero(key1, 32));

	assert_int_equal(keyring_add_key(path, &id, &why), 0);
	assert_int_equal(id, 2);
	assert_int_equal(keyring_add_key(path, NULL, NULL), 0);
	assert_int_equal(keyring_load(&k, path, &why), 0);
	assert_int_equal(keyring_current(k), 3);
	assert_memory_equal(keyring_data_key(k, 1), key1, 32);
	assert_memory_not_equal(keyring_data_key(k, 2), key1, 32);
	assert_memory_not_equal(keyring_data_key(k, 2), keyring_data_key(k, 3), 32);
	keyring_list(k, count_key, &l);
	assert_int_equal(l.n, 3);
	assert_int_equal(l.current, 3);
	/* The hash key is not rotated. */
	keyring_prf(prf, k, "x", 1);
	keyring_prf(old_prf, old, "x", 1);
	assert_memory_equal(prf, old_prf, sizeof prf);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	keyring_destroy(k);
	keyring_destroy(old);
	keyring_destroy(NULL);
}

static void test_prf(void **state)
{
	/* SipHash-2-4-128 of 00 01 .. 0e under 00 01 .. 0f: vectors.h of its authors' code */
	static const uint8_t expected[KEYRING_PRF_BYTES] = {0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0,
		0xa8, 0x11, 0x7e, 0x08, 0xec, 0x0f, 0x97, 0xcf, 0xc3, 0xd9};
	uint8_t out[KEYRING_PRF_BYTES];
	uint8_t file[256], in[15];
	struct keyring *k;
	size_t n, i;

	assert_int_equal(keyring_create_file(path, NULL), 0);
	n = slurp(file, sizeof file);
	for (i = 0; i < 16; i++)
		file[24 + i] = (uint8_t)i;
	for (i = 0; i < 15; i++)
		in[i] = (uint8_t)i;
	crypto_generichash(file + n - 32, 32, file, n - 32, NULL, 0);
	spill(file, n);
	assert_int_equal(keyring_load(&k, path, NULL), 0);
	keyring_prf(out, k, in, 15);
	assert_memory_equal(out, expected, sizeof out);
	keyring_prf(out, k, in, 14);
	assert_memory_not_equal(out, expected, sizeof out);
	keyring_destroy(k);
}

static void test_missing(void **state)
{
	struct keyring *k = NULL;
	struct err_text why = {""};
	uint16_t id;

	assert_int_equal(keyring_load(&k, path, &why), -ENOENT);
	assert_non_null(strstr(why.s, "hedbctl key create"));
	assert_non_null(strstr(why.s, path));
	memset(&why, 0, sizeof why);
	assert_int_equal(keyring_add_key(path, &id, &why), -ENOENT);
	assert_non_null(strstr(why.s, "hedbctl key create"));
	assert_null(k);
	assert_int_equal(keyring_create_file("/nonexistent/dir/keys", &why), -ENOENT);
	assert_non_null(strstr(why.s, "/nonexistent/dir/keys"));
}

static void test_permissions(void **state)
{
	static const mode_t open_modes[] = {0640, 0604, 0660, 0644, 0610, 0601, 0620, 0777};
	struct keyring *k = NULL;
	struct err_text why;
	size_t i;

	assert_int_equal(keyring_create_file(path, NULL), 0);
	for (i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
		memset(&why, 0, sizeof why);
		assert_int_equal(chmod(path, open_modes[i]), 0);
		assert_int_equal(keyring_load(&k, path, &why), -EACCES);
		assert_non_null(strstr(why.s, "chmod 600"));
		assert_int_equal(keyring_add_key(path, NULL, &why), -EACCES);
	}
	assert_null(k);
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(keyring_load(&k, path, &why), 0);
	keyring_destroy(k);
}

static void test_not_a_file(void **state)
{
	struct keyring *k = NULL;
	struct err_text why;

	assert_int_equal(keyring_load(&k, dir, &why), -EMEDIUMTYPE);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(keyring_load(&k, path, &why), -EMEDIUMTYPE);
	unlink(path);
	spill((const uint8_t *)"hedb keyring v2\nwhatever follows", 32);
	assert_int_equal(keyring_load(&k, path, &why), -EMEDIUMTYPE);
	assert_null(k);
}

static void test_damage(void **state)
{
	uint8_t good[512], bad[513];
	struct keyring *k = NULL;
	struct err_text why;
	size_t n, i;
	int rc;

	assert_int_equal(keyring_create_file(path, NULL), 0);
	assert_int_equal(keyring_add_key(path, NULL, NULL), 0);
	n = slurp(good, sizeof good);
	assert_int_equal(n, 40 + 2 * 48 + 32);
	for (i = 0; i < 8 * n; i++) {
		memcpy(bad, good, n);
		bad[i / 8] ^= (uint8_t)(1 << i % 8);
		spill(bad, n);
		memset(&why, 0, sizeof why);
		rc = keyring_load(&k, path, &why);
		assert_int_equal(rc, i / 8 < 16 ? -EMEDIUMTYPE : -EBADMSG);
		assert_true(strlen(why.s) > 10);
	}
	for (i = 0; i < n; i++) {
		spill(good, i);
		rc = keyring_load(&k, path, NULL);
		assert_int_equal(rc, i < 16 ? -EMEDIUMTYPE : -EBADMSG);
	}
	memcpy(bad, good, n);
	bad[n] = 0;
	spill(bad, n + 1);
	assert_int_equal(keyring_load(&k, path, &why), -EBADMSG);
	assert_int_equal(keyring_add_key(path, NULL, &why), -EBADMSG);
	assert_null(k);
	spill(good, n);
	assert_int_equal(keyring_load(&k, path, NULL), 0);
	keyring_destroy(k);
}

/* Writes `good` with one 16-bit word changed and the checksum made right again. */
static int load_changed(const uint8_t *good, size_t n, size_t off, uint16_t word)
{
	uint8_t bad[512];
	struct keyring *k = NULL;
	int rc;

	memcpy(bad, good, n);
	memcpy(bad + off, &word, 2);
	crypto_generichash(bad + n - 32, 32, bad, n - 32, NULL, 0);
	spill(bad, n);
	rc = keyring_load(&k, path, NULL);
	keyring_destroy(k);
	return rc;
}

/* A right checksum does not make nonsense acceptable. */
static void test_nonsense(void **state)
{
	uint8_t good[512];
	size_t n, i;

	assert_int_equal(keyring_create_file(path, NULL), 0);
	assert_int_equal(keyring_add_key(path, NULL, NULL), 0);
	n = slurp(good, sizeof good);
	assert_int_equal(load_changed(good, n, 18, 1), 0);		  /* current 1 is fine */
	assert_int_equal(load_changed(good, n, 18, 3), -EBADMSG); /* current unknown */
	assert_int_equal(load_changed(good, n, 18, 0), -EBADMSG);
	assert_int_equal(load_changed(good, n, 16, 0), -EBADMSG); /* count */
	assert_int_equal(load_changed(good, n, 16, 1), -EBADMSG);
	assert_int_equal(load_changed(good, n, 16, 3), -EBADMSG);
	assert_int_equal(load_changed(good, n, 16, 1025), -EBADMSG);
	assert_int_equal(load_changed(good, n, 16, 0xffff), -EBADMSG);
	assert_int_equal(load_changed(good, n, 40, 0), -EBADMSG); /* id 0 */
	assert_int_equal(load_changed(good, n, 40, 2), -EBADMSG); /* an id twice */
	assert_int_equal(load_changed(good, n, 40, 7), -EBADMSG); /* descending */
	for (i = 0; i < 2; i++) {
		assert_int_equal(load_changed(good, n, 20 + 2 * i, 1), -EBADMSG);
		assert_int_equal(load_changed(good, n, 42 + 2 * i, 1), -EBADMSG);
		assert_int_equal(load_changed(good, n, 92 + 2 * i, 1), -EBADMSG);
	}
}

static void test_no_overwrite(void **state)
{
	uint8_t before[256], after[256];
	struct err_text why;
	size_t n;

	assert_int_equal(keyring_create_file(path, NULL), 0);
	n = slurp(before, sizeof before);
	assert_int_equal(keyring_create_file(path, &why), -EEXIST);
	assert_int_equal(slurp(after, sizeof after), n);
	assert_memory_equal(before, after, n);
	/* nor through a dangling link */
	unlink(path);
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(keyring_create_file(path, &why), -EEXIST);
}

static void test_interrupted(void **state)
{
	struct err_text why = {""};
	struct keyring *k;
	int fd;

	assert_int_equal(keyring_create_file(path, NULL), 0);
	fd = open(temp, O_WRONLY | O_CREAT, 0600);
	close(fd);
	assert_int_equal(keyring_add_key(path, NULL, &why), -EEXIST);
	assert_non_null(strstr(why.s, temp));
	assert_int_equal(access(temp, F_OK), 0);
	assert_int_equal(keyring_load(&k, path, NULL), 0);
	keyring_destroy(k);
	unlink(path);
	assert_int_equal(keyring_create_file(path, &why), -EEXIST);
	assert_int_equal(access(path, F_OK), -1);
	unlink(temp);
	assert_int_equal(keyring_add_key(path, NULL, NULL), -ENOENT);
	assert_int_equal(keyring_create_file(path, NULL), 0);
	assert_int_equal(keyring_add_key(path, NULL, NULL), 0);
}

/* A file size limit stands in for the full disk: the write stops in the middle. */
static void test_full_disk(void **state)
{
	struct rlimit was, tight;
	uint8_t before[256], after[256];
	uint16_t id = 99;
	struct err_text why;
	size_t n;
	int rc;

	assert_int_equal(keyring_create_file(path, NULL), 0);
	n = slurp(before, sizeof before);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	tight = was;
	signal(SIGXFSZ, SIG_IGN);
	for (tight.rlim_cur = 0; tight.rlim_cur < n + 48; tight.rlim_cur += 21) {
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
		rc = keyring_add_key(path, &id, &why);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		assert_int_equal(rc, -EFBIG);
		assert_int_equal(id, 99);
		assert_int_equal(access(temp, F_OK), -1);
		assert_int_equal(slurp(after, sizeof after), n);
		assert_memory_equal(before, after, n);
	}
	unlink(path);
	tight.rlim_cur = 50;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	rc = keyring_create_file(path, &why);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(rc, -EFBIG);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(temp, F_OK), -1);
	signal(SIGXFSZ, SIG_DFL);
}

/* Four processes add keys at once: each success is a key that stays. */
static void test_concurrent(void **state)
{
	struct keyring *k;
	int status, i, added = 0;
	pid_t pid[4];

	assert_int_equal(keyring_create_file(path, NULL), 0);
	for (i = 0; i < 4; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			int done = 0, tries;

			for (tries = 0; tries < 50; tries++)
				done += keyring_add_key(path, NULL, NULL) == 0;
			_exit(done);
		}
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFEXITED(status));
		added += WEXITSTATUS(status);
	}
	assert_true(added > 0);
	assert_int_equal(keyring_load(&k, path, NULL), 0);
	assert_int_equal(keyring_current(k), 1 + added);
	keyring_destroy(k);
}

static void test_full_keyring(void **state)
{
	enum { N = KEYRING_KEYS_MAX };
	static uint8_t file[40 + 48 * N + 32];
	uint16_t i, id = 99;
	struct keyring *k;
	struct err_text why;

	assert_int_equal(keyring_create_file(path, NULL), 0);
	slurp(file, sizeof file);
	for (i = 0; i < N; i++) {
		uint16_t key_id = (uint16_t)(60 * (i + 1));

		memcpy(file + 40 + 48 * i, file + 40, 48);
		memcpy(file + 40 + 48 * i, &key_id, 2);
		file[40 + 48 * i + 16] ^= (uint8_t)i;
	}
	memcpy(file + 16, &(uint16_t){N}, 2);
	memcpy(file + 18, &(uint16_t){60}, 2);
	crypto_generichash(file + sizeof file - 32, 32, file, sizeof file - 32, NULL, 0);
	spill(file, sizeof file);
	assert_int_equal(keyring_load(&k, path, NULL), 0);
	for (i = 0; i < N; i++)
		assert_memory_equal(
			keyring_data_key(k, (uint16_t)(60 * (i + 1))), file + 40 + 48 * i + 16, 32);
	assert_null(keyring_data_key(k, 61));
	assert_null(keyring_data_key(k, UINT16_MAX));
	keyring_destroy(k);
	assert_int_equal(keyring_add_key(path, &id, &why), -EMSGSIZE);
	assert_int_equal(id, 99);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_life),
		CASE(test_prf),
		CASE(test_missing),
		CASE(test_permissions),
		CASE(test_not_a_file),
		CASE(test_damage),
		CASE(test_nonsense),
		CASE(test_no_overwrite),
		CASE(test_interrupted),
		CASE(test_full_disk),
		CASE(test_concurrent),
		CASE(test_full_keyring),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
