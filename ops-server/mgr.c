/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mgr.c - the life of cxl_sec_mgr: start, one loop, end.
 *
 * One thread and one poll set: signals, the listening socket, callers. Those who have shown a
 * certificate come first, and in each turn at most one handshake thinks, so strangers cost
 * everybody else milliseconds and no more.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <sodium.h>
#include <systemd/sd-daemon.h>

#include "clock.h"
#include "life.h"
#include "mgr_caller.h"
#include "sandbox.h"

enum {
	ACCEPTS = 16, /* in a turn */
	SILENT_S = 30,
	REVIEW_MS = 1000,
	DESCRIPTORS = CALLERS + 32, /* callers', and our own */
};

static void reload(struct mgr *m)
{
	struct mgr_config fresh = m->config;
	struct err_text e = {""};
	struct trust *t;

	if (mgr_config_reload(&fresh, &e) || mgr_config_trust(&fresh, &t, m->trust, &e)) {
		log_error("reload refused, going on as before: %s", e.s);
		return;
	}
	m->config = fresh;
	log_set_level(fresh.log_level);
	trust_drop(m->trust);
	m->trust = t;
	caller_review(m);
	log_info("reloaded");
}

static void from_text(char text[FROM], const struct sockaddr_storage *sa)
{
	char host[INET6_ADDRSTRLEN] = "?";
	unsigned port = 0;

	if (sa->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
		port = ntohs(in->sin_port);
	} else if (sa->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)sa;

		inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof host);
		port = ntohs(in->sin6_port);
	}
	snprintf(text, FROM, "%s:%u", host, port);
}

static void accept_some(struct mgr *m, int listener)
{
	struct sockaddr_storage sa;
	socklen_t len;
	char from[FROM];
	int fd, i;

	for (i = 0; i < ACCEPTS; i++) {
		len = sizeof sa;
		fd = accept4(listener, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		from_text(from, &sa);
		caller_accept(m, fd, from);
	}
}

/* fds: signals, listener, a place each. Which signal, or 0. */
static int turn(struct mgr *m, struct pollfd *fds, int wait)
{
	struct signalfd_siginfo info;
	int i;

	for (i = 0; i < CALLERS; i++) {
		struct mgrlink *l = &m->caller[i].link;

		fds[2 + i] = (struct pollfd){.fd = l->fd, .events = l->fd < 0 ? 0 : mgrlink_events(l)};
	}
	if (poll(fds, 2 + CALLERS, wait) < 0)
		return 0;
	for (i = 0; i < CALLERS; i++)
		if (fds[2 + i].revents && m->caller[i].link.fd == fds[2 + i].fd && m->caller[i].link.fd >= 0)
			caller_serve(m, &m->caller[i]);
	if (fds[1].revents)
		accept_some(m, fds[1].fd);
	if (fds[0].revents && read(fds[0].fd, &info, sizeof info) == sizeof info)
		return (int)info.ssi_signo;
	return 0;
}

static int confine(const struct mgr_config *c)
{
	struct sandbox_needs needs = {.unix_sockets = getenv("NOTIFY_SOCKET") != NULL, .answers = true};

	return sandbox_confine(c->sandbox, &needs);
}

static int serve(struct mgr *m, int listener)
{
	static struct pollfd fds[2 + CALLERS];
	sigset_t set;
	int signo = 0, wait = 0, signals;
	uint64_t reviewed_ms = clock_ms();

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0 || confine(&m->config))
		return 1;
	fds[0] = (struct pollfd){.fd = signals, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = listener, .events = POLLIN};
	log_info("version %llu, listening on %s", (unsigned long long)m->table->version + 1,
		m->config.listen);
	sd_notify(0, "READY=1");
	while (signo != SIGTERM && signo != SIGINT) {
		signo = turn(m, fds, wait);
		if (signo == SIGHUP)
			reload(m);
		wait = caller_tick(m);
		if (clock_ms() - reviewed_ms > REVIEW_MS) {
			caller_review(m);
			reviewed_ms = clock_ms();
		}
		if (caller_think(m))
			wait = 0;
	}
	log_info("signal %d: ending; views hold until their leases end", signo);
	return 0;
}

/* With fewer allowed poll() takes no set with a place for each caller, and there would be none to
 * accept one with. */
static int have_descriptors(struct err_text *e)
{
	struct rlimit l;
	unsigned long long had;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return -errno;
	if (l.rlim_cur >= DESCRIPTORS)
		return 0;
	had = l.rlim_max;
	l.rlim_cur = DESCRIPTORS;
	l.rlim_max = l.rlim_max < DESCRIPTORS ? DESCRIPTORS : l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) == 0)
		return 0;
	err_set(e, "no more than %llu descriptors are allowed (ulimit -n), and %d are needed", had, DESCRIPTORS);
	return -EMFILE;
}

/* Who asks for a reload while we start is served then; by default it would end us. */
static void put_off_reloads(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int open_all(struct mgr *m, int *listener, struct err_text *e)
{
	int i, rc;

	for (i = 0; i < CALLERS; i++)
		m->caller[i].link.fd = -1;
	m->table = table_create();
	m->view = sodium_malloc(MGR_ANSWER_HEAD + VIEW_BYTES_MAX);
	if (!m->table || !m->view)
		return -ENOMEM;
	rc = have_descriptors(e);
	if (rc)
		return rc;
	rc = life_watch(m->config.generation, e);
	if (rc == 0)
		log_info("a clone of this machine would not be noticed: %s",
			life_missing()[0] ? life_missing() : "--generation none");
	if (rc >= 0)
		rc = sandbox_give_up_memory(e);
	if (rc >= 0)
		rc = mgr_config_trust(&m->config, &m->trust, NULL, e);
	if (!rc)
		rc = journal_open(&m->journal, m->config.store, m->table, e);
	if (rc)
		return rc;
	tickets_begin(&m->tickets, m->journal.master, m->config.lease_ms, clock_ms());
	if (m->journal.cut)
		log_warning("the journal's last line was not whole, %llu bytes: cut off, it was never "
			    "answered",
			(unsigned long long)m->journal.cut);
	*listener = address_listen(m->config.listen, e);
	if (*listener < 0)
		return *listener;
	address_keep_alive(*listener, SILENT_S); /* of those who come */
	return 0;
}

int main(int argc, char **argv)
{
	static struct mgr m;
	struct rlimit none = {0, 0};
	struct err_text e = {""};
	int rc, listener;

	put_off_reloads();
	rc = mgr_config_read(&m.config, argc, argv, &e);
	if (rc == 1)
		return 0;
	if (rc) {
		log_error("%s", e.s);
		return 2;
	}
	log_set_level(m.config.log_level);
	m.started_ms = clock_ms();
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	rc = sodium_init() < 0 ? -EINVAL : open_all(&m, &listener, &e);
	if (rc) {
		log_error("%s", e.s[0] ? e.s : err_name(rc));
		return 1;
	}
	return serve(&m, listener);
}
