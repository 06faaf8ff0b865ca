/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_kek.c - scope: common/kek.h and common/passphrase.h: what operators write, each
 * place that a passphrase comes from, a terminal too, costs that a hostile file asks
 * for, what is remembered and what a frozen one refuses. TPMs are in e2e/keys.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kek.h"
#include "passphrase.h"

#include <sodium.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char secret[] = "a passphrase of some length";
static char dir[64], path[80];

static int setup(void **state)
{
	strcpy(dir, "/tmp/test_kek.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/pass", dir);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	unsetenv("CREDENTIALS_DIRECTORY");
	return rmdir(dir);
}

static void spill(const void *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

static void test_parse(void **state)
{
	static const char *const wrong[] = {"", "plai", "plain:", "plain:x", "tpm:", "tpmx",
		"passphrase:", "Passphrase", "file:x", ":"};
	struct kek_spec s = {.memory_kib = 7};
	size_t i;

	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(kek_parse(&s, wrong[i]), -EINVAL);
	assert_int_equal(kek_parse(&s, "plain"), 0);
	assert_true(s.source == KEK_PLAIN && !s.from);
	assert_int_equal(kek_parse(&s, "passphrase"), 0);
	assert_true(s.source == KEK_PASSPHRASE && !s.from);
	assert_int_equal(kek_parse(&s, "passphrase:fd:3"), 0);
	assert_string_equal(s.from, "fd:3");
	assert_int_equal(kek_parse(&s, "tpm:swtpm:host=x,port=1"), 0);
	assert_true(s.source == KEK_TPM);
	assert_string_equal(s.from, "swtpm:host=x,port=1");
	assert_int_equal(s.memory_kib, 7);
}

/* ---- where passphrases come from ---- */

static char out[PASSPHRASE_MAX];
static size_t out_len;
static struct err_text why;

static int read_from(const char *from, bool fresh)
{
	memset(out, 'x', sizeof out);
	why.s[0] = 0;
	return passphrase_read(out, &out_len, from, "keys", fresh, &why);
}

static void assert_refused(int rc, int expected, const char *text)
{
	assert_int_equal(rc, expected);
	assert_non_null(strstr(why.s, text));
	assert_true(sodium_is_zero((uint8_t *)out, sizeof out));
}

static void test_file(void **state)
{
	char long_one[PASSPHRASE_MAX];

	assert_refused(read_from(path, false), -ENOENT, path);
	spill(secret, sizeof secret - 1);
	assert_int_equal(read_from(path, true), 0);
	assert_int_equal(out_len, sizeof secret - 1);
	assert_string_equal(out, secret);
	spill("two\nlines \n\n", 12); /* one line feed less */
	assert_int_equal(read_from(path, false), 0);
	assert_int_equal(out_len, 11);
	assert_memory_equal(out, "two\nlines \n", 11);
	chmod(path, 0640);
	assert_refused(read_from(path, false), -EACCES, "chmod 600");
	chmod(path, 0600);
	spill("\n", 1);
	assert_refused(read_from(path, false), -EINVAL, "empty");
	spill("eleven byte", 11);
	assert_int_equal(read_from(path, false), 0); /* an old one may be short */
	assert_refused(read_from(path, true), -EINVAL, "has 11 bytes");
	memset(long_one, 'y', sizeof long_one);
	spill(long_one, sizeof long_one - 1);
	assert_int_equal(read_from(path, true), 0);
	spill(long_one, sizeof long_one);
	assert_refused(read_from(path, true), -EMSGSIZE, path);
	assert_refused(read_from(dir, false), -EISDIR, dir);
}

static void test_fd_and_credential(void **state)
{
	char from[32];
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], secret, 10), 10); /* in pieces */
	assert_int_equal(write(p[1], secret + 10, sizeof secret - 11), sizeof secret - 11);
	close(p[1]);
	snprintf(from, sizeof from, "fd:%d", p[0]);
	assert_int_equal(read_from(from, true), 0);
	assert_string_equal(out, secret);
	assert_refused(read_from(from, false), -EINVAL, "empty"); /* it is used up */
	close(p[0]);
	assert_refused(read_from(from, false), -EBADF, from);
	assert_refused(read_from("fd:", false), -EINVAL, "fd:");
	assert_refused(read_from("fd:3x", false), -EINVAL, "fd:3x");

	spill(secret, sizeof secret - 1);
	chmod(path, 0440); /* as systemd shows the right of a service's user */
	assert_refused(read_from("credential:pass", false), -ENOENT, "LoadCredential");
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	assert_int_equal(read_from("credential:pass", false), 0);
	assert_string_equal(out, secret);
	assert_refused(read_from("credential:none", false), -ENOENT, "none");
	assert_refused(read_from("credential:../x/pass", false), -ENOENT, "credential");
}

