/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wait.h - waiting for the other side: spin for a budget, then say so and sleep.
 *
 * Bell. One 32-bit word in shared memory per sleeper (a channel's client, a service).
 *
 *     sleeper                              waker
 *     word = how it sleeps                 publish the frame
 *     full fence                  W1  W2   full fence
 *     look once more: a frame?             word != awake ?
 *     sleep on the word                        word = awake, wake it
 *
 * Either the sleeper's second look sees the frame or the waker sees the word; lost
 * either fence: both miss, and the sleeper sleeps on a full ring. tests/model checks
 * this. A waker that dies after clearing the word, or a hostile one, costs the sleeper
 * one time slice: no sleep here is unbounded.
 *
 * While the word says awake, publishing costs a fence and one cached read, and no
 * system call. The peer writes the word too (it clears it), so it is never trusted for
 * more than "go and look".
 *
 * Spin budget. Spinning wins a wake-up's latency (5 to 50 us) while it lasts and loses a
 * core that the peer may need. The budget is in ticks, not in loop counts, and adapts.
 * Losing the processor in the middle of a spin (another process wants this core) halves
 * it, unless it was offered; what an offer took does not count as spun. So does an answer
 * that came sooner asleep than the spin had lasted: it was the spin that kept the peer
 * from the core. Any other sleep that turns out to be short raises it, and once in a while
 * the whole of it is tried again.
 *
 * Every few microseconds a spinner offers its core (sched_yield), unless it keeps it: a peer
 * that is ready to run there need not wait for the end of the budget, and with nobody
 * there it costs a quarter of a microsecond.
 */
#ifndef COMMON_WAIT_H
#define COMMON_WAIT_H

#include "barrier.h"
#include "clock.h"

enum bell_state {
	BELL_AWAKE = 0,
	BELL_FUTEX = 1, /* asleep on this very word */
	BELL_FD = 2,    /* asleep in an event loop; its eventfd came by the bell socket */
	BELL_LANES = 3, /* each of its threads sleeps on a lane of its own (lane.h) */
	BELL_BUSY = 4,  /* of a lane: its thread has something long to do; ring another */
};

/* Announce sleep (W1); look once more afterwards, then bell_sleep() or bell_clear(). */
static inline void bell_set(uint32_t *word, enum bell_state how)
{
	shm_store32(word, how);
	shm_fence_full(); /* W1 (pairs with W2 in bell_heard) */
}

static inline void bell_clear(uint32_t *word)
{
	shm_store32(word, BELL_AWAKE);
}

/* After publishing: how does the peer sleep? Costs a fence and a read (W2). */
static inline uint32_t bell_heard(const uint32_t *word)
{
	shm_fence_full(); /* W2 (pairs with W1 in bell_set) */
	return shm_load32(word);
}

/* Sleep while the word is BELL_FUTEX, at most timeout_us; clears the word. */
void bell_sleep(uint32_t *word, uint32_t timeout_us);

/* Clear the word and wake its futex sleeper; the second alone. */
void bell_wake(uint32_t *word);
void bell_rouse(uint32_t *word);

/* Sleep without a bell: for peers that share memory but no kernel. The pause grows with
 * the time slept so far: a tenth of it, 20 us to a millisecond. */
uint32_t wait_pause_us(uint64_t slept_us);
void wait_poll(uint64_t slept_us);

/* After one more attempt in vain: twice as long as after the one before, within `least` and `most`.
 * 0: there was none before. */
static inline uint32_t wait_longer(uint32_t before, uint32_t least, uint32_t most)
{
	return before == 0 ? least : before <= most / 2 ? 2 * before : most;
}

/* In milliseconds, when there is a server and it refuses for now: an attempt costs both a
 * handshake, and the server a line of its log. */
static inline uint32_t wait_refused_ms(uint32_t before)
{
	return wait_longer(before, 5, 200);
}

struct spin {
	uint64_t max;    /* ticks; 0: never spin */
	uint64_t budget; /* ticks, adapts within max/8 .. max */
	uint64_t start;
	uint64_t last;
	uint64_t yield;  /* next time to offer the core to whoever waits for it */
	uint64_t step;   /* ticks between two offers */
	uint64_t lost;  /* ticks between two polls that mean the core was taken away */
	uint64_t taken; /* ticks that it was away, in this spin: within start .. last */
	uint32_t blocked; /* sleeps */
	bool preempted; /* it was, during this spin */
	bool keeps;     /* by the caller: offers nothing */
};

/* max_ns: the most to spin, from configuration; 0 sleeps at once. */
void spin_init(struct spin *s, uint64_t max_ns);

static inline void spin_start(struct spin *s)
{
	s->start = s->last = clock_ticks();
	s->yield = s->start + s->step;
	s->taken = 0;
	s->preempted = false;
}

/* The same by a caller who knows how long this one may pay. */
static inline void spin_start_for(struct spin *s, uint64_t ticks)
{
	spin_start(s);
	s->budget = ticks;
}

/* What was waited for came, at `now`, and another wait begins: offers go on as they were
 * due, and only spin_met() forgets a lost core. */
static inline void spin_anew(struct spin *s, uint64_t now)
{
	s->start = s->last = now;
	s->taken = 0;
}

/* One pause; false when the budget is used up. */
bool spin_again(struct spin *s);

/* Tell what happened, so that the budget adapts. spin_met: the frame came while spinning.
 * spin_idle: the next request came after sleeping so long; a short sleep means that
 * spinning longer would have paid. spin_blocked: an answer came after sleeping so long;
 * if it came sooner asleep than the whole spin took, our spin was what delayed it. */
void spin_met(struct spin *s);
void spin_idle(struct spin *s, uint64_t ticks);
void spin_blocked(struct spin *s, uint64_t ticks);

#endif
