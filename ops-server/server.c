/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server.c - the life of ops_server: start, signals, drain, end.
 *
 * Start is refused with one sentence rather than half done: configuration, keys, cipher,
 * region, lease, filter of system calls, threads, in this order. The main thread then keeps the lease's
 * heartbeat, frees the channels of dead owners (pidfds in its poll set) and handles
 * signals, which are blocked everywhere else.
 */
#include "server.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>
#include <systemd/sd-daemon.h>

#include "account.h"
#include "auditor.h"
#include "greet.h"
#include "sandbox.h"
#include "session.h"
#include "standing.h"
#include "watcher.h"
#include "worker.h"
#include "zone.h"

enum {
	BEAT_MS = 500,
	MINUTE_MS = 60000,
	REVIEW_MS = 5,   /* until a channel that was locked is looked at again */
	FIRST_VIEW_MS = 2000, /* longest wait for the manager, so that first clients find rights */
	DRAIN_MS = 5000, /* longest wait at the end for requests that are there already */
};

/* What is about to be in force, in the audit log before it is. */
static int note_zone(struct server *s, const struct zone *z, struct err_text *e)
{
	const struct policy_stamp *stamp = zone_stamp(z);
	char digest[2 * POLICY_DIGEST + 1];
	int rc = auditor_grant(s->audit, e, "keys current=%u", keyring_active(z->keys));

	if (rc)
		return rc;
	sodium_bin2hex(digest, sizeof digest, stamp->digest, POLICY_DIGEST);
	rc = auditor_grant(s->audit, e, "policy name=%s stamp=%llu:%s",
		z->policy ? z->policy->name : "-", (unsigned long long)stamp->version, digest);
	if (!rc)
		auditor_policy(s->audit, stamp);
	return rc;
}

static void log_policy(const struct zone *z)
{
	if (z->policy)
		log_info("policy \"%s\" version %llu is in force", z->policy->name,
			(unsigned long long)z->policy->stamp.version);
	else
		log_warning("no policy: whoever may compare encrypted values can find them out");
}

/* With a right to nothing the server looks well, and every client waits in vain. */
static void log_rights(const struct server *s)
{
	struct view_state state;
	struct view_grant g;
	struct err_text why = {""};
	bool serves = false;
	uint32_t i;

	for (i = 0; i < s->service.geometry->nchannels && !serves; i++) {
		serves = view_own(s->view, "ops", i, &g, &why) == 0 && g.right == RIGHT_WRITE;
		sodium_memzero(&g, sizeof g);
	}
	if (serves)
		return;
	view_state(s->view, &state);
	log_warning("serving nobody: the manager gives us no right to write to any channel: "
		"hedbctl acl %s", state.known ? "grant NODE RANGE write" : "node add, then acl grant");
}

/* Who is in, and may not stay: idle ones as well. A worker that has a channel looks itself; true:
 * one had. */
static bool review(struct server *s)
{
	uint32_t n = s->service.geometry->nchannels, i;
	bool passed_by = false;

	__atomic_store_n(&s->now_s, time(NULL), __ATOMIC_RELAXED);
	pthread_mutex_lock(&s->control);
	for (i = service_next_open(&s->service, 0, n); i < n;
		i = service_next_open(&s->service, i + 1, n))
		if (service_lock(&s->chans[i])) {
			session_review(s, s->zone, &s->chans[i]);
			service_unlock(&s->chans[i]);
		} else {
			passed_by = true;
		}
	pthread_mutex_unlock(&s->control);
	return passed_by;
}

/* What sessions that do not end were told so far. One that a worker is at waits for the next
 * time; who comes meanwhile is found by workers_look(). */
static void note_told(struct server *s)
{
	uint32_t n = s->service.geometry->nchannels, i;

	pthread_mutex_lock(&s->control);
	for (i = service_next_open(&s->service, 0, n); s->audit && i < n;
		i = service_next_open(&s->service, i + 1, n))
		if (service_lock(&s->chans[i])) {
			session_told(s, &s->chans[i]);
			service_unlock(&s->chans[i]);
		}
	pthread_mutex_unlock(&s->control);
}

static void note_minute(struct server *s)
{
	static uint64_t last;

	if (clock_ms() - last < MINUTE_MS)
		return;
	last = clock_ms();
	note_told(s);
}

