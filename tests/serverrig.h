/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * serverrig.h - an ops_server with a region, keys and a directory of its own, and clients
 * of it: for tests of the program that was built beside them. begin() and end() are
 * cmocka's setup and teardown of a test. `f` is the server, `reply` the last answer.
 */
#ifndef TESTS_SERVERRIG_H
#define TESTS_SERVERRIG_H

#include "ops.h"
#include "evalrig.h"
#include "rig.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
	CHANNELS = 128,
	RING = 32 << 10,
	LIMIT_S = 60,     /* any single wait */
	TIMEOUT_MS = LIMIT_S * 1000,
	PUSH = PROGRAM_PUSH,
};

static char server_path[PATH_MAX];
static char server_log[80]; /* what it says, when a test has named a file */

/* A server and what it serves. */
struct fixture {
	char dir[32], region[64], keys[64], credential[64], notify[64];
	struct region r;
	struct keyring *k;
	uint8_t secret[OPS_CREDENTIAL];
	struct value_sealer *s;
	struct value_opener *o;
	int notify_fd;
	pid_t pid;
};

static struct fixture f;
static struct rig_reply reply;
static struct err_text err;

/* ---- the server's life ---- */

static inline void write_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static inline void read_keys(void)
{
	const struct gcm_backend *gcm = gcm_select(NULL);

	assert_int_equal(keyfile_load(&f.k, f.keys, NULL, &err), 0);
	f.s = aligned_alloc(64, sizeof *f.s);
	f.o = aligned_alloc(64, sizeof *f.o);
	assert_int_equal(value_sealer_init(f.s, gcm, f.k), 0);
	value_opener_init(f.o, gcm, f.k);
}

static inline void forget_keys(void)
{
	value_sealer_fini(f.s);
	value_opener_fini(f.o);
	free(f.s);
	free(f.o);
	keyring_destroy(f.k);
	f.k = NULL;
}

/* What the server tells the service manager; waits for it. */
static inline void assert_notified(const char *what)
{
	char text[256] = "";
	struct pollfd p = {.fd = f.notify_fd, .events = POLLIN};
	ssize_t n;

	do {
		if (poll(&p, 1, TIMEOUT_MS) != 1)
			fail_msg("no %s from the server", what);
		n = recv(f.notify_fd, text, sizeof text - 1, 0);
		assert_true(n > 0);
		text[n] = 0;
	} while (!strstr(text, what));
}

static inline pid_t server_exec(const char *const *more)
{
	const char *argv[32] = {"ops_server", "--region", f.region, "--keys", f.keys,
		"--workers", "2"};
	pid_t parent = getpid(), pid;
	int n = 7, fd;

	while (more && *more)
		argv[n++] = *more++;
	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(70);
	fd = open(server_log[0] ? server_log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, STDERR_FILENO);
	setenv("NOTIFY_SOCKET", f.notify, 1);
	execv(server_path, (char **)argv);
	_exit(71);
}

static inline void server_start(const char *const *more)
{
	f.pid = server_exec(more);
	assert_true(f.pid > 0);
	assert_notified("READY=1");
}

