/* SPDX-License-Identifier: BSD-3-Clause */
#include "words.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"

static const char types[] = "shlezxbpg";

char words_type(const char *group)
{
	static const struct {
		const char *group;
		char type;
	} of[] = {{"string", 's'}, {"hash", 'h'}, {"list", 'l'}, {"set", 'e'},
		{"sorted-set", 'z'}, {"sorted_set", 'z'}, {"stream", 'x'}, {"bitmap", 'b'},
		{"hyperloglog", 'p'}, {"geo", 'g'}};
	size_t i;

	for (i = 0; i < sizeof of / sizeof *of; i++)
		if (strcmp(of[i].group, group) == 0)
			return of[i].type;
	return 0;
}

static void many_of(struct command *c, char byte, size_t len)
{
	char *p = malloc(len + 1);

	memset(p, byte, len);
	command_add(c, p, len);
	free(p);
}

void words_key(struct command *c, char type)
{
	char text[32];

	if (chance(1)) {
		switch (below(5)) {
		case 0: command_add(c, "", 0); return;
		case 1: command_add(c, "s\0" "0", 3); return;
		case 2: command_add(c, "\xff\xfe\r\n", 4); return;
		case 3: many_of(c, 'k', 300 + below(300)); return;
		default: command_text(c, "{tag}s0"); return;
		}
	}
	if (!type || chance(7))
		type = types[below(sizeof types - 1)];
	command_add(c, text, (size_t)sprintf(text, "%c%u", type, below(5)));
}

/* No -0: a sorted set's encoding, which a replica need not share, decides whether a score
 * keeps that sign (SORT that fails converts its set, and is not propagated). */
static const char *const limits[] = {"9223372036854775807", "-9223372036854775808",
	"9223372036854775808", "18446744073709551615", "4294967296", "2147483648",
	"-2147483649", "-9223372036854775807", "99999999999999999999", "0", "-1", "00",
	"+1", " 1", "1 ", "1e3", "0x10", "", "1.0"};

static const char *const doubles[] = {"0", "1", "-1", "1.5", "-2.25", "3.0e2", "inf", "-inf",
	"nan", "1e308", "-1e308", "1e-320", "0.1", "0.30000000000000004", "abc", "", "+5",
	"123456789012345678", "17179869184.5", "0x1p3"};

static void integer(struct command *c)
{
	if (chance(7))
		command_text(c, ONE_OF(limits));
	else if (chance(70))
		command_number(c, (long long)below(12) - 3);
	else
		command_number(c, (long long)below(2000) - 500);
}

static void real(struct command *c)
{
	if (chance(60))
		command_number(c, (long long)below(20) - 5);
	else
		command_text(c, ONE_OF(doubles));
}

static void small_text(struct command *c)
{
	static const char *const some[] = {"a", "b", "c", "d", "e", "f1", "f2", "m1", "m2", "m3",
		"hello", "wor ld", "A"};

	command_text(c, ONE_OF(some));
}

void words_value(struct command *c)
{
	static const unsigned sizes[] = {20, 21, 43, 44, 45, 63, 64, 65, 100, 128, 129, 500, 4000};
	unsigned i, n;
	char byte[64];

	switch (below(12)) {
	case 0: case 1: case 2: case 3: case 4:
		small_text(c);
		break;
	case 5: case 6:
		integer(c);
		break;
	case 7:
		command_text(c, ONE_OF(limits));
		break;
	case 8:
		command_text(c, ONE_OF(doubles));
		break;
	case 9:
		n = below(sizeof byte);
		for (i = 0; i < n; i++)
			byte[i] = (char)(chance(30) ? "\0\r\n$-+:*\xff"[below(9)] : (int)below(256));
		command_add(c, byte, n);
		break;
	case 10:
		many_of(c, (char)('a' + below(26)), ONE_OF(sizes));
		break;
	default:
		if (chance(10))
			many_of(c, (char)('a' + below(26)), 10000 + below(140000)); /* over a ring's size */
		else
			command_number(c, below(100000));
	}
}

void words_odd(struct command *c)
{
	static const char *const odd[] = {"", "NX", "XX", "GET", "COUNT", "LIMIT", "0", "-1",
		"nosuch", "WITHSCORES", "inf", "nan", "(", "[", "-", "+", "$", "~", "=", "9223372036854775807",
		"-9223372036854775808", "18446744073709551616", "1e400", "STORE", "REV", "BYLEX",
		"KEEPTTL", "\xff", "ch", "INCR"};

	if (chance(5))
		command_add(c, "\0", 1);
	else
		command_text(c, ONE_OF(odd));
}

