/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cxl_cli.c - cxl-cli: redis-cli over the ring. One command from the arguments, or many
 * from a terminal (with history) or a pipe. What it prints is what redis-cli prints.
 */
#include "cxlring.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "err.h"
#include "print.h"
#include "region.h"

static const char usage[] =
	"usage: cxl-cli [options] [command [argument ...]]\n"
	"  --region PATH       file or device; default $CXLRING_REGION, $CXL_RING_PATH\n"
	"  --offset BYTES      where the region starts in it\n"
	"  --map-size BYTES    how much to map; default: all there is\n"
	"  --user NAME, -a, --pass PASSWORD   authenticate; also $REDISCLI_AUTH\n"
	"  --raw, --no-raw     output for programs or for people; default: by terminal\n"
	"  -3                  RESP3\n"
	"  -x                  last argument from standard input\n"
	"  -e                  exit with 1 when Redis answers with an error\n"
	"  -r N, -i SECONDS    repeat, and wait in between\n"
	"  --timeout MS        longest wait for an answer, 5000\n";

static struct {
	struct cxlring_options options;
	struct cxlring *c;
	bool raw, resp3, stdin_arg, exit_code;
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

/* These are text for people in RESP2, too: redis-cli prints them as they are. */
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
	if (text && (r->type == CXLRING_STRING || r->type == CXLRING_VERB))
		fwrite(r->str, 1, r->len, stdout);
	else if (cli.raw)
		print_raw(stdout, r);
	else
		print_tty(stdout, r);
	fflush(stdout);
}

static int ask(size_t argc, const char *const *argv, const size_t *lens,
	struct cxlring_reply **r)
{
	if (strcasecmp(argv[0], "auth") == 0 && (argc == 2 || argc == 3))
		return cxlring_auth(cli.c, argc == 3 ? argv[1] : NULL, argv[argc - 1], r);
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
		rc = run(n, (const char *const *)words, lens);
	split_free(words, lens);
	return rc;
}

static int interactive(void)
{
	const char *home = getenv("HOME");
	char prompt[300], history[512] = "", *line;
	const char *path = cli.options.region ? cli.options.region : getenv("CXLRING_REGION");

	path = path ? path : getenv("CXL_RING_PATH");
	path = path && strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	snprintf(prompt, sizeof prompt, "%.200s> ", path ? path : "not connected");
	if (home)
		snprintf(history, sizeof history, "%.400s/.cxlcli_history", home);
	if (history[0])
		read_history(history);
	connected();
	while ((line = readline(prompt))) {
		/* A password has no place in a file. */
		if (line[0] && strncasecmp(line, "auth", 4) != 0) {
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

/* All of standard input as one more argument. */
static char *read_stdin(size_t *len)
{
	char *p = NULL;
	FILE *m = open_memstream(&p, len);
	char buf[65536];
	size_t n;

	while (m && (n = fread(buf, 1, sizeof buf, stdin)) > 0)
		fwrite(buf, 1, n, m);
	if (m)
		fclose(m);
	return p;
}

static int one_shot(int argc, char **argv)
{
	const char **v = calloc((size_t)argc + 1, sizeof *v);
	size_t *lens = calloc((size_t)argc + 1, sizeof *lens), n = (size_t)argc, i;
	int rc = v && lens ? 0 : -1;
	char *input = NULL;

	for (i = 0; rc == 0 && i < n; i++) {
		v[i] = argv[i];
		lens[i] = strlen(argv[i]);
	}
	if (rc == 0 && cli.stdin_arg) {
		v[n] = input = read_stdin(&lens[n]);
		n++;
	}
	for (; rc == 0 && cli.repeat != 0; cli.repeat -= cli.repeat > 0) {
		rc = run(n, v, lens);
		if (cli.interval > 0)
			usleep((useconds_t)(cli.interval * 1e6));
	}
	free(input);
	free(v);
	free(lens);
	return rc;
}

enum { REGION = 256, OFFSET, MAP_SIZE, USER, PASS, RAW, NO_RAW, TIMEOUT, HELP, VERSION };

static const struct option options[] = {{"region", 1, NULL, REGION},
	{"offset", 1, NULL, OFFSET}, {"map-size", 1, NULL, MAP_SIZE}, {"user", 1, NULL, USER},
	{"pass", 1, NULL, PASS}, {"raw", 0, NULL, RAW}, {"no-raw", 0, NULL, NO_RAW},
	{"timeout", 1, NULL, TIMEOUT}, {"help", 0, NULL, HELP}, {"version", 0, NULL, VERSION},
	{NULL, 0, NULL, 0}};

static void take_bytes(const char *name, uint64_t *to)
{
	if (region_parse_bytes(optarg, to) == 0)
		return;
	fprintf(stderr, "cxl-cli: --%s takes a number of bytes\n", name);
	exit(2);
}

static void take_option(int o)
{
	switch (o) {
	case REGION:
		cli.options.region = optarg;
		break;
	case OFFSET:
		take_bytes("offset", &cli.options.offset);
		break;
	case MAP_SIZE:
		take_bytes("map-size", &cli.options.map_size);
		break;
	case USER:
		cli.options.user = optarg;
		break;
	case 'a':
	case PASS:
		cli.options.password = optarg;
		break;
	case RAW:
	case NO_RAW:
		cli.raw = o == RAW;
		break;
	case TIMEOUT:
		cli.options.timeout_ms = atoi(optarg);
		break;
	case '3':
		cli.resp3 = true;
		break;
	case 'x':
		cli.stdin_arg = true;
		break;
	case 'e':
		cli.exit_code = true;
		break;
	case 'r':
		cli.repeat = atol(optarg);
		break;
	case 'i':
		cli.interval = atof(optarg);
		break;
	case VERSION:
		printf("cxl-cli 1.0.0\n");
		exit(0);
	default:
		fputs(usage, o == HELP ? stdout : stderr);
		exit(o == HELP ? 0 : 2);
	}
}

int main(int argc, char **argv)
{
	int o, rc;

	cli.raw = !isatty(STDOUT_FILENO);
	cli.options.password = getenv("REDISCLI_AUTH");
	while ((o = getopt_long(argc, argv, "+a:3xer:i:", options, NULL)) != -1)
		take_option(o);
	if (optind < argc)
		rc = one_shot(argc - optind, argv + optind);
	else if (isatty(STDIN_FILENO))
		rc = interactive();
	else
		rc = from_pipe();
	cxlring_close(cli.c);
	return rc != 0;
}
