/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cxl_proxy.c - cxl-proxy: the ring for programs that speak RESP over sockets, and with
 * --backend (backend.h) for a Redis that does.
 *
 * Each connection that comes becomes a stream on a channel of its own, so whatever a
 * Redis client does works, and Redis sees one client for each. Here are options and
 * doors; relay.h has what carries the bytes.
 */
#include "descriptors.h"
#include "relay.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "backend.h"
#include "err.h"
#include "option.h"
#include "secure_ring.h"
#include "region.h"
#include "region_path.h"

static const char usage[] =
	"usage: cxl-proxy --listen HOST:PORT | --unix PATH [options]\n"
	"       cxl-proxy --backend HOST:PORT | --backend unix:PATH [options]\n"
	"  --region PATH       file or device; default $CXLRING_REGION, $CXL_RING_PATH\n"
	"  --offset BYTES      where the region starts in it\n"
	"  --map-size BYTES    how much to map; default: all there is\n"
	SECURE_OPTION_HELP
	"For clients that speak RESP, to a Redis that serves the region:\n"
	"  --listen HOST:PORT  accept TCP connections there; may be repeated\n"
	"  --unix PATH         and at this unix socket\n"
	"For ring clients, to a Redis that has no module:\n"
	"  --backend WHERE     serve the region, by this Redis\n"
	"  --backend-user NAME, --backend-password-file FILE   to log in with\n"
	"  --backend-tls       by TLS\n"
	"  --cacert FILE       whose certificates to trust; default: the system's\n"
	"  --channels N        of a region that is made now; default 16\n"
	"  --ring-size BYTES   of each direction of a channel, likewise; default 64K\n"
	"  --max-request BYTES longest request to take; default 512M and 64K\n"
	"  --spin-us US        longest wait for a request before sleeping; default 50\n"
	"A connection takes a channel of the region. SIGTERM ends the proxy and its\n"
	"connections.\n";

enum { DOORS_MAX = 16 };

static struct backend_config backend = {.program = "cxl-proxy", .spin_us = 50};

static struct {
	struct cxlring_options options;
	struct pollfd door[DOORS_MAX];
	int doors;
	const char *unix_path;
} proxy;

/* ---- doors ---- */

static void add_door(int fd)
{
	proxy.door[proxy.doors++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "cxl-proxy: %s: %s\n", what, why);
	exit(1);
}

static void fail_text(const struct err_text *e)
{
	fprintf(stderr, "cxl-proxy: %s\n", e->s);
	exit(1);
}

static void listen_tcp(const char *spec)
{
	struct err_text e;
	char host[ADDRESS_HOST_MAX];
	int fd;

	if (address_unix(spec) || !address_split(spec, host) || proxy.doors == DOORS_MAX - 1)
		fail(spec, "--listen takes HOST:PORT, at most 15 times");
	fd = address_listen(spec, &e);
	if (fd < 0)
		fail_text(&e);
	add_door(fd);
}

static void listen_unix(const char *path)
{
	struct err_text e;
	int fd = address_listen_unix(path, &e);

	if (fd < 0)
		fail_text(&e);
	proxy.unix_path = path;
	add_door(fd);
}

/* ---- life ---- */

static void welcome(int door)
{
	static const struct timespec pause = {0, 50000000};
	int fd = accept4(door, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			nanosleep(&pause, NULL); /* it stays in the queue, and poll() tells of it */
		return;
	}
	/* A host that is gone would keep its channel. As Redis does it, which knows of no TCP
	 * here. */
	address_keep_alive(fd, 300);
	relay_add(fd);
}

static void run(int signals)
{
	int i;

	add_door(signals);
	for (;;) {
		if (poll(proxy.door, (nfds_t)proxy.doors, -1) < 0)
			continue;
		if (proxy.door[proxy.doors - 1].revents)
			break;
		for (i = 0; i < proxy.doors - 1; i++)
			if (proxy.door[i].revents & POLLIN)
				welcome(proxy.door[i].fd);
	}
	for (i = 0; i < proxy.doors - 1; i++)
		close(proxy.door[i].fd);
}

enum { LISTEN = 256, UNIX, REGION, OFFSET, MAP_SIZE, HELP, VERSION, BACKEND, BACKEND_USER,
	BACKEND_PASSWORD, BACKEND_TLS, CACERT, CHANNELS, RING_SIZE, MAX_REQUEST, SPIN_US };

