/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_request.h"

#include <stdio.h>

#include "kvcommand.h"

enum { HEADER_MAX = 32 };

/* "*3\r\n" or "$5\r\n" */
static bool put_count(struct buffer *out, char type, size_t n)
{
	char *to = buffer_room(out, HEADER_MAX);

	if (to)
		out->end += (size_t)snprintf(to, HEADER_MAX, "%c%zu\r\n", type, n);
	return to != NULL;
}

static bool put_bulk(struct buffer *out, const void *p, size_t n)
{
	return put_count(out, '$', n) && buffer_add(out, p, n) && buffer_add(out, "\r\n", 2);
}

static bool put_word(struct buffer *out, const char *word)
{
	return put_bulk(out, word, strlen(word));
}

static bool put_number(struct buffer *out, int64_t v)
{
	char text[24];

	return put_bulk(out, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)v));
}

bool request_words(struct buffer *out, size_t n, const char *const words[],
	const size_t lens[])
{
	size_t i;
	bool ok = put_count(out, '*', n);

	for (i = 0; ok && i < n; i++)
		ok = put_bulk(out, words[i], lens[i]);
	return ok;
}

/* ---- the verbs ---- */

static bool put_set(struct buffer *out, const struct kvrequest *q)
{
	const char *const *words = kvcommand_set_words;
	size_t n = 3;
	bool ok;
	int i;

	for (i = 0; i < KVCOMMAND_SET_WORDS; i++)
		if (q->opt & 1u << i)
			n += 1u << i & KV_SET_TIME ? 2 : 1;
	ok = put_count(out, '*', n) && put_word(out, "SET") &&
		put_bulk(out, q->key, q->key_len) && put_bulk(out, q->value, q->value_len);
	for (i = 0; ok && i < KVCOMMAND_SET_WORDS; i++) {
		if (!(q->opt & 1u << i))
			continue;
		ok = put_word(out, words[i]) &&
			(!(1u << i & KV_SET_TIME) || put_number(out, q->number));
	}
	return ok;
}

static bool put_key(struct buffer *out, const char *verb, const struct kvrequest *q)
{
	return put_count(out, '*', 2) && put_word(out, verb) && put_bulk(out, q->key, q->key_len);
}

static bool put_auth(struct buffer *out, const struct kvrequest *q)
{
	return put_count(out, '*', q->key_len ? 3 : 2) && put_word(out, "AUTH") &&
		(!q->key_len || put_bulk(out, q->key, q->key_len)) &&
		put_bulk(out, q->value, q->value_len);
}

static bool put_simple(struct buffer *out, const struct kvrequest *q)
{
	switch (q->verb) {
	case KV_GET:
		return put_key(out, "GET", q);
	case KV_SET:
		return put_set(out, q);
	case KV_INCRBY:
		return put_count(out, '*', 3) && put_word(out, "INCRBY") &&
			put_bulk(out, q->key, q->key_len) && put_number(out, q->number);
	case KV_AUTH:
		return put_auth(out, q);
	default:
		if (q->key_len)
			return put_key(out, "PING", q);
		return put_count(out, '*', 1) && put_word(out, "PING");
	}
}

/* ---- CALL ---- */

/* What the words of a command seen so far make of it. */
struct verdict {
	bool by_argument; /* XREAD: not with BLOCK */
	bool refused;
};

static void look_at_name(struct verdict *v, const char *p, size_t len)
{
	char lower[16];
	size_t i;

	v->refused = memchr(p, 0, len) != NULL; /* as it is for RM_Call */
	if (len >= sizeof lower)
		return;
	for (i = 0; i < len; i++)
		lower[i] = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 32 : p[i]);
	lower[len] = 0;
	v->by_argument = kvcommand_may_block(lower);
	v->refused |= kvcommand_refused(lower);
}

static void look_at_word(struct verdict *v, const char *p, size_t len)
{
	enum kvcommand_word word;

	if (!v->by_argument)
		return;
	word = kvcommand_word(p, len);
	v->refused |= word == KVCOMMAND_BLOCKS;
	v->by_argument = word == KVCOMMAND_GOES_ON;
}

static void show_name(char name[33], const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < 32 && p[i]; i++)
		name[i] = (char)(p[i] == '\r' || p[i] == '\n' ? ' ' : p[i]);
	name[i] = 0;
}

static int put_strings(struct buffer *out, struct kvrequest *q, const char *verb, char *name)
{
	struct verdict v = {0};
	bool first = verb == NULL;
	const uint8_t *p;
	uint32_t len;

	if (!put_count(out, '*', q->nstrings + (verb != NULL)) || (verb && !put_word(out, verb)))
		return -ENOMEM;
	while (q->nstrings) {
		const char *copy;

		p = kvrequest_string(q, &len);
		if (!p)
			return -EPROTO;
		if (!put_bulk(out, p, len))
			return -ENOMEM;
		copy = out->p + out->end - 2 - len;
		if (first) {
			look_at_name(&v, copy, len);
			show_name(name, copy, len);
			first = false;
		} else {
			look_at_word(&v, copy, len);
		}
	}
	return v.refused ? -EPERM : 0;
}

int request_format(struct buffer *out, struct kvrequest *q, char name[33])
{
	size_t before = buffer_len(out);
	int rc;

	switch (q->verb) {
	case KV_DEL:
		rc = put_strings(out, q, "DEL", name);
		break;
	case KV_EXISTS:
		rc = put_strings(out, q, "EXISTS", name);
		break;
	case KV_CALL:
		rc = put_strings(out, q, NULL, name);
		break;
	default:
		rc = put_simple(out, q) ? 0 : -ENOMEM;
	}
	if (rc)
		buffer_cut(out, before);
	return rc;
}
