/* SPDX-License-Identifier: BSD-3-Clause */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#define THIS_ARCH 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum { X32_BIT = 0x40000000, CODE_MAX = 512 };

/* A call that is allowed when (argument & mask) == want; mask 0: always. Only the argument's
 * lower half is looked at: the kernel takes these as int, or has no bits above. */
struct rule {
	uint32_t nr;
	uint8_t arg;
	uint32_t mask, want;
};

#define ALWAYS(call) {SYS_##call, 0, 0, 0}
#define IF(call, n, mask, want) {SYS_##call, n, mask, want}

static const struct rule allowed[] = {
	/* waiting and waking, time */
	ALWAYS(futex), ALWAYS(ppoll), ALWAYS(nanosleep), ALWAYS(clock_nanosleep),
	ALWAYS(clock_gettime), ALWAYS(clock_getres), ALWAYS(gettimeofday), ALWAYS(restart_syscall),
	ALWAYS(sched_yield), ALWAYS(getcpu),
	/* descriptors that are open: signalfd, pidfds, the log, bells */
	ALWAYS(read), ALWAYS(readv), ALWAYS(write), ALWAYS(writev), ALWAYS(pread64), ALWAYS(close),
	ALWAYS(lseek), ALWAYS(fstat),
	/* not F_SETOWN and F_SETSIG, which have the kernel send signals to others */
	IF(fcntl, 1, UINT32_MAX, F_GETFD), IF(fcntl, 1, UINT32_MAX, F_SETFD),
	IF(fcntl, 1, UINT32_MAX, F_GETFL), IF(fcntl, 1, UINT32_MAX, F_SETFL),
	IF(fcntl, 1, UINT32_MAX, F_DUPFD_CLOEXEC),
	/* files, for reading */
	IF(openat, 2, O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE, O_RDONLY), ALWAYS(newfstatat),
	ALWAYS(statx), ALWAYS(faccessat),
	/* memory, none of it executable */
	ALWAYS(brk), ALWAYS(munmap), ALWAYS(mremap), ALWAYS(madvise), IF(mmap, 2, PROT_EXEC, 0),
	IF(mprotect, 2, PROT_EXEC, 0), ALWAYS(mlock), ALWAYS(munlock), ALWAYS(mlock2),
	/* threads; clone3 hides its flags from us, and libc then takes clone */
	IF(clone, 0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM), ALWAYS(set_robust_list),
	ALWAYS(rseq), ALWAYS(gettid), ALWAYS(sched_setaffinity), ALWAYS(sched_getaffinity),
	ALWAYS(sched_setattr), ALWAYS(getpriority), IF(prctl, 0, UINT32_MAX, PR_SET_NAME),
	ALWAYS(membarrier), ALWAYS(set_tid_address),
	/* who owns a channel: is it alive, and tell when it ends */
	IF(kill, 1, UINT32_MAX, 0), ALWAYS(pidfd_open),
	/* signals; of those of abort() see put_own_signals() */
	ALWAYS(rt_sigreturn), ALWAYS(rt_sigprocmask), ALWAYS(rt_sigaction), ALWAYS(sigaltstack),
	/* what it is, chance, the end */
	ALWAYS(getpid), ALWAYS(getuid), ALWAYS(geteuid), ALWAYS(getgid), ALWAYS(getegid),
	ALWAYS(uname), ALWAYS(getrusage), ALWAYS(sysinfo), ALWAYS(getrandom), ALWAYS(exit),
	ALWAYS(exit_group),
#ifdef SYS_poll /* those that aarch64 has under newer names only */
	ALWAYS(poll), ALWAYS(access), ALWAYS(stat), ALWAYS(time),
	IF(open, 1, O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE, O_RDONLY), ALWAYS(arch_prctl),
#endif
};

/* On this machine, and told what to send: sd_notify(). */
static const struct rule unix_calls[] = {
	IF(socket, 0, UINT32_MAX, AF_UNIX), ALWAYS(connect), ALWAYS(sendmsg), ALWAYS(sendto),
	ALWAYS(getsockopt), ALWAYS(setsockopt),
};

/* Of the audit log. */
static const struct rule file_calls[] = {
	IF(openat, 2, UINT32_MAX, SANDBOX_NEW_FILE), ALWAYS(fdatasync),
};

/* To the manager. What is listened to, nobody can say here. */
static const struct rule dial_calls[] = {
	IF(socket, 0, UINT32_MAX, AF_INET), IF(socket, 0, UINT32_MAX, AF_INET6), ALWAYS(connect),
	ALWAYS(sendto), ALWAYS(recvfrom), ALWAYS(getsockopt), ALWAYS(setsockopt),
};

/* The manager's: sockets and journal are open, and no others can be made. */
static const struct rule answer_calls[] = {
	ALWAYS(accept4), ALWAYS(sendto), ALWAYS(recvfrom), ALWAYS(fdatasync), ALWAYS(fsync),
	ALWAYS(ftruncate),
};

