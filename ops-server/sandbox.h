/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sandbox.h - which system calls are left to ops_server, and to cxl_sec_mgr, once it serves: a
 * seccomp filter.
 *
 * What holds the keys parses bytes of an attacker. If one day that goes wrong, code of theirs
 * runs in here; it then finds no exec, no new process, no signal to others, no socket, no file
 * to write and no memory to execute. A filter does not see names of files: what its user may
 * read stays readable, and with kernel.yama.ptrace_scope = 0 that is /proc/PID/mem of the same
 * user's processes as well. So give ops_server a user of its own.
 *
 *   - what the server does goes on: memory, threads, futexes, reading files (SIGHUP reads keys
 *     anew), watching the processes that own channels
 *   - what only an attacker would do ends the process (SIGSYS, in the log of the kernel): exec,
 *     fork, ptrace, sockets, other namespaces, kernel modules ... Requests are pure, and a
 *     successor answers them; a process that does this must not go on
 *   - anything else gets EPERM: a library that asks for something new after an upgrade is
 *     told no, and the service does not end for it
 *
 * The kernel keeps a table of calls that are always allowed, so these cost as good as nothing;
 * the speculative-store mitigation that older kernels add to a filter is declined, since nobody
 * else's code is meant to run here.
 *
 * To allow something more: a line in `allowed` of sandbox.c, or in a table of its own beside
 * unix_calls when only some configurations need it, and its line in test_sandbox.c.
 */
#ifndef OPS_SERVER_SANDBOX_H
#define OPS_SERVER_SANDBOX_H

#include <fcntl.h>
#include <stdbool.h>

#include "err.h"

/* The one way to open a file for writing, where that is needed: it cannot touch what is there. */
enum { SANDBOX_NEW_FILE = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW };

/* What this server's configuration needs over the rest. */
struct sandbox_needs {
	bool unix_sockets; /* systemd's NOTIFY_SOCKET */
	bool new_files;    /* the audit log's segments: made new, only ever appended to */
	bool dials;        /* TCP to the manager: --sec-mgr */
	bool answers;      /* it is the manager: TCP from nodes, and its journal */
};

/* Can it be done in this build? Sanitizers make system calls of their own, among them ptrace
 * to look for leaks; and the filter knows x86-64 and aarch64. */
bool sandbox_possible(void);

/*
 * sandbox_enter - from now on, for all threads and for good.
 *
 * PR_SET_NO_NEW_PRIVS must be set, or the caller be privileged. Returns 0, -ENOSYS when
 * !sandbox_possible(), or the kernel's errno.
 */
MUST_CHECK int sandbox_enter(const struct sandbox_needs *needs);

/*
 * sandbox_confine - the same, as a program does when it starts: without, and a warning, where
 * it is not `wanted` or not possible. What cannot enter is to end rather than to serve without.
 */
MUST_CHECK int sandbox_confine(bool wanted, const struct sandbox_needs *needs);

/* What mapping physical memory needed (life_watch(), "acpi"), and nothing does later: CAP_SYS_RAWIO
 * and CAP_DAC_READ_SEARCH. Before there are threads. Returns 0, also for who has neither, or the
 * kernel's errno: what cannot give them up is not to serve. */
MUST_CHECK int sandbox_give_up_memory(struct err_text *e);

#endif
