/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cxl_cli.c - cxl-cli: redis-cli over the ring. One command from the arguments, or many
 * from a terminal (with history) or a pipe. What it prints is what redis-cli prints.
 */
#include "cxlring.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "clock.h"
#include "err.h"
#include "live.h"
#include "option.h"
#include "secure_ring.h"
#include "print.h"
#include "region_path.h"

static const char usage[] =
	"usage: cxl-cli [options] [command [argument ...]]\n"
	"  --region PATH       file or device; default $CXLRING_REGION, $CXL_RING_PATH\n"
	"  --offset BYTES      where the region starts in it\n"
	"  --map-size BYTES    how much to map; default: all there is\n"
	SECURE_OPTION_HELP
	"  --user NAME, -a, --pass PASSWORD   authenticate; also $REDISCLI_AUTH\n"
	"  --raw, --no-raw     output for programs or for people; default: by terminal\n"
	"  --json              output in JSON; RESP3, unless -2 is given\n"
	"  -n DB               database\n"
	"  -3, -2              RESP3, RESP2; default: RESP2\n"
	"  --eval FILE         run this script; arguments: keys, then a comma, then others\n"
	"  -x                  last argument from standard input\n"
	"  -e                  exit with 1 when Redis answers with an error, at the first one\n"
	"  -r N, -i SECONDS    repeat, -1: for ever, and wait in between\n"
	"  --latency           how long a PING takes, over and over; a line every -i seconds, 1\n"
	"  --latency-history   each line for itself, every -i seconds, 15\n"
	"  --stat              what the server does, every -i seconds, 1\n"
	"                      these three: -r N lines, else until they are stopped\n"
	"  --timeout MS        longest wait for an answer, 5000\n"
	"  --no-auth-warning   nothing: there is none\n"
	"  --help, --version\n";

static struct {
	struct cxlring_options options;
	struct secure_option secure;
	struct cxlring *c;
	bool raw, json, resp2, resp3, stdin_arg, exit_code, repeats;
	int (*live)(const struct live *l); /* instead of commands */
	bool history;
	const char *script; /* file */
	long repeat;
	double interval;
} cli = {.repeat = 1};

static int connected(void)
{
	char why[256];
	int rc;

	if (cli.c)
		return 0;
	rc = cxlring_open(&cli.c, &cli.options, why, sizeof why);
	if (rc)
		fprintf(stderr, "Could not connect to Redis through the ring: %s\n", why);
	return rc;
}

/* These are text for people in RESP2, too: redis-cli prints them as they are, and
 * without a line end of its own. */