/* SIGHUP: everything new, or everything as it was. */
static void reload(struct server *s)
{
	struct err_text e = {""};
	struct config fresh = s->config;
	struct zone *z;

	sd_notify(0, "RELOADING=1");
	note_told(s);
	z = config_reload(&fresh, &e) ? NULL
				      : zone_load(&fresh, s->kek, s->view, s->zone->trust, &e);
	if (z && (policy_follows(z->policy, zone_stamp(s->zone), &e) || note_zone(s, z, &e))) {
		zone_free(z);
		z = NULL;
	}
	if (!z) {
		log_error("reload refused, going on as before: %s", e.s);
		auditor_note(s->audit, "reload refused: %s", e.s);
		sd_notify(0, "READY=1");
		return;
	}
	if (s->watcher)
		watcher_use(s->watcher, z->trust);
	config_take(&s->config, &fresh);
	log_set_level(fresh.log_level);
	zone_replace(s, z);
	review(s);
	log_info("reloaded: active key is %u", keyring_active(z->keys));
	log_policy(z);
	sd_notify(0, "READY=1");
}

/* Plaintext and keys stay in memory, out of core dumps, out of debuggers' reach. */
static void harden(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		log_warning("memory is not locked, keys could be swapped out (%s): raise "
			    "`ulimit -l`, or keep swap off",
			strerror(errno));
}

/* What is left to do from now on needs few system calls. What starts is refused rather than
 * served without, unless the configuration says so. */
static int confine(const struct config *c)
{
	struct sandbox_needs needs = {.unix_sockets = getenv("NOTIFY_SOCKET") != NULL,
		.new_files = c->audit[0] != 0, .dials = c->sec_mgr[0] != 0};

	return sandbox_confine(c->sandbox, &needs);
}

/* The log that says which policy was in force last. */
static int open_audit(struct server *s, struct err_text *e)
{
	const struct config *c = &s->config;
	struct policy_stamp last = {0, {0}};
	int rc = 0;

	if (c->audit[0])
		rc = auditor_open(&s->audit, c->audit, c->audit_key, c->audit_size, &last, e);
	if (!rc)
		rc = auditor_grant(s->audit, e, "start pid=%d", (int)getpid());
	if (!rc)
		rc = policy_follows(s->zone->policy, &last, e);
	return rc ? rc : note_zone(s, s->zone, e);
}

/* ---- the manager ---- */

static int prepare_manager(struct server *s)
{
	static const uint64_t nothing;

	s->seen = &nothing;
	s->seen_fd = -1;
	if (!s->config.sec_mgr[0])
		return 0;
	s->view = view_create(s->config.sec_pool);
	s->seen_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!s->view || s->seen_fd < 0)
		return -ENOMEM;
	s->seen = view_seen(s->view);
	return 0;
}

static void say_manager(bool found, const char *text)
{
	log_line(found ? LOG_INFO : LOG_WARNING, "%s", text);
}

/* Its address, while names can be looked up: behind the filter none can. It is asked once threads
 * run. */
static int find_manager(struct server *s, struct err_text *e)
{
	struct watcher_config config = {.filtered = true, .changed_fd = s->seen_fd, .say = say_manager};

	if (!s->view)
		return 0;
	view_place(s->view, &s->region, "ops");
	return watcher_create(&s->watcher, s->config.sec_mgr, s->zone->trust, s->view, &config, e);
}

/* How well the keys are kept where they lie. */
static void say_sealed(const struct server *s)
{
	if (s->zone->sealed == KEK_PLAIN)
		log_warning("keys in %s are not sealed, whoever reads the file has them: for development "
			    "only; seal them with `hedbctl key seal`",
			s->config.keys);
	else
		log_info("keys in %s were sealed by %s", s->config.keys,
			kek_source_name(s->zone->sealed));
}

/* ---- copies of this machine ---- */

static int watch_life(struct server *s, struct err_text *e)
{
	int rc = life_watch(s->config.generation, e);

	if (rc == 0 && !s->view)
		log_info("a clone of this machine, or a start from a snapshot of its memory, would not be "
			 "noticed: %s", life_missing()[0] ? life_missing() : "--generation none, and no --sec-mgr");
	life_read(&s->life);
	return rc < 0 ? rc : sandbox_give_up_memory(e);
}

