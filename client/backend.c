/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "backend_session.h"
#include "door.h"

enum {
	EVENTS = 64,
	BEAT_MS = 500,
	POLL_MS = 1,      /* a client that does not read its replies rings no bell: look again */
	POLL_MAX_MS = 20, /* less and less often */
	PASSWORD_MAX = 4096,
};

/* What an event of the epoll set is about; below these: the channel. */
enum { TAG_BELL = 1 << 20, TAG_DOOR, TAG_SIGNAL, TAG_OWNER };

static struct {
	const struct backend_config *config;
	struct backend_shared shared;
	struct region region;
	struct service service;
	struct service_chan *chans; /* owned */
	struct session **open;      /* owned; nopen of them */
	uint32_t nopen;
	uint32_t first; /* whose turn it is to be first */
	int epoll, bell, door, signals;
	struct sockaddr_un at;
	struct spin spin;
	uint64_t beat_ms;
	unsigned poll_ms;
	bool stop;
} loop;

static void say(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void say(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", loop.config->program);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static bool watch(int fd, uint64_t tag)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = tag};

	return epoll_ctl(loop.epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* ---- channels come and go ---- */

static void opened(void *unused, struct service_chan *c)
{
	struct session *s = session_create(&loop.shared, c);

	c->session = s;
	if (!s) {
		say("no memory for the client on channel %u", c->index);
		return; /* served by nobody: it times out, and may try again */
	}
	s->slot = loop.nopen;
	loop.open[loop.nopen++] = s;
	if (c->owner_fd >= 0)
		watch(c->owner_fd, TAG_OWNER);
}

static void closed(void *unused, struct service_chan *c)
{
	struct session *s = c->session;

	if (!s)
		return;
	loop.open[s->slot] = loop.open[--loop.nopen];
	loop.open[s->slot]->slot = s->slot;
	c->session = NULL;
	session_destroy(s);
}

/* Before its descriptor closes; after a channel closed, for who was refused. */
static void left(void *unused, struct service_chan *c)
{
	epoll_ctl(loop.epoll, EPOLL_CTL_DEL, c->owner_fd, NULL);
}

/* ---- serving ---- */

static unsigned serve(struct session *s)
{
	struct service_chan *c = s->chan;
	unsigned n = session_serve(s);

	if (s->unpublished) {
		s->unpublished = false;
		service_publish(c);
	}
	if (!s->refuse)
		return n;
	say("channel %u of pid %u is refused: %s", c->index, ident_pid(c->owner), s->refuse);
	service_refuse(&loop.service, c);
	return n + 1;
}

static unsigned serve_all(void)
{
	unsigned n = 0;
	uint32_t i;

	if (service_changed(&loop.service))
		service_control(&loop.service);
	for (i = 0; i < loop.nopen; i++) {
		struct session *s = loop.open[(loop.first + i) % loop.nopen];

		if (session_waiting(s))
			n += serve(s);
	}
	loop.first++;
	return n;
}

static bool anything(void)
{
	uint32_t i;

	if (service_changed(&loop.service))
		return true;
	for (i = 0; i < loop.nopen; i++)
		if (session_waiting(loop.open[i]))
			return true;
	return false;
}

/* A client that just had its answer may ask again at once: look for a little, unless a
 * Redis has to be waited for, which needs the processor more. */
static bool spin(void)
{
	uint32_t i;

	for (i = 0; i < loop.nopen; i++)
		if (session_busy(loop.open[i]))
			return false;
	spin_start(&loop.spin);
	while (loop.nopen && spin_again(&loop.spin))
		if (anything()) {
			spin_met(&loop.spin);
			return true;
		}
	return false;
}

/* ---- sleeping ---- */

/* For at most so long: who waits for room, and clients on other hosts, ring no bell. */
static int longest_sleep(void)
{
	uint32_t i;

	if (loop.service.nremote)
		return POLL_MS;
	for (i = 0; i < loop.nopen; i++)
		if (loop.open[i]->stalled) {
			loop.poll_ms = loop.poll_ms < POLL_MAX_MS ? loop.poll_ms + POLL_MS : POLL_MAX_MS;
			return (int)loop.poll_ms;
		}
	loop.poll_ms = 0;
	return BEAT_MS;
}

static void on_event(uint64_t tag)
{
	uint64_t n;

	switch (tag) {
	case TAG_BELL:
		if (read(loop.bell, &n, sizeof n) < 0)
			break; /* somebody else's hand: it is silent already */
		break;
	case TAG_DOOR:
		door_give(loop.door, loop.bell);
		break;
	case TAG_SIGNAL:
		loop.stop = true;
		break;
	case TAG_OWNER:
		service_reap(&loop.service, clock_ms());
		break;
	default:
		if (tag < loop.service.geometry->nchannels && loop.chans[tag].session)
			session_event(loop.chans[tag].session);
	}
}

/* What the sockets, the bell and the signals have; wait for it if there is nothing. */
static void poll_events(bool sleep)
{
	struct epoll_event ev[EVENTS];
	uint32_t *asleep = &loop.service.shm->asleep;
	uint64_t t0 = 0;
	int i, n, ms = 0;

	if (sleep) {
		bell_set(asleep, BELL_FD);
		ms = anything() ? 0 : longest_sleep();
		t0 = clock_ticks();
	}
	n = epoll_wait(loop.epoll, ev, EVENTS, ms);
	if (sleep) {
		bell_clear(asleep);
		spin_idle(&loop.spin, clock_ticks() - t0);
	}
	for (i = 0; i < n; i++)
		on_event(ev[i].data.u64);
}

/* Twice a second. False: somebody else has the service. */
static bool beat(void)
{
	uint64_t now = clock_ms();
	uint32_t i;

	if (now - loop.beat_ms < BEAT_MS)
		return true;
	loop.beat_ms = now;
	if (!service_held(&loop.service)) {
		say("the lease on \"%s\" was taken away: the ring is closed", KV_SERVICE);
		return false;
	}
	service_beat(&loop.service);
	service_reap(&loop.service, now);
	for (i = 0; i < loop.nopen; i++)
		session_tick(loop.open[i], now);
	return true;
}

static bool serve_until_stopped(void)
{
	while (!loop.stop) {
		bool any;

		if (!beat())
			return false;
		any = serve_all();
		poll_events(!any && !spin());
	}
	return true;
}

/* ---- life ---- */

/* The first line, or why not. */
static const char *first_line(FILE *f, char *line)
{
	struct stat st;
	size_t n;

	setbuf(f, NULL); /* no copy of it stays behind */
	if (fstat(fileno(f), &st) < 0)
		return strerror(errno);
	if (st.st_mode & (S_IROTH | S_IWOTH))
		return "it is open to others; chmod o= it";
	if (!fgets(line, PASSWORD_MAX, f))
		return "it is empty";
	n = strcspn(line, "\r\n");
	if (!line[n] && n == PASSWORD_MAX - 1)
		return "its first line is too long";
	line[n] = 0;
	return NULL;
}

static char *read_password(const char *path, struct err_text *e)
{
	FILE *f = fopen(path, "re");
	char *line = calloc(1, PASSWORD_MAX);
	const char *why = f ? line ? first_line(f, line) : "no memory" : strerror(errno);

	if (why) {
		err_set(e, "no password in %s: %s", path, why);
		free(line);
		line = NULL;
	}
	if (f)
		fclose(f);
	return line;
}

static int open_doors(struct err_text *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	loop.epoll = epoll_create1(EPOLL_CLOEXEC);
	loop.bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	loop.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	loop.door = door_open(&loop.at, loop.config->region.spec, "bell");
	if (loop.door >= 0 && door_share(&loop.at, loop.config->region.spec) != 0)
		fprintf(stderr,
			"cxl-proxy: the bell socket %s keeps its mode (%s): clients of other users are slow\n",
			loop.at.sun_path, strerror(errno));
	loop.shared.epoll = loop.epoll;
	if (loop.epoll >= 0 && loop.bell >= 0 && loop.signals >= 0 && loop.door >= 0 &&
		watch(loop.bell, TAG_BELL) && watch(loop.signals, TAG_SIGNAL) &&
		watch(loop.door, TAG_DOOR))
		return 0;
	err_set(e, "the bell socket %s cannot be made: %s", loop.at.sun_path, strerror(errno));
	return -EIO;
}

static void close_doors(void)
{
	if (loop.door >= 0) {
		unlink(loop.at.sun_path);
		close(loop.door);
	}
	if (loop.signals >= 0)
		close(loop.signals);
	if (loop.bell >= 0)
		close(loop.bell);
	if (loop.epoll >= 0)
		close(loop.epoll);
}

static int take_service(struct err_text *e)
{
	struct service_config c = {.delay_ns = chan_delay_from_env(), .opened = opened,
		.closed = closed, .left = left, .bell_path = loop.at.sun_path};
	const struct service_geometry *g;
	char old_bell[BELL_PATH + 1] = "";
	int rc = region_find(&loop.region, KV_SERVICE, &g, e);

	if (rc)
		return rc;
	if (posix_memalign((void **)&loop.chans, 128, g->nchannels * sizeof *loop.chans))
		return -ENOMEM;
	memset(loop.chans, 0, g->nchannels * sizeof *loop.chans);
	loop.open = calloc(g->nchannels, sizeof *loop.open);
	if (!loop.open)
		return -ENOMEM;
	memcpy(old_bell, g->shm->bell_path, BELL_PATH);
	rc = service_take(&loop.service, &loop.region, KV_SERVICE, loop.chans, &c, e);
	if (rc == 0 && strcmp(old_bell, loop.at.sun_path) != 0)
		door_sweep(loop.config->region.spec, old_bell);
	return rc;
}

static void announce(bool fresh)
{
	const struct service_geometry *g = loop.service.geometry;

	say("%s serves \"%s\" in region %s%s: %u channels with rings of %u bytes, %llu bytes in "
		"all",
		loop.config->target.spec, KV_SERVICE, loop.config->region.spec,
		fresh ? " (new)" : "", g->nchannels, g->ring_bytes,
		(unsigned long long)loop.region.size);
}

int backend_run(struct backend_config *config)
{
	struct err_text e = {""};
	char *password = NULL;
	bool fresh = false, good = true;
	int rc;

	memset(&loop, 0, sizeof loop);
	loop.config = config;
	loop.epoll = loop.bell = loop.signals = loop.door = -1;
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
	rc = sodium_init() < 0 ? -EIO : link_prepare(&config->target, &e);
	if (rc == 0 && config->password_file) {
		password = read_password(config->password_file, &e);
		rc = password ? 0 : -EINVAL;
	}
	loop.shared.target = &config->target;
	loop.shared.user = config->user;
	loop.shared.password = password;
	loop.shared.max_request = config->max_request ? config->max_request : BACKEND_REQUEST_MAX;
	spin_init(&loop.spin, config->spin_us * 1000ull);
	if (rc == 0)
		rc = layout_attach(&loop.region, &config->region, &fresh, &e);
	if (rc == 0)
		rc = open_doors(&e);
	if (rc == 0)
		rc = take_service(&e);
	if (rc == 0) {
		service_ready(&loop.service);
		announce(fresh);
		good = serve_until_stopped();
		service_drain(&loop.service);
		service_drop(&loop.service);
	} else {
		say("%s", e.s[0] ? e.s : err_name(rc));
	}
	close_doors();
	free(loop.open);
	free(loop.chans);
	if (loop.region.map)
		region_close(&loop.region);
	link_release(&config->target);
	if (password)
		explicit_bzero(password, PASSWORD_MAX);
	free(password);
	return rc || !good;
}
