/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_link.h"

#include <stdio.h>

#include "backend_request.h"

enum {
	CONNECT_MS = 5000,
	AGAIN_MS = 100, /* after a failure, before the next attempt */
};

void session_lose(struct session *s, const char *why)
{
	char text[256];
	bool greeting = s->link.state != LINK_UP;
	uint32_t i, n = 0;

	snprintf(text, sizeof text, BACKEND_GONE "%s; whether it has run this is unknown", why);
	if (why != s->link.dial.why)
		snprintf(s->link.dial.why, sizeof s->link.dial.why, "%s", why);
	link_close(&s->link);
	if (s->ndue && s->begun && due_at(s, 0)->what == DUE_REPLY)
		s->refuse = "the Redis went away in the middle of a long reply to it";
	for (i = 0; i < s->ndue; i++) {
		struct due d = *due_at(s, i);

		greeting |= d.what > DUE_TEXT;
		if (d.what > DUE_TEXT)
			continue; /* ours: nothing to free */
		if (d.what == DUE_REPLY && !due_fail(&d, text))
			s->refuse = "no memory";
		*due_at(s, n++) = d;
	}
	s->ndue = n;
	s->barrier = 0;
	if (greeting)
		s->failed_ms = clock_ms();
	buffer_wipe(&s->out);
	buffer_cut(&s->out, 0);
	buffer_cut(&s->back, 0);
	s->scan = (struct scan){0};
	s->scanned = 0;
	s->in_value = false;
	s->tail = 0;
	s->sent = 0; /* an error of ours is one frame */
	s->begun = false;
	s->db = 0;
	s->resp3 = s->stranger = false;
	s->readable = s->writable = false;
}

bool session_ask(struct session *s, enum due_what what, size_t n, const char *const words[],
	const size_t lens[])
{
	if (due_push(s, what, 0, 0) && request_words(&s->out, n, words, lens))
		return true;
	s->refuse = "no memory";
	return false;
}

static void ask_auth(struct session *s, enum due_what what, const char *user, size_t user_len,
	const char *password, size_t password_len)
{
	const char *words[3] = {"AUTH", user, password};
	size_t lens[3] = {4, user_len, password_len};

	if (!user_len) {
		words[1] = password;
		lens[1] = password_len;
	}
	session_ask(s, what, user_len ? 3 : 2, words, lens);
}

/* The first words on a new connection. */
static void greet(struct session *s)
{
	const struct backend_shared *all = s->shared;
	const char *ping = "PING";
	size_t four = 4;

	s->writable = s->readable = true;
	s->failed_ms = 0;
	if (all->password)
		ask_auth(s, DUE_LOGIN, all->user, all->user ? strlen(all->user) : 0, all->password,
			strlen(all->password));
	if (s->secret)
		ask_auth(s, DUE_AGAIN, s->secret->bytes, s->secret->user_len,
			s->secret->bytes + s->secret->user_len, s->secret->password_len);
	session_ask(s, DUE_PROBE, 1, &ping, &four);
}

static void step(struct session *s)
{
	int rc = link_step(&s->link, s->shared->target, s->shared->epoll, s->chan->index);

	if (rc == 0)
		greet(s);
	else if (rc != -EAGAIN)
		s->failed_ms = clock_ms();
}

int session_ready(struct session *s)
{
	if (s->link.state == LINK_DOWN) {
		if (s->failed_ms && clock_ms() - s->failed_ms < AGAIN_MS)
			return -1;
		if (link_start(&s->link, s->shared->target, s->shared->epoll, s->chan->index)) {
			s->failed_ms = clock_ms();
			return -1;
		}
		step(s);
		if (s->link.state == LINK_DOWN)
			return -1;
	}
	return link_is_up(&s->link) && !s->barrier ? 0 : -EAGAIN;
}

void session_event(struct session *s)
{
	s->readable = s->writable = true;
	if (s->link.state == LINK_CONNECTING || s->link.state == LINK_GREETING)
		step(s);
}

void session_tick(struct session *s, uint64_t now_ms)
{
	bool connecting = s->link.state == LINK_CONNECTING || s->link.state == LINK_GREETING;

	if (connecting && now_ms - s->link.dial.since_ms > CONNECT_MS)
		session_lose(s, "no connection within 5 seconds");
}

/* ---- what it says to our own questions ---- */

static void turned_away(struct session *s, const char *how, const char *line)
{
	char why[160];

	snprintf(why, sizeof why, "%s: %.110s", how, line + 1);
	session_lose(s, why);
	s->failed_ms = clock_ms();
}

static void answer(struct session *s, const char *text)
{
	free(s->answer);
	s->answer = strdup(strncmp(text, "NOAUTH", 6) == 0 ? BACKEND_NOAUTH : text);
	if (!s->answer)
		s->refuse = "no memory";
}

void session_told(struct session *s, enum due_what what, const char *line)
{
	bool error = line[0] == '-';

	switch (what) {
	case DUE_LOGIN:
		if (error)
			turned_away(s, "it does not let cxl-proxy in", line);
		break;
	case DUE_AGAIN:
		s->nobody = error;
		if (error)
			secret_free(&s->secret);
		break;
	case DUE_PROBE:
		s->stranger = strncmp(line, "-NOAUTH", 7) == 0;
		if (strncmp(line, "-ERR", 4) == 0 || strncmp(line, "-DENIED", 7) == 0)
			turned_away(s, "it turns cxl-proxy away", line);
		break;
	case DUE_SELECT:
	case DUE_HELLO:
		if (!error)
			break;
		answer(s, line + 1);
		if (what == DUE_HELLO)
			s->resp3 = !s->resp3;
		else
			s->db = s->db_before;
		break;
	default:
		break;
	}
}

void session_accepted(struct session *s, struct due *d)
{
	if (!d->secret)
		return;
	secret_free(&s->secret);
	s->secret = d->secret;
	d->secret = NULL;
	s->stranger = s->nobody = false;
}