/* The options of --backend. False: it is none of them. */
static bool take_backend(int o)
{
	switch (o) {
	case BACKEND:
		backend.target.spec = optarg;
		break;
	case BACKEND_USER:
		backend.user = optarg;
		break;
	case BACKEND_PASSWORD:
		backend.password_file = optarg;
		break;
	case BACKEND_TLS:
		backend.target.tls = true;
		break;
	case CACERT:
		backend.target.cacert = optarg;
		break;
	case CHANNELS:
		backend.region.kv_channels =
			(uint32_t)option_number("--channels", optarg, 1, SERVICE_CHANNELS_MAX);
		break;
	case RING_SIZE:
		backend.region.kv_ring =
			(uint32_t)option_number("--ring-size", optarg, 4096, 1 << 30);
		break;
	case MAX_REQUEST:
		backend.max_request =
			(uint64_t)option_number("--max-request", optarg, 1024, 1ll << 32);
		break;
	case SPIN_US:
		backend.spin_us = (uint32_t)option_number("--spin-us", optarg, 0, 100000);
		break;
	default:
		return false;
	}
	return true;
}

/* What would connect as somebody else than was meant, or in the clear. */
static const char *contradiction(void)
{
	if (backend.user && !backend.password_file)
		return "--backend-user needs --backend-password-file: without it the session would "
			   "be the default user's";
	if (backend.target.cacert && !backend.target.tls)
		return "--cacert needs --backend-tls: without it there is no TLS";
	return NULL;
}

static int run_backend(void)
{
	const char *why = contradiction();

	if (why) {
		fprintf(stderr, "cxl-proxy: %s\n", why);
		return 2;
	}
	backend.region.spec = region_path(proxy.options.region);
	backend.region.offset = proxy.options.offset;
	backend.region.map_size = proxy.options.map_size;
	if (backend.region.spec)
		return backend_run(&backend);
	fprintf(stderr, "cxl-proxy: no region: give its path, or set CXLRING_REGION or "
					"CXL_RING_PATH\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {SECURE_OPTION_LONG, {"listen", 1, NULL, LISTEN},
		{"unix", 1, NULL, UNIX}, {"region", 1, NULL, REGION}, {"offset", 1, NULL, OFFSET},
		{"map-size", 1, NULL, MAP_SIZE}, {"backend", 1, NULL, BACKEND},
		{"backend-user", 1, NULL, BACKEND_USER},
		{"backend-password-file", 1, NULL, BACKEND_PASSWORD},
		{"backend-tls", 0, NULL, BACKEND_TLS}, {"cacert", 1, NULL, CACERT},
		{"channels", 1, NULL, CHANNELS}, {"ring-size", 1, NULL, RING_SIZE},
		{"max-request", 1, NULL, MAX_REQUEST}, {"spin-us", 1, NULL, SPIN_US},
		{"help", 0, NULL, HELP}, {"version", 0, NULL, VERSION}, {NULL, 0, NULL, 0}};
	struct secure_option secure = {.secure = false};
	sigset_t set;
	int o, rc;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (o) {
		case LISTEN:
			listen_tcp(optarg);
			break;
		case UNIX:
			listen_unix(optarg);
			break;
		case REGION:
			proxy.options.region = optarg;
			break;
		case OFFSET:
			proxy.options.offset =
				(uint64_t)option_number("--offset", optarg, 0, INT64_MAX);
			break;
		case MAP_SIZE:
			proxy.options.map_size =
				(uint64_t)option_number("--map-size", optarg, 0, INT64_MAX);
			break;
		case VERSION:
			printf("cxl-proxy 1.0.0\n");
			return 0;
		default:
			if (take_backend(o) || secure_option_long(&secure, o, optarg))
				break;
			fputs(usage, o == HELP ? stdout : stderr);
			return o == HELP ? 0 : 2;
		}
	if (optind < argc || (proxy.doors == 0) == (backend.target.spec == NULL)) {
		fputs(usage, stderr);
		return 2;
	}
	secure_ring_options(&proxy.options, &secure);
	if (backend.target.spec && secure.secure) {
		fprintf(stderr, "cxl-proxy: --backend serves plain channels only\n");
		return 2;
	}
	descriptors_raise();
	if (backend.target.spec)
		return run_backend();
	rc = relay_init(&proxy.options);
	if (rc)
		fail("threads", strerror(-rc));
	run(signalfd(-1, &set, SFD_CLOEXEC));
	relay_fini();
	if (proxy.unix_path)
		unlink(proxy.unix_path);
	return 0;
}
