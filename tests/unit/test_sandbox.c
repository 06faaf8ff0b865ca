/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_sandbox.c - scope: ops-server/sandbox.h: what ends the process, what gets EPERM, what
 * goes on, each in a child of its own that has entered it; for threads as well, and with the
 * sockets of systemd and without. That ops_server is in it: tests/e2e/ops_server.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../../ops-server/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* What became of a call: its errno, 0, or this and the signal. */
enum { KILLED = 1000 };

typedef long (*call)(void);

static struct sandbox_needs needs;
static call in_thread;
static pid_t parent; /* the test itself */

/* In a child in the sandbox. */
static int outcome(call f)
{
	struct rlimit none = {0, 0};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (sandbox_enter(&needs))
			_exit(255);
		errno = 0;
		_exit(f() < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return KILLED + WTERMSIG(status);
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static void *thread_main(void *arg)
{
	return (void *)(in_thread() < 0 ? (intptr_t)errno : 0);
}

/* In a thread that is made inside. */
static long thread_call(void)
{
	pthread_t t;
	void *rc;

	errno = pthread_create(&t, NULL, thread_main, NULL);
	if (errno)
		return -1;
	pthread_join(t, &rc);
	errno = (int)(intptr_t)rc;
	return rc ? -1 : 0;
}

static int outcome_in_thread(call f)
{
	in_thread = f;
	return outcome(thread_call);
}

/* ---- calls ---- */

static char *const no_args[] = {(char *)"/bin/true", NULL};

static long c_exec(void) { return execve("/bin/true", no_args, NULL); }
static long c_execat(void) { return syscall(SYS_execveat, AT_FDCWD, "/bin/true", no_args, NULL, 0); }
static long c_fork(void) { return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }
static long c_ptrace(void) { return syscall(SYS_ptrace, 0, 0, 0, 0); }
static long c_vm_read(void) { return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0); }
static long c_inet(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static long c_inet6(void) { return socket(AF_INET6, SOCK_DGRAM, 0); }
static long c_netlink(void) { return socket(AF_NETLINK, SOCK_RAW, 0); }
static long c_unix(void) { return socket(AF_UNIX, SOCK_DGRAM, 0); }
static long c_kill(void) { return kill(getpid(), SIGCONT); }
static long c_tgkill(void) { return syscall(SYS_tgkill, parent, parent, SIGCONT); }
static long c_own_thread(void) { return syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGCONT); }
static long c_owner(void) { return fcntl(STDERR_FILENO, F_SETOWN, parent); }
static long c_owner_signal(void) { return fcntl(STDERR_FILENO, F_SETSIG, SIGCONT); }
static long c_unshare(void) { return unshare(CLONE_NEWNS); }
static long c_mount(void) { return syscall(SYS_mount, "", "/", "tmpfs", 0, NULL); }
static long c_bpf(void) { return syscall(SYS_bpf, 0, NULL, 0); }
static long c_setuid(void) { return syscall(SYS_setuid, 0); }
static long c_uring(void) { return syscall(SYS_io_uring_setup, 1, NULL); }
#ifdef __x86_64__
static long c_x32(void) { return syscall(0x40000000 | SYS_getpid); }
/* getpid() by the 32-bit door, where its number is 20 */
static long c_32bit(void)
{
	long rc;

	__asm__ volatile("int $0x80" : "=a"(rc) : "a"(20) : "memory");
	return rc;
}
#endif

static long c_write_file(void) { return open("/tmp", O_TMPFILE | O_WRONLY, 0600); }
static long c_create(void) { return open("/tmp/sandbox-no", O_CREAT | O_RDONLY, 0600); }
static long c_read_write(void) { return open("/dev/null", O_RDWR); }
static long c_unlink(void) { return unlink("/tmp/sandbox-no"); }
static long c_exec_map(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}
static long c_exec_protect(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
static long c_dumpable(void) { return prctl(PR_SET_DUMPABLE, 1); }
static long c_core(void)
{
	struct rlimit l = {0, 0};

	return setrlimit(RLIMIT_CORE, &l);
}
static long c_seccomp(void) { return syscall(SYS_seccomp, 1, 0, NULL); }
static long c_chmod(void) { return chmod("/tmp/sandbox-no", 0777); }

static long c_read_file(void)
{
	char b[8];
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

	return fd < 0 || read(fd, b, 1) != 1 ? -1 : close(fd);
}
static long c_memory(void)
{
	char *p = malloc(1 << 20);

	if (!p)
		return -1;
	p = realloc(p, 1 << 24);
	if (!p)
		return -1;
	memset(p, 1, 1 << 24);
	free(p);
	return 0;
}
static long c_is_alive(void) { return kill(getpid(), 0); }
static long c_watch(void) { return syscall(SYS_pidfd_open, getpid(), 0); }
static long c_sleep(void) { return usleep(1000); }
static long c_random(void)
{
	char b[16];

	return syscall(SYS_getrandom, b, sizeof b, 0) == sizeof b ? 0 : -1;
}
static long c_name(void) { return prctl(PR_SET_NAME, "sandboxed"); }
static long c_log(void) { return write(STDERR_FILENO, "", 0); }
static long c_affinity(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) || sched_setaffinity(0, sizeof set, &set) ? -1 : 0;
}
static long c_notify(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "/nowhere/at/all"};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* refused by the way, not by the filter */
	return fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0 && errno == ENOENT ? 0 : -1;
}

