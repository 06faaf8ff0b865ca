/* SPDX-License-Identifier: BSD-3-Clause */
#include "greet.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "life.h"
#include "outbox.h"
#include "rights.h"
#include "roster.h"
#include "secure.h"

enum { NICE = 5 };

/* A handshake. Who has it is who may touch it: the thread while `thinks`. */
struct greeting {
	struct greeting *next;
	struct handshake *handshake;
	struct session *s; /* main thread's; NULL: it has ended */
	int rc;
	bool thinks;
};

struct greet_view greet_view;

static struct {
	pthread_mutex_t lock; /* of what follows, up to `stop` */
	pthread_cond_t work;
	struct greeting *todo, **todo_last, *done;
	struct trust *trust;
	bool stop;
	pthread_t thread;
	int efd; /* -1: not running */
	struct trust_seen seen;
	bool complained; /* about files as they are now */
} g = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .efd = -1};

/* ---- the thread ---- */

/* Those who are in go first. It is a help, not a need: without, a handshake takes half of a
 * processor that Redis's thread wants as well, and not a quarter, for its 20 ms. So it is
 * not asked for where there is a filter of system calls: systemd's `~@resources`, which
 * Debian's redis-server.service has, kills for it. */
static void go_last(void)
{
	if (prctl(PR_GET_SECCOMP) == 0)
		setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
}

static void *think(void *unused)
{
	struct greeting *x;
	uint64_t one = 1;

	prctl(PR_SET_NAME, "cxlring-greet");
	go_last();
	pthread_mutex_lock(&g.lock);
	while (!g.stop) {
		x = g.todo;
		if (!x) {
			pthread_cond_wait(&g.work, &g.lock);
			continue;
		}
		g.todo = x->next;
		if (!g.todo)
			g.todo_last = &g.todo;
		pthread_mutex_unlock(&g.lock);
		x->rc = handshake_run(x->handshake);
		pthread_mutex_lock(&g.lock);
		x->next = g.done;
		g.done = x;
		if (write(g.efd, &one, sizeof one) < 0)
			continue; /* cannot be full: it is read each time */
	}
	pthread_mutex_unlock(&g.lock);
	return NULL;
}

/* ---- trust ---- */

static struct trust *trust_now(void)
{
	struct trust *t;

	pthread_mutex_lock(&g.lock);
	t = trust_hold(g.trust);
	pthread_mutex_unlock(&g.lock);
	return t;
}

static struct trust_files files(void)
{
	return (struct trust_files){.cert = config.cert, .key = config.key, .ca = config.ca,
		.crl = config.crl, .psk = config.psk};
}

/* As things are now. */
static bool may_stay(const struct session *s, const struct trust *t, int64_t now_s)
{
	struct err_text e = {""};

	if (!s->peer)
		return !s->let_in || config.secure != TRUST_REQUIRED;
	if (!trust_objects(t, s->peer, now_s, &e))
		return true;
	RedisModule_Log(roster.ctx, "notice", "channel %u of pid %u is closed: %s", s->chan->index,
		ident_pid(s->chan->owner), e.s);
	return false;
}

/* Without `news` only time has gone by: whose certificate has ended? */
static void doom_others(const struct trust *t, bool news)
{
	int64_t now_s = time(NULL);
	uint32_t i;

	for (i = 0; i < roster.nopen; i++) {
		struct session *s = roster.open[i];
		bool ended = s->peer && s->peer->ends_s && now_s > s->peer->ends_s;

		if ((news || ended) && !s->tally.killed && !may_stay(s, t, now_s))
			roster_doom(s);
	}
}

static int check_roles(const struct trust *t, struct err_text *e)
{
	if (config.secure == TRUST_PLAIN || !t->cert.p || peer_may(&t->self, KV_SERVICE, true))
		return 0;
	err_set(e, "%s: its roles are not a server's; hedbctl ca issue ... --role server:kv",
		config.cert);
	return -EINVAL;
}

