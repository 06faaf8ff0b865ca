/* SPDX-License-Identifier: BSD-3-Clause */
#include "mgr_table.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "cursor.h"
#include "hex.h"

enum { WORDS = 9, WORD_MAX = 80 };

/* A line taken apart; what it names is found. */
struct change {
	char word[WORDS][WORD_MAX];
	int n;
	int node, range; /* -1: there is none of that name */
	uint8_t bytes[32]; /* fingerprint or salt */
	struct view_range where;
	enum view_right right;
};

struct table *table_create(void)
{
	return calloc(1, sizeof(struct table));
}

void table_destroy(struct table *t)
{
	free(t);
}

/* ---- looking ---- */

static int find_name(const struct table *t, const char *name)
{
	int i;

	for (i = 0; i < TABLE_NODES; i++)
		if (t->node[i].name[0] && strcmp(t->node[i].name, name) == 0)
			return i;
	return -1;
}

static int find_range(const struct table *t, const char *name)
{
	int i;

	for (i = 0; i < TABLE_RANGES; i++)
		if (t->range[i].where.name[0] && strcmp(t->range[i].where.name, name) == 0)
			return i;
	return -1;
}

int table_find_node(const struct table *t, const uint8_t print[PEER_PRINT])
{
	int i;

	for (i = 0; i < TABLE_NODES; i++)
		if (t->node[i].name[0] && memcmp(t->node[i].print, print, PEER_PRINT) == 0)
			return i;
	return -1;
}

static int free_node(const struct table *t)
{
	int i;

	for (i = 0; i < TABLE_NODES && t->node[i].name[0]; i++)
		;
	return i < TABLE_NODES ? i : -1;
}

static int free_range(const struct table *t)
{
	int i;

	for (i = 0; i < TABLE_RANGES && t->range[i].where.name[0]; i++)
		;
	return i < TABLE_RANGES ? i : -1;
}

/* ---- words ---- */

/* Single blanks between words of printable characters, nothing else. */
static bool split(struct change *x, const char *line)
{
	size_t n;

	memset(x, 0, sizeof *x);
	if (strlen(line) >= TABLE_LINE)
		return false;
	while (*line) {
		for (n = 0; line[n] > ' ' && line[n] < 127; n++)
			;
		if (n == 0 || n >= WORD_MAX || x->n == WORDS)
			return false;
		memcpy(x->word[x->n++], line, n);
		line += n;
		if (*line == ' ' && line[1])
			line++;
		else if (*line)
			return false;
	}
	return x->n > 1;
}

/* In small letters: a line is written in one way. */
static bool read_hex(uint8_t to[32], const char *hex)
{
	return !hex[strspn(hex, "0123456789abcdef")] && hex_read(to, 32, hex, strlen(hex));
}

static bool read_number(uint64_t *to, const char *text, uint64_t max)
{
	char *end;

	errno = 0;
	*to = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *to <= max;
}

static bool read_where(struct view_range *r, char word[][WORD_MAX])
{
	uint64_t first, last;

	if (!view_name_valid(word[0], strlen(word[0])) || !view_name_valid(word[1], strlen(word[1])) ||
		!read_number(&r->from, word[2], INT64_MAX))
		return false;
	strcpy(r->name, word[0]);
	strcpy(r->pool, word[1]);
	if (strcmp(word[3], "end") == 0)
		r->to = UINT64_MAX;
	else if (!read_number(&r->to, word[3], INT64_MAX))
		return false;
	if (strcmp(word[4], "*") != 0) {
		if (strlen(word[4]) > SERVICE_NAME || !peer_name_valid(word[4], strlen(word[4])))
			return false;
		strcpy(r->service, word[4]);
	}
	if (!read_number(&first, word[5], SERVICE_CHANNELS_MAX) ||
		!read_number(&last, word[6], SERVICE_CHANNELS_MAX))
		return false;
	r->first = (uint32_t)first;
	r->last = (uint32_t)last;
	return r->from < r->to && first <= last;
}

/* ---- lines ---- */

static int no_line(struct err_text *e, const char *what)
{
	err_set(e, "%s", what);
	return -EINVAL;
}

static int need_node(const struct table *t, struct change *x, const char *name, struct err_text *e)
{
	x->node = find_name(t, name);
	if (x->node >= 0)
		return 0;
	err_set(e, "no node \"%.40s\"", name);
	return -ENOENT;
}

