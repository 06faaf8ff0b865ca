/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hedbctl.h - what hedbctl's commands have in common.
 */
#ifndef CLIENT_HEDBCTL_H
#define CLIENT_HEDBCTL_H

#include <stdio.h>

#include "err.h"

/* A command's exit status: 0; or 1, and `e` or else what rc says on standard error. */
static inline int hedbctl_end(int rc, const struct err_text *e)
{
	if (rc)
		fprintf(stderr, "hedbctl: %s\n", e->s[0] ? e->s : err_name(rc));
	return rc != 0;
}

#endif
