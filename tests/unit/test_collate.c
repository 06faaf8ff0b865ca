/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_collate.c - scope: common/collate.c and kernel_collate.c through eval_run(): the order
 * of keys is ICU's own of texts, names that are none, more collations than stay open, what
 * they keep, limits, threads. Against PostgreSQL: tests/pg.
 */
#include "ask.h"

#include "collate.h"

#include <malloc.h>
#include <pthread.h>
#include <time.h>
#include <unicode/ucol.h>

enum { TEXTS = 400 };

static const char *const locales[] = {
	"und", "de-DE", "de-u-co-phonebk", "sv-SE-x-icu", "da", "cs", "tr", "lt", "fr-CA",
	"es-u-co-trad", "ja", "ko", "zh", "zh-u-co-stroke", "th", "my", "vi", "ar", "he", "hi",
	"bo", "de-u-kn-kf-upper", "und-u-ks-level1", "und-u-ka-shifted-ks-level4",
	"und-u-ks-identic", "de@colReorder=grek-latn"};
enum { LOCALES = sizeof locales / sizeof locales[0] };

static const char *const bits[] = {
	"a", "A", "ä", "a\u0308", "e", "é", "e\u0301", "ch", "Ch", "cz", "ll", "aa", "å", "ö", "o",
	"s", "ß", "ss", " ", "-", "'", ".", "1", "2", "10", "09", "٣", "i", "I", "ı", "İ", "z", "Z",
	"ž", "dž", "\u0301", "\u0323", "\u0308\u0301", "\u0327", "\u0344", "\u0f71", "\u0f72",
	"\u0f73", "\u0fb2", "\u0f81", "\u0334", "เ", "แ", "ก", "กา", "か", "カ", "が", "ー", "々", "漢",
	"字", "𠀀", "가", "\u1100\u1161", "😀", "\u200d", "\u00ad", "ﬁ", "\ufffd", "\uffff",
	"\U0010ffff", "א", "\u05b0", "ب", "\u064b", "ﷺ", "ക്ഷ", "က", "ျ", "ꙁ", "α", "Ω", "ά", "\1",
	"\t", "~"};
enum { BITS = sizeof bits / sizeof bits[0] };

/* ---- order ---- */

static int sign(int c)
{
	return (c > 0) - (c < 0);
}

static int bytes_cmp(const struct cell *a, const struct cell *b)
{
	int c = memcmp(a->p, b->p, a->len < b->len ? a->len : b->len);

	return sign(c ? c : (int)a->len - (int)b->len);
}

/* As PostgreSQL's varstr_cmp() has it for a deterministic collation. */
static int text_cmp(const UCollator *icu, const struct cell *a, const struct cell *b)
{
	UErrorCode rc = U_ZERO_ERROR;
	int c = ucol_strcollUTF8(
		icu, (const char *)a->p, (int32_t)a->len, (const char *)b->p, (int32_t)b->len, &rc);

	assert_true(U_SUCCESS(rc));
	return c ? sign(c) : bytes_cmp(a, b);
}

static void ask_keys(struct cell *text, const char *locale, uint32_t n)
{
	struct cell name = text_cell(locale);

	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({text, T_TEXT, 0}, {&name, T_PUB_TEXT, ARG_ONE}),
			CODE(PUSH, PUSH | 1, OP_enc_text_sort_key), n)), 0);
	assert_int_equal(reply.type, T_BYTEA);
}

/* Some differ in little, as neighbours of a sort do. */
static void random_texts(uint64_t *seed, struct cell *text)
{
	int i;

	for (i = 0; i < TEXTS; i++) {
		text[i] = random_text(seed, bits, BITS, i % 4 == 3 ? 2 : 6);
		if (i % 3 == 2) { /* the one before and something behind it */
			struct cell tail = random_text(seed, bits, BITS, 2);
			uint8_t *p = heap_take(text[i - 1].len + tail.len);

			memcpy(p, text[i - 1].p, text[i - 1].len);
			memcpy(p + text[i - 1].len, tail.p, tail.len);
			text[i] = (struct cell){.p = p, .len = text[i - 1].len + tail.len};
		}
	}
}

