/* SPDX-License-Identifier: BSD-3-Clause */
#include "plain.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numeric.h"
#include "optable.h"

uint8_t plain_type(const char *name)
{
	uint8_t t;

	for (t = 1; t < T_FIRST_PUBLIC; t++) {
		struct op_type_info info = optable_type(t);

		if (info.name && (strcmp(name, info.name) == 0 || strcmp(name, info.plain) == 0))
			return t;
	}
	return 0;
}

size_t plain_room(size_t text_len)
{
	return NUMERIC_HEAD_BYTES + 2 * text_len + 16;
}

/* ---- integers ---- */

static int parse_int(uint8_t type, const char *text, uint8_t *out, size_t *out_len,
	struct err_text *e)
{
	long long least = type == T_INT4 ? INT32_MIN : INT64_MIN;
	long long most = type == T_INT4 ? INT32_MAX : INT64_MAX, v;
	char *end;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (end == text || *end || isspace((unsigned char)*text)) {
		err_set(e, "invalid input syntax for type %s: \"%.80s\"", optable_type(type).plain,
			text);
		return -EINVAL;
	}
	if (errno || v < least || v > most) {
		err_set(e, "value \"%.80s\" is out of range for type %s", text,
			optable_type(type).plain);
		return -EINVAL;
	}
	*out_len = optable_size(type);
	memcpy(out, &v, *out_len); /* little-endian */
	return 0;
}

/* ---- decimals ---- */

static int parse_numeric(const char *text, uint8_t *out, size_t *out_len, struct err_text *e)
{
	int rc = numeric_read(out, out_len, text, strlen(text));

	if (rc)
		err_set(e, rc == -EMSGSIZE ? "value overflows numeric format: \"%.80s\""
								   : "invalid input syntax for type numeric: \"%.80s\"", text);
	return rc ? -EINVAL : 0;
}

static char *print_numeric(const uint8_t *p, size_t len, size_t *text_len)
{
	struct numeric x;
	char *text;

	if (numeric_open(&x, p, len))
		return NULL;
	text = malloc(numeric_text_max(&x) + 1);
	if (!text)
		return NULL;
	*text_len = numeric_text(text, &x);
	text[*text_len] = 0;
	return text;
}

/* ---- all of them ---- */

int plain_parse(uint8_t type, const char *text, size_t len, uint8_t *out, size_t *out_len,
	struct err_text *e)
{
	if (type == T_TEXT) {
		memcpy(out, text, len);
		*out_len = len;
		return 0;
	}
	if (strlen(text) != len) {
		err_set(e, "a zero byte is in no number");
		return -EINVAL;
	}
	return type == T_NUMERIC ? parse_numeric(text, out, out_len, e)
							 : parse_int(type, text, out, out_len, e);
}

char *plain_print(uint8_t type, const uint8_t *p, size_t len, size_t *text_len)
{
	int64_t i8 = 0;
	int32_t i4 = 0;
	char *text;

	if (type == T_NUMERIC)
		return print_numeric(p, len, text_len);
	if (type != T_TEXT && len != optable_size(type))
		return NULL;
	text = malloc(len + 24);
	if (!text)
		return NULL;
	if (type == T_TEXT) {
		memcpy(text, p, len);
		text[len] = 0;
		*text_len = len;
		return text;
	}
	memcpy(type == T_INT4 ? (void *)&i4 : (void *)&i8, p, len);
	*text_len = (size_t)sprintf(text, "%lld", type == T_INT4 ? (long long)i4 : (long long)i8);
	return text;
}
