/* SPDX-License-Identifier: BSD-3-Clause */
#include "words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

enum {
	SPEC_MAX = 24,    /* "%-+ #0123.123lld" */
	NUMBER_MAX = 512, /* a double of %f, and some */
};

/* Words are collected as bytes and lengths; pointers only when no byte moves any more. */
struct builder {
	struct buffer bytes, lens; /* of size_t */
	size_t len;                /* of the word that has begun */
	bool inside;
};

static bool put(struct builder *b, const char *p, size_t n)
{
	b->inside = true;
	b->len += n;
	return buffer_add(&b->bytes, p, n);
}

static bool end_word(struct builder *b)
{
	bool ok = !b->inside || buffer_add(&b->lens, &b->len, sizeof b->len);

	b->inside = false;
	b->len = 0;
	return ok;
}

/* ---- conversions ---- */

/* How long the argument is: 'H' char, 'h' short, 0 int, 'l', 'L' long long, 'z' size_t. */
static const char *take_length(const char *p, char *length)
{
	*length = 0;
	if (*p == 'h' || *p == 'l') {
		*length = *p;
		if (p[1] == *p) {
			*length = (char)(*p == 'h' ? 'H' : 'L');
			p++;
		}
		return p + 1;
	}
	if (*p != 'z')
		return p;
	*length = 'z';
	return p + 1;
}

/* The next argument as printf's conversion has it; the bytes in `to`. -1: none of these. */
static int convert(char *to, const char *spec, char length, char how, va_list *ap)
{
	if (strchr("eEfFgGaA", how))
		return length ? -1 : snprintf(to, NUMBER_MAX, spec, va_arg(*ap, double));
	if (how == 'c')
		return length ? -1 : snprintf(to, NUMBER_MAX, spec, va_arg(*ap, int));
	if (!strchr("diouxX", how))
		return -1;
	switch (length) {
	case 'l':
		return snprintf(to, NUMBER_MAX, spec, va_arg(*ap, long));
	case 'L':
		return snprintf(to, NUMBER_MAX, spec, va_arg(*ap, long long));
	case 'z':
		return snprintf(to, NUMBER_MAX, spec, va_arg(*ap, size_t));
	default: /* shorter ones come as int */
		return snprintf(to, NUMBER_MAX, spec, va_arg(*ap, int));
	}
}

/* A number or character, from its '%' on; behind it, or NULL: -EINVAL or -ENOMEM. */
static const char *put_printf(struct builder *b, const char *p, va_list *ap, int *rc)
{
	char spec[SPEC_MAX], text[NUMBER_MAX], length;
	const char *end = p + 1;
	int n = -1;

	end += strspn(end, "-+ #0");
	end += strspn(end, "0123456789");
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	end = take_length(end, &length);
	*rc = -EINVAL;
	if (*end && (size_t)(end + 1 - p) < sizeof spec) {
		memcpy(spec, p, (size_t)(end + 1 - p));
		spec[end + 1 - p] = 0;
		n = convert(text, spec, length, *end, ap);
	}
	if (n < 0 || n >= (int)sizeof text)
		return NULL;
	*rc = put(b, text, (size_t)n) ? 0 : -ENOMEM;
	return *rc ? NULL : end + 1;
}

/* What begins with '%'; behind it, or NULL. */
static const char *put_argument(struct builder *b, const char *p, va_list *ap, int *rc)
{
	const char *s;
	size_t n;

	switch (p[1]) {
	case 's':
		s = va_arg(*ap, const char *);
		n = s ? strlen(s) : 0;
		break;
	case 'b':
		s = va_arg(*ap, const char *);
		n = va_arg(*ap, size_t);
		break;
	case '%':
		s = p;
		n = 1;
		break;
	default:
		return put_printf(b, p, ap, rc);
	}
	*rc = (s || n == 0) ? put(b, s ? s : "", n) ? 0 : -ENOMEM : -EINVAL;
	return *rc ? NULL : p + 2;
}

/* ---- all of it ---- */

static int build(struct builder *b, const char *p, va_list *ap)
{
	int rc = 0;

	while (*p && rc == 0) {
		if (*p == ' ') {
			rc = end_word(b) ? 0 : -ENOMEM;
			p++;
		} else if (*p == '%') {
			p = put_argument(b, p, ap, &rc);
			if (!p)
				return rc;
		} else {
			size_t n = strcspn(p, " %");

			rc = put(b, p, n) ? 0 : -ENOMEM;
			p += n;
		}
	}
	return rc ? rc : end_word(b) ? 0 : -ENOMEM;
}

int words_format(struct words *w, const char *fmt, va_list ap)
{
	struct builder b = {.inside = false};
	size_t i, at = 0;
	va_list args;
	int rc;

	*w = (struct words){.n = 0};
	va_copy(args, ap);
	rc = build(&b, fmt, &args);
	va_end(args);
	w->n = buffer_len(&b.lens) / sizeof *w->lens;
	w->bytes = b.bytes.p;
	w->lens = (size_t *)(void *)b.lens.p;
	if (rc == 0 && w->n == 0)
		rc = -EINVAL;
	if (rc == 0) {
		w->v = malloc(w->n * sizeof *w->v);
		rc = w->v ? 0 : -ENOMEM;
	}
	if (rc) {
		words_free(w);
		return rc;
	}
	for (i = 0; i < w->n; i++) {
		w->v[i] = w->bytes + at;
		at += w->lens[i];
	}
	return 0;
}

void words_free(struct words *w)
{
	free(w->v);
	free(w->lens);
	free(w->bytes);
	*w = (struct words){.n = 0};
}
