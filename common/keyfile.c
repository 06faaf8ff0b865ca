/* SPDX-License-Identifier: BSD-3-Clause */
#include "keyfile.h"

#include "cursor.h"
#include "entropy.h"
#include "file.h"

#include <sodium.h>

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define aead(what) crypto_aead_xchacha20poly1305_ietf_##what

/* By version, from 1. */
static const char magic[][17] = {"hedb keyring v1\n", "hedb keyring v2\n", "hedb keyring v3\n",
	"hedb keyring v4\n"};

enum {
	MAGIC_BYTES = sizeof magic[0] - 1,
	V1_SUM_BYTES = 32,
};

_Static_assert(MAGIC_BYTES == 16, "magic");
_Static_assert(aead(NPUBBYTES) == 24 && aead(ABYTES) == KEYFILE_TAG_BYTES, "cipher");
_Static_assert(aead(KEYBYTES) == KEK_BYTES, "cipher");

static int fail(struct err_text *why, int rc, const char *doing, const char *path)
{
	err_set(why, "cannot %s keyring %s: %s", doing, path, strerror(-rc));
	return rc;
}

/* ---- bytes ---- */

static int damaged(struct err_text *why, const char *name, size_t len)
{
	err_set(why, "keyring %s is damaged (%zu bytes): restore it from its backup", name, len);
	return -EBADMSG;
}

static int decode_v1(struct keyring **out, const uint8_t *in, size_t len)
{
	uint8_t sum[V1_SUM_BYTES];

	if (len < MAGIC_BYTES + V1_SUM_BYTES)
		return -EBADMSG;
	crypto_generichash(sum, sizeof sum, in, len - V1_SUM_BYTES, NULL, 0);
	if (sodium_memcmp(sum, in + len - V1_SUM_BYTES, V1_SUM_BYTES) != 0)
		return -EBADMSG;
	return keyring_decode(out, 1, in + MAGIC_BYTES, len - MAGIC_BYTES - V1_SUM_BYTES);
}

/* What a file of version 2 or later says before the sealed bytes. */
struct head {
	const uint8_t *nonce, *check, *part, *sealed;
	size_t part_len, sealed_len; /* the second: with the tag */
	uint8_t source;
	int version;
};

/* Caller looked at the magic. */
static int head_parse(struct head *h, const uint8_t *in, size_t len)
{
	struct cursor c = cursor_of(in, len);
	const uint8_t *zero;
	uint32_t zero4;

	cursor_bytes(&c, MAGIC_BYTES);
	h->source = cursor_u8(&c);
	zero = cursor_bytes(&c, 3);
	h->part_len = cursor_u32(&c);
	h->sealed_len = (size_t)cursor_u32(&c) + KEYFILE_TAG_BYTES;
	zero4 = cursor_u32(&c);
	h->nonce = cursor_bytes(&c, aead(NPUBBYTES));
	h->check = cursor_bytes(&c, KEK_CHECK_BYTES);
	h->part = cursor_bytes(&c, h->part_len);
	h->sealed = cursor_bytes(&c, h->sealed_len);
	if (c.bad || c.left || !sodium_is_zero(zero, 3) || zero4 ||
		h->sealed_len > KEYRING_BYTES_MAX + KEYFILE_TAG_BYTES)
		return -EBADMSG;
	return 0;
}

static int wrong_key(const struct head *h, const char *name, struct err_text *why)
{
	err_set(why, h->source == KEK_PASSPHRASE ? "wrong passphrase for keyring %s"
											 : "keyring %s is sealed under another key", name);
	return -EKEYREJECTED;
}

/* The kek holds a key for this head. */
static int unseal(struct keyring **out, const struct head *h, const uint8_t *in,
	const struct kek *kek, const char *name, struct err_text *why)
{
	uint8_t check[KEK_CHECK_BYTES], *plain;
	unsigned long long len;
	int rc = -ENOMEM;

	kek_check(check, kek);
	if (sodium_memcmp(check, h->check, sizeof check) != 0)
		return wrong_key(h, name, why);
	plain = sodium_malloc(KEYRING_BYTES_MAX);
	if (!plain)
		return rc;
	rc = -EBADMSG;
	if (aead(decrypt)(plain, &len, NULL, h->sealed, h->sealed_len, in,
			(unsigned long long)(h->sealed - in), h->nonce, kek_key(kek)) == 0)
		rc = keyring_decode(out, h->version, plain, (size_t)len);
	sodium_free(plain);
	return rc;
}

static int decode_sealed(struct keyring **out, int version, const uint8_t *in, size_t len,
	struct kek *kek, const char *name, struct err_text *why)
{
	struct head h = {.version = version};
	int rc = head_parse(&h, in, len);