static bool is_text(size_t argc, const char *const *argv)
{
	static const char *const pairs[][2] = {{"info", NULL}, {"lolwut", NULL},
		{"memory", "malloc-stats"}, {"memory", "doctor"}, {"cluster", "nodes"},
		{"cluster", "info"}, {"latency", "graph"}, {"latency", "doctor"}};
	size_t i;

	for (i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (strcasecmp(argv[0], pairs[i][0]) == 0 &&
			(!pairs[i][1] || (argc > 1 && strcasecmp(argv[1], pairs[i][1]) == 0)))
			return true;
	return false;
}

static void show(const struct cxlring_reply *r, bool text)
{
	if (text && r->type == CXLRING_ERROR)
		printf("%s\n", r->str);
	else if (text && (r->type == CXLRING_STRING || r->type == CXLRING_VERB))
		fwrite(r->str, 1, r->len, stdout);
	else if (cli.json)
		print_json(stdout, r);
	else if (cli.raw)
		print_raw(stdout, r);
	else
		print_tty(stdout, r);
	fflush(stdout);
}

/* The words that Redis answers a SELECT with. */
static int select_db(const char *word, struct cxlring_reply **r)
{
	struct cxlring_view bad = {.type = CXLRING_ERROR};
	int64_t db;
	int rc;

	if (!option_parse(word, &db))
		bad.data = "ERR value is not an integer or out of range";
	else if (cxlring_select(cli.c, db < 0 || db > UINT16_MAX ? -1 : (int)db))
		bad.data = "ERR DB index is out of range";
	if (bad.data) {
		bad.len = strlen(bad.data);
		*r = cxlring_copy(&bad);
		return *r ? 0 : -ENOMEM;
	}
	rc = cxlring_ping(cli.c, r);
	if (rc == 0 && (*r)->type != CXLRING_ERROR) {
		cli.options.db = (int)db;
		strcpy((*r)->str, "OK"); /* for PONG */
		(*r)->len = 2;
	}
	return cxlring_select(cli.c, cli.options.db) ? -EINVAL : rc;
}

static int ask(size_t argc, const char *const *argv, const size_t *lens,
	struct cxlring_reply **r)
{
	if (strcasecmp(argv[0], "auth") == 0 && (argc == 2 || argc == 3))
		return cxlring_auth(cli.c, argc == 3 ? argv[1] : NULL, argv[argc - 1], r);
	if (strcasecmp(argv[0], "select") == 0 && argc == 2)
		return select_db(argv[1], r);
	return cxlring_call(cli.c, argc, argv, lens, cli.resp3 ? CXLRING_RESP3 : 0, r);
}

/* 0; 1 when Redis answered with an error and that counts; -1 when the ring failed. */
static int run(size_t argc, const char *const *argv, const size_t *lens)
{
	struct cxlring_reply *r;
	int rc;

	if (connected())
		return -1;
	rc = ask(argc, argv, lens, &r);
	if (rc) {
		fprintf(stderr, "Error: %s\n",
			cxlring_why(cli.c)[0] ? cxlring_why(cli.c) : err_name(rc));
		return -1;
	}
	rc = r->type == CXLRING_ERROR && cli.exit_code;
	if (rc)
		fprintf(stderr, "%s\n", r->str);
	else
		show(r, is_text(argc, argv));
	cxlring_free(r);
	return rc;
}

static void wait_interval(void)
{
	struct timespec t = {.tv_sec = (time_t)cli.interval};

	t.tv_nsec = (long)((cli.interval - (double)t.tv_sec) * 1e9);
	nanosleep(&t, NULL);
}

/* So many times, or for ever when that is below 0. */
static int run_times(
	long times, size_t argc, const char *const *argv, const size_t *lens)
{
	int rc = 0;

	for (; rc == 0 && times != 0; times -= times > 0) {
		rc = run(argc, argv, lens);
		wait_interval();
	}
	return rc;
}

/* "5 PING" is five of them. Takes the first word off; false when it is no number to
 * repeat by. */
static bool take_times(
	size_t *n, char *const **words, const size_t **lens, long *times)
{
	char *end;
	long v;

	*times = 1;
	errno = 0;
	v = strtol((*words)[0], &end, 10);
	if (*n < 2 || end == (*words)[0] || *end)
		return true;
	--*n;
	++*words;
	++*lens;
	*times = v;
	return errno == 0 && v > 0;
}

static int run_words(size_t n, char *const *words, const size_t *lens)
{
	uint64_t t0 = clock_ms(), took;
	long times;
	int rc;

	if (!take_times(&n, &words, &lens, &times)) {
		printf("Invalid repeat command option value.\n");
		return 0;
	}
	rc = run_times(times, n, (const char *const *)words, lens);
	took = clock_ms() - t0;
	if (took >= 500 && !cli.raw)
		printf("(%.2fs)\n", (double)took / 1000);
	return rc;
}

static int run_line(const char *line)
{
	size_t n, *lens;
	char **words = split_line(line, &n, &lens);
	int rc = 0;

	if (!words) {
		printf("Invalid argument(s)\n");
		return 0;
	}
	if (n && (strcasecmp(words[0], "quit") == 0 || strcasecmp(words[0], "exit") == 0))
		exit(0);
	if (n && strcasecmp(words[0], "clear") == 0)
		printf("\033[H\033[2J");
	else if (n)
		rc = run_words(n, words, lens);
	split_free(words, lens);
	return rc;
}

/* A password has no place in a file. A word that may come before one is enough, in quotes
 * that do not end as well: better a line too few. */
static bool has_password(const char *line)
{
	static const char *const before[] = {
		"auth", "auth2", "setuser", "requirepass", "masterauth"};
	static const char between[] = " \t\"'";
	size_t i, len;

	for (; *line; line += len) {
		line += strspn(line, between);
		len = strcspn(line, between);
		for (i = 0; i < sizeof before / sizeof *before; i++)
			if (len == strlen(before[i]) && strncasecmp(line, before[i], len) == 0)
				return true;
	}
	return false;
}

/* The prompt tells the database, as redis-cli's. */
static void show_db(char *prompt, size_t len, const char *region)
{
	int n = snprintf(prompt, len, "%.200s", region);

	if (cli.options.db)
		n += snprintf(prompt + n, len - (size_t)n, "[%d]", cli.options.db);
	snprintf(prompt + n, len - (size_t)n, "> ");
}

static int interactive(void)
{
	const char *home = getenv("HOME");
	char prompt[300], history[512] = "", *line;
	const char *path = region_path(cli.options.region);

	path = path && strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	if (home)
		snprintf(history, sizeof history, "%.400s/.cxlcli_history", home);
	if (history[0])
		read_history(history);
	connected();
	for (;;) {
		show_db(prompt, sizeof prompt, path ? path : "not connected");
		line = readline(prompt);
		if (!line)
			break;
		if (line[0] && !has_password(line)) {
			add_history(line);
			if (history[0])
				write_history(history);
		}
		run_line(line);
		free(line);
	}
	printf("\n");
	return 0;
}

static int from_pipe(void)
{
	char *line = NULL;
	size_t cap = 0;
	int rc = 0;

	while (rc == 0 && getline(&line, &cap, stdin) > 0)
		rc = run_line(line);
	free(line);
	return rc;
}

/* What is to be one argument; the caller frees it. */
static char *read_all(FILE *f, size_t *len)
{
	char *p = NULL;
	FILE *m = open_memstream(&p, len);
	char buf[65536];
	size_t n;

	while (m && (n = fread(buf, 1, sizeof buf, f)) > 0)
		fwrite(buf, 1, n, m);
	if (m)
		fclose(m);
	return p;
}

static int one_shot(int argc, char **argv)
{
	const char **v = calloc((size_t)argc + 1, sizeof *v);
	size_t *lens = calloc((size_t)argc + 1, sizeof *lens), n = (size_t)argc, i;
	char *last = NULL;
	int rc = v && lens ? 0 : -1;

	for (i = 0; rc == 0 && i < n; i++) {
		v[i] = argv[i];
		lens[i] = strlen(argv[i]);
	}
	if (rc == 0 && cli.stdin_arg) {
		v[n] = last = read_all(stdin, &lens[n]);
		n++;
	}
	if (rc == 0)
		rc = run_times(cli.repeat, n, v, lens);
	free(last);
	free(v);
	free(lens);
	return rc;
}

/* EVAL of a file: "key1 key2 , arg1" */
static int run_script(int argc, char **argv)
{
	const char **v = calloc((size_t)argc + 3, sizeof *v);
	size_t *lens = calloc((size_t)argc + 3, sizeof *lens), n = 3;
	FILE *f = fopen(cli.script, "r");
	char *script = NULL, number[16];
	int i, keys = 0, rc = -1;

	for (keys = 0; keys < argc && strcmp(argv[keys], ",") != 0; keys++)
		;
	if (!f)
		fprintf(stderr, "Can't open file '%s': %s\n", cli.script, strerror(errno));
	if (!f || !v || !lens || !(script = read_all(f, &lens[1])))
		goto out;
	snprintf(number, sizeof number, "%d", keys);
	v[0] = "EVAL";
	v[1] = script;
	v[2] = number;
	for (i = 0; i < argc; i++)
		if (i != keys)
			v[n++] = argv[i];
	for (i = 0; i < (int)n; i++)
		lens[i] = i == 1 ? lens[1] : strlen(v[i]);
	rc = run_times(cli.repeat, n, v, lens);
out:
	if (f)
		fclose(f);
	free(script);
	free(v);
	free(lens);
	return rc;
}

enum { REGION = 256, OFFSET, MAP_SIZE, USER, PASS, RAW, NO_RAW, TIMEOUT, LATENCY,
	HISTORY, STAT, JSON, EVAL, NO_AUTH_WARNING, HELP, VERSION };

static const struct option options[] = {SECURE_OPTION_LONG, {"region", 1, NULL, REGION},
	{"offset", 1, NULL, OFFSET}, {"map-size", 1, NULL, MAP_SIZE}, {"user", 1, NULL, USER},
	{"pass", 1, NULL, PASS}, {"raw", 0, NULL, RAW}, {"no-raw", 0, NULL, NO_RAW},
	{"timeout", 1, NULL, TIMEOUT}, {"latency", 0, NULL, LATENCY},
	{"latency-history", 0, NULL, HISTORY}, {"stat", 0, NULL, STAT},
	{"json", 0, NULL, JSON}, {"eval", 1, NULL, EVAL},
	{"no-auth-warning", 0, NULL, NO_AUTH_WARNING}, {"help", 0, NULL, HELP}, {"version", 0, NULL, VERSION},
	{NULL, 0, NULL, 0}};

/* How replies are asked for and shown. False: it is none of these. */
static bool take_format(int o)
{
	switch (o) {
	case RAW:
	case NO_RAW:
		cli.raw = o == RAW;
		cli.json = false;
		return true;
	case JSON:
		cli.json = true;
		return true;
	case '2':
		cli.resp2 = true;
		cli.resp3 = false;
		return true;
	case '3':
		cli.resp3 = true;
		return true;
	default:
		return false;
	}
}

static void take_option(int o)
{
	if (take_format(o) || secure_option_long(&cli.secure, o, optarg))
		return;
	switch (o) {
	case REGION:
		cli.options.region = optarg;
		break;
	case OFFSET:
		cli.options.offset = (uint64_t)option_number("--offset", optarg, 0, INT64_MAX);
		break;
	case MAP_SIZE:
		cli.options.map_size = (uint64_t)option_number("--map-size", optarg, 0, INT64_MAX);
		break;
	case USER:
		cli.options.user = optarg;
		break;
	case 'a':
	case PASS:
		cli.options.password = optarg;
		break;
	case EVAL:
		cli.script = optarg;
		break;
	case NO_AUTH_WARNING: /* as redis-cli's, for who calls both */
		break;
	case TIMEOUT:
		cli.options.timeout_ms = (int)option_number("--timeout", optarg, 1, INT_MAX);
		break;
	case LATENCY:
	case HISTORY:
		cli.live = live_latency;
		cli.history = o == HISTORY;
		break;
	case STAT:
		cli.live = live_stat;
		break;
	case 'n':
		cli.options.db = (int)option_number("-n", optarg, 0, UINT16_MAX);
		break;
	case 'x':
		cli.stdin_arg = true;
		break;
	case 'e':
		cli.exit_code = true;
		break;
	case 'r':
		cli.repeat = option_number("-r", optarg, -1, INT64_MAX);
		cli.repeats = true;
		break;
	case 'i':
		cli.interval = option_seconds("-i", optarg, 86400);
		break;
	case VERSION:
		printf("cxl-cli 1.0.0\n");
		exit(0);
	default:
		fputs(usage, o == HELP ? stdout : stderr);
		exit(o == HELP ? 0 : 2);
	}
}

static _Noreturn int usage_error(void)
{
	fputs(usage, stderr);
	exit(2);
}

static int run_live(void)
{
	struct live l = {.interval = cli.interval, .lines = cli.repeats ? cli.repeat : -1,
		.terminal = isatty(STDOUT_FILENO), .history = cli.history};

	if (connected())
		return -1;
	l.c = cli.c;
	return cli.live(&l);
}

int main(int argc, char **argv)
{
	int o, rc;

	cli.raw = !isatty(STDOUT_FILENO);
	cli.options.password = getenv("REDISCLI_AUTH");
	while ((o = getopt_long(argc, argv, "+a:n:23xer:i:", options, NULL)) != -1)
		take_option(o);
	secure_ring_options(&cli.options, &cli.secure);
	cli.resp3 |= cli.json && !cli.resp2;
	if (cli.live)
		rc = optind < argc ? usage_error() : run_live();
	else if (cli.script)
		rc = run_script(argc - optind, argv + optind);
	else if (optind < argc)
		rc = one_shot(argc - optind, argv + optind);
	else if (isatty(STDIN_FILENO))
		rc = interactive();
	else
		rc = from_pipe();
	cxlring_close(cli.c);
	return rc != 0;
}