static void check_order(const UCollator *icu, const char *locale, const struct cell *text)
{
	const struct cell *key = reply.cell;
	int i, k;

	for (i = 0; i < TEXTS; i++)
		for (k = 0; k < i; k++)
			if (bytes_cmp(&key[i], &key[k]) != text_cmp(icu, &text[i], &text[k]))
				fail_msg("%s: \"%.*s\" and \"%.*s\"", locale, (int)text[i].len, text[i].p,
					(int)text[k].len, text[k].p);
}

static void test_order(void **state)
{
	static struct cell text[TEXTS];
	uint64_t seed = 11;
	int l, i;

	for (l = 0; l < LOCALES; l++) {
		UErrorCode rc = U_ZERO_ERROR;
		UCollator *icu;

		heap_used = 0;
		random_texts(&seed, text);
		ask_keys(text, locales[l], TEXTS);
		for (i = 0; i < TEXTS; i++)
			assert_int_equal(reply.cell[i].state, ROW_VALUE);
		icu = ucol_open(locales[l], &rc);
		check_order(icu, locales[l], text);
		ucol_close(icu);
	}
}

/* A key ends in its only zero, and the text is behind it. */
static void test_form(void **state)
{
	struct cell in[2] = {S("Größe"), S("de")}, got = apply(OP_enc_text_sort_key, in);
	uint32_t zero = (uint32_t)(strlen((const char *)got.p) + 1);

	assert_int_equal(got.len, zero + in[0].len);
	assert_memory_equal(got.p + zero, in[0].p, in[0].len);
	in[0] = (struct cell)S("");
	got = apply(OP_enc_text_sort_key, in);
	assert_true(got.len > 0 && got.p[got.len - 1] == 0);
	in[0] = (struct cell)NIL;
	assert_int_equal(apply(OP_enc_text_sort_key, in).state, ROW_NULL);
	in[0] = (struct cell)STATE(ROW_FORGED);
	assert_int_equal(apply(OP_enc_text_sort_key, in).state, ROW_FORGED);
	in[0] = (struct cell)S("ba\xffy\xe2\x82"); /* no UTF-8: two replacement characters */
	got = apply(OP_enc_text_sort_key, in);
	zero = (uint32_t)(strlen((const char *)got.p) + 1);
	in[0] = (struct cell)S("ba\ufffdy\ufffd");
	assert_memory_equal(got.p, apply(OP_enc_text_sort_key, in).p, zero);
}

/* ---- names ---- */

static uint8_t state_of(const char *locale)
{
	struct cell in[2] = {S("x"), text_cell(locale)};

	return apply(OP_enc_text_sort_key, in).state;
}

static void test_names(void **state)
{
	static const char *const good[] = {
		"", "root", "und", "und-x-icu", "x-icu", "de", "DE-de", "de_DE", "de-DE-x-icu", "zh-TW",
		"nb-NO", "no", "iw", "sr-Latn-RS", "en_US_POSIX", "en-US-u-va-posix",
		"de@collation=phonebook", "de-u-co-standard", "zh-u-co-pinyin", "de-u-kn-true",
		"de@colStrength=primary;colCaseLevel=yes"};
	static const char *const bad[] = {
		"C", "POSIX", "xx", "german", "nonsense", "de-XX", "de-DE-1996", "de_DE.utf8", "a b",
		"de;x", "de ", "de\n", "dé", "de/../sv", "%s", "-", "de-u-co-nonsense",
		"de@collation=phonebk", "sv-u-co-phonebk", "de@colStrength=nonsense"};
	char longest[COLLATE_NAME + 2] = "de-x-";
	struct cell in[2] = {S("x"), {.p = (const uint8_t *)"de\0x", .len = 4}};
	size_t i;

	for (i = 0; i < sizeof good / sizeof good[0]; i++)
		if (state_of(good[i]) != ROW_VALUE)
			fail_msg("%s is one", good[i]);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (state_of(bad[i]) != ROW_LOCALE)
			fail_msg("%s is none", bad[i]);
	assert_int_equal(apply(OP_enc_text_sort_key, in).state, ROW_LOCALE); /* a zero in it */
	for (i = strlen(longest); i < COLLATE_NAME; i++)
		longest[i] = i % 9 == 4 ? '-' : 'a';
	assert_int_equal(state_of(longest), ROW_VALUE);
	longest[COLLATE_NAME] = 'a';
	assert_int_equal(state_of(longest), ROW_LOCALE);
	assert_int_equal(apply(OP_enc_text_sort_key_version, CELLS(S("xx"))).state, ROW_LOCALE);
}