/* Sealers and channels look for themselves, before they use a nonce. */
static void note_life(struct server *s)
{
	if (life_is(&s->life))
		return;
	life_read(&s->life);
	log_warning("this machine is a copy of another, or the other of this one: values go on under new "
		    "incarnations, sealed channels open again");
	auditor_note(s->audit, "life: this process is a copy, or was copied");
}

/* Those that the log has left out so far. */
static void note_refusals(struct server *s, uint64_t now_ms)
{
	char text[REFUSAL_TEXT];

	while (refusals_left(&s->refusals, now_ms, text))
		log_warning("%s", text);
}

static int open_all(struct server *s, struct err_text *e)
{
	struct service_config config = {.delay_ns = s->config.delay_ns, .ctx = s,
		.opened = session_opened, .closed = session_closed};
	const struct service_geometry *g;
	int rc;

	if (sodium_init() < 0) {
		err_set(e, "libsodium cannot start");
		return -EINVAL;
	}
	standing_begin();
	s->gcm = gcm_select(s->config.crypto[0] ? s->config.crypto : NULL);
	if (!s->gcm) {
		err_set(e, "cipher \"%s\" cannot be used here", s->config.crypto);
		return -EINVAL;
	}
	rc = prepare_manager(s);
	if (!rc)
		rc = watch_life(s, e);
	if (rc)
		return rc;
	s->kek = kek_create(&s->config.kek_spec);
	if (!s->kek)
		return -ENOMEM;
	s->zone = zone_load(&s->config, s->kek, s->view, NULL, e);
	if (!s->zone)
		return -EINVAL;
	kek_freeze(s->kek); /* behind the filter there is no TPM, and nobody to ask */
	say_sealed(s);
	rc = open_audit(s, e);
	if (rc)
		return rc;
	rc = region_open(&s->region, s->config.region, s->config.region_offset,
		s->config.region_size, e);
	if (!rc)
		rc = find_manager(s, e);
	if (rc)
		return rc;
	rc = region_find(&s->region, "ops", &g, e);
	if (rc)
		return rc;
	s->chans = aligned_alloc(128, g->nchannels * sizeof *s->chans);
	s->stuck = calloc(g->nchannels, sizeof *s->stuck);
	s->accounts = aligned_alloc(128, (g->nchannels + 1ull) * sizeof *s->accounts);
	if (!s->chans || !s->stuck || !s->accounts)
		return -ENOMEM;
	memset(s->accounts, 0, (g->nchannels + 1ull) * sizeof *s->accounts);
	s->ended = &s->accounts[g->nchannels];
	memset(s->chans, 0, g->nchannels * sizeof *s->chans);
	return service_take(&s->service, &s->region, "ops", s->chans, &config, e);
}

/* Wait for a signal, a dead owner, or the next heartbeat. Which signal, or 0. */
static int wait_event(struct server *s, int signals, struct pollfd *fds)
{
	struct signalfd_siginfo info;
	uint32_t i, n = 2;
	uint64_t count;

	fds[0] = (struct pollfd){.fd = signals, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = s->seen_fd, .events = POLLIN};
	pthread_mutex_lock(&s->control);
	for (i = 0; i < s->service.geometry->nchannels; i++)
		if (s->chans[i].owner_fd >= 0 &&
			__atomic_load_n(&s->chans[i].lock, __ATOMIC_RELAXED) == SERVICE_FREE)
			fds[n++] = (struct pollfd){.fd = s->chans[i].owner_fd, .events = POLLIN};
	pthread_mutex_unlock(&s->control);
	poll(fds, n, s->unreviewed ? REVIEW_MS : BEAT_MS);
	if (fds[1].revents & POLLIN && read(s->seen_fd, &count, sizeof count) == sizeof count)
		s->unreviewed = true;
	pthread_mutex_lock(&s->control);
	service_beat(&s->service);
	service_reap(&s->service, clock_ms());
	pthread_mutex_unlock(&s->control);
	s->unreviewed &= review(s); /* soon again, if rights have changed */
	note_minute(s);
	note_life(s);
	note_refusals(s, clock_ms());
	workers_look(s); /* one may have passed a channel by that was locked just now */
	if ((fds[0].revents & POLLIN) && read(signals, &info, sizeof info) == sizeof info)
		return (int)info.ssi_signo;
	return 0;
}

