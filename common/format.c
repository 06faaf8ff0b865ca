/* SPDX-License-Identifier: BSD-3-Clause */
#include "format.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel_text.h"

/* A field's name in capitals. It reads digits; it may be written Capitalised. */
enum { DIGITS = 1, CAPITAL = 2 };
struct word {
	const char *name;
	uint8_t field;
	uint8_t what;
};

static const struct word time_words[] = {{"A.D.", TIME_AD_DOTS, 0},
	{"A.M.", TIME_AM_DOTS, 0}, {"AD", TIME_AD, 0}, {"AM", TIME_AM, 0},
	{"B.C.", TIME_AD_DOTS, 0}, {"BC", TIME_AD, 0}, {"CC", TIME_CC, DIGITS},
	{"DAY", TIME_DAY, CAPITAL}, {"DDD", TIME_DDD, DIGITS}, {"DD", TIME_DD, DIGITS},
	{"DY", TIME_DY, CAPITAL}, {"D", TIME_D, DIGITS}, {"FF1", TIME_FF1, DIGITS},
	{"FF2", TIME_FF2, DIGITS}, {"FF3", TIME_FF3, DIGITS}, {"FF4", TIME_FF4, DIGITS},
	{"FF5", TIME_FF5, DIGITS}, {"FF6", TIME_FF6, DIGITS}, {"FX", TIME_FX, 0},
	{"HH24", TIME_HH24, DIGITS}, {"HH12", TIME_HH12, DIGITS}, {"HH", TIME_HH12, DIGITS},
	{"IDDD", TIME_IDDD, DIGITS}, {"ID", TIME_ID, DIGITS}, {"IW", TIME_IW, DIGITS},
	{"IYYY", TIME_IYYY, DIGITS}, {"IYY", TIME_IYY, DIGITS}, {"IY", TIME_IY, DIGITS},
	{"I", TIME_I, DIGITS}, {"J", TIME_J, DIGITS}, {"MI", TIME_MI, DIGITS},
	{"MM", TIME_MM, DIGITS}, {"MONTH", TIME_MONTH, CAPITAL}, {"MON", TIME_MON, CAPITAL},
	{"MS", TIME_MS, DIGITS}, {"OF", TIME_OF, 0}, {"P.M.", TIME_AM_DOTS, 0},
	{"PM", TIME_AM, 0}, {"Q", TIME_Q, DIGITS}, {"RM", TIME_RM, 0},
	{"SSSSS", TIME_SSSS, DIGITS}, {"SSSS", TIME_SSSS, DIGITS}, {"SS", TIME_SS, DIGITS},
	{"TZH", TIME_TZH, 0}, {"TZM", TIME_TZM, DIGITS}, {"TZ", TIME_TZ, 0},
	{"US", TIME_US, DIGITS}, {"WW", TIME_WW, DIGITS}, {"W", TIME_W, DIGITS},
	{"Y,YYY", TIME_Y_YYY, DIGITS}, {"YYYY", TIME_YYYY, DIGITS},
	{"YYY", TIME_YYY, DIGITS}, {"YY", TIME_YY, DIGITS}, {"Y", TIME_Y, DIGITS},
	{NULL, 0, 0}};

static const struct word number_words[] = {{",", NUMBER_COMMA, 0},
	{".", NUMBER_POINT, 0}, {"0", NUMBER_0, 0}, {"9", NUMBER_9, 0}, {"B", NUMBER_B, 0},
	{"C", NUMBER_NOTHING, 0}, {"D", NUMBER_D, 0}, {"EEEE", NUMBER_EEEE, 0},
	{"FM", NUMBER_FM, 0}, {"G", NUMBER_G, 0}, {"L", NUMBER_L, 0}, {"MI", NUMBER_MI, 0},
	{"PL", NUMBER_PL, 0}, {"PR", NUMBER_PR, 0}, {"RN", NUMBER_RN, 0},
	{"SG", NUMBER_SG, 0}, {"SP", NUMBER_NOTHING, 0}, {"S", NUMBER_S, 0},
	{"TH", NUMBER_TH, 0}, {"V", NUMBER_V, 0}, {NULL, 0, 0}};

const char *const format_months[12] = {"January", "February", "March", "April", "May",
	"June", "July", "August", "September", "October", "November", "December"};
const char *const format_days[7] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
const char *const format_roman[12] = {
	"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"};

/* ---- characters ---- */

bool format_is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool format_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
	return (uint8_t)((c | 32) - 'a') < 26;
}

static uint8_t lowered(uint8_t c)
{
	return is_letter(c) ? c | 32 : c;
}

/* ---- fields ---- */

/* Does the text begin with the word, written so? */
static bool written(const struct word *w, size_t len, enum part_letters letters, struct span s)
{
	size_t i;

	if (len > s.len)
		return false;
	for (i = 0; i < len; i++) {
		uint8_t c = (uint8_t)w->name[i];

		if (letters == LETTERS_LOWER || (letters == LETTERS_CAPITAL && i > 0))
			c = lowered(c);
		if (s.p[i] != c)
			return false;
	}
	return true;
}

