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

void thread_schedule(uint64_t slice_ns, int nicer)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {.size = sizeof attr, .policy = SCHED_OTHER,
		.nice = getpriority(PRIO_PROCESS, 0) + nicer, .runtime = slice_ns};

	if (syscall(SYS_sched_setattr, 0, &attr, 0) < 0)
		log_line(LOG_DEBUG, "sched_setattr: %s", strerror(errno));
}
