/* SPDX-License-Identifier: BSD-3-Clause */
#include "plaintext.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numeric.h"
#include "optable.h"
#include "plaintext_time.h"

/* How one of PostgreSQL's types is read and printed. Bytes are those of the encrypted
 * type: numbers of a fixed size are little-endian there, and big-endian in COPY BINARY. */
struct plaintext {
	const char *name;  /* pg_type.typname */
	const char *title; /* in PostgreSQL's messages */
	int (*parse)(const struct plaintext *t, const char *s, size_t len, uint8_t *out,
		size_t *n, struct err_text *e);
	int64_t (*print)(const uint8_t *p, size_t len, char *out, size_t room);
	uint8_t bytes;
	uint8_t parts[4]; /* bytes of each number in it: their order differs */
};

static int bad_syntax(
	const struct plaintext *t, const char *s, size_t len, struct err_text *e)
{
	err_set(e, "invalid input syntax for type %s: \"%.*s\"", t->title,
		(int)(len < 80 ? len : 80), s);
	return -EINVAL;
}

static int out_of_range(
	const struct plaintext *t, const char *s, size_t len, struct err_text *e)
{
	err_set(e, "value \"%.*s\" is out of range for type %s", (int)(len < 80 ? len : 80), s,
		t->title);
	return -EINVAL;
}

/* Spaces around a value, which most of PostgreSQL's input functions allow. */
static void trim(const char **s, size_t *len)
{
	while (*len && isspace((uint8_t)**s)) {
		(*s)++;
		(*len)--;
	}
	while (*len && isspace((uint8_t)(*s)[*len - 1]))
		(*len)--;
}

static bool same_word(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(s, word, len) == 0;
}

/* ---- integers ---- */

static int parse_int(const struct plaintext *t, const char *s, size_t len, uint8_t *out,
	size_t *n, struct err_text *e)
{
	uint64_t most = (UINT64_C(1) << (8 * t->bytes - 1)) - 1, v = 0;
	const char *all = s;
	size_t all_len = len, i;
	bool minus;

	trim(&s, &len);
	minus = len && *s == '-';
	if (len && (*s == '-' || *s == '+')) {
		s++;
		len--;
	}
	if (!len)
		return bad_syntax(t, all, all_len, e);
	for (i = 0; i < len; i++)
		if ((uint8_t)(s[i] - '0') > 9)
			return bad_syntax(t, all, all_len, e);
	for (i = 0; i < len; i++) {
		uint64_t d = (uint64_t)(s[i] - '0');

		if (v > (most + minus - d) / 10)
			return out_of_range(t, all, all_len, e);
		v = 10 * v + d;
	}
	v = minus ? 0 - v : v;
	memcpy(out, &v, t->bytes);
	*n = t->bytes;
	return 0;
}

static int64_t print_int(const uint8_t *p, size_t len, char *out, size_t room)
{
	int64_t v = 0;

	memcpy(&v, p, len);
	v = (int64_t)((uint64_t)v << (64 - 8 * len)) >> (64 - 8 * len);
	return snprintf(out, room, "%lld", (long long)v);
}

/* ---- floating point ---- */

/* strtod() also reads hexadecimal and "nan(...)"; PostgreSQL does not. */
static bool looks_like_float(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!memchr("0123456789+-.eE", s[i], 15))
			return false;
	return true;
}

static int parse_float(const struct plaintext *t, const char *s, size_t len, uint8_t *out,
	size_t *n, struct err_text *e)
{
	const char *all = s;
	size_t all_len = len, sign;
	char text[128], *end;
	double v;
	float f;

	trim(&s, &len);
	sign = len && (*s == '-' || *s == '+');
	if (!len || len >= sizeof text)
		return bad_syntax(t, all, all_len, e);
	memcpy(text, s, len);
	text[len] = 0;
	errno = 0;
	f = strtof(text, &end);
	v = t->bytes == 4 ? f : (errno = 0, strtod(text, &end));
	if (end != text + len || !(looks_like_float(s, len) || same_word(s, len, "nan") ||
		same_word(s + sign, len - sign, "inf") || same_word(s + sign, len - sign, "infinity")))
		return bad_syntax(t, all, all_len, e);
	if (errno == ERANGE && (v == 0 || isinf(v))) {
		err_set(e, "\"%s\" is out of range for type %s", text, t->title);
		return -EINVAL;
	}
	memcpy(out, t->bytes == 4 ? (void *)&f : (void *)&v, t->bytes);
	*n = t->bytes;
	return 0;
}

