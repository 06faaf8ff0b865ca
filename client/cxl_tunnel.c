/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cxl_tunnel.c - cxl-tunnel: TCP or unix-socket connections, sealed between two machines.
 *
 * It is what somebody without shared memory runs in front of Redis, and so what the ring is
 * measured against. tunnel.h has what is on the wire and noise.h the handshake; here are
 * options, the door and the loop.
 */
#include "descriptors.h"
#include "tunnel.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "clock.h"
#include "option.h"

static const char usage[] =
	"usage: cxl-tunnel keygen FILE\n"
	"       cxl-tunnel client --listen WHERE --to WHERE --key FILE --peer KEY [options]\n"
	"       cxl-tunnel server --listen WHERE --to WHERE --key FILE --peer KEY [options]\n"
	"Carries connections from the client's WHERE to the server end, sealed, and from there\n"
	"to the server's. WHERE is HOST:PORT or unix:PATH.\n"
	"  keygen FILE            a new secret key into FILE; prints its public key\n"
	"  --listen WHERE         accept connections there\n"
	"  --to WHERE             client: the server end; server: the target, such as Redis\n"
	"  --key FILE             this end's secret key\n"
	"  --peer KEY             public key of the other end; a server takes several\n"
	"  --peers FILE           server: a file of public keys, one a line\n"
	"  --connect-timeout S    longest to try to connect, handshake included; default 10\n"
	"  --idle-timeout S       end what is silent for so long; default 0, never\n"
	"  --max-connections N    at a time; others wait in the queue; default 1000\n"
	"  --rekey-bytes BYTES    a new key after so many in a direction; default 1G\n"
	"  --rekey-seconds S      and after so long; default 600\n"
	"SIGTERM ends it and its connections.\n";

enum {
	STRANGERS_MAX = 128,  /* connections that have not proved who they are */
	ACCEPT_AT_ONCE = 64,
	EVENTS = 128,
	LINES_A_SECOND = 10,
};

static struct {
	struct tunnel_config config;
	const char *listen;
	const char *key;
	uint32_t most;
	int door, signals;
	bool shut; /* the door is not watched: there are enough, or no descriptors */
	struct tunnel *first, *last; /* oldest first */
	uint32_t n;
	struct tunnel *ready;
	uint64_t now_ms, second_ms;
	uint32_t lines, unsaid;
} program = {.most = 1000, .config = {.rekey_bytes = 1 << 30, .rekey_ms = 600000,
							  .connect_ms = 10000}};

static _Noreturn void fail(const char *why)
{
	fprintf(stderr, "cxl-tunnel: %s\n", why);
	exit(1);
}

/* Strangers decide how many there are: so many a second, and how many more there were. */
static void say(const char *why)
{
	if (program.now_ms - program.second_ms >= 1000) {
		if (program.unsaid)
			fprintf(stderr, "cxl-tunnel: and %u more\n", program.unsaid);
		program.second_ms = program.now_ms;
		program.lines = program.unsaid = 0;
	}
	if (program.lines++ < LINES_A_SECOND)
		fprintf(stderr, "cxl-tunnel: %s\n", why);
	else
		program.unsaid++;
}

/* ---- the door ---- */

static void door_watch(bool open)
{
	struct epoll_event ev = {.events = open ? EPOLLIN : 0, .data.ptr = &program.door};

	program.shut = !open;
	if (epoll_ctl(program.config.epoll, EPOLL_CTL_MOD, program.door, &ev) < 0)
		fail(strerror(errno));
}

/* Somebody who says nothing keeps nobody out: the oldest of too many goes. */
static void limit_strangers(void)
{
	struct tunnel *t, *oldest = NULL;
	uint32_t n = 0;

	for (t = program.first; t; t = t->next)
		if (tunnel_unknown(t)) {
			oldest = oldest ? oldest : t;
			n++;
		}
	if (n > STRANGERS_MAX)
		tunnel_abort(oldest, "handshake: too many at a time, the oldest is given up");
}

