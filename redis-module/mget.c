/* SPDX-License-Identifier: BSD-3-Clause */
#include "mget.h"

#include <stdlib.h>
#include <string.h>

/* "*2\r\n$1\r\nx\r\n$-1\r\n" */
struct mget mget_begin(const char *resp)
{
	return (struct mget){strchr(resp, '\n') + 1};
}

const char *mget_next(struct mget *m, size_t *len)
{
	char *end;
	long n = strtol(m->p + 1, &end, 10);
	const char *value = end + 2;

	m->p = value;
	if (n < 0)
		return NULL;
	*len = (size_t)n;
	m->p += n + 2;
	return value;
}
