/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_keyfile.c - scope: common/keyfile.h: the file's life, plain and under a passphrase,
 * its permissions, damage at every bit and every length, a full disk, interrupted and
 * concurrent changes, version 1, and what the functions say to the user. What is in the
 * file is in test_keyring.c, where its key comes from in test_kek.c, values across a
 * rotation in test_value.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../keyrig.h"
#include "../rig.h"
#include "../syncrig.h"

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

enum { PLAIN = KEYFILE_HEAD_BYTES + KEYRING_HEAD_BYTES + KEYRING_ENTRY_BYTES + KEYFILE_TAG_BYTES };

static char dir[64], path[80], temp[80], pass[80];

static int setup(void **state)
{
	strcpy(dir, "/tmp/test_keyring.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/keys", dir);
	snprintf(temp, sizeof temp, "%s/keys.new", dir);
	snprintf(pass, sizeof pass, "%s/pass", dir);
	return 0;
}

/* The directory must hold nothing that a test did not ask for. */
static int teardown(void **state)
{
	unlink(path);
	unlink(pass);
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

static void count_key(void *arg, const struct key_info *key)
{
	struct listed *l = arg;

	assert_true(key->id > l->last);
	assert_in_range(key->created_s, time(NULL) - 100, time(NULL));
	assert_in_range(key->changed_s, key->created_s, time(NULL));
	l->n++;
	l->last = key->id;
	if (key->state == KEY_ACTIVE)
		l->current = key->id;
	else
		assert_int_equal(key->state, KEY_RETIRED);
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

	assert_int_equal(keyfile_create(path, NULL, &why), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, PLAIN);
	assert_int_equal(keyfile_load(&old, path, NULL, &why), 0);
	assert_int_equal(keyring_active(old), 1);
	assert_non_null(keyring_data_key(old, 1));
	assert_null(keyring_data_key(old, 0));
	assert_null(keyring_data_key(old, 2));
	memcpy(key1, keyring_data_key(old, 1), 32);
	assert_false(sodium_is_zero(key1, 32));

	assert_int_equal(keyrig_rotate(path, &id, &why), 0);
	assert_int_equal(id, 2);
	assert_int_equal(keyrig_rotate(path, NULL, NULL), 0);
	assert_int_equal(keyfile_load(&k, path, NULL, &why), 0);
	assert_int_equal(keyring_active(k), 3);
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

static void test_missing(void **state)
{
	struct keyring *k = NULL;
	struct err_text why = {""};
	uint16_t id;

	assert_int_equal(keyfile_load(&k, path, NULL, &why), -ENOENT);
	assert_non_null(strstr(why.s, "hedbctl key create"));
	assert_non_null(strstr(why.s, path));
	memset(&why, 0, sizeof why);
	assert_int_equal(keyrig_rotate(path, &id, &why), -ENOENT);
	assert_non_null(strstr(why.s, "hedbctl key create"));
	assert_null(k);
	assert_int_equal(keyfile_create("/nonexistent/dir/keys", NULL, &why), -ENOENT);
	assert_non_null(strstr(why.s, "/nonexistent/dir/keys"));
}

static void test_permissions(void **state)
{
	static const mode_t open_modes[] = {0640, 0604, 0660, 0644, 0610, 0601, 0620, 0777};
	struct keyring *k = NULL;
	struct err_text why;
	size_t i;

	assert_int_equal(keyfile_create(path, NULL, NULL), 0);
	for (i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
		memset(&why, 0, sizeof why);
		assert_int_equal(chmod(path, open_modes[i]), 0);
		assert_int_equal(keyfile_load(&k, path, NULL, &why), -EACCES);
		assert_non_null(strstr(why.s, "chmod 600"));
		assert_int_equal(keyrig_rotate(path, NULL, &why), -EACCES);
	}
	assert_null(k);
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(keyfile_load(&k, path, NULL, &why), 0);
	keyring_destroy(k);
}

static void test_not_a_file(void **state)
{
	struct keyring *k = NULL;
	struct err_text why;

	assert_int_equal(keyfile_load(&k, dir, NULL, &why), -EMEDIUMTYPE);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(keyfile_load(&k, path, NULL, &why), -EMEDIUMTYPE);
	unlink(path);
	spill((const uint8_t *)"hedb keyring v5\nwhatever follows", 32);
	assert_int_equal(keyfile_load(&k, path, NULL, &why), -EMEDIUMTYPE);
	assert_null(k);
}

/* Every bit and every length of the file, as it is now. `tampered`: what may be said of a
 * changed bit besides -EBADMSG. */
static void damage(struct kek *kek, int tampered)
{
	static uint8_t good[2048], bad[2049];
	struct keyring *k = NULL;
	struct err_text why;
	size_t n = slurp(good, sizeof good), i;
	int rc;

	for (i = 0; i < 8 * n; i++) {
		memcpy(bad, good, n);
		bad[i / 8] ^= (uint8_t)(1 << i % 8);
		memset(&why, 0, sizeof why);
		rc = keyfile_decode(&k, bad, n, kek, "it", &why);
		if (i / 8 < 16) /* or that of another version */
			assert_int_equal(rc, bad[14] >= '1' && bad[14] <= '3' && bad[14] != good[14] ? -EBADMSG
				: -EMEDIUMTYPE);
		else if (rc != tampered)
			assert_int_equal(rc, -EBADMSG);
		assert_true(strlen(why.s) > 10);
	}
	for (i = 0; i < n; i++) {
		rc = keyfile_decode(&k, good, i, kek, "it", NULL);
		assert_int_equal(rc, i < 16 ? -EMEDIUMTYPE : -EBADMSG);
	}
	memcpy(bad, good, n);
	bad[n] = 0;
	assert_int_equal(keyfile_decode(&k, bad, n + 1, kek, "it", &why), -EBADMSG);
	assert_null(k);
	assert_int_equal(keyfile_decode(&k, good, n, kek, "it", &why), 0);
	keyring_destroy(k);
}

static void test_damage(void **state)
{
	uint8_t bad[1024];
	struct keyring *k = NULL;
	struct err_text why;
	size_t n;

	assert_int_equal(keyfile_create(path, NULL, NULL), 0);
	assert_int_equal(keyrig_rotate(path, NULL, NULL), 0);
	n = slurp(bad, sizeof bad);
	assert_int_equal(n, PLAIN + KEYRING_ENTRY_BYTES);
	/* a source that is none of these, or the check of another key */
	damage(NULL, -EKEYREJECTED);
	/* what is damaged is not changed either */
	bad[n - 1] ^= 1;
	spill(bad, n);
	assert_int_equal(keyfile_load(&k, path, NULL, &why), -EBADMSG);
	assert_non_null(strstr(why.s, "damaged"));
	assert_int_equal(keyrig_rotate(path, NULL, &why), -EBADMSG);
	assert_null(k);
}

static struct kek *passphrase_kek(const char *text)
{
	const struct kek_spec spec = {KEK_PASSPHRASE, pass, KEK_MEMORY_MIN_KIB, 1};
	int fd = open(pass, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct kek *kek = kek_create(&spec);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_non_null(kek);
	return kek;
}

static void test_sealed(void **state)
{
	static const uint8_t label[] = {2, 0, 0, 0, 0, 0, 0, 0};
	struct kek *kek = passphrase_kek("correct horse battery"), *wrong;
	uint8_t key2[32], file[1024];
	struct keyring *k = NULL;
	struct err_text why = {""};
	size_t n;
	uint16_t id = 0;

	assert_int_equal(keyfile_create(path, kek, NULL), 0);
	assert_int_equal(keyfile_change(path, kek, keyrig_change_rotate, &id, NULL), 0);
	kek_destroy(kek);
	kek = passphrase_kek("correct horse battery\n"); /* a line feed at the end is none of it */
	assert_int_equal(keyfile_load(&k, path, kek, &why), 0);
	assert_int_equal(keyring_active(k), 2);
	memcpy(key2, keyring_data_key(k, 2), 32);
	keyring_destroy(k);
	k = NULL;
	/* neither keys nor how many there are can be read in it */
	n = slurp(file, sizeof file);
	assert_null(memmem(file, n, key2, 16));
	assert_null(memmem(file, n, label, sizeof label));
	/* other keys than that, or none */
	wrong = passphrase_kek("incorrect horse battery");
	assert_int_equal(keyfile_load(&k, path, wrong, &why), -EKEYREJECTED);
	assert_non_null(strstr(why.s, "wrong passphrase"));
	assert_int_equal(keyfile_change(path, wrong, keyrig_change_rotate, &id, &why), -EKEYREJECTED);
	assert_int_equal(keyfile_load(&k, path, NULL, &why), -EKEYREJECTED);
	assert_non_null(strstr(why.s, "sealed under a passphrase"));
	assert_null(k);
	kek_destroy(wrong);
	assert_int_equal(slurp(file, sizeof file), n);
	/* The kek remembers its key: damage is found without the passphrase. A header that is
	 * changed asks for it, so that has to be there. */
	kek_destroy(kek);
	kek = passphrase_kek("correct horse battery");
	damage(kek, -EKEYREJECTED);
	kek_destroy(kek);
}

/* The same keys under another passphrase, and under none. */
static void test_seal_anew(void **state)
{
	static const struct kek_spec plain = {.source = KEK_PLAIN};
	struct kek *one, *two, *none = kek_create(&plain);
	uint8_t key1[32], before[1024], after[1024];
	struct keyring *k;
	struct err_text why;
	size_t n;

	assert_int_equal(keyfile_create(path, NULL, NULL), 0);
	assert_int_equal(keyfile_load(&k, path, NULL, NULL), 0);
	memcpy(key1, keyring_data_key(k, 1), 32);
	keyring_destroy(k);
	one = passphrase_kek("the first of them");
	assert_int_equal(keyfile_seal(path, none, one, &why), 0);
	kek_destroy(one);
	one = passphrase_kek("the first of them");
	assert_int_equal(keyfile_load(&k, path, one, &why), 0); /* before pass has another */
	keyring_destroy(k);
	two = passphrase_kek("the second one");
	assert_int_equal(keyfile_seal(path, one, two, &why), 0);
	assert_int_equal(keyfile_load(&k, path, two, &why), 0);
	assert_memory_equal(keyring_data_key(k, 1), key1, 32);
	keyring_destroy(k);
	/* The first one opens it no more; and a new passphrase that is too short changes
	 * nothing. */
	assert_int_equal(keyfile_load(&k, path, one, &why), 0);
	keyring_destroy(k);
	kek_destroy(one);
	one = passphrase_kek("the first of them");
	assert_int_equal(keyfile_load(&k, path, one, &why), -EKEYREJECTED);
	kek_destroy(one);
	n = slurp(before, sizeof before);
	one = passphrase_kek("short");
	assert_int_equal(keyfile_seal(path, two, one, &why), -EINVAL);
	assert_int_equal(slurp(after, sizeof after), n);
	assert_memory_equal(before, after, n);
	assert_int_equal(access(temp, F_OK), -1);
	assert_int_equal(keyfile_seal(path, two, none, &why), 0);
	assert_int_equal(keyfile_load(&k, path, NULL, &why), 0);
	assert_memory_equal(keyring_data_key(k, 1), key1, 32);
	keyring_destroy(k);
	/* Who says that it must be sealed does not take one that is not. */
	kek_destroy(two);
	two = passphrase_kek("the second one");
	assert_int_equal(keyfile_load(&k, path, two, &why), -EKEYREJECTED);
	assert_non_null(strstr(why.s, "not sealed"));
	kek_destroy(one);
	kek_destroy(two);
	kek_destroy(none);
}

/* A file of version 1, and what becomes of it. */
static void test_version_1(void **state)
{
	uint8_t file[40 + 2 * 48 + 32] = "hedb keyring v1\n";
	struct keyring *k;
	struct err_text why;
	uint16_t id;
	size_t i;

	file[16] = 2;                      /* keys */
	file[18] = 3;                      /* id of the active one */
	memset(file + 24, 'h', 16);        /* hash key */
	file[40] = 3;
	memset(file + 40 + 16, 'a', 32);
	file[88] = 7;
	memset(file + 88 + 16, 'b', 32);
	crypto_generichash(file + sizeof file - 32, 32, file, sizeof file - 32, NULL, 0);
	spill(file, sizeof file);
	assert_int_equal(keyfile_load(&k, path, NULL, &why), 0);
	assert_int_equal(keyring_active(k), 3);
	assert_int_equal(keyring_info(k, 7).state, KEY_RETIRED);
	assert_memory_equal(keyring_data_key(k, 3), file + 56, 32);
	assert_memory_equal(keyring_data_key(k, 7), file + 104, 32);
	keyring_destroy(k);
	damage(NULL, -EBADMSG);
	/* a right checksum does not make nonsense acceptable */
	for (i = 16; i < 48; i++) {
		uint8_t bad[sizeof file];
		int rc;

		memcpy(bad, file, sizeof file);
		bad[i] ^= 0x40;
		crypto_generichash(bad + sizeof bad - 32, 32, bad, sizeof bad - 32, NULL, 0);
		rc = keyfile_decode(&k, bad, sizeof bad, NULL, "it", &why);
		if (rc == 0)
			keyring_destroy(k);
		assert_int_equal(rc, i >= 24 && i < 40 ? 0 : -EBADMSG);
	}
	assert_int_equal(keyrig_rotate(path, &id, &why), 0);
	assert_int_equal(id, 8);
	assert_int_equal(slurp(file, sizeof file), sizeof file);
	assert_memory_equal(file, "hedb keyring v2\n", 16);
	assert_int_equal(keyfile_load(&k, path, NULL, &why), 0);
	assert_int_equal(keyring_info(k, 3).state, KEY_RETIRED);
	assert_non_null(keyring_data_key(k, 7));
	keyring_destroy(k);
}

static int make_domain(void *arg, struct keyring *k, struct err_text *why)
{
	uint16_t id = 0;
	int rc = keyring_add_key(k, arg, &id, why);

	return rc ? rc : keyring_rotate(k, arg, &id, why);
}

/* Domains make it one of version 3, of which every bit counts as well. */
static void test_version_3(void **state)
{
	uint8_t file[512];
	struct keyring *k;
	struct err_text why;
	uint16_t id;

	unlink(path);
	assert_int_equal(keyfile_create(path, NULL, &why), 0);
	assert_int_equal(keyrig_rotate(path, NULL, &why), 0);
	slurp(file, sizeof file);
	assert_memory_equal(file, "hedb keyring v2\n", 16);
	assert_int_equal(keyfile_change(path, NULL, make_domain, "pay", &why), 0);
	slurp(file, sizeof file);
	assert_memory_equal(file, "hedb keyring v3\n", 16);
	damage(NULL, -EKEYREJECTED);
	assert_int_equal(keyrig_rotate(path, &id, &why), 0);
	assert_int_equal(id, 4);
	assert_int_equal(keyfile_load(&k, path, NULL, &why), 0);
	assert_int_equal(keyring_domain(k, "pay"), 1);
	assert_int_equal(keyring_active_in(k, 1), 3);
	assert_int_equal(keyring_active(k), 4);
	keyring_destroy(k);
	unlink(path);
}

static void test_no_overwrite(void **state)
{
	uint8_t before[512], after[512];
	struct err_text why;
	size_t n;

	assert_int_equal(keyfile_create(path, NULL, NULL), 0);
	n = slurp(before, sizeof before);
	assert_int_equal(keyfile_create(path, NULL, &why), -EEXIST);
	assert_int_equal(slurp(after, sizeof after), n);
	assert_memory_equal(before, after, n);
	/* nor through a dangling link */
	unlink(path);
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(keyfile_create(path, NULL, &why), -EEXIST);
}

static void test_interrupted(void **state)
{
	struct err_text why = {""};
	struct keyring *k;
	int fd;

	assert_int_equal(keyfile_create(path, NULL, NULL), 0);
	fd = open(temp, O_WRONLY | O_CREAT, 0600);
	close(fd);
	assert_int_equal(keyrig_rotate(path, NULL, &why), -EEXIST);
	assert_non_null(strstr(why.s, temp));
	assert_int_equal(access(temp, F_OK), 0);
	assert_int_equal(keyfile_load(&k, path, NULL, NULL), 0);
	keyring_destroy(k);
	unlink(path);
	assert_int_equal(keyfile_create(path, NULL, &why), -EEXIST);
	assert_int_equal(access(path, F_OK), -1);
	unlink(temp);
	assert_int_equal(keyrig_rotate(path, NULL, NULL), -ENOENT);
	assert_int_equal(keyfile_create(path, NULL, NULL), 0);
	assert_int_equal(keyrig_rotate(path, NULL, NULL), 0);
}

/* The file before its name, the directory behind it: else a power failure leaves half a file, or none. */
static void test_synced(void **state)
{
	sync_forget();
	assert_int_equal(keyfile_create(path, NULL, NULL), 0);
	assert_string_equal(sync_calls, "fld");
	sync_forget();
	assert_int_equal(keyrig_rotate(path, NULL, NULL), 0);
	assert_string_equal(sync_calls, "frd");
	sync_forget();
}

/* Who makes it after we have looked keeps it. */
static void make_it_first(void)
{
	spill((const uint8_t *)"mine", 4);
}

static void test_overtaken(void **state)
{
	uint8_t now[512];

	sync_before_link = make_it_first;
	assert_int_equal(keyfile_create(path, NULL, NULL), -EEXIST);
	sync_before_link = NULL;
	assert_int_equal(slurp(now, sizeof now), 4);
	assert_memory_equal(now, "mine", 4);
	assert_int_equal(access(temp, F_OK), -1);
}

/* As docs/keys.md has it, opened by other means; each time under another nonce. */
static void test_file_bytes(void **state)
{
	static const uint8_t no_key[32]; /* what a plain file is sealed under */
	uint8_t file[512], nonce[24] = {0}, plain[512];
	unsigned long long len;
	struct keyring *k;
	size_t n;
	int i;

	assert_int_equal(keyfile_create(path, NULL, NULL), 0);
	for (i = 0; i < 2; i++) {
		n = slurp(file, sizeof file);
		assert_memory_equal(file, "hedb keyring v2\n", 16);
		assert_memory_not_equal(file + 32, nonce, 24);
		memcpy(nonce, file + 32, 24);
		assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &len, NULL,
					 file + KEYFILE_HEAD_BYTES, n - KEYFILE_HEAD_BYTES, file, KEYFILE_HEAD_BYTES,
					 nonce, no_key), 0);
		assert_int_equal(keyfile_load(&k, path, NULL, NULL), 0);
		assert_int_equal(len, KEYRING_HEAD_BYTES + (size_t)(i + 1) * KEYRING_ENTRY_BYTES);
		assert_memory_equal(plain + KEYRING_HEAD_BYTES + 24, keyring_data_key(k, 1), 32);
		keyring_destroy(k);
		assert_int_equal(keyrig_rotate(path, NULL, NULL), 0);
	}
}

/* root changes the file of another user's server. */
static void test_owner(void **state)
{
	struct stat st;

	if (geteuid() != 0)
		skip();
	assert_int_equal(keyfile_create(path, NULL, NULL), 0);
	assert_int_equal(chown(path, 65534, 65533), 0);
	assert_int_equal(keyrig_rotate(path, NULL, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 65533);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static int write_to(void *key)
{
	signal(SIGSEGV, SIG_DFL);
	*(volatile uint8_t *)key ^= 1;
	return 0;
}

/* What goes astray in the program that has the keys does not change them. */
static void test_frozen(void **state)
{
	struct keyring *k, *loose = keyring_create();

	assert_int_equal(keyfile_create(path, NULL, NULL), 0);
	assert_int_equal(keyfile_load(&k, path, NULL, NULL), 0);
	assert_int_equal(rig_join(rig_spawn(write_to, (void *)keyring_data_key(loose, 1), 20)), 0);
	assert_int_equal(rig_join(rig_spawn(write_to, (void *)keyring_data_key(k, 1), 20)), 1000 + SIGSEGV);
	keyring_destroy(k);
	keyring_destroy(loose);
}

/* A file size limit stands in for the full disk: the write stops in the middle. */
static void test_full_disk(void **state)
{
	struct rlimit was, tight;
	uint8_t before[512], after[512];
	uint16_t id = 99;
	struct err_text why;
	size_t n;
	int rc;

	assert_int_equal(keyfile_create(path, NULL, NULL), 0);
	n = slurp(before, sizeof before);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	tight = was;
	signal(SIGXFSZ, SIG_IGN);
	for (tight.rlim_cur = 0; tight.rlim_cur < n + KEYRING_ENTRY_BYTES; tight.rlim_cur += 21) {
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
		rc = keyrig_rotate(path, &id, &why);
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
	rc = keyfile_create(path, NULL, &why);
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

	assert_int_equal(keyfile_create(path, NULL, NULL), 0);
	for (i = 0; i < 4; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			int done = 0, tries;

			for (tries = 0; tries < 50; tries++)
				done += keyrig_rotate(path, NULL, NULL) == 0;
			_exit(done);
		}
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFEXITED(status));
		added += WEXITSTATUS(status);
	}
	assert_true(added > 0);
	assert_int_equal(keyfile_load(&k, path, NULL, NULL), 0);
	assert_int_equal(keyring_active(k), 1 + added);
	keyring_destroy(k);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_life),
		CASE(test_missing),
		CASE(test_permissions),
		CASE(test_not_a_file),
		CASE(test_damage),
		CASE(test_sealed),
		CASE(test_seal_anew),
		CASE(test_version_1),
		CASE(test_version_3),
		CASE(test_no_overwrite),
		CASE(test_interrupted),
		CASE(test_full_disk),
		CASE(test_synced),
		CASE(test_overtaken),
		CASE(test_file_bytes),
		CASE(test_owner),
		CASE(test_frozen),
		CASE(test_concurrent),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
