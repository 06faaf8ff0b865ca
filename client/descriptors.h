/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * descriptors.h - as many descriptors as this process may have: programs that carry
 * connections need two or three for each.
 */
#ifndef CLIENT_DESCRIPTORS_H
#define CLIENT_DESCRIPTORS_H

#include <sys/resource.h>

static inline void descriptors_raise(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

#endif