/* What the terminal shows up to `until`, appended to `seen`. */
static void watch(int tty, char *seen, size_t room, const char *until)
{
	size_t n = strlen(seen);
	ssize_t got;

	while (!strstr(seen, until) && n < room - 1) {
		got = read(tty, seen + n, room - 1 - n);
		assert_true(got > 0);
		n += (size_t)got;
		seen[n] = 0;
	}
}

/* A child asks on a terminal of its own; its exit status is what came of it. */
static int prompt_child(const char *name, bool fresh)
{
	int tty;

	setsid();
	tty = open(name, O_RDWR);
	ioctl(tty, TIOCSCTTY, 0);
	if (read_from("prompt", fresh) != 0)
		_exit(strstr(why.s, "differ") ? 2 : 3);
	_exit(out_len == sizeof secret - 1 && strcmp(out, secret) == 0 ? 0 : 4);
}

static int prompt(bool fresh, const char *first, const char *second)
{
	char seen[4096] = "";
	int tty = posix_openpt(O_RDWR | O_NOCTTY), status;
	pid_t pid;

	assert_int_equal(grantpt(tty), 0);
	assert_int_equal(unlockpt(tty), 0);
	pid = fork();
	if (pid == 0)
		prompt_child(ptsname(tty), fresh);
	watch(tty, seen, sizeof seen, "passphrase of keys: ");
	dprintf(tty, "%s\n", first);
	if (fresh) {
		watch(tty, seen, sizeof seen, "once more: ");
		dprintf(tty, "%s\n", second);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_null(strstr(seen, first)); /* nothing of it is shown */
	close(tty);
	return WEXITSTATUS(status);
}

static void test_prompt(void **state)
{
	pid_t pid;
	int status;

	assert_int_equal(prompt(false, secret, NULL), 0);
	assert_int_equal(prompt(true, secret, secret), 0);
	assert_int_equal(prompt(true, secret, "another passphrase"), 2);
	assert_int_equal(prompt(true, "short one", "short one"), 3);
	pid = fork(); /* a process without a terminal */
	if (pid == 0) {
		setsid();
		_exit(read_from("prompt", false) == -ENOTTY && strstr(why.s, "passphrase:FILE") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- keys ---- */

/* Costs, and a salt of zeroes. */
static void part_of(uint8_t part[24], uint32_t kib, uint32_t passes)
{
	memset(part, 0, 24);
	memcpy(part, &kib, 4);
	memcpy(part + 4, &passes, 4);
}

static struct kek *file_kek(void)
{
	const struct kek_spec spec = {KEK_PASSPHRASE, path, KEK_MEMORY_MIN_KIB, 1};
	struct kek *k = kek_create(&spec);

	assert_non_null(k);
	return k;
}

/* argon2id by the same library, but called from here: what the costs and the salt are. */
static void test_passphrase_key(void **state)
{
	uint8_t part[24], expected[KEK_BYTES], check[KEK_CHECK_BYTES], other[KEK_CHECK_BYTES];
	struct kek *k = file_kek();

	spill(secret, sizeof secret - 1);
	part_of(part, 16, 3);
	assert_int_equal(crypto_pwhash(expected, sizeof expected, secret, sizeof secret - 1, part + 8,
				 3, 16 << 10, crypto_pwhash_ALG_ARGON2ID13), 0);
	assert_int_equal(kek_open(k, KEK_PASSPHRASE, part, 24, "keys", &why), 0);
	assert_memory_equal(kek_key(k), expected, KEK_BYTES);
	assert_int_equal(kek_source(k), KEK_PASSPHRASE);
	kek_check(check, k);
	part_of(part, 17, 3);
	assert_int_equal(kek_open(k, KEK_PASSPHRASE, part, 24, "keys", &why), 0);
	assert_memory_not_equal(kek_key(k), expected, KEK_BYTES);
	kek_check(other, k);
	assert_memory_not_equal(check, other, sizeof check);
	kek_destroy(k);
	kek_destroy(NULL);
}

/* Nothing is allocated and no passphrase is read for what is out of bounds. */
static void test_bounds(void **state)
{
	static const uint32_t kib[] = {0, KEK_MEMORY_MIN_KIB - 1, KEK_MEMORY_MAX_KIB + 1,
		1u << 30, UINT32_MAX};
	static const uint32_t passes[] = {0, KEK_PASSES_MAX + 1, UINT32_MAX};
	struct kek_spec spec = {KEK_PASSPHRASE, path, KEK_MEMORY_MIN_KIB - 1, 1};
	struct kek *k = file_kek();
	uint8_t part[KEK_PART_MAX + 1] = {0};
	size_t i;

	for (i = 0; i < sizeof kib / sizeof kib[0]; i++) {
		part_of(part, kib[i], 1);
		assert_int_equal(kek_open(k, KEK_PASSPHRASE, part, 24, "keys", &why), -EBADMSG);
		assert_non_null(strstr(why.s, "argon2id"));
	}
	for (i = 0; i < sizeof passes / sizeof passes[0]; i++) {
		part_of(part, 8, passes[i]);
		assert_int_equal(kek_open(k, KEK_PASSPHRASE, part, 24, "keys", &why), -EBADMSG);
	}
	part_of(part, 8, 1);
	for (i = 0; i < 40; i++)
		if (i != 24)
			assert_int_equal(kek_open(k, KEK_PASSPHRASE, part, i, "keys", &why), -EBADMSG);
	assert_int_equal(kek_open(k, 3, part, 24, "keys", &why), -EBADMSG);
	assert_int_equal(kek_open(k, 255, part, 24, "keys", &why), -EBADMSG);
	assert_int_equal(kek_open(k, KEK_TPM, part, sizeof part, "keys", &why), -EBADMSG);
	assert_int_equal(kek_open(k, KEK_PASSPHRASE, part, 24, "keys", &why), -ENOENT);
	kek_destroy(k);
	/* nor is a new one made with such costs */
	k = kek_create(&spec);
	assert_int_equal(kek_draw(k, "keys", &why), -EINVAL);
	kek_destroy(k);
	spec.memory_kib = KEK_MEMORY_MIN_KIB;
	spec.passes = KEK_PASSES_MAX + 1;
	k = kek_create(&spec);
	assert_int_equal(kek_draw(k, "keys", &why), -EINVAL);
	kek_destroy(k);
}

static void test_no_memory(void **state)
{
	struct rlimit was, tight;
	struct kek *k = file_kek();
	uint8_t part[24];
	int rc;

	spill(secret, sizeof secret - 1);
	part_of(part, KEK_MEMORY_MAX_KIB, 1);
	assert_int_equal(getrlimit(RLIMIT_AS, &was), 0);
	tight = was;
	tight.rlim_cur = 512 << 20;
	assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
	rc = kek_open(k, KEK_PASSPHRASE, part, 24, "keys", &why);
	assert_int_equal(setrlimit(RLIMIT_AS, &was), 0);
	assert_int_equal(rc, -ENOMEM);
	assert_non_null(strstr(why.s, "1048576 KiB"));
	kek_destroy(k);
}

/* Each new one has a salt of its own; what it is made of opens it again. */
static void test_draw(void **state)
{
	uint8_t part[2][KEK_PART_MAX], key[KEK_BYTES];
	struct kek *k = file_kek(), *again = file_kek();
	const uint8_t *now;
	size_t len, i;

	spill(secret, sizeof secret - 1);
	for (i = 0; i < 2; i++) {
		assert_int_equal(kek_draw(k, "keys", &why), 0);
		now = kek_part(k, &len);
		assert_int_equal(len, 24);
		memcpy(part[i], now, len);
		memcpy(key, kek_key(k), KEK_BYTES);
		assert_int_equal(kek_open(again, KEK_PASSPHRASE, part[i], len, "keys", &why), 0);
		assert_memory_equal(kek_key(again), key, KEK_BYTES);
	}
	assert_memory_not_equal(part[0] + 8, part[1] + 8, 16);
	kek_destroy(k);
	kek_destroy(again);
}

/* Costs that nobody named are those that docs/keys.md promises. */
static void test_usual_costs(void **state)
{
	const struct kek_spec spec = {.source = KEK_PASSPHRASE, .from = path};
	struct kek *k = kek_create(&spec);
	uint32_t costs[2];
	size_t len;

	spill(secret, sizeof secret - 1);
	assert_int_equal(kek_draw(k, "keys", &why), 0);
	memcpy(costs, kek_part(k, &len), sizeof costs);
	assert_int_equal(costs[0], 64 << 10);
	assert_int_equal(costs[1], 4);
	kek_destroy(k);
}

static void test_remembered(void **state)
{
	struct kek *k = file_kek();
	uint8_t part[24], key[KEK_BYTES];

	spill(secret, sizeof secret - 1);
	part_of(part, 8, 1);
	assert_int_equal(kek_open(k, KEK_PASSPHRASE, part, 24, "keys", &why), 0);
	memcpy(key, kek_key(k), KEK_BYTES);
	unlink(path); /* nobody is asked again */
	assert_int_equal(kek_open(k, KEK_PASSPHRASE, part, 24, "keys", &why), 0);
	assert_memory_equal(kek_key(k), key, KEK_BYTES);
	/* another source than was said, and none remembered for it */
	assert_int_equal(kek_open(k, KEK_PLAIN, part, 0, "keys", &why), -EKEYREJECTED);
	assert_non_null(strstr(why.s, "--kek says passphrase"));
	assert_int_equal(kek_open(k, KEK_TPM, part, 24, "keys", &why), -EKEYREJECTED);
	kek_freeze(k);
	assert_int_equal(kek_open(k, KEK_PASSPHRASE, part, 24, "keys", &why), 0);
	spill(secret, sizeof secret - 1);
	part[8] ^= 1; /* sealed anew: another salt */
	assert_int_equal(kek_open(k, KEK_PASSPHRASE, part, 24, "keys", &why), -EPERM);
	assert_non_null(strstr(why.s, "restart"));
	part[8] ^= 1;
	assert_int_equal(kek_open(k, KEK_PASSPHRASE, part, 24, "keys", &why), 0);
	kek_forget(k);
	assert_true(sodium_is_zero(kek_key(k), KEK_BYTES));
	assert_int_equal(kek_open(k, KEK_PASSPHRASE, part, 24, "keys", &why), -EPERM);
	kek_destroy(k);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		CASE(test_file),
		CASE(test_fd_and_credential),
		CASE(test_prompt),
		CASE(test_passphrase_key),
		CASE(test_bounds),
		CASE(test_no_memory),
		CASE(test_draw),
		CASE(test_usual_costs),
		CASE(test_remembered),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
