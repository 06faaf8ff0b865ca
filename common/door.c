/* SPDX-License-Identifier: BSD-3-Clause */
#include "door.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const kinds[] = {"bell", "door"};

/* Beside the region, or in the working directory, or in /dev/shm: what fits first. */
static void choose_path(char *path, size_t len, const char *region_path, const char *what)
{
	int pid = (int)getpid(), n = -1;
	struct stat st;
	char cwd[512];

	if (stat(region_path, &st) == 0 && S_ISREG(st.st_mode) && region_path[0] == '/')
		n = snprintf(path, len, "%s.%d.%s", region_path, pid, what);
	else if (getcwd(cwd, sizeof cwd))
		n = snprintf(path, len, "%s/cxlring.%d.%s", cwd, pid, what);
	if (n < 0 || (size_t)n >= len)
		snprintf(path, len, "/dev/shm/cxlring.%d.%s", pid, what);
}

/* Who may write to the directory may have put something else there, a link to another file of ours
 * say: none is followed, and nothing but a socket of ours is touched. -1 with errno. */
static int hold(const char *path, struct stat *st)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || (fstat(fd, st) == 0 && S_ISSOCK(st->st_mode) && st->st_uid == geteuid()))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

static const char *name_of(char name[32], int fd)
{
	snprintf(name, 32, "/proc/self/fd/%d", fd);
	return name;
}

static int set_mode(const char *path, mode_t mode)
{
	struct stat st;
	char name[32];
	int fd = hold(path, &st), rc;

	if (fd < 0)
		return -1;
	rc = chmod(name_of(name, fd), mode);
	close(fd);
	return rc;
}

int door_open(struct sockaddr_un *at, const char *region_path, const char *what)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*at = (struct sockaddr_un){.sun_family = AF_UNIX};
	choose_path(at->sun_path, sizeof at->sun_path, region_path, what);
	if (fd < 0)
		return -1;
	unlink(at->sun_path);
	/* Nobody can connect before listen(), so the mode is right in time. */
	if (bind(fd, (struct sockaddr *)at, sizeof *at) == 0 && set_mode(at->sun_path, 0600) == 0 &&
		listen(fd, SOMAXCONN) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A filter of system calls need not refuse chown(): without SystemCallErrorNumber, systemd's
 * `~@privileged` kills who calls it, and a door is not worth the server. Where there is a
 * filter, a child tries. */
static int give_to_group(const char *path, gid_t group)
{
	int status;
	pid_t child;

	if (prctl(PR_GET_SECCOMP) == 0)
		return chown(path, (uid_t)-1, group);
	child = fork();
	if (child < 0)
		return -1;
	if (child == 0) {
		prctl(PR_SET_DUMPABLE, 0); /* no core of the server's memory for this */
		_exit(chown(path, (uid_t)-1, group) == 0 ? 0 : errno);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
	return errno ? -1 : 0;
}

int door_share(const struct sockaddr_un *at, const char *region_path)
{
	struct stat region, door;
	char name[32];
	int fd, rc = 0;

	if (stat(region_path, &region) != 0)
		return 0;
	fd = hold(at->sun_path, &door);
	if (fd < 0)
		return -1;
	if (door.st_gid != region.st_gid)
		rc = give_to_group(name_of(name, fd), region.st_gid);
	if (!rc)
		rc = chmod(name_of(name, fd), region.st_mode & 0666);
	close(fd);
	return rc;
}

void door_give(int door, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec io = {&byte, 1};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof control};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&m);
	int c = accept4(door, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (c < 0)
		return;
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	if (sendmsg(c, &m, MSG_NOSIGNAL) < 0) {
		/* It left before it was served; its next write finds no bell. */
	}
	close(c);
}

void door_sweep(const char *region_path, const char *path)
{
	struct sockaddr_un at;
	size_t n = strlen(region_path), len = strnlen(path, sizeof at.sun_path), i;
	struct stat st;

	if (len >= sizeof at.sun_path || len <= n + 6 || strncmp(path, region_path, n) != 0 ||
		strspn(path + n, ".0123456789") != len - n - 4 ||
		strcmp(path + len - 4, "bell") != 0)
		return;
	for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		snprintf(at.sun_path, sizeof at.sun_path, "%.*s%s", (int)len - 4, path, kinds[i]);
		if (lstat(at.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
			unlink(at.sun_path);
	}
}