int greet_configure(struct err_text *e)
{
	const struct trust_files f = files();
	struct trust *t = NULL, *old;
	int rc = 0;

	if (g.efd < 0)
		return 0; /* not yet: greet_open() does */
	trust_seen_other(&g.seen, &f); /* before they are read: what is written meanwhile is news */
	if (config.secure != TRUST_PLAIN || config.zone_secure) {
		rc = life_watch_env(e);
		rc = rc < 0 ? rc : trust_renew(&t, g.trust, &f, e);
	}
	if (!rc && t)
		rc = check_roles(t, e);
	if (!rc)
		rc = rights_use(t, e);
	if (rc) {
		trust_drop(t);
		return rc;
	}
	pthread_mutex_lock(&g.lock);
	old = g.trust;
	g.trust = t;
	pthread_mutex_unlock(&g.lock);
	trust_drop(old);
	config.zone_trust = config.zone_secure ? t : NULL;
	doom_others(t, true);
	g.complained = false;
	return 0;
}

void greet_look_at_files(void)
{
	const struct trust_files f = files();
	bool complained = g.complained;
	char text[TRUST_SENTENCE];
	struct err_text e = {""};

	if (config.secure == TRUST_PLAIN && !config.zone_secure)
		return;
	doom_others(g.trust, false);
	if (!trust_seen_other(&g.seen, &f) && !complained)
		return;
	g.complained = greet_configure(&e) != 0; /* it may be half written: look again */
	if (g.complained == complained)
		return;
	trust_sentence(text, complained ? NULL : e.s);
	RedisModule_Log(roster.ctx, complained ? "notice" : "warning", "%s", text);
}

/* ---- greeting ---- */

static void free_greeting(struct greeting *x)
{
	handshake_destroy(x->handshake);
	RedisModule_Free(x);
}

/* The certificate's first user, if it names one. */
static bool be_user(struct session *s, const struct peer *p, struct err_text *e)
{
	if (p->nusers == 0 || acl_certify(&s->acl, p->user[0]))
		return true;
	err_set(e, "\"%s\" may be user %s, which there is not, or is off", p->name, p->user[0]);
	return false;
}

/* What the thread came to. */
static void go_on(struct session *s, struct greeting *x)
{
	int rc = secure_give(x->handshake, s->chan, x->rc);
	struct err_text e = {""};
	char why[sizeof e.s + 32];

	if (rc == -EAGAIN)
		return;
	greet_view.failed += rc != 0;
	snprintf(why, sizeof why, "no sealed channel: %s",
		handshake_why(x->handshake)[0] ? handshake_why(x->handshake) : err_name(rc));
	if (rc == 0) {
		s->peer = RedisModule_Alloc(sizeof *s->peer);
		*s->peer = *handshake_peer(x->handshake);
		s->right = handshake_right(x->handshake);
		s->key_id = handshake_key_id(x->handshake);
		greet_view.sealed++;
		/* The files may be others than when it began. */
		s->let_in = !trust_objects(g.trust, s->peer, time(NULL), &e) && be_user(s, s->peer, &e);
		if (!s->let_in) {
			snprintf(why, sizeof why, "no sealed channel: %s", e.s);
			rc = -EACCES;
		}
	}
	s->greeting = NULL;
	if (rc)
		roster_refuse_peer(s, handshake_peer(x->handshake), why);
	free_greeting(x);
}

static void on_thought(int fd, void *unused, int mask)
{
	struct greeting *x, *next;
	uint64_t n;

	if (read(fd, &n, sizeof n) < 0)
		return;
	pthread_mutex_lock(&g.lock);
	x = g.done;
	g.done = NULL;
	pthread_mutex_unlock(&g.lock);
	for (; x; x = next) {
		next = x->next;
		x->thinks = false;
		if (x->s)
			go_on(x->s, x);
		else
			free_greeting(x);
	}
}

