/* SPDX-License-Identifier: BSD-3-Clause */
#include "verb.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "die.h"

/* As the ring would have it written: no sign, space or zero more. */
static bool number(const struct command *c, size_t i, int64_t *v)
{
	char text[24], *end;

	errno = 0;
	*v = strtoll(c->word[i], &end, 10);
	return errno == 0 && (size_t)sprintf(text, "%" PRId64, *v) == c->len[i] &&
		   memcmp(text, c->word[i], c->len[i]) == 0;
}

static bool set_options(const struct command *c, unsigned *flags, int64_t *time)
{
	static const char *const names[] = {
		"NX", "XX", "GET", "KEEPTTL", "EX", "PX", "EXAT", "PXAT"};
	size_t i, k;

	*flags = 0;
	*time = 0;
	for (i = 3; i < c->n; i++) {
		for (k = 0; k < 8 && strcasecmp(names[k], c->word[i]) != 0; k++)
			;
		if (k == 8 || strlen(c->word[i]) != c->len[i])
			return false;
		if (k >= 4 && (*flags >= CXLRING_EX || ++i == c->n || !number(c, i, time)))
			return false;
		*flags |= 1u << k;
	}
	return true;
}

enum verb { NONE, PING, GET, SET, INCRBY, DEL, EXISTS };

static enum verb verb_of(const struct command *c, unsigned *flags, int64_t *v)
{
	if (c->way != WAY_VERB)
		return NONE;
	if (c->n == 1 && command_is(c, "ping"))
		return PING;
	if (c->n == 2 && command_is(c, "get"))
		return GET;
	if (c->n >= 3 && command_is(c, "set") && set_options(c, flags, v))
		return SET;
	if (c->n == 3 && command_is(c, "incrby") && number(c, 2, v))
		return INCRBY;
	if (c->n >= 2 && command_is(c, "del"))
		return DEL;
	if (c->n >= 2 && command_is(c, "exists"))
		return EXISTS;
	return NONE;
}

#define WORDS(c, i) (const char *const *)(c)->word + (i), (c)->len + (i)

bool verb_appends(const struct command *c)
{
	unsigned flags;
	int64_t v;
	enum verb verb = verb_of(c, &flags, &v);

	return !(verb == DEL || verb == EXISTS) || c->n == 2;
}

int verb_append(struct cxlring *r, const struct command *c)
{
	unsigned flags;
	int64_t v;

	switch (verb_of(c, &flags, &v)) {
	case PING:
		return cxlring_append_ping(r);
	case GET:
		return cxlring_append_get(r, c->word[1], c->len[1]);
	case SET:
		return cxlring_append_set(
			r, c->word[1], c->len[1], c->word[2], c->len[2], flags, v);
	case INCRBY:
		return cxlring_append_incrby(r, c->word[1], c->len[1], v);
	case DEL:
		return cxlring_append_del(r, c->word[1], c->len[1]);
	case EXISTS:
		return cxlring_append_exists(r, c->word[1], c->len[1]);
	default:
		return cxlring_append_call(r, c->n, WORDS(c, 0), c->resp3 ? CXLRING_RESP3 : 0);
	}
}

/* ---- replies as RESP ---- */

struct value verb_value(const struct cxlring_view *v, bool resp3)
{
	struct value out;
	char *text;
	size_t len;
	FILE *f;

	if (v->type == CXLRING_ARRAY)
		return value_of(v->data, v->len);
	f = open_memstream(&text, &len);
	switch (v->type) {
	case CXLRING_STRING:
		fprintf(f, "$%zu\r\n", v->len);
		fwrite(v->data, 1, v->len, f);
		break;
	case CXLRING_INTEGER:
		fprintf(f, ":%" PRId64, v->integer);
		break;
	case CXLRING_NIL:
		fputs(resp3 ? "_" : "$-1", f);
		break;
	default:
		fputc(v->type == CXLRING_ERROR ? '-' : '+', f);
		fwrite(v->data, 1, v->len, f);
	}
	fputs("\r\n", f);
	fclose(f);
	out = value_of(text, len);
	free(text);
	return out;
}

/* CALL has the bytes as they are in the pipelined interface only. */
static struct value call(struct cxlring *c, const struct command *w)
{
	struct cxlring_view v;
	int rc = cxlring_append_call(c, w->n, WORDS(w, 0), w->resp3 ? CXLRING_RESP3 : 0);

	rc = rc ? rc : cxlring_flush(c);
	rc = rc ? rc : cxlring_next(c, &v, -1);
	if (rc)
		die(DIE_RING, "the ring failed: %s", cxlring_why(c));
	return verb_value(&v, w->resp3);
}

struct value verb_ask(struct cxlring *c, const struct command *w)
{
	struct cxlring_view view = {0};
	struct cxlring_reply *r;
	struct value out;
	unsigned flags;
	int64_t v;
	int rc;

	switch (verb_of(w, &flags, &v)) {
	case PING:
		rc = cxlring_ping(c, &r);
		break;
	case GET:
		rc = cxlring_get(c, w->word[1], w->len[1], &r);
		break;
	case SET:
		rc = cxlring_set(c, w->word[1], w->len[1], w->word[2], w->len[2], flags, v, &r);
		break;
	case INCRBY:
		rc = cxlring_incrby(c, w->word[1], w->len[1], v, &r);
		break;
	case DEL:
		rc = cxlring_del(c, w->n - 1, WORDS(w, 1), &r);
		break;
	case EXISTS:
		rc = cxlring_exists(c, w->n - 1, WORDS(w, 1), &r);
		break;
	default:
		return call(c, w);
	}
	if (rc)
		die(DIE_RING, "the ring failed: %s", cxlring_why(c));
	view.type = r->type;
	view.integer = r->integer;
	view.data = r->str;
	view.len = r->len;
	out = verb_value(&view, false);
	cxlring_free(r);
	return out;
}