/* Waits for the process to end by itself; its status as rig_join() gives it. */
static inline int server_join(pid_t pid)
{
	uint64_t t0 = clock_ms();
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_ms() - t0 > TIMEOUT_MS) {
			rig_kill(pid);
			return -1;
		}
		usleep(1000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static inline int begin_with(uint32_t channels, const char *const *more)
{
	struct service_format format[] = {{"ops", channels, RING}};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char hex[2 * OPS_CREDENTIAL + 2];

	if (access(server_path, X_OK) < 0) {
		print_message("%s is not there: make ops_server first\n", server_path);
		return -1;
	}
	memset(&f, 0, sizeof f);
	strcpy(f.dir, "/tmp/ops-test.XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.region, sizeof f.region, "%s/region", f.dir);
	snprintf(f.keys, sizeof f.keys, "%s/keys", f.dir);
	snprintf(f.credential, sizeof f.credential, "%s/credential", f.dir);
	snprintf(f.notify, sizeof f.notify, "%s/notify", f.dir);
	assert_int_equal(
		region_map(&f.r, f.region, 0, region_bytes(format, 1), true, &err), 0);
	assert_int_equal(region_format(&f.r, format, 1, false, &err), 0);
	assert_int_equal(keyfile_create(f.keys, NULL, &err), 0);
	randombytes_buf(f.secret, sizeof f.secret);
	sodium_bin2hex(hex, sizeof hex, f.secret, sizeof f.secret);
	write_file(f.credential, hex, 2 * OPS_CREDENTIAL);
	read_keys();
	f.notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(sa.sun_path, f.notify);
	assert_int_equal(bind(f.notify_fd, (struct sockaddr *)&sa, sizeof sa), 0);
	server_start(more);
	return 0;
}

static inline int begin(void **state)
{
	const char *const more[] = {"--credential", f.credential, NULL};

	/* f.credential's address is known before its content. */
	return begin_with(CHANNELS, more);
}

static inline int end(void **state)
{
	if (f.pid > 0)
		rig_kill(f.pid);
	forget_keys();
	region_close(&f.r);
	close(f.notify_fd);
	unlink(f.notify);
	unlink(f.region);
	unlink(f.keys);
	unlink(f.credential);
	return rmdir(f.dir);
}

/* ---- a client ---- */

static inline struct ops_client *client_open(enum role role, const uint8_t *secret)
{
	struct chan_config config = {.label = "test", .spin_ns = 20000};
	struct ops_client *c = aligned_alloc(128, sizeof *c);

	assert_non_null(c);
	ops_client_init(c, &f.r, &config, message_heap, 1 << 30);
	c->role = role;
	if (secret)
		memcpy(c->credential, secret, OPS_CREDENTIAL);
	return c;
}

static inline void client_close(struct ops_client *c)
{
	ops_client_fini(c);
	free(c);
}

struct bytes {
	const void *p;
	uint64_t len;
};

static inline void fill(void *arg, uint8_t *at, uint64_t len)
{
	const struct bytes *b = arg;

	if (len)
		memcpy(at, b->p, len);
}

/* One request; the reply is copied to reply.bytes. */
static inline int ask(struct ops_client *c, uint8_t kind, const void *p, uint64_t len)
{
	struct bytes b = {p, len};
	const uint8_t *got;
	uint64_t got_len;
	int rc;

	err.s[0] = 0;
	rc = ops_call(c, kind, len, fill, &b, TIMEOUT_MS, &got, &got_len, &err);
	if (rc)
		return rc;
	rig_room(&reply, got_len);
	if (got_len)
		memcpy(reply.bytes, got, got_len);
	ops_done(c);
	return 0;
}

/* 2 < 7, encrypted by us, computed there. */
static inline int ask_lt(struct ops_client *c)
{
	struct cell two = {.i = 2}, seven = {.i = 7};
	struct rig_arg arg[2] = {{&two, T_INT4, 0}, {&seven, T_INT4, 0}};
	uint16_t code[] = {PUSH, PUSH | 1, OP_enc_int4_lt};
	uint8_t req[256];
	size_t len = rig_request(req, sizeof req, f.s, arg, 2, code, 3, 1);
	int rc = ask(c, OPS_EVAL, req, len);

	if (rc)
		return rc;
	return rig_reply_read(&reply, f.o) && reply.rows == 1 && reply.cell[0].i == 1 ? 0 : -EIO;
}

/* First thing of main(): the server that was built beside this program. */
static inline int server_find(void)
{
	char self[PATH_MAX] = "";

	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0 || sodium_init() < 0)
		return -1;
	snprintf(server_path, sizeof server_path, "%.4000s/../../ops_server", dirname(self));
	return 0;
}

#endif