static int need_range(const struct table *t, struct change *x, const char *name, struct err_text *e)
{
	x->range = find_range(t, name);
	if (x->range >= 0)
		return 0;
	err_set(e, "no range \"%.40s\"", name);
	return -ENOENT;
}

static int check_node(const struct table *t, struct change *x, struct err_text *e)
{
	int other;

	if (x->n != 3 || !view_name_valid(x->word[1], strlen(x->word[1])) ||
		!read_hex(x->bytes, x->word[2]))
		return no_line(e, "node NAME FINGERPRINT, the SHA-256 of its certificate");
	x->node = find_name(t, x->word[1]);
	other = table_find_node(t, x->bytes);
	if (other >= 0 && other != x->node) {
		err_set(e, "that is the certificate of node \"%s\"", t->node[other].name);
		return -EEXIST;
	}
	if (x->node < 0)
		x->node = free_node(t);
	if (x->node >= 0)
		return 0;
	err_set(e, "there are %d nodes, and no more fit", TABLE_NODES);
	return -EUSERS;
}

static int check_range(const struct table *t, struct change *x, struct err_text *e)
{
	int i;

	if (x->n != 9 || !read_where(&x->where, x->word + 1) || !read_hex(x->bytes, x->word[8]))
		return no_line(e, "range NAME POOL FROM TO|end SERVICE|* FIRST LAST");
	if (find_range(t, x->word[1]) >= 0) {
		err_set(e, "there is a range \"%s\"", x->word[1]);
		return -EEXIST;
	}
	for (i = 0; i < TABLE_RANGES; i++)
		if (t->range[i].where.name[0] && view_ranges_meet(&t->range[i].where, &x->where)) {
			err_set(e, "range \"%s\" has some of that", t->range[i].where.name);
			return -EEXIST;
		}
	x->range = free_range(t);
	if (x->range >= 0)
		return 0;
	err_set(e, "there are %d ranges, and no more fit", TABLE_RANGES);
	return -EUSERS;
}

static int count_grants(const struct table *t)
{
	int i, j, n = 0;

	for (i = 0; i < TABLE_NODES; i++)
		for (j = 0; j < TABLE_RANGES; j++)
			n += t->right[i][j] != RIGHT_NONE;
	return n;
}

static int check_grant(const struct table *t, struct change *x, struct err_text *e)
{
	int rc;

	if (x->n != 4 || !view_parse_right(x->word[3], &x->right) || x->right == RIGHT_NONE)
		return no_line(e, "grant NODE RANGE read|write");
	rc = need_node(t, x, x->word[1], e);
	if (!rc)
		rc = need_range(t, x, x->word[2], e);
	if (rc || t->right[x->node][x->range] || count_grants(t) < TABLE_GRANTS)
		return rc;
	err_set(e, "there are %d grants, and no more fit", TABLE_GRANTS);
	return -EUSERS;
}

static int check_revoke(const struct table *t, struct change *x, struct err_text *e)
{
	int rc;

	if (x->n != 3)
		return no_line(e, "revoke NODE RANGE|*");
	rc = need_node(t, x, x->word[1], e);
	x->range = -1;
	return rc || strcmp(x->word[2], "*") == 0 ? rc : need_range(t, x, x->word[2], e);
}

static int check_rotate(const struct table *t, struct change *x, struct err_text *e)
{
	if (x->n != 3 || !read_hex(x->bytes, x->word[2]))
		return no_line(e, "rotate RANGE");
	return need_range(t, x, x->word[1], e);
}

static int check_drop_node(const struct table *t, struct change *x, struct err_text *e)
{
	return x->n == 2 ? need_node(t, x, x->word[1], e) : no_line(e, "drop-node NAME");
}

static int check_drop_range(const struct table *t, struct change *x, struct err_text *e)
{
	return x->n == 2 ? need_range(t, x, x->word[1], e) : no_line(e, "drop-range NAME");
}

static void do_node(struct table *t, const struct change *x)
{
	struct table_node *n = &t->node[x->node];

	strcpy(n->name, x->word[1]);
	memcpy(n->print, x->bytes, PEER_PRINT);
}

