/* SPDX-License-Identifier: BSD-3-Clause */
#include "thread.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

enum { STACK_BYTES = 512 << 10 };

int thread_start(pthread_t *t, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = -pthread_create(t, &attr, run, arg);
	pthread_attr_destroy(&attr);
	return rc;
}

/* struct sched_attr of the kernel, as of its first version. */
struct schedule {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static bool apply(struct schedule *s)
{
	s->size = sizeof *s;
	if (syscall(SYS_sched_setattr, 0, s, 0) == 0)
		return true;
	log_line(LOG_DEBUG, "sched_setattr: %s", strerror(errno));
	return false;
}

void thread_schedule(uint64_t slice_ns, int nicer)
{
	struct schedule s = {.policy = SCHED_OTHER,
		.nice = getpriority(PRIO_PROCESS, 0) + nicer, .runtime = slice_ns};

	apply(&s);
}

bool thread_first(void)
{
	struct schedule s = {.policy = SCHED_FIFO, .priority = 1};

	return apply(&s);
}
