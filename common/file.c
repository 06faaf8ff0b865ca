/* SPDX-License-Identifier: BSD-3-Clause */
#include "file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(struct err_text *e, int rc, const char *path)
{
	err_set(e, "%s: %s", path, strerror(-rc));
	return rc;
}

int file_write(int fd, const void *p, size_t len)
{
	const char *at = p;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_create(const char *path, mode_t mode, const void *p, size_t len, struct err_text *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode), rc;

	if (fd < 0)
		return failed(e, -errno, path);
	rc = file_write(fd, p, len);
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	close(fd);
	if (!rc)
		return 0;
	unlink(path);
	return failed(e, rc, path);
}

int file_replace(const char *path, mode_t mode, const void *p, size_t len, struct err_text *e)
{
	char fresh[PATH_MAX];
	int rc;

	if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
		return failed(e, -ENAMETOOLONG, path);
	unlink(fresh); /* of who was stopped in the middle */
	rc = file_create(fresh, mode, p, len, e);
	if (rc)
		return rc;
	if (chmod(fresh, mode) == 0 && rename(fresh, path) == 0)
		return 0;
	rc = failed(e, -errno, path);
	unlink(fresh);
	return rc;
}