	if (rc == 0)
		rc = kek_open(kek, h.source, h.part, h.part_len, name, why);
	if (rc == 0) {
		rc = unseal(out, &h, in, kek, name, why);
		if (rc)
			kek_forget(kek);
	}
	return rc;
}

/* What the magic says; 0: it is none. */
static int version_of(const uint8_t *in, size_t len)
{
	int v = len < MAGIC_BYTES ? 0 : (int)(sizeof magic / sizeof magic[0]);

	while (v > 0 && memcmp(in, magic[v - 1], MAGIC_BYTES) != 0)
		v--;
	return v;
}

int keyfile_decode(struct keyring **out, const uint8_t *in, size_t len, struct kek *kek,
	const char *name, struct err_text *why)
{
	static const struct kek_spec none = {.source = KEK_PLAIN};
	struct err_text found = {""};
	struct kek *plain = kek ? NULL : kek_create(&none);
	int rc = -ENOMEM, version;

	if (!kek)
		kek = plain;
	if (!kek)
		return rc;
	version = version_of(in, len);
	if (version > 1) {
		rc = decode_sealed(out, version, in, len, kek, name, &found);
	} else if (version == 1) {
		rc = kek_open(kek, KEK_PLAIN, in, 0, name, &found);
		if (rc == 0)
			rc = decode_v1(out, in, len);
	} else {
		rc = -EMEDIUMTYPE;
		err_set(&found, "%s is not a keyring of version 1 .. 4", name);
	}
	if (rc == -EBADMSG && !found.s[0])
		rc = damaged(&found, name, len);
	if (rc && !found.s[0])
		fail(&found, rc, "read", name);
	if (rc)
		err_set(why, "%s", found.s);
	kek_destroy(plain);
	return rc;
}

/* Seals under the kek's key, with a nonce of its own. The length. */
static size_t encode(
	const struct keyring *k, const struct kek *kek, const uint8_t *plain, size_t n, uint8_t *out)
{
	struct writer w = writer_of(out, KEYFILE_BYTES_MAX);
	uint8_t nonce[aead(NPUBBYTES)], check[KEK_CHECK_BYTES];
	const uint8_t *part;
	size_t part_len, head;

	part = kek_part(kek, &part_len);
	entropy_fill(nonce, sizeof nonce);
	kek_check(check, kek);
	writer_bytes(&w, magic[keyring_version(k) - 1], MAGIC_BYTES);
	writer_u32(&w, kek_source(kek)); /* one byte, and three zeroes */
	writer_u32(&w, (uint32_t)part_len);
	writer_u32(&w, (uint32_t)n);
	writer_u32(&w, 0);
	writer_bytes(&w, nonce, sizeof nonce);
	writer_bytes(&w, check, sizeof check);
	writer_bytes(&w, part, part_len);
	head = KEYFILE_BYTES_MAX - w.left;
	aead(encrypt)(w.p, NULL, plain, n, out, head, NULL, nonce, kek_key(kek));
	return head + n + KEYFILE_TAG_BYTES;
}

/* ---- files ---- */

/* The directory's entry is part of what must survive a power failure.
 * temp_name() bounded the path. */
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

static int missing(struct err_text *why, const char *path)
{
	err_set(why, "there is no keyring %s: make one with `hedbctl key create %s`, or restore it: "
		"without its keys all values under them are lost", path, path);
	return -ENOENT;
}

