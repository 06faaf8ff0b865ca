/* SPDX-License-Identifier: BSD-3-Clause */
#include "print.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* As a backslash and a letter, if it is one of `plain`. */
static bool put_escape(FILE *f, unsigned char c, const char *plain, const char *letters)
{
	const char *at = c ? strchr(plain, c) : NULL;

	if (at)
		fprintf(f, "\\%c", letters[at - plain]);
	return at;
}

static void print_quoted(FILE *f, const char *s, size_t len)
{
	size_t i;

	fputc('"', f);
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (put_escape(f, c, "\n\r\t\a\b\"\\", "nrtab\"\\"))
			continue;
		if (isprint(c))
			fputc(c, f);
		else
			fprintf(f, "\\x%02x", c);
	}
	fputc('"', f);
}

static bool is_many(const struct cxlring_reply *r)
{
	return r->type == CXLRING_ARRAY || r->type == CXLRING_MAP || r->type == CXLRING_SET ||
		   r->type == CXLRING_PUSH || r->type == CXLRING_ATTR;
}

/* Does the value of a map start on a line of its own? */
static bool is_tall(const struct cxlring_reply *r)
{
	size_t one = r->type == CXLRING_MAP ? 2 : 1;

	while (is_many(r) && r->elements == one) {
		r = r->element[one - 1];
		one = r->type == CXLRING_MAP ? 2 : 1;
	}
	return is_many(r) && r->elements > one;
}

static void print_at(FILE *f, const struct cxlring_reply *r, int indent);

static int digits(size_t n)
{
	int d = 1;

	while (n /= 10)
		d++;
	return d;
}

static void print_many(FILE *f, const struct cxlring_reply *r, int indent)
{
	bool map = r->type == CXLRING_MAP;
	char sep = map ? '#' : r->type == CXLRING_SET ? '~' : ')';
	int width = digits(map ? r->elements / 2 : r->elements);
	int inner = indent + width + 2;
	size_t i, step = map ? 2 : 1;

	if (r->elements == 0) {
		fputs(map                          ? "(empty hash)\n"
				: r->type == CXLRING_SET   ? "(empty set)\n"
				: r->type == CXLRING_PUSH  ? "(empty push)\n"
				: r->type == CXLRING_ARRAY ? "(empty array)\n"
										   : "(empty aggregate type)\n",
			f);
		return;
	}
	for (i = 0; i + step <= r->elements; i += step) {
		fprintf(f, "%*s%*zu%c ", i ? indent : 0, "", width, i / step + 1, sep);
		if (!map) {
			print_at(f, r->element[i], inner);
			continue;
		}
		{
			/* The key without its line end, then the value beside or below it. */
			char *key = NULL;
			size_t len = 0;
			FILE *m = open_memstream(&key, &len);

			if (!m)
				return;
			print_at(m, r->element[i], inner);
			fclose(m);
			fwrite(key, 1, len ? len - 1 : 0, f);
			free(key);
			fputs(" => ", f);
			if (is_tall(r->element[i + 1]))
				fprintf(f, "\n%*s", inner, "");
			print_at(f, r->element[i + 1], inner);
		}
	}
}

static void print_at(FILE *f, const struct cxlring_reply *r, int indent)
{
	switch (r->type) {
	case CXLRING_ERROR:
		fprintf(f, "(error) %s\n", r->str);
		break;
	case CXLRING_INTEGER:
		fprintf(f, "(integer) %lld\n", (long long)r->integer);
		break;
	case CXLRING_DOUBLE:
		fprintf(f, "(double) %s\n", r->str);
		break;
	case CXLRING_STRING:
		print_quoted(f, r->str, r->len);
		fputc('\n', f);
		break;
	case CXLRING_NIL:
		fputs("(nil)\n", f);
		break;
	case CXLRING_BOOL:
		fputs(r->integer ? "(true)\n" : "(false)\n", f);
		break;
	case CXLRING_STATUS:
	case CXLRING_VERB:
	case CXLRING_BIGNUM:
		fwrite(r->str, 1, r->len, f);
		fputc('\n', f);
		break;
	default:
		print_many(f, r, indent);
	}
}

void print_tty(FILE *f, const struct cxlring_reply *r)
{
	print_at(f, r, 0);
}

static void raw(FILE *f, const struct cxlring_reply *r)
{
	size_t i;

	switch (r->type) {
	case CXLRING_NIL:
		break;
	case CXLRING_ERROR:
		fwrite(r->str, 1, r->len, f);
		fputc('\n', f);
		break;
	case CXLRING_BOOL:
		fputs(r->integer ? "(true)" : "(false)", f);
		break;
	case CXLRING_INTEGER:
		fprintf(f, "%lld", (long long)r->integer);
		break;
	default:
		if (!is_many(r)) {
			fwrite(r->str, 1, r->len, f);
			break;
		}
		for (i = 0; i < r->elements; i++) {
			if (i)
				fputc(r->type == CXLRING_MAP && i % 2 ? ' ' : '\n', f);
			raw(f, r->element[i]);
		}
	}
}

