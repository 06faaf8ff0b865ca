/* SPDX-License-Identifier: BSD-3-Clause */
#include "mgr_journal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "entropy.h"
#include "file.h"
#include "hex.h"

static const char head[] = "cxl_sec_mgr journal 1\n";

enum { HEAD = sizeof head - 1, HEX = 2 * JOURNAL_MAC + 1 };

/* ---- a line ---- */

static void mac_of(uint8_t mac[JOURNAL_MAC], const struct journal *j, const char *line, size_t len)
{
	crypto_auth_hmacsha512256_state s;

	crypto_auth_hmacsha512256_init(&s, j->mac_key, JOURNAL_MAC);
	crypto_auth_hmacsha512256_update(&s, j->mac, JOURNAL_MAC);
	crypto_auth_hmacsha512256_update(&s, (const uint8_t *)line, len);
	crypto_auth_hmacsha512256_final(&s, mac);
	sodium_memzero(&s, sizeof s);
}

/* The line, its newline included; 0: too long. `mac`: what the chain goes on with. */
static size_t compose(const struct journal *j, char out[JOURNAL_LINE], uint64_t version,
	const char *who, const char *line, uint8_t mac[JOURNAL_MAC])
{
	char hex[HEX];
	int n = snprintf(out, JOURNAL_LINE, "%llu %lld %s %s", (unsigned long long)version,
		(long long)time(NULL), who, line);

	if (n <= 0 || n + 2 + HEX + 1 > JOURNAL_LINE)
		return 0;
	mac_of(mac, j, out, (size_t)n);
	sodium_bin2hex(hex, sizeof hex, mac, JOURNAL_MAC);
	return (size_t)n + (size_t)snprintf(out + n, JOURNAL_LINE - (size_t)n, " #%s\n", hex);
}

/* VERSION SECONDS WHO: past them, the line; NULL: they are not there. */
static const char *past_front(const char *line, uint64_t *version)
{
	char *end;
	int i;

	errno = 0;
	*version = strtoull(line, &end, 10);
	if (*line < '0' || *line > '9' || errno)
		return NULL;
	for (i = 0; i < 2; i++) {
		if (*end != ' ')
			return NULL;
		end += 1 + strcspn(end + 1, " ");
	}
	return *end == ' ' ? end + 1 : NULL;
}

/* One line without its newline; what is wrong, NULL: nothing. */
static const char *take(struct journal *j, struct table *t, const char *p, size_t len,
	struct err_text *e)
{
	char line[JOURNAL_LINE];
	char hex[HEX];
	uint8_t mac[JOURNAL_MAC];
	size_t n = len - (HEX - 1) - 2;
	uint64_t version;
	const char *change;

	if (len >= sizeof line || len < HEX + 1 || memcmp(p + n, " #", 2) != 0 || memchr(p, 0, len))
		return "is not a line of a journal";
	memcpy(line, p, len);
	line[len] = 0;
	mac_of(mac, j, line, n);
	sodium_bin2hex(hex, sizeof hex, mac, sizeof mac);
	if (sodium_memcmp(hex, line + n + 2, HEX - 1) != 0)
		return "was changed, or what came before it, or it is under another master key";
	line[n] = 0;
	change = past_front(line, &version);
	if (!change || version == 0 || (t->version && version != t->version + 1))
		return "has another version than the next";
	t->version = version - 1;
	if (table_apply(t, change, e))
		return "cannot be carried out";
	memcpy(j->mac, mac, sizeof mac);
	return NULL;
}

int64_t journal_read(struct journal *j, struct table *t, const char *bytes, size_t len,
	struct err_text *e)
{
	struct err_text why = {""};
	size_t at = 0, n;
	const char *end, *bad;
	unsigned line = 2;

	for (; at < len; at += n + 1, line++) {
		end = memchr(bytes + at, '\n', len - at);
		if (!end)
			break; /* it was never whole */
		n = (size_t)(end - bytes) - at;
		bad = take(j, t, bytes + at, n, &why);
		if (bad) {
			err_set(e, "journal: line %u %s%s%s", line, bad, why.s[0] ? ": " : "", why.s);
			return -EBADMSG;
		}
	}
	return (int64_t)at;
}

/* ---- files ---- */

static int kernel(struct err_text *e, const char *what)
{
	int rc = -errno;

	err_set(e, "%s: %s", what, strerror(-rc));
	return rc ? rc : -EIO;
}

