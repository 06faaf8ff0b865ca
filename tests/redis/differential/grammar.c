/* SPDX-License-Identifier: BSD-3-Clause */
#include "grammar.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "die.h"
#include "random.h"
#include "words.h"

static struct spec *specs; /* owned */
static size_t nspecs;
static unsigned total_weight;

/*
 * What is not sent, and why. A name ends in * for all that begin so.
 *
 * Not about data, and another thing by each connection or at each moment: there is no
 * equal answer. Or it would end, stop or change the servers themselves.
 */
static const char *const left_out[] = {
	"acl|setuser", "acl|deluser", "acl|save", "acl|load", "acl|genpass", "acl|log", "acl|whoami", "acl|list",
	"auth", "hello", "reset", "quit", "client*", "monitor", /* the connection's own */
	"config|set", "config|rewrite", "config|resetstat", "debug", "module*", "shutdown",
	"failover", "replicaof", "slaveof", "psync", "sync", "replconf", "role", "wait",
	"save", "bgsave", "bgrewriteaof", "lastsave", "info", "latency*", "slowlog*", "memory*",
	"lolwut", "migrate", "pfselftest", "pfdebug", "script|debug", "cxlring.*", "time",
	"asking", "readonly", "readwrite", "cluster*",
	/* by chance, and what they do to the data as well */
	"spop", "randomkey",
};

static bool is_left_out(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof left_out / sizeof *left_out; i++) {
		size_t n = strcspn(left_out[i], "*");

		if (left_out[i][n] ? strncmp(name, left_out[i], n) == 0
						   : strcmp(name, left_out[i]) == 0)
			return true;
	}
	return false;
}

/* ---- out of COMMAND and COMMAND DOCS ---- */

/* The value of `name` in an array of names and values; NULL when it is not there. */
static const struct cxlring_reply *field(const struct cxlring_reply *map, const char *name)
{
	size_t i;

	for (i = 0; i + 1 < map->elements; i += 2)
		if (strcmp(map->element[i]->str, name) == 0)
			return map->element[i + 1];
	return NULL;
}

static const char *text(const struct cxlring_reply *map, const char *name)
{
	const struct cxlring_reply *r = field(map, name);

	return r && r->str ? r->str : "";
}

static bool has(const struct cxlring_reply *list, const char *word)
{
	size_t i;

	for (i = 0; list && i < list->elements; i++)
		if (list->element[i]->str && strcmp(list->element[i]->str, word) == 0)
			return true;
	return false;
}

static enum arg_type type_of(const char *name)
{
	static const char *const names[] = {"string", "integer", "double", "key", "pattern",
		"unix-time", "pure-token", "oneof", "block"};
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], name) == 0)
			return (enum arg_type)i;
	return ARG_STRING; /* of a later Redis */
}

static struct arg *read_args(const struct cxlring_reply *list, size_t *n)
{
	struct arg *args;
	size_t i;

	*n = list ? list->elements : 0;
	args = calloc(*n + 1, sizeof *args);
	for (i = 0; i < *n; i++) {
		const struct cxlring_reply *r = list->element[i], *flags = field(r, "flags");
		struct arg *a = &args[i];

		snprintf(a->name, sizeof a->name, "%s", text(r, "name"));
		a->type = type_of(text(r, "type"));
		a->token = field(r, "token") ? strdup(text(r, "token")) : NULL;
		a->optional = has(flags, "optional");
		a->multiple = has(flags, "multiple");
		a->multiple_token = has(flags, "multiple_token");
		a->child = read_args(field(r, "arguments"), &a->n);
	}
	return args;
}

static bool has_time(const struct arg *a, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (a[i].type == ARG_TIME || strcmp(a[i].name, "ttl") == 0 ||
			strstr(a[i].name, "seconds") || has_time(a[i].child, a[i].n))
			return true;
	return false;
}

static unsigned weight_of(const struct spec *s)
{
	static const char *const often[] = {"get", "set", "del", "exists", "incrby"};
	size_t i;

	if (strncmp(s->name, "flush", 5) == 0 || strcmp(s->name, "swapdb") == 0 ||
		strcmp(s->name, "function|flush") == 0)
		return 1;
	for (i = 0; i < sizeof often / sizeof *often; i++)
		if (strcmp(s->name, often[i]) == 0)
			return 60;
	if (strcmp(s->group, "transactions") == 0)
		return 100;
	if (strncmp(s->name, "eval", 4) == 0)
		return 30;
	if (s->fast) /* those that a module would hurry up */
		return 40;
	if (words_type(s->group) || strcmp(s->group, "generic") == 0)
		return 20;
	return 5;
}

