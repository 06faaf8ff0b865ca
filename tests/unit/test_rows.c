/* SPDX-License-Identifier: BSD-3-Clause */
/* Scope: client/rows.h: COPY's text and CSV taken apart as PostgreSQL does, whatever the
 * pieces are in which the bytes come; rows that break the format, and what follows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "rows.h"

enum { FIELDS = 8 };

/* Bytes that come `piece` at a time. */
struct source {
	const char *p;
	size_t left, piece;
};

static ssize_t give(void *ctx, char *to, size_t room)
{
	struct source *s = ctx;
	size_t n = s->left < s->piece ? s->left : s->piece;

	n = n < room ? n : room;
	memcpy(to, s->p, n);
	s->p += n;
	s->left -= n;
	return (ssize_t)n;
}

/* "a|b|NULL;" for each row, "!field;" for one that breaks the format. */
static void render(struct rows *r, char *out)
{
	struct field f[FIELDS];
	struct err_text e;
	int n, i, rc;

	while ((rc = rows_next(r, f, FIELDS, &n, &e)) != -ENODATA) {
		if (rc == -EILSEQ) {
			out += sprintf(out, "!%d;", n);
			continue;
		}
		assert_int_equal(rc, 0);
		for (i = 0; i < n && i < FIELDS; i++)
			out += sprintf(out, "%s%.*s", i ? "|" : "", f[i].null ? 4 : (int)f[i].len,
				f[i].null ? "NULL" : f[i].p);
		out += sprintf(out, ";");
	}
	*out = 0;
}

static void expect(const struct rows_format *f, const char *text, const char *wanted)
{
	size_t piece, pieces[] = {1, 2, 3, 7, 1000};
	struct err_text e;
	char out[4096];

	for (piece = 0; piece < sizeof pieces / sizeof *pieces; piece++) {
		struct source s = {text, strlen(text), pieces[piece]};
		struct rows r;

		assert_int_equal(rows_init(&r, f, give, &s, &e), 0);
		render(&r, out);
		assert_string_equal(out, wanted);
		rows_fini(&r);
	}
}

static const struct rows_format text = {0}, csv = {.csv = true};

static void test_text(void **state)
{
	expect(&text, "", "");
	expect(&text, "1\t2\n3\t4\n", "1|2;3|4;");
	expect(&text, "1\t2\n3\t4", "1|2;3|4;");
	expect(&text, "\n\t\n", ";|;");
	expect(&text, "a\r\nb\tc\r\n", "a;b|c;");
	expect(&text, "\\N\tx\\N\t\\\\N\n", "NULL|xN|\\N;");
	expect(&text, "\\b\\f\\n\\r\\t\\v\\q\n", "\b\f\n\r\t\vq;");
	expect(&text, "\\101\\x42\\x4Cx\\7z\n", "ABLx\az;");
	expect(&text, "a\\\tb\tc\n", "a\tb|c;");
	expect(&text, "a\\\nb\n", "a\nb;");
	expect(&text, "a\n\\.\nb\n", "a;");
	expect(&text, "a\\", "a\\;");
	expect(&(struct rows_format){.delimiter = '|', .null = "nil"}, "a|nil|\\|\n", "a|NULL||;");
}

static void test_csv(void **state)
{
	expect(&csv, "1,2\n3,4\n", "1|2;3|4;");
	expect(&csv, "\"a,b\",\"c\"\"d\"\n", "a,b|c\"d;");
	expect(&csv, ",\"\",x\n", "NULL||x;");
	expect(&csv, "\"two\nlines\",3\n4,5\n", "two\nlines|3;4|5;");
	expect(&csv, "a\"b,c\"d,e\n", "ab,cd|e;");
	expect(&csv, "\"a\r\nb\"\r\nc\r\n", "a\r\nb;c;");
	expect(&csv, "a\n\\.\nb\n", "a;");
	expect(&csv, "\\N\n", "\\N;");
	expect(&(struct rows_format){.csv = true, .delimiter = ';', .quote = '\'', .escape = '\\'},
		"'a\\'b;c';d\n", "a'b;c|d;");
}

static void test_bad_rows(void **state)
{
	expect(&text, "a\nb\tc\rd\ne\n", "a;!1;e;");
	expect(&text, "a\r\nb\nc\r\n", "a;!0;c;");
	expect(&csv, "a\nb,c\rd\ne\n", "a;!1;e;");
	expect(&csv, "a\nb,\"c\nd", "a;!1;");
}

static void test_line_numbers(void **state)
{
	const char *input = "\"1\n2\",x\n3,y\n";
	struct source s = {input, strlen(input), 4};
	struct field f[FIELDS];
	struct err_text e;
	struct rows r;
	int n;

	assert_int_equal(rows_init(&r, &csv, give, &s, &e), 0);
	assert_int_equal(rows_next(&r, f, FIELDS, &n, &e), 0);
	assert_int_equal(r.line, 1);
	assert_int_equal(r.raw_len, 8);
	assert_memory_equal(r.raw, input, 8);
	assert_int_equal(rows_next(&r, f, 1, &n, &e), 0);
	assert_int_equal(r.line, 3);
	assert_int_equal(n, 2); /* also when there is room for fewer */
	assert_int_equal(rows_next(&r, f, FIELDS, &n, &e), -ENODATA);
	assert_int_equal(rows_next(&r, f, FIELDS, &n, &e), -ENODATA);
	rows_fini(&r);
}

static ssize_t refuse(void *ctx, char *to, size_t room)
{
	return -EIO;
}

static void test_errors(void **state)
{
	struct field f[FIELDS];
	struct err_text e;
	struct rows r;
	int n;

	assert_int_equal(rows_init(&r, &(struct rows_format){.delimiter = 'n'}, give, NULL, &e),
		-EINVAL);
	assert_int_equal(rows_init(&r, &(struct rows_format){.csv = true, .delimiter = '"'}, give,
		NULL, &e), -EINVAL);
	assert_int_equal(rows_init(&r, &text, refuse, NULL, &e), 0);
	assert_int_equal(rows_next(&r, f, FIELDS, &n, &e), -EIO);
	rows_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_bad_rows),
		cmocka_unit_test(test_line_numbers),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
