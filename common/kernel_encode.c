/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_encode.c - encode and decode, and digests of texts and bytes.
 */
#include "kernel_span.h"

#include <string.h>
#include <strings.h>

#include <mbedtls/md.h>

enum { BASE64_LINE = 76 };

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- digests ---- */

/* As bytes, or as text in hex. */
static void digest(KERNEL_ARGS, mbedtls_md_type_t which)
{
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(which);
	uint32_t size = mbedtls_md_get_size(md), i, k;
	bool hex = out->type == T_TEXT;

	EACH_ROW(out, n, i)
	{
		struct span s = in->s[ROW(in, i)];
		uint8_t sum[MBEDTLS_MD_MAX_SIZE], *to = eval_alloc(ev, 2 * size);

		if (!to)
			return;
		mbedtls_md(md, s.p, s.len, sum);
		out->s[i] = (struct span){to, hex ? 2 * size : size};
		if (!hex)
			memcpy(to, sum, size);
		for (k = 0; hex && k < size; k++) {
			to[2 * k] = (uint8_t)hex_digits[sum[k] >> 4];
			to[2 * k + 1] = (uint8_t)hex_digits[sum[k] & 15];
		}
	}
}

#define DIGEST(name, which)                                                            \
	KERNEL(name)                                                                       \
	{                                                                                  \
		digest(ev, op, out, in, n, which);                                             \
	}
DIGEST(md5, MBEDTLS_MD_MD5)
DIGEST(sha224, MBEDTLS_MD_SHA224)
DIGEST(sha256, MBEDTLS_MD_SHA256)
DIGEST(sha384, MBEDTLS_MD_SHA384)
DIGEST(sha512, MBEDTLS_MD_SHA512)

/* ---- to text ---- */

static uint8_t *hex_write(uint8_t *to, struct span s)
{
	uint32_t k;

	for (k = 0; k < s.len; k++) {
		*to++ = (uint8_t)hex_digits[s.p[k] >> 4];
		*to++ = (uint8_t)hex_digits[s.p[k] & 15];
	}
	return to;
}

static uint8_t *base64_write(uint8_t *to, struct span s)
{
	uint8_t *line = to;
	uint32_t k;

	for (k = 0; k < s.len; k += 3) {
		uint32_t left = s.len - k, v = (uint32_t)s.p[k] << 16;

		v |= left > 1 ? (uint32_t)s.p[k + 1] << 8 : 0;
		v |= left > 2 ? s.p[k + 2] : 0;
		*to++ = (uint8_t)base64_digits[v >> 18];
		*to++ = (uint8_t)base64_digits[v >> 12 & 63];
		*to++ = left > 1 ? (uint8_t)base64_digits[v >> 6 & 63] : '=';
		*to++ = left > 2 ? (uint8_t)base64_digits[v & 63] : '=';
		if (to - line >= BASE64_LINE && left > 2) {
			*to++ = '\n';
			line = to;
		}
	}
	return to;
}

static uint8_t *escape_write(uint8_t *to, struct span s)
{
	uint32_t k;

	for (k = 0; k < s.len; k++) {
		uint8_t c = s.p[k];

		if (c == 0 || c > 127) {
			*to++ = '\\';
			*to++ = (uint8_t)('0' + (c >> 6));
			*to++ = (uint8_t)('0' + (c >> 3 & 7));
			*to++ = (uint8_t)('0' + (c & 7));
			continue;
		}
		*to++ = c;
		if (c == '\\')
			*to++ = c;
	}
	return to;
}