/* The longest field's name at the start of a text; the name's length, or 0. */
static uint8_t find_word(struct format_part *part, const struct word *words, struct span s)
{
	const struct word *w;
	uint8_t best = 0;

	for (w = words; w->name; w++) {
		size_t len = strlen(w->name);
		int letters;

		if (lowered(s.p[0]) != lowered((uint8_t)w->name[0]) || len <= best)
			continue;
		for (letters = LETTERS_UPPER; letters <= (w->what & CAPITAL ? LETTERS_CAPITAL : LETTERS_LOWER);
			letters++) {
			if (!written(w, len, (enum part_letters)letters, s))
				continue;
			best = (uint8_t)len;
			*part = (struct format_part){.kind = PART_FIELD, .field = w->field,
				.letters = (uint8_t)letters, .width = best, .digits = w->what & DIGITS};
			break;
		}
	}
	return best;
}

static bool begins(struct span s, const char *two)
{
	return s.len >= 2 && memcmp(s.p, two, 2) == 0;
}

/* What may stand before a field, FM or TM, and behind one, TH or SP. */
static uint8_t prefix(struct span s)
{
	if (begins(s, "FM") || begins(s, "fm"))
		return PART_FM;
	return begins(s, "TM") || begins(s, "tm") ? PART_TM : 0;
}

static uint8_t postfix(struct span s, bool *any)
{
	*any = begins(s, "TH") || begins(s, "th") || begins(s, "SP");
	return begins(s, "TH") ? PART_TH_UPPER : begins(s, "th") ? PART_TH_LOWER : 0;
}

/* ---- what stands between them ---- */

static struct span rest(struct span s, size_t n)
{
	return (struct span){s.p + n, s.len - (uint32_t)n};
}

static struct span put_char(struct format_part *part, uint8_t kind, struct span s)
{
	size_t len = char_len(s.p, s.p + s.len);

	*part = (struct format_part){.kind = kind, .p = s.p, .len = (uint8_t)len};
	return rest(s, len);
}

/* "in quotes", where a backslash quotes the next character. */
static struct span put_quoted(struct format_part **part, struct span s)
{
	s = rest(s, 1);
	while (s.len) {
		if (*s.p == '"')
			return rest(s, 1);
		if (*s.p == '\\' && s.len > 1)
			s = rest(s, 1);
		s = put_char((*part)++, PART_CHAR, s);
	}
	return s;
}

static struct span put_plain(struct format_part *part, enum format_kind kind, struct span s)
{
	if (begins(s, "\\\""))
		s = rest(s, 1);
	if (kind == FORMAT_TIME && *s.p > ' ' && *s.p < 0x7f && !is_letter(*s.p) &&
		!format_is_digit(*s.p))
		return put_char(part, PART_SEPARATOR, s);
	return put_char(part, format_is_space(*s.p) ? PART_SPACE : PART_CHAR, s);
}

void format_parse(struct format_part *part, enum format_kind kind, struct span s)
{
	const struct word *words = kind == FORMAT_TIME ? time_words : number_words;
	uint8_t before, len;
	bool any = false;

	while (s.len) {
		before = kind == FORMAT_TIME ? prefix(s) : 0;
		if (before)
			s = rest(s, 2);
		if (!s.len)
			break;
		len = find_word(part, words, s);
		if (!len) {
			if (*s.p == '"')
				s = put_quoted(&part, s);
			else
				s = put_plain(part++, kind, s);
			continue;
		}
		s = rest(s, len);
		if (kind == FORMAT_TIME)
			part->flags = before | postfix(s, &any);
		if (any)
			s = rest(s, 2);
		any = false;
		part++;
	}
	*part = (struct format_part){.kind = PART_END};
}

/* ---- results ---- */

void format_put(struct format_out *o, const void *p, size_t len)
{
	if (len > (size_t)(o->end - o->at))
		len = (size_t)(o->end - o->at);
	if (len)
		memcpy(o->at, p, len);
	o->at += len;
}

void format_printf(struct format_out *o, const char *form, ...)
{
	char text[64];
	va_list args;
	int n;

	va_start(args, form);
	n = vsnprintf(text, sizeof text, form, args);
	va_end(args);
	format_put(o, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
}

const char *format_ordinal(const uint8_t *digits, size_t len, bool upper)
{
	static const char *const endings[2][4] = {
		{"th", "st", "nd", "rd"}, {"TH", "ST", "ND", "RD"}};
	uint8_t last = len ? digits[len - 1] : 0;

	if (!format_is_digit(last))
		return NULL;
	if (last > '3' || (len > 1 && digits[len - 2] == '1'))
		last = '0';
	return endings[upper][last - '0'];
}
