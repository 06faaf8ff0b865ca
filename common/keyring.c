/* SPDX-License-Identifier: BSD-3-Clause */
#include "keyring.h"

#include "cursor.h"

#include <sodium.h>

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char magic[] = "hedb keyring v1\n";

enum {
	MAGIC_BYTES = sizeof magic - 1,
	HEAD_BYTES = 40,
	ENTRY_BYTES = 48,
	SUM_BYTES = 32,
	FILE_MIN = HEAD_BYTES + ENTRY_BYTES + SUM_BYTES,
	FILE_MAX = HEAD_BYTES + ENTRY_BYTES * KEYRING_KEYS_MAX + SUM_BYTES,
};

_Static_assert(MAGIC_BYTES == 16, "magic");

struct data_key {
	uint8_t key[KEYRING_KEY_BYTES];
	uint64_t created_s;
	uint16_t id;
};

/* Allocated by sodium_malloc(): locked, left out of core dumps, between guard pages. */
struct keyring {
	uint8_t hash_key[KEYRING_HASH_KEY_BYTES];
	size_t nkeys;
	uint16_t current;
	struct data_key keys[KEYRING_KEYS_MAX]; /* ids ascending */
};

_Static_assert(sizeof(struct keyring) % 16 == 0, "sodium_malloc aligns the end");

/* ---- bytes ---- */

static size_t keyring_encode(const struct keyring *k, uint8_t out[FILE_MAX])
{
	struct writer w = writer_of(out, FILE_MAX);
	size_t i, len;

	writer_bytes(&w, magic, MAGIC_BYTES);
	writer_u16(&w, (uint16_t)k->nkeys);
	writer_u16(&w, k->current);
	writer_u32(&w, 0);
	writer_bytes(&w, k->hash_key, sizeof k->hash_key);
	for (i = 0; i < k->nkeys; i++) {
		writer_u16(&w, k->keys[i].id);
		writer_u16(&w, 0);
		writer_u32(&w, 0);
		writer_u64(&w, k->keys[i].created_s);
		writer_bytes(&w, k->keys[i].key, KEYRING_KEY_BYTES);
	}
	len = FILE_MAX - w.left;
	crypto_generichash(w.p, SUM_BYTES, out, len, NULL, 0);
	return len + SUM_BYTES;
}

static int entry_decode(struct cursor *c, struct data_key *d, uint16_t id_before)
{
	const uint8_t *key;
	uint64_t zero;

	d->id = cursor_u16(c);
	zero = cursor_u16(c);
	zero |= cursor_u32(c);
	d->created_s = cursor_u64(c);
	key = cursor_bytes(c, KEYRING_KEY_BYTES);
	/* Ascending from above 0: no id twice, and none is 0. */
	if (!key || zero != 0 || d->id <= id_before)
		return -EBADMSG;
	memcpy(d->key, key, KEYRING_KEY_BYTES);
	return 0;
}

static int keyring_decode(struct keyring *k, const uint8_t *in, size_t len)
{
	struct cursor c = cursor_of(in, len);
	const uint8_t *at;
	uint8_t sum[SUM_BYTES];
	size_t i;

	at = cursor_bytes(&c, MAGIC_BYTES);
	if (!at || memcmp(at, magic, MAGIC_BYTES) != 0)
		return -EMEDIUMTYPE;
	k->nkeys = cursor_u16(&c);
	k->current = cursor_u16(&c);
	if (cursor_u32(&c) != 0 || k->nkeys < 1 || k->nkeys > KEYRING_KEYS_MAX ||
		len != HEAD_BYTES + ENTRY_BYTES * k->nkeys + SUM_BYTES)
		return -EBADMSG;
	crypto_generichash(sum, sizeof sum, in, len - SUM_BYTES, NULL, 0);
	if (sodium_memcmp(sum, in + len - SUM_BYTES, SUM_BYTES) != 0)
		return -EBADMSG;
	at = cursor_bytes(&c, sizeof k->hash_key);
	if (!at)
		return -EBADMSG;
	memcpy(k->hash_key, at, sizeof k->hash_key);
	for (i = 0; i < k->nkeys; i++)
		if (entry_decode(&c, &k->keys[i], i ? k->keys[i - 1].id : 0) != 0)
			return -EBADMSG;
	return keyring_data_key(k, k->current) ? 0 : -EBADMSG;
}

/* ---- files ---- */

