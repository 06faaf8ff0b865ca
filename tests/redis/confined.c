/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * confined.c - a program under the filters of system calls that systemd would give it.
 *
 * usage: confined NUMBER... -- PROGRAM ARG...
 *
 * SystemCallFilter=     the calls of these numbers are allowed, any other one kills
 * SystemCallArchitectures=native, RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX,
 * MemoryDenyWriteExecute=, RestrictSUIDSGID=, RestrictNamespaces=    as Debian's
 *                       redis-server.service has them, with systemd's error numbers
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

enum {
	X32_BIT = 0x40000000,
	CODE_MAX = 4096, /* the kernel's own bound */
	NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
		CLONE_NEWPID | CLONE_NEWNET,
	SET_ID = S_ISUID | S_ISGID,
};

static struct sock_filter code[CODE_MAX];
static unsigned short ncode;

static void put(uint16_t op, uint8_t yes, uint8_t no, uint32_t k)
{
	if (ncode == CODE_MAX) {
		fprintf(stderr, "confined: too many calls\n");
		exit(2);
	}
	code[ncode++] = (struct sock_filter){op, yes, no, k};
}

static void load(size_t off)
{
	put(BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)off);
}

static void result(uint32_t action)
{
	put(BPF_RET | BPF_K, 0, 0, action);
}

/* The call's number is loaded before and behind each of these. */
static void on_call(uint32_t nr, uint32_t action)
{
	put(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, nr);
	result(action);
}

/* Refused when its argument has any of these bits. */
static void refuse_bits(uint32_t nr, unsigned arg, uint32_t bits, uint32_t error)
{
	put(BPF_JMP | BPF_JEQ | BPF_K, 0, 4, nr);
	load(offsetof(struct seccomp_data, args) + 8 * arg);
	put(BPF_JMP | BPF_JSET | BPF_K, 0, 1, bits);
	result(SECCOMP_RET_ERRNO | error);
	load(offsetof(struct seccomp_data, nr));
}

static void refuse_written_and_executed(void)
{
	const uint32_t both = PROT_WRITE | PROT_EXEC;

	put(BPF_JMP | BPF_JEQ | BPF_K, 0, 5, SYS_mmap);
	load(offsetof(struct seccomp_data, args) + 8 * 2);
	put(BPF_ALU | BPF_AND | BPF_K, 0, 0, both);
	put(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, both);
	result(SECCOMP_RET_ERRNO | EPERM);
	load(offsetof(struct seccomp_data, nr));
	refuse_bits(SYS_mprotect, 2, PROT_EXEC, EPERM);
	refuse_bits(SYS_pkey_mprotect, 2, PROT_EXEC, EPERM);
}

static void refuse_address_families(void)
{
	put(BPF_JMP | BPF_JEQ | BPF_K, 0, 6, SYS_socket);
	load(offsetof(struct seccomp_data, args));
	put(BPF_JMP | BPF_JEQ | BPF_K, 3, 0, AF_UNIX);
	put(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, AF_INET);
	put(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AF_INET6);
	result(SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	load(offsetof(struct seccomp_data, nr));
}

static void refuse_set_id(void)
{
#ifdef SYS_chmod
	refuse_bits(SYS_chmod, 1, SET_ID, EPERM);
	refuse_bits(SYS_mkdir, 1, SET_ID, EPERM);
#endif
	refuse_bits(SYS_fchmod, 1, SET_ID, EPERM);
	refuse_bits(SYS_fchmodat, 2, SET_ID, EPERM);
	refuse_bits(SYS_mkdirat, 2, SET_ID, EPERM);
}

static void refuse_namespaces(void)
{
	refuse_bits(SYS_clone, 0, NAMESPACES, EPERM);
	refuse_bits(SYS_unshare, 0, NAMESPACES, EPERM);
	on_call(SYS_setns, SECCOMP_RET_ERRNO | EPERM);
	on_call(SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS); /* its flags cannot be seen */
}

static void compile(char **numbers, int n)
{
	int i;

	load(offsetof(struct seccomp_data, arch));
	put(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, THIS_ARCH);
	result(SECCOMP_RET_KILL_PROCESS);
	load(offsetof(struct seccomp_data, nr));
	put(BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32_BIT);
	result(SECCOMP_RET_KILL_PROCESS);
	refuse_written_and_executed();
	refuse_address_families();
	refuse_set_id();
	refuse_namespaces();
	for (i = 0; i < n; i++)
		on_call((uint32_t)atoi(numbers[i]), SECCOMP_RET_ALLOW);
	result(SECCOMP_RET_KILL_PROCESS);
}

int main(int argc, char **argv)
{
	struct sock_fprog program = {.filter = code};
	int n = 1;

	while (n < argc && strcmp(argv[n], "--") != 0)
		n++;
	if (n < 2 || n + 1 >= argc) {
		fprintf(stderr, "usage: confined NUMBER... -- PROGRAM ARG...\n");
		return 2;
	}
	compile(argv + 1, n - 1);
	program.len = ncode;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
		perror("confined: the filter");
		return 2;
	}
	execvp(argv[n + 1], argv + n + 1);
	perror(argv[n + 1]);
	return 127;
}
