/* SPDX-License-Identifier: BSD-3-Clause */
#include "lookup.h"

#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"

enum { STACK = 1 << 20 };

struct lookup {
	int users;  /* who asked, and the thread */
	int ours;   /* of a pipe: the thread closes the other end when it is through */
	int theirs;
	bool over;  /* set once by the thread, after the two that follow */
	int rc;
	struct addrinfo *all;
	char host[ADDRESS_HOST_MAX], port[32];
};

static int under_way;

static void let_go(struct lookup *l)
{
	if (__atomic_sub_fetch(&l->users, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (l->all)
		freeaddrinfo(l->all);
	free(l);
}

static void *run(void *arg)
{
	static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct lookup *l = arg;

	l->rc = getaddrinfo(l->host, l->port, &hints, &l->all);
	if (l->rc)
		l->all = NULL;
	__atomic_store_n(&l->over, true, __ATOMIC_RELEASE);
	close(l->theirs);
	__atomic_sub_fetch(&under_way, 1, __ATOMIC_RELAXED);
	let_go(l);
	return NULL;
}

/* A thread that hears no signals: they are the loop's. */
static int start_thread(struct lookup *l)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, were;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &were);
	rc = pthread_create(&thread, &attr, run, l);
	pthread_sigmask(SIG_SETMASK, &were, NULL);
	pthread_attr_destroy(&attr);
	return -rc;
}

/* Two users from here on, or none. */
static int start(struct lookup *l)
{
	int fd[2], rc;

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	l->ours = fd[0];
	l->theirs = fd[1];
	rc = start_thread(l);
	if (rc) {
		close(fd[0]);
		close(fd[1]);
	}
	return rc;
}

int lookup_start(struct lookup **out, const char *host, const char *port)
{
	struct lookup *l;
	int rc = -ENOMEM;

	*out = NULL;
	if (__atomic_add_fetch(&under_way, 1, __ATOMIC_RELAXED) > LOOKUP_MAX) {
		__atomic_sub_fetch(&under_way, 1, __ATOMIC_RELAXED);
		return -EAGAIN;
	}
	l = calloc(1, sizeof *l);
	if (l) {
		l->users = 2;
		snprintf(l->host, sizeof l->host, "%s", host);
		snprintf(l->port, sizeof l->port, "%s", port);
		rc = start(l);
	}
	if (rc) {
		free(l);
		__atomic_sub_fetch(&under_way, 1, __ATOMIC_RELAXED);
		return rc;
	}
	*out = l;
	return 0;
}

int lookup_fd(const struct lookup *l)
{
	return l->ours;
}

int lookup_take(struct lookup *l, struct addrinfo **all, const char **why)
{
	*all = NULL;
	if (!__atomic_load_n(&l->over, __ATOMIC_ACQUIRE))
		return -EAGAIN;
	*all = l->all;
	l->all = NULL;
	*why = l->rc ? gai_strerror(l->rc) : "";
	return l->rc ? -ENOENT : 0;
}

void lookup_drop(struct lookup *l)
{
	if (!l)
		return;
	close(l->ours);
	let_go(l);
}