/* `info` is its element of COMMAND, `docs` of COMMAND DOCS, which may be NULL. */
static void add(const struct cxlring_reply *info, const struct cxlring_reply *docs)
{
	const char *name = info->element[0]->str;
	const struct cxlring_reply *flags = info->element[2], *subs = info->element[9], *sub;
	struct spec *s;
	size_t i;

	for (i = 0; i < subs->elements; i++) {
		sub = docs ? field(docs, "subcommands") : NULL;
		add(subs->element[i],
			sub ? field(sub, subs->element[i]->element[0]->str) : NULL);
	}
	if (is_left_out(name) || !docs)
		return;
	specs = realloc(specs, (nspecs + 1) * sizeof *specs);
	s = memset(&specs[nspecs++], 0, sizeof *s);
	snprintf(s->name, sizeof s->name, "%s", name);
	snprintf(s->group, sizeof s->group, "%s", text(docs, "group"));
	s->arg = read_args(field(docs, "arguments"), &s->n);
	s->blocks = has(flags, "blocking");
	/* XREAD blocks when told to; that is seen when it has been. */
	s->connection = strcmp(s->name, "select") == 0 || (s->blocks && strncmp(s->name, "xread", 5) != 0) ||
					strcmp(s->group, "transactions") == 0 || strstr(s->name, "subscribe");
	s->fast = has(flags, "fast");
	s->unordered = has(info->element[7], "nondeterministic_output_order");
	s->timed = has_time(s->arg, s->n);
	s->weight = subs->elements ? 1 : weight_of(s);
	total_weight += s->weight;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct spec *)a)->name, ((const struct spec *)b)->name);
}

void grammar_load(struct wire *w)
{
	struct cxlring_reply *all = wire_ask(w, "command", NULL);
	struct cxlring_reply *docs = wire_ask(w, "command", "docs", NULL);
	size_t i;

	for (i = 0; i < all->elements; i++)
		add(all->element[i], field(docs, all->element[i]->element[0]->str));
	cxlring_free(all);
	cxlring_free(docs);
	/* COMMAND has them in an order of each server's own, a seed needs one. */
	qsort(specs, nspecs, sizeof *specs, by_name);
	if (nspecs < 100)
		die(DIE_TROUBLE, "COMMAND DOCS names %zu commands only", nspecs);
	words_learn(w);
}

size_t grammar_count(void)
{
	return nspecs;
}

const struct spec *grammar_of(const struct command *c)
{
	const struct spec *found = NULL;
	size_t i;

	for (i = 0; i < nspecs; i++) {
		const char *name = specs[i].name;
		size_t n = strcspn(name, "|");

		if (c->n == 0 || c->len[0] != n || strncasecmp(c->word[0], name, n) != 0)
			continue;
		if (!name[n])
			found = &specs[i]; /* CONFIG, if it is none of CONFIG's own */
		else if (c->n > 1 && strcasecmp(c->word[1], name + n + 1) == 0)
			return &specs[i];
	}
	return found;
}

/* ---- random commands ---- */

struct walk {
	struct command *c;
	const struct spec *s;
	char type;      /* letter of its keys */
	size_t numkeys; /* the word that says how many keys come; 0: none */
};

static void emit(struct walk *w, const struct arg *a);

static void emit_value(struct walk *w, const struct arg *a)
{
	unsigned i;

	switch (a->type) {
	case ARG_TOKEN:
		break;
	case ARG_ONEOF:
		/* "*" of XADD is an id by the clock. */
		do
			i = below((unsigned)a->n);
		while (a->child[i].token && strcmp(a->child[i].token, "*") == 0);
		emit(w, &a->child[i]);
		break;
	case ARG_BLOCK:
		for (i = 0; i < a->n; i++)
			emit(w, &a->child[i]);
		break;
	default:
		if (strcmp(a->name, "numkeys") == 0)
			w->numkeys = w->c->n;
		words_for(w->c, w->s, a, w->type);
	}
}

static void emit(struct walk *w, const struct arg *a)
{
	unsigned i, times = a->multiple ? 1 + below(3) : 1;
	size_t before;

	if (a->optional && chance(a->type == ARG_KEY ? 20 : 65))
		return;
	if (a->multiple && chance(2))
		times = 20 + below(180);
	before = w->c->n;
	for (i = 0; i < times; i++) {
		if (a->token && (i == 0 || a->multiple_token))
			command_text(w->c, a->token);
		emit_value(w, a);
	}
	if (a->type == ARG_KEY && w->numkeys && chance(95)) {
		char n[12];

		sprintf(n, "%zu", w->c->n - before);
		command_set(w->c, w->numkeys, n);
		w->numkeys = 0;
	}
}

static void random_case(char *word)
{
	for (; *word; word++)
		*word = (char)(chance(50) ? toupper((unsigned char)*word) : tolower((unsigned char)*word));
}

/* A command that somebody wrote wrongly. Nothing by which it would wait for ever, answer
 * with a million words, or expire in a moment. */
static void spoil(struct command *c, const struct spec *s)
{
	size_t i = 1 + below((unsigned)c->n);

	if (s->blocks || strstr(s->name, "rand"))
		return;
	switch (below(s->timed ? 3 : 5)) {
	case 0:
		if (i < c->n)
			command_drop(c, i);
		break;
	case 1:
		words_odd(c);
		break;
	case 2:
		if (i < c->n) {
			struct command odd = {0};

			words_odd(&odd);
			command_set(c, i, odd.word[0]);
			command_free(&odd);
		}
		break;
	case 3:
		if (i < c->n)
			command_add(c, c->word[i], c->len[i]);
		break;
	default:
		if (i + 1 < c->n) {
			char *word = c->word[i];
			size_t len = c->len[i];

			c->word[i] = c->word[i + 1], c->len[i] = c->len[i + 1];
			c->word[i + 1] = word, c->len[i + 1] = len;
		}
	}
}

