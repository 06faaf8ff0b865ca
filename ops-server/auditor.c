/* SPDX-License-Identifier: BSD-3-Clause */
#include "auditor.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "log.h"
#include "sandbox.h"

enum { SIGN_SECONDS = 1 };

struct auditor {
	pthread_mutex_t lock; /* all of what follows */
	pthread_cond_t wake;
	pthread_t thread;
	bool started, stop;
	int dir, fd;
	uint8_t *secret; /* SIGNKEY_SECRET bytes of sodium_malloc */
	struct audit_chain chain;
	uint64_t signed_to; /* number of the last line that is a head */
	uint64_t segment, bytes, segment_max;
	struct policy_stamp policy;
	char rest[AUDIT_LINE]; /* of a line that the disk took a part of */
	size_t nrest;
	uint64_t lost;
	int failed; /* -errno of the last write; 0: it worked */
	bool unflushed;
};

/* ---- writing; all of it with the lock ---- */

static void fail(struct auditor *a, int rc)
{
	if (!a->failed)
		log_error("the audit log cannot be written (%s): no decryption, no change of keys or "
			  "policy until it can",
			strerror(-rc));
	a->failed = rc;
}

/* The rest of a line that is in the chain already. */
static int put_rest(struct auditor *a)
{
	ssize_t n;

	while (a->nrest) {
		n = write(a->fd, a->rest, a->nrest);
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		a->bytes += (uint64_t)n;
		a->nrest -= (size_t)n;
		memmove(a->rest, a->rest + n, a->nrest);
	}
	return 0;
}

/* One line. The chain moves only with a line of which something was written. */
static int put(struct auditor *a, const char *text)
{
	struct audit_chain next = a->chain;
	char line[AUDIT_LINE];
	int rc = put_rest(a);
	size_t len;
	ssize_t n;

	if (rc)
		return rc;
	len = audit_line(line, &next, (uint64_t)time(NULL), text);
	n = write(a->fd, line, len);
	if (n <= 0)
		return n < 0 ? -errno : -ENOSPC;
	a->chain = next;
	a->bytes += (uint64_t)n;
	a->unflushed = true;
	a->nrest = len - (size_t)n;
	memcpy(a->rest, line + n, a->nrest);
	return put_rest(a);
}

static int put_head(struct auditor *a)
{
	char text[AUDIT_TEXT];
	int rc;

	if (a->signed_to == a->chain.number)
		return 0;
	audit_head_text(text, &a->chain, a->secret);
	rc = put(a, text);
	if (!rc)
		a->signed_to = a->chain.number;
	return rc;
}

/* A new file, which the filter of system calls lets us make. */
static int open_segment(struct auditor *a, uint64_t segment)
{
	char name[AUDIT_NAME];
	int fd;

	audit_segment_name(name, segment);
	fd = openat(a->dir, name, SANDBOX_NEW_FILE, 0600);
	return fd < 0 ? -errno : fd;
}

static int begin_segment(struct auditor *a)
{
	char text[AUDIT_TEXT];
	int fd = open_segment(a, a->segment + 1), rc;

	if (fd < 0)
		return fd;
	if (a->fd >= 0)
		close(a->fd);
	a->fd = fd;
	a->segment++;
	a->bytes = 0;
	a->nrest = 0; /* half a line stays one, behind the lines that count */
	audit_begin_text(text, &a->chain, a->segment, &a->policy);
	rc = put(a, text);
	/* Its name as well, or lines that are on the disk are in no file. */
	return !rc && fsync(a->dir) < 0 ? -errno : rc;
}

static int rotate(struct auditor *a)
{
	int rc;

	if (a->bytes < a->segment_max || a->nrest)
		return 0;
	rc = put_head(a);
	if (!rc && fdatasync(a->fd) < 0)
		rc = -errno;
	return rc ? rc : begin_segment(a);
}

static int put_lost(struct auditor *a)
{
	char text[64];
	int rc;

	if (!a->lost)
		return 0;
	snprintf(text, sizeof text, "lost lines=%llu", (unsigned long long)a->lost);
	rc = put(a, text);
	if (!rc)
		a->lost = 0;
	return rc;
}

static int record(struct auditor *a, const char *text)
{
	uint64_t before = a->chain.number;
	int rc = put_rest(a);

	if (!rc)
		rc = rotate(a);
	if (!rc)
		rc = put_lost(a);
	if (!rc) {
		before = a->chain.number;
		rc = put(a, text);
	}
	if (rc) {
		a->lost += a->chain.number == before; /* else its other half will follow */
		fail(a, rc);
	} else if (a->failed) {
		log_info("the audit log can be written again");
		a->failed = 0;
	}
	return rc;
}

/* ---- for others ---- */

static void format(char text[AUDIT_TEXT], const char *fmt, va_list ap)
{
	vsnprintf(text, AUDIT_TEXT, fmt, ap);
}

void auditor_note(struct auditor *a, const char *fmt, ...)
{
	char text[AUDIT_TEXT];
	va_list ap;

	if (!a)
		return;
	va_start(ap, fmt);
	format(text, fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&a->lock);
	record(a, text);
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
}

static int refuse(int rc, struct err_text *e)
{
	err_set(e, "the audit log cannot be written (%s): no decryption, no change of keys or policy "
		   "until it can",
		strerror(-rc));
	return rc;
}

