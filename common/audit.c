/* SPDX-License-Identifier: BSD-3-Clause */
#include "audit.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "hex.h"

enum { HEX = 2 * AUDIT_HASH, SEGMENT_MAX = 1 << 30 };

static const char context[] = "hedb audit head v1";

/* ---- lines ---- */

static void chain_next(struct audit_chain *c, const char *line, size_t len)
{
	crypto_generichash_state s;

	crypto_generichash_init(&s, NULL, 0, AUDIT_HASH);
	crypto_generichash_update(&s, c->hash, AUDIT_HASH);
	crypto_generichash_update(&s, (const uint8_t *)line, len);
	crypto_generichash_final(&s, c->hash, AUDIT_HASH);
	c->number++;
}

size_t audit_line(char line[AUDIT_LINE], struct audit_chain *c, uint64_t time_s, const char *text)
{
	time_t t = (time_t)time_s;
	char when[32];
	struct tm tm;
	size_t n, i;

	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	n = (size_t)snprintf(line, AUDIT_LINE - HEX - 2, "%llu %s %.*s",
		(unsigned long long)c->number + 1, when, AUDIT_TEXT - 1, text);
	for (i = 0; i < n; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	chain_next(c, line, n);
	line[n++] = ' ';
	sodium_bin2hex(line + n, HEX + 1, c->hash, AUDIT_HASH);
	n += HEX;
	line[n++] = '\n';
	return n;
}

void audit_begin_text(char text[AUDIT_TEXT], const struct audit_chain *c, uint64_t segment,
	const struct policy_stamp *policy)
{
	char prev[HEX + 1], digest[2 * POLICY_DIGEST + 1];

	sodium_bin2hex(prev, sizeof prev, c->hash, AUDIT_HASH);
	sodium_bin2hex(digest, sizeof digest, policy->digest, POLICY_DIGEST);
	snprintf(text, AUDIT_TEXT, "begin segment=%llu prev=%s policy=%llu:%s",
		(unsigned long long)segment, prev, (unsigned long long)policy->version, digest);
}

/* What a head's signature is over. */
static size_t head_bytes(uint8_t to[sizeof context + 8 + AUDIT_HASH], const struct audit_chain *c)
{
	memcpy(to, context, sizeof context);
	memcpy(to + sizeof context, &c->number, 8);
	memcpy(to + sizeof context + 8, c->hash, AUDIT_HASH);
	return sizeof context + 8 + AUDIT_HASH;
}

void audit_head_text(char text[AUDIT_TEXT], const struct audit_chain *c,
	const uint8_t secret[SIGNKEY_SECRET])
{
	uint8_t bytes[sizeof context + 8 + AUDIT_HASH], sig[SIGNKEY_SIGNATURE];
	char hex[2 * SIGNKEY_SIGNATURE + 1];

	crypto_sign_detached(sig, NULL, bytes, head_bytes(bytes, c), secret);
	sodium_bin2hex(hex, sizeof hex, sig, sizeof sig);
	snprintf(text, AUDIT_TEXT, "head sig=%s", hex);
}

void audit_segment_name(char name[AUDIT_NAME], uint64_t segment)
{
	snprintf(name, AUDIT_NAME, "audit.%06llu.log", (unsigned long long)segment);
}

bool audit_segment_number(const char *name, uint64_t *segment)
{
	char again[AUDIT_NAME];
	unsigned long long n;

	if (sscanf(name, "audit.%18llu.log", &n) != 1 || n == 0)
		return false;
	audit_segment_name(again, n);
	*segment = n;
	return strcmp(again, name) == 0;
}

/* ---- checking ---- */

static int bad(const struct audit_check *c, const char *what, struct err_text *e)
{
	err_set(e, "behind line %llu of segment %llu: %s", (unsigned long long)c->chain.number,
		(unsigned long long)c->segment, what);
	return -EBADMSG;
}

/* Of `len` bytes, in what goes on until `end`. */
static bool from_hex(uint8_t *to, size_t len, const char *at, const char *end)
{
	return (size_t)(end - at) >= 2 * len && hex_read(to, len, at, 2 * len);
}

/* The policy of "VERSION:DIGEST". */
static bool read_stamp(struct policy_stamp *p, const char *at, const char *end)
{
	char *colon;

	p->version = strtoull(at, &colon, 10);
	return colon < end && *colon == ':' && from_hex(p->digest, POLICY_DIGEST, colon + 1, end);
}

/* "begin segment=N prev=HASH policy=V:DIGEST". The first line of a segment has to be one. */
static int check_begin(struct audit_check *c, uint64_t number, const char *text,
	const char *end, struct err_text *e)
{
	static const char words[] = "begin segment=", prev_word[] = " prev=", policy_word[] = " policy=";
	uint8_t prev[AUDIT_HASH];
	uint64_t segment;
	char *at;

	if ((size_t)(end - text) < sizeof words || strncmp(text, words, sizeof words - 1) != 0)
		return bad(c, "the segment does not begin with a line that says so", e);
	segment = strtoull(text + sizeof words - 1, &at, 10);
	if (strncmp(at, prev_word, sizeof prev_word - 1) != 0 ||
		!from_hex(prev, AUDIT_HASH, at + sizeof prev_word - 1, end))
		return bad(c, "the segment does not say what it goes on from", e);
	at += sizeof prev_word - 1 + HEX;
	if (strncmp(at, policy_word, sizeof policy_word - 1) != 0 ||
		!read_stamp(&c->policy, at + sizeof policy_word - 1, end))
		return bad(c, "the segment does not say which policy is in force", e);
	if (!c->begun) {
		c->chain.number = number - 1;
		memcpy(c->chain.hash, prev, AUDIT_HASH);
	} else if (segment != c->segment + 1 || memcmp(prev, c->chain.hash, AUDIT_HASH) != 0) {
		return bad(c, "the next segment goes on from something else: lines or a segment are missing", e);
	}
	c->segment = segment;
	c->segments++;
	c->begun = true;
	return 0;
}

static int check_signature(struct audit_check *c, const char *text, const char *end,
	struct err_text *e)
{
	uint8_t bytes[sizeof context + 8 + AUDIT_HASH], sig[SIGNKEY_SIGNATURE];

	if (!from_hex(sig, sizeof sig, text + 9, end) ||
		crypto_sign_verify_detached(sig, bytes, head_bytes(bytes, &c->chain), c->key) != 0)
		return bad(c, "the signature is not this key's", e);
	c->signed_to = c->chain.number;
	return 0;
}

/* One line, `end` where its line feed is. */
static int check_line(struct audit_check *c, const char *line, const char *end, bool first,
	struct err_text *e)
{
	const char *hash = end - HEX, *text;
	char want[HEX + 1];
	uint64_t number;
	char *at;
	int rc = 0;

	if (end - line < HEX + 24 || hash[-1] != ' ')
		return bad(c, "what follows is no line of a log", e);
	number = strtoull(line, &at, 10);
	text = at < hash ? memchr(at + 1, ' ', (size_t)(hash - at - 1)) : NULL;
	if (!text || *at != ' ' || ++text >= hash)
		return bad(c, "what follows is no line of a log", e);
	if (first)
		rc = check_begin(c, number, text, hash - 1, e);
	if (rc)
		return rc;
	if (number != c->chain.number + 1)
		return bad(c, "another line than the next one follows", e);
	if (strncmp(text, "head sig=", 9) == 0)
		rc = check_signature(c, text, hash - 1, e);
	if (rc)
		return rc;
	chain_next(&c->chain, line, (size_t)(hash - 1 - line));
	sodium_bin2hex(want, sizeof want, c->chain.hash, AUDIT_HASH);
	if (memcmp(hash, want, HEX) != 0) { /* the same digits, in the same letters */
		c->chain.number--;
		return bad(c, "the next line was changed, or does not follow this one", e);
	}
	at = strncmp(text, "policy ", 7) == 0 ? memmem(text, (size_t)(hash - text), " stamp=", 7) : NULL;
	if (at)
		read_stamp(&c->policy, at + 7, hash - 1);
	if (c->want.number == c->chain.number)
		c->found = memcmp(c->want.hash, c->chain.hash, AUDIT_HASH) == 0;
	return 0;
}

int audit_check_bytes(
	struct audit_check *c, const char *bytes, size_t len, struct err_text *e)
{
	const char *at = bytes, *stop = bytes + len, *end;
	bool first = true;
	int rc = 0;

	while (at < stop && (end = memchr(at, '\n', (size_t)(stop - at)))) {
		rc = check_line(c, at, end, first, e);
		if (rc)
			return rc;
		first = false;
		at = end + 1;
	}
	c->torn = (size_t)(stop - at);
	if (first && c->begun) { /* a crash came before its first line */
		c->segment++;
		c->segments++;
	}
	return 0;
}

static int check_segment(struct audit_check *c, const char *path, struct err_text *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;
	struct err_text why = {""};
	char *bytes = NULL;
	ssize_t n = 0, got = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > SEGMENT_MAX)
		rc = -EFBIG;
	else if (!(bytes = malloc((size_t)st.st_size + 1)))
		rc = -ENOMEM;
	while (!rc && got < st.st_size && (n = read(fd, bytes + got, (size_t)(st.st_size - got))) > 0)
		got += n;
	if (n < 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	if (!rc) {
		bytes[got] = 0; /* a number at the end ends here */
		rc = audit_check_bytes(c, bytes, (size_t)got, &why);
	}
	if (rc)
		err_set(e, "%.100s: %.150s", path, why.s[0] ? why.s : strerror(-rc));
	free(bytes);
	return rc;
}

/* ---- directories ---- */

static int by_number(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The numbers of all segments, ascending; malloced. */
static int list_segments(const char *dir, uint64_t **all, size_t *n, struct err_text *e)
{
	DIR *d = opendir(dir);
	struct dirent *f;
	size_t cap = 0;
	uint64_t *more;

	*all = NULL;
	*n = 0;
	if (!d) {
		err_set(e, "%s: %s", dir, strerror(errno));
		return -errno;
	}
	while ((f = readdir(d))) {
		uint64_t segment;

		if (!audit_segment_number(f->d_name, &segment))
			continue;
		if (*n == cap) {
			cap = cap ? 2 * cap : 64;
			more = realloc(*all, cap * sizeof *more);
			if (!more) {
				closedir(d);
				free(*all);
				return -ENOMEM;
			}
			*all = more;
		}
		(*all)[(*n)++] = segment;
	}
	closedir(d);
	if (*n)
		qsort(*all, *n, sizeof **all, by_number);
	return 0;
}

/* The n segments of these numbers. */
static int check_segments(struct audit_check *c, const char *dir, const uint64_t *all, size_t n,
	struct err_text *e)
{
	char name[AUDIT_NAME], path[PATH_MAX];
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < n; i++) {
		audit_segment_name(name, all[i]);
		snprintf(path, sizeof path, "%s/%s", dir, name);
		if (i && all[i] != all[i - 1] + 1) {
			err_set(e, "%.200s: the segment before it is missing", path);
			return -EBADMSG;
		}
		rc = check_segment(c, path, e);
		if (!rc && c->begun && c->segment != all[i]) {
			err_set(e, "%.200s says that it is segment %llu", path,
				(unsigned long long)c->segment);
			rc = -EBADMSG;
		}
	}
	return rc;
}

int audit_check_dir(struct audit_check *c, const char *dir, bool last_only,
	uint64_t *segment, struct err_text *e)
{
	const struct audit_check fresh = *c;
	uint64_t *all;
	size_t n, from;
	int rc = list_segments(dir, &all, &n, e);

	*segment = rc || n == 0 ? 0 : all[n - 1];
	from = last_only && n ? n - 1 : 0;
	if (!rc)
		rc = check_segments(c, dir, all + from, n - from, e);
	while (!rc && !c->signed_to && from > 0) { /* no head in it: from the one before */
		*c = fresh;
		from--;
		rc = check_segments(c, dir, all + from, n - from, e);
	}
	free(all);
	return rc;
}

int audit_check_head(const struct audit_check *c, struct err_text *e)
{
	if (!c->want.number || c->found)
		return 0;
	err_set(e, c->want.number > c->chain.number
			? "the log ends before line %llu, which was there when its hash was noted"
			: "line %llu is not the one whose hash was noted",
		(unsigned long long)c->want.number);
	return -EBADMSG;
}