/* ---- times: far away, or over; a few milliseconds only where it is waited for ---- */

static void seconds(struct command *c)
{
	static const char *const some[] = {"1000", "5000", "100000", "0", "-1", "-1000",
		"9223372036854775807", "9223372036854775", "-9223372036854775808", "abc", "1.5"};

	command_text(c, chance(70) ? some[below(3)] : ONE_OF(some));
}

static void milliseconds(struct command *c)
{
	static const char *const some[] = {"1000000", "5000001", "100000000", "0", "-1",
		"9223372036854775807", "9223372036854775806", "-9223372036854775808", "abc", "1.5"};

	command_text(c, chance(70) ? some[below(3)] : ONE_OF(some));
}

static bool past;

void words_past(bool allowed)
{
	past = allowed;
}

/* The first three are far away, and then some that are no times at all. */
static void unix_time(struct command *c, bool ms)
{
	static const char *const s[] = {"4102444800", "4102444801", "33177117420", "0", "-1", "x",
		"9223372036854775807", "9223372036854775", "1", "1000000000"};
	static const char *const m[] = {"4102444800000", "4102444800001", "33177117420000", "0", "-1",
		"x", "9223372036854775807", "-9223372036854775808", "1", "1000000000000"};

	unsigned i = below(chance(70) ? 3 : past ? 10 : 8);

	command_text(c, ms ? m[i] : s[i]);
}

/* ---- streams ---- */

static void entry(struct command *c)
{
	static const char *const some[] = {"0", "0-0", "5", "7-1", "100-0", "$", "-", "+",
		"18446744073709551615-18446744073709551615", "18446744073709551615", "a-b", "5-",
		"-5", "0-1"};
	char text[32];

	if (chance(25))
		command_text(c, ONE_OF(some));
	else
		command_add(c, text, (size_t)sprintf(text, "%u-%u", 1 + below(60), below(3)));
}

static void new_entry(struct command *c)
{
	char text[32];

	if (chance(15))
		entry(c);
	else if (chance(15))
		command_add(c, text, (size_t)sprintf(text, "%u-*", 1 + below(60)));
	else
		command_add(c, text, (size_t)sprintf(text, "%u-%u", 1 + below(60), below(5)));
}

static void range_entry(struct command *c)
{
	char text[32];

	if (chance(50))
		command_text(c, chance(50) ? "-" : "+");
	else
		command_add(c, text,
			(size_t)sprintf(text, "%s%u-%u", chance(20) ? "(" : "", below(60), below(3)));
}

/* ---- sorted sets ---- */

static void score_limit(struct command *c)
{
	static const char *const some[] = {"-inf", "+inf", "inf", "(0", "(1.5", "(-inf", "nan", "a",
		"(", "", "(inf"};
	char text[32];

	if (chance(50))
		command_text(c, ONE_OF(some));
	else
		command_add(c, text,
			(size_t)sprintf(text, "%s%d", chance(20) ? "(" : "", (int)below(20) - 5));
}

static void lex_limit(struct command *c)
{
	static const char *const some[] = {"-", "+", "[a", "(a", "[m1", "(m3", "[", "(", "a", "[zzz",
		""};

	command_text(c, ONE_OF(some));
}

/* ---- scripts, functions, payloads ---- */

