/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "command.h"
#include "die.h"

size_t resp_length(const char *p, size_t len)
{
	size_t at = 0, values = 1;

	for (; values; values--) {
		const char *end = at < len ? memchr(p + at, '\n', len - at) : NULL;
		char type;
		long n;

		if (!end)
			return 0;
		type = p[at];
		n = strtol(p + at + 1, NULL, 10);
		at = (size_t)(end - p) + 1;
		if (strchr("$=", type) && n >= 0)
			at += (size_t)n + 2;
		else if (strchr("*~>", type) && n > 0)
			values += (size_t)n;
		else if (type == '%')
			values += 2 * (size_t)n;
		else if (type == '|')
			values += 2 * (size_t)n + 1;
		if (at > len)
			return 0;
	}
	return at;
}

void value_free(struct value *v)
{
	free(v->data);
	v->data = NULL;
	v->len = 0;
}

struct value value_of(const char *data, size_t len)
{
	struct value v = {malloc(len + 1), len};

	if (!v.data)
		die(DIE_TROUBLE, "no memory");
	memcpy(v.data, data, len);
	v.data[len] = 0;
	return v;
}

struct cxlring_reply *value_parse(const struct value *v)
{
	struct cxlring_view view = {.type = CXLRING_ARRAY, .data = v->data, .len = v->len};

	return cxlring_copy(&view);
}

void wire_open(struct wire *w, const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval minute = {60, 0};

	memset(w, 0, sizeof *w);
	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (strlen(path) >= sizeof sa.sun_path)
		die(DIE_TROUBLE, "%s: too long for a socket", path);
	strcpy(sa.sun_path, path);
	if (w->fd < 0 || connect(w->fd, (struct sockaddr *)&sa, sizeof sa))
		die(DIE_TROUBLE, "%s: %s", path, strerror(errno));
	setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
	setsockopt(w->fd, SOL_SOCKET, SO_SNDTIMEO, &minute, sizeof minute);
}

void wire_close(struct wire *w)
{
	close(w->fd);
	free(w->buf);
	memset(w, 0, sizeof *w);
}

void wire_send(struct wire *w, const char *p, size_t len)
{
	while (len) {
		ssize_t n = send(w->fd, p, len, MSG_NOSIGNAL);

		if (n < 0)
			die(DIE_TROUBLE, "the server takes nothing: %s", strerror(errno));
		p += n;
		len -= (size_t)n;
	}
}

struct value wire_take(struct wire *w)
{
	struct value v;
	size_t n;
	ssize_t got;

	while ((n = resp_length(w->buf + w->used, w->len - w->used)) == 0) {
		if (w->used) {
			memmove(w->buf, w->buf + w->used, w->len - w->used);
			w->len -= w->used;
			w->used = 0;
		}
		if (w->cap - w->len < 65536) {
			w->cap = 2 * w->cap + 65536;
			w->buf = realloc(w->buf, w->cap);
		}
		got = recv(w->fd, w->buf + w->len, w->cap - w->len, 0);
		if (got <= 0)
			die(DIE_TROUBLE, "the server does not answer");
		w->len += (size_t)got;
	}
	v = value_of(w->buf + w->used, n);
	w->used += n;
	return v;
}

static struct cxlring_reply *ask(struct wire *w, va_list ap, struct command *c)
{
	struct cxlring_reply *r;
	struct value v;
	char *buf = NULL;
	size_t len = 0, cap = 0;
	const char *word;

	while ((word = va_arg(ap, const char *)))
		command_text(c, word);
	command_resp(c, &buf, &len, &cap);
	wire_send(w, buf, len);
	free(buf);
	v = wire_take(w);
	r = value_parse(&v);
	if (!r)
		die(DIE_TROUBLE, "a reply that is none: %s", v.data);
	value_free(&v);
	return r;
}

struct cxlring_reply *wire_ask(struct wire *w, ...)
{
	struct command c = {0};
	struct cxlring_reply *r;
	va_list ap;

	va_start(ap, w);
	r = ask(w, ap, &c);
	va_end(ap);
	command_free(&c);
	return r;
}

void wire_do(struct wire *w, ...)
{
	struct command c = {0};
	struct cxlring_reply *r;
	va_list ap;

	va_start(ap, w);
	r = ask(w, ap, &c);
	va_end(ap);
	if (r->type == CXLRING_ERROR)
		die(DIE_TROUBLE, "%s: %s", c.word[0], r->str);
	cxlring_free(r);
	command_free(&c);
}
