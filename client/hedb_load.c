/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hedb_load.c - bulk loading of encrypted tables, and reading them back.
 *
 * Text comes in by rows.h, becomes bytes by plaintext.h, is encrypted by ops_server a
 * column at a time through a `client` channel, and goes out as COPY BINARY: into a table,
 * or to standard output. All of a file is loaded or nothing of it: a table gets it in one
 * COPY, which is one transaction; a stream that may not be used ends in the middle of a
 * row, which every reader of COPY BINARY refuses.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "load_flow.h"
#include "load_open.h"
#include "load_table.h"
#include "option.h"
#include "secure_option.h"

static const char usage[] =
	"hedb-load - bulk loading of tables with encrypted columns, and reading them.\n"
	"\n"
	"  hedb-load [OPTION...] TABLE [FILE]           COPY text or CSV into a table\n"
	"  hedb-load [OPTION...] --types T,... [FILE]   ... or to COPY BINARY on standard output\n"
	"  hedb-load [OPTION...] --decrypt [FILE]       rows with ciphertext to plaintext\n"
	"  hedb-load [OPTION...] --query SQL            the same, of a query's rows\n"
	"\n"
	"  --region FILE        of ops_server ($HEDB_REGION)\n"
	"  --offset N           where the region starts in FILE\n"
	"  --credential FILE    of a client ($HEDB_CREDENTIAL); with --secure the certificate's\n"
	"                       role `client` takes its place\n"
	SECURE_OPTION_HELP
	"  --dbname CONNINFO    database, or connection string (PGDATABASE, PGHOST, ...)\n"
	"  --columns A,B,...    the data's columns, when not all in the table's order\n"
	"  --stdout             with TABLE: its types, but COPY BINARY on standard output\n"
	"  --csv                CSV; without, COPY's text format\n"
	"  --header             the first line holds names\n"
	"  --delimiter C        between columns (tab; CSV: comma)\n"
	"  --quote C            of CSV (\")\n"
	"  --escape C           of CSV, within quotes (as --quote)\n"
	"  --null TEXT          what NULL looks like (\\N; CSV: nothing)\n"
	"  --reject FILE        set bad lines aside there, and load the others; overwritten\n"
	"  --timeout SECONDS    longest wait for ops_server (30)\n"
	"  --quiet              no progress, no summary\n";

enum { NAMED_MAX = 20 /* bad lines that are told one by one */, PROGRESS_ROWS = 20000 };

struct options {
	const char *table, *file, *region, *credential, *dbname, *columns, *types, *query, *reject;
	struct rows_format format;
	uint64_t offset, timeout_ms;
	bool to_stdout, header, decrypt, quiet;
	struct secure_option secure;
};

static int fail(const struct err_text *e, int rc)
{
	fprintf(stderr, "hedb-load: %s\n", e->s[0] ? e->s : err_name(rc));
	return 1;
}

/* ---- options ---- */

static bool one_char(const char *text, char *to)
{
	if (strcmp(text, "\\t") == 0)
		text = "\t";
	*to = *text;
	return text[0] && !text[1] && (uint8_t)*text < 0x80;
}

static bool take_flag(struct options *o, const char *name)
{
	const struct {
		const char *name;
		bool *to;
	} flags[] = {{"--stdout", &o->to_stdout}, {"--header", &o->header}, {"--csv", &o->format.csv},
		{"--decrypt", &o->decrypt}, {"--quiet", &o->quiet}};
	size_t k;

	for (k = 0; k < sizeof flags / sizeof *flags; k++)
		if (strcmp(name, flags[k].name) == 0)
			return *flags[k].to = true;
	return false;
}

static bool take_value(struct options *o, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **to;
	} words[] = {{"--region", &o->region}, {"--credential", &o->credential},
		{"--dbname", &o->dbname}, {"--columns", &o->columns}, {"--types", &o->types},
		{"--query", &o->query}, {"--reject", &o->reject}, {"--null", &o->format.null}};
	const struct {
		const char *name;
		char *to;
	} chars[] = {{"--delimiter", &o->format.delimiter}, {"--quote", &o->format.quote},
		{"--escape", &o->format.escape}};
	size_t k;

	for (k = 0; k < sizeof words / sizeof *words; k++)
		if (strcmp(name, words[k].name) == 0)
			return (*words[k].to = value) != NULL;
	for (k = 0; k < sizeof chars / sizeof *chars; k++)
		if (strcmp(name, chars[k].name) == 0)
			return value && one_char(value, chars[k].to);
	if (!value)
		return false;
	if (strcmp(name, "--offset") == 0)
		o->offset = (uint64_t)option_number(name, value, 0, INT64_MAX);
	else if (strcmp(name, "--timeout") == 0)
		o->timeout_ms = (uint64_t)(option_seconds(name, value, 86400) * 1000);
	else
		return false;
	return true;
}

