/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * life.h - which life of its memory this process is in. A child of fork(), a clone of a
 * running virtual machine and one that was started again from a snapshot all have keys with
 * counters that somebody else has as well, and goes on from. Who uses a nonce once keeps the
 * life that it was drawn in, and looks before each use whether it is still that one.
 *
 *     id      the VM generation id: 16 bytes that the hypervisor keeps in the guest's memory,
 *             and changes there before the first instruction of a clone. life_watch()
 *             maps them; without, they are zero and do not change
 *     lives   counts what is noticed by other means: forks, and the manager's word that another
 *             process goes by this one's tickets (mgrlink.h)
 *
 * Why a look before each use is enough. What is in private memory and registers when the
 * machine is copied is the same in both. A look that came before the copy was followed, in
 * both, by the same nonce with the same plaintext, if that was already in private memory: the
 * same ciphertext, which says nothing. The next look sees the new id. So: look when the
 * plaintext is complete, and whatever is authenticated with it, then take the nonce. Clocks,
 * random numbers and shared memory are not the same in both: what comes from there is had
 * before the look.
 *
 * One id for a process. Any thread.
 */
#ifndef COMMON_LIFE_H
#define COMMON_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct life {
	uint64_t id[2];
	uint32_t lives;
};

/* What life_is() compares with. */
struct life_now {
	const uint64_t *id; /* mapped, or two zeroes */
	uint32_t lives;
};

extern struct life_now life_now __attribute__((visibility("hidden")));

/*
 * life_watch - find the id.
 *
 *   source   "none": there is none
 *            "acpi": that of QEMU's vmgenid device. Needs root's view of /sys/firmware, and
 *            /dev/mem for as long as this takes: CAP_SYS_RAWIO
 *            "auto": the same, or none where there is no such device, or no right to it
 *            a file, "/name" or "/name@OFFSET": there, as often as it is mapped by
 *            whoever may read it: resource2 of a PCI device, into whose memory the hypervisor's
 *            administrator writes a new id before a copy runs (docs/clones.md)
 *
 * Returns 1: it is watched; 0: there is none, and `e` is as it was; -EINVAL, or the kernel's
 * errno, negated: `e` says it.
 * The last word counts; to say the same again costs nothing.
 */
MUST_CHECK int life_watch(const char *source, struct err_text *e);

/* life_watch_env - as CXL_GENERATION says, "auto" where it says nothing: for what has no
 * configuration of its own. */
#define LIFE_ENV "CXL_GENERATION"
MUST_CHECK int life_watch_env(struct err_text *e);

/* Why "auto" found none, for the log; "": it did, or was not asked for. Not while another
 * thread calls life_watch(). */
const char *life_missing(void);

/* Is there an id? Without, only forks and the manager's word count. */
bool life_watched(void);

/* The current one. Keep it before drawing what is to belong to it. */
void life_read(struct life *g);

/* Somebody else has our memory: nothing of before is to be used again. */
void life_end(void);

/* Is it still that one? */
static inline bool life_is(const struct life *g)
{
	const uint64_t *id = __atomic_load_n(&life_now.id, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&life_now.lives, __ATOMIC_ACQUIRE) == g->lives &&
		__atomic_load_n(&id[0], __ATOMIC_RELAXED) == g->id[0] &&
		__atomic_load_n(&id[1], __ATOMIC_RELAXED) == g->id[1];
}

#endif
