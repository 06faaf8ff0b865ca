/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_manager_name.c - scope: a manager that nodes know by name: a resolver that is late, silent or
 * knows no such name, who waits for it and leaves, a name that moves. The resolver is the C library's,
 * by a name server of our own (tests/redis/dns.pl), in namespaces of our own: network, and mounts over
 * /etc/resolv.conf, hosts, nsswitch.conf. Needs the programs that were built beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../managedrig.h"

#include <dirent.h>
#include <sys/mount.h>

#include "lookup.h"

enum {
	SHORT_MS = 1000,
	LEAVERS = LOOKUP_THREADS + 8,
};

static char etc[32];
static pid_t dns;
static bool inside;

/* ---- a resolver ---- */

static const char *in_etc(const char *name)
{
	static char text[64];

	snprintf(text, sizeof text, "%s/%s", etc, name);
	return text;
}

static void write_etc(const char *name, const char *text)
{
	write_file(in_etc(name), text, strlen(text));
}

/* Where mgr.test is; NULL: nobody says. */
static void known(const char *at)
{
	char line[64] = "";

	if (at)
		snprintf(line, sizeof line, "%s mgr.test\n", at);
	write_etc("hosts", line);
}

static bool said(const char *what)
{
	char text[4096] = "";
	int fd = open(in_etc("dns"), O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 && strstr(text, what);
}

static int run_dns(void *arg)
{
	char script[PATH_MAX];

	alarm(0);
	snprintf(script, sizeof script, "%.4000s", server_path);
	strcpy(strrchr(script, '/'), "/../tests/redis/dns.pl");
	execlp("perl", "perl", script, in_etc("dns"), NULL);
	return 71;
}

static bool cover(const char *name, const char *file)
{
	return mount(in_etc(name), file, NULL, MS_BIND, NULL) == 0;
}

static bool unshare_all(void)
{
	char map[32];

	if (unshare(CLONE_NEWNS | CLONE_NEWNET) == 0)
		return true;
	snprintf(map, sizeof map, "0 %u 1", (unsigned)geteuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0)
		return false;
	write_file("/proc/self/uid_map", map, strlen(map));
	return true;
}

static int enter(void **state)
{
	uint64_t t0 = clock_ms();

	strcpy(etc, "/tmp/names.XXXXXX");
	assert_non_null(mkdtemp(etc));
	write_etc("resolv", "nameserver 127.0.0.1\noptions timeout:3 attempts:2\n");
	write_etc("nsswitch", "hosts: files dns\n");
	known(NULL);
	inside = unshare_all() && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		cover("resolv", "/etc/resolv.conf") && cover("nsswitch", "/etc/nsswitch.conf") &&
		cover("hosts", "/etc/hosts");
	if (!inside)
		return 0;
	dns = rig_spawn(run_dns, NULL, LIMIT_S);
	while (!said("ready")) {
		assert_true(clock_ms() - t0 < TIMEOUT_MS);
		usleep(1000);
	}
	return setup(state);
}

static int depart(void **state)
{
	char command[64];

	snprintf(command, sizeof command, "rm -rf %s", etc);
	if (!inside)
		return system(command);
	rig_kill(dns);
	return system(command) | teardown(state);
}

static int begin_named(void **state)
{
	static char name[32];
	int port = free_port();

	if (!inside)
		return 0;
	known("127.0.0.1");
	snprintf(address, sizeof address, "127.0.0.1:%d", port);
	snprintf(name, sizeof name, "mgr.test:%d", port);
	return begin_called(name);
}

static int end_named(void **state)
{
	return inside ? end_managed(state) : 0;
}

/* ---- who waits ---- */

static const char *at_port_of_manager(const char *host)
{
	static char text[64];

	snprintf(text, sizeof text, "%s%s", host, strrchr(address, ':'));
	return text;
}

static void count(void *n)
{
	++*(int *)n;
}

/* a's, by a manager of that name. */
static int load(struct trust **t, const char *host, const struct watch_patience *p)
{
	struct trust_files files = files_of("a");

	err.s[0] = 0;
	return watch_load(t, &files, at_port_of_manager(host), NULL, p, &err);
}

static int fetch(struct trust *t, uint64_t timeout_ms)
{
	const struct watch_patience p = {.timeout_ms = timeout_ms};

	usleep(2000); /* what was asked in this millisecond would do */
	return watch_fetch(t->watch, &p, &err);
}

static int threads(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = -2; /* . and .. */

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* ---- tests ---- */

/* First of all: a lookup that was left behind would count. */
static void test_numeric_needs_no_thread(void **state)
{
	int before = threads(), n = 0;
	const struct watch_patience p = {.timeout_ms = SHORT_MS, .idle = count, .idle_ctx = &n};
	struct trust *t;

	if (!inside)
		skip();
	kill_manager();
	assert_int_equal(load(&t, "127.0.0.1", &p), -ETIMEDOUT);
	assert_int_equal(threads(), before);
	start_manager();
}

static void test_by_name(void **state)
{
	struct ops_client *a;

	if (!inside)
		skip();
	a = client_as("a", ROLE_CLIENT);
	assert_int_equal(ask_lt(a), 0);
	leave(a);
}

static void test_late(void **state)
{
	int n = 0;
	const struct watch_patience p = {.timeout_ms = TIMEOUT_MS, .idle = count, .idle_ctx = &n};
	struct trust *t;

	if (!inside)
		skip();
	if (load(&t, "late.test", &p))
		fail_msg("%s", err.s);
	assert_true(n > 3); /* and in between one could have gone away */
	trust_drop(t);
}

static void test_silent(void **state)
{
	int n = 0;
	const struct watch_patience p = {.timeout_ms = SHORT_MS, .idle = count, .idle_ctx = &n};
	struct trust *t;

	if (!inside)
		skip();
	assert_int_equal(load(&t, "silent.test", &p), -ETIMEDOUT);
	assert_non_null(strstr(err.s, "is being looked up"));
	assert_null(t);
	assert_true(n > 3);
	assert_true(said("silent.test"));
}

static void test_no_such_name(void **state)
{
	const struct watch_patience p = {.timeout_ms = TIMEOUT_MS};
	char line[1024], text[512];
	struct trust *t;
	FILE *out;

	if (!inside)
		skip();
	assert_int_equal(load(&t, "gone.test", &p), -EINVAL);
	assert_non_null(strstr(err.s, "gone.test"));
	snprintf(line, sizeof line,
		"%.200s --region %s --keys %s --secure required --cert %s --key %s --ca %s --sec-mgr %s 2>&1",
		server_path, f.region, f.keys, in_ca("zone.pem"), in_ca("zone.key"), in_ca("ca.pem"),
		at_port_of_manager("gone.test"));
	out = popen(line, "r");
	assert_non_null(out);
	text[fread(text, 1, sizeof text - 1, out)] = 0;
	assert_int_not_equal(pclose(out), 0);
	if (!strstr(text, "looked up once, at the start"))
		fail_msg("%s", text);
}

static jmp_buf away;

static void jump(void *n)
{
	if (++*(int *)n == 2)
		longjmp(away, 1);
}

/* As PostgreSQL's interrupts do. */
static void wait_and_leave(void)
{
	static struct trust *t;
	static int n;
	const struct watch_patience p = {.timeout_ms = TIMEOUT_MS, .idle = jump, .idle_ctx = &n};

	t = NULL;
	n = 0;
	if (setjmp(away) == 0)
		fail_msg("%d", load(&t, "silent.test", &p));
	assert_non_null(t);
	trust_drop(t);
}

static int load_known(void *arg)
{
	struct trust *t;

	return load_rc("a", &t) != 0;
}

#ifdef __SANITIZE_THREAD__
static void child_loads(void) {} /* it lets no child of threads have threads */
#else
/* None of our threads, which are all taken, is any matter to a child. */
static void child_loads(void)
{
	assert_int_equal(rig_join(rig_spawn(load_known, NULL, LIMIT_S)), 0);
}
#endif

/* More often than there may be threads; those end by themselves. */
static void test_jumps_away(void **state)
{
	int before = threads(), i;
	struct trust *t;

	if (!inside)
		skip();
	for (i = 0; i < LEAVERS; i++)
		wait_and_leave();
	assert_true(threads() > before);
	assert_true(threads() <= before + LOOKUP_THREADS);
	child_loads();
	assert_false(lookup_stop());
	if (load_rc("a", &t)) /* its turn comes */
		fail_msg("%s", err.s);
	trust_drop(t);
	while (!lookup_stop())
		usleep(10000);
	assert_int_equal(load_rc("a", &t), -ETIMEDOUT);
	lookup_resume();
	assert_int_equal(load_rc("a", &t), 0);
	trust_drop(t);
}

/* Its address is another one; who was connected finds it. */
static void test_moves(void **state)
{
	struct ops_client *a;

	if (!inside)
		skip();
	a = client_as("a", ROLE_CLIENT);
	kill_manager();
	known("127.0.0.2");
	memcpy(address, "127.0.0.2", 9);
	start_manager();
	if (fetch(a->trust, TIMEOUT_MS))
		fail_msg("%s", err.s);
	leave(a);
}

/* One that hangs, while another has its name and its table. */
static void test_moves_frozen(void **state)
{
	pid_t frozen = manager;
	struct ops_client *a;
	char command[3 * sizeof store + 32];

	if (!inside)
		skip();
	a = client_as("a", ROLE_CLIENT);
	kill(frozen, SIGSTOP);
	snprintf(command, sizeof command, "cp -r %s %s.2 && rm -rf %s", store, store, store);
	assert_int_equal(system(command), 0);
	strcat(store, ".2");
	known("127.0.0.2");
	memcpy(address, "127.0.0.2", 9);
	start_manager();
	if (fetch(a->trust, TIMEOUT_MS))
		fail_msg("%s", err.s);
	leave(a);
	rig_kill(frozen);
}

/* All have failed, and nobody says where else it is: it comes back where it was. */
static void test_comes_back_without_a_name(void **state)
{
	struct ops_client *a;

	if (!inside)
		skip();
	a = client_as("a", ROLE_CLIENT);
	kill_manager();
	known(NULL);
	assert_int_equal(fetch(a->trust, SHORT_MS), -ETIMEDOUT);
	assert_true(said("mgr.test"));
	start_manager();
	if (fetch(a->trust, TIMEOUT_MS))
		fail_msg("%s", err.s);
	leave(a);
}

#define NAMED(t) cmocka_unit_test_setup_teardown(t, begin_named, end_named)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAMED(test_numeric_needs_no_thread),
		NAMED(test_by_name),
		NAMED(test_late),
		NAMED(test_silent),
		NAMED(test_no_such_name),
		NAMED(test_jumps_away),
		NAMED(test_moves),
		NAMED(test_moves_frozen),
		NAMED(test_comes_back_without_a_name),
	};

	if (managed_find())
		return 1;
	return cmocka_run_group_tests(tests, enter, depart);
}
