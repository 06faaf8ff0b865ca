/* SPDX-License-Identifier: BSD-3-Clause */
#include "evict.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"

enum { RETRY_MS = 1000, ANSWER_MS = 1000 };

static struct {
	enum evict_state state;
	int fd; /* -1: not connected; registered with the event loop else */
	uint64_t asked_ms;
	uint64_t failed_ms; /* when no connection could be had */
} ev = {.fd = -1};

/* One setting's value into `out`; empty when there is none. */
static void config_get(RedisModuleCtx *ctx, const char *name, char *out, size_t len)
{
	RedisModuleCallReply *r = RedisModule_Call(ctx, "CONFIG", "cc", "GET", name);
	RedisModuleCallReply *v = r ? RedisModule_CallReplyArrayElement(r, 1) : NULL;
	size_t n = 0;
	const char *s = v ? RedisModule_CallReplyStringPtr(v, &n) : NULL;

	snprintf(out, len, "%.*s", (int)n, s ? s : "");
	if (r)
		RedisModule_FreeCallReply(r);
}

static int connect_unix(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd;

	if (!path[0] || strlen(path) >= sizeof sa.sun_path)
		return -1;
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The kernel completes a loopback connection by itself, so this does not block. */
static int connect_tcp(const char *host, int port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct timeval soon = {0, 100000};
	int fd;

	if (port <= 0 || inet_pton(AF_INET, host, &sa.sin_addr) != 1)
		return -1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int connect_self(RedisModuleCtx *ctx)
{
	char path[256], port[16], bind[256];
	int fd;

	config_get(ctx, "unixsocket", path, sizeof path);
	fd = connect_unix(path);
	if (fd >= 0)
		return fd;
	config_get(ctx, "port", port, sizeof port);
	fd = connect_tcp("127.0.0.1", atoi(port));
	if (fd >= 0)
		return fd;
	config_get(ctx, "bind", bind, sizeof bind);
	bind[strcspn(bind, " ")] = 0;
	return connect_tcp(bind, atoi(port));
}

static void disconnect(void)
{
	if (ev.fd < 0)
		return;
	RedisModule_EventLoopDel(ev.fd, REDISMODULE_EVENTLOOP_READABLE);
	close(ev.fd);
	ev.fd = -1;
}

/* "+RESET": done. An end (timeout, CLIENT KILL, too many clients): ask again later. */
static void on_answer(int fd, void *unused, int mask)
{
	char text[256];
	ssize_t n = recv(fd, text, sizeof text, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && text[0] == '+') {
		if (ev.state == EVICT_ASKED)
			ev.state = EVICT_DONE;
		return;
	}
	disconnect();
	ev.failed_ms = clock_ms();
	ev.state = EVICT_IDLE;
}

static int ask(RedisModuleCtx *ctx)
{
	static const char reset[] = "*1\r\n$5\r\nRESET\r\n";

	if (ev.fd < 0) {
		ev.fd = connect_self(ctx);
		if (ev.fd >= 0 && RedisModule_EventLoopAdd(ev.fd, REDISMODULE_EVENTLOOP_READABLE,
							  on_answer, NULL) != REDISMODULE_OK) {
			close(ev.fd);
			ev.fd = -1;
		}
	}
	if (ev.fd < 0)
		return -1;
	if (send(ev.fd, reset, sizeof reset - 1, MSG_DONTWAIT | MSG_NOSIGNAL) ==
		(ssize_t)sizeof reset - 1)
		return 0;
	disconnect();
	return -1;
}

enum evict_state evict_ask(RedisModuleCtx *ctx)
{
	uint64_t now = clock_ms();

	if (ev.state == EVICT_DONE)
		return EVICT_DONE;
	if (ev.state == EVICT_ASKED && now - ev.asked_ms < ANSWER_MS)
		return EVICT_ASKED;
	if (ev.failed_ms && now - ev.failed_ms < RETRY_MS)
		return EVICT_IMPOSSIBLE;
	if (ask(ctx)) {
		if (!ev.failed_ms)
			RedisModule_Log(ctx, "warning",
				"no way to connect to this server (unixsocket or port), so ring "
				"traffic alone cannot evict; writes over maxmemory get -OOM");
		ev.failed_ms = now;
		ev.state = EVICT_IDLE;
		return EVICT_IMPOSSIBLE;
	}
	ev.failed_ms = 0;
	ev.asked_ms = now;
	ev.state = EVICT_ASKED;
	return EVICT_ASKED;
}

void evict_again(void)
{
	if (ev.state == EVICT_DONE)
		ev.state = EVICT_IDLE;
}

void evict_close(void)
{
	disconnect();
	ev.state = EVICT_IDLE;
}