static int fail(struct err_text *why, int rc, const char *doing, const char *path)
{
	err_set(why, "cannot %s keyring %s: %s", doing, path, strerror(-rc));
	return rc;
}

/* The directory's entry is part of what must survive a power failure.
 * keyring_temp_name() bounded the path. */
static int dir_sync(const char *path)
{
	char copy[PATH_MAX];
	int fd, rc;

	snprintf(copy, sizeof copy, "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fsync(fd) == 0 ? 0 : -errno;
	close(fd);
	return rc;
}

static int file_write(int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

static struct keyring *keyring_alloc(void)
{
	struct keyring *k = NULL;

	if (sodium_init() >= 0)
		k = sodium_malloc(sizeof *k);
	if (k)
		memset(k, 0, sizeof *k);
	return k;
}

static int keyring_missing(struct err_text *why, const char *path)
{
	err_set(why, "there is no keyring %s: make one with `hedbctl key create %s`", path,
		path);
	return -ENOENT;
}

/* Opens and checks what can be checked before reading. Returns the fd or -errno. */
static int keyring_open(const char *path, struct err_text *why)
{
	struct stat st;
	/* O_NONBLOCK: a FIFO in its place must not hang the start. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ENOENT)
		return keyring_missing(why, path);
	if (fd < 0)
		return fail(why, -errno, "read", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		err_set(why, "%s is not a regular file, so it is not a keyring", path);
		close(fd);
		return -EMEDIUMTYPE;
	}
	if (st.st_mode & 077) {
		err_set(why, "keyring %s is open to others (mode %04o): run `chmod 600 %s`",
			path, (unsigned)(st.st_mode & 07777), path);
		close(fd);
		return -EACCES;
	}
	return fd;
}

/* The file's length, or -errno; one byte more than FILE_MAX means too long. */
static ssize_t file_read(int fd, uint8_t *buf, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, buf + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int keyring_load(struct keyring **out, const char *path, struct err_text *why)
{
	struct keyring *k = NULL;
	uint8_t *buf = NULL;
	ssize_t len;
	int fd, rc;

	fd = keyring_open(path, why);
	if (fd < 0)
		return fd;
	k = keyring_alloc();
	if (k)
		buf = sodium_malloc(FILE_MAX + 1);
	if (!buf) {
		rc = fail(why, -ENOMEM, "read", path);
		goto out;
	}
	len = file_read(fd, buf, FILE_MAX + 1);
	if (len < 0) {
		rc = fail(why, (int)len, "read", path);
		goto out;
	}
	rc = keyring_decode(k, buf, (size_t)len);
	if (rc == -EMEDIUMTYPE)
		err_set(why, "%s is not a keyring of version 1", path);
	else if (rc != 0)
		err_set(why, "keyring %s is damaged (%zd bytes): restore it from its backup",
			path, len);
out:
	close(fd);
	sodium_free(buf);
	if (rc != 0) {
		keyring_destroy(k);
		return rc;
	}
	sodium_mprotect_readonly(k);
	*out = k;
	return 0;
}

/* `path`.new, which also keeps every later copy of `path` within PATH_MAX. */
static int keyring_temp_name(char temp[PATH_MAX], const char *path)
{
	int n = snprintf(temp, PATH_MAX, "%s.new", path);

	return n > 0 && n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Creates `temp`, which is also taking the lock. Returns the fd or -errno. */
static int temp_open(const char *temp, struct err_text *why)
{
	int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = -errno;

	if (fd >= 0)
		return fd;
	if (rc == -EEXIST)
		err_set(
			why, "%s exists: remove it if no other change of the keyring runs", temp);
	else
		err_set(why, "cannot create %s: %s", temp, strerror(-rc));
	return rc;
}

static int keyring_write(const struct keyring *k, int fd)
{
	uint8_t *buf = sodium_malloc(FILE_MAX);
	int rc;

	if (!buf)
		return -ENOMEM;
	rc = file_write(fd, buf, keyring_encode(k, buf));
	sodium_free(buf);
	return rc;
}

/* Caller checked that there is room and that `id` is above all others. */
static void keyring_draw_key(struct keyring *k, uint16_t id)
{
	struct data_key *d = &k->keys[k->nkeys++];

	randombytes_buf(d->key, sizeof d->key);
	d->created_s = (uint64_t)time(NULL);
	d->id = id;
	k->current = id;
}

int keyring_create_file(const char *path, struct err_text *why)
{
	char temp[PATH_MAX];
	struct keyring *k;
	struct stat st;
	int fd, rc;

	rc = keyring_temp_name(temp, path);
	if (rc != 0)
		return fail(why, rc, "create", path);
	if (lstat(path, &st) == 0) {
		err_set(why, "%s exists and is not overwritten: choose another name", path);
		return -EEXIST;
	}
	fd = temp_open(temp, why);
	if (fd < 0)
		return fd;
	k = keyring_alloc();
	rc = -ENOMEM;
	if (k) {
		randombytes_buf(k->hash_key, sizeof k->hash_key);
		keyring_draw_key(k, 1);
		rc = keyring_write(k, fd);
	}
	/* link() and not rename(): it fails when somebody made `path` meanwhile. */
	if (rc == 0 && link(temp, path) != 0)
		rc = -errno;
	unlink(temp);
	close(fd);
	keyring_destroy(k);
	if (rc == 0)
		rc = dir_sync(path);
	return rc == 0 ? 0 : fail(why, rc, "create", path);
}

/* Adds a key to what `path` holds now and writes it to fd. Caller holds the lock. */
static int keyring_rewrite(const char *path, int fd, uint16_t *id, struct err_text *why)
{
	struct keyring *k;
	struct stat st;
	uint16_t last;
	int rc;

	rc = keyring_load(&k, path, why);
	if (rc != 0)
		return rc;
	last = k->keys[k->nkeys - 1].id;
	if (k->nkeys == KEYRING_KEYS_MAX || last == UINT16_MAX) {
		err_set(why, "keyring %s is full: it holds %zu keys, the last id is %u", path,
			k->nkeys, (unsigned)last);
		rc = -EMSGSIZE;
		goto out;
	}
	sodium_mprotect_readwrite(k);
	*id = (uint16_t)(last + 1);
	keyring_draw_key(k, *id);
	/* A change by root must not lock out the user that the server runs as. */
	if (stat(path, &st) != 0 || ((st.st_uid != geteuid() || st.st_gid != getegid()) &&
									fchown(fd, st.st_uid, st.st_gid) != 0))
		rc = fail(why, -errno, "keep the owner of", path);
	else if ((rc = keyring_write(k, fd)) != 0)
		fail(why, rc, "change", path);
out:
	keyring_destroy(k);
	return rc;
}

int keyring_add_key(const char *path, uint16_t *id, struct err_text *why)
{
	char real[PATH_MAX], temp[PATH_MAX];
	uint16_t new_id;
	int fd, rc;

	/* The file itself is replaced, not a link that leads to it. */
	if (!realpath(path, real))
		return errno == ENOENT ? keyring_missing(why, path)
							   : fail(why, -errno, "change", path);
	rc = keyring_temp_name(temp, real);
	if (rc != 0)
		return fail(why, rc, "change", path);
	fd = temp_open(temp, why);
	if (fd < 0)
		return fd;
	/* Loaded under the lock: else another writer's key could be lost. */
	rc = keyring_rewrite(real, fd, &new_id, why);
	if (rc == 0 && rename(temp, real) != 0)
		rc = fail(why, -errno, "change", path);
	if (rc != 0)
		unlink(temp);
	close(fd);
	if (rc != 0)
		return rc;
	if (id)
		*id = new_id;
	rc = dir_sync(real);
	return rc == 0 ? 0 : fail(why, rc, "change", path);
}

void keyring_destroy(struct keyring *k)
{
	sodium_free(k); /* wipes */
}

/* ---- questions ---- */

uint16_t keyring_current(const struct keyring *k)
{
	return k->current;
}

const uint8_t *keyring_data_key(const struct keyring *k, uint16_t id)
{
	size_t lo = 0, hi = k->nkeys;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->keys[mid].id == id)
			return k->keys[mid].key;
		if (k->keys[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

void keyring_list(const struct keyring *k,
	void (*each)(void *arg, uint16_t id, uint64_t created_s, bool current), void *arg)
{
	size_t i;

	for (i = 0; i < k->nkeys; i++)
		each(arg, k->keys[i].id, k->keys[i].created_s, k->keys[i].id == k->current);
}

void keyring_prf(uint8_t out[KEYRING_PRF_BYTES], const struct keyring *k, const void *in,
	size_t n)
{
	_Static_assert(KEYRING_PRF_BYTES == crypto_shorthash_siphashx24_BYTES, "");
	crypto_shorthash_siphashx24(out, in, n, k->hash_key);
}
