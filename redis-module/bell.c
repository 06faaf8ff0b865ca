/* SPDX-License-Identifier: BSD-3-Clause */
#include "bell.h"

#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "door.h"

static struct {
	int efd, sock, timer;
	struct sockaddr_un at;
	bool armed;
	bool ticking;
	void (*rung)(void);
} bell = {.efd = -1, .sock = -1, .timer = -1};

const char *bell_path(void)
{
	return bell.at.sun_path;
}

static void on_bell(int fd, void *unused, int mask)
{
	bell.armed = true;
	bell.rung();
}

static void on_timer(int fd, void *unused, int mask)
{
	uint64_t n;

	if (read(fd, &n, sizeof n) == sizeof n)
		bell.ticking = false;
}

bool bell_rings(void)
{
	return bell.armed;
}

void bell_arm(void)
{
	uint64_t one = 1;

	if (!bell.armed && write(bell.efd, &one, sizeof one) == sizeof one)
		bell.armed = true;
}

void bell_disarm(void)
{
	uint64_t n;

	bell.armed = false;
	if (read(bell.efd, &n, sizeof n) < 0)
		return; /* nobody rang */
}

void bell_tick(unsigned us)
{
	struct itimerspec t = {{0, 0}, {us / 1000000, (long)(us % 1000000) * 1000}};

	bell.ticking = timerfd_settime(bell.timer, 0, &t, NULL) == 0;
}

bool bell_ticking(void)
{
	return bell.ticking;
}

static void on_visit(int fd, void *unused, int mask)
{
	door_give(fd, bell.efd);
}

static int watch(int fd, RedisModuleEventLoopFunc f)
{
	return RedisModule_EventLoopAdd(fd, REDISMODULE_EVENTLOOP_READABLE, f, NULL) ==
				   REDISMODULE_OK
			   ? 0
			   : -ENOMEM;
}

int bell_open(const char *region_path, void (*rung)(void), struct err_text *e)
{
	bell.rung = rung;
	bell.armed = bell.ticking = false;
	bell.efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	bell.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	bell.sock = door_open(&bell.at, region_path, "bell");
	if (bell.sock >= 0 && door_share(&bell.at, region_path) != 0)
		RedisModule_Log(NULL, "warning",
			"the bell socket %s keeps its mode (%s): clients of other users are slow",
			bell.at.sun_path, strerror(errno));
	if (bell.efd >= 0 && bell.timer >= 0 && bell.sock >= 0 &&
		watch(bell.efd, on_bell) == 0 && watch(bell.timer, on_timer) == 0 &&
		watch(bell.sock, on_visit) == 0)
		return 0;
	err_set(e, "the bell socket %s cannot be made: %s", bell.at.sun_path, strerror(errno));
	bell_close();
	return -EIO;
}

static void unwatch(int *fd)
{
	if (*fd < 0)
		return;
	RedisModule_EventLoopDel(*fd, REDISMODULE_EVENTLOOP_READABLE);
	close(*fd);
	*fd = -1;
}

void bell_close(void)
{
	if (bell.sock >= 0)
		unlink(bell.at.sun_path);
	unwatch(&bell.efd);
	unwatch(&bell.timer);
	unwatch(&bell.sock);
}