static const char *const scripts[] = {
	"return 1", "return redis.call('set',KEYS[1],ARGV[1])", "return redis.call('get',KEYS[1])",
	"return {1,2,{3,'four'},false,true}", "return redis.error_reply('MYERR of mine')",
	"return redis.status_reply('FINE')", "return redis.pcall('incr',KEYS[1])",
	"return redis.call('incr',KEYS[1])", "return {KEYS,ARGV}", "return nil",
	"return 3.99", "return tostring(3.99)", "return #KEYS", "return nosuch", "return (",
	"redis.setresp(3) return redis.call('zscore',KEYS[1],'m1')",
	"redis.setresp(3) return redis.call('sismember',KEYS[1],'a')",
	"return {double=3.5}", "return {map={a=1}}", "return {set={a=true}}",
	"redis.setresp(3) return {double=3.25}", "return {err='ERR table'}", "return {ok='fine'}",
	"for i=1,20 do redis.call('rpush',KEYS[1],i) end return redis.call('llen',KEYS[1])",
	"redis.call('set',KEYS[1],'x') redis.call('nosuch') return 1",
	"redis.call('set',KEYS[1],'x') return redis.call('lpush',KEYS[1],'y')",
	"return redis.sha1hex(ARGV[1])", "return cjson.encode({1,2,ARGV[1]})",
	"#!lua flags=no-writes\nreturn redis.call('get',KEYS[1])",
	"#!lua flags=no-writes\nreturn redis.call('set',KEYS[1],'x')",
	"#!lua flags=allow-oom\nreturn redis.call('append',KEYS[1],ARGV[1])", "#!lua flags=nosuch\nreturn 1",
	"return redis.call('expire',KEYS[1],100000)", "return redis.call('del',KEYS[1],KEYS[2])",
	"return redis.call('hset',KEYS[1],'f1',ARGV[1])", "return redis.call('type',KEYS[1])",
	"return redis.call('multi')", "return redis.call('select',0)", "return redis.call('blpop',KEYS[1],1)",
	"redis.call('publish','from','script') return redis.call('ping')",
	"return redis.call('xadd',KEYS[1],'100-*','f1',ARGV[1])", "return string.rep('x',70000)",
	"local t={} for i=1,300 do t[i]=i end return t", "error('bare')", "error({err='ERR in table'})",
	"return redis.call('rename',KEYS[1],KEYS[2])",
};

static const char *const libraries[] = {
	"#!lua name=lib1\nredis.register_function('fa',function(k,a) return redis.call('set',k[1],a[1]) end)",
	"#!lua name=lib2\nredis.register_function{function_name='fb',callback=function(k,a) return #a end,"
	"flags={'no-writes'}}",
	"#!lua name=lib1\nredis.register_function('fa',function(k,a) return 'other' end)",
	"#!lua name=lib3\nredis.register_function('fa',function() return 1 end)",
	"#!lua name=bad\nreturn (", "no shebang", "#!js name=x\n", "#!lua name=none\nreturn 1", "",
};

enum { SCRIPTS = sizeof scripts / sizeof *scripts, DUMPS = 8 };

static char *sha[SCRIPTS];
static struct value payload[DUMPS], library_payload;

static struct value text_of(struct cxlring_reply *r)
{
	struct value v = value_of(r->len ? r->str : "", r->len);

	cxlring_free(r);
	return v;
}

void words_learn(struct wire *w)
{
	size_t i;

	wire_do(w, "flushall", NULL);
	wire_do(w, "function", "flush", NULL);
	for (i = 0; i < SCRIPTS; i++)
		sha[i] = text_of(wire_ask(w, "script", "load", scripts[i], NULL)).data;
	wire_do(w, "script", "flush", NULL);
	wire_do(w, "set", "a", "text", NULL);
	wire_do(w, "set", "b", "12345", NULL);
	wire_do(w, "rpush", "c", "1", "two", "3", NULL);
	wire_do(w, "sadd", "d", "1", "2", "3", NULL);
	wire_do(w, "zadd", "e", "1", "m1", "2.5", "m2", NULL);
	wire_do(w, "hset", "f", "f1", "a", "f2", "b", NULL);
	wire_do(w, "xadd", "g", "1-1", "f1", "a", NULL);
	for (i = 0; i < DUMPS; i++) {
		char key[2] = {(char)('a' + (i < 7 ? i : 0)), 0};

		payload[i] = text_of(wire_ask(w, "dump", key, NULL));
	}
	payload[7].data[payload[7].len - 1] ^= 1; /* a checksum that is wrong */
	wire_do(w, "flushall", NULL);
	wire_do(w, "function", "load", libraries[0], NULL);
	library_payload = text_of(wire_ask(w, "function", "dump", NULL));
	wire_do(w, "function", "flush", NULL);
}

static void script(struct command *c)
{
	command_text(c, ONE_OF(scripts));
}

static void script_sha(struct command *c)
{
	if (chance(10))
		command_text(c, chance(50) ? "ffffffffffffffffffffffffffffffffffffffff" : "short");
	else
		command_text(c, sha[below(SCRIPTS)]);
}

static void serialized(struct command *c, const struct spec *s)
{
	const struct value *v = strncmp(s->name, "function", 8) == 0 && chance(80)
								? &library_payload
								: &payload[below(DUMPS)];

	command_add(c, v->data, v->len);
}