static void do_range(struct table *t, const struct change *x)
{
	t->range[x->range].where = x->where;
	memcpy(t->range[x->range].salt, x->bytes, TABLE_SALT);
}

static void do_right(struct table *t, const struct change *x)
{
	if (x->range < 0)
		memset(t->right[x->node], RIGHT_NONE, TABLE_RANGES);
	else
		t->right[x->node][x->range] = (uint8_t)x->right;
}

static void do_rotate(struct table *t, const struct change *x)
{
	memcpy(t->range[x->range].salt, x->bytes, TABLE_SALT);
}

static void do_drop_node(struct table *t, const struct change *x)
{
	memset(&t->node[x->node], 0, sizeof t->node[0]);
	memset(t->right[x->node], RIGHT_NONE, TABLE_RANGES);
}

static void do_drop_range(struct table *t, const struct change *x)
{
	int i;

	memset(&t->range[x->range], 0, sizeof t->range[0]);
	for (i = 0; i < TABLE_NODES; i++)
		t->right[i][x->range] = RIGHT_NONE;
}

static const struct verb {
	const char *name;
	int (*check)(const struct table *t, struct change *x, struct err_text *e);
	void (*change)(struct table *t, const struct change *x);
} verbs[] = {
	{"node", check_node, do_node},
	{"range", check_range, do_range},
	{"grant", check_grant, do_right},
	{"revoke", check_revoke, do_right},
	{"rotate", check_rotate, do_rotate},
	{"drop-node", check_drop_node, do_drop_node},
	{"drop-range", check_drop_range, do_drop_range},
};

static int look(const struct table *t, const char *line, struct change *x,
	const struct verb **verb, struct err_text *e)
{
	size_t i;

	if (!split(x, line))
		return no_line(e, "not a line of words, or too long");
	for (i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(x->word[0], verbs[i].name) == 0) {
			*verb = &verbs[i];
			return verbs[i].check(t, x, e);
		}
	return no_line(e, "no such command; see hedbctl(1)");
}

int table_try(const struct table *t, const char *line, struct err_text *e)
{
	const struct verb *verb;
	struct change x;

	return look(t, line, &x, &verb, e);
}

int table_apply(struct table *t, const char *line, struct err_text *e)
{
	const struct verb *verb;
	struct change x;
	int rc = look(t, line, &x, &verb, e);

	if (rc)
		return rc;
	verb->change(t, &x);
	t->version++;
	return 0;
}

/* ---- views ---- */

void table_key(uint8_t key[VIEW_KEY], const uint8_t salt[TABLE_SALT],
	const uint8_t master[TABLE_MASTER])
{
	static const char label[] = "key of a range";
	crypto_generichash_state s;

	crypto_generichash_init(&s, master, TABLE_MASTER, VIEW_KEY);
	crypto_generichash_update(&s, (const uint8_t *)label, sizeof label);
	crypto_generichash_update(&s, salt, TABLE_SALT);
	crypto_generichash_final(&s, key, VIEW_KEY);
	sodium_memzero(&s, sizeof s);
}

/* Never 0, which is no key's. */
static uint64_t key_id(const uint8_t salt[TABLE_SALT])
{
	uint64_t id;

	memcpy(&id, salt, sizeof id);
	return id ? id : 1;
}

static void put_text(struct writer *w, const char *text)
{
	writer_u8(w, (uint8_t)strlen(text));
	writer_bytes(w, text, strlen(text));
}

static bool serves(const struct peer *p, const char *service)
{
	return service[0] ? peer_may(p, service, true) : p->roles & (PEER_SERVES_OPS | PEER_SERVES_KV);
}

static void put_members(const struct table *t, int range, struct writer *w)
{
	struct writer at = *w;
	uint32_t n = 0;
	int i;

	writer_u32(w, 0);
	for (i = 0; i < TABLE_NODES; i++) {
		if (!t->right[i][range])
			continue;
		writer_bytes(w, t->node[i].print, PEER_PRINT);
		writer_u8(w, t->right[i][range]);
		n++;
	}
	writer_u32(&at, n);
}

