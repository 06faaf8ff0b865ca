/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * region_path.h - which region, when nobody has said: libcxlring and every program here.
 */
#ifndef CLIENT_REGION_PATH_H
#define CLIENT_REGION_PATH_H

#include <stdlib.h>

/* `given`, else the environment's; NULL: neither. */
static inline const char *region_path(const char *given)
{
	const char *path = given ? given : getenv("CXLRING_REGION");

	return path ? path : getenv("CXL_RING_PATH");
}

#endif