void print_raw(FILE *f, const struct cxlring_reply *r)
{
	raw(f, r);
	fputc('\n', f);
}

static void json_string(FILE *f, const char *s, size_t len)
{
	size_t i;

	fputc('"', f);
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (put_escape(f, c, "\"\\\n\f\r\t\b", "\"\\nfrtb"))
			continue;
		if (c < 0x20)
			fprintf(f, "\\u%04x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

static void json(FILE *f, const struct cxlring_reply *r);

/* JSON has no keys but strings. */
static void json_key(FILE *f, const struct cxlring_reply *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *m;

	if (r->type == CXLRING_STRING || r->type == CXLRING_STATUS || r->type == CXLRING_VERB) {
		json(f, r);
		return;
	}
	m = open_memstream(&text, &len);
	if (!m)
		return;
	json(m, r);
	fclose(m);
	json_string(f, text, len);
	free(text);
}

static void json_many(FILE *f, const struct cxlring_reply *r)
{
	bool map = r->type == CXLRING_MAP;
	size_t i;

	fputc(map ? '{' : '[', f);
	for (i = 0; i < r->elements; i++) {
		if (i)
			fputc(map && i % 2 ? ':' : ',', f);
		if (map && i % 2 == 0)
			json_key(f, r->element[i]);
		else
			json(f, r->element[i]);
	}
	fputc(map ? '}' : ']', f);
}

static void json(FILE *f, const struct cxlring_reply *r)
{
	switch (r->type) {
	case CXLRING_ERROR:
		fputs("error:", f);
		/* fall through */
	case CXLRING_STRING:
	case CXLRING_STATUS:
	case CXLRING_VERB:
		json_string(f, r->str, r->len);
		break;
	case CXLRING_NIL:
		fputs("null", f);
		break;
	case CXLRING_BOOL:
		fputs(r->integer ? "true" : "false", f);
		break;
	case CXLRING_INTEGER:
		fprintf(f, "%lld", (long long)r->integer);
		break;
	case CXLRING_DOUBLE:
	case CXLRING_BIGNUM:
		fwrite(r->str, 1, r->len, f);
		break;
	default:
		json_many(f, r);
	}
}

void print_json(FILE *f, const struct cxlring_reply *r)
{
	json(f, r);
	fputc('\n', f);
}

/* ---- splitting ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
		   : c >= 'a' && c <= 'f' ? c - 'a' + 10
		   : c >= 'A' && c <= 'F' ? c - 'A' + 10
								  : -1;
}

/* One escape of a "..." string, at the backslash; the byte into *out. */
static const char *unescape(const char *p, char *out)
{
	static const char letters[] = "nrtba", plain[] = "\n\r\t\b\a";
	const char *at;

	if (p[1] == 'x' && hex(p[2]) >= 0 && hex(p[3]) >= 0) {
		*out = (char)(hex(p[2]) << 4 | hex(p[3]));
		return p + 4;
	}
	at = strchr(letters, p[1]);
	*out = at ? plain[at - letters] : p[1];
	return p + 2;
}

/* One word from p into *out; NULL when a quote is wrong. */
static const char *take_word(const char *p, char **out)
{
	char *to = *out;
	char quote = 0;

	for (;;) {
		if (quote) {
			if (!*p)
				return NULL;
			if (*p == quote) {
				if (p[1] && !isspace((unsigned char)p[1]))
					return NULL;
				p++;
				break;
			}
			if (quote == '"' && *p == '\\' && p[1]) {
				p = unescape(p, to++);
				continue;
			}
			if (quote == '\'' && *p == '\\' && p[1] == '\'')
				p++;
		} else if (!*p || isspace((unsigned char)*p)) {
			break;
		} else if (*p == '"' || *p == '\'') {
			quote = *p++;
			continue;
		}
		*to++ = *p++;
	}
	*out = to;
	return p;
}

char **split_line(const char *line, size_t *n, size_t **lens)
{
	size_t max = strlen(line) / 2 + 2;
	char **words = calloc(max, sizeof *words);
	size_t *len = calloc(max, sizeof *len);
	char *bytes = malloc(2 * strlen(line) + 2), *to = bytes;
	const char *p = line;

	*n = 0;
	while (words && len && bytes) {
		while (isspace((unsigned char)*p))
			p++;
		if (!*p) {
			words[*n] = *n ? NULL : bytes; /* so that split_free finds the bytes */
			*lens = len;
			return words;
		}
		words[*n] = to;
		p = take_word(p, &to);
		if (!p)
			break;
		len[*n] = (size_t)(to - words[*n]);
		*to++ = 0;
		++*n;
	}
	free(words);
	free(len);
	free(bytes);
	return NULL;
}

void split_free(char **words, size_t *lens)
{
	if (words)
		free(words[0]);
	free(words);
	free(lens);
}
