/* SPDX-License-Identifier: BSD-3-Clause */
#include "command.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "die.h"

void command_add(struct command *c, const void *word, size_t len)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 8;
		c->word = realloc(c->word, c->cap * sizeof *c->word);
		c->len = realloc(c->len, c->cap * sizeof *c->len);
	}
	c->word[c->n] = malloc(len + 1);
	if (!c->word[c->n])
		die(DIE_TROUBLE, "no memory");
	memcpy(c->word[c->n], word, len);
	c->word[c->n][len] = 0;
	c->len[c->n++] = len;
}

void command_text(struct command *c, const char *text)
{
	command_add(c, text, strlen(text));
}

void command_number(struct command *c, long long v)
{
	char text[24];

	command_add(c, text, (size_t)sprintf(text, "%lld", v));
}

void command_set(struct command *c, size_t i, const char *text)
{
	free(c->word[i]);
	c->word[i] = strdup(text);
	c->len[i] = strlen(text);
}

void command_drop(struct command *c, size_t i)
{
	free(c->word[i]);
	c->n--;
	memmove(c->word + i, c->word + i + 1, (c->n - i) * sizeof *c->word);
	memmove(c->len + i, c->len + i + 1, (c->n - i) * sizeof *c->len);
}

void command_free(struct command *c)
{
	while (c->n)
		free(c->word[--c->n]);
	free(c->word);
	free(c->len);
	memset(c, 0, sizeof *c);
}

bool command_is(const struct command *c, const char *name)
{
	return c->n && c->len[0] == strlen(name) && strcasecmp(c->word[0], name) == 0;
}

bool command_has(const struct command *c, const char *word)
{
	size_t i;

	for (i = 1; i < c->n; i++)
		if (strcasecmp(c->word[i], word) == 0)
			return true;
	return false;
}

static void put(const void *p, size_t n, char **buf, size_t *len, size_t *cap)
{
	if (*len + n > *cap) {
		*cap = 2 * *cap + n + 4096;
		*buf = realloc(*buf, *cap);
		if (!*buf)
			die(DIE_TROUBLE, "no memory");
	}
	memcpy(*buf + *len, p, n);
	*len += n;
}

void command_resp(const struct command *c, char **buf, size_t *len, size_t *cap)
{
	char head[32];
	size_t i;

	put(head, (size_t)sprintf(head, "*%zu\r\n", c->n), buf, len, cap);
	for (i = 0; i < c->n; i++) {
		put(head, (size_t)sprintf(head, "$%zu\r\n", c->len[i]), buf, len, cap);
		put(c->word[i], c->len[i], buf, len, cap);
		put("\r\n", 2, buf, len, cap);
	}
}

void bytes_print(FILE *f, const char *p, size_t len, size_t most)
{
	size_t i;

	fputc('"', f);
	for (i = 0; i < len && i < most; i++) {
		unsigned char b = (unsigned char)p[i];

		if (b == '"' || b == '\\')
			fprintf(f, "\\%c", b);
		else if (isprint(b))
			fputc(b, f);
		else
			fprintf(f, "\\x%02x", b);
	}
	fputc('"', f);
	if (len > most)
		fprintf(f, "... (%zu bytes)", len);
}

static bool is_plain(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)p[i]) && !strchr("_-.:*|@+", p[i]))
			return false;
	return len > 0;
}

void command_print(FILE *f, const struct command *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (i)
			fputc(' ', f);
		if (is_plain(c->word[i], c->len[i]))
			fputs(c->word[i], f);
		else
			bytes_print(f, c->word[i], c->len[i], 100000);
	}
}
