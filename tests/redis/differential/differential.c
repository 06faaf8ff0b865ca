/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * differential - a random stream of commands to two servers, one by a socket and one by
 * the ring; whatever differs is a fault.
 *
 * usage: differential [options] SOCKET_A SOCKET_B REGION_B [SOCKET_REPLICA_OF_B]
 *
 *   --seed N      of the first episode (1); the next has N + 1
 *   --commands N  stop after so many (20000)
 *   --seconds N   or after this time, whatever --commands says
 *   --length N    commands of one episode (2000)
 *   --shrink N    seconds for making a failing episode short (60)
 *   --stop        at the first difference
 *   --list        what the first episode would send, and send nothing
 *   --only LIST   mostly these commands, with commas
 *
 * An episode starts from empty servers and depends on its seed alone, so that --seed N
 * --commands 1 repeats it. One that fails is made short and printed as commands of
 * cxl-cli, each with its way to B. Exit status: 0, 1 differences, 2 trouble, 3 the ring
 * failed.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "die.h"
#include "grammar.h"
#include "lanes.h"
#include "pair.h"
#include "random.h"
#include "shrink.h"
#include "words.h"

enum { BATCH = 64 };

static struct {
	unsigned long seed, commands, seconds, length, shrink;
	char *only[64];
	unsigned nonly;
	bool stop, list;
} o = {.seed = 1, .commands = 20000, .length = 2000, .shrink = 60};

/* ---- one episode ---- */

static void session_of_subscriber(struct command *c, unsigned *n)
{
	static const char *const names[] = {"subscribe", "psubscribe", "unsubscribe",
		"punsubscribe", "subscribe", "ping", "ssubscribe", "sunsubscribe"};
	unsigned i;

	*n = 1 + below(5);
	for (i = 0; i < *n; i++) {
		grammar_named(&c[i], ONE_OF(names));
		if (c[i].n == 1) /* of all, in an order of its own */
			command_text(&c[i], "ch1");
	}
}

/* Several channels at once, each in its database. */
static void batch_of_lanes(struct command *c, unsigned n, bool verbs)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		c[i].lane = below(LANES);
		c[i].db = (int)c[i].lane;
		if (verbs)
			grammar_verb(&c[i]);
		else
			grammar_confined(&c[i]);
	}
}

static void batch_of_one(struct command *c, unsigned n, enum way way, bool verbs, bool expiring)
{
	bool alone = chance(20), wander = way != WAY_STREAM && chance(30);
	unsigned i;
	int db = 0;

	for (i = 0; i < n; i++) {
		if (o.nonly && chance(70))
			grammar_named(&c[i], o.only[below(o.nonly)]);
		else if (verbs)
			grammar_verb(&c[i]);
		else
			grammar_command(&c[i], way == WAY_STREAM, expiring);
		c[i].alone = alone;
		c[i].db = db = wander && chance(30) ? (int)below(4) : db;
	}
}

/* Commands of one batch from c[0] on, at most `room`. Returns how many. */
static unsigned make_batch(struct command *c, unsigned room, unsigned number, bool expiring)
{
	static const unsigned depths[] = {1, 1, 2, 5, 20, BATCH};
	unsigned i, n = 1 + below(ONE_OF(depths));
	enum way way = below(5) == 0 ? WAY_STREAM : below(2) ? WAY_VERB : WAY_CALL;
	bool resp3 = way != WAY_VERB && chance(50), verbs = way == WAY_VERB && chance(50);

	n = n < room ? n : room;
	if (way == WAY_STREAM && chance(7) && room > 8)
		session_of_subscriber(c, &n);
	else if (way != WAY_STREAM && chance(20))
		batch_of_lanes(c, n, verbs);
	else
		batch_of_one(c, n, way, verbs, expiring);
	for (i = 0; i < n; i++) {
		c[i].way = way;
		c[i].resp3 = resp3;
		c[i].batch = number;
	}
	return n;
}

static struct pair_setting make_episode(struct command *c, unsigned n)
{
	struct pair_setting s = {
		.fast_path = !chance(20), .small = chance(50), .limited = chance(20)};
	bool expiring = chance(50);
	unsigned i, number = 0;

	for (i = 0; i < n;)
		i += make_batch(c + i, n - i, number++, expiring);
	return s;
}

