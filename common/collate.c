/* SPDX-License-Identifier: BSD-3-Clause */
#include "collate.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <unicode/uclean.h>
#include <unicode/uchar.h>
#include <unicode/ucol.h>
#include <unicode/udata.h>
#include <unicode/uenum.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

_Static_assert(sizeof(UChar) == sizeof(uint16_t), "units of UTF-16");

/* ---- ICU's memory, wiped when it is given back ---- */

struct block {
	size_t size; /* of what follows */
} __attribute__((aligned(16)));

static void *block_alloc(const void *ctx, size_t size)
{
	struct block *b = malloc(sizeof *b + size);

	if (!b)
		return NULL;
	b->size = size;
	return b + 1;
}

static void block_free(const void *ctx, void *p)
{
	struct block *b = p;

	if (!p)
		return;
	b--;
	sodium_memzero(b, sizeof *b + b->size);
	free(b);
}

static void *block_realloc(const void *ctx, void *old, size_t size)
{
	void *p = block_alloc(ctx, size);
	size_t had;

	if (!p || !old)
		return p;
	had = ((struct block *)old - 1)->size;
	memcpy(p, old, had < size ? had : size);
	block_free(ctx, old);
	return p;
}

/* Before anything else of ICU. */
static void start(void)
{
	UErrorCode rc = U_ZERO_ERROR;

	u_setMemoryFunctions(NULL, block_alloc, block_realloc, block_free, &rc);
	udata_setFileAccess(UDATA_NO_FILES, &rc);
}

/* ---- names ---- */

/* Is it among them? The enumeration is closed. */
static bool has(UEnumeration *names, const char *name)
{
	UErrorCode rc = U_ZERO_ERROR;
	const char *s;
	bool found = false;

	while (!found && (s = uenum_next(names, NULL, &rc)) != NULL)
		found = strcmp(s, name) == 0;
	uenum_close(names);
	return found;
}

/* "" is the root, which every list leaves out. */
static bool locale_known(const char *base)
{
	UErrorCode rc = U_ZERO_ERROR;
	UEnumeration *all = uloc_openAvailableByType(ULOC_AVAILABLE_WITH_LEGACY_ALIASES, &rc);

	return has(all, base) || !*base;
}

/* "" is the locale's own. */
static bool type_known(const char *base, const char *type)
{
	UErrorCode rc = U_ZERO_ERROR;

	return !*type || has(ucol_getKeywordValuesForLocale("collation", base, false, &rc), type);
}

/* Nothing else gets into ICU's parser. */
static bool name_plain(const char *name)
{
	return !name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_@=;")];
}

/* In ICU's form; false: there is none of that name. */
static bool name_resolve(char full[ULOC_FULLNAME_CAPACITY], const char *name)
{
	char base[ULOC_FULLNAME_CAPACITY] = "", type[ULOC_KEYWORDS_CAPACITY] = "";
	UErrorCode rc = U_ZERO_ERROR;

	if (!name_plain(name))
		return false;
	uloc_getName(name, full, ULOC_FULLNAME_CAPACITY, &rc);
	uloc_getBaseName(full, base, sizeof base, &rc);
	uloc_getKeywordValue(full, "collation", type, sizeof type, &rc);
	if (U_FAILURE(rc) || rc == U_STRING_NOT_TERMINATED_WARNING)
		return false;
	return locale_known(base) && type_known(base, type);
}

/* ---- open ones ---- */

static int collator_open(struct collator *c, const void *name, uint32_t len)
{
	char text[COLLATE_NAME + 1] = "", full[ULOC_FULLNAME_CAPACITY];
	UErrorCode rc = U_ZERO_ERROR;

	memcpy(text, name, len);
	if (strlen(text) != len || !name_resolve(full, text))
		return -EINVAL;
	c->icu = ucol_open(full, &rc);
	if (U_FAILURE(rc) || !c->icu) {
		ucol_close(c->icu);
		return rc == U_MEMORY_ALLOCATION_ERROR ? -ENOMEM : -EINVAL;
	}
	memcpy(c->name, name, len);
	c->len = len;
	return 0;
}

static void move_to_front(struct collators *c, int i)
{
	struct collator one = c->at[i];

	memmove(&c->at[1], &c->at[0], (size_t)i * sizeof one);
	c->at[0] = one;
}

int collators_find(struct collators *c, const void *name, uint32_t len, struct UCollator **icu)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct collator fresh = {.icu = NULL};
	int i, rc;

	for (i = 0; i < COLLATE_OPEN && c->at[i].icu; i++)
		if (c->at[i].len == len && memcmp(c->at[i].name, name, len) == 0)
			break;
	if (i == COLLATE_OPEN || !c->at[i].icu) {
		if (len > COLLATE_NAME)
			return -EINVAL;
		pthread_once(&once, start);
		rc = collator_open(&fresh, name, len);
		if (rc)
			return rc;
		if (i == COLLATE_OPEN)
			ucol_close(c->at[--i].icu);
		c->at[i] = fresh;
	}
	if (i)
		move_to_front(c, i);
	*icu = c->at[0].icu;
	return 0;
}

void collators_fini(struct collators *c)
{
	int i;

	for (i = 0; i < COLLATE_OPEN; i++)
		ucol_close(c->at[i].icu);
	memset(c, 0, sizeof *c);
}

/* ---- keys ---- */

/* ICU brings marks into order by insertion: a hundred thousand of them in a row, in the wrong
 * order, take half a minute. */
static bool marks_few(const UChar *s, int32_t n)
{
	enum { FIRST_MARK = 0x300 };
	int32_t i = 0, run = 0;
	UChar32 c;

	while (i < n && run <= COLLATE_MARKS) {
		U16_NEXT(s, i, n, c);
		run = c >= FIRST_MARK && u_getIntPropertyValue(c, UCHAR_LEAD_CANONICAL_COMBINING_CLASS)
			? run + 1 : 0;
	}
	return run <= COLLATE_MARKS;
}

int collate_key(uint8_t *key, uint32_t cap, uint32_t *need, const struct UCollator *icu,
	const uint8_t *text, uint32_t len, uint16_t *utf16)
{
	enum { REPLACEMENT = 0xfffd };
	UErrorCode rc = U_ZERO_ERROR;
	int32_t n = 0;

	if (len > COLLATE_TEXT)
		return -EMSGSIZE;
	u_strFromUTF8WithSub(
		utf16, (int32_t)len, &n, (const char *)text, (int32_t)len, REPLACEMENT, NULL, &rc);
	if (U_FAILURE(rc) || !marks_few(utf16, n))
		return -EMSGSIZE;
	*need = (uint32_t)ucol_getSortKey(icu, utf16, n, key, (int32_t)cap);
	return *need ? 0 : -ENOMEM;
}

void collate_version(char version[COLLATE_VERSION], const struct UCollator *icu)
{
	_Static_assert((int)COLLATE_VERSION >= U_MAX_VERSION_STRING_LENGTH, "room for it");
	UVersionInfo v;

	ucol_getVersion(icu, v);
	u_versionToString(v, version);
}
