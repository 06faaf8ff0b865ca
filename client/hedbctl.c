/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hedbctl.c - the administrator's tool for regions, keys and ops_server.
 *
 * Each command is one function; all print what they found and exit 0, or one sentence
 * on standard error and 1, or how it is used and 2.
 */
#include "hedbctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "acl_command.h"
#include "audit_command.h"
#include "ca_command.h"
#include "key_command.h"
#include "layout.h"
#include "ops.h"
#include "policy_command.h"
#include "secure_option.h"
#include "stats.h"
#include "value_command.h"

static const char usage[] =
	"hedbctl - regions, keys and the state of ops_server.\n"
	"\n"
	"  hedbctl region format FILE [--force] [--kv-channels N] [--kv-ring N]\n"
	"            [--ops-channels N] [--ops-ring N]\n"
	"  hedbctl region show [REGION]\n"
	"  hedbctl region write FILE TEXT                put TEXT beyond the channels ...\n"
	"  hedbctl region read FILE                      ... and see it from the other side\n"
	"  hedbctl key create FILE [--kek SOURCE]        new key file, never overwrites\n"
	"  hedbctl key seal FILE --new-kek SOURCE        seal it, by another source or anew\n"
	"  hedbctl key list FILE                         ids, and what state they are in\n"
	"  hedbctl key add FILE [--domain NAME]          a key that all nodes can have before ...\n"
	"  hedbctl key rotate FILE [ID] [--domain NAME]  ... it is active; or a new one\n"
	"  hedbctl key retire FILE ID                    a ready key is not to become active\n"
	"  hedbctl key destroy FILE ID --yes             lose it, and the values under it\n"
	"  hedbctl key destroy FILE --domain NAME --yes  ... all keys of a tenant or a column\n"
	"  hedbctl key credential FILE                   new client credential\n"
	"            SOURCE: tpm[:TCTI]; passphrase:FROM, FROM being prompt, fd:N,\n"
	"            credential:NAME (systemd) or a file; plain, for development. All of them\n"
	"            but credential take --kek, which unseals. New passphrases take\n"
	"            --argon2-kib N [65536] --argon2-passes N [4]\n"
	"  hedbctl ca init DIR [--days N]                new CA of the zone: certificates for\n"
	"  hedbctl ca issue DIR NAME --role R,R [--days N]   sealed channels. R: db client admin\n"
	"  hedbctl ca revoke DIR NAME                    kv:USER kv:* server:ops server:kv server:mgr;\n"
	"                                                --seconds N instead of --days N\n"
	"  hedbctl ca list DIR\n"
	POLICY_COMMAND_HELP
	AUDIT_COMMAND_HELP
	ACL_COMMAND_HELP
	"  hedbctl status [REGION]                       what ops_server is doing\n"
	"  hedbctl ping [REGION] [--count N] [--spin-us N]   round trips to ops_server\n"
	"  hedbctl encrypt TYPE [REGION] --credential FILE   lines of plaintext to base64 ...\n"
	"  hedbctl decrypt [REGION] --credential FILE        ... and back; TYPE: int4, text, date\n"
	"                                                and so on, of each enc_ type\n"
	"\n"
	"acl, status, ping, encrypt and decrypt take:\n"
	SECURE_OPTION_HELP
	"\n"
	"N may end in K, M or G. REGION defaults to $HEDB_REGION. FILE of a region: a file\n"
	"(/dev/shm/name), a PCI resource2, /dev/uioN, or fd:N; with --offset N and --size N\n"
	"where it starts in that, and how much of that to map.\n";

struct options {
	const char *word[4]; /* what is not an option */
	int nwords;
	uint64_t size, offset, count, spin_us;
	uint64_t kv_channels, kv_ring, ops_channels, ops_ring;
	const char *credential;
	struct secure_option secure;
	bool force;
};

