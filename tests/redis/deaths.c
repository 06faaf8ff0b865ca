/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deaths.c - clients killed in every state of a channel.
 *
 * usage: deaths REGION STATE N    N clients, each killed in that state; see states[]. Says how
 *                                 many of them got there and gave their channel back
 */
#include "hostile.h"

#include <signal.h>
#include <sys/wait.h>

static int there_fd; /* written to once the state is reached */

static void there(void)
{
	if (write(there_fd, "", 1) != 1)
		_exit(1);
}

static void be_idle(void)
{
	if (!put_frame(KV_PING, 0, NULL, 0, 0))
		_exit(1);
	chan_publish(&chan);
	while (chan_await(&chan, 100) == -EAGAIN)
		;
	there();
}

/* The frames of one batch, and one more begun; none of it to be seen. */
static void be_unpublished(void)
{
	uint8_t *at;

	if (!put_frame(KV_GET, 3, "big", 3, 0) || !put_frame(KV_GET, 3, "big", 3, 0) ||
		ring_claim(&chan.tx, 20000, &at))
		_exit(1);
	memset(at, 'x', 20000);
	there();
}

/* A request of which a megabyte has come, and the rest never will. */
static void be_half(void)
{
	static char part[20000];
	int i;

	for (i = 0; i < 50; i++) {
		while (!put_frame(KV_SET, 3, part, sizeof part, FRAME_MORE)) {
			chan_publish(&chan);
			if (chan_await_room(&chan))
				_exit(1);
		}
		chan.next_id = 0; /* all of them are parts of request 1 */
	}
	chan_publish(&chan);
	while (shm_load64(&chan.shm->req_head) != chan.tx.pos)
		usleep(100); /* the server has all of it */
	there();
}

/* A script of 10 ms is running, and two more requests wait behind it. */
static void be_in_flight(void)
{
	static const char eval[] =
		"\4\0\0\0eval\222\0\0\0"
		"local function now() local t = redis.call('time') return t[1] * 1000000 + t[2] end "
		"local start = now() while now() - start < 10000 do end return 1"
		"\1\0\0\0000";

	if (!put_frame(KV_CALL, 3, eval, sizeof eval - 1, 0) ||
		!put_frame(KV_GET, 3, "big", 3, 0) || !put_frame(KV_SET, 3, "keyv", 4, 0))
		_exit(1);
	there();
	chan_publish(&chan);
	while (chan_await(&chan, 100) == -EAGAIN)
		;
}

/* A write that CLIENT PAUSE keeps in the ring. */
static void be_held(void)
{
	if (!put_frame(KV_SET, 3, "keyv", 4, 0))
		_exit(1);
	chan_publish(&chan);
	there();
	while (chan_await(&chan, 100) == -EAGAIN)
		;
}

/* Replies for which there is no room: the server keeps the rest, and stops reading. */
static void be_deaf(void)
{
	int i;

	for (i = 0; i < 20; i++)
		if (!put_frame(KV_GET, 3, "big", 3, 0))
			_exit(1);
	chan_publish(&chan);
	while (shm_load64(&chan.shm->req_head) == 0)
		usleep(100);
	there();
}

/* Refused, and it does not let go. */
static void be_refused(void)
{
	if (!put_frame(99, 0, NULL, 0, 0))
		_exit(1);
	chan_publish(&chan);
	while (chan_await(&chan, 1) != -EPROTO)
		;
	there();
}

/* Deaf, and waiting for room for one more request. */
static void be_stuck(void)
{
	uint64_t waited = 0;

	do {
		while (put_frame(KV_GET, 3, "big", 3, 0))
			waited = 0;
		chan_publish(&chan);
		if (++waited == 20)
			there();
	} while (chan_await_room(&chan) == 0);
	_exit(1);
}

static const struct state {
	const char *name;
	void (*enter)(void);
} states[] = {{"idle", be_idle}, {"unpublished", be_unpublished}, {"half", be_half},
	{"in-flight", be_in_flight}, {"held", be_held}, {"deaf", be_deaf},
	{"stuck", be_stuck}, {"refused", be_refused}};

/* Has every channel been freed? Within 10 s. */
static bool all_free(void)
{
	const struct service_geometry *g = region_service(&region, KV_SERVICE);
	uint64_t t0 = clock_ms();
	uint32_t i;

	for (i = 0; i < g->nchannels; i++)
		while (shm_load64(&chan_control(g, i)->claim) != 0) {
			if (clock_ms() - t0 > 10000)
				return false;
			usleep(100);
		}
	return true;
}

static int deaths(const char *name, int n)
{
	const struct state *s = states;
	struct err_text e;
	int i, fd[2], got = 0;
	char byte;
	pid_t pid;

	while (strcmp(s->name, name) != 0)
		if (++s == states + sizeof states / sizeof states[0])
			return 2;
	if (region_open(&region, path, 0, 0, &e))
		return 2;
	for (i = 0; i < n; i++) {
		if (pipe(fd))
			return 2;
		pid = fork();
		if (pid == 0) {
			struct region r; /* its own, as another program would have */

			there_fd = fd[1];
			attach_or_exit(&chan, &r);
			s->enter();
			for (;;)
				pause();
		}
		close(fd[1]); /* so that its death is heard, should it not get there */
		got += read(fd[0], &byte, 1) == 1;
		close(fd[0]);
		usleep((useconds_t)(draw() % 4000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (!all_free())
			break;
	}
	printf("%d of %d\n", i < n ? i : got, n);
	region_close(&region);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	hostile_begin(argv[1], argv[3]);
	return deaths(argv[2], atoi(argv[3]));
}