static void list(const struct command *c, size_t n)
{
	static const char *const ways[] = {"verb", "call", "stream"};
	size_t i;

	for (i = 0; i < n; i++) {
		printf("#   [%s%s%s%s, db %d, channel %u] ", ways[c[i].way],
			c[i].resp3 ? " RESP3" : "",
			i + 1 < n && c[i].batch == c[i + 1].batch ? " +" : "",
			c[i].alone ? " alone" : "", c[i].db, c[i].lane);
		command_print(stdout, &c[i]);
		printf("%s\n", c[i].pause_ms ? "   (and a pause)" : "");
	}
}

static void report(const struct command *c, size_t n, const struct pair_setting *s,
	const struct verdict *v, bool shrunk)
{
	size_t from = shrunk || n < 30 ? 0 : n - 30;

	printf("# fast-path %s, limits of encodings %s, user %s\n", s->fast_path ? "yes" : "no",
		s->small ? "low" : "default", s->limited ? "limited" : "default");
	if (!shrunk)
		printf("# it did not come again; the last commands before it:\n");
	list(c + from, n - from);
	printf("# differ, after the last of them: %s", v->text ? v->text : "\n");
	fflush(stdout);
}

static unsigned long current_seed;

static void tell(void)
{
	const struct command *c;
	size_t n;

	pair_current(&c, &n);
	printf("# that was seed %lu; the commands that were under way:\n", current_seed);
	list(c, n);
}

/* Returns whether both did the same. */
static bool episode(unsigned long seed, bool deep)
{
	struct command *c = calloc(o.length + 1, sizeof *c);
	struct pair_setting s;
	struct verdict v;
	size_t i, n = o.length;
	bool shrunk;

	current_seed = seed;
	random_seed(seed);
	s = make_episode(c, (unsigned)o.length);
	if (o.list) {
		list(c, n);
		return true;
	}
	pair_reset(&s);
	v = pair_run(c, n, deep);
	if (!v.same) {
		printf("# seed %lu: differ at command %zu: %s", seed, v.at, v.text);
		fflush(stdout);
		for (i = v.at + 1; i < n; i++)
			command_free(&c[i]);
		n = v.at + 1;
		shrunk = shrink(c, &n, &s, deep && v.at + 1 == o.length, (unsigned)o.shrink, &v);
		report(c, n, &s, &v, shrunk);
	}
	free(v.text);
	for (i = 0; i < n; i++)
		command_free(&c[i]);
	free(c);
	return v.same;
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {{"seed", 1, NULL, 's'}, {"commands", 1, NULL, 'c'},
		{"seconds", 1, NULL, 't'}, {"length", 1, NULL, 'l'}, {"shrink", 1, NULL, 'x'},
		{"only", 1, NULL, 'o'},
		{"stop", 0, NULL, 'e'}, {"list", 0, NULL, 'i'}, {NULL, 0, NULL, 0}};
	char *word;
	int opt;

	while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1) {
		unsigned long *to = opt == 's'   ? &o.seed
							: opt == 'c' ? &o.commands
							: opt == 't' ? &o.seconds
							: opt == 'l' ? &o.length
							: opt == 'x' ? &o.shrink
										 : NULL;

		if (opt == '?')
			exit(2);
		if (to)
			*to = strtoul(optarg, NULL, 10);
		else if (opt == 'e')
			o.stop = true;
		else if (opt == 'i')
			o.list = true;
		else
			for (word = strtok(optarg, ","); word && o.nonly < 64; word = strtok(NULL, ","))
				o.only[o.nonly++] = word;
	}
	if (argc - optind < 3 || o.length == 0)
		die(DIE_TROUBLE, "usage: differential [options] SOCKET_A SOCKET_B REGION_B [SOCKET_REPLICA]");
}

int main(int argc, char **argv)
{
	unsigned long seed, done = 0, failed = 0;
	struct pair_names names;
	time_t end;

	parse(argc, argv);
	names = (struct pair_names){argv[optind], argv[optind + 1], argv[optind + 3], argv[optind + 2]};
	die_tell = tell;
	pair_open(&names);
	grammar_load(pair_a());
	end = time(NULL) + (time_t)o.seconds;
	for (seed = o.seed; o.seconds ? time(NULL) < end : done < o.commands; seed++) {
		if ((failed && o.stop) || (done && o.list))
			break;
		if ((seed - o.seed) % 10 == 0)
			pair_new_aof();
		failed += !episode(seed, true);
		done += o.length;
	}
	printf("# %lu commands of %zu kinds in %lu episodes from seed %lu; %lu differ\n", done,
		grammar_count(), seed - o.seed, o.seed, failed);
	pair_close();
	return failed != 0;
}