static void make_ready(struct tunnel *t)
{
	if (t->ready)
		return;
	t->ready = true;
	t->next_ready = program.ready;
	program.ready = t;
}

static void add(int fd)
{
	struct tunnel *t = tunnel_create(&program.config, fd, program.now_ms);

	if (!t) {
		say(strerror(ENOMEM));
		return;
	}
	t->prev = program.last;
	*(program.last ? &program.last->next : &program.first) = t;
	program.last = t;
	program.n++;
	make_ready(t);
}

static void welcome(void)
{
	int i, fd;

	for (i = 0; i < ACCEPT_AT_ONCE && program.n < program.most; i++) {
		fd = accept4(program.door, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
			say(strerror(errno));
			door_watch(false); /* until one ends, or the next tick */
		}
		if (fd < 0)
			return;
		add(fd);
		if (program.config.server)
			limit_strangers();
	}
	if (program.n >= program.most)
		door_watch(false);
}

/* ---- the loop ---- */

static void remove_tunnel(struct tunnel *t)
{
	*(t->prev ? &t->prev->next : &program.first) = t->next;
	*(t->next ? &t->next->prev : &program.last) = t->prev;
	program.n--;
	if (t->why[0])
		say(t->why);
	tunnel_destroy(t);
}

/* Each that had an event, once; those with more to do stay. */
static void run_ready(void)
{
	struct tunnel *t = program.ready, *next;

	program.ready = NULL;
	for (; t; t = next) {
		next = t->next_ready;
		t->ready = false;
		if (tunnel_run(t, program.now_ms))
			make_ready(t);
	}
}

/* Timeouts; who is over goes. No event of this round is left that names one. */
static int tick(void)
{
	uint32_t soonest = 1000, ms;
	struct tunnel *t, *next;

	for (t = program.first; t; t = next) {
		next = t->next;
		ms = t->state == TUNNEL_OVER ? soonest : tunnel_tick(t, program.now_ms);
		soonest = ms < soonest ? ms : soonest;
		if (t->state == TUNNEL_OVER && !t->ready)
			remove_tunnel(t);
	}
	if (program.shut && program.n < program.most)
		door_watch(true);
	return program.first || program.shut ? (int)soonest : -1;
}

static void run(void)
{
	struct epoll_event events[EVENTS];
	int i, n, wait_ms = -1;

	for (;;) {
		n = epoll_wait(program.config.epoll, events, EVENTS, program.ready ? 0 : wait_ms);
		program.now_ms = clock_ms();
		for (i = 0; i < n; i++) {
			struct tunnel_end *e = events[i].data.ptr;

			if (events[i].data.ptr == &program.signals)
				return;
			if (events[i].data.ptr == &program.door) {
				welcome();
				continue;
			}
			tunnel_heard(e, events[i].events);
			make_ready(e->tunnel);
		}
		run_ready();
		wait_ms = tick();
	}
}

/* ---- start ---- */

