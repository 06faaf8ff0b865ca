/* SPDX-License-Identifier: BSD-3-Clause */
#include "watcher.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "clock.h"

struct watcher {
	struct watch *watch;
	struct view *view; /* held by watch */
	struct watcher_config config;
	pthread_t thread;
	pthread_mutex_t lock; /* of trust */
	struct trust *trust;  /* to be used from now on, or NULL; held */
	int wake_fd;
	bool started;
	int stop;
};

int watcher_create(struct watcher **out, const char *address, struct trust *t, struct view *v,
	const struct watcher_config *config, struct err_text *e)
{
	struct watcher *w = calloc(1, sizeof *w);
	int rc;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->config = *config;
	w->view = v;
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&w->lock, NULL);
	rc = w->wake_fd < 0 ? -errno : watch_create(&w->watch, address, t, v, e);
	if (!rc && config->filtered)
		rc = watch_resolve(w->watch, e);
	if (rc)
		watcher_destroy(w);
	else
		*out = w;
	return rc;
}

static void add_one(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof one) < 0)
		return; /* cannot be full: it is read now and then */
}

/* In the log once, when it changes. */
static void report(struct watcher *w, bool *lost, char last[192])
{
	const char *why = watch_why(w->watch);
	char text[256];
	struct view_state s;

	if (!w->config.say || (*lost ? why[0] && strcmp(why, last) == 0 : !why[0]))
		return;
	view_state(w->view, &s);
	if (why[0])
		snprintf(text, sizeof text, "no manager: %s", why);
	else
		snprintf(text, sizeof text, "the manager answers, version %llu",
			(unsigned long long)s.version);
	*lost = why[0] != 0;
	snprintf(last, 192, "%s", why);
	w->config.say(!*lost, text);
}

static void *run(void *arg)
{
	struct watcher *w = arg;
	uint64_t seen = 0, now, n;
	bool lost = true;
	char last[192] = "not connected yet";
	struct pollfd p[1 + WATCH_FDS] = {{.fd = w->wake_fd, .events = POLLIN}};
	struct trust *t;

	prctl(PR_SET_NAME, "watcher");
	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		pthread_mutex_lock(&w->lock);
		t = w->trust;
		w->trust = NULL;
		pthread_mutex_unlock(&w->lock);
		if (t)
			watch_use(w->watch, t);
		trust_drop(t);
		watch_step(w->watch);
		now = __atomic_load_n(view_seen(w->view), __ATOMIC_ACQUIRE);
		if (now != seen)
			add_one(w->config.changed_fd);
		seen = now;
		report(w, &lost, last);
		poll(p, 1 + WATCH_FDS, watch_wait(w->watch, &p[1]));
		if (p[0].revents && read(w->wake_fd, &n, sizeof n) < 0)
			continue;
	}
	return NULL;
}

int watcher_start(struct watcher *w)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	rc = -pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->started = rc == 0;
	return rc;
}

bool watcher_await(struct watcher *w, uint64_t timeout_ms)
{
	uint64_t t0 = clock_ms();
	struct view_state s;

	for (;;) {
		view_state(w->view, &s);
		if (s.holds || clock_ms() - t0 >= timeout_ms)
			return s.holds;
		poll(NULL, 0, 2);
	}
}

void watcher_use(struct watcher *w, struct trust *t)
{
	pthread_mutex_lock(&w->lock);
	trust_drop(w->trust);
	w->trust = trust_hold(t);
	pthread_mutex_unlock(&w->lock);
	add_one(w->wake_fd);
}

void watcher_destroy(struct watcher *w)
{
	if (!w)
		return;
	if (w->started) {
		__atomic_store_n(&w->stop, 1, __ATOMIC_RELEASE);
		add_one(w->wake_fd);
		pthread_join(w->thread, NULL);
	}
	watch_destroy(w->watch);
	trust_drop(w->trust);
	if (w->wake_fd >= 0)
		close(w->wake_fd);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
