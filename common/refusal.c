/* SPDX-License-Identifier: BSD-3-Clause */
#include "refusal.h"

#include <stdio.h>
#include <string.h>

void refusals_init(struct refusals *r)
{
	memset(r, 0, sizeof *r);
	pthread_mutex_init(&r->lock, NULL);
	err_set(&r->others.why, "various reasons");
}

static bool is_due(const struct refusal *k, uint64_t now_ms)
{
	return now_ms - k->said_ms >= REFUSAL_MS;
}

/* Its place, or one that nothing is known of any more; NULL: there is none. */
static struct refusal *find(struct refusals *r, const uint8_t print[PEER_PRINT],
	const char *why, uint64_t now_ms)
{
	struct refusal *k, *free = NULL;

	for (k = r->kind; k < r->kind + REFUSAL_KINDS; k++) {
		if (k->said_ms && memcmp(k->print, print, PEER_PRINT) == 0 && strcmp(k->why.s, why) == 0)
			return k;
		if (!k->said_ms || (is_due(k, now_ms) && !k->left_out))
			free = k;
	}
	if (free)
		*free = (struct refusal){.said_ms = 0};
	return free;
}

bool refusals_say(struct refusals *r, const uint8_t *print, const char *why, uint64_t now_ms,
	char more[REFUSAL_MORE])
{
	static const uint8_t nobody[PEER_PRINT];
	struct err_text text;
	struct refusal *k;
	bool say;

	more[0] = 0;
	print = print ? print : nobody;
	err_set(&text, "%s", why); /* as long as it is kept */
	pthread_mutex_lock(&r->lock);
	k = find(r, print, text.s, now_ms);
	say = k && (!k->said_ms || is_due(k, now_ms));
	if (say) {
		if (k->left_out)
			snprintf(more, REFUSAL_MORE, " (and %llu more of this kind)",
				(unsigned long long)k->left_out);
		memcpy(k->print, print, PEER_PRINT);
		k->why = text;
		k->said_ms = now_ms;
		k->left_out = 0;
	} else {
		k = k ? k : &r->others;
		k->left_out++;
	}
	pthread_mutex_unlock(&r->lock);
	return say;
}

static bool tell_left(struct refusal *k, uint64_t now_ms, char text[REFUSAL_TEXT])
{
	if (!k->left_out || !is_due(k, now_ms))
		return false;
	snprintf(text, REFUSAL_TEXT, "%llu more refused: %s", (unsigned long long)k->left_out,
		k->why.s);
	k->said_ms = now_ms;
	k->left_out = 0;
	return true;
}

bool refusals_left(struct refusals *r, uint64_t now_ms, char text[REFUSAL_TEXT])
{
	bool told = false;
	int i;

	pthread_mutex_lock(&r->lock);
	for (i = 0; i < REFUSAL_KINDS && !told; i++)
		told = tell_left(&r->kind[i], now_ms, text);
	if (!told)
		told = tell_left(&r->others, now_ms, text);
	pthread_mutex_unlock(&r->lock);
	return told;
}