/* The audit log's way, which makes a file and changes none. */
static long c_new_segment(void)
{
	int fd = openat(AT_FDCWD, "/tmp/sandbox-segment", SANDBOX_NEW_FILE, 0600);

	return fd < 0 || write(fd, "x", 1) != 1 ? -1 : fdatasync(fd);
}
static long c_segment_that_is_there(void)
{
	return openat(AT_FDCWD, "/dev/null", SANDBOX_NEW_FILE, 0600) < 0 && errno == EEXIST ? 0 : -1;
}

/* The manager's: somebody comes, and the journal is cut back. */
static int listener = -1;
static char journal[] = "/tmp/sandbox-journal.XXXXXX";
static int journal_fd = -1;

static long c_accept(void)
{
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) < 0 && errno == EAGAIN ? 0 : -1;
}
static long c_journal(void)
{
	return write(journal_fd, "x", 1) != 1 || fdatasync(journal_fd) < 0 ? -1 : ftruncate(journal_fd, 0);
}
/* To nobody: refused by the way, not by the filter. */
static long c_dial(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = 1, .sin_addr.s_addr = 0x0100007f};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 || (connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0 && errno != EINPROGRESS &&
		errno != ECONNREFUSED) ? -1 : 0;
}
static long c_listen(void) { return listen(listener, 1); }
static long c_bind(void) { return bind(listener, NULL, 0); }

/* ---- tests ---- */

static void can_be(void)
{
	if (!sandbox_possible()) {
		print_message("no sandbox with sanitizers, or on this processor\n");
		skip();
	}
	needs = (struct sandbox_needs){.unix_sockets = false};
}

static void test_deadly(void **state)
{
	static const struct {
		const char *name;
		call f;
	} calls[] = {{"execve", c_exec}, {"execveat", c_execat}, {"fork", c_fork},
		{"ptrace", c_ptrace}, {"process_vm_readv", c_vm_read}, {"an IPv4 socket", c_inet},
		{"an IPv6 socket", c_inet6}, {"netlink", c_netlink}, {"a unix socket", c_unix},
		{"a signal", c_kill}, {"a signal to another thread", c_tgkill}, {"unshare", c_unshare}, {"mount", c_mount}, {"bpf", c_bpf},
		{"setuid", c_setuid}, {"io_uring", c_uring},
#ifdef __x86_64__
		{"x32", c_x32},
#endif
	};
	size_t i;

	can_be();
	for (i = 0; i < sizeof calls / sizeof *calls; i++) {
		int got = outcome(calls[i].f);

		if (got != KILLED + SIGSYS)
			fail_msg("%s: %d", calls[i].name, got);
		assert_int_equal(outcome_in_thread(calls[i].f), KILLED + SIGSYS);
	}
}

#ifdef __x86_64__
/* A kernel without 32-bit programs has no such door: then it is a fault, filter or not. */
static void test_deadly_32bit(void **state)
{
	pid_t pid;
	int status;

	can_be();
	pid = fork();
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(c_32bit() <= 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) {
		print_message("this kernel has no 32-bit system calls\n");
		skip();
	}
	assert_int_equal(status, 0);
	assert_int_equal(outcome(c_32bit), KILLED + SIGSYS);
	assert_int_equal(outcome_in_thread(c_32bit), KILLED + SIGSYS);
}
#endif

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		call f;
	} calls[] = {{"a file to write", c_write_file}, {"a new file", c_create},
		{"a device", c_read_write}, {"unlink", c_unlink}, {"code in new memory", c_exec_map},
		{"code in old memory", c_exec_protect}, {"core dumps, by prctl", c_dumpable},
		{"core dumps, by rlimit", c_core}, {"another filter", c_seccomp}, {"chmod", c_chmod},
		{"signals for another", c_owner}, {"another signal", c_owner_signal}};
	size_t i;

	can_be();
	for (i = 0; i < sizeof calls / sizeof *calls; i++) {
		int got = outcome(calls[i].f);

		if (got != EPERM)
			fail_msg("%s: %d", calls[i].name, got);
		assert_int_equal(outcome_in_thread(calls[i].f), EPERM);
	}
}