/* The thread's turn. */
static void submit(struct greeting *x)
{
	x->thinks = true;
	x->next = NULL;
	pthread_mutex_lock(&g.lock);
	*g.todo_last = x;
	g.todo_last = &x->next;
	pthread_cond_signal(&g.work);
	pthread_mutex_unlock(&g.lock);
}

static bool shake_hands(struct session *s, const struct frame *f)
{
	struct greeting *x = s->greeting;
	struct trust *t;
	int rc;

	if (!x) {
		x = RedisModule_Calloc(1, sizeof *x);
		x->s = s;
		s->greeting = x;
		greet_view.handshakes++;
	}
	t = trust_now();
	rc = secure_take(&x->handshake, s->chan, KV_SERVICE, t, f);
	trust_drop(t);
	if (rc) {
		greet_view.failed++;
		roster_refuse(s, rc == -ENOMEM ? "no memory for a handshake" : "no handshake");
		return false;
	}
	ring_release(&s->chan->rx);
	submit(x);
	return false;
}

bool greet_waits(const struct session *s)
{
	return !(s->greeting && s->greeting->thinks) && ring_waiting(&s->chan->rx);
}

/* What a plain client, or one that asks for what there is not, is told. */
static bool turn_away(struct session *s, const struct frame *f, const char *text)
{
	session_error(s, f->id, text);
	outbox_publish(s);
	roster_refuse(s, text);
	return false;
}

bool greet(struct session *s)
{
	struct frame f;

	if (!greet_waits(s))
		return false;
	if (ring_peek(&s->chan->rx, &f)) {
		if (s->chan->rx.broken)
			roster_refuse(s, "its ring holds what no client writes");
		return false;
	}
	if (f.kind == SEAL_HELLO && config.secure != TRUST_PLAIN)
		return shake_hands(s, &f);
	if (f.kind == SEAL_HELLO)
		return turn_away(s, &f, "NOPERM this server has no sealed channels");
	if (s->greeting || config.secure == TRUST_REQUIRED)
		return turn_away(s, &f, "NOPERM this server takes sealed channels only");
	return s->let_in = true;
}

void greet_end(struct session *s)
{
	greet_view.sealed -= s->peer != NULL;
	if (!s->greeting)
		return;
	s->greeting->s = NULL;
	if (!s->greeting->thinks)
		free_greeting(s->greeting);
	s->greeting = NULL;
}

/* ---- life ---- */

int greet_open(struct err_text *e)
{
	int rc;

	g.todo_last = &g.todo;
	g.stop = false;
	g.efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (g.efd < 0)
		return -errno;
	rc = greet_configure(e);
	if (!rc && RedisModule_EventLoopAdd(g.efd, REDISMODULE_EVENTLOOP_READABLE, on_thought, NULL) !=
			   REDISMODULE_OK)
		rc = -ENOMEM;
	/* Last: who fails here leaves no thread behind, whose code would go. */
	if (!rc && (rc = -pthread_create(&g.thread, NULL, think, NULL)) != 0)
		RedisModule_EventLoopDel(g.efd, REDISMODULE_EVENTLOOP_READABLE);
	if (!rc)
		return 0;
	close(g.efd);
	g.efd = -1;
	trust_drop(g.trust);
	g.trust = config.zone_trust = NULL;
	return rc;
}

static void free_all(struct greeting *x)
{
	while (x) {
		struct greeting *next = x->next;

		free_greeting(x);
		x = next;
	}
}

void greet_close(void)
{
	if (g.efd < 0)
		return;
	pthread_mutex_lock(&g.lock);
	g.stop = true;
	pthread_cond_signal(&g.work);
	pthread_mutex_unlock(&g.lock);
	pthread_join(g.thread, NULL);
	RedisModule_EventLoopDel(g.efd, REDISMODULE_EVENTLOOP_READABLE);
	close(g.efd);
	g.efd = -1;
	config.zone_trust = NULL;
	free_all(g.todo);
	free_all(g.done);
	g.todo = g.done = NULL;
	trust_drop(g.trust);
	g.trust = NULL;
}
