/* SPDX-License-Identifier: BSD-3-Clause */
#include "lane.h"

#include <sched.h>

static uint32_t this_cpu(void)
{
	int cpu = sched_getcpu();

	return cpu < 0 ? 0 : (uint32_t)cpu;
}

void lanes_open(struct service_shm *shm, const uint32_t *cpu, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		shm_store32(&shm->lane[i].asleep, BELL_BUSY);
		shm_store32(&shm->lane[i].cpu, cpu[i]);
	}
	for (i = 0; i < LANE_CPUS; i++)
		shm->lane_of[i] = (uint8_t)(i % n);
	for (i = n; i-- > 0;) /* backwards: of several on one processor the first is rung */
		shm->lane_of[cpu[i] % LANE_CPUS] = (uint8_t)i;
	shm_store32(&shm->poller, 0);
	shm_store_release32(&shm->nlanes, n);
}

bool lane_wake(struct lane_shm *l)
{
	if (!shm_cas32(&l->asleep, BELL_FUTEX, BELL_AWAKE)) /* L2 */
		return false;
	bell_rouse(&l->asleep);
	return true;
}

/* Ring one lane. What it says then: FUTEX and AWAKE alike mean that it will look. */
static uint32_t ring_one(struct lane_shm *l, uint32_t channel)
{
	uint32_t how = shm_load32(&l->asleep);

	if (how != BELL_FUTEX)
		return how;
	shm_store32(&l->channel, channel);
	/* Not asleep any more, but to sleep again: it has looked in between. */
	return lane_wake(l) ? (uint32_t)BELL_AWAKE : shm_load32(&l->asleep);
}

static bool will_look(uint32_t how)
{
	return how == BELL_AWAKE || how == BELL_FUTEX;
}

bool lane_ring(struct service_shm *shm, uint32_t channel)
{
	uint32_t n = shm_load32(&shm->nlanes), cpu = this_cpu(), i, at;

	if (n == 0 || n > SERVICE_LANES)
		return false;
	at = shm_load8(&shm->lane_of[cpu % LANE_CPUS]) % n;
	for (i = 0; i < n; i++) {
		struct lane_shm *l = &shm->lane[(at + i) % n];

		if (will_look(ring_one(l, channel)))
			return shm_load32(&l->cpu) == cpu;
	}
	return false;
}

void lane_ring_away(struct service_shm *shm, uint32_t channel)
{
	uint32_t n = shm_load32(&shm->nlanes), cpu = this_cpu(), i, at, how;
	bool busy = false;

	if (n == 0 || n > SERVICE_LANES)
		return;
	at = shm_load8(&shm->lane_of[cpu % LANE_CPUS]) % n;
	for (i = 1; i < n; i++) {
		struct lane_shm *l = &shm->lane[(at + i) % n];

		if (shm_load32(&l->cpu) == cpu)
			continue;
		how = ring_one(l, channel);
		if (will_look(how))
			return;
		busy |= how == BELL_BUSY;
	}
	if (!busy)
		ring_one(&shm->lane[at], channel);
}

bool lane_polls_here(const struct service_shm *shm)
{
	uint32_t poller = shm_load32(&shm->poller);

	return poller != 0 && poller == this_cpu() + 1;
}
