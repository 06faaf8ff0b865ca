/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * syncrig.h - for tests of what is to survive a power failure: which calls a file goes through, in their
 * order. A test that includes it is linked with $(sync_wrap), see the Makefile.
 *
 *     f, d    fsync or fdatasync of a file, of a directory
 *     r, l    rename, link
 *
 * What a disk does with them no test can see; what is left out here is lost there.
 */
#ifndef TESTS_SYNCRIG_H
#define TESTS_SYNCRIG_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static char sync_calls[256];             /* a text */
static bool sync_fails;                  /* the disk does: EIO */
static void (*sync_before_link)(void);   /* somebody else is faster */

static pthread_mutex_t sync_lock = PTHREAD_MUTEX_INITIALIZER;

static inline void sync_note(char call)
{
	size_t n;

	pthread_mutex_lock(&sync_lock);
	n = strlen(sync_calls);
	if (n + 1 < sizeof sync_calls)
		sync_calls[n] = call;
	pthread_mutex_unlock(&sync_lock);
}

static inline void sync_forget(void)
{
	pthread_mutex_lock(&sync_lock);
	memset(sync_calls, 0, sizeof sync_calls);
	pthread_mutex_unlock(&sync_lock);
}

/* For who waits for a thread's call. */
static inline bool sync_noted(char call)
{
	bool is;

	pthread_mutex_lock(&sync_lock);
	is = strchr(sync_calls, call) != NULL;
	pthread_mutex_unlock(&sync_lock);
	return is;
}

static inline void sync_note_fd(int fd)
{
	struct stat st;

	sync_note(fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? 'd' : 'f');
}

int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_rename(const char *from, const char *to);
int __real_renameat(int dir, const char *from, int other, const char *to);
int __real_link(const char *from, const char *to);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_renameat(int dir, const char *from, int other, const char *to);
int __wrap_link(const char *from, const char *to);

int __wrap_fsync(int fd)
{
	sync_note_fd(fd);
	errno = EIO;
	return sync_fails ? -1 : __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
	sync_note_fd(fd);
	errno = EIO;
	return sync_fails ? -1 : __real_fdatasync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
	sync_note('r');
	return __real_rename(from, to);
}

int __wrap_renameat(int dir, const char *from, int other, const char *to)
{
	sync_note('r');
	return __real_renameat(dir, from, other, to);
}

int __wrap_link(const char *from, const char *to)
{
	sync_note('l');
	if (sync_before_link)
		sync_before_link();
	return __real_link(from, to);
}

#endif