int auditor_grant(struct auditor *a, struct err_text *e, const char *fmt, ...)
{
	char text[AUDIT_TEXT];
	va_list ap;
	int rc;

	if (!a)
		return 0;
	va_start(ap, fmt);
	format(text, fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&a->lock);
	rc = record(a, text);
	if (!rc)
		rc = put_head(a);
	if (!rc && fdatasync(a->fd) < 0)
		rc = -errno;
	if (rc)
		fail(a, rc);
	pthread_mutex_unlock(&a->lock);
	return rc ? refuse(rc, e) : 0;
}

int auditor_healthy(struct auditor *a, struct err_text *e)
{
	int rc = a ? __atomic_load_n(&a->failed, __ATOMIC_RELAXED) : 0;

	return rc ? refuse(rc, e) : 0;
}

void auditor_policy(struct auditor *a, const struct policy_stamp *policy)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->policy = *policy;
	pthread_mutex_unlock(&a->lock);
}

/* ---- life ---- */

static bool anything(const struct auditor *a)
{
	return a->signed_to != a->chain.number || a->failed || a->unflushed;
}

/* What is there a second after something came: sign it, flush it. The disk may take its
 * time, without the lock. */
static void tidy(struct auditor *a)
{
	int rc = put_rest(a), fd;

	if (!rc)
		rc = put_lost(a);
	if (!rc)
		rc = put_head(a);
	if (!rc && a->failed)
		log_info("the audit log can be written again");
	if (rc)
		fail(a, rc);
	else
		a->failed = 0;
	fd = a->unflushed ? fcntl(a->fd, F_DUPFD_CLOEXEC, 0) : -1;
	a->unflushed = false;
	pthread_mutex_unlock(&a->lock);
	if (fd >= 0 && fdatasync(fd) < 0)
		log_warning("audit log: fdatasync: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	pthread_mutex_lock(&a->lock);
}

static void *auditor_run(void *arg)
{
	struct auditor *a = arg;
	struct timespec until;

	pthread_mutex_lock(&a->lock);
	while (!a->stop) {
		if (!anything(a)) {
			pthread_cond_wait(&a->wake, &a->lock);
			continue;
		}
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += SIGN_SECONDS;
		while (!a->stop && pthread_cond_timedwait(&a->wake, &a->lock, &until) == 0)
			;
		tidy(a);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

static void auditor_free(struct auditor *a)
{
	if (a->fd >= 0)
		close(a->fd);
	if (a->dir >= 0)
		close(a->dir);
	sodium_free(a->secret);
	free(a);
}

/* The log that is there, as far as its last segment says. */
static int go_on(struct auditor *a, const char *dir, struct err_text *e)
{
	struct audit_check c = {.begun = false};
	uint64_t segment;
	int rc;

	memcpy(c.key, a->secret + 32, SIGNKEY_PUBLIC); /* libsodium: seed, then the public key */
	rc = audit_check_dir(&c, dir, true, &segment, e);
	if (rc)
		return rc;
	if (segment && !c.begun) {
		err_set(e, "%s: no segment of the audit log has a line", dir);
		return -EBADMSG;
	}
	/* Anybody can make a chain, and our next head would make it ours. A start that failed at once
	 * leaves a line that begins a segment, and no more. */
	if (c.begun && !c.signed_to && c.chain.number > c.segments) {
		err_set(e, "%s: nothing in the audit log is signed; put it away, and look why", dir);
		return -EBADMSG;
	}
	a->chain = c.chain;
	a->segment = segment;
	a->policy = c.policy;
	return 0;
}

int auditor_open(struct auditor **to, const char *dir, const char *key,
	uint64_t segment_max, struct policy_stamp *policy, struct err_text *e)
{
	struct auditor *a = calloc(1, sizeof *a);
	int rc = 0;

	if (!a)
		return -ENOMEM;
	a->fd = a->dir = -1;
	a->segment_max = segment_max;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->wake, NULL);
	signal(SIGXFSZ, SIG_IGN); /* a limit on files is a full disk, not the end */
	a->secret = sodium_malloc(SIGNKEY_SECRET);
	if (!a->secret)
		rc = -ENOMEM;
	if (!rc)
		rc = signkey_read_secret(a->secret, key, e);
	if (!rc) {
		a->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (a->dir < 0) {
			rc = -errno;
			err_set(e, "%s: %s", dir, strerror(errno));
		}
	}
	if (!rc)
		rc = go_on(a, dir, e);
	if (!rc) {
		rc = begin_segment(a);
		if (rc)
			err_set(e, "%s: no new segment of the audit log: %s", dir, strerror(-rc));
	}
	if (rc) {
		auditor_free(a);
		return rc;
	}
	*policy = a->policy;
	*to = a;
	return 0;
}

int auditor_start(struct auditor *a)
{
	int rc = a ? -pthread_create(&a->thread, NULL, auditor_run, a) : 0;

	if (a)
		a->started = rc == 0;
	return rc;
}

void auditor_close(struct auditor *a)
{
	char hex[2 * AUDIT_HASH + 1];

	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
	if (a->started)
		pthread_join(a->thread, NULL);
	pthread_mutex_lock(&a->lock);
	tidy(a);
	pthread_mutex_unlock(&a->lock);
	sodium_bin2hex(hex, sizeof hex, a->chain.hash, AUDIT_HASH);
	log_info("audit log: head %llu:%s", (unsigned long long)a->chain.number, hex);
	auditor_free(a);
}