static bool idle(const struct server *s)
{
	uint32_t i;

	if (__atomic_load_n(&s->nstuck, __ATOMIC_RELAXED) ||
		__atomic_load_n(&s->halves, __ATOMIC_RELAXED))
		return false;
	for (i = 0; i < s->service.geometry->nchannels; i++)
		if (__atomic_load_n(&s->chans[i].lock, __ATOMIC_RELAXED) ||
			service_waiting(&s->chans[i]))
			return false;
	return true;
}

/* Answer what has been asked; new sessions are refused meanwhile. */
static void drain(struct server *s)
{
	uint64_t t0 = clock_ms();

	service_drain(&s->service);
	sd_notify(0, "STOPPING=1");
	while (!idle(s) && clock_ms() - t0 < DRAIN_MS)
		usleep(1000);
	__atomic_store_n(&s->stop, 1, __ATOMIC_RELEASE);
	workers_join(s);
	greet_end(s);
	service_drop(&s->service);
}

/* In the order in which they may be needed. */
static int start_threads(struct server *s)
{
	int rc = greet_start(s);

	if (rc == 0)
		rc = auditor_start(s->audit);
	if (rc == 0)
		rc = workers_start(s);
	if (rc == 0 && s->watcher)
		rc = watcher_start(s->watcher);
	return rc;
}

/* Who asks for a reload while we start is served then; by default it would end us. */
static void put_off_reloads(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* A descriptor that SIGTERM, SIGINT and SIGHUP are read from, for all threads. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int serve(struct server *s)
{
	struct pollfd *fds;
	int signals = open_signals(), signo, rc;

	fds = calloc(2 + (size_t)s->service.geometry->nchannels, sizeof *fds);
	rc = signals < 0 || !fds ? -errno : confine(&s->config);
	s->now_s = time(NULL);
	if (rc == 0)
		rc = start_threads(s);
	if (rc) {
		log_error("cannot start: %s", strerror(-rc));
		return 1;
	}
	if (s->watcher && !watcher_await(s->watcher, FIRST_VIEW_MS))
		log_warning("serving nobody until the manager at %s answers", s->config.sec_mgr);
	else if (s->watcher)
		log_rights(s);
	service_ready(&s->service);
	workers_wake(s);
	log_info("serving %u channels of %u KiB in %s, %u workers, %s, key %u",
		s->service.geometry->nchannels, s->service.geometry->ring_bytes >> 10,
		s->config.region, s->config.workers, s->gcm->name,
		keyring_active(s->zone->keys));
	if (s->zone->credential)
		log_info("clients with the credential may encrypt and decrypt");
	log_policy(s->zone);
	sd_notify(0, "READY=1");
	for (;;) {
		signo = wait_event(s, signals, fds);
		if (!service_held(&s->service)) {
			/* Stopped for longer than a lease, on another host than the successor's:
			 * every store from here on could hit what is theirs now. */
			log_error("pid %u took the service over; ending",
				ident_pid(shm_load64(&s->service.shm->lease)));
			_exit(1);
		}
		if (signo == SIGHUP)
			reload(s);
		else if (signo)
			break;
	}
	log_info("signal %d: answering what is there, then ending", signo);
	drain(s);
	note_refusals(s, clock_ms() + REFUSAL_MS);
	auditor_note(s->audit, "stop signal=%d", signo);
	auditor_close(s->audit);
	watcher_destroy(s->watcher);
	zone_free(s->zone);
	view_drop(s->view);
	kek_destroy(s->kek);
	region_close(&s->region);
	free(s->chans);
	free(s->stuck);
	free(s->accounts);
	free(fds);
	close(signals);
	return 0;
}

int main(int argc, char **argv)
{
	static struct server server;
	struct err_text e = {""};
	int rc;

	put_off_reloads();
	rc = config_read(&server.config, argc, argv, &e);
	if (rc == 1)
		return 0;
	if (rc) {
		log_error("%s", e.s);
		return 2;
	}
	log_set_level(server.config.log_level);
	pthread_mutex_init(&server.zone_lock, NULL);
	pthread_mutex_init(&server.control, NULL);
	refusals_init(&server.refusals);
	server.started_ms = clock_ms();
	harden();
	rc = open_all(&server, &e);
	if (rc) {
		log_error("%s", e.s[0] ? e.s : err_name(rc));
		return 1;
	}
	return serve(&server);
}