static int write_master(int dir, const uint8_t master[TABLE_MASTER], struct err_text *e)
{
	char hex[2 * TABLE_MASTER + 2];
	int fd = openat(dir, "master.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return kernel(e, "master.new");
	sodium_bin2hex(hex, sizeof hex, master, TABLE_MASTER);
	hex[2 * TABLE_MASTER] = '\n';
	rc = file_write(fd, hex, 2 * TABLE_MASTER + 1);
	sodium_memzero(hex, sizeof hex);
	if (!rc && (fsync(fd) < 0 || renameat(dir, "master.new", dir, "master") < 0 || fsync(dir) < 0))
		rc = kernel(e, "master");
	close(fd);
	return rc;
}

static int read_master(int fd, uint8_t master[TABLE_MASTER], struct err_text *e)
{
	char hex[2 * TABLE_MASTER + 1];
	struct stat st;
	int rc = 0;

	if (fstat(fd, &st) < 0)
		return kernel(e, "master");
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		err_set(e, "master: others may read it; chmod 600");
		return -EACCES;
	}
	if (read(fd, hex, sizeof hex) != sizeof hex ||
		!hex_read(master, TABLE_MASTER, hex, 2 * TABLE_MASTER)) {
		err_set(e, "master: is not 64 hexadecimal digits");
		rc = -EINVAL;
	}
	sodium_memzero(hex, sizeof hex);
	return rc;
}

/* The master key; `fresh`: there is no journal either, so one may be drawn. */
static int have_master(struct journal *j, int dir, bool fresh, struct err_text *e)
{
	static const char label[] = "MAC of the journal";
	int fd = openat(dir, "master", O_RDONLY | O_CLOEXEC), rc;

	j->master = sodium_malloc(TABLE_MASTER);
	j->mac_key = sodium_malloc(JOURNAL_MAC);
	if (!j->master || !j->mac_key)
		return -ENOMEM;
	if (fd >= 0) {
		rc = read_master(fd, j->master, e);
		close(fd);
	} else if (errno == ENOENT && fresh) {
		entropy_fill(j->master, TABLE_MASTER);
		rc = write_master(dir, j->master, e);
	} else {
		rc = kernel(e, "master");
	}
	if (!rc)
		crypto_generichash(j->mac_key, JOURNAL_MAC, (const uint8_t *)label, sizeof label,
			j->master, TABLE_MASTER);
	return rc;
}

static int load(struct journal *j, struct table *t, struct err_text *e)
{
	struct stat st;
	char *bytes;
	int64_t n = -EINVAL;
	size_t len;

	if (fstat(j->fd, &st) < 0)
		return kernel(e, "journal");
	if (!S_ISREG(st.st_mode) || st.st_size > 2 * (int64_t)JOURNAL_BYTES_MAX) {
		err_set(e, "journal: no file of this kind");
		return -EINVAL;
	}
	len = (size_t)st.st_size;
	bytes = malloc(len + 1);
	if (!bytes)
		return -ENOMEM;
	if (pread(j->fd, bytes, len, 0) != (ssize_t)len)
		n = kernel(e, "journal");
	else if (len < HEAD ? memcmp(bytes, head, len) : memcmp(bytes, head, HEAD))
		err_set(e, "journal: is of something else");
	else if (len < HEAD)
		n = 0; /* it was just being begun */
	else
		n = journal_read(j, t, bytes + HEAD, len - HEAD, e);
	free(bytes);
	if (n < 0)
		return (int)n;
	j->len = len < HEAD ? 0 : HEAD + (uint64_t)n;
	j->cut = len - j->len;
	return 0;
}

/* As long as it is known to be. */
static int cut_back(struct journal *j)
{
	return ftruncate(j->fd, (off_t)j->len) == 0 && fdatasync(j->fd) == 0 ? 0 : -errno;
}

static int begin(struct journal *j)
{
	int rc = j->cut ? cut_back(j) : 0;

	if (!rc && j->len == 0) {
		rc = file_write(j->fd, head, HEAD);
		if (!rc && fdatasync(j->fd) < 0)
			rc = -errno;
		j->len = HEAD;
	}
	return rc;
}

/* ---- writing it anew ---- */

struct copy {
	struct journal *j;
	FILE *f;
	uint64_t version, lines;
};

static int count_line(void *arg, const char *line)
{
	((struct copy *)arg)->lines++;
	return 0;
}

static int copy_line(void *arg, const char *line)
{
	struct copy *c = arg;
	char out[JOURNAL_LINE];
	size_t n = compose(c->j, out, c->version++, "cxl_sec_mgr", line, c->j->mac);

	return n && fwrite(out, 1, n, c->f) == n ? 0 : -EIO;
}