static bool parse(struct options *o, int argc, char **argv)
{
	const struct {
		const char *name;
		uint64_t *to;
	} numbers[] = {{"--size", &o->size}, {"--offset", &o->offset}, {"--count", &o->count},
		{"--spin-us", &o->spin_us}, {"--kv-channels", &o->kv_channels},
		{"--kv-ring", &o->kv_ring}, {"--ops-channels", &o->ops_channels},
		{"--ops-ring", &o->ops_ring}};
	size_t k;
	int i;

	for (i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0) {
			if (o->nwords == 4)
				return false;
			o->word[o->nwords++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--force") == 0) {
			o->force = true;
			continue;
		}
		if (secure_option_take(&o->secure, argc, argv, &i))
			continue;
		if (strcmp(argv[i], "--credential") == 0) {
			if (++i == argc)
				return false;
			o->credential = argv[i];
			continue;
		}
		for (k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
			if (strcmp(argv[i], numbers[k].name) == 0)
				break;
		if (k == sizeof numbers / sizeof numbers[0] || ++i == argc)
			return false;
		if (region_parse_bytes(argv[i], numbers[k].to))
			return false;
	}
	return true;
}

/* ---- region ---- */

/* What does not fit is as large as can be, which region_format() then refuses. */
static void set_if_given(uint32_t *to, uint64_t v)
{
	if (v)
		*to = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* What is there already is as long as it is: only its owner says whether it may grow. */
static int format_end(
	const struct options *o, int rc, uint64_t need, const struct err_text *e)
{
	const char *file = o->word[2];

	if (rc != -EFBIG)
		return hedbctl_end(rc, e);
	fprintf(stderr, "hedbctl: %s; ", e->s);
	if (o->size && o->size < need)
		fprintf(stderr, "say --size %llu, or more\n", (unsigned long long)need);
	else
		fprintf(stderr, "a file is made longer by: fallocate -l %llu %s\n",
			(unsigned long long)(o->offset + (o->size ? o->size : need)), file);
	return 1;
}

static int region_cmd_format(const struct options *o)
{
	struct service_format f[LAYOUT_SERVICES];
	struct err_text e = {""};
	struct region r;
	uint64_t need, size;
	int rc;

	layout_default(f);
	set_if_given(&f[0].nchannels, o->kv_channels);
	set_if_given(&f[0].ring_bytes, o->kv_ring);
	set_if_given(&f[1].nchannels, o->ops_channels);
	set_if_given(&f[1].ring_bytes, o->ops_ring);
	need = region_bytes(f, LAYOUT_SERVICES);
	size = o->size ? o->size : need > LAYOUT_BYTES ? need : LAYOUT_BYTES;
	rc = region_map(&r, o->word[2], o->offset, size, true, &e);
	if (rc == -EFBIG && !o->size) /* there already, and smaller: what does it hold? */
		rc = region_map(&r, o->word[2], o->offset, 0, false, &e);
	if (!rc && !o->force && layout_foreign(&r)) {
		err_set(&e, "%s holds something else, which would be lost; --force if that is meant",
			o->word[2]);
		rc = -EEXIST;
	}
	if (!rc)
		rc = region_format(&r, f, LAYOUT_SERVICES, o->force, &e);
	if (rc)
		return format_end(o, rc, need, &e);
	printf("%s: %llu of %llu bytes, kv %u x %u KiB, ops %u x %u KiB\n", o->word[2],
		(unsigned long long)need, (unsigned long long)r.map_len, f[0].nchannels,
		f[0].ring_bytes >> 10, f[1].nchannels, f[1].ring_bytes >> 10);
	region_close(&r);
	return 0;
}

/* The region that the word `at` names, or else the environment; NULL, said: neither does. */
static const char *region_spec(const struct options *o, int at)
{
	const char *spec = o->nwords > at ? o->word[at] : getenv("HEDB_REGION");

	if (!spec)
		fprintf(stderr, "hedbctl: which region? name it, or set HEDB_REGION\n");
	return spec;
}

static int region_cmd_show(const struct options *o)
{
	const char *spec = region_spec(o, 2);
	struct err_text e = {""};
	struct region r;
	uint32_t i, k;
	int rc;

	if (!spec)
		return 2;
	rc = region_open(&r, spec, o->offset, o->size, &e);
	if (rc)
		return hedbctl_end(rc, &e);
	printf("version %d\nbytes %llu\nmapped %llu\nformat %016llx\n", REGION_VERSION,
		(unsigned long long)r.size, (unsigned long long)r.map_len,
		(unsigned long long)r.format_id);
	for (i = 0; i < r.nservices; i++) {
		const struct service_geometry *g = &r.service[i];
		uint64_t lease = shm_load64(&g->shm->lease);
		uint32_t claimed = 0;

		for (k = 0; k < g->nchannels; k++)
			claimed += shm_load64(&chan_control(g, k)->claim) != 0;
		printf("service %s channels %u claimed %u ring_bytes %u ", g->name, g->nchannels,
			claimed, g->ring_bytes);
		if (!lease)
			printf("no server\n");
		else
			printf("server pid %u %s\n", ident_pid(lease),
				ident_alive(lease) ? "alive" : "dead");
	}
	region_close(&r);
	return 0;
}

/* What lies in the region anybody may have written: nothing of it moves a terminal. */
static void print_clean(const void *bytes, uint64_t len)
{
	const unsigned char *p = bytes;

	for (; len--; p++)
		putchar((*p >= ' ' && *p < 127) || *p == '\n' ? *p : '?');
}

/* The last bytes of the mapping, which the default layout leaves free. */
enum { SCRATCH_BYTES = 4096 };

static int scratch(const struct options *o, struct region *r, char **at, struct err_text *e)
{
	int rc = region_open(r, o->word[2], o->offset, o->size, e);
	uint64_t end;

	if (rc)
		return rc;
	end = r->map_len - (uint64_t)(r->base - (uint8_t *)r->map);
	if (end - r->size < SCRATCH_BYTES) {
		err_set(e, "no free %d bytes behind the channels to test with", SCRATCH_BYTES);
		region_close(r);
		return -EFBIG;
	}
	*at = (char *)r->base + end - SCRATCH_BYTES;
	return 0;
}

static int region_cmd_write(const struct options *o)
{
	struct err_text e = {""};
	struct region r;
	char *at;
	int rc;

	if (o->nwords != 4 || strlen(o->word[3]) >= SCRATCH_BYTES)
		return 2;
	rc = scratch(o, &r, &at, &e);
	if (rc)
		return hedbctl_end(rc, &e);
	memset(at, 0, SCRATCH_BYTES);
	memcpy(at, o->word[3], strlen(o->word[3]));
	shm_line_flush(at, SCRATCH_BYTES);
	printf("wrote %zu bytes at %llu\n", strlen(o->word[3]),
		(unsigned long long)(at - (char *)r.map));
	region_close(&r);
	return 0;
}

static int region_cmd_read(const struct options *o)
{
	struct err_text e = {""};
	struct region r;
	char *at;
	int rc = scratch(o, &r, &at, &e);

	if (rc)
		return hedbctl_end(rc, &e);
	print_clean(at, strnlen(at, SCRATCH_BYTES));
	putchar('\n');
	region_close(&r);
	return 0;
}

/* ---- ops_server ---- */

/* `at`: of the words, which one may name the region. */
static int connect_ops(
	const struct options *o, int at, struct region *r, struct ops_client *c)
{
	struct secure_option secure = o->secure;
	struct trust *trust;
	const char *spec = region_spec(o, at);
	struct chan_config config = {
		.spin_ns = o->spin_us * 1000, .delay_ns = chan_delay_from_env()};
	struct err_text e = {""};
	int rc;

	if (!spec)
		return 2;
	rc = secure_option_load(&secure, &trust, &e);
	if (rc)
		return hedbctl_end(rc, &e);
	rc = region_open(r, spec, o->offset, o->size, &e);
	if (rc) {
		trust_drop(trust);
		return hedbctl_end(rc, &e);
	}
	ops_client_init(c, r, &config, message_heap, 1 << 20);
	c->trust = trust;
	return 0;
}

enum { TIMEOUT_MS = 5000, WARM_UP = 1000 };

static void disconnect_ops(struct region *r, struct ops_client *c)
{
	ops_client_fini(c);
	trust_drop(c->trust);
	region_close(r);
}

/* As hedbctl_end(); of silence also in which region, and what to do if that has no server. */
static int ops_end(const struct options *o, int at, const struct region *r, int rc,
	const struct err_text *e)
{
	const char *spec = region_spec(o, at);
	const struct service_geometry *g = region_service(r, "ops");
	uint64_t lease = g ? shm_load64(&g->shm->lease) : 0;

	if (rc != -ETIMEDOUT)
		return hedbctl_end(rc, e);
	fprintf(stderr, "hedbctl: %s: %s", spec, e->s);
	if (!lease || !ident_alive(lease))
		fprintf(stderr, " Nobody serves it: ops_server --region %s --keys FILE", spec);
	fputc('\n', stderr);
	return 1;
}

static int cmd_status(const struct options *o)
{
	static struct ops_client c;
	struct err_text e = {""};
	const uint8_t *reply;
	struct region r;
	uint64_t len;
	int rc = connect_ops(o, 1, &r, &c);

	if (rc)
		return rc;
	rc = ops_call(&c, OPS_STATUS, 0, NULL, NULL, TIMEOUT_MS, &reply, &len, &e);
	if (rc)
		rc = ops_end(o, 1, &r, rc, &e);
	else
		print_clean(reply, len);
	disconnect_ops(&r, &c);
	return rc;
}

static void print_hist(const struct hist *h)
{
	printf("%llu round trips: mean %.1f p50 %llu p90 %llu p99 %llu p99.9 %llu max %llu ns\n",
		(unsigned long long)h->count, hist_mean(h),
		(unsigned long long)hist_percentile(h, 50),
		(unsigned long long)hist_percentile(h, 90),
		(unsigned long long)hist_percentile(h, 99),
		(unsigned long long)hist_percentile(h, 99.9), (unsigned long long)h->max);
}

static int cmd_ping(const struct options *o)
{
	static struct ops_client c;
	static struct hist h;
	struct err_text e = {""};
	const uint8_t *reply;
	struct region r;
	uint64_t len, i, t0;
	int rc = connect_ops(o, 1, &r, &c);

	if (rc)
		return rc;
	for (i = 0; i < o->count + WARM_UP && !rc; i++) {
		t0 = clock_ticks();
		rc = ops_call(&c, OPS_PING, 0, NULL, NULL, TIMEOUT_MS, &reply, &len, &e);
		if (!rc && i >= WARM_UP)
			hist_record(&h, clock_to_ns(clock_ticks() - t0));
	}
	if (rc)
		rc = ops_end(o, 1, &r, rc, &e);
	else
		print_hist(&h);
	disconnect_ops(&r, &c);
	return rc;
}

/* ---- values ---- */

/* t NULL: decrypt. `at`: of the words, which one may name the region. */
static int values(const struct options *o, const struct plaintext_type *t, int at)
{
	static struct ops_client c;
	struct err_text e = {""};
	struct region r;
	int rc;

	if (o->nwords > at + 1)
		return 2;
	rc = connect_ops(o, at, &r, &c);
	if (rc)
		return rc;
	if (!c.trust && !o->credential) { /* a certificate's role takes its place */
		fprintf(stderr, "hedbctl: which credential? --credential FILE, or a certificate "
				"of role client by --secure\n");
		disconnect_ops(&r, &c);
		return 2;
	}
	c.role = ROLE_CLIENT;
	c.reply_max = 1 << 30;
	rc = c.trust ? 0 : ops_credential_read(c.credential, o->credential, &e);
	if (!rc)
		rc = value_lines(&c, t, &e);
	if (rc)
		rc = ops_end(o, at, &r, rc, &e);
	disconnect_ops(&r, &c);
	return rc;
}

static int cmd_encrypt(const struct options *o)
{
	struct plaintext_type t;

	if (o->nwords < 2)
		return 2;
	if (value_type(&t, o->word[1]))
		return values(o, &t, 2);
	fprintf(stderr, "hedbctl: no type %s; int4, text, date and so on, of each enc_ type\n",
		o->word[1]);
	return 2;
}

static int run(const struct options *o)
{
	if (o->nwords == 0)
		return 2;
	if (strcmp(o->word[0], "status") == 0)
		return cmd_status(o);
	if (strcmp(o->word[0], "ping") == 0)
		return cmd_ping(o);
	if (strcmp(o->word[0], "encrypt") == 0)
		return cmd_encrypt(o);
	if (strcmp(o->word[0], "decrypt") == 0)
		return values(o, NULL, 1);
	if (strcmp(o->word[0], "region") != 0 || o->nwords < 2)
		return 2;
	if (strcmp(o->word[1], "show") == 0)
		return region_cmd_show(o);
	if (o->nwords < 3)
		return 2;
	if (strcmp(o->word[1], "format") == 0)
		return region_cmd_format(o);
	if (strcmp(o->word[1], "write") == 0)
		return region_cmd_write(o);
	if (strcmp(o->word[1], "read") == 0)
		return region_cmd_read(o);
	return 2;
}

/* ---- usage ---- */

/* How many of its words a line of the usage has in common with what was typed, at most 2:
 * behind them each has a form of its own. */
static int words_met(const char *line, int argc, char **argv)
{
	static const char head[] = "  hedbctl ";
	int n;

	if (strncmp(line, head, sizeof head - 1) != 0)
		return 0;
	line += sizeof head - 1;
	for (n = 0; n < 2 && n + 1 < argc; n++) {
		size_t len = strlen(argv[n + 1]);

		if (strncmp(line, argv[n + 1], len) != 0 || line[len] != ' ')
			break;
		line += len + 1;
	}
	return n;
}

/* A line of the usage, at least FORM_INDENT long, without the explanation beside it. */
enum { FORM_INDENT = 12 };

static void print_form(const char *line)
{
	const char *end = line + strcspn(line, "\n");
	const char *gap = strstr(line + FORM_INDENT, "  ");

	fprintf(stderr, "%.*s\n", (int)((gap && gap < end ? gap : end) - line), line);
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

/* The forms of the command that was meant, as far as its words tell. */
static void print_forms(int argc, char **argv)
{
	const char *line;
	bool ours = false;
	int most = 0, met;

	for (line = usage; *line; line = next_line(line)) {
		met = words_met(line, argc, argv);
		most = met > most ? met : most;
	}
	if (!most) {
		fprintf(stderr, "hedbctl: no command %s; hedbctl --help lists them\n", argv[1]);
		return;
	}
	fprintf(stderr, "usage (hedbctl --help says more):\n");
	for (line = usage; *line; line = next_line(line)) {
		if (strncmp(line, "            [", FORM_INDENT + 1) != 0)
			ours = words_met(line, argc, argv) == most;
		if (ours)
			print_form(line);
	}
}

int main(int argc, char **argv)
{
	struct options o = {.count = 10000, .spin_us = 50};
	int rc = 2;

	if (sodium_init() < 0)
		return 1;
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "ca") == 0)
		rc = ca_command(argc - 2, argv + 2);
	else if (argc > 1 && strcmp(argv[1], "audit") == 0)
		rc = audit_command(argc - 2, argv + 2);
	else if (argc > 1 && strcmp(argv[1], "policy") == 0)
		rc = policy_command(argc - 2, argv + 2);
	else if (argc > 1 && strcmp(argv[1], "acl") == 0)
		rc = acl_command(argc - 2, argv + 2);
	else if (argc > 1 && strcmp(argv[1], "key") == 0)
		rc = key_command(argc - 2, argv + 2);
	else if (parse(&o, argc, argv))
		rc = run(&o);
	if (rc == 2 && argc < 2)
		fputs(usage, stderr);
	else if (rc == 2)
		print_forms(argc, argv);
	return rc;
}