static void watch(int fd, void *tag)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = tag};

	if (fd < 0 || epoll_ctl(program.config.epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		fail(strerror(errno));
}

/* Keys and what goes through stay out of core dumps and debuggers' reach. */
static void harden(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int keygen(int argc, char **argv)
{
	char text[TUNNEL_KEY_TEXT];
	struct err_text e;

	if (argc != 2) {
		fputs(usage, stderr);
		return 2;
	}
	if (tunnel_key_create(argv[1], text, &e))
		fail(e.s);
	puts(text);
	return 0;
}

enum { LISTEN = 256, TO, KEY, PEER, PEERS, CONNECT, IDLE, MOST, REKEY_BYTES, REKEY_SECONDS,
	HELP, VERSION };

/* One option. False: it is none. */
static bool take(int o, struct tunnel_peers *peers, struct err_text *e)
{
	struct tunnel_config *c = &program.config;

	switch (o) {
	case LISTEN:
		program.listen = optarg;
		return true;
	case TO:
		c->to = optarg;
		return true;
	case KEY:
		program.key = optarg;
		return true;
	case PEER:
		if (tunnel_peers_add(peers, optarg, e))
			fail(e->s);
		return true;
	case PEERS:
		if (tunnel_peers_read(peers, optarg, e))
			fail(e->s);
		return true;
	case CONNECT:
		c->connect_ms = (uint32_t)(1000 * option_seconds("--connect-timeout", optarg, 86400));
		return true;
	case IDLE:
		c->idle_ms = (uint32_t)(1000 * option_seconds("--idle-timeout", optarg, 1000000));
		return true;
	case MOST:
		program.most = (uint32_t)option_number("--max-connections", optarg, 1, 100000);
		return true;
	case REKEY_BYTES:
		c->rekey_bytes = (uint64_t)option_number("--rekey-bytes", optarg, 1, INT64_MAX);
		return true;
	case REKEY_SECONDS:
		c->rekey_ms = (uint32_t)(1000 * option_seconds("--rekey-seconds", optarg, 1000000));
		return true;
	default:
		return false;
	}
}

/* What is missing or cannot be; NULL: nothing. */
static const char *missing(const struct tunnel_peers *peers)
{
	if (!program.listen || !program.config.to || !program.key)
		return "--listen, --to and --key are needed";
	if (!address_valid(program.config.to))
		return "--to takes HOST:PORT or unix:PATH";
	if (peers->n == 0)
		return "--peer is needed: the other end's public key";
	if (!program.config.server && peers->n != 1)
		return "a client takes one --peer";
	return NULL;
}

static void open_all(struct noise_pair **keys)
{
	struct err_text e;
	sigset_t set;

	if (life_watch_env(&e) < 0)
		fail(e.s);
	if (tunnel_key_load(keys, program.key, &e))
		fail(e.s);
	program.config.keys = *keys;
	program.door = address_listen(program.listen, &e);
	if (program.door < 0)
		fail(e.s);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	program.signals = signalfd(-1, &set, SFD_CLOEXEC);
	program.config.epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(program.door, &program.door);
	watch(program.signals, &program.signals);
}

static int serve(const struct tunnel_peers *peers)
{
	const char *path = address_unix(program.listen);
	struct noise_pair *keys;

	program.config.peers = peers;
	descriptors_raise();
	harden();
	open_all(&keys);
	run();
	while (program.first) {
		tunnel_abort(program.first, NULL);
		program.first->why[0] = 0;
		remove_tunnel(program.first);
	}
	if (path)
		unlink(path);
	sodium_free(keys);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"listen", 1, NULL, LISTEN}, {"to", 1, NULL, TO},
		{"key", 1, NULL, KEY}, {"peer", 1, NULL, PEER}, {"peers", 1, NULL, PEERS},
		{"connect-timeout", 1, NULL, CONNECT}, {"idle-timeout", 1, NULL, IDLE},
		{"max-connections", 1, NULL, MOST}, {"rekey-bytes", 1, NULL, REKEY_BYTES},
		{"rekey-seconds", 1, NULL, REKEY_SECONDS}, {"help", 0, NULL, HELP},
		{"version", 0, NULL, VERSION}, {NULL, 0, NULL, 0}};
	static struct tunnel_peers peers;
	struct err_text e;
	const char *why;
	int o;

	if (sodium_init() < 0)
		fail("libsodium cannot start");
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (o == HELP || o == VERSION) {
			fputs(o == HELP ? usage : "cxl-tunnel 1.0.0\n", stdout);
			return 0;
		} else if (!take(o, &peers, &e)) {
			fputs(usage, stderr);
			return 2;
		}
	argc -= optind;
	argv += optind;
	if (argc >= 1 && strcmp(argv[0], "keygen") == 0)
		return keygen(argc, argv);
	program.config.server = argc == 1 && strcmp(argv[0], "server") == 0;
	if (argc != 1 || (!program.config.server && strcmp(argv[0], "client") != 0)) {
		fputs(usage, stderr);
		return 2;
	}
	why = missing(&peers);
	if (why) {
		fprintf(stderr, "cxl-tunnel: %s; see --help\n", why);
		return 2;
	}
	return serve(&peers);
}