/*
 * By words only where all scores are equal: else Redis promises nothing, and what comes
 * depends on a skip list's random levels. Such a sorted set has no other command.
 */
static void keep_lexical(struct command *c)
{
	size_t key = command_is(c, "zrangestore") ? 2 : 1;

	if (c->n <= key || !(strstr(c->spec->name, "lex") || command_has(c, "bylex")))
		return;
	if (chance(60)) {
		command_set(c, key, "lexical");
		return;
	}
	while (c->n)
		command_drop(c, c->n - 1);
	command_text(c, "zadd");
	command_text(c, "lexical");
	command_text(c, "0");
	words_value(c);
	c->spec = grammar_of(c);
}

static void fill(struct command *c, const struct spec *s)
{
	struct walk w = {.c = c, .s = s, .type = words_type(s->group)};
	const char *bar = strchr(s->name, '|');
	size_t i;

	if (!w.type && chance(85))
		w.type = "shlezxbpg"[below(9)];
	command_add(c, s->name, bar ? (size_t)(bar - s->name) : strlen(s->name));
	if (bar)
		command_text(c, bar + 1);
	if (chance(10))
		random_case(c->word[0]);
	for (i = 0; i < s->n; i++)
		emit(&w, &s->arg[i]);
	/* The docs say of no more than "a command". */
	if (strncmp(s->name, "command|getkeys", 15) == 0)
		fill(c, &specs[below((unsigned)nspecs)]);
	else if (strcmp(s->name, "geoadd") == 0 && chance(50))
		words_value(c);
	if (chance(5))
		spoil(c, s);
	c->spec = grammar_of(c);
	keep_lexical(c);
}

static const struct spec *pick(void)
{
	unsigned at = below(total_weight);
	const struct spec *s = specs;

	while (at >= s->weight)
		at -= s++->weight;
	return s;
}

/* Until it has expired nobody looks. */
static void short_lived(struct command *c)
{
	static const char *const how[][2] = {{"pexpire", ""}, {"psetex", ""}, {"set", "PX"}};
	unsigned i = below(3);

	command_text(c, how[i][0]);
	words_key(c, i ? 's' : 0);
	if (i == 2)
		words_value(c);
	if (i == 2)
		command_text(c, "PX");
	command_number(c, 30 + below(5)); /* more than a server may stand still between two looks */
	if (i == 1)
		words_value(c);
	c->spec = grammar_of(c);
	c->pause_ms = 50;
}

/* Equal weights come in the order that the set has, and some of them are not the same. */
static bool ties(const struct command *c)
{
	return strncasecmp(c->word[0], "sort", 4) == 0 && command_has(c, "by") &&
		   (command_has(c, "store") || command_has(c, "limit"));
}

void grammar_command(struct command *c, bool connected, bool expiring)
{
	const struct spec *s;
	bool blocks;

	words_past(expiring);
	if (expiring && chance(1)) {
		short_lived(c);
		return;
	}
	if (chance(1) && chance(30)) {
		command_text(c, chance(50) ? "nosuchcommand" : "object");
		words_value(c);
		words_value(c);
		c->spec = NULL;
		return;
	}
	for (;;) {
		s = pick();
		if ((s->connection && !connected) || (expiring && strstr(s->name, "scan")) ||
			strstr(s->name, "subscribe"))
			continue;
		fill(c, s);
		blocks = s->blocks && command_has(c, "block");
		if ((connected || !blocks) && !ties(c))
			return;
		command_free(c);
	}
}

void grammar_named(struct command *c, const char *name)
{
	struct command key = {0};
	const struct spec *s;

	command_text(&key, name);
	s = grammar_of(&key);
	command_free(&key);
	if (!s)
		die(DIE_TROUBLE, "the server knows no %s", name);
	fill(c, s);
}

void grammar_verb(struct command *c)
{
	static const char *const verbs[] = {"get", "get", "get", "set", "set", "set", "del",
		"exists", "incrby", "ping"};

	grammar_named(c, ONE_OF(verbs));
}

void grammar_confined(struct command *c)
{
	static const char *const not[] = {"copy", "move", "scan"};
	size_t i;

	for (;;) {
		const struct spec *s = pick();
		bool ok = !s->connection && (words_type(s->group) || strcmp(s->group, "generic") == 0);

		for (i = 0; i < sizeof not / sizeof *not; i++)
			ok = ok && strcmp(s->name, not[i]) != 0;
		if (!ok)
			continue;
		fill(c, s);
		if (!(s->blocks && command_has(c, "block")) && !ties(c))
			return;
		command_free(c);
	}
}