/* ---- from text; a state if it is not in that form ---- */

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static int hex_value(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0'
		: (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static uint8_t hex_read(uint8_t **to, struct span s)
{
	uint32_t k = 0;

	while (k < s.len) {
		int high, low;

		if (is_space(s.p[k])) {
			k++;
			continue;
		}
		high = hex_value(s.p[k++]);
		low = k < s.len ? hex_value(s.p[k++]) : -1;
		if (high < 0 || low < 0)
			return ROW_DECODE;
		*(*to)++ = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static uint8_t base64_read(uint8_t **to, struct span s)
{
	uint32_t v = 0, k;
	int pos = 0, end = 0; /* where in its four digits the first = was */

	for (k = 0; k < s.len; k++) {
		const char *at = s.p[k] ? strchr(base64_digits, s.p[k]) : NULL;

		if (is_space(s.p[k]))
			continue;
		if (!at && s.p[k] != '=')
			return ROW_DECODE;
		if (!at && !end) {
			if (pos < 2)
				return ROW_DECODE;
			end = pos - 1;
		}
		v = v << 6 | (at ? (uint32_t)(at - base64_digits) : 0);
		if (++pos < 4)
			continue;
		*(*to)++ = (uint8_t)(v >> 16);
		if (end != 1)
			*(*to)++ = (uint8_t)(v >> 8);
		if (end == 0)
			*(*to)++ = (uint8_t)v;
		v = 0;
		pos = 0;
	}
	return pos ? ROW_DECODE : 0;
}

static bool is_octal(const uint8_t *p)
{
	return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' && p[2] <= '7';
}

static uint8_t escape_read(uint8_t **to, struct span s)
{
	uint32_t k = 0;

	while (k < s.len) {
		const uint8_t *p = s.p + k;
		uint32_t left = s.len - k;

		if (*p != '\\') {
			*(*to)++ = *p;
			k++;
		} else if (left > 3 && is_octal(p + 1)) {
			*(*to)++ = (uint8_t)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			k += 4;
		} else if (left > 1 && p[1] == '\\') {
			*(*to)++ = '\\';
			k += 2;
		} else {
			return ROW_ESCAPE_SYNTAX;
		}
	}
	return 0;
}

/* ---- by name ---- */

static const struct form {
	const char *name;
	uint32_t times, per; /* at most times / per bytes of text for a byte */
	uint8_t *(*write)(uint8_t *to, struct span s);
	uint8_t (*read)(uint8_t **to, struct span s);
} forms[] = {
	{"hex", 2, 1, hex_write, hex_read},
	{"base64", 77, 57, base64_write, base64_read},
	{"escape", 4, 1, escape_write, escape_read},
};

/* Names are in any case. */
static const struct form *form_of(struct span name)
{
	size_t i;

	for (i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (name.len == strlen(forms[i].name) &&
			strncasecmp((const char *)name.p, forms[i].name, name.len) == 0)
			return &forms[i];
	return NULL;
}

KERNEL(bytes_encode)
{
	enum { ODD_END = 8 };
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span s = in[0].s[ROW(&in[0], i)];
		const struct form *f = form_of(in[1].s[ROW(&in[1], i)]);
		uint64_t room = f ? (uint64_t)s.len * f->times / f->per + ODD_END : 0;
		uint8_t *to;

		if (!f || room > VARLENA_MAX) {
			row_fail(out, i, f ? ROW_TEXT_LONG : ROW_ENCODING);
			continue;
		}
		to = eval_alloc(ev, room);
		if (!to)
			return;
		out->s[i] = (struct span){to, (uint32_t)(f->write(to, s) - to)};
	}
}

/* What is read is no longer than its text. */
KERNEL(text_decode)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span s = in[0].s[ROW(&in[0], i)];
		const struct form *f = form_of(in[1].s[ROW(&in[1], i)]);
		uint8_t *to = f ? eval_alloc(ev, (size_t)s.len + 1) : NULL, *end = to, fail;

		fail = f ? 0 : ROW_ENCODING;
		if (f && !to)
			return;
		if (f)
			fail = f->read(&end, s);
		if (fail)
			row_fail(out, i, fail);
		else
			out->s[i] = (struct span){to, (uint32_t)(end - to)};
	}
}
