/* SPDX-License-Identifier: BSD-3-Clause */
#include "kvcommand.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const kvcommand_set_words[KVCOMMAND_SET_WORDS] = {
	"NX", "XX", "GET", "KEEPTTL", "EX", "PX", "EXAT", "PXAT"};

/* Sorted. */
static const char *const refused[] = {"asking", "auth", "blmove", "blmpop", "blpop", "brpop",
	"brpoplpush", "bzmpop", "bzpopmax", "bzpopmin", "client", "debug", "discard", "exec",
	"failover", "hello", "module", "monitor", "multi", "psubscribe", "psync", "punsubscribe",
	"quit", "readonly", "readwrite", "replconf", "reset", "select", "shutdown", "ssubscribe",
	"subscribe", "sunsubscribe", "sync", "unsubscribe", "unwatch", "wait", "waitaof",
	"watch"};

static int compare(const void *name, const void *entry)
{
	return strcmp(name, *(const char *const *)entry);
}

bool kvcommand_refused(const char *name)
{
	return bsearch(name, refused, sizeof refused / sizeof *refused, sizeof *refused,
			   compare) != NULL;
}

bool kvcommand_may_block(const char *name)
{
	return strcmp(name, "xread") == 0 || strcmp(name, "xreadgroup") == 0;
}

static bool is(const char *p, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(p, word, len) == 0;
}

enum kvcommand_word kvcommand_word(const char *p, size_t len)
{
	len = strnlen(p, len); /* Redis reads no further */
	return is(p, len, "block") ? KVCOMMAND_BLOCKS
		: is(p, len, "streams") ? KVCOMMAND_KEYS_FOLLOW
								: KVCOMMAND_GOES_ON;
}
