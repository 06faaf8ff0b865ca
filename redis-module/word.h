/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * word.h - a command's word, in upper or lower case.
 */
#ifndef CXLRING_WORD_H
#define CXLRING_WORD_H

#include "rm.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static inline bool word_is(RedisModuleString *word, const char *name)
{
	size_t len;
	const char *s = RedisModule_StringPtrLen(word, &len);

	return len == strlen(name) && strncasecmp(s, name, len) == 0;
}

#endif
