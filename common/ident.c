/* SPDX-License-Identifier: BSD-3-Clause */
#include "ident.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sodium.h>

enum { PID_BITS = 22, START_BITS = 26, HOST_BITS = 16 };

static ssize_t slurp(const char *path, char *buf, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, len - 1);
	close(fd);
	if (n >= 0)
		buf[n] = 0;
	return n;
}

static uint64_t host_hash(void)
{
	static uint64_t cached; /* the same for the whole life of the process */
	char boot[64] = "";
	struct stat ns;
	uint64_t h = __atomic_load_n(&cached, __ATOMIC_RELAXED);
	struct {
		char boot[64];
		uint64_t dev, ino;
	} in;

	if (h)
		return h;
	memset(&in, 0, sizeof in);
	slurp("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
	memcpy(in.boot, boot, sizeof in.boot);
	if (stat("/proc/self/ns/pid", &ns) == 0) {
		in.dev = ns.st_dev;
		in.ino = ns.st_ino;
	}
	crypto_generichash((uint8_t *)&h, sizeof h, (uint8_t *)&in, sizeof in, NULL, 0);
	__atomic_store_n(&cached, h, __ATOMIC_RELAXED);
	return h;
}

/* What /proc says of a process. */
struct proc {
	uint64_t start;
	uint64_t threads;
	char state;
};

/* False when /proc does not show it: gone, or hidden from this user. */
static bool proc_stat(uint32_t pid, struct proc *of)
{
	char path[32], buf[1024], *p;
	int field;

	snprintf(path, sizeof path, "/proc/%u/stat", pid);
	if (slurp(path, buf, sizeof buf) <= 0)
		return false;
	p = strrchr(buf, ')'); /* the name may hold anything, also ')' */
	if (!p || p[1] != ' ')
		return false;
	of->state = p[2];
	for (field = 3, p++; field < 22;) { /* p + 1 is where `field` starts */
		p = strchr(p + 1, ' ');
		if (!p)
			return false;
		if (++field == 20)
			of->threads = strtoull(p + 1, NULL, 10);
	}
	of->start = strtoull(p + 1, NULL, 10);
	return true;
}

static uint64_t token_of(uint32_t pid, uint64_t start, uint64_t host)
{
	return (uint64_t)pid << (START_BITS + HOST_BITS) |
		(start & ((1u << START_BITS) - 1)) << HOST_BITS |
		(host & ((1u << HOST_BITS) - 1));
}

struct ident ident_self(void)
{
	struct ident me;
	struct proc p = {0, 0, 0};

	me.host = host_hash();
	proc_stat((uint32_t)getpid(), &p);
	me.token = token_of((uint32_t)getpid(), p.start, me.host);
	return me;
}

uint32_t ident_pid(uint64_t token)
{
	return (uint32_t)(token >> (START_BITS + HOST_BITS));
}

bool ident_same_host(uint64_t token)
{
	uint64_t mask = (1u << HOST_BITS) - 1;

	return (token & mask) == (host_hash() & mask);
}

static bool no_such_process(uint32_t pid)
{
	return kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

bool ident_alive(uint64_t token)
{
	struct proc p;

	if (!ident_same_host(token))
		return true;
	if (ident_pid(token) == 0)
		return false;
	if (no_such_process(ident_pid(token)))
		return false;
	/* There, but not shown: no /proc, or mounted with hidepid. Cannot be known,
	 * unless it went between the two looks. */
	if (!proc_stat(ident_pid(token), &p))
		return !no_such_process(ident_pid(token));
	/* The first thread's end shows as a zombie while others still run and store;
	 * so does a process in the middle of being killed. */
	if ((p.state == 'Z' && p.threads <= 1) || p.state == 'X')
		return false;
	return token_of(ident_pid(token), p.start, host_hash()) == token;
}

int ident_watch(uint64_t token)
{
	int fd;

	if (!ident_same_host(token) || ident_pid(token) == 0)
		return -1;
	fd = (int)syscall(SYS_pidfd_open, (pid_t)ident_pid(token), 0);
	/* The pid may have been reused before the descriptor pinned it. */
	if (fd >= 0 && !ident_alive(token)) {
		close(fd);
		fd = -1;
	}
	return fd;
}