static bool parse(struct options *o, int argc, char **argv)
{
	const char *word[2] = {NULL, NULL};
	int i, n = 0;

	for (i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0) {
			if (n == 2)
				return false;
			word[n++] = argv[i];
		} else if (secure_option_take(&o->secure, argc, argv, &i)) {
			continue;
		} else if (!take_flag(o, argv[i])) {
			if (!take_value(o, argv[i], argv[i + 1]))
				return false;
			i++;
		}
	}
	if (o->types || o->decrypt || o->query) {
		o->file = word[0];
		return n <= (o->query ? 0 : 1) && !o->types + !o->decrypt + !o->query == 2;
	}
	o->table = word[0];
	o->file = word[1];
	return n >= 1;
}

/* ---- ends ---- */

static ssize_t read_fd(void *ctx, char *to, size_t room)
{
	ssize_t n;

	do
		n = read(*(int *)ctx, to, room);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int write_fd(void *ctx, const uint8_t *p, size_t len, struct err_text *e)
{
	ssize_t n;

	for (; len; p += n, len -= (size_t)n) {
		n = write(*(int *)ctx, p, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0) {
			err_set(e, "standard output: %s", strerror(errno));
			return -EIO;
		}
	}
	return 0;
}

static int write_table(void *ctx, const uint8_t *p, size_t len, struct err_text *e)
{
	return load_table_write(ctx, p, len, e);
}

static int open_input(const struct options *o, int *fd, struct err_text *e)
{
	*fd = STDIN_FILENO;
	if (!o->file || strcmp(o->file, "-") == 0)
		return 0;
	*fd = open(o->file, O_RDONLY | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	err_set(e, "%s: %s", o->file, strerror(errno));
	return -errno;
}

static void say_files(const char *sentence)
{
	fprintf(stderr, "hedb-load: %s\n", sentence);
}

static int connect_ops(
	const struct options *o, struct region *r, struct ops_client *c, struct err_text *e)
{
	const char *region = o->region ? o->region : getenv("HEDB_REGION");
	const char *credential = o->credential ? o->credential : getenv("HEDB_CREDENTIAL");
	struct secure_option secure = o->secure;
	struct trust *trust;
	struct chan_config config = {
		.label = "hedb-load", .spin_ns = 50000, .delay_ns = chan_delay_from_env()};
	int rc;

	rc = secure_option_load(&secure, &trust, e);
	if (rc)
		return rc;
	if (!region || !(credential || trust)) {
		trust_drop(trust);
		err_set(e, region ? "which credential? --credential, or HEDB_CREDENTIAL"
						  : "which region? --region, or HEDB_REGION");
		return -EINVAL;
	}
	rc = region_open(r, region, o->offset, 0, e);
	if (rc) {
		trust_drop(trust);
		return rc;
	}
	ops_client_init(c, r, &config, message_heap, 1u << 31);
	c->trust = trust;
	if (trust)
		trust->say = say_files;
	c->role = ROLE_CLIENT;
	c->wait_channel_ms = o->timeout_ms;
	rc = trust ? 0 : ops_credential_read(c->credential, credential, e);
	if (rc) {
		ops_client_fini(c);
		region_close(r);
	}
	return rc;
}

/* ---- loading ---- */

struct load {
	const struct options *o;
	struct load_table table;
	struct load_flow flow;
	struct rows rows;
	struct region region;
	struct ops_client ops;
	FILE *reject;
	int fd, out;
	uint64_t size; /* of the file; 0: nobody knows */
	uint64_t nrows, bad, t0;
	bool hopeless; /* nothing will be loaded: read on for the sake of the count only */
	bool on_tty;
};

static double seconds(const struct load *l)
{
	double s = (double)(clock_ms() - l->t0) / 1000;

	return s > 0.001 ? s : 0.001;
}

static void show(const struct load *l)
{
	double mb = (double)l->rows.bytes / 1e6, s = seconds(l);

	fprintf(stderr, "\r%s: ", l->table.name ? l->table.name : "stream");
	if (l->size)
		fprintf(stderr, "%3.0f %%, ", 100.0 * (double)l->rows.bytes / (double)l->size);
	fprintf(stderr, "%llu rows, %.0f MB, %.0f MB/s, %.2f M values/s ",
		(unsigned long long)l->nrows, mb, mb / s,
		(double)l->nrows * l->table.ncolumns / s / 1e6);
}

/* A bad line: named, counted, and set aside if there is where. */
static int bad_row(struct load *l, int column, const struct err_text *why)
{
	l->bad++;
	if (l->bad <= NAMED_MAX) {
		fprintf(stderr, "%shedb-load: line %llu", l->on_tty ? "\r\033[K" : "",
			(unsigned long long)l->rows.line);
		if (column >= 0 && column < l->table.ncolumns)
			fprintf(stderr, ", column %s", l->table.names[column]);
		fprintf(stderr, ": %s\n", why->s);
	}
	if (!l->reject) {
		l->hopeless = true;
		return 0;
	}
	if (fwrite(l->rows.raw, 1, l->rows.raw_len, l->reject) != l->rows.raw_len ||
		(l->rows.raw[l->rows.raw_len - 1] != '\n' && putc('\n', l->reject) == EOF))
		return -errno;
	return 0;
}

/* Rows into batches. Returns 0 at the end of the data. */
static int read_rows(struct load *l, struct err_text *e)
{
	struct load_batch *b = load_flow_batch(&l->flow);
	int max = l->table.ncolumns + 1, n, column, rc = 0;
	struct field *f = malloc((size_t)max * sizeof *f);

	if (!f)
		return -ENOMEM;
	if (l->o->header)
		rc = rows_next(&l->rows, f, max, &n, e);
	while (b && rc != -ENODATA) {
		rc = rows_next(&l->rows, f, max, &n, e);
		column = n;
		if (!rc)
			rc = load_batch_add(b, f, n, &column, e);
		if (rc == -EILSEQ || rc == -EINVAL)
			rc = bad_row(l, column, e);
		else if (!rc)
			l->nrows++;
		if (rc && rc != -ENODATA)
			break;
		if (l->hopeless) {
			load_batch_clear(b);
		} else if (load_batch_full(b)) {
			load_flow_give(&l->flow);
			b = load_flow_batch(&l->flow);
		}
		if (l->on_tty && l->nrows % PROGRESS_ROWS == 0)
			show(l);
	}
	if (b && rc == -ENODATA && !l->hopeless)
		load_flow_give(&l->flow);
	free(f);
	return rc == -ENODATA ? 0 : rc;
}

/* That file may be where the lines come from. */
static bool is_input(const struct load *l, const char *path)
{
	struct stat in, other;

	return fstat(l->fd, &in) == 0 && stat(path, &other) == 0 && S_ISREG(in.st_mode) &&
		in.st_dev == other.st_dev && in.st_ino == other.st_ino;
}

/* Opening it empties it of what the last load put there, so this one has to be able to
 * begin: the table is known and takes rows, and ops_server, which is asked, lets us in. */
static int open_reject(struct load *l, struct err_text *e)
{
	const char *path = l->o->reject;
	const uint8_t *reply;
	uint64_t len;
	int rc;

	if (!path)
		return 0;
	if (is_input(l, path)) {
		err_set(e, "%s: the lines come from this file; set bad ones aside in another", path);
		return -EINVAL;
	}
	rc = ops_call(&l->ops, OPS_PING, 0, NULL, NULL, l->o->timeout_ms, &reply, &len, e);
	if (rc)
		return rc;
	ops_done(&l->ops);
	l->reject = fopen(path, "we");
	if (l->reject)
		return 0;
	err_set(e, "%s: %s", path, strerror(errno));
	return -EIO;
}

static const uint8_t copy_head[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";

/* Read, encrypt, send; the sink is open, and its end is the caller's. */
static int pump(struct load *l, const struct load_sink *sink, struct err_text *e)
{
	struct err_text why = {""};
	int rc = open_reject(l, e), rc2;

	if (!rc)
		rc = sink->write(sink->ctx, copy_head, sizeof copy_head, e);
	if (!rc)
		rc = load_flow_begin(&l->flow, l->table.columns, l->table.ncolumns, &l->ops,
			l->o->timeout_ms, sink);
	if (rc)
		return rc;
	rc = read_rows(l, e);
	rc2 = load_flow_end(&l->flow, &why);
	if (rc2)
		*e = why;
	if (rc || rc2)
		return rc ? rc : rc2;
	if (l->on_tty) {
		show(l);
		fputc('\n', stderr);
	}
	if (l->reject && fflush(l->reject)) {
		err_set(e, "%s: %s", l->o->reject, strerror(errno));
		return -EIO;
	}
	if (l->hopeless) {
		err_set(e, "%llu bad line%s; nothing is loaded", (unsigned long long)l->bad,
			l->bad == 1 ? "" : "s");
		return -EILSEQ;
	}
	return 0;
}

static int load_to_stdout(struct load *l, struct err_text *e)
{
	static const uint8_t trailer[2] = {0xff, 0xff}, cut[2] = {0, 1};
	struct load_sink sink = {&l->out, write_fd};
	struct err_text ignored;
	int rc = pump(l, &sink, e);

	if (!rc)
		return write_fd(&l->out, trailer, sizeof trailer, e);
	/* a row that does not go on: what reads this must not take it for the whole */
	if (write_fd(&l->out, cut, sizeof cut, &ignored))
		return rc;
	return rc;
}

static int load_to_table(struct load *l, struct err_text *e)
{
	struct load_sink sink = {&l->table, write_table};
	int rc = load_table_begin(&l->table, e);

	if (rc)
		return rc;
	rc = pump(l, &sink, e);
	if (!rc)
		return load_table_end(&l->table, e);
	load_table_abort(&l->table);
	return rc;
}

static int describe(struct load *l, struct err_text *e)
{
	const struct options *o = l->o;
	int rc;

	if (o->types)
		return load_table_types(&l->table, o->types, e);
	rc = load_table_connect(&l->table, o->dbname, e);
	return rc ? rc : load_table_describe(&l->table, o->table, o->columns, e);
}

static int prepare(struct load *l, struct err_text *e)
{
	struct stat st;
	int rc = open_input(l->o, &l->fd, e);

	if (!rc)
		rc = rows_init(&l->rows, &l->o->format, read_fd, &l->fd, e);
	if (!rc && fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode))
		l->size = (uint64_t)st.st_size;
	l->on_tty = !l->o->quiet && isatty(STDERR_FILENO);
	return rc ? rc : describe(l, e);
}

static void summary(const struct load *l)
{
	double s = seconds(l);

	fprintf(stderr, "%s: %llu rows in %.1f s, %.2f M values/s",
		l->table.name ? l->table.name : "stream", (unsigned long long)l->nrows, s,
		(double)l->nrows * l->table.ncolumns / s / 1e6);
	if (l->bad)
		fprintf(stderr, "; %llu bad line%s set aside in %s", (unsigned long long)l->bad,
			l->bad == 1 ? "" : "s", l->o->reject);
	fputc('\n', stderr);
}

static int load(const struct options *o)
{
	static struct load l;
	struct err_text e = {""};
	int rc;

	l = (struct load){.o = o, .out = STDOUT_FILENO, .t0 = clock_ms()};
	rc = prepare(&l, &e);
	if (!rc)
		rc = connect_ops(o, &l.region, &l.ops, &e);
	if (!rc) {
		rc = o->types || o->to_stdout ? load_to_stdout(&l, &e) : load_to_table(&l, &e);
		ops_client_fini(&l.ops);
		region_close(&l.region);
	}
	if (rc)
		fail(&e, rc);
	else if (!o->quiet)
		summary(&l);
	if (l.reject)
		fclose(l.reject);
	rows_fini(&l.rows);
	load_table_close(&l.table);
	return rc != 0;
}

/* ---- reading ---- */

static int reveal(const struct options *o)
{
	static struct ops_client ops;
	struct load_table table = {0};
	struct err_text e = {""};
	struct region region;
	struct rows rows = {0};
	uint64_t opened = 0;
	int fd = -1, rc;

	if (o->query) {
		rc = load_table_connect(&table, o->dbname, &e);
		if (!rc)
			rc = load_table_query(&table, o->query, o->format.csv, &e);
		if (!rc)
			rc = rows_init(&rows, &(struct rows_format){.csv = o->format.csv},
				load_table_read, &table, &e);
	} else {
		rc = open_input(o, &fd, &e);
		if (!rc)
			rc = rows_init(&rows, &o->format, read_fd, &fd, &e);
	}
	if (!rc)
		rc = connect_ops(o, &region, &ops, &e);
	if (!rc) {
		rc = load_open(&rows, stdout, &ops, o->timeout_ms, &opened, &e);
		ops_client_fini(&ops);
		region_close(&region);
	}
	rows_fini(&rows);
	load_table_close(&table);
	return rc ? fail(&e, rc) : 0;
}

int main(int argc, char **argv)
{
	struct options o = {.timeout_ms = 30000};

	if (sodium_init() < 0)
		return 1;
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) < 0;
	if (!parse(&o, argc, argv))
		return fputs(usage, stderr), 2;
	signal(SIGPIPE, SIG_IGN); /* it comes as EPIPE, with a sentence */
	return o.decrypt || o.query ? reveal(&o) : load(&o);
}
