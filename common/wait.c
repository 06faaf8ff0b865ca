/* SPDX-License-Identifier: BSD-3-Clause */
#include "wait.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	LOST_NS = 15000,     /* two polls this far apart: somebody else had the core */
	YIELD_NS = 5000,     /* between two offers of the core, when nobody takes it */
	YIELD_MIN_NS = 250,  /* when somebody does: it may be the peer, on this very core */
	TAKEN_NS = 1000,     /* an offer that lasted so long was taken */
	BUDGET_STEPS = 8,    /* budget never falls below max / this */
	MET_STEPS = 256,     /* a frame that came while spinning adds max / this */
	PROBE = 256,         /* sleeps from one try of the whole budget to the next */
	POLL_MIN_US = 20,
	POLL_MAX_US = 1000,
};

/* Not FUTEX_PRIVATE: the word lies in a mapping of two processes. */
void bell_sleep(uint32_t *word, uint32_t timeout_us)
{
	struct timespec t = {timeout_us / 1000000, (long)(timeout_us % 1000000) * 1000};

	syscall(SYS_futex, word, FUTEX_WAIT, (uint32_t)BELL_FUTEX, &t, NULL, 0);
	bell_clear(word);
}

void bell_rouse(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void bell_wake(uint32_t *word)
{
	shm_store32(word, BELL_AWAKE);
	bell_rouse(word);
}

uint32_t wait_pause_us(uint64_t slept_us)
{
	uint64_t us = slept_us / 10;

	return us < POLL_MIN_US ? POLL_MIN_US : us > POLL_MAX_US ? POLL_MAX_US : (uint32_t)us;
}

void wait_poll(uint64_t slept_us)
{
	struct timespec t = {0, (long)wait_pause_us(slept_us) * 1000};

	nanosleep(&t, NULL);
}

void spin_init(struct spin *s, uint64_t max_ns)
{
	s->max = clock_from_ns(max_ns);
	s->lost = clock_from_ns(LOST_NS);
	s->step = clock_from_ns(YIELD_NS);
	s->budget = s->max;
	spin_start(s);
}

/* Two spinners on one core pass each other the turn: a round trip is twice the time
 * between offers (12 us at YIELD_NS, 3 at the least). So offer more often while it helps. */
static uint64_t offer_core(struct spin *s, uint64_t t0)
{
	uint64_t now;

	sched_yield();
	now = clock_ticks();
	if (now - t0 > clock_from_ns(TAKEN_NS)) {
		s->taken += now - t0;
		s->step = s->step / 2 > clock_from_ns(YIELD_MIN_NS) ? s->step / 2
															: clock_from_ns(YIELD_MIN_NS);
	} else if (s->step < clock_from_ns(YIELD_NS)) {
		s->step *= 2;
	}
	s->yield = now + s->step;
	return now;
}

bool spin_again(struct spin *s)
{
	uint64_t now;

	cpu_relax();
	now = clock_ticks();
	if (now - s->last > s->lost) {
		s->preempted = true;
		s->taken += now - s->last;
	}
	if (now > s->yield && !s->keeps)
		now = offer_core(s, now);
	s->last = now;
	return now - s->start - s->taken < s->budget;
}

/* The core was taken away while we burned it: whoever took it may be the very peer we
 * wait for, so burn less next time, whether or not the frame came. */
static void spin_yield(struct spin *s)
{
	s->budget /= 2;
	if (s->budget < s->max / BUDGET_STEPS)
		s->budget = s->max / BUDGET_STEPS;
	s->preempted = false;
}

void spin_met(struct spin *s)
{
	if (s->preempted)
		spin_yield(s);
	else if (s->budget < s->max)
		s->budget += s->max / MET_STEPS;
}

static void spin_more(struct spin *s)
{
	if (s->budget < s->max)
		s->budget += (s->max - s->budget) / 4 + 1;
}

void spin_idle(struct spin *s, uint64_t ticks)
{
	if (s->preempted)
		spin_yield(s);
	else if (ticks < s->max)
		spin_more(s);
}

/* A budget that ends just before the answers come would never learn that: each of them
 * comes soon after the sleep began. */
void spin_blocked(struct spin *s, uint64_t ticks)
{
	bool probe = ++s->blocked % PROBE == 0;

	if (s->preempted)
		spin_yield(s);
	else if (probe)
		s->budget = s->max;
	else if (ticks < s->budget)
		spin_yield(s);
	else if (ticks < s->max)
		spin_more(s);
}
