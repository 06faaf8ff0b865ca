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
	int ours;   /* of a pipe: the thread writes a byte to the other end when it is through */
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
	bool stopped;
	struct lookup *first, **end; /* waiting for a thread */
	/* The thread that ended last, or is about to. The next one to end joins it, so that who
	 * joins this one knows that no other is in this code. */
	pthread_t last;
	bool has_last;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .end = &queue.first};

/* ---- a child of fork(): without threads ---- */

static void before_fork(void)
{
	pthread_mutex_lock(&queue.lock);
}

static void in_parent(void)
{
	pthread_mutex_unlock(&queue.lock);
}

static void in_child(void)
{
	queue.threads = 0;
	queue.first = NULL;
	queue.end = &queue.first;
	queue.has_last = false;
	pthread_mutex_unlock(&queue.lock);
}

static void mind_forks(void)
{
	(void)!pthread_atfork(before_fork, in_parent, in_child); /* no memory: without */
}

/* ---- a thread ---- */

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
	/* To close it tells nothing while a child of fork() has it as well. It is empty, and without a
	 * reader this fails: the signal that comes with that is blocked here. */
	(void)!write(l->theirs, "", 1);
	close(l->theirs);
	let_go(l);
}

/* This one counts no more. Which one ended before? Caller holds the lock. */
static bool count_out(pthread_t *before)
{
	bool any = queue.has_last;

	*before = queue.last;
	queue.last = pthread_self();
	queue.has_last = true;
	queue.threads--;
	return any;
}

/* The next in the queue; NULL: there is none, and the thread ends. */
static struct lookup *next(void)
{
	bool join = false;
	pthread_t before;
	struct lookup *l;

	pthread_mutex_lock(&queue.lock);
	l = queue.first;
	if (l)
		queue.first = l->next;
	else
		join = count_out(&before);
	if (!queue.first)
		queue.end = &queue.first;
	pthread_mutex_unlock(&queue.lock);
	if (join)
		pthread_join(before, NULL);
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
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &were);
	rc = pthread_create(&thread, &attr, run, l);
	pthread_sigmask(SIG_SETMASK, &were, NULL);
	pthread_attr_destroy(&attr);
	return -rc;
}

/* 1: it may have a thread of its own; 0: it is in the queue for one; -ECANCELED. */
static int take_thread(struct lookup *l)
{
	int rc = 0;

	pthread_mutex_lock(&queue.lock);
	if (queue.stopped) {
		rc = -ECANCELED;
	} else if (queue.threads < LOOKUP_THREADS) {
		queue.threads++;
		rc = 1;
	} else {
		*queue.end = l;
		queue.end = &l->next;
	}
	pthread_mutex_unlock(&queue.lock);
	return rc;
}

static int begin(struct lookup *l)
{
	int rc = take_thread(l);

	if (rc <= 0)
		return rc;
	rc = start_thread(l);
	if (rc) {
		pthread_mutex_lock(&queue.lock);
		queue.threads--;
		pthread_mutex_unlock(&queue.lock);
	}
	return rc;
}

/* Two users from here on, or none. */
static int start(struct lookup *l)
{
	int fd[2], rc;

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	l->ours = fd[0];
	l->theirs = fd[1];
	rc = begin(l);
	if (rc) {
		close(fd[0]);
		close(fd[1]);
	}
	return rc;
}

int lookup_start(struct lookup **out, const char *host, const char *port)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct lookup *l = calloc(1, sizeof *l);
	int rc;

	pthread_once(&once, mind_forks);
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
	switch (l->rc) {
	case 0:
		return 0;
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_SERVICE:
		return -ENOENT;
	default:
		return -ETIMEDOUT;
	}
}

void lookup_drop(struct lookup *l)
{
	if (!l)
		return;
	close(l->ours);
	let_go(l);
}

/* Caller holds the lock, which that thread needs no more. */
static void join_last(void)
{
	if (queue.has_last)
		pthread_join(queue.last, NULL);
	queue.has_last = false;
}

bool lookup_stop(void)
{
	bool quiet;

	pthread_mutex_lock(&queue.lock);
	quiet = queue.threads == 0;
	if (quiet) {
		queue.stopped = true;
		join_last();
	}
	pthread_mutex_unlock(&queue.lock);
	return quiet;
}

void lookup_resume(void)
{
	pthread_mutex_lock(&queue.lock);
	queue.stopped = false;
	pthread_mutex_unlock(&queue.lock);
}

/* At the end of the process nobody is left to join it, which is what ThreadSanitizer calls a leak. */
__attribute__((destructor)) static void leave(void)
{
	pthread_mutex_lock(&queue.lock);
	join_last();
	pthread_mutex_unlock(&queue.lock);
}