/* As short as reads back to the same number; PostgreSQL writes such ones, too. */
static int64_t print_float(const uint8_t *p, size_t len, char *out, size_t room)
{
	char text[64];
	double v;
	float f = 0;
	int digits = len == 4 ? 6 : 15, n;

	if (len == 4)
		memcpy(&f, p, 4);
	else
		memcpy(&v, p, 8);
	v = len == 4 ? f : v;
	if (isnan(v) || isinf(v))
		return snprintf(out, room, "%s", isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity");
	do
		n = snprintf(text, sizeof text, "%.*g", digits++, v);
	while ((len == 4 ? strtof(text, NULL) != f : strtod(text, NULL) != v) && digits < 18);
	if ((size_t)n < room)
		memcpy(out, text, (size_t)n + 1);
	return n;
}

/* ---- numeric ---- */

static int parse_numeric(const struct plaintext *t, const char *s, size_t len, uint8_t *out,
	size_t *n, struct err_text *e)
{
	int rc = numeric_read(out, n, s, len);

	if (rc == -EINVAL)
		return bad_syntax(t, s, len, e);
	if (rc)
		err_set(e, "value overflows numeric format");
	return rc ? -EINVAL : 0;
}

/* What a plain column takes. The form of an encrypted one is read to the end of
 * plaintext_room(), which leaves enough before it. */
static int parse_plain_numeric(const struct plaintext *t, const char *s, size_t len,
	uint8_t *out, size_t *n, struct err_text *e)
{
	uint8_t *packed = out + plaintext_room(len) - numeric_read_max(len);
	size_t npacked;
	int rc = parse_numeric(t, s, len, packed, &npacked, e);

	return rc ? rc : numeric_unpack(out, n, packed, npacked);
}

static int64_t print_numeric(const uint8_t *p, size_t len, char *out, size_t room)
{
	struct numeric x;

	if (numeric_open(&x, p, len))
		return -EPROTO;
	if (numeric_text_max(&x) > room)
		return (int64_t)numeric_text_max(&x);
	return (int64_t)numeric_text(out, &x);
}

/* ---- bool, uuid, bytea ---- */

static int parse_bool(const struct plaintext *t, const char *s, size_t len, uint8_t *out,
	size_t *n, struct err_text *e)
{
	static const char *const word[2][5] = {
		{"false", "no", "off", "0"}, {"true", "yes", "on", "1"}};
	const char *all = s;
	size_t all_len = len;
	int v, k;

	trim(&s, &len);
	for (v = 0; v < 2; v++)
		for (k = 0; k < 4; k++) /* any beginning that is not the other one's as well */
			if (len && len <= strlen(word[v][k]) && strncasecmp(s, word[v][k], len) == 0 &&
				!(len == 1 && (*s | 32) == 'o')) {
				*out = (uint8_t)v;
				*n = 1;
				return 0;
			}
	return bad_syntax(t, all, all_len, e);
}

static int64_t print_bool(const uint8_t *p, size_t len, char *out, size_t room)
{
	return snprintf(out, room, "%c", *p & 1 ? 't' : 'f');
}

static int hex(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* 32 digits; braces around them, a hyphen behind every fourth one. */
static int parse_uuid(const struct plaintext *t, const char *s, size_t len, uint8_t *out,
	size_t *n, struct err_text *e)
{
	const char *p = s, *end = s + len;
	bool braces = len && *s == '{';
	int i;

	if (braces) {
		p++;
		end -= end[-1] == '}' ? 1 : (long)len;
	}
	for (i = 0; i < 16; i++, p += 2) {
		if (i && i % 2 == 0 && p < end && *p == '-')
			p++;
		if (p + 2 > end || hex((uint8_t)p[0]) < 0 || hex((uint8_t)p[1]) < 0)
			return bad_syntax(t, s, len, e);
		out[i] = (uint8_t)(hex((uint8_t)p[0]) << 4 | hex((uint8_t)p[1]));
	}
	*n = 16;
	return p == end ? 0 : bad_syntax(t, s, len, e);
}

static int64_t print_uuid(const uint8_t *p, size_t len, char *out, size_t room)
{
	char *at = out;
	int i;

	if (room < 37)
		return 37;
	for (i = 0; i < 16; i++)
		at += sprintf(at, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", p[i]);
	return 36;
}

static int parse_hex(const char *s, size_t len, uint8_t *out, size_t *n, struct err_text *e)
{
	int high = -1, v;

	for (*n = 0; len; s++, len--) {
		if (high < 0 && isspace((uint8_t)*s))
			continue;
		v = hex((uint8_t)*s);
		if (v < 0) {
			err_set(e, "invalid hexadecimal digit: \"%c\"", isprint((uint8_t)*s) ? *s : '?');
			return -EINVAL;
		}
		if (high >= 0)
			out[(*n)++] = (uint8_t)(high << 4 | v);
		high = high >= 0 ? -1 : v;
	}
	if (high < 0)
		return 0;
	err_set(e, "invalid hexadecimal data: odd number of digits");
	return -EINVAL;
}

static bool is_octal(const char *s, size_t len)
{
	return len >= 3 && s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' &&
		s[2] >= '0' && s[2] <= '7';
}

static int parse_bytea(const struct plaintext *t, const char *s, size_t len, uint8_t *out,
	size_t *n, struct err_text *e)
{
	size_t i;

	if (len >= 2 && s[0] == '\\' && s[1] == 'x')
		return parse_hex(s + 2, len - 2, out, n, e);
	for (*n = 0, i = 0; i < len; i++) {
		if (s[i] != '\\') {
			out[(*n)++] = (uint8_t)s[i];
		} else if (is_octal(s + i + 1, len - i - 1)) {
			out[(*n)++] =
				(uint8_t)((s[i + 1] - '0') << 6 | (s[i + 2] - '0') << 3 | (s[i + 3] - '0'));
			i += 3;
		} else if (i + 1 < len && s[i + 1] == '\\') {
			out[(*n)++] = (uint8_t)s[++i];
		} else {
			return bad_syntax(t, s, len, e);
		}
	}
	return 0;
}

static int64_t print_bytea(const uint8_t *p, size_t len, char *out, size_t room)
{
	size_t i;

	if (room < 2 * len + 3)
		return (int64_t)(2 * len + 3);
	out += sprintf(out, "\\x");
	for (i = 0; i < len; i++)
		out += sprintf(out, "%02x", p[i]);
	return (int64_t)(2 * len + 2);
}

/* ---- text ---- */

static uint64_t load64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* Bytes of the UTF-8 character at s, or 0: none. RFC 3629, table 3-7 of Unicode. */
static size_t utf8_char(const uint8_t *s, size_t left)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	uint8_t low = 0x80, high = 0xbf;
	size_t i;

	if (n > left || s[0] == 0)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	for (i = 1; i < n; i++) {
		if (s[i] < low || s[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

/* Eight at a time while they are ASCII and none is zero. */
static bool eight_ascii(uint64_t v)
{
	return ((v | (v - 0x0101010101010101u)) & 0x8080808080808080u) == 0;
}

static int parse_text(const struct plaintext *t, const char *s, size_t len, uint8_t *out,
	size_t *n, struct err_text *e)
{
	size_t i = 0, step;

	while (i < len) {
		if (len - i >= 8 && eight_ascii(load64(s + i))) {
			i += 8;
			continue;
		}
		step = utf8_char((const uint8_t *)s + i, len - i);
		if (!step) {
			err_set(e, "invalid byte sequence for encoding \"UTF8\": 0x%02x", (uint8_t)s[i]);
			return -EINVAL;
		}
		i += step;
	}
	memcpy(out, s, len);
	*n = len;
	return 0;
}

static int64_t print_text(const uint8_t *p, size_t len, char *out, size_t room)
{
	if (len < room)
		memcpy(out, p, len);
	return (int64_t)len;
}

/* ---- dates and times: plaintext_time.c ---- */

static int parse_date(const struct plaintext *t, const char *s, size_t len, uint8_t *out,
	size_t *n, struct err_text *e)
{
	int32_t days;
	int rc = plaintext_date(s, len, &days);

	if (rc)
		return rc == -ERANGE ? plaintext_time_range(s, len, e) : bad_syntax(t, s, len, e);
	memcpy(out, &days, sizeof days);
	*n = sizeof days;
	return 0;
}

static int parse_time(const struct plaintext *t, const char *s, size_t len, uint8_t *out,
	size_t *n, struct err_text *e)
{
	int64_t us;
	int rc = plaintext_timestamp(s, len, strcmp(t->name, "timestamptz") == 0, &us);

	if (rc)
		return rc == -ERANGE ? plaintext_time_range(s, len, e) : bad_syntax(t, s, len, e);
	memcpy(out, &us, sizeof us);
	*n = sizeof us;
	return 0;
}

static int parse_interval(const struct plaintext *t, const char *s, size_t len, uint8_t *out,
	size_t *n, struct err_text *e)
{
	struct interval v;
	int rc = plaintext_interval(s, len, &v);

	if (rc == -ERANGE)
		err_set(e, "interval field value out of range: \"%.*s\"", (int)(len < 80 ? len : 80), s);
	else if (rc)
		return bad_syntax(t, s, len, e);
	memcpy(out, &v, sizeof v);
	*n = sizeof v;
	return rc ? -EINVAL : 0;
}

/* ---- all of them ---- */

static const struct plaintext types[] = {
	{"int2", "smallint", parse_int, print_int, 2, {2}},
	{"int4", "integer", parse_int, print_int, 4, {4}},
	{"int8", "bigint", parse_int, print_int, 8, {8}},
	{"float4", "real", parse_float, print_float, 4, {4}},
	{"float8", "double precision", parse_float, print_float, 8, {8}},
	{"numeric", "numeric", parse_numeric, print_numeric, 0, {0}},
	{"bool", "boolean", parse_bool, print_bool, 1, {0}},
	{"uuid", "uuid", parse_uuid, print_uuid, 16, {0}},
	{"bytea", "bytea", parse_bytea, print_bytea, 0, {0}},
	{"date", "date", parse_date, plaintext_print_date, 4, {4}},
	{"timestamp", "timestamp", parse_time, plaintext_print_timestamp, 8, {8}},
	{"timestamptz", "timestamp with time zone", parse_time, plaintext_print_timestamptz, 8,
		{8}},
	{"interval", "interval", parse_interval, plaintext_print_interval, 16, {8, 4, 4}},
	{"text", "text", parse_text, print_text, 0, {0}},
	{"varchar", "text", parse_text, print_text, 0, {0}},
	{"bpchar", "text", parse_text, print_text, 0, {0}},
	{"name", "text", parse_text, print_text, 0, {0}},
	{"json", "json", parse_text, print_text, 0, {0}},
	{"xml", "xml", parse_text, print_text, 0, {0}},
};

static const struct plaintext *by_name(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

bool plaintext_of(struct plaintext_type *t, uint8_t code)
{
	const char *plain = optable_is_secret(code) ? optable_type(code).plain : NULL;

	*t = (struct plaintext_type){plain ? by_name(plain) : NULL, code};
	return t->how && t->how->bytes == optable_size(code);
}

bool plaintext_find(struct plaintext_type *t, const char *name)
{
	uint8_t code;

	for (code = 1; code < T_FIRST_PUBLIC; code++)
		if (optable_type(code).name && strcmp(optable_type(code).name, name) == 0)
			return plaintext_of(t, code);
	*t = (struct plaintext_type){by_name(name), 0};
	return t->how != NULL;
}

uint32_t plaintext_bytes(const struct plaintext_type *t)
{
	return t->how->bytes;
}

static void reverse(uint8_t *p, int n)
{
	uint8_t *q = p + n - 1, b;

	for (; p < q; p++, q--) {
		b = *p;
		*p = *q;
		*q = b;
	}
}

int plaintext_parse(const struct plaintext_type *t, const char *text, size_t len,
	uint8_t *out, size_t *out_len, struct err_text *e)
{
	const uint8_t *part = t->how->parts;
	int rc;

	if (t->how->parse == parse_numeric && !t->secret)
		return parse_plain_numeric(t->how, text, len, out, out_len, e);
	rc = t->how->parse(t->how, text, len, out, out_len, e);
	if (!rc && !t->secret)
		for (; *part; out += *part++)
			reverse(out, *part);
	return rc;
}

int64_t plaintext_print(uint8_t code, const uint8_t *p, size_t len, char *out, size_t room)
{
	struct plaintext_type t;
	int64_t n;

	if (!plaintext_of(&t, code) || (t.how->bytes && t.how->bytes != len))
		return -EPROTO;
	n = t.how->print(p, len, out, room);
	return n < (int64_t)room ? n : n + 1;
}