static void pattern(struct command *c, const struct spec *s)
{
	static const char *const globs[] = {"*", "?0", "[a-m]*", "s*", "*1", "nosuch*", "\\*", "[", ""};
	static const char *const by[] = {"s*", "nosort", "h*->f1", "#", "nosuch*", "h*->", "*"};

	command_text(c, strncmp(s->name, "sort", 4) == 0 ? ONE_OF(by) : ONE_OF(globs));
}

static void timeout(struct command *c)
{
	static const char *const some[] = {"0.01", "0.002", "0.005", "-1", "abc", "1e400", ""};

	command_text(c, chance(80) ? some[below(3)] : ONE_OF(some));
}

static void any_of(struct command *c, const char *const *list, size_t n)
{
	command_text(c, list[below((unsigned)n)]);
}

#define WORDS(...)                                                                          \
	{                                                                                       \
		static const char *const list[] = {__VA_ARGS__};                                    \
		any_of(c, list, sizeof list / sizeof *list);                                        \
		return true;                                                                        \
	}

/* ---- arguments that have words of their own, by their names in COMMAND DOCS ---- */

static bool named(const char *n, const char *a, const char *b)
{
	return strcmp(n, a) == 0 || strcmp(n, b) == 0;
}

/* Whatever the command. */
static bool of_list(struct command *c, const char *n)
{
	static const struct {
		const char *name, *words[10];
	} lists[] = {
		{"function", {"fa", "fb", "nosuch"}},
		{"longitude", {"13.361389", "15.087269", "0", "-180", "180.1", "2.5", "nan"}},
		{"latitude", {"38.115556", "37.502669", "0", "-85.05", "86", "48.8", "x"}},
		{"radius", {"200", "5000", "100000", "0", "-1", "x", "1e10"}},
		{"width", {"200", "5000", "100000", "0", "-1", "x", "1e10"}},
		{"height", {"200", "5000", "100000", "0", "-1", "x", "1e10"}},
		{"encoding", {"u8", "i16", "u1", "i64", "u63", "u64", "i5", "u0", "x8"}},
		{"operation", {"AND", "OR", "XOR", "NOT", "and", "NAND"}},
		{"cursor", {"0", "0", "0", "0", "17", "x", "-1", "18446744073709551615"}},
		{"type", {"string", "list", "hash", "nosuch", "ZSET"}},
		{"channel", {"ch1", "ch2", "news.a", ""}},
		{"shardchannel", {"ch1", "ch2", "news.a", ""}},
		{"command", {"get", "set", "config|get", "eval", "nosuch", "xread", "config"}},
		{"command-name", {"get", "set", "config|get", "eval", "nosuch", "xread", "config"}},
		{"categoryname", {"read", "write", "nosuch"}},
		{"category", {"read", "write", "nosuch"}},
		{"username", {"default", "nosuch"}},
		{"parameter", {"maxmemory*", "hash-max-*", "nosuch", "notify-keyspace-events"}},
	};
	size_t i, k;

	for (i = 0; i < sizeof lists / sizeof *lists; i++) {
		if (strcmp(n, lists[i].name) != 0)
			continue;
		for (k = 0; k < 10 && lists[i].words[k]; k++)
			;
		any_of(c, lists[i].words, k);
		return true;
	}
	return false;
}

static bool of_time(struct command *c, const struct arg *a)
{
	const char *n = a->name;

	if (a->type == ARG_TIME)
		unix_time(c, strstr(n, "milliseconds"));
	else if (strcmp(n, "milliseconds") == 0 && a->token && strcasecmp(a->token, "block") == 0)
		WORDS("1", "3", "5", "-1", "x")
	else if (strcmp(n, "milliseconds") == 0)
		milliseconds(c);
	else if (strcmp(n, "seconds") == 0)
		seconds(c);
	else if (strcmp(n, "ttl") == 0 && chance(70))
		command_text(c, "0");
	else if (strcmp(n, "ttl") == 0)
		milliseconds(c);
	else if (strcmp(n, "timeout") == 0)
		timeout(c);
	else if (strstr(n, "idle-time") || strcmp(n, "ms") == 0)
		WORDS("0", "0", "0", "1000000000000", "-1", "x")
	else
		return false;
	return true;
}

static bool of_script(struct command *c, const char *n)
{
	if (strcmp(n, "script") == 0)
		script(c);
	else if (strcmp(n, "sha1") == 0)
		script_sha(c);
	else if (strcmp(n, "function-code") == 0)
		any_of(c, libraries, sizeof libraries / sizeof *libraries);
	else if (strstr(n, "library-name"))
		WORDS("lib1", "lib2", "lib3", "l*")
	else
		return false;
	return true;
}