static void put_range(const struct table *t, int node, int range, const struct peer *p,
	const uint8_t master[TABLE_MASTER], struct writer *w)
{
	const struct table_range *r = &t->range[range];
	uint8_t key[VIEW_KEY];

	put_text(w, r->where.name);
	put_text(w, r->where.pool);
	writer_u64(w, r->where.from);
	writer_u64(w, r->where.to);
	put_text(w, r->where.service);
	writer_u32(w, r->where.first);
	writer_u32(w, r->where.last);
	writer_u8(w, t->right[node][range]);
	writer_u64(w, key_id(r->salt));
	table_key(key, r->salt, master);
	writer_bytes(w, key, sizeof key);
	sodium_memzero(key, sizeof key);
	if (serves(p, r->where.service))
		put_members(t, range, w);
	else
		writer_u32(w, 0);
}

size_t table_view(const struct table *t, const struct peer *p, uint32_t lease_ms,
	const uint8_t master[TABLE_MASTER], uint8_t *to, size_t size)
{
	int node = table_find_node(t, p->print), i;
	struct writer w = writer_of(to, size);
	uint16_t n = 0;

	for (i = 0; node >= 0 && i < TABLE_RANGES; i++)
		n = (uint16_t)(n + (t->right[node][i] != RIGHT_NONE));
	writer_u64(&w, t->version + 1); /* 0 is no version of a view */
	writer_u32(&w, lease_ms);
	writer_u8(&w, node >= 0);
	writer_u16(&w, n);
	for (i = 0; node >= 0 && i < TABLE_RANGES; i++)
		if (t->right[node][i])
			put_range(t, node, i, p, master, &w);
	return w.bad ? 0 : size - w.left;
}

/* ---- as lines ---- */

static void hex_of(char hex[65], const uint8_t bytes[32])
{
	sodium_bin2hex(hex, 65, bytes, 32);
}

static void where_text(char text[TABLE_LINE], const struct view_range *r)
{
	char to[24] = "end";

	if (r->to != UINT64_MAX)
		snprintf(to, sizeof to, "%llu", (unsigned long long)r->to);
	snprintf(text, TABLE_LINE, "%s %s %llu %s %s %u %u", r->name, r->pool,
		(unsigned long long)r->from, to, r->service[0] ? r->service : "*", r->first, r->last);
}

static int each_grant(const struct table *t, int (*take)(void *arg, const char *line), void *arg)
{
	char line[TABLE_LINE];
	int i, j, rc = 0;

	for (i = 0; i < TABLE_NODES && !rc; i++)
		for (j = 0; j < TABLE_RANGES && !rc; j++) {
			if (!t->right[i][j])
				continue;
			snprintf(line, sizeof line, "grant %s %s %s", t->node[i].name,
				t->range[j].where.name, view_right_name((enum view_right)t->right[i][j]));
			rc = take(arg, line);
		}
	return rc;
}

int table_each(const struct table *t, int (*take)(void *arg, const char *line), void *arg)
{
	char line[TABLE_LINE], where[TABLE_LINE], hex[65];
	int i, rc = 0;

	for (i = 0; i < TABLE_NODES && !rc; i++) {
		if (!t->node[i].name[0])
			continue;
		hex_of(hex, t->node[i].print);
		snprintf(line, sizeof line, "node %s %s", t->node[i].name, hex);
		rc = take(arg, line);
	}
	for (i = 0; i < TABLE_RANGES && !rc; i++) {
		if (!t->range[i].where.name[0])
			continue;
		hex_of(hex, t->range[i].salt);
		where_text(where, &t->range[i].where);
		snprintf(line, sizeof line, "range %.300s %s", where, hex);
		rc = take(arg, line);
	}
	return rc ? rc : each_grant(t, take, arg);
}

static int print_line(void *arg, const char *line)
{
	const char *salt = strrchr(line, ' ');

	/* A range by its key's id: nobody wants to read the salt. */
	if (strncmp(line, "range ", 6) == 0)
		fprintf(arg, "%.*s key %.2s%.2s%.2s%.2s%.2s%.2s%.2s%.2s\n", (int)(salt - line), line,
			salt + 15, salt + 13, salt + 11, salt + 9, salt + 7, salt + 5, salt + 3, salt + 1);
	else
		fprintf(arg, "%s\n", line);
	return 0;
}

void table_print(const struct table *t, FILE *f)
{
	fprintf(f, "version %llu\n", (unsigned long long)(t->version + 1));
	table_each(t, print_line, f);
}