/* To the new one, synced; its chain is j->mac then. */
static int write_copy(struct journal *j, const struct table *t, int fd)
{
	struct copy c = {.j = j, .f = fdopen(dup(fd), "w")};
	int rc = c.f ? 0 : -ENOMEM;

	if (!c.f)
		return rc;
	memset(j->mac, 0, sizeof j->mac);
	(void)table_each(t, count_line, &c);
	c.version = t->version + 1 - c.lines;
	if (fwrite(head, 1, HEAD, c.f) != HEAD)
		rc = -EIO;
	if (!rc)
		rc = table_each(t, copy_line, &c);
	if (fflush(c.f) || fsync(fd) < 0)
		rc = -EIO;
	j->len = (uint64_t)ftello(c.f);
	fclose(c.f);
	return rc;
}

/* What fails leaves the one that there is. */
static void compact(struct journal *j, const struct table *t, int dir)
{
	struct journal fresh = *j;
	struct copy c = {.lines = 0};
	int fd;

	(void)table_each(t, count_line, &c);
	if (j->len < JOURNAL_KEEP || j->len < c.lines * JOURNAL_LINE || c.lines == 0)
		return;
	fd = openat(dir, "journal.new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	fresh.fd = fd;
	if (write_copy(&fresh, t, fd) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
		renameat(dir, "journal.new", dir, "journal") == 0 && fsync(dir) == 0) {
		close(j->fd);
		*j = fresh;
		lseek(fd, 0, SEEK_END);
		return;
	}
	close(fd);
	unlinkat(dir, "journal.new", 0);
}

/* ---- life ---- */

static int open_in(struct journal *j, int dir, struct table *t, struct err_text *e)
{
	bool fresh;
	int rc;

	j->fd = openat(dir, "journal", O_RDWR | O_CLOEXEC);
	fresh = j->fd < 0 && errno == ENOENT;
	rc = have_master(j, dir, fresh, e);
	if (rc)
		return rc;
	if (fresh)
		j->fd = openat(dir, "journal", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (j->fd < 0)
		return kernel(e, "journal");
	if (flock(j->fd, LOCK_EX | LOCK_NB) < 0) {
		err_set(e, "another manager has this directory");
		return -EBUSY;
	}
	rc = load(j, t, e);
	if (rc)
		return rc;
	rc = begin(j);
	if (!rc && fresh && fsync(dir) < 0)
		rc = -errno;
	if (rc)
		err_set(e, "journal: %s", strerror(-rc));
	else
		compact(j, t, dir);
	return rc;
}

/* Who may write there puts a master of his own beside a journal of his own, and both are good. */
static int check_dir(int dir, const char *path, struct err_text *e)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return kernel(e, path);
	if (!(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	err_set(e, "%s: others may write there; chmod 700", path);
	return -EACCES;
}

int journal_open(struct journal *j, const char *path, struct table *t, struct err_text *e)
{
	int dir, rc;

	memset(j, 0, sizeof *j);
	j->fd = -1;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return kernel(e, path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return kernel(e, path);
	rc = check_dir(dir, path, e);
	if (!rc)
		rc = open_in(j, dir, t, e);
	close(dir);
	if (rc)
		journal_close(j);
	return rc;
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
	sodium_free(j->master);
	sodium_free(j->mac_key);
	j->master = j->mac_key = NULL;
}

/* ---- a change ---- */

int journal_change(struct journal *j, struct table *t, const char *who, const char *line,
	struct err_text *e)
{
	char out[JOURNAL_LINE];
	uint8_t mac[JOURNAL_MAC];
	size_t len = compose(j, out, t->version + 1, who, line, mac);
	int rc = table_try(t, line, e);

	if (rc)
		return rc;
	if (j->broken) {
		err_set(e, "the journal's disk failed; the manager has to be restarted");
		return -EIO;
	}
	if (!len || j->len + len > JOURNAL_BYTES_MAX) {
		err_set(e, "the journal is full; the manager has to be restarted, which shortens it");
		return -EFBIG;
	}
	rc = lseek(j->fd, (off_t)j->len, SEEK_SET) < 0 ? -errno : file_write(j->fd, out, len);
	if (!rc && fdatasync(j->fd) < 0) {
		j->broken = true; /* what a failed sync left, nobody knows */
		rc = -EIO;
	}
	if (rc) {
		j->broken |= cut_back(j) != 0;
		err_set(e, "nothing has changed: journal: %s", strerror(-rc));
		return rc;
	}
	rc = table_apply(t, line, e);
	if (rc)
		return rc; /* table_try() said it would not */
	j->len += len;
	memcpy(j->mac, mac, sizeof mac);
	return 0;
}
