/* SPDX-License-Identifier: BSD-3-Clause */
#include "pause.h"

#include "word.h"

static struct {
	bool renamed;    /* CLIENT has another name, which nobody tells us */
	bool all;        /* the pause that lasts is one of all commands */
	long long until; /* when the last PAUSE ALL that was seen will be over, ms */
} p;

enum pause pause_look(void)
{
	if (!RedisModule_AvoidReplicaTraffic()) {
		p.all = false;
		return PAUSE_NONE;
	}
	/* A pause that grows keeps its kind: Redis takes the stricter one, and the later
	 * end. */
	if (RedisModule_Milliseconds() < p.until)
		p.all = true;
	return p.all ? PAUSE_ALL : PAUSE_WRITES;
}

/* CLIENT PAUSE ms [ALL | WRITE] or CLIENT UNPAUSE. Every command comes by here. */
static void on_command(RedisModuleCommandFilterCtx *f)
{
	int n = RedisModule_CommandFilterArgsCount(f);
	RedisModuleString *word;
	long long ms, now;

	if (n < 2 || n > 4)
		return;
	if (!p.renamed && !word_is(RedisModule_CommandFilterArgGet(f, 0), "client"))
		return;
	word = RedisModule_CommandFilterArgGet(f, 1);
	if (n == 2 && word_is(word, "unpause"))
		p.until = 0;
	if (n == 2 || !word_is(word, "pause"))
		return;
	pause_look(); /* is the last one over, and this a new one? */
	if (n == 4 && !word_is(RedisModule_CommandFilterArgGet(f, 3), "all"))
		return;
	word = RedisModule_CommandFilterArgGet(f, 2);
	if (RedisModule_StringToLongLong(word, &ms) != REDISMODULE_OK || ms <= 0)
		return;
	now = RedisModule_Milliseconds(); /* one that waits comes by here again when it runs */
	ms = ms > INT64_MAX - now ? INT64_MAX : now + ms;
	if (ms > p.until)
		p.until = ms;
}

void pause_init(RedisModuleCtx *ctx)
{
	RedisModuleCallReply *r = RedisModule_Call(ctx, "COMMAND", "cc", "INFO", "client");
	RedisModuleCallReply *client = r ? RedisModule_CallReplyArrayElement(r, 0) : NULL;

	memset(&p, 0, sizeof p);
	p.renamed = !client || RedisModule_CallReplyType(client) != REDISMODULE_REPLY_ARRAY;
	if (r)
		RedisModule_FreeCallReply(r);
	RedisModule_RegisterCommandFilter(ctx, on_command, REDISMODULE_CMDFILTER_NOSELF);
}
