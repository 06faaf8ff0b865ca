/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ident.c - scope: common/ident.h: tokens across fork, life and death judged by
 * pid and start time, what cannot be known, watching by descriptor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "ident.h"
#include "../rig.h"

#include <poll.h>
#include <pthread.h>

/* One bit of the host hash, one of the start time. */
static const uint64_t HOST_BIT = 1, START_BIT = 1 << 16;

static int tell_token(void *fd)
{
	struct ident me = ident_self();

	if (write(*(int *)fd, &me, sizeof me) != sizeof me)
		return 1;
	for (;;)
		pause();
	return 0;
}

static pid_t spawn_known(uint64_t *token)
{
	int fd[2];
	struct ident child;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = rig_spawn(tell_token, &fd[1], 30);
	assert_int_equal(read(fd[0], &child, sizeof child), sizeof child);
	close(fd[0]);
	close(fd[1]);
	*token = child.token;
	return pid;
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

static void test_self_is_alive_and_the_same_each_time(void **state)
{
	struct ident a = ident_self(), b = ident_self();

	assert_true(a.token != 0);
	assert_true(a.token == b.token && a.host == b.host);
	assert_int_equal(ident_pid(a.token), getpid());
	assert_true((a.host & 0xffff) == (a.token & 0xffff));
	assert_true(ident_same_host(a.token));
	assert_true(ident_alive(a.token));
}

/* Bug: the field after the start time was read, which is the size of the address space,
 * so that whoever mapped memory after attaching was taken for dead. */
static void test_token_outlives_a_change_of_the_address_space(void **state)
{
	uint64_t token = ident_self().token;
	size_t len = 1 << 20;
	void *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	assert_true(ident_self().token == token);
	assert_true(ident_alive(token));
	munmap(p, len);
	assert_true(ident_alive(token));
}

static void test_a_child_has_a_token_of_its_own(void **state)
{
	uint64_t token;
	pid_t pid = spawn_known(&token);

	assert_true(token != ident_self().token);
	assert_int_equal(ident_pid(token), pid);
	assert_true(ident_same_host(token));
	assert_true(ident_alive(token));
	rig_kill(pid);
	assert_false(ident_alive(token));
}

static void test_a_zombie_is_dead(void **state)
{
	uint64_t token;
	pid_t pid = spawn_known(&token);
	siginfo_t si;

	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	assert_false(ident_alive(token));
	assert_int_equal(ident_watch(token), -1);
	rig_join(pid);
}

static void test_a_reused_pid_is_another_process(void **state)
{
	uint64_t token;
	pid_t pid = spawn_known(&token);

	assert_false(ident_alive(token ^ START_BIT));
	assert_int_equal(ident_watch(token ^ START_BIT), -1);
	rig_kill(pid);
}

static void test_another_host_is_never_judged(void **state)
{
	uint64_t token = ident_self().token ^ HOST_BIT;

	assert_false(ident_same_host(token));
	assert_true(ident_alive(token));
	assert_int_equal(ident_watch(token), -1);
	assert_true(ident_alive((uint64_t)0x3ffff << 42 | token));
}

static void test_pid_zero_is_nobody(void **state)
{
	uint64_t token = ident_self().token & 0xffff;

	assert_false(ident_alive(token));
	assert_int_equal(ident_watch(token), -1);
}

static void test_watch_becomes_readable_at_death(void **state)
{
	uint64_t token;
	pid_t pid = spawn_known(&token);
	int fd = ident_watch(token);

	if (fd < 0) {
		rig_kill(pid);
		print_message("no pidfd_open in this kernel\n");
		skip();
	}
	assert_false(readable(fd, 0));
	kill(pid, SIGKILL);
	assert_true(readable(fd, 10000));
	rig_join(pid);
	close(fd);
}

static void *beat_forever(void *arg)
{
	for (;;) {
		__atomic_fetch_add((uint64_t *)arg, 1, __ATOMIC_RELAXED);
		usleep(1000);
	}
	return NULL;
}

static int leader_leaves(void *shared)
{
	pthread_t t;

	((struct ident *)shared)[1] = ident_self();
	if (pthread_create(&t, NULL, beat_forever, shared))
		return 1;
	pthread_exit(NULL);
}

/* Bug: a process whose first thread has gone is a zombie in /proc while its other
 * threads still store into their channel; so is one in the middle of being killed. */
static void test_threads_outlive_the_first_one(void **state)
{
	uint64_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ident *child = (struct ident *)shared + 1;
	pid_t pid = rig_spawn(leader_leaves, shared, 30);
	char path[64], stat[512] = "";
	int i, state_z = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	for (i = 0; i < 5000 && !state_z; i++) {
		FILE *f = fopen(path, "r");

		if (f && fgets(stat, sizeof stat, f))
			state_z = strstr(stat, ") Z ") != NULL;
		if (f)
			fclose(f);
		usleep(1000);
	}
	assert_true(state_z);
	assert_true(ident_alive(child->token));
	rig_kill(pid);
	assert_false(ident_alive(child->token));
	munmap(shared, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self_is_alive_and_the_same_each_time),
		cmocka_unit_test(test_token_outlives_a_change_of_the_address_space),
		cmocka_unit_test(test_a_child_has_a_token_of_its_own),
		cmocka_unit_test(test_a_zombie_is_dead),
		cmocka_unit_test(test_a_reused_pid_is_another_process),
		cmocka_unit_test(test_another_host_is_never_judged),
		cmocka_unit_test(test_pid_zero_is_nobody),
		cmocka_unit_test(test_watch_becomes_readable_at_death),
		cmocka_unit_test(test_threads_outlive_the_first_one),
	};

	alarm(120);
	return cmocka_run_group_tests_name("ident", tests, NULL, NULL);
}