static const uint32_t deadly[] = {
	SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
	SYS_pidfd_getfd, SYS_kcmp, SYS_clone, SYS_kill, SYS_tgkill, SYS_socket, SYS_socketpair, SYS_connect,
	SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_sendto, SYS_sendmsg, SYS_sendmmsg,
	SYS_recvfrom, SYS_recvmsg, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup,
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns, SYS_setuid,
	SYS_setgid, SYS_setresuid, SYS_setresgid, SYS_setreuid, SYS_setregid, SYS_setgroups,
	SYS_capset, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot,
	SYS_swapon, SYS_open_by_handle_at, SYS_keyctl, SYS_add_key, SYS_request_key,
#ifdef SYS_fork
	SYS_fork, SYS_vfork, SYS_modify_ldt, SYS_iopl, SYS_ioperm,
#endif
};

/* ---- the program ---- */

struct code {
	struct sock_filter at[CODE_MAX];
	unsigned short n;
	bool full;
};

static void put(struct code *c, uint16_t op, uint8_t yes, uint8_t no, uint32_t k)
{
	if (c->n == CODE_MAX)
		c->full = true;
	else
		c->at[c->n++] = (struct sock_filter){op, yes, no, k};
}

static void put_load(struct code *c, size_t off)
{
	put(c, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)off);
}

static void put_return(struct code *c, uint32_t action)
{
	put(c, BPF_RET | BPF_K, 0, 0, action);
}

/* The call's number is loaded; and is again, behind it. */
static void put_rule(struct code *c, const struct rule *r)
{
	/* lower half first: little-endian, as both processors are */
	size_t arg = offsetof(struct seccomp_data, args) + 8u * r->arg;

	put(c, BPF_JMP | BPF_JEQ | BPF_K, 0, r->mask ? 5 : 1, r->nr);
	if (r->mask) {
		put_load(c, arg);
		put(c, BPF_ALU | BPF_AND | BPF_K, 0, 0, r->mask);
		put(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, r->want);
	}
	put_return(c, SECCOMP_RET_ALLOW);
	if (r->mask)
		put_load(c, offsetof(struct seccomp_data, nr));
}

static void put_rules(struct code *c, const struct rule *r, size_t n)
{
	for (; n; n--, r++)
		put_rule(c, r);
}

/* To its own threads. */
static void put_own_signals(struct code *c)
{
	const struct rule own = IF(tgkill, 0, UINT32_MAX, (uint32_t)getpid());

	put_rule(c, &own);
}

static void put_call(struct code *c, uint32_t nr, uint32_t action)
{
	put(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, nr);
	put_return(c, action);
}

static void compile(struct code *c, const struct sandbox_needs *needs)
{
	size_t i;

	/* The same number is another call by another door: 32-bit, x32. */
	put_load(c, offsetof(struct seccomp_data, arch));
	put(c, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, THIS_ARCH);
	put_return(c, SECCOMP_RET_KILL_PROCESS);
	put_load(c, offsetof(struct seccomp_data, nr));
	put(c, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32_BIT);
	put_return(c, SECCOMP_RET_KILL_PROCESS);
	put_rules(c, allowed, sizeof allowed / sizeof *allowed);
	put_own_signals(c);
	if (needs->unix_sockets)
		put_rules(c, unix_calls, sizeof unix_calls / sizeof *unix_calls);
	if (needs->new_files)
		put_rules(c, file_calls, sizeof file_calls / sizeof *file_calls);
	if (needs->dials)
		put_rules(c, dial_calls, sizeof dial_calls / sizeof *dial_calls);
	if (needs->answers)
		put_rules(c, answer_calls, sizeof answer_calls / sizeof *answer_calls);
	put_call(c, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
	for (i = 0; i < sizeof deadly / sizeof *deadly; i++)
		put_call(c, deadly[i], SECCOMP_RET_KILL_PROCESS);
	put_return(c, SECCOMP_RET_ERRNO | EPERM);
}

bool sandbox_possible(void)
{
	return THIS_ARCH != 0 && !SANITIZED;
}

int sandbox_enter(const struct sandbox_needs *needs)
{
	struct code c = {.n = 0};
	struct sock_fprog program = {.filter = c.at};

	if (!sandbox_possible())
		return -ENOSYS;
	compile(&c, needs);
	if (c.full)
		return -EMSGSIZE;
	program.len = c.n;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0)
		return 0;
	return errno ? -errno : -EIO;
}

int sandbox_confine(bool wanted, const struct sandbox_needs *needs)
{
	int rc;

	if (!wanted || !sandbox_possible()) {
		log_warning("no filter of system calls: %s", wanted ? "not in this build" : "sandbox = no");
		return 0;
	}
	rc = sandbox_enter(needs);
	if (rc)
		log_error("no filter of system calls (%s): `sandbox = no` does without", strerror(-rc));
	return rc;
}

int sandbox_give_up_memory(struct err_text *e)
{
	static const uint32_t given_up = 1u << CAP_SYS_RAWIO | 1u << CAP_DAC_READ_SEARCH;
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {{0}};
	int rc = syscall(SYS_capget, &head, caps) < 0 ? -errno : 0;

	if (!rc && !((caps[0].permitted | caps[0].inheritable) & given_up))
		return 0;
	caps[0].effective &= ~given_up;
	caps[0].permitted &= ~given_up;
	caps[0].inheritable &= ~given_up; /* the ambient ones follow */
	if (!rc && syscall(SYS_capset, &head, caps) < 0)
		rc = -errno;
	if (rc)
		err_set(e, "the capabilities to read physical memory cannot be given up: %s; systemd's "
			"SystemCallFilter= has to allow capset", strerror(-rc));
	return rc;
}