/* Of more collations than stay open, in turn: each row its own. */
static void test_eviction(void **state)
{
	static struct cell text[LOCALES * 3], name[LOCALES * 3], key[LOCALES];
	int i;

	heap_used = 0;
	for (i = 0; i < LOCALES * 3; i++) {
		text[i] = (struct cell)S("Åa chzll10");
		name[i] = text_cell(locales[i * 7 % LOCALES]);
	}
	assert_true(LOCALES > 2 * COLLATE_OPEN);
	assert_int_equal(run(ROLE_DB, req, request(ARGS({text, T_TEXT, 0}, {name, T_PUB_TEXT, 0}),
		CODE(PUSH, PUSH | 1, OP_enc_text_sort_key), LOCALES * 3)), 0);
	for (i = 0; i < LOCALES; i++) {
		key[i] = reply.cell[i];
		key[i].p = memcpy(heap_take(key[i].len), key[i].p, key[i].len);
		assert_int_equal(bytes_cmp(&key[i], &reply.cell[i + LOCALES]), 0);
	}
	for (i = 0; i < LOCALES; i++) {
		struct cell in[2] = {text[i], name[i]}, alone = apply(OP_enc_text_sort_key, in);

		assert_int_equal(bytes_cmp(&key[i], &alone), 0);
	}
}

/* Whoever may ask may say any name: ICU keeps nothing of those that are none, and of the others
 * no more than there are. */
static void say_names(const char *form, unsigned from, unsigned n)
{
	struct cell text = S("x"), *name;
	unsigned i;

	heap_used = 0;
	name = heap_take(n * sizeof *name);
	for (i = 0; i < n; i++) {
		char *p = heap_take(64);

		snprintf(p, 64, form, from + i);
		name[i] = text_cell(p);
	}
	assert_int_equal(run(ROLE_DB, req, request(ARGS({&text, T_TEXT, ARG_ONE}, {name, T_PUB_TEXT, 0}),
		CODE(PUSH, PUSH | 1, OP_enc_text_sort_key), n)), 0);
}

static void test_memory(void **state)
{
	static const char *const forms[] = {
		"zz-v%u", "de-v%07u", "qq-%03u", "de-u-zz-a%05u", "de-x-a%u", "de@foo%u=bar",
		"de@collation=n%u", "a%u"};
	enum { FORMS = sizeof forms / sizeof forms[0], BATCH = 4000, BATCHES = 5 };
	size_t before = 0;
	unsigned i, f;

	for (i = 0; i < BATCHES; i++) { /* the first one is what ICU's cache takes at most */
		for (f = 0; f < FORMS; f++)
			say_names(forms[f], i * BATCH, BATCH);
		if (i == 0)
			before = mallinfo2().uordblks;
	}
	assert_in_range(mallinfo2().uordblks, 0, before + (256 << 10));
}

static void test_version(void **state)
{
	struct cell in = S("sv"), got = apply(OP_enc_text_sort_key_version, &in);
	char want[U_MAX_VERSION_STRING_LENGTH] = "";
	UErrorCode rc = U_ZERO_ERROR;
	UCollator *icu = ucol_open("sv", &rc);
	UVersionInfo v;

	ucol_getVersion(icu, v);
	u_versionToString(v, want);
	ucol_close(icu);
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.p, want, got.len);
}

/* ---- limits ---- */

/* `n` times that, behind an a. */
static struct cell repeated(const char *s, uint32_t n)
{
	size_t len = strlen(s);
	uint8_t *p = heap_take(1 + n * len);
	uint32_t i;

	p[0] = 'a';
	for (i = 0; i < n; i++)
		memcpy(p + 1 + i * len, s, len);
	return (struct cell){.p = p, .len = (uint32_t)(1 + n * len)};
}

