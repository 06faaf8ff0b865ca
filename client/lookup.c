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
	struct lookup *next; /* in the queue */
};

static struct {
	pthread_mutex_t lock;
	int threads;
	struct lookup *first, **end; /* waiting for a thread */
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .end = &queue.first};

static void let_go(struct lookup *l)
{
	if (__atomic_sub_fetch(&l->users, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (l->all)
		freeaddrinfo(l->all);
	free(l);
}

static bool is_awaited(const struct lookup *l)
{
	return __atomic_load_n(&l->users, __ATOMIC_RELAXED) > 1;
}

static void look_up(struct lookup *l)
{
	static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

	l->rc = is_awaited(l) ? getaddrinfo(l->host, l->port, &hints, &l->all) : EAI_AGAIN;
	if (l->rc)
		l->all = NULL;
	__atomic_store_n(&l->over, true, __ATOMIC_RELEASE);
	close(l->theirs);
	let_go(l);
}

/* The next in the queue; NULL: there is none, and the thread counts no more. */
static struct lookup *next(void)
{
	struct lookup *l;

	pthread_mutex_lock(&queue.lock);
	l = queue.first;
	if (l)
		queue.first = l->next;
	else
		queue.threads--;
	if (!queue.first)
		queue.end = &queue.first;
	pthread_mutex_unlock(&queue.lock);
	return l;
}

static void *run(void *arg)
{
	struct lookup *l = arg;

	do
		look_up(l);
	while ((l = next()) != NULL);
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

/* It has a thread of its own; false: it is in the queue for one. */
static bool take_thread(struct lookup *l)
{
	bool free;

	pthread_mutex_lock(&queue.lock);
	free = queue.threads < LOOKUP_THREADS;
	if (free) {
		queue.threads++;
	} else {
		*queue.end = l;
		queue.end = &l->next;
	}
	pthread_mutex_unlock(&queue.lock);
	return free;
}

/* Two users from here on, or none. */
static int start(struct lookup *l)
{
	int fd[2], rc = 0;

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	l->ours = fd[0];
	l->theirs = fd[1];
	if (take_thread(l) && (rc = start_thread(l)) != 0) {
		close(fd[0]);
		close(fd[1]);
		pthread_mutex_lock(&queue.lock);
		queue.threads--;
		pthread_mutex_unlock(&queue.lock);
	}
	return rc;
}

int lookup_start(struct lookup **out, const char *host, const char *port)
{
	struct lookup *l = calloc(1, sizeof *l);
	int rc;

	*out = NULL;
	if (!l)
		return -ENOMEM;
	l->users = 2;
	snprintf(l->host, sizeof l->host, "%s", host);
	snprintf(l->port, sizeof l->port, "%s", port);
	rc = start(l);
	if (rc)
		free(l);
	else
		*out = l;
	return rc;
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