/* Opens and checks what can be checked before reading. Returns the fd or -errno. */
static int file_open(const char *path, struct err_text *why)
{
	struct stat st;
	/* O_NONBLOCK: a FIFO in its place must not hang the start. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ENOENT)
		return missing(why, path);
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

/* The file's length, or -errno; one byte more than `cap` - 1 means too long. */
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

static int load(
	struct keyring **out, const char *path, struct kek *kek, struct err_text *why)
{
	uint8_t *buf;
	ssize_t len;
	int fd, rc;

	fd = file_open(path, why);
	if (fd < 0)
		return fd;
	buf = sodium_init() < 0 ? NULL : sodium_malloc(KEYFILE_BYTES_MAX + 1);
	len = buf ? file_read(fd, buf, KEYFILE_BYTES_MAX + 1) : -ENOMEM;
	rc = len < 0 ? fail(why, (int)len, "read", path)
				 : keyfile_decode(out, buf, (size_t)len, kek, path, why);
	close(fd);
	sodium_free(buf);
	return rc;
}

int keyfile_load(
	struct keyring **out, const char *path, struct kek *kek, struct err_text *why)
{
	int rc = load(out, path, kek, why);

	if (rc == 0)
		keyring_freeze(*out);
	return rc;
}

/* `path`.new, which also keeps every later copy of `path` within PATH_MAX. */
static int temp_name(char temp[PATH_MAX], const char *path)
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

static int keyring_write(const struct keyring *k, const struct kek *kek, int fd)
{
	uint8_t *plain = sodium_malloc(KEYRING_BYTES_MAX);
	uint8_t *buf = sodium_malloc(KEYFILE_BYTES_MAX);
	int rc = -ENOMEM;

	if (plain && buf)
		rc = file_write(fd, buf, encode(k, kek, plain, keyring_encode(k, plain), buf));
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	sodium_free(plain);
	sodium_free(buf);
	return rc;
}

/* In place at `path` if nothing is there. */
static int create(const char *path, struct kek *kek, struct err_text *why)
{
	char temp[PATH_MAX];
	struct keyring *k;
	struct stat st;
	int fd, rc;

	rc = temp_name(temp, path);
	if (rc != 0)
		return fail(why, rc, "create", path);
	if (lstat(path, &st) == 0) {
		err_set(why, "%s exists and is not overwritten: choose another name", path);
		return -EEXIST;
	}
	rc = kek_draw(kek, path, why);
	if (rc != 0)
		return rc;
	fd = temp_open(temp, why);
	if (fd < 0)
		return fd;
	k = keyring_create();
	rc = k ? keyring_write(k, kek, fd) : -ENOMEM;
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

int keyfile_create(const char *path, struct kek *kek, struct err_text *why)
{
	static const struct kek_spec none = {.source = KEK_PLAIN};
	struct kek *plain = kek ? NULL : kek_create(&none);
	int rc = kek || plain ? create(path, kek ? kek : plain, why) : -ENOMEM;

	kek_destroy(plain);
	return rc;
}

struct change {
	struct kek *from, *to; /* `to` draws a new key; NULL: `from` stays */
	int (*change)(void *arg, struct keyring *k, struct err_text *why);
	void *arg;
};

/* What `path` holds now, changed, to fd. Caller holds the lock. */
static int rewrite(const char *path, int fd, const struct change *c, struct err_text *why)
{
	struct keyring *k;
	struct stat st;
	int rc;

	rc = load(&k, path, c->from, why);
	if (rc != 0)
		return rc;
	if (c->change && (rc = c->change(c->arg, k, why)) != 0)
		goto out;
	/* A change by root must not lock out the user that the server runs as. */
	if (stat(path, &st) != 0 || ((st.st_uid != geteuid() || st.st_gid != getegid()) &&
									fchown(fd, st.st_uid, st.st_gid) != 0))
		rc = fail(why, -errno, "keep the owner of", path);
	else if ((rc = keyring_write(k, c->to ? c->to : c->from, fd)) != 0)
		fail(why, rc, "change", path);
out:
	keyring_destroy(k);
	return rc;
}

/* Whatever has to be asked for is asked for before the lock is taken: who gives up at a
 * prompt leaves nothing behind. */
static int ask_for_keys(const char *path, const struct change *c, struct err_text *why)
{
	struct keyring *k;
	int rc = load(&k, path, c->from, why);

	if (rc != 0)
		return rc;
	keyring_destroy(k);
	return c->to ? kek_draw(c->to, path, why) : 0;
}

static int replace(const char *path, const struct change *c, struct err_text *why)
{
	char real[PATH_MAX], temp[PATH_MAX];
	int fd, rc;

	/* The file itself is replaced, not a link that leads to it. */
	if (!realpath(path, real))
		return errno == ENOENT ? missing(why, path) : fail(why, -errno, "change", path);
	rc = temp_name(temp, real);
	if (rc != 0)
		return fail(why, rc, "change", path);
	rc = ask_for_keys(real, c, why);
	if (rc != 0)
		return rc;
	fd = temp_open(temp, why);
	if (fd < 0)
		return fd;
	/* Loaded under the lock: else another writer's key could be lost. */
	rc = rewrite(real, fd, c, why);
	if (rc == 0 && rename(temp, real) != 0)
		rc = fail(why, -errno, "change", path);
	if (rc != 0)
		unlink(temp);
	close(fd);
	if (rc != 0)
		return rc;
	rc = dir_sync(real);
	return rc == 0 ? 0 : fail(why, rc, "change", path);
}

int keyfile_change(const char *path, struct kek *kek,
	int (*change)(void *arg, struct keyring *k, struct err_text *why), void *arg,
	struct err_text *why)
{
	static const struct kek_spec none = {.source = KEK_PLAIN};
	struct kek *plain = kek ? NULL : kek_create(&none);
	const struct change c = {.from = kek ? kek : plain, .change = change, .arg = arg};
	int rc = c.from ? replace(path, &c, why) : -ENOMEM;

	kek_destroy(plain);
	return rc;
}

int keyfile_seal(
	const char *path, struct kek *from, struct kek *to, struct err_text *why)
{
	const struct change c = {.from = from, .to = to};

	return replace(path, &c, why);
}
