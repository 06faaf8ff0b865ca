/* SPDX-License-Identifier: BSD-3-Clause */
#include "witness.h"

#include <string.h>

enum { WHO = 160 };

/* Which session. */
static const char *who(char text[WHO], const struct service_chan *c, const struct account *a)
{
	char role[ACCOUNT_NAME + 1];

	account_name(a, role);
	snprintf(text, WHO, "channel=%u generation=%u pid=%u role=%s", c->index, c->gen,
		ident_pid(c->owner), role);
	return text;
}

void witness_begin(struct witness *t, const struct service_chan *c, const struct account *a,
	const struct peer *peer)
{
	char text[WHO];

	if (t->began || !t->log)
		return;
	t->began = true;
	auditor_note(t->log, "session %s peer=%s", who(text, c, a), peer ? peer->name : "-");
}

void witness_proved(struct witness *t, const struct service_chan *c, const struct account *a)
{
	char text[WHO];

	if (t->log)
		auditor_note(t->log, "proved %s", who(text, c, a));
}

void witness_denied(struct witness *t, const struct service_chan *c, const struct account *a,
	const char *why)
{
	uint64_t n = account_denials(a);
	char text[WHO];

	if (t->log && (n & (n - 1)) == 0)
		auditor_note(t->log, "denied %s count=%llu why: %s", who(text, c, a),
			(unsigned long long)n, why);
}

int witness_decrypt(struct witness *t, const struct service_chan *c, const struct account *a,
	struct err_text *e)
{
	char text[WHO];
	int rc;

	if (!t->log)
		return 0;
	if (t->decrypts)
		return auditor_healthy(t->log, e);
	rc = auditor_grant(t->log, e, "decrypt %s", who(text, c, a));
	t->decrypts = rc == 0;
	return rc;
}

/* How much it was told, and denied: whether that has changed. */
static uint64_t sum(const struct account *a)
{
	uint64_t n = account_denials(a);
	int i;

	for (i = 0; i < RELEASES; i++)
		n += a->rows[i];
	return n;
}

static void note_told(struct witness *t, const char *event, const struct service_chan *c,
	const struct account *a)
{
	char text[WHO], told[300] = "";
	size_t at = 0;
	int i;

	for (i = 0; i < RELEASES; i++)
		at += (size_t)snprintf(told + at, sizeof told - at, " %s=%llu", release_names[i],
			(unsigned long long)a->rows[i]);
	auditor_note(t->log, "%s %s%s denied=%llu", event, who(text, c, a), told,
		(unsigned long long)account_denials(a));
	t->told = sum(a);
}

void witness_told(struct witness *t, const struct service_chan *c, const struct account *a)
{
	if (t->began && sum(a) != t->told)
		note_told(t, "told", c, a);
}

void witness_end(struct witness *t, const struct service_chan *c, const struct account *a)
{
	if (t->began)
		note_told(t, "end", c, a);
}