static void test_allowed(void **state)
{
	static const struct {
		const char *name;
		call f;
	} calls[] = {{"reading a file", c_read_file}, {"memory", c_memory}, {"is it alive", c_is_alive},
		{"a pidfd", c_watch}, {"sleep", c_sleep}, {"chance", c_random}, {"a name", c_name},
		{"the log", c_log}, {"its own threads", c_own_thread}, {"processors", c_affinity}};
	size_t i;

	can_be();
	for (i = 0; i < sizeof calls / sizeof *calls; i++) {
		int got = outcome(calls[i].f), there = outcome_in_thread(calls[i].f);

		if (got || there)
			fail_msg("%s: %d, in a thread %d", calls[i].name, got, there);
	}
}

/* Only where systemd waits for a word, and to this machine only. */
static void test_notify(void **state)
{
	can_be();
	needs.unix_sockets = true;
	assert_int_equal(outcome(c_notify), 0);
	assert_int_equal(outcome(c_inet), KILLED + SIGSYS);
	assert_int_equal(outcome(c_netlink), KILLED + SIGSYS);
	assert_int_equal(outcome(c_exec), KILLED + SIGSYS);
}

/* Only with a manager: to connect, and not to be connected to. */
static void test_dials(void **state)
{
	can_be();
	assert_int_equal(outcome(c_dial), KILLED + SIGSYS);
	needs.dials = true;
	assert_int_equal(outcome(c_dial), 0);
	assert_int_equal(outcome(c_netlink), KILLED + SIGSYS);
	assert_int_equal(outcome(c_unix), KILLED + SIGSYS);
	assert_int_equal(outcome(c_listen), KILLED + SIGSYS);
	assert_int_equal(outcome(c_bind), KILLED + SIGSYS);
	assert_int_equal(outcome(c_exec), KILLED + SIGSYS);
}

/* Only the manager: sockets that come, none of its own making. */
static void test_answers(void **state)
{
	can_be();
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(listen(listener, 1), 0);
	journal_fd = mkstemp(journal);
	assert_true(listener >= 0 && journal_fd >= 0);
	unlink(journal);
	assert_int_equal(outcome(c_accept), KILLED + SIGSYS);
	needs.answers = true;
	assert_int_equal(outcome(c_accept), 0);
	assert_int_equal(outcome(c_journal), 0);
	assert_int_equal(outcome(c_dial), KILLED + SIGSYS);
	assert_int_equal(outcome(c_write_file), EPERM);
	assert_int_equal(outcome(c_exec), KILLED + SIGSYS);
	close(listener);
	close(journal_fd);
}

/* Only where there is an audit log, and nothing that is there can be written. */
static void test_new_files(void **state)
{
	can_be();
	unlink("/tmp/sandbox-segment");
	assert_int_equal(outcome(c_new_segment), EPERM);
	needs.new_files = true;
	assert_int_equal(outcome(c_new_segment), 0);
	assert_int_equal(unlink("/tmp/sandbox-segment"), 0);
	assert_int_equal(outcome(c_segment_that_is_there), 0);
	assert_int_equal(outcome(c_create), EPERM);
	assert_int_equal(outcome(c_read_write), EPERM);
	assert_int_equal(outcome(c_write_file), EPERM);
	assert_int_equal(outcome(c_unlink), EPERM);
}

/* Of the line "Name:" in /proc/self/status. */
static uint64_t capabilities(const char *name)
{
	char line[128];
	uint64_t set = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, name, strlen(name)) == 0)
			set = strtoull(line + strlen(name), NULL, 16);
	if (f)
		fclose(f);
	return set;
}

/* Also for who has none of them: nothing else is lost. */
static void test_memory_given_up(void **state)
{
	static const char *const sets[] = {"CapInh:", "CapPrm:", "CapEff:", "CapAmb:"};
	const uint64_t gone = 1u << CAP_SYS_RAWIO | 1u << CAP_DAC_READ_SEARCH;
	int status;
	size_t i;
	pid_t pid = fork();

	if (pid == 0) {
		struct err_text e;
		uint64_t was[4];

		for (i = 0; i < 4; i++)
			was[i] = capabilities(sets[i]);
		if (sandbox_give_up_memory(&e))
			_exit(6);
		for (i = 0; i < 4; i++)
			if (capabilities(sets[i]) != (was[i] & ~gone))
				_exit((int)i + 1);
		_exit(open("/dev/mem", O_RDONLY) >= 0 ? 5 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* -EACCES: who may gain privileges may not have a filter, unless privileged already. */
static void test_needs_no_new_privs(void **state)
{
	int status;
	pid_t pid;

	can_be();
	pid = fork();
	if (pid == 0) {
		if (setgid(65534) || setuid(65534))
			_exit(254);
		_exit(-sandbox_enter(&needs));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 254) {
		print_message("not root: cannot become somebody else\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadly),
#ifdef __x86_64__
		cmocka_unit_test(test_deadly_32bit),
#endif
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_new_files),
		cmocka_unit_test(test_dials),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_memory_given_up),
		cmocka_unit_test(test_needs_no_new_privs),
	};

	parent = getpid();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
