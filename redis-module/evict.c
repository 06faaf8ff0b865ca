/* SPDX-License-Identifier: BSD-3-Clause */
#include "evict.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "stream.h"

enum { RETRY_MS = 1000, ANSWER_MS = 1000 };

static struct {
	enum evict_state state;
	int fd; /* -1: not connected; registered with the event loop else */
	uint64_t asked_ms;
	uint64_t failed_ms; /* when no connection could be had */
} ev = {.fd = -1};

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

static int ask(void)
{
	static const char reset[] = "*1\r\n$5\r\nRESET\r\n";

	if (ev.fd < 0) {
		ev.fd = stream_connect();
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
	if (ask()) {
		if (!ev.failed_ms)
			RedisModule_Log(ctx, "warning",
				"no connection to this server can be opened, so ring traffic alone "
				"cannot evict; writes over maxmemory get -OOM");
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
