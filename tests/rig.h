/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rig.h - what the tests of the core share: seeds, regions without a name, children
 * that cannot outlive or outwait the test.
 *
 * Includes nothing of a test framework, so that unit, stress and bench use it alike.
 */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include "region.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* splitmix64: a whole state in one word, any seed is good. */
static inline uint64_t rig_rand(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline uint64_t rig_below(uint64_t *s, uint64_t n)
{
	return rig_rand(s) % n;
}

/* A formatted region in a memfd, mapped shared: children of fork() see the same bytes.
 * 0 or a negative errno; region_close() frees it. */
static inline int rig_region(struct region *r, const struct service_format *f, uint32_t n)
{
	uint64_t need = region_bytes(f, n);
	int fd = memfd_create("rig", MFD_CLOEXEC), rc;
	struct err_text e = {""};
	char spec[32];

	if (fd < 0)
		return -errno;
	snprintf(spec, sizeof spec, "fd:%d", fd);
	rc = need == 0 ? -EINVAL : ftruncate(fd, (off_t)need) ? -errno : 0;
	if (!rc)
		rc = region_map(r, spec, 0, 0, false, &e);
	close(fd);
	if (!rc)
		rc = region_format(r, f, n, false, &e);
	if (rc)
		fprintf(stderr, "rig_region: %s\n", e.s);
	return rc;
}

/* fork; the child runs fn(arg), dies with its parent and after `seconds`. */
static inline pid_t rig_spawn(int (*fn)(void *), void *arg, unsigned seconds)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(70);
	signal(SIGALRM, SIG_DFL);
	alarm(seconds);
	_exit(fn(arg));
}

/* Exit code of a child, or 1000 + the signal that ended it. */
static inline int rig_join(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static inline int rig_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	return rig_join(pid);
}

/* One CPU each where there are two; elsewhere a no-op. */
static inline void rig_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		sched_setaffinity(0, sizeof set, &set);
}

/* What the kernel says of the mapping that `p` is in: is `flag` one of its VmFlags? " dd": it stays out of
 * core dumps, " lo": in memory. */
static inline bool rig_mapping_is(const void *p, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	bool here = false, is = false;
	unsigned long from, to;
	char line[512];

	while (f && fgets(line, sizeof line, f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (unsigned long)p >= from && (unsigned long)p < to;
		if (here && strncmp(line, "VmFlags:", 8) == 0)
			is = strstr(line, flag) != NULL;
	}
	if (f)
		fclose(f);
	return is;
}

#endif
