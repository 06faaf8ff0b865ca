/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * managedrig.h - an ops_server with a manager (cxl_sec_mgr), an administrator and clients, all with
 * certificates of a CA of their own: for tests of the programs that were built beside them.
 * setup() and teardown() are cmocka's of the group, begin_managed() and end_managed() of a test.
 */
#ifndef TESTS_MANAGEDRIG_H
#define TESTS_MANAGEDRIG_H

#include "carig.h"
#include "serverrig.h"

#include <arpa/inet.h>

#include "ca.h"
#include "handshake.h"
#include "watch.h"

enum { LEASE = 2000 };

static char store[80], mgr_path[PATH_MAX];
static char address[32];   /* where the manager listens */
static const char *called; /* what nodes name it */
static const char *connections = "512"; /* that it holds, of those with a certificate */
static char mgr_log[80];   /* what it says, when a test has named a file */
static pid_t manager;
static struct mgrlink admin;
static struct trust *admin_trust;
static char answer[512]; /* to the last command */

/* ---- the manager ---- */

static inline int free_port(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

static inline int run_manager(void *arg)
{
	char lease[16];
	int fd = open(mgr_log[0] ? mgr_log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600);

	unsetenv("NOTIFY_SOCKET");
	if (mgr_log[0] || !getenv("MGR_LOG"))
		dup2(fd, STDERR_FILENO);
	alarm(0);
	snprintf(lease, sizeof lease, "%d", LEASE);
	execl(mgr_path, "cxl_sec_mgr", "--listen", address, "--store", store, "--cert", in_ca("mgr.pem"),
		"--key", in_ca("mgr.key"), "--ca", in_ca("ca.pem"), "--lease-ms", lease,
		"--connections", connections, NULL);
	return 71;
}

static inline void connect_admin(void)
{
	struct sockaddr_storage at[MGR_ADDRESSES];
	socklen_t len[MGR_ADDRESSES];
	struct pollfd p;
	uint64_t t0 = clock_ms();
	int rc = -1;

	assert_int_equal(mgrlink_resolve(address, at, len, &err), 1);
	mgrlink_close(&admin);
	while (rc) {
		assert_true(clock_ms() - t0 < TIMEOUT_MS);
		assert_int_equal(mgrlink_open(&admin, mgrlink_dial(&at[0], len[0]), admin_trust, false), 0);
		for (rc = 0; !rc && !admin.open;) {
			rc = mgrlink_carry(&admin);
			if (!rc)
				rc = mgrlink_think(&admin);
			p = (struct pollfd){.fd = admin.fd, .events = rc ? 0 : mgrlink_events(&admin)};
			if (!rc && !admin.open && !admin.thinks)
				poll(&p, 1, 1000);
		}
		if (rc) {
			mgrlink_close(&admin);
			usleep(10000);
		}
	}
}

static inline void start_manager(void)
{
	manager = rig_spawn(run_manager, NULL, LIMIT_S);
	connect_admin();
}

static inline void kill_manager(void)
{
	mgrlink_close(&admin);
	rig_kill(manager);
	manager = 0;
}

/* The errno of its answer, whose text is in `answer`. */
static inline int command(const char *fmt, ...)
{
	char line[400];
	struct cursor body;
	struct pollfd p;
	uint8_t kind;
	uint32_t code;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	assert_int_equal(mgrlink_put(&admin, MGR_DO, line, strlen(line)), 0);
	for (;;) {
		assert_int_equal(mgrlink_carry(&admin), 0);
		if (mgrlink_take(&admin, &kind, &body))
			break;
		p = (struct pollfd){.fd = admin.fd, .events = mgrlink_events(&admin)};
		assert_true(poll(&p, 1, TIMEOUT_MS) == 1);
	}
	assert_int_equal(kind, MGR_DONE);
	code = cursor_u32(&body);
	snprintf(answer, sizeof answer, "%.*s", (int)body.left, (const char *)body.p);
	return -(int)code;
}

static inline void done(const char *line)
{
	if (command("%s", line))
		fail_msg("%s: %s", line, answer);
}

static inline void add_node(const char *name)
{
	struct trust_files files = files_of(name);
	struct trust *t;
	char hex[65];

	assert_int_equal(trust_load(&t, &files, &err), 0);
	sodium_bin2hex(hex, sizeof hex, t->self.print, PEER_PRINT);
	trust_drop(t);
	if (command("node %s %s", name, hex))
		fail_msg("%s", answer);
}

/* ---- clients ---- */

static inline int load_rc(const char *name, struct trust **t)
{
	struct trust_files files = files_of(name);

	return watch_load(t, &files, called, NULL, NULL, &err);
}

static inline struct ops_client *client_as(const char *name, enum role role)
{
	struct ops_client *c = client_open(role, NULL);

	if (load_rc(name, &c->trust))
		fail_msg("%s: %s", name, err.s);
	return c;
}

static inline void leave(struct ops_client *c)
{
	struct trust *t = c->trust;

	client_close(c);
	trust_drop(t);
}

/* Without much patience: while the manager is away an answer would be waited for. */
static inline int ask_soon(struct ops_client *c)
{
	struct bytes b = {"soon", 4};
	const uint8_t *got;
	uint64_t len;
	int rc = ops_call(c, OPS_PING, b.len, fill, &b, 300, &got, &len, &err);

	if (rc == 0)
		ops_done(c);
	return rc;
}

/* ---- setup ---- */

/* By that HOST:PORT. */
static inline int begin_called(const char *name)
{
	const char *const more[] = {"--secure", "required", "--cert", in_ca("zone.pem"), "--key",
		in_ca("zone.key"), "--ca", in_ca("ca.pem"), "--crl", in_ca("crl.pem"), "--sec-mgr", name, NULL};

	called = name;
	snprintf(store, sizeof store, "%s/store", ca);
	start_manager();
	add_node("zone");
	add_node("a");
	add_node("b");
	done("range ra pool 0 end ops 0 3");
	done("range rb pool 0 end ops 4 7");
	done("grant zone ra write");
	done("grant zone rb write");
	done("grant a ra write");
	done("grant b rb read");
	return begin_with(8, more);
}

static inline int begin_managed(void **state)
{
	snprintf(address, sizeof address, "127.0.0.1:%d", free_port());
	return begin_called(address);
}

static inline int end_managed(void **state)
{
	char command[128];

	mgrlink_close(&admin);
	if (manager)
		rig_kill(manager);
	snprintf(command, sizeof command, "rm -rf %s", store);
	return system(command) | end(state);
}

static inline int setup(void **state)
{
	struct trust_files files;

	strcpy(ca, "/dev/shm/mgr-ca.XXXXXX"); /* not on a disk, whose fsync() others may keep waiting */
	assert_non_null(mkdtemp(ca));
	if (ca_init(ca, 2, &err) || ca_issue(ca, "zone", "server:ops", 2, &err) ||
		ca_issue(ca, "mgr", "server:mgr", 2, &err) || ca_issue(ca, "root", "admin", 2, &err) ||
		ca_issue(ca, "a", "db,client", 2, &err) || ca_issue(ca, "b", "db,client", 2, &err) ||
		ca_issue(ca, "unknown", "db", 2, &err))
		fail_msg("%s", err.s);
	files = files_of("root");
	admin.fd = -1;
	assert_int_equal(trust_load(&admin_trust, &files, &err), 0);
	return 0;
}

static inline int teardown(void **state)
{
	char command[128];

	trust_drop(admin_trust);
	snprintf(command, sizeof command, "rm -rf %s", ca);
	return system(command);
}

/* First thing of main(). */
static inline int managed_find(void)
{
	if (server_find())
		return -1;
	snprintf(mgr_path, sizeof mgr_path, "%.4000s", server_path);
	strcpy(strrchr(mgr_path, '/') + 1, "cxl_sec_mgr");
	return 0;
}

#endif
