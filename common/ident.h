/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ident.h - which process, on which host, owns something in shared memory.
 *
 * A token is one 64-bit word, so that claiming is one compare-and-swap and a claimer
 * that dies right after it can still be identified:
 *
 *     pid:22 | start time in clock ticks since boot:26 | host:16
 *
 * `host` is a hash of the kernel's boot id and the pid namespace: two processes with
 * the same full host hash can judge each other's life by pid. Others (another VM, a
 * container with pids of its own) go by heartbeats.
 */
#ifndef COMMON_IDENT_H
#define COMMON_IDENT_H

#include <stdbool.h>
#include <stdint.h>

struct ident {
	uint64_t token; /* never 0 */
	uint64_t host;  /* full hash; its low 16 bits are in the token */
};

/* This process. Read anew after fork: tokens are not inherited. */
struct ident ident_self(void);

uint32_t ident_pid(uint64_t token);

/* Do pids of `token` mean the same here as there? */
bool ident_same_host(uint64_t token);

/* False when the process is surely gone; true as well when that cannot be known. */
bool ident_alive(uint64_t token);

/*
 * ident_watch - a descriptor that becomes readable when the process dies.
 *
 * Returns a pidfd that the caller closes, or -1 when there is none to have: the
 * process is gone already (ident_alive() is false) or lives on another host.
 */
int ident_watch(uint64_t token);

#endif