static void test_marks(void **state)
{
	static const char *const marks[] = {"\u0301", "\u0344", "\u0f73", "\U0001d165"};
	struct cell in[2] = {{.i = 0}, S("de")};
	size_t i;

	for (i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		heap_used = 0;
		in[0] = repeated(marks[i], COLLATE_MARKS);
		assert_int_equal(apply(OP_enc_text_sort_key, in).state, ROW_VALUE);
		in[0] = repeated(marks[i], COLLATE_MARKS + 1);
		assert_int_equal(apply(OP_enc_text_sort_key, in).state, ROW_SORT_KEY);
	}
	in[0] = repeated("\u0301é", 4 * COLLATE_MARKS); /* never more than one in a row */
	assert_int_equal(apply(OP_enc_text_sort_key, in).state, ROW_VALUE);
}

/* The worst that may be in a text: no row takes long. */
static void test_time(void **state)
{
	enum { BYTES = 4 << 20 };
	uint8_t *p, *end;
	struct cell in[2] = {{.i = 0}, S("und-u-kk-true")};
	clock_t t0 = clock();
	unsigned i;

	heap_used = 0;
	p = end = heap_take(BYTES + 8);
	for (i = 0; end - p < BYTES - 8; i++) {
		static const char *const pair[] = {"\u0301", "\u0323"};
		const char *s = i % (COLLATE_MARKS + 1) == 0 ? "a" : pair[i % 2];

		memcpy(end, s, strlen(s));
		end += strlen(s);
	}
	in[0] = (struct cell){.p = p, .len = (uint32_t)(end - p)};
	assert_int_equal(apply(OP_enc_text_sort_key, in).state, ROW_VALUE);
	assert_in_range(clock() - t0, 0, 3 * CLOCKS_PER_SEC);
	heap_used = 0;
	in[0] = repeated("ﷺ", BYTES / 3 / 4); /* eighteen elements each */
	assert_int_equal(apply(OP_enc_text_sort_key, in).state, ROW_VALUE);
	assert_true(reply.cell[0].len > 4 * in[0].len);
}

static void test_long(void **state)
{
	struct collators c = {.at = {{.icu = NULL}}};
	uint8_t *text = malloc(COLLATE_TEXT + 1), *key = malloc(2 * COLLATE_TEXT);
	uint16_t *utf16 = malloc(sizeof *utf16 * (COLLATE_TEXT + 1));
	struct UCollator *icu;
	uint32_t need = 0;

	assert_true(text && key && utf16);
	memset(text, 'x', COLLATE_TEXT + 1);
	assert_int_equal(collators_find(&c, "de", 2, &icu), 0);
	assert_int_equal(collate_key(key, 2 * COLLATE_TEXT, &need, icu, text, COLLATE_TEXT, utf16), 0);
	assert_in_range(need, COLLATE_TEXT, 2 * COLLATE_TEXT);
	assert_int_equal(
		collate_key(key, 2 * COLLATE_TEXT, &need, icu, text, COLLATE_TEXT + 1, utf16), -EMSGSIZE);
	assert_int_equal(collate_key(key, 3, &need, icu, text, 100, utf16), 0); /* no room */
	assert_true(need > 100);
	collators_fini(&c);
	free(text);
	free(key);
	free(utf16);
}

/* ---- threads ---- */

static void *make_keys(void *arg)
{
	struct collators c = {.at = {{.icu = NULL}}};
	uint64_t seed = (uint64_t)(uintptr_t)arg, bad = 0;
	uint8_t key[2][256];
	uint16_t utf16[64];
	uint32_t need[2];
	int i;

	for (i = 0; i < 4000; i++) {
		const char *name = locales[rig_below(&seed, LOCALES)];
		const char *text = bits[rig_below(&seed, BITS)];
		struct UCollator *icu;
		int k;

		if (collators_find(&c, name, (uint32_t)strlen(name), &icu))
			return "no collation";
		for (k = 0; k < 2; k++)
			bad += collate_key(key[k], sizeof key[k], &need[k], icu, (const uint8_t *)text,
				(uint32_t)strlen(text), utf16) != 0;
		bad += need[0] != need[1] || memcmp(key[0], key[1], need[0]) != 0;
	}
	collators_fini(&c);
	return bad ? "keys differ" : NULL;
}

static void test_threads(void **state)
{
	pthread_t t[4];
	uintptr_t i;
	void *why;

	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, make_keys, (void *)(i + 1)), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(t[i], &why), 0);
		if (why)
			fail_msg("%s", (const char *)why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