static bool of_stream(struct command *c, const struct spec *s, const char *n)
{
	if (named(n, "group", "groupname"))
		WORDS("g1", "g1", "g2", "nosuch", "")
	if (strncmp(n, "consumer", 8) == 0)
		WORDS("c1", "c2", "c3", "")
	if (strcmp(n, "id") == 0 && strcmp(s->name, "xadd") == 0)
		new_entry(c);
	else if (strcmp(n, "id") == 0 && strcmp(s->name, "xreadgroup") == 0 && chance(60))
		command_text(c, ">");
	else if (named(n, "start", "end"))
		range_entry(c);
	else if (strcmp(n, "threshold") == 0 && chance(50))
		integer(c);
	else if (strcmp(n, "threshold") == 0 || strstr(n, "id"))
		entry(c);
	else
		return false;
	return true;
}

/* Where a range begins or ends: by score, by word, or by place. */
static bool of_range(struct command *c, const struct spec *s, const struct arg *a)
{
	const char *n = a->name;

	if (!named(n, "min", "max") &&
		!(strncmp(s->name, "zrange", 6) == 0 && named(n, "start", "stop")))
		return false;
	if (a->type == ARG_DOUBLE || (strcmp(s->name, "zrange") == 0 && chance(40)))
		score_limit(c);
	else if (strstr(s->name, "lex") || chance(40))
		lex_limit(c);
	else
		integer(c);
	return true;
}

static bool of_bits(struct command *c, const struct spec *s, const char *n)
{
	bool offset = strcmp(n, "offset") == 0;

	if (offset && strncmp(s->name, "bitfield", 8) == 0)
		WORDS("0", "7", "#1", "#3", "100", "#x", "-1", "4294967296", "#9223372036854775807")
	if (strcmp(s->name, "setbit") == 0 && strcmp(n, "value") == 0)
		WORDS("0", "1", "0", "1", "2", "x")
	if (!offset || !(named(s->name, "setbit", "setrange") || strcmp(s->name, "getbit") == 0) ||
		!chance(30))
		return false;
	command_number(c, below(5000));
	return true;
}

/* Where one name means this here and that there. */
static bool of_command(struct command *c, const struct spec *s, const char *n)
{
	char text[32];

	if (strcmp(n, "serialized-value") == 0)
		serialized(c, s);
	else if (strncmp(n, "member", 6) == 0 || strcmp(n, "field") == 0)
		chance(85) ? small_text(c) : words_value(c);
	else if (strcmp(n, "pivot") == 0)
		small_text(c);
	else if (strcmp(n, "message") == 0)
		words_value(c);
	else if (strncmp(n, "index", 5) == 0 && strcmp(s->group, "list") == 0)
		integer(c);
	else if (strstr(n, "db") || strncmp(n, "index", 5) == 0)
		WORDS("0", "1", "1", "0", "2", "16", "-1", "x", "99999999999")
	else if (strcmp(n, "count") == 0 && strstr(s->name, "rand")) /* -N: as many as it says */
		WORDS("0", "1", "3", "100", "-1", "-5", "x", "9223372036854775807")
	else if (strcmp(n, "key") == 0) /* not of type key: CLUSTER KEYSLOT */
		command_add(c, text, (size_t)sprintf(text, "s%u", below(5)));
	else
		return false;
	return true;
}

/* Has this argument a generator of its own? */
static bool by_name(struct command *c, const struct spec *s, const struct arg *a, char type)
{
	bool stream = type == 'x' || strcmp(s->group, "stream") == 0;

	if (of_time(c, a) || of_script(c, a->name) || (stream && of_stream(c, s, a->name)) ||
		of_range(c, s, a) || of_bits(c, s, a->name))
		return true;
	if (a->type == ARG_PATTERN)
		return pattern(c, s), true;
	return of_list(c, a->name) || of_command(c, s, a->name);
}

void words_for(struct command *c, const struct spec *s, const struct arg *a, char type)
{
	if (a->type == ARG_KEY)
		words_key(c, type);
	else if (by_name(c, s, a, type))
		;
	else if (a->type == ARG_INTEGER)
		integer(c);
	else if (a->type == ARG_DOUBLE)
		real(c);
	else
		words_value(c);
}
